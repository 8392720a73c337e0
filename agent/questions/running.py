"""Which version of a service ran where at a moment, who deployed it and with which pull request."""

from __future__ import annotations

from agent.context import Context
from agent.effects import Effect, carried_requests, told
from agent.evidence import inline, text_of
from agent.model import Answer
from agent.named_service import environment_in, service_in
from agent.narrative import minute
from agent.phrasing import listing
from agent.shipments import Shipment, shipments
from agent.signals import signals
from graph.clock import Instant


def answer(context: Context) -> Answer:
    """The deployment in effect; of each environment when none is named."""
    question = context.question
    words = f"{question.mention} {question.environment}"
    all_ = shipments(context.store, context.view)
    at = _moment(context)
    service, environment = service_in(context, words), environment_in(context, words)
    if not service and (found := signals(context.store, context.view).named(question.mention, at)):
        # "the version that ran when the incident began"
        service, at = found[0].service, found[0].started_at
        environment = environment or found[0].environment
        context.citations.cite(found[0].said)
    elif found := _moment_of_signal(context):
        at, environment = found[0], environment or found[1]
    if not service:
        context.missing.append("no service of that name is known")
        return context.answer(
            "not_found", f"No service called “{inline(question.mention, 80)}” is known.", confidence=0.0
        )
    where = [environment] if environment else sorted({s.environment for s in all_.all if s.service == service})
    running = [one for name in where if (one := all_.running(service, name, at)) is not None]
    running.sort(key=lambda s: (-s.at, s.environment))
    if not running:
        context.missing.append("no deployment of it by then is known")
        text = f"No deployment of {inline(service, 60)}{f' to {inline(environment, 40)}' if environment else ''} by {minute(at)} is known."
        return context.answer("not_found", text, confidence=0.3)
    changes = told(context, [Effect(s.at, s.ref, s.environment, shipment=s) for s in running])
    sentences = [
        _sentence(context, one, change.by.name, change.citations) for one, change in zip(running, changes, strict=True)
    ]
    return context.answer("answered", " ".join(sentences), confidence=0.95, changes=changes)


def _moment(context: Context) -> Instant:
    question = context.question
    now = min(context.now, context.as_of) if context.as_of is not None else context.now
    return next((t for t in (question.at, question.until) if t is not None), now)


def _moment_of_signal(context: Context) -> tuple[Instant, str] | None:
    """When the incident or alert began that the words after "when" name."""
    text = context.question.wanted
    if not text:
        return None
    found = signals(context.store, context.view).named(text)
    if not found:
        return None
    context.citations.cite(found[0].said)
    return found[0].started_at, found[0].environment


def _sentence(context: Context, one: Shipment, by: str, cited: tuple[str, ...]) -> str:
    version = one.version or one.commit[:12]
    commit = f" (commit {one.commit[:12]})" if one.commit and one.commit != one.version else ""
    said = f"{inline(one.service, 60)} {inline(version, 60)}{commit} ran in {inline(one.environment or 'an unnamed environment', 40)} from {minute(one.at)} on"
    said += f", deployed by {inline(by, 60)}" if by else ""
    cites = list(cited)
    requests = carried_requests(context, one)
    if requests:
        told_ = [f"#{r.properties.get('number')} “{inline(text_of(r.properties, 'title'), 80)}”" for r in requests[:4]]
        cites += [context.citations.cite(r.statements[0].provenance) for r in requests[:4]]
        said += f", with {listing(told_, 4)}"
    return context.state(said + ".", *cites)
