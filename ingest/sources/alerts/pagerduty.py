"""PagerDuty: v3 webhooks (`incident.*`), and exports of its REST lists of on-calls and users.

Formats: https://developer.pagerduty.com/docs/webhooks-overview and the REST resources /oncalls and /users of
https://developer.pagerduty.com/api-reference/
"""

from __future__ import annotations

import msgspec

from graph.model import Quarantined
from ingest.sources.alerts.reports import (
    Actor,
    IncidentReport,
    Note,
    OnCall,
    PayloadInvalid,
    Phase,
    Reports,
)
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.alerts.words import environment_of, maybe_time, service_of, text_of, time_of

SYSTEM = "pagerduty"


class _Reference(msgspec.Struct):
    id: str = ""
    type: str = ""
    summary: str | None = ""
    html_url: str | None = ""
    name: str | None = ""
    email: str | None = ""


class _Data(msgspec.Struct):
    id: str = ""
    type: str = ""
    html_url: str | None = ""
    number: int = 0
    status: str = ""
    created_at: str = ""
    title: str | None = ""
    service: _Reference | None = None
    priority: _Reference | None = None
    urgency: str | None = ""
    incident: _Reference | None = None
    content: str | None = ""
    message: str | None = ""


class _Event(msgspec.Struct):
    event_type: str
    occurred_at: str
    data: _Data
    id: str = ""
    agent: _Reference | None = None


class _Delivery(msgspec.Struct):
    event: _Event


class _Policy(msgspec.Struct):
    id: str = ""
    summary: str | None = ""
    services: list[_Reference] = msgspec.field(default_factory=list[_Reference])


class _OnCall(msgspec.Struct):
    user: _Reference
    escalation_policy: _Policy = msgspec.field(default_factory=_Policy)
    escalation_level: int = 0
    schedule: _Reference | None = None
    start: str | None = None
    end: str | None = None


class _Export(msgspec.Struct):
    oncalls: list[msgspec.Raw] | None = None
    users: list[msgspec.Raw] | None = None


def read(body: bytes, locator: str, settings: AlertsSettings) -> Reports:
    """What a webhook delivery or an export says; nothing for an event that is not about an incident.

    Raises:
        PayloadInvalid: it is neither.
    """
    try:
        delivery = msgspec.json.decode(body, type=_Delivery)
    except msgspec.DecodeError:
        return _export(body, locator, settings)
    event = delivery.event
    at = time_of(event.occurred_at, "occurred_at")
    if not event.event_type.startswith("incident."):
        return Reports()
    if event.data.type == "incident":
        return Reports(incidents=(_incident(event, at, settings),))
    return _comment(event, at)


def _incident(event: _Event, at: int, settings: AlertsSettings) -> IncidentReport:
    data = event.data
    if not data.id:
        raise PayloadInvalid("the incident has no id")
    title = text_of(data.title)
    told = _word(data.service)
    service = service_of(settings, {}, title, told)
    environment = environment_of(settings, {}, told or title)
    created_at = maybe_time(data.created_at) or at
    by = _actor(event.agent)
    if event.event_type == "incident.triggered" or at <= created_at:
        phases = (Phase("triggered", created_at),)
    else:
        phases = (Phase("triggered", created_at, deduced=True), Phase(data.status or "triggered", at, by=by))
    return IncidentReport(
        system=SYSTEM,
        incident_id=data.id,
        title=title,
        severity=_word(data.priority) or text_of(data.urgency),
        service=service.name,
        service_id=data.service.id if data.service else "",
        service_rule=service.rule,
        environment=environment.name,
        environment_rule=environment.rule,
        started_at=created_at,
        number=str(data.number) if data.number else "",
        url=data.html_url or "",
        phases=phases,
    )


def _comment(event: _Event, at: int) -> Reports:
    """`incident.annotated` and `incident.status_update_published`: words about an incident that is told only by its id."""
    data = event.data
    text = text_of(data.content) or (text_of(data.message) if data.type == "incident_status_update" else "")
    if data.incident is None or not data.incident.id or not text:
        return Reports()
    note = Note(data.id or event.id, text, at, _actor(event.agent))
    return Reports(incidents=(IncidentReport(SYSTEM, data.incident.id, notes=(note,)),))


def _export(body: bytes, locator: str, settings: AlertsSettings) -> Reports:
    try:
        export = msgspec.json.decode(body, type=_Export)
    except msgspec.DecodeError:
        raise PayloadInvalid("it is neither a webhook of PagerDuty nor an export of its on-calls or users") from None
    if export.oncalls is None and export.users is None:
        raise PayloadInvalid("it is neither a webhook of PagerDuty nor an export of its on-calls or users")
    on_calls: list[OnCall] = []
    people: list[Actor] = []
    quarantined: list[Quarantined] = []
    for index, raw in enumerate(export.oncalls or ()):
        try:
            on_calls.append(_on_call(raw, settings))
        except (msgspec.DecodeError, PayloadInvalid):
            quarantined.append(Quarantined(f"{locator} oncalls[{index}]", "it is no on-call entry"))
    for index, raw in enumerate(export.users or ()):
        try:
            people += filter(None, [_actor(msgspec.json.decode(raw, type=_Reference), anybody=True)])
        except msgspec.DecodeError:
            quarantined.append(Quarantined(f"{locator} users[{index}]", "it is no user"))
    return Reports(on_calls=tuple(on_calls), people=tuple(people), quarantined=tuple(quarantined))


def _on_call(raw: msgspec.Raw, settings: AlertsSettings) -> OnCall:
    entry = msgspec.json.decode(raw, type=_OnCall)
    actor = _actor(entry.user, anybody=True)
    start, end = maybe_time(entry.start), maybe_time(entry.end)
    if actor is None or (start is not None and end is not None and end <= start):
        raise PayloadInvalid("it is no on-call entry")
    policy = entry.escalation_policy
    services = tuple(service_of(settings, {}, "", _word(s)).name for s in policy.services if _word(s))
    level = entry.escalation_level
    return OnCall(actor, text_of(policy.summary), services, _word(entry.schedule), level, start, end)


def _actor(agent: _Reference | None, anybody: bool = False) -> Actor | None:
    """The user behind an event; integrations and services are nobody."""
    if agent is None or not agent.id or not (anybody or agent.type.startswith("user")):
        return None
    email = text_of(agent.email).lower()
    return Actor(agent.id, text_of(agent.name) or text_of(agent.summary), email, agent.html_url or "")


def _word(reference: _Reference | None) -> str:
    return text_of(reference.summary) or text_of(reference.name) if reference is not None else ""
