"""Did it take effect before the symptom began, and is the time between them one that such a symptom takes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm
from agent.checks.arrivals import arrivals, arrived_at, began_at
from agent.checks.onset import Lag, Onset, lag_of, onset, own_alarms
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, clock, found, nothing, span, titled
from agent.evidence import inline
from agent.incident import Suspect
from graph.clock import DAY, Instant
from graph.model import EntityRef

if TYPE_CHECKING:
    from agent.scene import Scene

AFTER = -4.0
"""A cause does not come after its effect; what is left is a wrong clock or a wrong onset."""
AFTER_DETECTION_ONLY = -3.0
"""The same against the moment of detection, which is later than the onset."""
ALREADY_FIRING = -2.5
"""An alert of the same part and sort fired before it and still does: this symptom was there without it, unless there are two causes."""
CHRONIC = -0.3
"""One that has been firing for days tells little of the new trouble."""
USUAL_LAG = 0.5
"""Nine in ten causes of prompt symptoms show within the usual lag, about half of unrelated changes of a window lie there too (the age
itself is in the prior already)."""
LONG_LAG = -0.3
TOO_LONG_LAG = -0.8
FULL_LATER = -1.0
"""What is full is noticed by rules with their own delays; long after the onset it is more likely a consequence."""
TOLERANCE: Instant = 2 * MINUTE
"""Two sources' clocks, and the interval in which a rule is evaluated."""
_RULES: Instant = 10 * MINUTE
_CHRONIC_AFTER: Instant = DAY
_UNTIMED = frozenset({"quota", "external"})


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    began = onset(scene)
    lag = lag_of(scene.symptom)
    carried = arrivals(scene, suspects)
    firing = [a for a in own_alarms(scene) if a.fires_at(scene.symptom.at)]
    environment = scene.symptom.environment
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        if one.kind in _UNTIMED:
            findings[one.key] = nothing("When that began is not known: it is seen when somebody looks.", one.said[:1])
            continue
        start = began_at(one, environment, carried)
        at = arrived_at(one, environment)
        said = [*one.said[:2], carried[one.key].said if one.key in carried else None]
        finding = _judged(scene, one, start, at if at is not None else one.at, began, lag, firing)
        findings[one.key] = found(finding.weight or 0.0, finding.reason, [*finding.said, *said])
    return findings


def _judged(
    scene: Scene, one: Suspect, start: Instant, at: Instant, began: Onset, lag: Lag, firing: Sequence[Alarm]
) -> Finding:
    near = scene.symptom.at
    means = one.at_means or "happened"
    when = f"{titled(one)} {means} at {clock(at, near)}"
    onset_at = f"{began.what} at {clock(began.at, near)}"
    said = [began.said]
    if one.kind == "capacity" and start > began.at:
        weight = FULL_LATER if start > began.at + _RULES else 0.0
        return found(weight, f"{_capital(when)}, {span(start - began.at)} after {onset_at}.", said)
    if start > began.at + TOLERANCE:
        weight = AFTER if began.firm else AFTER_DETECTION_ONLY
        return found(weight, f"{_capital(when)}, {span(start - began.at)} after {onset_at}.", said)
    earlier = [a for a in firing if a.at < start - TOLERANCE]
    if earlier:
        first = earlier[0]
        chronic = first.at < near - _CHRONIC_AFTER
        reason = (
            f"{inline(first.signal.label)} had been firing since {clock(first.at, near)}, "
            f"{span(start - first.at)} before {titled(one)} {means} at {clock(at, near)}, and still does."
        )
        if not chronic:
            return found(ALREADY_FIRING, reason, [first.signal.said])
        return found(CHRONIC, reason, [first.signal.said])
    gap = max(began.at - at, 0)
    # Who only knows when it was noticed adds the time that noticing took.
    usual, most = (lag.usual, lag.most) if began.firm else (lag.usual + 60 * MINUTE, lag.most + 60 * MINUTE)
    named = f" ({scene.symptom.class_names[0].replace('_', ' ')})" if scene.symptom.classes else ""
    sort = f"trouble of this sort{named}"
    before = f"{_capital(when)}, {span(gap)} before {onset_at}"
    if start > began.at:
        return found(0.0, f"{_capital(when)}, at the moment {onset_at}: the clocks cannot tell which was first.", said)
    if gap <= usual:
        return found(USUAL_LAG, f"{before}, within the time in which {sort} mostly shows.", said)
    if gap <= most:
        return found(LONG_LAG, f"{before}, which is longer than {sort} usually takes to show.", said)
    return found(TOO_LONG_LAG, f"{before}; {sort} shows sooner after its cause.", said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


CHECK = Asking("time_order", "whether it took effect before the symptom began", 0.5, 0.4, _weigh)
