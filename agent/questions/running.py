"""Which version of a service ran where at a moment, who deployed it and with which pull request."""

from __future__ import annotations

from collections.abc import Sequence

from agent.anchors import apply_at, version_in
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
    """The deployment in effect, or the one that is asked for; of each environment when none is named."""
    question = context.question
    if question.wanted in ("applied", "applied_by"):
        return _applied(context)
    if not question.mention and not question.wanted:
        from agent.questions import went_out

        return went_out.answer(context)
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
    if version := version_in(question.mention):
        return _of_version(context, service, version, environment)
    if question.wanted in ("rollback", "rolled_to"):
        return _rolled_back(context, service, environment)
    where = [environment] if environment else sorted({s.environment for s in all_.all if s.service == service})
    running = [one for name in where if (one := all_.running(service, name, at)) is not None]
    running.sort(key=lambda s: (-s.at, s.environment))
    if not running:
        context.missing.append("no deployment of it by then is known")
        text = f"No deployment of {inline(service, 60)}{f' to {inline(environment, 40)}' if environment else ''} by {minute(at)} is known."
        return context.answer("not_found", text, confidence=0.3)
    return _tell(context, running)


def _tell(context: Context, found: Sequence[Shipment], confidence: float = 0.95) -> Answer:
    changes = told(context, [Effect(s.at, s.ref, s.environment, shipment=s) for s in found])
    sentences = [
        _sentence(context, one, change.by.name, change.citations) for one, change in zip(found, changes, strict=True)
    ]
    return context.answer("answered", " ".join(sentences), confidence=confidence, changes=changes)


def _of_version(context: Context, service: str, version: str, environment: str) -> Answer:
    """The deployments of one version, the newest first."""
    found = [
        s
        for s in shipments(context.store, context.view).all
        if s.service == service
        and s.version.removeprefix("v") == version
        and s.took_effect
        and (not environment or s.environment == environment)
    ]
    if not found:
        context.missing.append("no such deployment is known")
        where = f" to {inline(environment, 40)}" if environment else ""
        text = f"No deployment of {inline(service, 60)} {inline(version, 40)}{where} is known."
        return context.answer("not_found", text, confidence=0.5)
    return _tell(context, found[::-1][:4])


def _rolled_back(context: Context, service: str, environment: str) -> Answer:
    """The newest rollback of a service in the window asked for."""
    question = context.question
    found = [
        s
        for s in shipments(context.store, context.view).all
        if s.service == service
        and s.action == "rollback"
        and (not environment or s.environment == environment)
        and (question.since is None or s.at >= question.since)
        and (question.until is None or s.at < question.until)
    ]
    if not found:
        context.missing.append("no rollback of it is known")
        return context.answer("not_found", f"No rollback of {inline(service, 60)} is known.", confidence=0.4)
    return _tell(context, found[-1:])


def _applied(context: Context) -> Answer:
    """The apply at a moment, or the last one: which commit, who started it."""
    question = context.question
    words = f"{question.mention} {question.environment}"
    environment = environment_in(context, words)
    one = apply_at(context, words, question.at) if question.wanted == "applied_by" or question.at is not None else None
    if one is None and question.at is None:
        until = _moment(context)
        done = [
            s
            for s in shipments(context.store, context.view).up_to(until)
            if s.is_apply and s.took_effect and (not environment or s.environment == environment)
        ]
        one = done[-1] if done else None
    if one is None:
        context.missing.append("no such apply is known")
        where = f" in {inline(environment, 40)}" if environment else ""
        return context.answer("not_found", f"No apply{where} at that time is known.", confidence=0.3)
    (change,) = told(context, [Effect(one.at, one.ref, one.environment, shipment=one)])
    cites = list(change.citations)
    requests = carried_requests(context, one)
    with_ = ""
    if requests:
        names = [f"#{r.properties.get('number')} “{inline(text_of(r.properties, 'title'), 80)}”" for r in requests[:4]]
        cites += [context.citations.cite(r.statements[0].provenance) for r in requests[:4]]
        with_ = f", with {listing(names, 4)}"
    commit = f"commit {one.commit} of " if one.commit else ""
    by = f" by {change.by.name}" if change.by.name else ""
    state = "" if one.took_effect else f"; it ended as {inline(one.outcome, 30)}"
    said = f"{commit}{inline(one.repository or one.workspace or 'the code', 80)} was applied to {inline(one.environment or one.workspace, 40)}{by} on {minute(one.at)}{with_}{state}."
    return context.answer(
        "answered",
        context.state(said[0].upper() + said[1:] if not commit else f"C{said[1:]}", *cites),
        confidence=0.95,
        changes=[change],
    )


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
