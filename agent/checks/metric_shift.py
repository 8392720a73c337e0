"""Did a metric of what fails, or of what was changed, leave its band when the change took effect?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.checks.arrivals import arrivals, arrived_at, began_at
from agent.checks.measured import Departure, all_series, anchor_names, departure, hint_of, names_around, ordered
from agent.checks.onset import lag_of
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, clock, found, listed, nothing, span, titled
from agent.evidence import inline
from agent.incident import Suspect, Symptom, SymptomClass
from graph.clock import SECOND, Instant
from graph.model import EntityRef
from graph.observations import MetricClass, Series

if TYPE_CHECKING:
    from agent.observations import Observations
    from agent.scene import Scene

AT_ONCE = 1.3
"""It left its band within five minutes after: of unrelated changes of a day one in a hundred is so near."""
SOON = 0.8
WITHIN_LAG = 0.3
LATER = -0.4
"""It stayed in its band for longer than such a cause takes to show."""
EARLIER = -2.0
"""It had left its band before."""
PART = 0.7
"""A metric of the changed part itself got worse with it."""
MOST = 1.8
_UNTIMED = frozenset({"quota", "capacity", "external"})

METRICS: Mapping[SymptomClass, tuple[MetricClass, ...]] = {
    "errors": ("errors", "availability"),
    "latency": ("latency",),
    "timeouts": ("latency", "errors"),
    "refused": ("errors", "availability"),
    "dns": ("errors", "availability"),
    "tls": ("errors", "availability"),
    "access_denied": ("errors",),
    "authentication": ("errors",),
    "throttled": ("errors", "saturation"),
    "oom": ("memory",),
    "crash_loop": ("availability", "errors"),
    "disk": ("disk",),
    "cpu": ("cpu", "latency"),
    "data": ("errors",),
    "cost": ("traffic",),
    "queue_lag": ("queue",),
    "unscheduled": ("availability", "saturation"),
    "connections": ("connections", "errors"),
    "unavailable": ("availability", "errors"),
    "build": ("errors",),
}
"""Which metrics show each class of symptom, best first."""
_DEFAULT: tuple[MetricClass, ...] = ("errors", "latency")


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    if scene.observations is None:
        return {s.key: nothing("No metrics are connected.") for s in suspects}
    ours = anchor_names(scene)
    names = names_around(scene, ours)
    parts = {s.key: _part_names(s, ours) for s in suspects}
    if not names:
        return {s.key: nothing("Nothing with a name that metrics could carry is known.") for s in suspects}
    reading = _Reading.of(scene, scene.observations, names)
    carried = arrivals(scene, suspects)
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        if one.kind in _UNTIMED:
            findings[one.key] = nothing("When that began is not known, so no metric can be compared around it.")
            continue
        start = began_at(one, scene.symptom.environment, carried)
        at = arrived_at(one, scene.symptom.environment)
        findings[one.key] = _judged(scene, one, start, at if at is not None else one.at, reading, ours, parts[one.key])
    return findings


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the series around the symptom tell, by the name that each belongs to: the one that got worst. `quiet` stayed in their band."""

    worst: Mapping[str, Departure]
    quiet: frozenset[str]
    hint: str

    @staticmethod
    def of(scene: Scene, observations: Observations, names: tuple[str, ...]) -> _Reading:
        """One query for each metric of the symptom's classes."""
        worst: dict[str, Departure] = {}
        seen: set[str] = set()
        metrics = _metrics(scene.symptom)
        answers = all_series(scene, observations, names, metrics)
        for metric, answer in zip(metrics, answers, strict=True):
            for series in ordered(answer):
                told, usable = departure(series, metric, scene.symptom.at)
                if usable:
                    seen.add(series.subject)
                known = worst.get(series.subject)
                if told is not None and (known is None or told.badness > known.badness):
                    worst[series.subject] = told
        return _Reading(worst, frozenset(seen) - worst.keys(), hint_of(answers))

    def among(self, names: Sequence[str]) -> Departure | None:
        """The worst of these."""
        told = [self.worst[n] for n in names if n in self.worst]
        return min(told, key=lambda t: (-t.badness, t.series.subject), default=None)


def _judged(
    scene: Scene,
    one: Suspect,
    start: Instant,
    at: Instant,
    reading: _Reading,
    ours: Sequence[str],
    parts: Sequence[str],
) -> Finding:
    own, part = reading.among(ours), reading.among(parts)
    if own is None and part is None:
        quiet = sorted(reading.quiet.intersection((*ours, *parts)))
        if quiet:
            return found(0.0, f"No metric of {listed(inline(n, 60) for n in quiet)} left its band before the symptom.")
        return nothing(f"No metric with enough points before the symptom is known{reading.hint}.")
    weight, reason = _own_judged(scene, one, own, at) if own is not None else (0.0, "")
    said = [own.said] if own is not None else []
    if part is not None and start - 3 * MINUTE <= part.onset <= at + 15 * MINUTE:
        weight = min(weight + PART, MOST)
        told = f"{part.label} got worse at {clock(part.onset, scene.symptom.at)}, with the change itself"
        reason = f"{reason.rstrip('.')}; {told}." if reason else f"{told}."
        said.append(part.said)
    elif part is not None and own is None:
        reason = f"{part.label} left its band at {clock(part.onset, scene.symptom.at)}, and not with the change."
        said.append(part.said)
    return found(weight, reason, said)


def _own_judged(scene: Scene, one: Suspect, told: Departure, at: Instant) -> tuple[float, str]:
    near = scene.symptom.at
    step = _step(told.series)
    unit = f" {inline(told.series.unit, 12)}" if told.series.unit else ""
    figures = f"{told.before:.4g} → {told.after:.4g}{unit}, {told.badness:.0f} spreads"
    when = f"{told.label} left its band at {clock(told.onset, near)}"
    gap = told.onset - at
    if gap < -(2 * step + MINUTE):
        return EARLIER, f"{when}, {span(gap)} before {titled(one)} took effect ({figures})."
    after = f"{when}, {span(max(gap, 0))} after {titled(one)} took effect ({figures})."
    if gap <= 5 * MINUTE + step:
        return AT_ONCE, after
    if gap <= 15 * MINUTE + step:
        return SOON, after
    return (WITHIN_LAG if gap <= lag_of(scene.symptom).usual else LATER), after


def _part_names(one: Suspect, ours: Sequence[str]) -> tuple[str, ...]:
    names = {one.place.label if one.place is not None else "", one.service}
    return tuple(sorted(names - {""} - set(ours)))


def _metrics(symptom: Symptom) -> tuple[MetricClass, ...]:
    """At most three, of the surest classes."""
    wanted: list[MetricClass] = [m for name in symptom.class_names[:2] for m in METRICS[name]]
    return tuple(dict.fromkeys(wanted))[:3] or _DEFAULT


def _step(series: Series) -> Instant:
    times = [t for t, _ in series.points]
    return (times[-1] - times[0]) // (len(times) - 1) if len(times) > 1 else 60 * SECOND


CHECK = Asking("metric_shift", "whether metrics left their band when it took effect", 3.0, 0.8, _weigh)
