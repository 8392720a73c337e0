"""What is told of a suspect to a person: who did it, through which door, from what to what, and what stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.assemble import assemble
from agent.chain import Chain, Said, chain_around
from agent.context import Context
from agent.effects import Effect, told
from agent.evidence import Citations, inline, text_of
from agent.incident import Suspect
from agent.lineage import COSMETIC, commits_of, effect
from agent.model import AttributeChange, Change, PullRequest, Question
from agent.nearby import said_nearby
from agent.phrasing import attribute, attribute_list, side
from agent.scene import Scene
from agent.shipments import Shipment
from graph.model import EntityRef
from graph.store import ChangeView

TOLD = 3
"""So many of the things that a change touched are told."""
_ATTRIBUTES = 3
_CHAINED = frozenset({"Commit", "PullRequest", "Deployment", "AuditEvent"})
_DOORS = {
    "console": "in the console",
    "cli": "with a command line",
    "sdk": "by a program",
    "kubectl": "with kubectl",
}
_END = re.compile(r"[.!?]$")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Culprit:
    """A suspect with what is known around it.

    Attributes:
        changes: what it did, as answers tell changes: what lies nearest to the symptom first.
        chain: its pull request, approvals and conversation.
        shipment: the deployment, when the suspect is one.
        arrivals: deployments that carried it, oldest first.
        said: messages about it, in order of time.
    """

    suspect: Suspect
    changes: tuple[Change, ...] = ()
    chain: Chain = field(default_factory=Chain)
    shipment: Shipment | None = None
    arrivals: tuple[Shipment, ...] = ()
    said: tuple[Said, ...] = ()

    @property
    def main(self) -> Change | None:
        """What it did nearest to the symptom."""
        return self.changes[0] if self.changes else None

    @property
    def by(self) -> str:
        """Whoever did it; empty when that is not known."""
        return next((c.by.name for c in self.changes if c.by.name), "")

    @property
    def request(self) -> PullRequest | None:
        """The pull request that it came with."""
        return next((c.pull_request for c in self.changes if c.pull_request), None)

    @property
    def environment(self) -> str:
        """Where it took effect, as far as known."""
        return next(iter(self.suspect.reached), "") or (self.shipment.environment if self.shipment else "")


def culprit(scene: Scene, suspect: Suspect, citations: Citations) -> Culprit:
    """What is known around a suspect, with a fixed number of reads."""
    context = context_of(scene, citations)
    known = {r: s for s in scene.reach.shipments.all for r in s.refs}
    own = [r for r in (suspect.change, *suspect.also) if r is not None]
    shipment = known.get(suspect.change) if suspect.change is not None else None
    views = main_views(suspect)
    changes: list[Change] = []
    if shipment is not None:
        changes += told(context, [Effect(shipment.at, shipment.ref, shipment.environment, shipment=shipment)])
    changes += assemble(context, views)
    start = [r for r in own if r.kind in _CHAINED] + [c for v in views for c in commits_of(v)]
    chain = chain_around(scene.store, scene.view, start) if start else Chain()
    said = tuple(chain.messages)
    if not said and views and changes:
        said = tuple(said_nearby(context, views[0], changes[len(changes) - len(views)]))
    arrivals = {known[r].ref: known[r] for r in own if r in known and known[r].took_effect and known[r] is not shipment}
    return Culprit(
        suspect,
        tuple(changes),
        chain,
        shipment,
        tuple(sorted(arrivals.values(), key=lambda s: (s.at, s.ref))),
        tuple(m for m in said if m.at <= scene.symptom.at),
    )


def context_of(scene: Scene, citations: Citations) -> Context:
    """What the readers of answers work with, for this investigation."""
    symptom = scene.symptom
    return Context(
        scene.store,
        Question(kind="why", text=symptom.text),
        scene.view,
        now=symptom.at,
        as_of=scene.view.as_of,
        known_at=None,
        citations=citations,
        _reach=scene.reach,
    )


def main_views(suspect: Suspect) -> list[ChangeView]:
    """The few of its `CHANGED` relations that say most: of its target, then with meaning and with attributes; a file without its blocks."""
    own = suspect.change.kind if suspect.change is not None else ""
    views = [v for v in suspect.views if v.change.kind != "Deployment"]
    blocks = {text_of(v.properties, "path") for v in views if v.target.kind == "Block"}
    some = [v for v in views if v.target.kind != "File" or text_of(v.properties, "path") not in blocks]
    # What a state or an audit log shows of the effect comes after the change itself, which names its author.
    ranked = sorted(
        some,
        key=lambda v: (
            v.change.kind != own,
            v.target != suspect.target,
            effect(v) in COSMETIC,
            not v.properties.get("attributes"),
            v.change,
            v.target,
        ),
    )
    return ranked[:TOLD]


def did(found: Culprit) -> str:
    """What it did, without who: `changed aws_lb.main: port 80 → 443`."""
    suspect, change = found.suspect, found.main
    if change is None or (found.shipment is not None and change.change.kind == "deployment"):
        return deployed(found.shipment) if found.shipment is not None else sentence(suspect.title)
    verb = {
        "created": "added",
        "updated": "changed",
        "deleted": "removed",
        "moved": "moved",
        "format_only": "reformatted",
    }.get(change.effect, "changed")
    label = inline(change.target.label, 120) if change.target else inline(suspect.title, 120)
    text = f"{verb} {label}"
    if change.attributes and change.effect in ("created", "updated"):
        text += f": {_attributes(change.attributes)}"
    others = len({c.target.ref for c in found.changes if c.target} - {change.target.ref if change.target else ""})
    same = [v for v in suspect.views if v.change.kind == change_kind(suspect) and v.target.kind != "File"]
    rest = max(len({v.target for v in same}) - 1, others)
    return text + (f" (and {rest} more)" if rest > 0 else "")


def change_kind(suspect: Suspect) -> str:
    """The kind of entity that answers for it, empty for conditions."""
    return suspect.change.kind if suspect.change is not None else ""


def deployed(one: Shipment) -> str:
    """A deployment without who: `deployed checkout 1.42.0 to prod, in place of 1.41.0`."""
    what = f"{inline(one.service, 60)} {version(one.version)}".strip() if one.service else ""
    verb = {"rollback": "rolled back to", "restart": "restarted", "scale": "scaled", "config": "configured"}.get(
        one.action, "deployed"
    )
    if one.is_apply:
        workspace = one.workspace if one.workspace != one.environment else ""
        verb, what = "applied", inline(workspace or one.repository or one.title, 100) or "infrastructure code"
    where = f" to {inline(one.environment, 40)}" if one.environment else ""
    before = f", in place of {version(one.previous_version)}" if one.previous_version and one.service else ""
    return f"{verb} {what}{where}{before}"


def version(text: str) -> str:
    """A version in a sentence; of a full hash the beginning."""
    return text[:12] if _SHA.fullmatch(text) else inline(text, 60)


def _attributes(changed: Sequence[AttributeChange]) -> str:
    """The first attributes with both sides; of a call whose record does not tell the value before, only what it is now."""
    if all(a.before.state != "unknown" for a in changed):
        return attribute_list(tuple(changed))
    parts = [
        f"{inline(a.path, 100)} is now {side(a.after)}" if a.before.state == "unknown" else attribute(a)
        for a in changed[:_ATTRIBUTES]
    ]
    return "; ".join(parts) + (f" and {len(changed) - _ATTRIBUTES} more" if len(changed) > _ATTRIBUTES else "")


def door(found: Culprit) -> str:
    """Through which door it came: `by pull request #12 of acme/infra (“Tighten health checks”)`, `by hand in the console`; empty when unknown."""
    suspect, request = found.suspect, found.request
    if request is not None:
        repository = next((c.change.repository for c in found.changes if c.change.repository), suspect.repository)
        of = f" of {inline(repository, 80)}" if repository else ""
        return f"by pull request #{request.number}{of} (“{inline(request.title, 100)}”)"
    change = found.main
    via = next((c.door for c in found.changes if c.door), None)
    if suspect.by_hand or suspect.kind == "manual" or via is not None:
        if not (suspect.by_hand or suspect.kind == "manual"):
            return f"through {inline(via or 'an API', 40)}"
        outside = ", outside of the code that manages it" if any(c.outside_code for c in found.changes) else ""
        return f"by hand {_DOORS.get(via or '', '')}".rstrip() + outside
    if change is not None and change.change.kind == "commit":
        where = f" to {inline(change.change.repository, 80)}" if change.change.repository else ""
        return f"by commit {change.change.id[:12]}{where}, without a pull request that is known"
    if change is not None and change.change.kind == "state_version":
        return "by an apply of which only the state tells"
    return ""


def sentence(text: str, limit: int = 400) -> str:
    """A text of a source or of a table as a sentence's inside: one line, without its full stop."""
    return _END.sub("", inline(text, limit))


def cited(text: str, ids: Sequence[str]) -> str:
    """A sentence with its marks before the full stop."""
    text = text.rstrip(". ")
    marks = "".join(f"[{i}]" for i in dict.fromkeys(ids) if i)
    return f"{text} {marks}." if marks else f"{text}."


def joined_refs(scene: Scene, refs: Sequence[EntityRef]) -> dict[EntityRef, frozenset[EntityRef]]:
    """By ref: every ref of the same thing."""
    wanted = sorted(set(refs))
    found = {r: frozenset(e.refs) for e in scene.store.entities(wanted, scene.view) for r in (e.ref, *e.refs)}
    return {r: found.get(r, frozenset({r})) for r in wanted}
