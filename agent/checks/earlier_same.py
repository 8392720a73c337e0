"""Was the same thing changed in the same way before, and did trouble follow?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm, alarms, alike
from agent.checks.around import Around
from agent.checks.likeness import Earlier, earlier_changes
from agent.checks.onset import anchored_names
from agent.checks.trouble import followed, watched_at
from agent.checks.weighing import Asking, Finding, Findings, clock, found, many, nothing
from agent.evidence import inline
from agent.incident import Suspect
from graph.model import EntityRef

if TYPE_CHECKING:
    from agent.scene import Scene

TROUBLE_BEFORE = 0.7
"""The same knob was turned before and an alert followed: what is delicate once is delicate again."""
MORE_TROUBLE = 0.2
MOST_TROUBLE = 1.1
SELDOM = 0.34
"""When fewer of the earlier changes were followed by an alert it was chance: what is changed every week is near some alert now and then."""
OTHER_SORT = 0.5
"""Share of the weight when the trouble then was of another sort than now."""
QUIET_BEFORE = -0.15
"""It was turned before without harm; values differ."""
QUIET_MOST = -0.4


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    if not alarms(scene.store, scene.view).all:
        return {s.key: nothing("No alerts are known, so earlier trouble would not be seen.") for s in suspects}
    earlier = earlier_changes(scene, suspects)
    around, names = Around(scene), anchored_names(scene)
    return {s.key: _judged(scene, s, earlier.get(s.key, ()), around, names) for s in suspects}


def _judged(scene: Scene, one: Suspect, earlier: Sequence[Earlier], around: Around, names: frozenset[str]) -> Finding:
    if not earlier:
        return nothing("No earlier change of the same thing and attribute is known.", one.said[:1])
    parts = around.parts(one)
    environment = scene.symptom.environment
    troubled: list[tuple[Earlier, Alarm]] = []
    quiet: list[Earlier] = []
    told: set[EntityRef] = set()
    for past in earlier:
        after = [a for a in followed(scene, parts, past.view.at, environment, until=one.at) if a.signal.ref not in told]
        if after:
            told.add(after[0].signal.ref)
            troubled.append((past, after[0]))
        elif watched_at(scene, parts, past.view.at, environment):
            quiet.append(past)
    near = scene.symptom.at
    share = len(troubled) / (len(troubled) + len(quiet)) if troubled else 0.0
    if troubled:
        past, alarm = next(((p, a) for p, a in troubled if alike(a.signal, scene.symptom, names)), troubled[0])
        reason = f"{_what(past)} was changed at {clock(past.view.at, near)} before, and {inline(alarm.signal.label, 80)} followed at {clock(alarm.at, near)}"
        if share < SELDOM:
            chance = (
                f"{reason}, as after {len(troubled)} of {len(troubled) + len(quiet)} such changes: no more than chance."
            )
            return found(0.0, chance, [past.view.provenance, alarm.signal.said])
        weight = min(TROUBLE_BEFORE + MORE_TROUBLE * (len(troubled) - 1), MOST_TROUBLE)
        weight *= 1.0 if alike(alarm.signal, scene.symptom, names) else OTHER_SORT
        return found(weight, f"{reason}.", [past.view.provenance, alarm.signal.said])
    if quiet:
        weight = max(QUIET_BEFORE * len(quiet), QUIET_MOST)
        past = quiet[0]
        reason = f"{_what(past)} was changed {many(len(quiet), 'time')} before, last at {clock(past.view.at, near)}, and no alert followed."
        return found(weight, reason, [e.view.provenance for e in quiet])
    return nothing(
        "It was changed like this before; nothing tells whether trouble followed.", [earlier[0].view.provenance]
    )


def _what(past: Earlier) -> str:
    return f"The same attribute ({inline(', '.join(past.shared), 80)})" if past.shared else "The same thing"


CHECK = Asking(
    "earlier_same", "what followed when the same was changed before", 1.5, 0.25, _weigh, frozenset({"change", "manual"})
)
