"""Changes as the answer shows them: with their people, pull requests, environments, reasons and citations.

Everything about a list of changes is read with a fixed number of store calls, however long the list is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from agent.chain import performers, person_name
from agent.context import Context, match
from agent.doors import Door, doors
from agent.evidence import inline, paragraph, text_of
from agent.lineage import commits_of, effect
from agent.model import Actor, AtMeans, AttributeChange, AttributeState, Change, ChangeId, PullRequest, Reached, Reason
from agent.reach import Carried
from graph.clock import rfc3339
from graph.lexicon import Thing, former, things
from graph.model import EntityRef, Properties, Value
from graph.store import ChangeView, EntityView, Limits, RelationView

SHOWN = 20
"""How many changes an answer lists; the rest is said to be cut."""

_TYPES = (
    "AUTHORED_BY", "CO_AUTHORED_BY", "COMMITTED_BY", "APPROVED_BY", "MERGED_BY", "MERGED_AS", "PART_OF", "PERFORMED_BY", "REVERTS", "REACHED",
    "RUNS_IN",
)  # fmt: skip
_AT_MEANS: dict[str, AtMeans] = {
    "Commit": "merged",
    "PullRequest": "merged",
    "StateVersion": "applied",
    "Deployment": "deployed",
}
_OWN_ID = {"AuditEvent": "event_id", "Deployment": "deployment_id"}
"""Properties that hold the id of a change as its own system names it."""
_ROWS = 2_000
_ATTRIBUTES = 200
_MERGE = re.compile(r"Merge (?:pull request|branch|remote-tracking branch|PR) ", re.I)


def assemble(
    context: Context, found: Sequence[ChangeView], known: Mapping[EntityRef, Thing] | None = None
) -> tuple[Change, ...]:
    """These changes for the answer, in their order. `known` holds targets that were read before."""
    if not found:
        return ()
    store, view = context.store, context.view
    refs = list(dict.fromkeys(r for c in found for r in (c.change, *commits_of(c))))
    relations = store.neighbours(refs, view, Limits(rows=_ROWS), types=_TYPES).items
    approvals = _approvals(context, relations)
    relations = (*relations, *approvals)
    others = {end for r in relations for end in (r.src, r.dst)} - set(refs)
    entities = {r: e for e in store.entities([*refs, *sorted(others)], view) for r in e.refs}
    by_change: dict[EntityRef, list[RelationView]] = {r: [] for r in refs}
    for relation in relations:
        for end in {relation.src, relation.dst}:
            if end in by_change:
                by_change[end].append(relation)
    targets = _targets(context, found, known or {})
    approved: dict[EntityRef, list[RelationView]] = {}
    for relation in approvals:
        approved.setdefault(relation.src, []).append(relation)
    carried = context.reach.of(found, context.environments)
    through = doors(store, view, found)
    started = _starters(context, through.values())
    return tuple(
        _change(
            context,
            c,
            entities,
            by_change,
            targets.get(c.target),
            approved,
            carried.get((c.change, c.target), ()),
            through.get((c.change, c.target)),
            started,
        )
        for c in found
    )


def _starters(context: Context, through: Iterable[Door]) -> dict[EntityRef, EntityView]:
    """Who started the applies that explain these events, by apply."""
    applies = sorted({d.explained_by for d in through if d.explained_by and d.explained_by.kind == "Deployment"})
    return performers(context.store, context.view, applies)


def _doers(
    wrote: Sequence[RelationView], entities: Mapping[EntityRef, EntityView], starter: EntityView | None
) -> list[EntityView]:
    """Who did it; of a machine that carried out an apply, whoever started it."""
    found = [e for r in wrote if (e := entities.get(r.dst))]
    machines = all(any(s.properties.get("bot") is True for s in e.statements) for e in found)
    return [starter] if starter is not None and machines else found


def _approvals(context: Context, relations: Sequence[RelationView]) -> tuple[RelationView, ...]:
    """Who approved the pull requests that these changes came with."""
    requests = sorted(
        {e for r in relations if r.type in ("PART_OF", "MERGED_AS") for e in (r.src, r.dst) if e.kind == "PullRequest"}
    )
    if not requests:
        return ()
    page = context.store.neighbours(requests, context.view, Limits(rows=_ROWS), types=("APPROVED_BY",), direction="out")
    return page.items


def with_reasons(context: Context, change: Change, view: ChangeView) -> Change:
    """The change with what its commit message and pull request say of why."""
    import msgspec

    reasons: list[Reason] = []
    request = change.pull_request
    via = text_of(view.properties, "via")
    wrote = [view.change, *commits_of(view), *([EntityRef(f"Commit:{via}")] if via else [])]
    texts = {hit.ref: hit for hit in context.store.passages(wrote, context.view)}
    titles = {change.title, request.title if request else ""}
    for hit in (texts[r] for r in wrote if r in texts):
        body = _body(hit.text)
        if body and body not in titles:
            titles.add(body)
            reasons.append(Reason(text=body, citation=context.citations.cite(hit.provenance)))
    if request and request.title and request.title != change.title:
        cited = change.citations[-1] if change.citations else ""
        reasons.append(Reason(text=request.title, citation=cited))
    return msgspec.structs.replace(change, why=tuple(reasons)) if reasons else change


def _body(message: str) -> str:
    """A commit message without its first line; of a pull request's merge also without the title that it repeats."""
    lines = paragraph(message, 4_000).split("\n")
    body = paragraph("\n".join(lines[1:]))
    if not _MERGE.match(lines[0]):
        return body
    first, _, rest = body.partition("\n")
    return paragraph(rest) or first


