"""Which pipeline run built, applied or deployed a change; which failed and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.assemble import assemble
from agent.chain import chain_around, landed_as
from agent.context import Context
from agent.doors import doors
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem, Match
from agent.named_service import environment_in
from agent.narrative import minute, who_performed
from agent.questions.who_changed import told_about
from agent.shipments import moment, shipments
from agent.target import find_target, not_found
from graph.clock import SECOND, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, EntityView, Limits

_SHOWN = 10
_MARGIN: Instant = 120 * SECOND
_FAILED = ("failure", "failed", "error", "timed_out")


def answer(context: Context) -> Answer:
    """Runs for a change; without one, the newest runs, failed ones only when asked for."""
    question = context.question
    target = find_target(context, question.mention) if question.mention else None
    if target is None and question.mention:
        return not_found(context, question.mention)
    if target is None:
        return _newest(context)
    refs = list(target.refs)
    environment = environment_in(context, f"{question.mention} {question.environment}")
    if question.wanted == "calls":
        return _calls(context, refs, environment)
    if target.sort != "change":
        told = told_about(context, target)
        if told.main is None:
            return told.answer
        refs = [told.main.change]
        context.facts.clear()
    chain = chain_around(context.store, context.view, refs)
    runs = {s.entity.ref: s.entity for s in chain.runs}
    for request in chain.requests:
        more = chain_around(context.store, context.view, [request.ref])
        runs.update({s.entity.ref: s.entity for s in more.runs})
    deployed = _triggered(context, refs, environment)
    runs.update({run.ref: run for run in deployed})
    for request in chain.requests[:1]:
        context.citations.cite(request.statements[0].provenance)
    if not runs:
        context.missing.append("no pipeline run of it is known")
        return context.answer(
            "answered",
            f"No pipeline run of {inline(question.mention, 100)} is known.",
            confidence=0.5,
            resolved=target.resolved,
        )
    ordered = _ordered(runs.values(), {r.ref for r in deployed}, failed=question.wanted == "failed")
    if environment and question.wanted == "failed":
        ordered = _in_environment(context, ordered, environment)
    elif environment and deployed:
        ordered = [r for r in ordered if r.ref in {d.ref for d in deployed}]
    return _tell(context, ordered, target.resolved)


def _in_environment(context: Context, runs: list[EntityView], environment: str) -> list[EntityView]:
    """The runs whose deployments went to an environment; all when none says."""
    edges = context.store.neighbours(
        [r.ref for r in runs], context.view, Limits(rows=500), types=("TRIGGERED_BY",), direction="in"
    ).items
    where = {ref: s.environment for s in shipments(context.store, context.view).all for ref in s.refs}
    fitting = {e.dst for e in edges if where.get(e.src) == environment}
    return [r for r in runs if r.ref in fitting] or runs


def _calls(context: Context, refs: list[EntityRef], environment: str) -> Answer:
    """The audited calls that the apply of a change made."""
    reach = context.reach
    commits = {r.id for r in _commits(context, refs)}
    carried = [
        s
        for s in reach.shipments.all
        if s.is_apply
        and s.took_effect
        and (not environment or s.environment == environment)
        and any(reach.carries(s, c) for c in commits)
    ]
    if not carried:
        context.missing.append("no apply of it is known")
        return context.answer("not_found", "No apply of it is known.", confidence=0.3)
    one = carried[0]
    window = ChangeQuery(since=one.started_at - _MARGIN, until=one.at + _MARGIN, target_kinds=frozenset({"Resource"}))
    events = [
        c
        for c in context.store.changes(window, context.view, Limits(rows=1_000)).items
        if c.change.kind == "AuditEvent"
    ]
    through = doors(context.store, context.view, events)
    own = [e for e in events if through[e.change, e.target].explained_by in one.refs]
    entities = {e.ref: e for e in context.store.entities(sorted({c.change for c in own}), context.view)}
    sentences = [
        context.state(
            f"The apply to {inline(one.environment, 40)} on {minute(one.at)} made these calls:",
            context.citations.cite(one.said),
        )
    ]
    told: set[EntityRef] = set()
    for event in sorted(own, key=lambda c: (c.at, c.change)):
        entity = entities.get(event.change)
        if entity is None or event.change in told:
            continue
        told.add(event.change)
        said = f"{inline(text_of(entity.properties, 'action'), 80)} ({inline(text_of(entity.properties, 'title'), 120)}) at {minute(event.at)}."
        sentences.append(context.state(said, context.citations.cite(event.provenance)))
    if not told:
        context.missing.append("the audit log has no call of that apply")
        sentences.append("The audit log has none.")
    changes = assemble(context, list({e.change: e for e in own}.values()))
    return context.answer("answered", " ".join(sentences), confidence=0.85, changes=changes)


def _commits(context: Context, refs: list[EntityRef]) -> list[EntityRef]:
    landed = landed_as(context.store, context.view, [r for r in refs if r.kind == "PullRequest"])
    return landed or [r for r in refs if r.kind == "Commit"]


def _triggered(context: Context, refs: list[EntityRef], environment: str) -> list[EntityView]:
    """The runs that made the first deployments which carried these commits."""
    reach = context.reach
    commits = {r.id for r in _commits(context, refs)}
    first: dict[tuple[str, str], tuple[EntityRef, ...]] = {}
    for one in reach.shipments.all:
        key = (one.environment, one.service)
        if (
            key not in first
            and one.took_effect
            and (not environment or one.environment == environment)
            and any(reach.carries(one, c) for c in commits)
        ):
            first[key] = one.refs
    exact = {
        ref
        for s in reach.shipments.all
        if s.commit in commits
        for ref in s.refs
        if not environment or s.environment == environment
    }
    chosen = sorted(exact) or sorted({ref for refs_ in first.values() for ref in refs_})
    if not chosen:
        return []
    edges = context.store.neighbours(
        chosen, context.view, Limits(rows=100), types=("TRIGGERED_BY",), direction="out"
    ).items
    return list(context.store.entities(sorted({e.dst for e in edges}), context.view))


def _newest(context: Context) -> Answer:
    question = context.question
    page = context.store.select("WorkflowRun", {}, context.view, Limits(rows=20_000))
    some = [
        e
        for e in page.items
        if (at := moment(text_of(e.properties, "started_at"))) is not None
        and (question.since is None or at >= question.since)
        and (question.until is None or at < question.until)
    ]
    ordered = _ordered(some, set(), failed=question.wanted == "failed")
    if not ordered:
        context.missing.append("no such pipeline run is known")
        return context.answer("not_found", "No such pipeline run is known.", confidence=0.3)
    return _tell(context, ordered, ())


def _ordered(runs: Iterable[EntityView], first: set[EntityRef], *, failed: bool) -> list[EntityView]:
    found = [r for r in runs if not failed or text_of(r.properties, "conclusion") in _FAILED]
    return sorted(found, key=lambda r: (r.ref not in first, _reverse(text_of(r.properties, "started_at")), r.ref))


def _reverse(text: str) -> tuple[int, ...]:
    return tuple(-ord(c) for c in text)


def _tell(context: Context, ordered: list[EntityView], resolved: Sequence[Match]) -> Answer:
    performed = who_performed(context, [r.ref for r in ordered])
    sentences: list[str] = []
    entities: list[EntityItem] = []
    for run in ordered[:_SHOWN]:
        said = run.properties
        cited = context.citations.cite(max(run.statements, key=lambda s: s.valid_from).provenance)
        at = moment(text_of(said, "started_at"))
        step = text_of(said, "failing_step")
        by = performed.get(run.ref)
        sentences.append(
            context.state(
                f"Run {inline(str(said.get('number') or ''), 20)} of {inline(text_of(said, 'name'), 60)}"
                f"{f' on {minute(at)}' if at is not None else ''}{f' by {inline(by, 60)}' if by else ''}: {inline(text_of(said, 'conclusion') or 'running', 30)}"
                f"{f', in {inline(step, 100)}' if step else ''}.",
                cited,
            )
        )
        entities.append(
            EntityItem(
                ref=str(run.ref),
                kind=run.kind,
                label=inline(text_of(said, "name"), 80),
                properties=dict(said),
                citations=(cited,),
            )
        )
    return context.answer(
        "answered",
        " ".join(sentences[:5]),
        confidence=0.85,
        resolved=resolved,
        entities=entities,
        truncated=len(ordered) > _SHOWN,
    )
