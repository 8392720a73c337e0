"""Notifications of Prometheus Alertmanager (webhook version 4) and of Grafana, which sends the same shape.

Formats: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

import msgspec

from graph.model import Quarantined
from ingest.sources.alerts.reports import Firing, Group, PayloadInvalid, Phase, Reports
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

_SUMMARY = ("summary", "title", "message")
_DESCRIPTION = ("description", "message", "details")


class _Notification(msgspec.Struct):
    alerts: list[msgspec.Raw]
    status: str = ""
    groupKey: str = ""
    groupLabels: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    externalURL: str = ""
    title: str = ""
    orgId: int = 0
    truncatedAlerts: int = 0


class _Alert(msgspec.Struct):
    startsAt: str
    status: str = ""
    labels: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    annotations: dict[str, object] | None = None
    endsAt: str = ""
    generatorURL: str = ""
    fingerprint: str = ""
    dashboardURL: str = ""
    panelURL: str = ""


def read(system: str, body: bytes, locator: str, settings: AlertsSettings) -> Reports:
    """The firings of a notification and the group they came in. An alert that cannot be read is quarantined.

    Raises:
        PayloadInvalid: it is no notification.
    """
    try:
        notification = msgspec.json.decode(body, type=_Notification)
    except msgspec.DecodeError:
        raise PayloadInvalid(f"it is no notification of {system}") from None
    firings: list[Firing] = []
    quarantined: list[Quarantined] = []
    for index, raw in enumerate(notification.alerts):
        try:
            firings.append(_firing(system, raw, notification, settings))
        except PayloadInvalid as error:
            quarantined.append(Quarantined(f"{locator} alerts[{index}]", str(error)))
    groups: tuple[Group, ...] = ()
    if notification.groupKey and firings:
        complete = notification.truncatedAlerts == 0 and not quarantined
        title = _title(notification) or firings[0].name
        key = f"{notification.orgId}:{notification.groupKey}" if system == "grafana" else notification.groupKey
        groups = (Group(system, key, title, "groupKey", tuple(firings), complete, notification.externalURL),)
    return Reports(firings=tuple(firings), groups=groups, quarantined=tuple(quarantined))


def _firing(system: str, raw: msgspec.Raw, notification: _Notification, settings: AlertsSettings) -> Firing:
    try:
        alert = msgspec.json.decode(raw, type=_Alert)
    except msgspec.DecodeError:
        raise PayloadInvalid("it is no alert") from None
    labels, annotations = labels_of(alert.labels), labels_of(alert.annotations)
    name = labels.get("alertname") or text_of(notification.title) or "alert"
    started_at = time_of(alert.startsAt, "startsAt")
    ended_at = maybe_time(alert.endsAt)
    # `endsAt` of a firing alert is when it would time out, not when it ended.
    resolved = alert.status == "resolved" and ended_at is not None
    phases = [Phase("firing", started_at, deduced=resolved)]
    if resolved and ended_at is not None:
        phases.append(Phase("resolved", ended_at))
    service = service_of(settings, labels, name)
    environment = environment_of(settings, labels, name)
    texts = {
        "summary": next((annotations[k] for k in _SUMMARY if k in annotations), ""),
        "description": next((annotations[k] for k in _DESCRIPTION if k in annotations), ""),
    }
    links = {"dashboard": alert.dashboardURL, "panel": alert.panelURL}
    return Firing(
        system=system,
        alert_id=alert.fingerprint or fingerprint(labels),
        name=name,
        started_at=started_at,
        phases=tuple(phases),
        severity=labels.get("severity", labels.get("priority", "")),
        service=service.name,
        service_rule=service.rule,
        environment=environment.name,
        environment_rule=environment.rule,
        labels={k: v for k, v in labels.items() if not k.startswith("__")},
        texts={k: v for k, v in texts.items() if v},
        annotations=annotations | {k: v for k, v in links.items() if v},
        resources=(*resources_in(labels), *resources_in(annotations, "annotation")),
        url=alert.generatorURL or notification.externalURL,
    )


def fingerprint(labels: dict[str, str]) -> str:
    """A name for an alert without one: the same for the same labels."""
    return ",".join(f"{k}={v}" for k, v in sorted(labels.items()))


def _title(notification: _Notification) -> str:
    labels = labels_of(notification.groupLabels)
    name = labels.pop("alertname", "")
    return " ".join([name, *(f"{k}={v}" for k, v in labels.items())]).strip()