def _targets(context: Context, found: Sequence[ChangeView], known: Mapping[EntityRef, Thing]) -> dict[EntityRef, Thing]:
    targets = dict(known)
    missing = [r for r in dict.fromkeys(c.target for c in found) if r not in targets]
    targets.update((t.ref, t) for t in things(context.store, missing, context.view))
    for r in missing:
        if r not in targets and (last := former(context.store, r, context.view)):
            targets[r] = last
    return targets


def _change(
    context: Context,
    found: ChangeView,
    entities: Mapping[EntityRef, EntityView],
    by_change: Mapping[EntityRef, Sequence[RelationView]],
    target: Thing | None,
    approved: Mapping[EntityRef, Sequence[RelationView]],
    carried: Sequence[Carried],
    door: Door | None,
    started: Mapping[EntityRef, EntityView],
) -> Change:
    entity = entities.get(found.change)
    relations = by_change[found.change]
    properties: Properties = entity.properties if entity else {}
    cited = [context.citations.cite(found.provenance)]
    outgoing = {t: [r for r in relations if r.type == t and r.src == found.change] for t in _TYPES}
    landed = [r for r in relations if r.type == "MERGED_AS" and r.dst == found.change]
    came_with = [*outgoing["PART_OF"], *landed]
    request, request_citation = _pull_request(context, found.change, entities, came_with)
    asked = {e for r in came_with for e in (r.src, r.dst) if e.kind == "PullRequest"} | {found.change}
    approvals = [*outgoing["APPROVED_BY"], *(r for e in asked for r in approved.get(e, ()))]
    if request_citation:
        cited.append(request_citation)
    commits = commits_of(found)
    # Who merged wrote nothing: the authors are those of the commits inside.
    wrote = [r for c in commits for r in by_change[c] if r.type == "AUTHORED_BY"] or outgoing["AUTHORED_BY"]
    wrote = wrote or outgoing["COMMITTED_BY"] or outgoing["PERFORMED_BY"]
    return Change(
        change=change_id(found.change, properties, found.provenance.scope),
        at=rfc3339(found.at),
        at_means=_AT_MEANS.get(found.change.kind, "happened"),
        reached=_reached(found, entities, outgoing, carried, door),
        by=_actor(_doers(wrote, entities, started.get(door.explained_by) if door and door.explained_by else None)),
        approved_by=tuple(dict.fromkeys(person_name(e) for r in approvals if (e := entities.get(r.dst)))),
        pull_request=request,
        title=inline(text_of(properties, "title"), 300),
        effect=effect(found),
        attributes=attributes(found.properties),
        why=(),
        citations=tuple(cited),
        target=match(target, 1.0) if target else None,
        moved_from=_moved_from(found.properties),
        commits=tuple(c.id for c in commits),
        reverted_by=tuple(r.src.id for r in relations if r.type == "REVERTS" and r.dst == found.change),
        door=door.via if door else None,
        outside_code=door.outside_code if door else False,
    )


def _pull_request(
    context: Context, change: EntityRef, entities: Mapping[EntityRef, EntityView], part_of: Sequence[RelationView]
) -> tuple[PullRequest | None, str]:
    entity = next(
        (e for r in part_of for end in (r.dst, r.src) if end.kind == "PullRequest" and (e := entities.get(end))),
        entities.get(change) if change.kind == "PullRequest" else None,
    )
    number = entity.properties.get("number") if entity else None
    if entity is None or not isinstance(number, int | str) or not str(number).isdigit():
        return None, ""
    url = text_of(entity.properties, "url") or None
    cited = context.citations.cite(entity.statements[0].provenance)
    title = inline(text_of(entity.properties, "title"), 300)
    return PullRequest(number=int(number), title=title, url=url), cited


