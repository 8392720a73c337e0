"""What stands before an incident or alert: what a post-mortem says, and what took effect shortly before."""

from __future__ import annotations

import re

from agent.chain import chain_around, person_name
from agent.context import Context
from agent.effects import Effect, effects, told
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem
from agent.named_service import environment_in
from agent.narrative import minute, quote
from agent.questions.alerts import item
from agent.questions.alerts import told as told_signal
from agent.questions.went_out import carried_cited, sentence
from agent.signals import Signal, signals
from graph.clock import SECOND, Instant, rfc3339
from graph.store import EntityView, Limits

_BEFORE: Instant = 3_600 * SECOND
_LONG_BEFORE: Instant = 24 * 3_600 * SECOND
_SHOWN = 10
_FIXED = re.compile(
    r"\b(?:rolled? (?:it )?back|rollback|mitigat\w+|fixed|fix is|recover\w*|revert\w*|resolved|back to normal|again\b.*\b(?:works?|healthy)|allowed again|"
    r"renewed|restarted|scaled|all good|green again)\b",
    re.I,
)
_CAUSED = re.compile(
    r"\b(?:cause[ds]?|because|due to|turn(?:s|ed) out|root|culprit|was it|broke|took (?:it|them) down|nothing of ours)\b",
    re.I,
)
_TOLD = 5


def answer(context: Context) -> Answer:
    """The stated cause, if there is one; then the changes that took effect before it began, newest first."""
    question = context.question
    near = next((t for t in (question.at, question.until, question.since) if t is not None), None)
    found = signals(context.store, context.view).named(question.mention, near)
    found = _in_window(found, question.since, question.until, question.at)
    if not found:
        context.missing.append("no alert or incident of that name is known")
        text = f"No alert or incident called “{inline(question.mention, 100)}” is known."
        return context.answer("not_found", text, confidence=0.0)
    signal = found[0]
    sentences = [told_signal(context, signal)]
    if question.wanted in _STEPS:
        return _step(context, signal, sentences)
    if question.wanted == "by_hand":
        return _by_hand(context, signal, sentences)
    stated, written = _stated(context, found)
    sentences += stated
    if not stated:
        said = _said(context, signal, fix=question.wanted == "fix")
        sentences += said
        if said and question.wanted == "fix":
            return context.answer("answered", " ".join(sentences), confidence=0.8, entities=[item(context, signal)])
    before: tuple[Effect, ...] = ()
    if question.wanted == "before" or not stated:
        before = _before(context, signal)
        if not before:
            span = "hour" if "hour" in question.text.casefold() else "day"
            sentences.append(f"Nothing is known to have taken effect in the {span} before {minute(signal.started_at)}.")
            context.missing.append("no deployment, apply or manual change of that time is known")
    if before and not stated and question.wanted != "before":
        context.missing.append("no post-mortem and nobody states its cause")
        sentences.append("No cause is confirmed. What took effect shortly before it, each only a candidate:")
    changes = told(context, before[:_SHOWN])
    for effect, change in zip(before[:_TOLD], changes, strict=False):
        sentences.append(
            context.state(sentence(context, effect, change) + ".", *change.citations, *carried_cited(context, effect))
        )
    return context.answer(
        "answered",
        " ".join(sentences),
        confidence=0.9 if written else 0.6,
        changes=changes,
        entities=[item(context, s) for s in found[:3]],
    )


_STEPS = {"acknowledged": ("ACKNOWLEDGED_BY", "acknowledged"), "resolved": ("RESOLVED_BY", "resolved")}


def _step(context: Context, signal: Signal, sentences: list[str]) -> Answer:
    """Who acknowledged or resolved it."""
    type_, verb = _STEPS[context.question.wanted]
    edges = context.store.neighbours([signal.ref], context.view, Limits(rows=20), types=(type_,), direction="out").items
    ordered = sorted(edges, key=lambda e: (e.statements[-1].valid_from, e.dst))
    people = {r: e for e in context.store.entities([e.dst for e in edges], context.view) for r in e.refs}
    entities = [item(context, signal)]
    told_: list[str] = []
    for edge in ordered:
        person = people.get(edge.dst)
        if person is None:
            continue
        first = min(edge.statements, key=lambda s: s.valid_from)
        cited = context.citations.cite(first.provenance)
        said = f"It was {verb} by {inline(person_name(person), 60)} on {minute(first.valid_from)}."
        told_.append(context.state(said, cited, *accounts_cited(context, person)))
        entities.append(
            EntityItem(
                ref=str(person.ref),
                kind=person.kind,
                label=inline(person_name(person)),
                properties={},
                citations=(cited,),
            )
        )
    if not told_:
        context.missing.append(f"who {verb} it is not known")
        told_ = [f"Who {verb} it is not known."]
    return context.answer("answered", " ".join([*sentences, *told_]), confidence=0.9, entities=entities)


