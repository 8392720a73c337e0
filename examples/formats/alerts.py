"""Alerts as their systems deliver them: Alertmanager and Grafana webhooks, PagerDuty v3 events; one payload a line.

Formats: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config,
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/,
https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from examples.formats.output import Json, Plant, hex_id, json_lines, letters, nothing, stamp, stamp_ms, write_text

_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Alert:
    """One firing of an alert; `ends_at` None while it fires."""

    name: str
    labels: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def all_labels(self) -> Mapping[str, str]:
        """The labels with the alert's name."""
        return {"alertname": self.name, **self.labels}

    @property
    def fingerprint(self) -> str:
        """What names the alert's series, the same at each firing."""
        return hex_id(*(f"{k}={v}" for k, v in sorted(self.all_labels.items())))


@dataclass(frozen=True, slots=True)
class PagerDutyUser:
    """A user of PagerDuty."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class PagerDutyIncident:
    """An incident with who was paged, who acknowledged and who resolved it."""

    id: str
    number: int
    title: str
    service_id: str
    service: str
    created_at: datetime
    assignee: PagerDutyUser
    acknowledged_at: datetime | None = None
    acknowledged_by: PagerDutyUser | None = None
    resolved_at: datetime | None = None
    resolved_by: PagerDutyUser | None = None
    urgency: str = "high"


def write_alertmanager(path: Path, receiver: str, alerts: list[Alert], plant: Plant = nothing) -> None:
    """Write the notifications of these alerts, a line each: one when it fires, one when it is resolved."""
    write_text(
        path, json_lines([payload for _, payload in sorted(_alertmanager(receiver, alerts, plant), key=lambda p: p[0])])
    )


def _alertmanager(receiver: str, alerts: list[Alert], plant: Plant) -> list[tuple[datetime, Json]]:
    out: list[tuple[datetime, Json]] = []
    for alert in alerts:
        out.append((alert.starts_at, alertmanager_json(receiver, alert, resolved=False, plant=plant)))
        if alert.ends_at is not None:
            out.append((alert.ends_at, alertmanager_json(receiver, alert, resolved=True, plant=plant)))
    return out


def alertmanager_json(receiver: str, alert: Alert, *, resolved: bool, plant: Plant = nothing) -> Json:
    """A webhook of Alertmanager about one alert."""
    labels, annotations = dict(alert.all_labels), dict(alert.annotations)
    if secret := plant("alertmanager.annotation"):
        annotations["description"] = f"{annotations.get('description', '')} {secret}"
    status = "resolved" if resolved else "firing"
    group = {k: labels[k] for k in ("alertname", "service") if k in labels}
    key = ", ".join(f'{k}="{v}"' for k, v in group.items())
    return {
        "receiver": receiver,
        "status": status,
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": stamp_ms(alert.starts_at),
                "endsAt": stamp_ms(alert.ends_at) if resolved and alert.ends_at else _NEVER,
                "generatorURL": f"http://prometheus:9090/graph?g0.expr={alert.name}",
                "fingerprint": alert.fingerprint,
            }
        ],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": "{}:{" + key + "}",
        "truncatedAlerts": 0,
    }


def write_grafana(path: Path, receiver: str, alerts: list[Alert], plant: Plant = nothing) -> None:
    """Write Grafana's notifications of these alerts, a line each."""
    lines: list[tuple[datetime, Json]] = []
    for at, payload in _alertmanager(receiver, alerts, plant):
        lines.append((at, _grafana(payload)))
    write_text(path, json_lines([payload for _, payload in sorted(lines, key=lambda p: p[0])]))


def _grafana(payload: Json) -> Json:
    name = str(dict(payload["commonLabels"])["alertname"])  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownArgumentType]
    status = str(payload["status"])
    shown = "RESOLVED" if status == "resolved" else "FIRING:1"
    alerts: list[Json] = list(payload["alerts"])  # pyright: ignore[reportArgumentType, reportUnknownArgumentType, reportUnknownVariableType]
    base = "https://grafana.example"
    return {
        **payload,
        "externalURL": f"{base}/",
        "version": "1",
        "orgId": 1,
        "title": f"[{shown}] {name}",
        "state": "ok" if status == "resolved" else "alerting",
        "message": f"**{status.title()}**\n\n{name}",
        "alerts": [
            {
                **alert,
                "silenceURL": f"{base}/alerting/silence/new",
                "dashboardURL": f"{base}/d/{hex_id(name, digits=9)}",
                "panelURL": "",
                "values": {"B": 1},
                "valueString": "[ var='B' labels={} value=1 ]",
            }
            for alert in alerts
        ],
    }


def write_pagerduty(path: Path, subdomain: str, incidents: list[PagerDutyIncident], plant: Plant = nothing) -> None:
    """Write the v3 webhook events of these incidents, a line each."""
    events: list[tuple[datetime, str, Json]] = []
    for incident in incidents:
        moments = [
            (incident.created_at, "triggered", None),
            (incident.acknowledged_at, "acknowledged", incident.acknowledged_by),
            (incident.resolved_at, "resolved", incident.resolved_by),
        ]
        for at, state, by in moments:
            if at is not None:
                payload = pagerduty_json(subdomain, incident, state, at, by, plant)
                events.append((at, incident.id, payload))
    write_text(path, json_lines([payload for _, _, payload in sorted(events, key=lambda e: e[:2])]))


def pagerduty_json(
    subdomain: str,
    incident: PagerDutyIncident,
    state: str,
    at: datetime,
    by: PagerDutyUser | None,
    plant: Plant = nothing,
) -> Json:
    """One v3 webhook event: `state` is triggered, acknowledged or resolved."""
    web, api = f"https://{subdomain}.pagerduty.com", "https://api.pagerduty.com"
    secret = plant("pagerduty.title")

    def reference(kind: str, path: str, identifier: str, summary: str) -> Json:
        return {
            "html_url": f"{web}/{path}/{identifier}",
            "id": identifier,
            "self": f"{api}/{path}/{identifier}",
            "summary": summary,
            "type": f"{kind}_reference",
        }

    def user(who: PagerDutyUser) -> Json:
        return reference("user", "users", who.id, who.name)

    service = reference("service", "services", incident.service_id, incident.service)
    policy = reference(
        "escalation_policy",
        "escalation_policies",
        "P" + letters(incident.service_id, "policy", length=6),
        f"{incident.service} on-call",
    )
    return {
        "event": {
            "id": "01" + letters(incident.id, state, stamp(at), length=24),
            "event_type": f"incident.{state}",
            "resource_type": "incident",
            "occurred_at": stamp_ms(at),
            "agent": user(by) if by else service,
            "client": None,
            "data": {
                "id": incident.id,
                "type": "incident",
                "self": f"{api}/incidents/{incident.id}",
                "html_url": f"{web}/incidents/{incident.id}",
                "number": incident.number,
                "status": state,
                "incident_key": hex_id(incident.id, "key", digits=32),
                "created_at": stamp(incident.created_at),
                "title": f"{incident.title} {secret}" if secret else incident.title,
                "service": service,
                "assignees": [user(incident.assignee)] if state != "resolved" else [],
                "escalation_policy": policy,
                "teams": [],
                "priority": None,
                "urgency": incident.urgency,
                "conference_bridge": None,
                "resolve_reason": None,
            },
        }
    }  # fmt: skip
