"""What is measured around a symptom: which names metrics are asked for, the questions themselves, and when a series left its band.

The questions depend on the symptom alone, never on who is suspected, so that each is asked once in an investigation, whichever check asks it first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from agent.checks.onset import lag_of
from agent.checks.weighing import HOUR, listed
from agent.evidence import inline
from agent.metric_shift import BAND, badness, baseline_of
from agent.named_service import service_names
from graph.clock import DAY, Instant
from graph.observations import EdgeAnswer, LogAnswer, MetricClass, Series, SeriesAnswer, SeriesQuery
from graph.store import Provenance

if TYPE_CHECKING:
    from agent.observations import Observations
    from agent.scene import Scene

DEADLINE_S = 1.5
"""Seconds that one question may take: somebody waits, and a backend that hangs may be the incident's own victim."""
MEASURED = frozenset({"Service", "Resource"})
"""Kinds of things that metrics are about."""
NAMES = 40
"""Most names of what lies around."""
_OTHERS = 20
_SERIES = 100
_SIDE_BY_SIDE = 8
_FINE = (DAY, 60)
_COARSE = (8 * DAY, 600)
"""How far back a series is read and its step in seconds."""
_LAST: Instant = HOUR
"""What is compared with what was before."""
_LASTING = 2
_GAP = 2
"""Points within the band that do not end a departure."""

_T = TypeVar("_T", SeriesAnswer, EdgeAnswer, LogAnswer)


@dataclass(frozen=True, slots=True)
class Departure:
    """A series that left its band and did not come back before the symptom was detected. `badness` is in spreads, `onset` when it left."""

    series: Series
    metric: MetricClass
    onset: Instant
    badness: float
    before: float
    after: float

    @property
    def label(self) -> str:
        """What to call it: `Errors of checkout`."""
        return f"{self.metric.capitalize()} of {inline(self.series.subject, 60)}"

    @property
    def said(self) -> Provenance:
        """Where it can be read."""
        return said(self.series)


# -- names


def anchor_names(scene: Scene) -> tuple[str, ...]:
    """Of what the symptom is about, as metrics may call it."""
    places = scene.surroundings.places
    names = [p.label for r, p in sorted(places.items()) if p.distance == 0 and r.kind in MEASURED]
    names += [a.label for a in scene.symptom.anchors if a.ref.kind in MEASURED]
    return tuple(sorted({n for n in names if n}))[: NAMES // 2]


def names_around(scene: Scene, ours: Sequence[str]) -> tuple[str, ...]:
    """Those of what the symptom is about, then the nearest, then other services: what changed may be a part to which no path is known.

    The same whoever is suspected, so that metrics are asked for once.
    """
    near = {p.ref: p for p in scene.surroundings.places.values() if p.ref.kind in MEASURED and p.distance > 0}
    ordered = sorted(near.values(), key=lambda p: (p.direction != "upstream", p.distance, p.ref))
    around = list(dict.fromkeys([*ours, *(p.label for p in ordered if p.label)]))[:NAMES]
    others = sorted(service_names(scene.store, scene.view) - set(around))
    return (*around, *others[:_OTHERS])


# -- questions


def series_query(scene: Scene, names: tuple[str, ...], metric: MetricClass) -> SeriesQuery:
    """One class of metric of all these names; nothing at or after the symptom is asked for."""
    until = scene.symptom.at
    length, step_s = _COARSE if lag_of(scene.symptom).most > 2 * DAY else _FINE
    return SeriesQuery(
        names=names,
        metric=metric,
        since=until - length,
        until=until,
        step_s=step_s,
        max_series=_SERIES,
        deadline_s=DEADLINE_S,
    )


def all_series(
    scene: Scene, observations: Observations, names: tuple[str, ...], metrics: Sequence[MetricClass]
) -> list[SeriesAnswer]:
    """One question for each metric, all at once; the series of an answer in one order."""
    queries = [series_query(scene, names, metric) for metric in metrics]
    return side_by_side(scene, "metrics", [partial(observations.series, q) for q in queries])


def side_by_side(scene: Scene, what: str, asks: Sequence[Callable[[], _T]]) -> list[_T]:
    """The answers in the order of the questions, asked at once; what could not be asked is noted in the scene as unseen."""
    if not asks:
        return []
    with ThreadPoolExecutor(min(len(asks), _SIDE_BY_SIDE), "measured") as pool:
        asked = [pool.submit(ask) for ask in asks]
        answers = [one.result() for one in asked]
    for answer in answers:
        note_unseen(scene, what, answer)
    return answers


def note_unseen(scene: Scene, what: str, answer: SeriesAnswer | EdgeAnswer | LogAnswer) -> None:
    """Remember what an answer lacks, for the report."""
    if answer.status == "unavailable":
        scene.unseen.setdefault(what, answer.hint)


def hint_of(answers: Sequence[SeriesAnswer | LogAnswer]) -> str:
    """Why there was nothing, in brackets behind a sentence; empty when nothing tells."""
    hint = next((a.hint for a in answers if a.status != "ok" and a.hint), "")
    return f" ({inline(hint, 120)})" if hint else ""


# -- series


def ordered(answer: SeriesAnswer) -> list[Series]:
    """Its series in one order, whatever the backend's."""
    return sorted(answer.series, key=lambda s: (s.subject, s.name, s.labels))


def departure(series: Series, metric: MetricClass, until: Instant) -> tuple[Departure | None, bool]:
    """When a series left its band for good before `until`, and whether it has enough points to tell.

    The band is that of all points but those of the last hour; no point at or after `until` is read.
    """
    points = [(t, v) for t, v in series.points if t < until]
    usual = baseline_of(points, metric, until - _LAST)
    recent = [t for t, _ in points if t >= until - _LAST]
    if usual is None or not recent:
        return None, False
    onset: Instant | None = None
    outside: list[float] = []
    inside = 0
    for t, value in reversed(points):
        if badness(usual.z(value), series.worse) > BAND:
            onset, inside = t, 0
            outside.append(value)
            continue
        inside += 1
        if inside > _GAP:
            break
    if onset is None or len(outside) < min(_LASTING, len(recent)):
        return None, True
    after = median(outside)
    return Departure(series, metric, onset, badness(usual.z(after), series.worse), usual.centre, after), True


def said(series: Series) -> Provenance:
    """Where a series can be read."""
    seen = series.seen
    return Provenance(seen.source, series.subject, seen.locator, seen.observed_at, seen.url)


def shown_names(names: Iterable[str]) -> str:
    """Names from a backend or the graph in a sentence."""
    return listed(inline(n, 60) for n in names)
