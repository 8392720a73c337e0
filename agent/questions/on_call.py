"""Who is on call for a service, or for the service that an alert is about."""

from __future__ import annotations

import re

from agent.chain import person_name
from agent.context import Context
from agent.evidence import inline
from agent.model import Answer, EntityItem, RelationItem
from agent.named_service import service_in
from agent.phrasing import listing
from agent.questions import owner
from agent.signals import Signal, signals
from graph.model import EntityRef
from graph.store import EntityView, Limits, RelationView

_SIGNAL = re.compile(
    r"\b(?:alert\w*|alarm|incident|outage|page[ds]?|firing|fired|service (?:behind|that|of|which))\b", re.I
)
_TYPES = ("ON_CALL_FOR", "OWNED_BY")


def answer(context: Context) -> Answer:
    """The people on call and the owners; what the code's CODEOWNERS says when the catalog knows no such service."""
    question = context.question
    name = service_in(context, question.mention)
    signal: Signal | None = None
    speaks_of_one = _SIGNAL.search(question.mention) is not None
    found = signals(context.store, context.view).named(question.mention, question.at)
    if (
        found
        and (speaks_of_one or not name or found[0].name.casefold() in question.mention.casefold().split())
        and (not name or found[0].name.casefold() in question.mention.casefold())
    ):
        signal = found[0]
        name = signal.service or name
    if not name:
        return _unknown(context)
    services = context.store.select("Service", {"name": [name]}, context.view, Limits(rows=5)).items
    if not services:
        return _unknown(context)
    service = services[0]
    edges = context.store.neighbours(service.refs, context.view, Limits(rows=200), types=_TYPES).items
    owners = [e for e in edges if e.type == "OWNED_BY" and e.src in service.refs]
    on_call = [e for e in edges if e.type == "ON_CALL_FOR" and e.dst in service.refs]
    teams = sorted({e.dst for e in owners if e.dst.kind == "Team"})
    more = (
        context.store.neighbours(teams, context.view, Limits(rows=200), types=("ON_CALL_FOR",), direction="in").items
        if teams
        else ()
    )
    on_call += [e for e in more if e.src not in {x.src for x in on_call}]
    ends = sorted({*(e.dst for e in owners), *(e.src for e in on_call)})
    people = {r: e for e in context.store.entities(ends, context.view) for r in e.refs}
    sentences: list[str] = []
    if signal is not None:
        cited = context.citations.cite(signal.said)
        sentences.append(context.state(f"{inline(signal.label, 100)} is about {inline(name, 60)}.", cited))
    sentences += _tell(context, name, "on call for", on_call, people, out=False)
    sentences += _tell(context, name, "owner of", owners, people, out=True)
    if not on_call and question.wanted == "on_call":
        context.missing.append("nobody is stated to be on call for it")
        sentences.append("Nobody is known to be on call for it.")
    if not (on_call or owners):
        return _unknown(context)
    entities = [
        _item(context, people[r], e)
        for e, r in [*((e, e.src) for e in on_call), *((e, e.dst) for e in owners)]
        if r in people
    ]
    relations = [
        RelationItem(
            type=e.type, src=str(e.src), dst=str(e.dst), citations=(context.citations.cite(e.statements[0].provenance),)
        )
        for e in [*on_call, *owners]
    ]
    return context.answer("answered", " ".join(sentences), confidence=0.95, entities=entities, relations=relations)


def _unknown(context: Context) -> Answer:
    """No catalog knows it: what the code says of owners, or that nothing is known."""
    if context.question.kind == "owner":
        return context.answer("not_found", "No owner of it is known.", confidence=0.2)
    context.notes.append(f"Nobody is known to be on call for {inline(context.question.mention, 80)}.")
    return owner.by_code(context)


def _tell(
    context: Context, name: str, what: str, edges: list[RelationView], people: dict[EntityRef, EntityView], *, out: bool
) -> list[str]:
    ends = [(e, e.dst if out else e.src) for e in edges]
    known = [(e, people[r]) for e, r in ends if r in people]
    if not known:
        return []
    names = list(dict.fromkeys(inline(person_name(p), 60) for _, p in known))
    cited = [context.citations.cite(e.statements[0].provenance) for e, _ in known]
    verb = "is" if len(names) == 1 else "are"
    said = (
        f"{listing(names)} {verb} {what} {inline(name, 60)}."
        if not out
        else f"{inline(name, 60)} is owned by {listing(names)}."
    )
    return [context.state(said, *cited)]


def _item(context: Context, person: EntityView, edge: RelationView) -> EntityItem:
    return EntityItem(
        ref=str(person.ref),
        kind=person.kind,
        label=inline(person_name(person)),
        properties={},
        citations=(context.citations.cite(edge.statements[0].provenance),),
    )
