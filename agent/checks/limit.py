"""How much of the limit was used, and does what fails need it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.checks.onset import lag_of, onset
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, clock, found, nothing, quoted
from agent.evidence import inline, number_of
from agent.incident import Suspect, SymptomClass
from graph.clock import Instant
from graph.model import EntityRef, Value
from graph.store import EntityView

if TYPE_CHECKING:
    from agent.scene import Scene

USED_UP = 1.5
"""Nothing was left."""
NEARLY = 0.6
"""Above 95%: a burst takes the rest."""
HIGH = 0.0
ROOM = -1.5
"""Below 80% a limit refuses nothing, if the figure is of then."""
UNTIED = -0.8
"""Nothing ties it to what fails."""
FULL_BEFORE = 0.8
"""An alert or event told of the limit before the symptom, at a part that it depends on."""
FULL_ELSEWHERE = 0.2
_LIMITED: frozenset[SymptomClass] = frozenset(
    {
        "throttled",
        "unscheduled",
        "connections",
        "disk",
        "oom",
        "cpu",
        "queue_lag",
        "unavailable",
        "errors",
        "timeouts",
        "latency",
    }
)
_SLACK: Instant = 5 * MINUTE


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    asked = [s for s in suspects if s.kind in ("quota", "capacity")]
    others = nothing("It is no limit.")
    findings: dict[EntityRef, Finding] = {s.key: others for s in suspects}
    refs = sorted({r for s in asked for r in (s.key, s.target) if r is not None})
    known = {r: e for e in scene.store.entities(refs, scene.view) for r in e.refs} if refs else {}
    for one in asked:
        findings[one.key] = _judged(scene, one, known)
    return findings


def _judged(scene: Scene, one: Suspect, known: Mapping[EntityRef, EntityView]) -> Finding:
    entity = known.get(one.key) or (known.get(one.target) if one.target is not None else None)
    told = entity.properties if entity is not None else dict[str, Value]()
    usage = number_of(told.get("usage")) if told.get("usage") is not None else number_of(one.properties.get("usage"))
    limit = number_of(told.get("value")) if told.get("value") is not None else number_of(one.properties.get("value"))
    said = [s.provenance for s in entity.statements[:2]] if entity is not None else list(one.said[:1])
    if usage is None or limit is None or limit <= 0:
        return _signalled(scene, one)
    name = quoted(one.properties.get("name", "") or one.title)
    share = usage / limit
    reason = f"{usage:g} of {limit:g} of {name} were used ({share:.0%})"
    weight = USED_UP if share >= 1 else NEARLY if share >= 0.95 else HIGH if share >= 0.8 else ROOM
    if weight > 0 and scene.symptom.classes and _LIMITED.isdisjoint(scene.symptom.class_names):
        weight /= 2
        reason += ", which such a symptom seldom comes from"
    if one.place is None and weight > 0:
        if scene.surroundings.places:
            return found(weight + UNTIED, f"{reason}, but nothing ties it to what shows the symptom.", said)
        weight /= 2
    elif one.place is not None:
        reason += f"; {inline(one.place.label, 80)} needs it"
    return found(weight, f"{reason}.", said)


def _signalled(scene: Scene, one: Suspect) -> Finding:
    """Of what only an alert or an event tells: whether it told so before the symptom, and of a part that matters."""
    near, began = scene.symptom.at, onset(scene)
    told = one.said[:2]
    own = {a.ref for a in scene.symptom.anchors}
    if one.key.kind not in ("Alert", "ClusterEvent") or one.key in own:
        return nothing("How much of it was used is not known.", told)
    what = f"{quoted(one.title)} was told at {clock(one.at, near)}"
    if one.at > began.at + _SLACK:
        return found(0.0, f"{what}, after the symptom began.", told)
    if began.at - one.at > lag_of(scene.symptom).most:
        return found(0.0, f"{what}, long before the symptom.", told)
    if one.place is None:
        return found(0.0, f"{what}; nothing ties it to what shows the symptom.", told)
    weight = FULL_BEFORE if one.place.direction != "downstream" and one.place.distance <= 2 else FULL_ELSEWHERE
    return found(weight, f"{what}, before the symptom, of {inline(one.place.label, 80)}.", told)


CHECK = Asking("limit", "how much of the limit was used", 1.0, 0.6, _weigh, frozenset({"quota", "capacity"}))
