"""What was changed by hand: audited calls that no apply explains."""

from __future__ import annotations

from agent.assemble import assemble
from agent.context import Context, match
from agent.doors import Door, doors
from agent.effects import carried_requests, effects, told
from agent.evidence import inline, text_of
from agent.model import Answer
from agent.named_service import environment_in, environment_names
from agent.narrative import minute, who_performed
from agent.people import find_people
from agent.phrasing import listing
from agent.questions.went_out import carried_cited, sentence
from agent.reach import environment_of
from agent.shipments import shipments
from agent.target import Target, find_target
from graph.clock import EARLIEST, SECOND, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, EntityView, Limits

_SHOWN = 30
_MARGIN: Instant = 120 * SECOND
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
    if question.wanted == "which" and refs:
        return _either(context, refs, target)
    chosen = found
    of = (
        f" of {inline(target.thing.label if target.sort == 'thing' else question.mention, 80)}"
        if target and target.things
        else ""
    )
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
        sentences.append(
            context.state(sentence(context, effect, change) + ".", *change.citations, *carried_cited(context, effect))
        )
    resolved = [match(t, target.confidence) for t in target.things[:3]] if target else []
    return context.answer(
        "answered",
        " ".join(sentences),
        confidence=0.9,
        changes=changes,
        resolved=resolved,
        truncated=len(chosen) > _SHOWN,
    )


def _either(context: Context, refs: list[EntityRef], target: Target | None) -> Answer:
    """Whether a change of one thing at a moment came by hand or by an apply."""
    question = context.question
    at = question.at if question.at is not None else (question.since or 0)
    query = ChangeQuery(targets=refs, since=at - _MARGIN, until=at + _MARGIN)
    events = [
        c for c in context.store.changes(query, context.view, Limits(rows=100)).items if c.change.kind == "AuditEvent"
    ]
    if not events:
        context.missing.append("no audit event of it at that time is known")
        return context.answer("not_found", "No change of it at that time is known.", confidence=0.3)
    nearest = min(events, key=lambda e: (abs(e.at - at), e.change))
    door = doors(context.store, context.view, [nearest])[nearest.change, nearest.target]
    (change,) = assemble(context, [nearest])
    label = change.target.label if change.target else "It"
    if door.by_hand:
        said = f"{inline(label, 100)} was changed by hand by {change.by.name or 'somebody'} on {minute(nearest.at)}, by way of {inline(door.via, 30)} ({inline(change.title, 80)})."
        sentences = [context.state(said, *change.citations)]
    else:
        performed = who_performed(context, [nearest.change]).get(nearest.change, "")
        said = f"{inline(label, 100)} was changed by the pipeline{f' ({inline(performed, 80)})' if performed else ''} on {minute(nearest.at)}, by way of {inline(door.via, 30)}: not by hand."
        sentences = [context.state(said, *change.citations), *explained(context, door)]
    return context.answer(
        "answered", " ".join(sentences), confidence=0.9, changes=[change], resolved=target.resolved if target else ()
    )


def explained(context: Context, door: Door) -> list[str]:
    """The apply behind an event: with its run and what it carried."""
    one = next((s for s in shipments(context.store, context.view).all if door.explained_by in s.refs), None)
    if one is None:
        return []
    sentences: list[str] = []
    by = who_performed(context, [one.ref]).get(one.ref, "")
    requests = carried_requests(context, one)
    cites = [
        context.citations.cite(one.said),
        *(context.citations.cite(r.statements[0].provenance) for r in requests[:3]),
    ]
    names = [f"#{r.properties.get('number')} “{inline(text_of(r.properties, 'title'), 80)}”" for r in requests[:3]]
    carried = f" with {listing(names, 3)}" if names else ""
    sentences.append(
        context.state(
            f"It belongs to the apply to {inline(one.environment, 40)} on {minute(one.at)}{f' by {inline(by, 60)}' if by else ''}{carried}.",
            *cites,
        )
    )
    for run in runs_of(context, [one.ref]):
        cited = context.citations.cite(max(run.statements, key=lambda s: s.valid_from).provenance)
        sentences.append(
            context.state(
                f"That was run {inline(str(run.properties.get('number') or ''), 20)} of {inline(text_of(run.properties, 'name'), 60)}.",
                cited,
            )
        )
    return sentences


def runs_of(context: Context, deployments: list[EntityRef]) -> tuple[EntityView, ...]:
    """The pipeline runs that made these deployments."""
    edges = context.store.neighbours(
        deployments, context.view, Limits(rows=100), types=("TRIGGERED_BY",), direction="out"
    ).items
    return context.store.entities(sorted({e.dst for e in edges}), context.view)


def _target(context: Context) -> Target | None:
    """What the question is about; None for everything there is."""
    known = environment_names(context.store, context.view)
    words = context.question.mention.casefold().split()
    left = [w for w in words if w not in _FILLING and not environment_of(w.strip("?.,"), known)]
    if " ".join(left) in _EVERYTHING:
        return None
    return find_target(context, context.question.mention)
