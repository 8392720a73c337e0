"""Did others that depend on what was changed begin to fail after it too?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm, Alarms, alarms, alike
from agent.checks.around import Around
from agent.checks.arrivals import arrivals, began_at
from agent.checks.dependents import dependents
from agent.checks.onset import Lag, anchored_names, lag_of, onset
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, clock, found, listed, many, nothing, titled
from agent.evidence import inline
from agent.incident import Suspect
from graph.clock import Instant
from graph.model import EntityRef

if TYPE_CHECKING:
    from agent.scene import Scene

FIRST_VICTIM = 0.8
"""Another part that hangs on the same thing failed after it: what broke is likely to be what they share."""
EACH_MORE = 0.3
MOST = 1.4
HEALTHY = -0.2
"""Another part that is watched stayed well; most changes break one thing of several."""
HEALTHY_MOST = -0.4
BEFORE = -1.0
"""Another part failed in the same way before it: what they share was broken without it."""
_TOLERANCE: Instant = 2 * MINUTE
_TOGETHER: Instant = 30 * MINUTE


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    known = alarms(scene.store, scene.view)
    if not known.all:
        return {s.key: nothing("No alerts are known, so other victims would not be seen.") for s in suspects}
    # Trouble elsewhere after something that nothing ties to the symptom is another trouble.
    tied = [s for s in suspects if s.place is not None or not scene.surroundings.places]
    hang = dependents(scene, tied)
    # What depends on the failing part itself fails with it, whatever the cause.
    own = Around(scene).own | {r for r, p in scene.surroundings.places.items() if p.direction == "downstream"}
    carried = arrivals(scene, suspects)
    names, began, lag = anchored_names(scene), onset(scene).at, lag_of(scene.symptom)
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        if one.key not in hang:
            findings[one.key] = nothing(
                "Nothing ties it to the symptom, so whom else it hit tells nothing.", one.said[:1]
            )
            continue
        # What lies between the two is asked after by itself.
        others = hang[one.key] - own - (set(one.place.via) if one.place is not None else set())
        at = began_at(one, scene.symptom.environment, carried)
        findings[one.key] = _judged(scene, one, at, others, known, names, began, lag)
    return findings


def _judged(
    scene: Scene,
    one: Suspect,
    at: Instant,
    others: frozenset[EntityRef],
    known: Alarms,
    names: frozenset[str],
    began: Instant,
    lag: Lag,
) -> Finding:
    symptom = scene.symptom
    if not others:
        return nothing("Nothing else is known to depend on what it changed.", one.said[:1])
    about = [
        a
        for a in known.about(others)
        if a.at <= symptom.at and a.in_environment(symptom.environment) and not _is_own(scene, a)
    ]
    # What failed hours before the symptom began is trouble of its own.
    first = max(at - _TOLERANCE, began - max(lag.usual, _TOGETHER))
    after = [a for a in about if first <= a.at <= symptom.at]
    before = [a for a in about if a.at < at - _TOLERANCE and a.fires_at(at) and alike(a.signal, symptom, names)]
    near = symptom.at
    if before:
        first = before[0]
        reason = (
            f"{_told(first)} had been firing since {clock(first.at, near)}, before {titled(one)} took effect at {clock(at, near)}, "
            "though it depends on the same thing."
        )
        return found(BEFORE, reason, [first.signal.said, *one.said[:1]])
    if after:
        parts = _by_part(after)
        weight = min(FIRST_VICTIM + EACH_MORE * (len(parts) - 1), MOST)
        told = listed(f"{_told(a)} at {clock(a.at, near)}" for a in parts.values())
        return found(
            weight,
            f"After it took effect at {clock(at, near)}, others that depend on the same thing failed too: {told}.",
            [a.signal.said for a in parts.values()],
        )
    watched = _by_part([a for a in about if a.at < at])
    if not watched:
        return nothing("No alert of anything else that depends on what it changed is known.", one.said[:1])
    weight = max(HEALTHY * len(watched), HEALTHY_MOST)
    told = listed(_part(a) for a in watched.values())
    return found(
        weight,
        f"{many(len(watched), 'other part')} that {'depends' if len(watched) == 1 else 'depend'} on the same thing and {'has' if len(watched) == 1 else 'have'} alerts stayed well: {told}.",
        [a.signal.said for a in watched.values()],
    )


def _is_own(scene: Scene, alarm: Alarm) -> bool:
    return any(a.ref == alarm.signal.ref for a in scene.symptom.anchors)


def _by_part(some: Sequence[Alarm]) -> Mapping[str, Alarm]:
    """The first alert of each part."""
    parts: dict[str, Alarm] = {}
    for alarm in some:
        parts.setdefault(alarm.signal.service or min(alarm.about, default=alarm.signal.ref), alarm)
    return parts


def _part(alarm: Alarm) -> str:
    return inline(alarm.signal.service or alarm.signal.label, 60)


def _told(alarm: Alarm) -> str:
    of = f" of {inline(alarm.signal.service, 60)}" if alarm.signal.service else ""
    return f"{inline(alarm.signal.label, 80)}{of}"


CHECK = Asking("victims", "whether others that depend on it failed too", 2.0, 0.4, _weigh)
