"""Which part is where it began, by the metrics of what lies around the symptom and the calls between (`agent.metric_rank`).

What is not measured shows in the nearest measured part that uses it, so both are supported alike; a part is held to be quiet by its own metrics only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agent.checks.measured import (
    MEASURED,
    Departure,
    all_series,
    anchor_names,
    departure,
    hint_of,
    names_around,
    ordered,
    said,
    shown_names,
)
from agent.checks.measured_calls import Calls, calls_around
from agent.checks.metric_shift import METRICS
from agent.checks.weighing import HOUR, Asking, Finding, Findings, clock, found, nothing
from agent.evidence import inline
from agent.incident import Suspect, Symptom
from agent.metric_rank import Ranked, rank
from agent.metric_shift import Points
from graph.clock import Instant
from graph.observations import WORSE, MetricClass, Series, SeriesAnswer
from graph.store import Provenance

if TYPE_CHECKING:
    from agent.scene import Scene

TOP = 1.4
"""It is in another part than the one that shows it, and metrics say that it began there: of ten parts around, one is that by chance."""
TOP_HERE = 0.4
"""It is in the part that shows it and that nothing it calls explains. Little: what comes from outside shows just so."""
SHARED = 0.5
"""What is left of either when another part comes near."""
QUIET = -0.5
"""The part was measured and stayed as it was. Little: what a change breaks need not show in its own metrics."""
_NEAR = 0.5
_LEADERS = 3
_LEAST = 0.1
"""A score below this points nowhere."""
_BEFORE: Instant = HOUR
"""A part that went bad so long before what shows it may be why."""
_RANKED: tuple[MetricClass, ...] = ("errors", "latency", "availability")


@dataclass(frozen=True, slots=True)
class _Measured:
    """The series by metric and name, one each: the one that got worst. `left` are those that left their band, `usable` those that can tell."""

    series: Mapping[MetricClass, Mapping[str, Series]]
    left: Mapping[MetricClass, Mapping[str, Departure]]
    usable: frozenset[str]
    hint: str

    @staticmethod
    def of(metrics: Sequence[MetricClass], answers: Sequence[SeriesAnswer], until: Instant) -> _Measured:
        """What the answers tell, in the order of the metrics."""
        series: dict[MetricClass, dict[str, Series]] = {}
        left: dict[MetricClass, dict[str, Departure]] = {}
        usable: set[str] = set()
        for metric, answer in zip(metrics, answers, strict=True):
            of_metric, gone = series.setdefault(metric, {}), left.setdefault(metric, {})
            for one in ordered(answer):
                if one.worse != WORSE[metric]:  # free memory, where others tell what is used: not to be compared
                    continue
                told, enough = departure(one, metric, until)
                if metric in _RANKED and enough:
                    usable.add(one.subject)
                known, worst = of_metric.get(one.subject), gone.get(one.subject)
                if told is not None and (worst is None or told.badness > worst.badness):
                    gone[one.subject] = told
                    of_metric[one.subject] = one
                elif worst is None and (known is None or len(one.points) > len(known.points)):
                    of_metric[one.subject] = one
        return _Measured(series, left, frozenset(usable), hint_of(answers))

    def quiet(self, name: str) -> bool:
        """Whether it was measured, and none of its metrics left its band."""
        return name in self.usable and all(name not in self.left.get(m, {}) for m in _RANKED)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Where it began. `leaders` are the parts that metrics point to, `by` the metric that tells, `target` the part that shows it."""

    leaders: tuple[Ranked, ...]
    by: MetricClass
    target: Departure
    measured: _Measured
    calls: Calls


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    observations = scene.observations
    if observations is None:
        return {s.key: nothing("No metrics are connected.") for s in suspects}
    ours = anchor_names(scene)
    if not ours:
        return {
            s.key: nothing("Nothing that the symptom is about has a name that metrics could carry.") for s in suspects
        }
    names = names_around(scene, ours)
    calls = calls_around(scene, observations, ours, names)
    asked = (*names, *(n for n in calls.beyond if n not in names))
    metrics: tuple[MetricClass, ...] = (*_metrics(scene.symptom), "traffic")
    measured = _Measured.of(metrics, all_series(scene, observations, asked, metrics), scene.symptom.at)
    if not measured.usable.intersection(ours):
        return {s.key: nothing(f"Nothing that the symptom is about was measured{measured.hint}.") for s in suspects}
    verdict = _where(scene, ours, measured, calls)
    if verdict is None:
        what = shown_names(sorted(measured.usable.intersection(ours)))
        return {s.key: found(0.0, f"Metrics of {what} point nowhere.") for s in suspects}
    by_name = {n.casefold(): n for n in reversed(asked)}
    return {s.key: _judged(scene, s, verdict, by_name) for s in suspects}


def _metrics(symptom: Symptom) -> tuple[MetricClass, ...]:
    """All that parts are ranked by, those of the symptom's classes first."""
    wanted: list[MetricClass] = [m for name in symptom.class_names[:2] for m in METRICS[name] if m in _RANKED]
    return tuple(dict.fromkeys([*wanted, *_RANKED]))


# -- where it began