def _reached(
    found: ChangeView,
    entities: Mapping[EntityRef, EntityView],
    outgoing: Mapping[str, Sequence[RelationView]],
    carried: Sequence[Carried],
    door: Door | None,
) -> tuple[Reached, ...]:
    if carried:
        return tuple(c.reached for c in carried)
    if door is not None:  # what was called took effect there and then
        at = rfc3339(found.at)
        return (Reached(environment=door.environment or "unknown", earliest=at, latest=at, basis="applied"),)
    reached: list[Reached] = []
    for relation in outgoing["REACHED"]:
        basis = text_of(relation.properties, "basis")
        reached.append(
            Reached(
                environment=_environment(relation, entities),
                earliest=text_of(relation.properties, "earliest") or None,
                latest=text_of(relation.properties, "latest") or None,
                basis=cast('Literal["applied", "deployed", "merged", "unknown"]', basis)
                if basis in ("applied", "deployed", "merged")
                else "unknown",
            )
        )
    if reached:
        return tuple(reached)
    at = rfc3339(found.at)
    if found.change.kind in ("StateVersion", "Deployment"):
        basis_: Literal["applied", "deployed"] = "applied" if found.change.kind == "StateVersion" else "deployed"
        return tuple(
            Reached(environment=_environment(r, entities), earliest=at, latest=at, basis=basis_)
            for r in outgoing["RUNS_IN"]
        )
    if found.change.kind in ("Commit", "PullRequest"):
        # Nothing says where it was applied: from the merge on it may have been, anywhere.
        return (Reached(environment="unknown", earliest=at, latest=None, basis="merged"),)
    return ()


def _environment(relation: RelationView, entities: Mapping[EntityRef, EntityView]) -> str:
    entity = entities.get(relation.dst)
    name = text_of(entity.properties, "name") if entity else ""
    return inline(name or relation.discriminator or relation.dst.id)


def _actor(authors: Sequence[EntityView]) -> Actor:
    """Who did it, newest first when several did."""
    people = {a.ref: a for a in authors}.values()
    accounts = [
        inline(value)
        for author in people
        for statement in author.statements
        for key in ("email", "login")
        if (value := text_of(statement.properties, key))
    ]
    names = list(dict.fromkeys(inline(person_name(a)) for a in people))
    name = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return Actor(name=name, accounts=tuple(dict.fromkeys(accounts)))


def attributes(properties: Properties) -> tuple[AttributeChange, ...]:
    """The attribute paths of a `CHANGED` relation with both sides."""
    listed = properties.get("attributes")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return ()
    return tuple(
        AttributeChange(path=path, before=_state(item.get("before")), after=_state(item.get("after")))
        for item in listed[:_ATTRIBUTES]
        if isinstance(item, Mapping) and isinstance(path := item.get("path"), str)
    )


def _state(side: Value) -> AttributeState:
    if not isinstance(side, Mapping):
        return AttributeState(state="unknown")
    match side.get("state"):
        case "value":
            return AttributeState(state="value", value=side.get("value"))
        case "absent":
            return AttributeState(state="absent")
        case "redacted":
            return AttributeState(state="redacted")
        case _:
            return AttributeState(state="unknown")


def _moved_from(properties: Properties) -> str | None:
    before = properties.get("moved_from")
    if not isinstance(before, Mapping):
        return None
    address, path = text_of(before, "address"), text_of(before, "path")
    return inline(f"{address} ({path})" if address and path else address or path, 400) or None


def change_id(change: EntityRef, properties: Properties, scope: str = "") -> ChangeId:
    """Which change this is, in the words of the contract; `scope` names the repository of a commit that does not."""
    return ChangeId(
        kind=_snake(change.kind),
        id=_id(change, properties),
        repository=text_of(properties, "repository") or (scope if change.kind == "Commit" else ""),
    )


def _snake(kind: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(kind))


def _id(change: EntityRef, properties: Properties) -> str:
    if change.kind == "StateVersion" and (lineage := text_of(properties, "lineage")):
        return f"{lineage}#{properties.get('serial')}"
    if change.kind == "PullRequest" and properties.get("number") is not None:
        return str(properties["number"])
    if own := text_of(properties, _OWN_ID.get(change.kind, "")):
        return own
    return change.id
