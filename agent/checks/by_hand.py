"""Was it done by hand, outside of code, shortly before the symptom?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.chain import performers, person_name
from agent.checks.described import described
from agent.checks.onset import onset
from agent.checks.weighing import HOUR, MINUTE, Asking, Finding, Findings, clock, found, nothing, refs_of, span, titled
from agent.doors import Door, doors
from agent.evidence import inline, text_of
from agent.incident import Suspect
from agent.mechanism_table import UNKNOWN
from agent.mechanisms import explain
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import EntityView

if TYPE_CHECKING:
    from agent.scene import Scene

CLOSE = 0.9
"""By hand within two hours before: of changes that people make this way to what runs, few are routine, and no review stood before them."""
SAME_DAY = 0.4
OLDER = 0.1
OFF_PATH = 0.4
"""Share of the weight when no path from there to the symptom is known."""
_CLOSE: Instant = 2 * HOUR
_DAY: Instant = 24 * HOUR
_DOORS = {"console": "the console", "cli": "the command line", "kubectl": "kubectl", "sdk": "a script"}


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    views = [v for s in suspects for v in s.views if v.change.kind == "AuditEvent"]
    known = doors(scene.store, scene.view, views) if views else {}
    events = sorted({r for s in suspects for r in refs_of(s) if r.kind == "AuditEvent"})
    audits = {e.ref: e for e in scene.store.entities(events, scene.view)} if events else {}
    by = performers(scene.store, scene.view, events)
    began = onset(scene)
    told = described(scene, [s for s in suspects if s.by_hand or s.kind == "manual"])
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        through = [d for v in one.views if (d := known.get((v.change, v.target))) is not None]
        finding = _judged(scene, one, through, audits, by, began.at)
        fit = explain(scene.symptom, one, told.types, told.labels) if finding.weight else None
        if fit is not None and (fit.harmless or (fit.known and fit.score < UNKNOWN)):
            finding = found(0.0, f"{finding.reason} It is of a kind that cannot matter here.", finding.said)
        findings[one.key] = finding
    return findings


def _judged(
    scene: Scene,
    one: Suspect,
    through: Sequence[Door],
    audits: dict[EntityRef, EntityView],
    by: dict[EntityRef, EntityView],
    began: Instant,
) -> Finding:
    near = scene.symptom.at
    event = next((r for r in refs_of(one) if r in audits), None)
    door = next((d for d in through if d.by_hand), None)
    if door is None and not one.by_hand:
        if one.change is None:
            return nothing("A condition is nobody's change.", one.said[:1])
        return found(0.0, f"{titled(one)} came by code or by a machine, not by hand.", one.said[:1])
    if event is not None and text_of(audits[event].properties, "error"):
        return nothing("The call was refused and changed nothing.", [s.provenance for s in audits[event].statements])
    via = door.via if door is not None else text_of(audits[event].properties, "via") if event is not None else ""
    who = inline(person_name(by[event]), 60) if event is not None and event in by else "somebody"
    how = f" through {_DOORS.get(via, inline(via, 30))}" if via and via != "unknown" else ""
    outside = ", outside of the code that manages it" if door is not None and door.outside_code else ""
    gap = began - one.at
    if gap < -2 * MINUTE:
        return found(0.0, f"{who} did it by hand{how} at {clock(one.at, near)}, after the symptom began.", one.said[:2])
    weight = CLOSE if gap <= _CLOSE else SAME_DAY if gap <= _DAY else OLDER
    if one.place is None and scene.surroundings.places:
        weight *= OFF_PATH
    reason = f"{who} changed it by hand{how}{outside} at {clock(one.at, near)}, {span(max(gap, 0))} before the symptom."
    said = [s.provenance for s in audits[event].statements] if event is not None else []
    return found(weight, reason, [*one.said[:1], *said])


CHECK = Asking("by_hand", "whether somebody did it by hand shortly before", 1.0, 0.35, _weigh, frozenset({"manual"}))
