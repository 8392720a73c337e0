"""Was it in effect where the symptom shows by then, and by which deployment or apply?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.chain import performers, person_name
from agent.checks.arrivals import arrivals, arrived_at, shipments_by_ref
from agent.checks.weighing import Asking, Finding, Findings, clock, found, listed, nothing, quoted, refs_of, titled
from agent.evidence import inline, text_of
from agent.incident import Suspect
from agent.shipments import Shipment
from graph.model import EntityRef
from graph.store import EntityView

if TYPE_CHECKING:
    from agent.scene import Scene

ARRIVED = 0.7
"""Known to be there: of all changes in a window about half are; a cause is."""
NOT_DEPLOYED = -3.0
"""Deployments of this code to this environment are known, and none carried it."""
ELSEWHERE_ONLY = -3.0
"""It went to other environments, and its arrival here would have been seen."""
ELSEWHERE_UNSEEN = -1.0
"""It went to other environments; nothing that arrives here is ever seen of this code."""
GOES_ELSEWHERE = -2.0
"""What it touched is put into effect elsewhere only, as far as what is known of its repository tells."""
FAILED = -2.5
"""What should have put it into effect failed: nothing, or half of it, was changed."""
REPLACED = -2.5
"""Something without it ran again before the symptom."""
_IN_EFFECT = frozenset({"AuditEvent", "StateVersion"})


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    environment = scene.symptom.environment
    carried = arrivals(scene, suspects)
    failed = _failed(scene, suspects)
    by = performers(scene.store, scene.view, [s.ref for s in (*carried.values(), *failed.values())])
    events = sorted({r for s in suspects for r in refs_of(s) if r.kind == "AuditEvent"})
    audits = {e.ref: e for e in scene.store.entities(events, scene.view)} if events else {}
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        findings[one.key] = (
            _refused_call(scene, one, audits)
            or _replaced(scene, one, carried, by)
            or _arrived(scene, one, carried, by)
            or _not_there(scene, one, environment, failed.get(one.key), by)
        )
    return findings


def _arrived(
    scene: Scene, one: Suspect, carried: Mapping[EntityRef, Shipment], by: Mapping[EntityRef, EntityView]
) -> Finding | None:
    environment = scene.symptom.environment
    at = arrived_at(one, environment)
    carrier = carried.get(one.key)
    if at is None or at > scene.symptom.at:
        return None
    where = environment or min((m, e) for e, m in one.reached.items())[1]
    how = f" with {_described(carrier, by)}" if carrier is not None else ""
    said = [carrier.said if carrier is not None else None, *one.said[:2]]
    # Without a known environment, to have arrived somewhere tells half.
    weight = ARRIVED if environment else ARRIVED / 2
    return found(weight, f"It was in effect in {inline(where, 40)} from {clock(at, scene.symptom.at)}{how}.", said)


def _refused_call(scene: Scene, one: Suspect, audits: Mapping[EntityRef, EntityView]) -> Finding | None:
    if one.change is None or one.change.kind != "AuditEvent" or one.change not in audits:
        return None
    audit = audits[one.change]
    error = text_of(audit.properties, "error")
    if not error:
        return None
    action = text_of(audit.properties, "action") or "the call"
    reason = f"{inline(action, 80)} was refused with {inline(error, 60)} at {clock(one.at, scene.symptom.at)}: it changed nothing."
    return found(FAILED, reason, [s.provenance for s in audit.statements])


def _replaced(
    scene: Scene, one: Suspect, carried: Mapping[EntityRef, Shipment], by: Mapping[EntityRef, EntityView]
) -> Finding | None:
    """That what ran at the time of the symptom did not hold it any more."""
    carrier = carried.get(one.key)
    if carrier is None or carrier.is_apply or not carrier.commit:
        return None
    shipped = scene.reach.shipments
    running = shipped.running(carrier.service, carrier.environment, scene.symptom.at)
    if running is None or running.ref == carrier.ref or not running.commit or running.at <= carrier.at:
        return None
    commits = [r.id for r in refs_of(one) if r.kind == "Commit"]
    if not commits or any(scene.reach.carries(running, sha) for sha in commits):
        return None
    if not any(scene.reach.carries(carrier, sha) for sha in commits):
        return None
    reason = (
        f"{_capital(_described(running, by))} replaced it in {inline(running.environment, 40)} at "
        f"{clock(running.at, scene.symptom.at)} without it, before the symptom was detected."
    )
    return found(_replaced_weight(scene, running), reason, [running.said, carrier.said])


def _replaced_weight(scene: Scene, running: Shipment) -> float:
    from agent.checks.onset import onset

    # What was replaced only after the symptom had begun may well have begun it.
    return REPLACED if running.at < onset(scene).at else 0.0


def _not_there(
    scene: Scene, one: Suspect, environment: str, failed: Shipment | None, by: Mapping[EntityRef, EntityView]
) -> Finding:
    near = scene.symptom.at
    if failed is not None:
        what = _described(failed, by)
        return found(
            FAILED,
            f"{_capital(what)} to {inline(failed.environment or 'an unnamed environment', 40)} at {clock(failed.at, near)} "
            f"ended as {quoted(failed.outcome, 30)}, and no other carried it.",
            [failed.said, *one.said[:1]],
        )
    others = {e: m for e, m in one.reached.items() if e not in (environment, "unknown") and m <= near}
    if environment and others:
        where = listed(
            f"{inline(e, 40)} at {clock(m, near)}" for e, m in sorted(others.items(), key=lambda p: (p[1], p[0]))
        )
        if environment in one.expected or _arrivals_seen(scene, one):
            reason = f"It reached {where}, and not {environment}, where arrivals of this code are seen."
            return found(ELSEWHERE_ONLY, reason, one.said[:2])
        reason = f"It is known to have reached {where}, and not {environment}."
        return found(ELSEWHERE_UNSEEN, reason, one.said[:2])
    if one.change is not None and one.change.kind in _IN_EFFECT:
        means = f"{titled(one)} {one.at_means or 'happened'} at {clock(one.at, near)}"
        return nothing(f"{_capital(means)}; no source tells of which environment.", one.said[:1])
    if environment and environment in one.expected:
        when = f"merged at {clock(one.merged_at, near)}" if one.merged_at is not None else "merged"
        reason = f"It was {when} and no deployment or apply to {environment} by {clock(near, near)} carried it, though those of this code are known."
        return found(NOT_DEPLOYED, reason, one.said[:2])
    if one.expected and environment and _arrivals_seen(scene, one):
        where = listed(inline(e, 40) for e in sorted(one.expected))
        return found(
            GOES_ELSEWHERE,
            f"Such changes arrive in {where}; nothing that arrived in {environment} by {clock(near, near)} can have carried it.",
            one.said[:2],
        )
    if one.expected:
        where = listed(inline(e, 40) for e in sorted(one.expected))
        place = environment or "an unknown environment"
        return found(
            0.0, f"Such changes are seen to arrive in {where} only, so nothing tells of {place}.", one.said[:1]
        )
    return nothing("No deployment or apply that would tell where it arrived is known.", one.said[:1])


def _arrivals_seen(scene: Scene, one: Suspect) -> bool:
    """Whether anything of the same repository is known to have arrived where the symptom is."""
    environment = scene.symptom.environment
    some = scene.reach.shipments.by_repository.get(one.repository, ()) if one.repository else ()
    return any(s.took_effect and environment in (s.environment, s.workspace) for s in some)


def _failed(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, Shipment]:
    """By suspect: the last deployment of it to the symptom's environment, when none took effect there."""
    environment = scene.symptom.environment
    shipped = scene.reach.shipments
    by_ref = shipments_by_ref(scene.store, scene.view)
    by_commit: dict[str, list[Shipment]] = {}
    for one in shipped.all:
        if one.commit and not one.took_effect:
            by_commit.setdefault(one.commit, []).append(one)
    found_: dict[EntityRef, Shipment] = {}
    for one in suspects:
        refs = refs_of(one)
        tried = [s for r in refs if (s := by_ref.get(r)) is not None and not s.took_effect]
        tried += [s for r in refs if r.kind == "Commit" for s in by_commit.get(r.id, ())]
        tried = [
            s for s in tried if s.at <= scene.symptom.at and (not environment or s.environment in (environment, ""))
        ]
        if tried and arrived_at(one, environment) is None:
            found_[one.key] = max(tried, key=lambda s: (s.at, s.ref))
    return found_


def _described(one: Shipment, by: Mapping[EntityRef, EntityView]) -> str:
    if one.is_apply:
        what = f"the apply {inline(one.workspace or one.repository, 60)}".rstrip()
    elif one.action == "rollback":
        what = f"the rollback of {inline(one.service, 60)} to {_version(one)}"
    else:
        what = f"the deployment of {inline(one.service, 60)} {_version(one)}".rstrip()
    who = by.get(one.ref)
    return f"{what} by {inline(person_name(who), 60)}" if who is not None else what


def _version(one: Shipment) -> str:
    version = one.version[:40]
    # A hash is known by its beginning.
    return inline(version[:10] if len(version) == 40 and version.isalnum() else version, 40)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


CHECK = Asking("applied", "whether it was in effect there by then", 1.0, 0.6, _weigh, frozenset({"change", "manual"}))
