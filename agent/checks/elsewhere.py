"""What did the same change do where it arrived earlier: in another environment, or made to another part?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm, alarms
from agent.checks.around import Around
from agent.checks.arrivals import arrived_at
from agent.checks.likeness import same_elsewhere
from agent.checks.trouble import followed
from agent.checks.weighing import (
    HOUR,
    Asking,
    Finding,
    Findings,
    clock,
    found,
    listed,
    nothing,
    span,
)
from agent.evidence import inline
from agent.incident import Suspect
from graph.clock import Instant
from graph.store import ChangeView

if TYPE_CHECKING:
    from agent.scene import Scene

FAILED_THERE = 1.0
"""It failed where it arrived first as well: rarely chance."""
WELL_THERE = -0.3
"""It did no harm where it arrived first; other environments have other load, data and settings."""
EARLIER: Instant = HOUR
"""It must have been in effect there for so long to have shown."""


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    known = alarms(scene.store, scene.view)
    if not known.all:
        return {s.key: nothing("No alerts are known, so harm elsewhere would not be seen.") for s in suspects}
    twins = same_elsewhere(scene, suspects)
    around = Around(scene)
    return {s.key: _judged(scene, s, twins.get(s.key, ()), around) for s in suspects}


def _judged(scene: Scene, one: Suspect, twins: Sequence[ChangeView], around: Around) -> Finding:
    """Environments first; they tell of this very change."""
    return (
        _environments(scene, one, around)
        or _other_parts(scene, one, twins)
        or nothing("It is not known to have been in effect anywhere else for long enough before.", one.said[:1])
    )


def _environments(scene: Scene, one: Suspect, around: Around) -> Finding | None:
    symptom = scene.symptom
    here = arrived_at(one, symptom.environment)
    until = here if here is not None else symptom.at
    others = sorted(
        (at, name)
        for name, at in one.reached.items()
        if name not in (symptom.environment, "unknown") and symptom.environment and at + EARLIER <= until
    )
    if not others:
        return None
    parts = around.parts(one)
    harmed: list[tuple[str, Alarm]] = []
    for at, name in others:
        harmed += [(name, a) for a in followed(scene, parts, at, name, until=until) if a.signal.environment == name][:1]
    near = symptom.at
    if harmed:
        told = listed(f"{inline(a.signal.label, 80)} in {inline(n, 40)} at {clock(a.at, near)}" for n, a in harmed)
        return found(
            FAILED_THERE, f"Where it arrived earlier it was followed by {told}.", [a.signal.said for _, a in harmed]
        )
    seen = alarms(scene.store, scene.view).environments
    quiet = [(at, name) for at, name in others if name in seen]
    if not quiet:
        where = listed(inline(n, 40) for _, n in others)
        return nothing(f"It arrived in {where} before, of which no alerts are known.", one.said[:1])
    at, name = quiet[0]
    reason = f"It was in effect in {inline(name, 40)} from {clock(at, near)}, {span(until - at)} earlier, and no alert followed there."
    return found(WELL_THERE, reason, one.said[:2])


def _other_parts(scene: Scene, one: Suspect, twins: Sequence[ChangeView]) -> Finding | None:
    """The same attribute set to the same value on another thing before."""
    near = scene.symptom.at
    known = alarms(scene.store, scene.view)
    settled = [t for t in twins if t.at + EARLIER <= one.at]
    if not settled:
        return None
    harmed = [(t, a) for t in settled for a in followed(scene, [t.target], t.at, "", until=one.at)[:1]]
    if harmed:
        twin, alarm = harmed[0]
        reason = f"The same was changed elsewhere at {clock(twin.at, near)}, and {inline(alarm.signal.label, 80)} followed at {clock(alarm.at, near)}."
        return found(FAILED_THERE / 2, reason, [twin.provenance, alarm.signal.said])
    watched = [t for t in settled if known.watched([t.target])]
    if not watched:
        return None
    first = watched[0]
    reason = f"The same was changed elsewhere at {clock(first.at, near)}, and no alert of that part followed."
    return found(WELL_THERE / 2, reason, [first.provenance])


CHECK = Asking("elsewhere", "what the same change did elsewhere", 1.5, 0.25, _weigh, frozenset({"change", "manual"}))
