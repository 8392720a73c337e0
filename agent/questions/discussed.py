"""Where something was talked about, and what was decided."""

from __future__ import annotations

from agent.chain import Said, chain_around, chain_of
from agent.context import Context
from agent.evidence import inline
from agent.model import Answer, EntityItem
from agent.narrative import best_messages, quote
from agent.nearby import talk_about
from agent.questions.who_changed import told_about
from agent.signals import signals
from agent.target import find_target

_MESSAGES = 3


def answer(context: Context) -> Answer:
    """The conversation about a change, a thing, an alert or anything that words name."""
    question = context.question
    said: list[Said] = []
    target = find_target(context, question.mention)
    resolved = target.resolved if target else ()
    if target is not None and target.sort == "change":
        said = list(chain_around(context.store, context.view, target.refs).messages)
    elif target is not None and target.refs:
        told = told_about(context, target)
        if told.main is not None:
            said = list(chain_of(context.store, context.view, told.main).messages)
        context.facts.clear()
    if not said and (found := signals(context.store, context.view).named(question.mention)):
        said = list(chain_around(context.store, context.view, [found[0].ref]).messages)
    linked = bool(said)
    if not said:
        names = [question.mention, *(t.label for t in (target.things[:1] if target else ()))]
        for name in names:
            said = talk_about(context, [name], question.since, question.until, _MESSAGES)
            if said:
                break
    if not said:
        context.missing.append("no conversation that you may read names it")
        return context.answer(
            "not_found",
            f"No conversation about “{inline(question.mention, 120)}” is known.",
            confidence=0.2,
            resolved=resolved,
        )
    chosen = _chosen(said)
    sentences = [quote(context, m) for m in chosen]
    decisions = [m for m in chosen if m.decision]
    if decisions:
        sentences.append(
            context.state(
                f"That decided it: {inline(decisions[-1].decision, 40)}.", context.citations.cite(decisions[-1].said)
            )
        )
    entities = [
        EntityItem(
            ref=str(m.ref),
            kind="Message",
            label=inline(m.text, 120),
            properties={"by": m.name, "channel": m.channel},
            citations=(context.citations.cite(m.said),),
        )
        for m in chosen
    ]
    return context.answer(
        "answered", " ".join(sentences), confidence=0.85 if linked else 0.6, resolved=resolved, entities=entities
    )


def _chosen(said: list[Said]) -> list[Said]:
    """The message that opened it, what decided it, and what gives reasons; in order of time."""
    from agent.chain import Chain

    best = best_messages(Chain(messages=tuple(said)), _MESSAGES)
    threads = {m.thread for m in best[:1]} if len({m.thread for m in said}) > 1 else {m.thread for m in said}
    best = [m for m in best if m.thread in threads]
    decided = [m for m in said if m.decision and m.thread in threads]
    some = {m.ref: m for m in [*best, *decided[-1:]]}
    return sorted(some.values(), key=lambda m: (m.at, m.ref))[: _MESSAGES + 1]
