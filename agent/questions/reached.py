"""When a change reached an environment, and whether it has."""

from __future__ import annotations

from agent.anchors import names_version
from agent.assemble import assemble
from agent.chain import chain_around, landed_as
from agent.context import Context
from agent.evidence import inline, text_of
from agent.lineage import COSMETIC, effect
from agent.model import Answer
from agent.named_service import environment_in
from agent.narrative import minute
from agent.phrasing import listing
from agent.questions.who_changed import told_about
from agent.reach import Carried
from agent.target import Target, find_target, not_found
from graph.store import ChangeQuery, ChangeView, Limits


def answer(context: Context) -> Answer:
    """The arrivals of a change, of the last change of a thing, or of a pull request."""
    question = context.question
    environment = environment_in(context, question.environment) or environment_in(context, question.mention)
    if names_version(context, question.mention):
        from agent.questions import running

        return running.answer(context)
    target = find_target(context, question.mention)
    if target is None:
        return not_found(context, question.mention)
    views = _views(context, target)
    if target.sort != "change" and views is None:
        told = told_about(context, target)
        if told.main is None:
            return told.answer
        views = [told.main]
    views = views or []
    arrived = _arrived(context, views)
    if not views or (not arrived and target.sort == "change"):
        arrived = arrived or _by_commit(context, target)
    what = _what(context, target, views)
    wanted = [a for a in arrived if not environment or a.reached.environment == environment]
    sentences = [_sentence(context, what, wanted or arrived, environment, met=bool(wanted))]
    shown = assemble(context, views[:5])
    return context.answer(
        "answered",
        " ".join(sentences),
        confidence=0.9 if wanted else 0.6,
        resolved=target.resolved,
        candidates=target.candidates,
        changes=shown,
    )


def _views(context: Context, target: Target) -> list[ChangeView] | None:
    if target.sort != "change":
        return None
    page = context.store.changes(ChangeQuery(changes=target.refs), context.view, Limits(rows=400))
    some = [c for c in page.items if effect(c) not in COSMETIC]
    return some or list(page.items)


def _arrived(context: Context, views: list[ChangeView]) -> list[Carried]:
    """The first arrival in each environment of any part, in order of time."""
    first: dict[str, Carried] = {}
    for some in context.reach.of(views).values():
        for one in some:
            known = first.get(one.reached.environment)
            if known is None or one.at < known.at:
                first[one.reached.environment] = one
    return sorted(first.values(), key=lambda c: (c.at, c.by))


def _by_commit(context: Context, target: Target) -> list[Carried]:
    """Arrivals of a change of which only the commits are known: the deployments that hold them."""
    from agent.model import Reached
    from graph.clock import rfc3339

    reach = context.reach
    commits = {r.id for r in target.refs if r.kind == "Commit"} | {
        r.id for r in landed_as(context.store, context.view, [r for r in target.refs if r.kind == "PullRequest"])
    }
    first: dict[str, Carried] = {}
    for one in reach.shipments.all:
        name = one.environment or "unknown"
        if name not in first and one.took_effect and any(reach.carries(one, sha) for sha in commits):
            basis = "applied" if one.is_apply else "deployed"
            told = Reached(environment=name, earliest=rfc3339(one.started_at), latest=rfc3339(one.at), basis=basis)
            first[name] = Carried(told, one.ref, one.at, one.said, one)
    return sorted(first.values(), key=lambda c: (c.at, c.by))


def _what(context: Context, target: Target, views: list[ChangeView]) -> str:
    refs = [v.change for v in views[:1]] or list(target.refs)
    chain = chain_around(context.store, context.view, refs)
    if chain.requests:
        request = chain.requests[0]
        cited = context.citations.cite(request.statements[0].provenance)
        state = text_of(request.properties, "state")
        merged = "" if state in ("merged", "") else f", which is {inline(state, 20)} and not merged,"
        return f"#{request.properties.get('number')} “{inline(text_of(request.properties, 'title'), 100)}”{merged} [{cited}]"
    return inline(target.thing.label, 100) if target.things else inline(context.question.mention, 100)


def _sentence(context: Context, what: str, found: list[Carried], environment: str, *, met: bool) -> str:
    cited = [context.citations.cite(c.said) for c in found]
    parts: list[str] = []
    for one in found[:4]:
        how = "applied" if one.reached.basis == "applied" else "deployed"
        by = (
            f" with {inline(one.shipment.service, 60)} {inline(one.shipment.version[:40], 40)}"
            if one.shipment and one.shipment.service
            else ""
        )
        parts.append(f"{inline(one.reached.environment, 40)} on {minute(one.at)} ({how}{by.rstrip()})")
    if environment and not met:
        context.missing.append(f"no deployment, apply or state shows it in {inline(environment, 40)}")
        other = f" It reached {listing(parts)}." if parts else ""
        return context.state(f"No: {what} is not known to have reached {inline(environment, 40)}.{other}", *cited)
    if not parts:
        context.missing.append("no deployment, apply or state source shows it anywhere")
        return f"{what} is not known to have reached any environment."
    return context.state(f"{what} reached {listing(parts)}.", *cited)
