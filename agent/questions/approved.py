"""Who approved, reviewed or merged a change."""

from __future__ import annotations

import msgspec

from agent.chain import Chain, Step, chain_around, chain_of, person_name
from agent.context import Context
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem
from agent.narrative import minute
from agent.phrasing import listing
from agent.questions.who_changed import told_about
from agent.target import Target, find_target, not_found
from graph.store import Limits


def answer(context: Context) -> Answer:
    """The approvals of a pull request, or of the one that brought the last change of a thing."""
    target = find_target(context, context.question.mention)
    if target is None:
        return not_found(context, context.question.mention)
    if target.sort == "change":
        chain = chain_around(context.store, context.view, target.refs)
        return _said(context, target, chain, None)
    told = told_about(context, target)
    if told.main is None:
        return told.answer
    return _said(context, target, chain_of(context.store, context.view, told.main), told.answer)


def _said(context: Context, target: Target, chain: Chain, found: Answer | None) -> Answer:
    sentences: list[str] = []
    entities: list[EntityItem] = []
    wanted = context.question.wanted
    for request in chain.requests[:3]:
        cited = context.citations.cite(request.statements[0].provenance)
        title = inline(text_of(request.properties, "title"), 120)
        sentences.append(context.state(f"Pull request #{request.properties.get('number')}, “{title}”:", cited))
    if wanted == "authors":
        return _authors(context, target, chain, sentences)
    objected = tuple(s for s in chain.reviews if s.edge.properties.get("state") == "changes_requested")
    if wanted == "objected" and not objected:
        context.missing.append("no reviewer is known to have asked for changes")
        sentences.append("No reviewer is known to have asked for changes.")
    if wanted == "objected" and objected:
        sentences.append(_steps(context, "sent back with a request for changes", objected))
        entities += [_person(context, s) for s in objected]
        return context.answer(
            "answered", " ".join(sentences), confidence=0.9, resolved=target.resolved, entities=entities
        )
    for verb, steps in (("approved", chain.approvals), ("merged", chain.merged)):
        if steps and (wanted != "merged" or verb == "merged"):
            sentences.append(_steps(context, verb, steps))
            entities += [_person(context, s) for s in steps]
    reviewers = [s for s in chain.reviews if s.entity.refs not in {a.entity.refs for a in chain.approvals}]
    if reviewers:
        sentences.append(_steps(context, "reviewed", tuple(reviewers)))
    if not chain.approvals and wanted not in ("merged", "objected"):
        context.missing.append("no approval of it is known")
        sentences.append("No approval of it is known.")
    if found is None:
        return context.answer(
            "answered",
            " ".join(sentences),
            confidence=target.confidence if chain.requests else 0.4,
            resolved=target.resolved,
            candidates=target.candidates,
            entities=entities,
        )
    return msgspec.structs.replace(
        found,
        kind=context.question.kind,
        text=" ".join([*sentences, *([_first(found)] if found.facts else [])]),
        entities=tuple(entities),
        facts=tuple(context.facts),
        citations=context.citations.all(),
        missing=tuple(dict.fromkeys(context.missing)),
    )


def _first(found: Answer) -> str:
    """The first sentence of an answer, with its marks."""
    one = found.facts[0]
    return f"{one.statement.rstrip('.')} {''.join(f'[{c}]' for c in one.citations)}."


def _authors(context: Context, target: Target, chain: Chain, sentences: list[str]) -> Answer:
    """Who wrote it."""
    refs = [r.ref for r in chain.requests] or list(target.refs)
    edges = context.store.neighbours(
        refs, context.view, Limits(rows=100), types=("AUTHORED_BY",), direction="out"
    ).items
    people = {r: e for e in context.store.entities(sorted({e.dst for e in edges}), context.view) for r in e.refs}
    names = [inline(person_name(people[e.dst]), 60) for e in edges if e.dst in people]
    cited = [context.citations.cite(e.statements[0].provenance) for e in edges if e.dst in people]
    if names:
        sentences.append(context.state(f"It was written by {listing(list(dict.fromkeys(names)))}.", *cited))
    return context.answer("answered", " ".join(sentences), confidence=0.9 if names else 0.3, resolved=target.resolved)


def _steps(context: Context, verb: str, steps: tuple[Step, ...]) -> str:
    told = [f"{inline(s.name, 60)} on {minute(s.at)}" for s in steps]
    return context.state(f"It was {verb} by {listing(told)}.", *(context.citations.cite(s.said) for s in steps))


def _person(context: Context, step: Step) -> EntityItem:
    return EntityItem(
        ref=str(step.entity.ref),
        kind=step.entity.kind,
        label=inline(step.name),
        properties={},
        citations=(context.citations.cite(step.said),),
    )
