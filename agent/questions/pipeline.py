"""Which pipeline run built, applied or deployed a change; which failed and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.chain import chain_around
from agent.context import Context
from agent.evidence import inline, text_of
from agent.model import Answer, EntityItem, Match
from agent.narrative import minute, who_performed
from agent.questions.who_changed import told_about
from agent.reach import Reach
from agent.shipments import moment
from agent.target import find_target
from graph.model import EntityRef
from graph.store import EntityView, Limits

_SHOWN = 10
_FAILED = ("failure", "failed", "error", "timed_out")


def answer(context: Context) -> Answer:
    """Runs for a change; without one, the newest runs, failed ones only when asked for."""
    question = context.question
    target = find_target(context, question.mention) if question.mention else None
    if target is None:
        return _newest(context)
    refs = list(target.refs)
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
    deployed = _triggered(context, refs)
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
    return _tell(context, ordered, target.resolved)


def _triggered(context: Context, refs: list[EntityRef]) -> list[EntityView]:
    """The runs that made the deployments which carried these commits."""
    reach = Reach(context.store, context.view)
    commits = [r.id for r in refs if r.kind == "Commit"]
    requests = [r for r in refs if r.kind == "PullRequest"]
    if requests:
        edges = context.store.neighbours(
            requests, context.view, Limits(rows=100), types=("MERGED_AS",), direction="out"
        ).items
        commits += [e.dst.id for e in edges]
    exact = [s.ref for s in reach.shipments.all if s.commit in commits]
    if not exact:
        return []
    edges = context.store.neighbours(
        exact, context.view, Limits(rows=100), types=("TRIGGERED_BY",), direction="out"
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
