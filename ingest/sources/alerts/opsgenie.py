"""Opsgenie webhooks: each alert there is what is answered and closed, so it is an alert and an incident.

Format: https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/. Only `Create` tells description and
details: the state is kept apart from what the alert is (`Phase.scope`), so that a close does not wipe them.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from ingest.sources.alerts.reports import Actor, Firing, IncidentReport, Note, PayloadInvalid, Phase, Reports
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.alerts.words import (
    environment_of,
    labels_of,
    maybe_time,
    resources_in,
    service_of,
    text_of,
    time_of,
)

SYSTEM = "opsgenie"
_STATES = {"Create": "triggered", "Acknowledge": "acknowledged", "UnAcknowledge": "triggered", "Close": "resolved"}


class _Alert(msgspec.Struct):
    alertId: str
    createdAt: int | str = 0
    updatedAt: int | str = 0
    message: str = ""
    description: str = ""
    tags: list[str] = msgspec.field(default_factory=list[str])
    details: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    tinyId: str = ""
    entity: str = ""
    alias: str = ""
    username: str = ""
    priority: str = ""
    note: str = ""


class _Delivery(msgspec.Struct):
    action: str
    alert: _Alert
    integrationName: str = ""


def read(body: bytes, settings: AlertsSettings) -> Reports:
    """What a delivery says of its alert.

    Raises:
        PayloadInvalid: it is none, or does not tell when the alert was created.
    """
    try:
        delivery = msgspec.json.decode(body, type=_Delivery)
    except msgspec.DecodeError:
        raise PayloadInvalid("it is no webhook of Opsgenie") from None
    alert, action = delivery.alert, delivery.action
    created_at = time_of(alert.createdAt, "createdAt")
    at = maybe_time(alert.updatedAt)
    by = _actor(alert.username)
    scope = f"{settings.name}#opsgenie"
    phases = [Phase("triggered", created_at, deduced=action != "Create", scope=scope)]
    if action in _STATES and action != "Create":
        if at is None or at < created_at:
            raise PayloadInvalid("updatedAt does not tell when that was")
        phases.append(Phase(_STATES[action], at, by=by, scope=scope))
    notes: tuple[Note, ...] = ()
    if alert.note and at is not None:
        notes = (Note(str(at), text_of(alert.note), at, by),)
    labels = _tags(alert.tags) | labels_of(alert.details)
    name = text_of(alert.message) or alert.alertId
    service = service_of(settings, labels, name)
    environment = environment_of(settings, labels, name)
    firing = Firing(
        system=SYSTEM,
        alert_id=alert.alertId,
        name=name,
        started_at=created_at,
        phases=tuple(replace(p, state="firing") if p.state == "triggered" else p for p in phases),
        severity=alert.priority,
        service=service.name,
        service_rule=service.rule,
        environment=environment.name,
        environment_rule=environment.rule,
        labels=labels | ({"entity": alert.entity} if alert.entity else {}),
        texts={"summary": name} | ({"description": text_of(alert.description)} if alert.description else {}),
        annotations={**labels, "summary": name, "description": text_of(alert.description)},
        resources=tuple(resources_in(labels)),
        incident_id=alert.alertId,
    )
    incident = IncidentReport(
        system=SYSTEM,
        incident_id=alert.alertId,
        title=name,
        severity=alert.priority,
        service=service.name,
        service_rule=service.rule,
        environment=environment.name,
        environment_rule=environment.rule,
        started_at=created_at,
        number=alert.tinyId,
        phases=tuple(phases),
        notes=notes,
    )
    return Reports(firings=(firing,), incidents=(incident,))


def _tags(tags: list[str]) -> dict[str, str]:
    """Tags of the form `key:value` or `key=value` say something by themselves."""
    pairs = (tag.replace("=", ":", 1).partition(":") for tag in tags)
    return {key.strip(): value.strip() for key, colon, value in pairs if colon and key.strip() and value.strip()}


def _actor(username: str) -> Actor | None:
    login = text_of(username)
    # An integration acts under its own name; people under their mail address.
    return Actor(login, email=login.lower()) if "@" in login else None
