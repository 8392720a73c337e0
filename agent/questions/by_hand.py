"""What was changed by hand: audited calls that no apply explains."""

from __future__ import annotations

from agent.context import Context, match
from agent.effects import effects, told
from agent.evidence import inline
from agent.model import Answer
from agent.named_service import environment_in, environment_names
from agent.narrative import minute
from agent.people import find_people
from agent.questions.went_out import sentence
from agent.reach import environment_of
from agent.target import Target, find_target
from graph.clock import EARLIEST

_SHOWN = 30
_TOLD = 8
_FILLING = frozenset({"in", "the", "our", "on", "to", "of", "account", "environment"})
_EVERYTHING = frozenset({"", "anything", "something", "everything", "things", "resources", "it", "what", "changes"})


def answer(context: Context) -> Answer:
    """Manual changes of a window, a thing or a person, newest first; honest when there are none."""
    question = context.question
    environment = environment_in(context, f"{question.mention} {question.environment}")
    until = question.until if question.until is not None else min(context.now, context.as_of or context.now) + 1
    since = question.since if question.since is not None else EARLIEST
    target = _target(context)
    by = None
    if question.by:
        people = find_people(context.store, question.by, context.view)
        if not people:
            text = f"Nobody called “{inline(question.by, 60)}” is known."
            return context.answer("not_found", text, confidence=0.0)
        by = [p.ref for p in people]
    refs = None
    if target is not None and target.refs:
        refs = [r for r in target.refs if r.kind == "Resource"] or list(target.refs)
    found = effects(context, since, until, environment=environment, targets=refs, by=by, only_by_hand=True)
    outside = [e for e in found if e.door is not None and e.door.outside_code]
    chosen = tuple(outside or found)
    of = f" of {inline(target.thing.label, 80)}" if target and target.things else ""
    where = f" in {inline(environment, 40)}" if environment else ""
    if not chosen:
        context.missing.append(
            "no audit event of that time was made by hand, as far as the audit logs that were read tell"
        )
        when = f" between {minute(since)} and {minute(until)}" if question.since is not None else ""
        text = f"No manual change{of}{where}{when} is known."
        return context.answer(
            "answered" if target or environment else "not_found",
            text,
            confidence=0.6,
            resolved=target.resolved if target else (),
        )
    changes = told(context, chosen[:_SHOWN])
    sentences = [f"{len(chosen)} manual change{'s' if len(chosen) > 1 else ''}{of}{where}, the newest first:"]
    for effect, change in zip(chosen[:_TOLD], changes, strict=False):
        sentences.append(context.state(sentence(context, effect, change) + ".", *change.citations))
    resolved = [match(t, target.confidence) for t in target.things[:3]] if target else []
    return context.answer(
        "answered",
        " ".join(sentences),
        confidence=0.9,
        changes=changes,
        resolved=resolved,
        truncated=len(chosen) > _SHOWN,
    )


def _target(context: Context) -> Target | None:
    """What the question is about; None for everything there is."""
    known = environment_names(context.store, context.view)
    words = context.question.mention.casefold().split()
    left = [w for w in words if w not in _FILLING and not environment_of(w.strip("?.,"), known)]
    if " ".join(left) in _EVERYTHING:
        return None
    return find_target(context, context.question.mention)