def _where(scene: Scene, ours: Sequence[str], measured: _Measured, calls: Calls) -> _Verdict | None:
    """By the first metric in which what the symptom is about left its band; None when there is none, or it points nowhere."""
    until = scene.symptom.at
    services = scene.surroundings.services
    for metric in _metrics(scene.symptom):
        left = measured.left[metric]
        shown = [left[n] for n in ours if n in left]
        if not shown:
            continue
        target = min(shown, key=lambda d: (d.series.subject.casefold() not in services, -d.badness, d.series.subject))
        began = min(d.onset for d in left.values() if d.onset >= target.onset - _BEFORE)
        graph = calls.seen_from(target.series.subject)
        signals = _signals(measured, metric)
        ranked = rank(graph, signals, target.series.subject, metric, began, until)
        best = ranked[0].score if ranked else 0.0
        leaders = tuple(r for r in ranked if r.score >= max(best * _NEAR, _LEAST))
        if leaders and len(leaders) <= _LEADERS:
            return _Verdict(leaders, metric, target, measured, calls)
    return None


def _signals(measured: _Measured, metric: MetricClass) -> Mapping[str, Mapping[MetricClass, Points]]:
    """Points by name. Traffic weighs only where all have it and the metric is a share or a time, not a count of its own."""
    told, traffic = measured.series[metric], measured.series["traffic"]
    shares = metric != "errors" or all(s.unit == "1" for s in told.values())
    weighed = shares and told.keys() <= traffic.keys()
    signals: dict[str, Mapping[MetricClass, Points]] = {}
    for name, series in told.items():
        own: dict[MetricClass, Points] = {metric: series.points}
        if weighed:
            own["traffic"] = traffic[name].points
        signals[name] = own
    return signals


# -- of one suspect


def _judged(scene: Scene, one: Suspect, verdict: _Verdict, by_name: Mapping[str, str]) -> Finding:
    leading = {r.node: r for r in verdict.leaders}
    measured = verdict.measured
    place = one.place
    # An outage elsewhere shows where it is met, and nothing below it explains it.
    if one.kind == "external" and place is None and (here := leading.get(verdict.target.series.subject)) is not None:
        return _supported(scene, here, verdict, "what fails outside would show just so")
    label = place.label if place is not None and place.ref.kind in MEASURED else ""
    own = [n for t in dict.fromkeys((label, one.service)) if (n := by_name.get(t.casefold())) in measured.usable and n]
    for name in own:
        if name in leading:
            return _supported(scene, leading[name], verdict)
    if own:
        if all(measured.quiet(n) for n in own):
            shown = verdict.target.series.subject
            reason = f"{shown_names(own)} was measured and stayed in its band while {inline(shown, 60)} left its own."
            return found(QUIET, reason, _series_said(measured, own))
        reason = f"{shown_names(own)} got worse, but no more than what it depends on explains."
        return found(0.0, reason, _series_said(measured, own))
    if place is None or place.direction == "downstream":
        return nothing("The part that it lies in was not measured.")
    user = _user(scene, one, verdict, by_name)
    if user in leading:
        unmeasured = f"{inline(place.label, 60)} is not measured itself and would show there"
        return _supported(scene, leading[user], verdict, unmeasured)
    return nothing(f"{inline(place.label, 60)} was not measured.")


def _user(scene: Scene, one: Suspect, verdict: _Verdict, by_name: Mapping[str, str]) -> str:
    """The nearest measured part on the way from the symptom to it."""
    places = scene.surroundings.places
    for ref in reversed(one.place.via if one.place is not None else ()):
        place = places.get(ref)
        name = by_name.get(place.label.casefold(), "") if place is not None and ref.kind in MEASURED else ""
        if name in verdict.measured.usable:
            return name
    return verdict.target.series.subject


def _supported(scene: Scene, leader: Ranked, verdict: _Verdict, besides: str = "") -> Finding:
    target = verdict.target.series.subject
    weight = TOP_HERE if leader.node == target else TOP
    if len(verdict.leaders) > 1:
        weight *= SHARED
    told = verdict.measured.left[verdict.by].get(leader.node)
    near = scene.symptom.at
    rose = f" ({told.before:.3g} → {told.after:.3g} since {clock(told.onset, near)})" if told is not None else ""
    node = inline(leader.node, 60)
    others = [r.node for r in verdict.leaders if r.node != leader.node]
    beside = f", or in {shown_names(others)}," if others else ""
    if leader.node == target:
        reason = f"By its {verdict.by}{rose} it began in {node} itself{beside}: nothing measured that it depends on explains it"
    else:
        path = " → ".join(inline(n, 40) for n in leader.path)
        reason = f"By {verdict.by} it began in {node}{rose}{beside} on the way {path}"
    if besides:
        reason += f"; {besides}"
    series = verdict.measured.series[verdict.by]
    on_way = [verdict.calls.said[hop] for hop in pairwise(leader.path) if hop in verdict.calls.said]
    cited = [said(series[n]) for n in dict.fromkeys((leader.node, target)) if n in series]
    return found(weight, f"{reason}.", [*cited, *on_way])


def _series_said(measured: _Measured, names: Sequence[str]) -> list[Provenance]:
    return [said(s) for m in _RANKED for n in names if (s := measured.series.get(m, {}).get(n)) is not None]


CHECK = Asking("where", "in which part it began, by metrics", 3.0, 0.7, _weigh)