def accounts_cited(context: Context, person: EntityView) -> list[str]:
    """Citations of what says whose account it is: where other sources name the person."""
    named = [s for s in person.statements if s.ref.kind == "Account"]
    return [context.citations.cite(s.provenance) for s in named[:4]]


def _by_hand(context: Context, signal: Signal, sentences: list[str]) -> Answer:
    """What was done by hand before it began."""
    since = signal.started_at - _LONG_BEFORE
    found = effects(context, since, signal.started_at + 1, environment=signal.environment, only_by_hand=True)
    if not found:
        context.missing.append("no manual change in the day before it is known")
        sentences.append("No manual change in the day before it is known.")
    changes = told(context, found[:1])
    for effect, change in zip(found[:1], changes, strict=False):
        sentences.append(
            context.state(sentence(context, effect, change) + ".", *change.citations, *carried_cited(context, effect))
        )
    stated, _ = _stated(context, (signal,))
    return context.answer(
        "answered", " ".join([*sentences, *stated]), confidence=0.8, changes=changes, entities=[item(context, signal)]
    )


def _in_window(
    found: tuple[Signal, ...], since: Instant | None, until: Instant | None, at: Instant | None
) -> tuple[Signal, ...]:
    if since is None and until is None:
        return found
    del at
    inside = tuple(
        s for s in found if (since is None or s.started_at >= since) and (until is None or s.started_at < until)
    )
    return inside or found


def _stated(context: Context, found: tuple[Signal, ...]) -> tuple[list[str], bool]:
    """What a post-mortem says of cause and fix: of the incident itself, or of one of the same service and time."""
    one = found[0]
    same = [s for s in found if s.cause or s.fix]
    if not same:
        same = [
            s
            for s in signals(context.store, context.view).all
            if (s.cause or s.fix)
            and abs(s.started_at - one.started_at) <= 2 * _BEFORE
            and (not s.service or not one.service or s.service == one.service)
        ]
    sentences: list[str] = []
    for s in same[:1]:
        cited = context.citations.cite(s.said)
        if s.cause:
            sentences.append(context.state(f"The cause, as the post-mortem has it: “{inline(s.cause, 400)}”.", cited))
        if s.fix:
            sentences.append(context.state(f"The fix: “{inline(s.fix, 300)}”.", cited))
        edges = context.store.neighbours(
            [s.ref], context.view, Limits(rows=20), types=("CAUSED_BY", "FIXED_BY"), direction="out"
        ).items
        entities = {r: e for e in context.store.entities([e.dst for e in edges], context.view) for r in e.refs}
        for edge in edges:
            entity = entities.get(edge.dst)
            if entity is None:
                continue
            label = inline(text_of(entity.properties, "title") or text_of(entity.properties, "name"), 100)
            number = f"#{entity.properties['number']} " if entity.properties.get("number") else ""
            verb = "caused" if edge.type == "CAUSED_BY" else "fixed"
            cites = (
                context.citations.cite(edge.statements[0].provenance),
                context.citations.cite(entity.statements[0].provenance),
            )
            sentences.append(context.state(f"It was {verb} by {number}“{label}”.", *cites))
    return sentences, bool(sentences)


def _said(context: Context, signal: Signal, *, fix: bool) -> list[str]:
    """What the conversation about it says of the end or of the cause: the last message that does."""
    messages = chain_around(context.store, context.view, [signal.ref]).messages
    pattern = _FIXED if fix else _CAUSED
    telling = [m for m in messages if pattern.search(m.text)]
    return [quote(context, m) for m in telling[-1:]]


def _before(context: Context, signal: Signal) -> tuple[Effect, ...]:
    """What took effect in the hour before, else in the day before; in its environment, its own service first."""
    question = context.question
    environment = signal.environment or environment_in(context, f"{question.environment} {question.text}")
    hour_only = "hour" in question.text.casefold()
    for span in (_BEFORE,) if hour_only else (_BEFORE, _LONG_BEFORE):
        since = signal.started_at - span
        found = effects(context, since, signal.started_at + 1, environment=environment)
        if found:
            return found
    return ()


def day_of(signal: Signal) -> str:
    """The day it began."""
    return rfc3339(signal.started_at)[:10]
