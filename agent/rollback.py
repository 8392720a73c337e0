"""How the suspected change is taken back, and whether what came later makes that unsafe.

A command is written only of what is checked: full hashes, plain names. Everything else is said in words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from agent.assemble import attributes
from agent.culprit import context_of, deployed, version
from agent.effects import carried_requests
from agent.evidence import Citations, inline, shown, text_of
from agent.incident import Suspect
from agent.investigation import Rollback
from agent.later_changes import Later, later_changes, whole
from agent.lineage import effect
from agent.narrative import minute
from agent.renewal import NOTHING, increase, renewal
from agent.scene import Scene
from agent.shipments import Shipment
from agent.stateful import endangered
from agent.undo_call import call_of, undo
from graph.lexicon import former, things
from graph.model import EntityRef
from graph.store import ChangeView, EntityView

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ADDRESS = re.compile(r"[A-Za-z_][\w.-]*(?:\[(?:\d+|\"[\w./:@ -]+\")\](?:\.[\w.-]+)*)*")
_STATE = "terraform_state"
_MIGRATION = re.compile(r"(?:^|/)(?:migrations?|db/migrate|alembic|flyway|liquibase)/", re.I)
_TOUCHES = {
    "attribute": "changes {attribute} of {label} again",
    "block": "changes {label} as well",
    "lines": "touches the same lines of {label}",
    "file": "touches {label} as well",
    "resource": "changes {label} as well",
    "depends": "needs what it made: {label}",
}


@dataclass(frozen=True, slots=True)
class _Way:
    """How to take it back: a command or words, where, and what has to follow."""

    command: str
    where: str
    then: str = ""


def rollback(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback | None:
    """How to take the suspect back as of the view; None for what cannot be taken back (something external, a limit of capacity).

    `safe` says that nothing known speaks against it; when it is False, `why` names what does.
    """
    match suspect.kind:
        case "expiry":
            return renewal(scene, suspect, citations)
        case "quota":
            return increase(scene, suspect, citations)
        case "external" | "capacity":
            return None
        case _:
            pass
    if suspect.change is None:
        return None
    match suspect.change.kind:
        case "Deployment":
            return _redeploy(scene, suspect, citations)
        case "AuditEvent":
            return _call_back(scene, suspect, citations)
        case "StateVersion":
            return _edit_back(scene, suspect, citations)
        case "Commit" | "PullRequest":
            return _revert(scene, suspect, citations)
        case _:
            return None


# -- a commit


def _revert(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback:
    touched = whole(scene, suspect)
    commit = _landed(scene, suspect)
    if commit is None or _SHA.fullmatch(commit.ref.id) is None:
        return _judged(scene, suspect, touched, _Way("", f"revert {inline(suspect.title, 120) or 'it'}"), citations)
    parents = commit.properties.get("parents")
    merge = isinstance(parents, Sequence) and not isinstance(parents, str) and len(parents) > 1
    command = f"git revert --no-edit {'-m 1 ' if merge else ''}{commit.ref.id}"
    repository = text_of(commit.properties, "repository") or suspect.repository
    where = f"in {inline(repository, 100)}" if repository else "in its repository"
    return _judged(scene, suspect, touched, _Way(command, where, _then(suspect)), citations)


def _landed(scene: Scene, suspect: Suspect) -> EntityView | None:
    """The commit that brought it to the mainline."""
    assert suspect.change is not None
    refs = [r for r in (suspect.change, *suspect.also) if r.kind == "Commit"]
    if suspect.change.kind == "PullRequest":
        from agent.chain import landed_as

        refs = [*landed_as(scene.store, scene.view, [suspect.change]), *refs]
    found = scene.store.entities(refs[:1], scene.view)
    return found[0] if found else None


def _then(suspect: Suspect) -> str:
    """What a revert needs before it takes effect."""
    places = [inline(name, 40) for name in suspect.reached] or [inline(name, 40) for name in sorted(suspect.expected)]
    if not places:
        return ""
    verb = "apply" if suspect.at_means == "applied" else "deploy"
    return f"then {verb} it to {' and '.join(places[:3])}"


# -- a deployment


def _redeploy(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback | None:
    shipments = scene.reach.shipments
    one = next((s for s in shipments.all if suspect.change in s.refs), None)
    if one is None:
        return None
    before = shipments.before(one)
    before_this = version(one.previous_version or (before.version if before else ""))
    place = f" to {inline(one.environment, 40)}" if one.environment else ""
    if one.is_apply:
        commit = before.commit if before is not None else ""
        what = inline(one.workspace or one.repository, 100) or "the infrastructure code"
        code = f" as of {commit[:12]}" if _SHA.fullmatch(commit) else " as it was before"
        way = _Way(f"apply {what}{code}{place}", f"in {inline(one.repository, 100)}" if one.repository else "")
    elif not before_this:
        return Rollback(
            command="",
            safe=False,
            why=f"Which version of {inline(one.service, 60)} ran before is not known",
            citations=(citations.cite(one.said),),
        )
    else:
        way = _Way(f"redeploy {inline(one.service, 60)} {before_this}{place}{_by_tool(one)}", "")
    cites = [citations.cite(one.said), *((citations.cite(before.said),) if before is not None else ())]
    later = [
        s
        for s in shipments.between(one.at, None)
        if s.ref != one.ref
        and s.at > one.at
        and s.took_effect
        and s.environment == one.environment
        and (s.is_apply and s.workspace == one.workspace if one.is_apply else s.service == one.service)
    ]
    if later:
        last = later[-1]
        why = f"since then somebody {deployed(last)} ({minute(last.at)}), which this would take back as well"
        return Rollback(
            command=way.command, safe=False, why=_why(way, why), citations=(*cites, citations.cite(last.said))
        )
    if migrated := _migrates(scene, suspect, one):
        why = f"it came with a migration of data ({inline(migrated, 120)}); the version before may not work with what that left"
        return Rollback(command=way.command, safe=False, why=_why(way, why), citations=tuple(cites))
    requests = carried_requests(context_of(scene, citations), one) if one.commit else []
    carried = f"; {len(requests)} pull requests came with it and go with it" if len(requests) > 1 else ""
    nothing = f"nothing was deployed over it up to {minute(scene.symptom.at)}{carried}"
    return Rollback(command=way.command, safe=True, why=_why(way, nothing), citations=tuple(cites))


def _by_tool(one: Shipment) -> str:
    return f" with {inline(one.tool, 40)}" if one.tool else ""


def _migrates(scene: Scene, suspect: Suspect, one: Shipment) -> str:
    paths = [*suspect.paths]
    if one.commit and not paths:
        paths = [text_of(v.properties, "path") for v in scene.reach.carried(one)]
    return next((p for p in sorted(paths) if _MIGRATION.search(p)), "")


# -- a call made by hand, and what only the state shows


def _call_back(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback | None:
    assert suspect.change is not None
    event = scene.store.entity(suspect.change, scene.view)
    touched = whole(scene, suspect)
    if event is None:
        return None
    back = undo(call_of(event.properties, touched, _labels(scene, touched)))
    where = f"in account {inline(account, 60)}" if (account := text_of(event.properties, "account_id")) else ""
    if back.command:
        return _judged(scene, suspect, touched, _Way(back.command, where), citations, also=back.words.rstrip("."))
    if address := _of_code(scene, touched):
        # Nothing of the code has changed: what it says is what was there before, whatever the record of the call leaves out.
        place = next(iter(suspect.reached), "")
        inside = f"in the code of {inline(place, 40)}; " if place else ""
        command = f"terraform apply -target={shlex.quote(address)}"
        way = _Way(command, f"{inside}it puts back what the code says, and shows its plan first")
        return _judged(scene, suspect, touched, way, citations)
    return _judged(scene, suspect, touched, _Way(back.words.rstrip("."), where), citations)


def _of_code(scene: Scene, touched: Sequence[ChangeView]) -> str:
    """The address of the one resource that a Terraform state knows and the change only updated; empty when it is not that plain."""
    refs = sorted({v.target for v in touched if v.target.kind == "Resource"})
    addresses: set[str] = set()
    for entity in scene.store.entities(refs, scene.view):
        stated = (text_of(s.properties, "address") for s in entity.statements if s.provenance.source == _STATE)
        addresses.add(next(stated, ""))
    if len(addresses) != 1 or any(effect(v) != "updated" for v in touched):
        return ""
    address = addresses.pop()
    return address if _ADDRESS.fullmatch(address) else ""


def _edit_back(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback:
    touched = whole(scene, suspect)
    labels = _labels(scene, touched)
    parts: list[str] = []
    for view in touched[:2]:
        label = inline(labels.get(view.target, ""), 120)
        for one in attributes(view.properties)[:3]:
            value = shown(one.before.value) if one.before.state == "value" else ""
            if value:
                parts.append(f"set {inline(one.path, 80)} of {label} back to {value}")
            elif one.before.state == "absent":
                parts.append(f"take {inline(one.path, 80)} out of {label}")
    place = next(iter(suspect.reached), "")
    to = f" to {inline(place, 40)}" if place else ""
    text = ("; ".join(parts[:4]) + f" in the code, then apply{to}") if parts else f"apply the code as it was before{to}"
    return _judged(scene, suspect, touched, _Way(text, ""), citations)


def _labels(scene: Scene, touched: Sequence[ChangeView]) -> dict[EntityRef, str]:
    refs = sorted({v.target for v in touched})
    found = {t.ref: t.label for t in things(scene.store, refs, scene.view)}
    for missing in [r for r in refs if r not in found][:20]:
        if (last := former(scene.store, missing, scene.view)) is not None:
            found[missing] = last.label
    return found


# -- whether it is safe


def _judged(
    scene: Scene,
    suspect: Suspect,
    touched: Sequence[ChangeView],
    way: _Way,
    citations: Citations,
    *,
    also: str = "",
) -> Rollback:
    cites = [citations.cite(s) for s in suspect.said[:1]] or [citations.cite(v.provenance) for v in touched[:1]]
    label, fate = endangered(scene, touched)
    later = later_changes(scene, suspect, touched)
    tail = f" ({also})" if also else ""
    if later and later[0].clash == "reverts":
        one = later[0]
        text = f"It was taken back already by {_called(scene, one)} on {minute(one.at)}"
        return Rollback(command="", safe=False, why=text, citations=(*cites, citations.cite(one.said)))
    if label:
        name = inline(label, 120)
        risk = {
            "created": f"it created {name}, which holds data: taking it back deletes that",
            "deleted": f"it deleted {name}, which held data: taking it back makes a new and empty one",
            "replaced": f"it sets what {name} is replaced for: taking it back may delete that and its data",
        }[fate]
        return Rollback(command=way.command, safe=False, why=_why(way, risk) + tail, citations=tuple(cites))
    if later:
        one = later[0]
        touches = _TOUCHES[one.clash].format(
            attribute=inline(one.attribute, 80), label=inline(one.label, 120) or "the same thing"
        )
        more = f", and {len(later) - 1} more later changes" if len(later) > 1 else ""
        why = f"{_called(scene, one)} of {minute(one.at)} {touches}{more}"
        cites += [citations.cite(x.said) for x in later[:3]]
        return Rollback(
            command=way.command, safe=False, why=_why(way, why) + tail, citations=tuple(dict.fromkeys(cites))
        )
    if not touched:
        why = "what it touched is not known, so that nothing tells whether something later needs it"
        return Rollback(command=way.command, safe=False, why=_why(way, why) + tail, citations=tuple(cites))
    why = f"no later change up to {minute(scene.symptom.at)} touches or needs it"
    return Rollback(command=way.command, safe=True, why=_why(way, why) + tail, citations=tuple(cites))


def _called(scene: Scene, one: Later) -> str:
    """A later change in a sentence."""
    entity = scene.store.entity(one.change, scene.view)
    said = entity.properties if entity is not None else NOTHING
    title = inline(text_of(said, "title"), 100)
    name = f"commit {one.change.id[:12]}" if one.change.kind == "Commit" else f"call {text_of(said, 'action')}".strip()
    return f"{inline(name, 100)} (“{title}”)" if title else inline(name, 100)


def _why(way: _Way, reason: str) -> str:
    """`In acme/infra, then deploy it to prod. No later change touches it.`"""
    where = ", ".join(p for p in (way.where, way.then) if p)
    return ". ".join(p[:1].upper() + p[1:] for p in (where, reason) if p)
