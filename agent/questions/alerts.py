"""Which alerts fired: in a window, about a service, after a deployment."""

from __future__ import annotations

from agent.anchors import first_of, requests_in
from agent.chain import landed_as
from agent.context import Context
from agent.evidence import inline
from agent.model import Answer, EntityItem
from agent.named_service import environment_in, service_in
from agent.narrative import minute
from agent.shipments import Shipment, shipments
from agent.signals import Signal, signals
from graph.clock import SECOND, Instant
from graph.store import EntityView

_AFTER: Instant = 2 * 3_600 * SECOND
_SHOWN = 20
_TOLD = 8


def answer(context: Context) -> Answer:
    """Alerts, oldest first after a deployment, else newest first."""
    question = context.question
    words = f"{question.mention} {question.environment}"
    service, environment = service_in(context, words), environment_in(context, words)
    anchor = _deployment(context, service, environment) if question.direction == "out" else None
    since, until = question.since, question.until
    if anchor is not None:
        since, until = anchor.at, anchor.at + _AFTER
        environment = environment or anchor.environment
    elif question.at is not None and since is None and until is None:
        until = question.at + 1
    found = [
        s
        for s in signals(context.store, context.view).between(since, until)
        if not s.is_incident and (not environment or s.environment in (environment, ""))
    ]
    own = [s for s in found if service and s.service == service]
    chosen = own if service and (own or anchor is None) else found
    ordered = sorted(chosen, key=lambda s: (s.started_at if anchor else -s.started_at, s.ref))
    if not ordered:
        what = f" after the deployment of {inline(anchor.service, 60)} on {minute(anchor.at)}" if anchor else ""
        context.missing.append("no alert of that time is known")
        cited = [context.citations.cite(anchor.said)] if anchor else []
        text = f"No alert{f' about {inline(service, 60)}' if service else ''}{what} is known."
        return context.answer("answered" if anchor else "not_found", context.state(text, *cited), confidence=0.6)
    sentences: list[str] = []
    if anchor is not None:
        cited_anchor = context.citations.cite(anchor.said)
        sentences.append(
            context.state(
                f"After {inline(anchor.service, 60)} {inline(anchor.version[:40], 40)} went to {inline(anchor.environment, 40)} on {minute(anchor.at)}, these fired:",
                cited_anchor,
            )
        )
    sentences += [told(context, s) for s in ordered[:_TOLD]]
    return context.answer(
        "answered",
        " ".join(sentences),
        confidence=0.9,
        entities=[item(context, s) for s in ordered[:_SHOWN]],
        truncated=len(ordered) > _SHOWN,
    )


def _deployment(context: Context, service: str, environment: str) -> Shipment | None:
    """The deployment that the question means: of this service, near the time it names, else the newest."""
    question = context.question
    if requests := requests_in(context, question.mention):
        return _first_with(context, requests[0], environment)
    at = next((t for t in (question.at, question.until, question.since) if t is not None), None)
    some = [
        s
        for s in shipments(context.store, context.view).all
        if s.took_effect
        and not s.is_apply
        and (not service or s.service == service)
        and (not environment or s.environment == environment)
    ]
    named = [s for s in some if s.version and s.version.casefold() in question.mention.casefold()]
    some = named or some
    if question.since is not None and question.until is not None:
        some = [s for s in some if question.since <= s.at < question.until] or some
    if not some:
        return None
    return min(some, key=lambda s: (abs(s.at - at), -s.at)) if at is not None else some[-1]


def _first_with(context: Context, request: EntityView, environment: str) -> Shipment | None:
    """The first deployment that carried a pull request: to the environment named, else to prod, else anywhere."""
    commits = landed_as(context.store, context.view, [request.ref])
    reach = context.reach
    carried = [s for s in reach.shipments.all if s.took_effect and any(reach.carries(s, c.id) for c in commits)]
    return first_of(carried, environment or "prod")


def told(context: Context, one: Signal) -> str:
    """An alert as a sentence."""
    of = f" for {inline(one.service, 60)}" if one.service else ""
    where = f" in {inline(one.environment, 40)}" if one.environment else ""
    until = f", until {minute(one.ended_at)}" if one.ended_at is not None else ""
    summary = f": {inline(one.title, 120)}" if one.title and one.title != one.label else ""
    return context.state(
        f"{inline(one.label, 100)}{of}{where} from {minute(one.started_at)}{until}{summary}.",
        context.citations.cite(one.said),
    )


def item(context: Context, one: Signal) -> EntityItem:
    """An alert or incident among the answer's entities."""
    return EntityItem(
        ref=str(one.ref),
        kind=one.ref.kind,
        label=inline(one.label, 160),
        properties={
            "service": one.service,
            "environment": one.environment,
            "severity": one.severity,
            "state": one.state,
        },
        citations=(context.citations.cite(one.said),),
    )
