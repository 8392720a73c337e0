"""Who approved, reviewed or merged a change."""

from __future__ import annotations

import msgspec

from agent.chain import Chain, Step, chain_around, chain_of
from agent.context import Context
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem
from agent.narrative import minute
from agent.phrasing import listing
from agent.questions.who_changed import told_about
from agent.target import Target, find_target, not_found


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
    for request in chain.requests[:3]:
        cited = context.citations.cite(request.statements[0].provenance)
        title = inline(text_of(request.properties, "title"), 120)
        sentences.append(context.state(f"Pull request #{request.properties.get('number')}, “{title}”:", cited))
    for verb, steps in (("approved", chain.approvals), ("merged", chain.merged)):
        if steps:
            sentences.append(_steps(context, verb, steps))
            entities += [_person(context, s) for s in steps]
    reviewers = [s for s in chain.reviews if s.entity.refs not in {a.entity.refs for a in chain.approvals}]
    if reviewers:
        sentences.append(_steps(context, "reviewed", tuple(reviewers)))
    if not chain.approvals:
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
        text=" ".join([*sentences, found.text]),
        entities=tuple(entities),
        facts=tuple(context.facts),
        citations=context.citations.all(),
        missing=tuple(dict.fromkeys(context.missing)),
    )


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
