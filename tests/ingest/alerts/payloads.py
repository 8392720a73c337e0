"""Payloads of every provider, written by hand after the formats' documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from graph.model import Value

ZERO = "0001-01-01T00:00:00Z"
ACCOUNT = "111122223333"
ALARM = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:checkout-5xx"
LB = "app/checkout/50dc6c495c0c9188"


def at(minute: int, second: int = 0) -> str:
    """A time of the day on which everything breaks, from 10:00 on."""
    return f"2026-05-04T{10 + minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"


def prometheus(
    name: str,
    start: int,
    end: int | None = None,
    *,
    fingerprint: str = "",
    annotations: Mapping[str, str] | None = None,
    **labels: str,
) -> dict[str, Value]:
    """One alert of a notification."""
    return {
        "status": "firing" if end is None else "resolved",
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {"summary": f"{name} fires", **(annotations or {})},
        "startsAt": at(start),
        "endsAt": ZERO if end is None else at(end),
        "generatorURL": "https://prometheus.example.com/graph?g0.expr=up",
        "fingerprint": fingerprint or f"{name.lower()}01",
    }


def alertmanager(
    *alerts: Mapping[str, Value], key: str = '{}:{alertname="HighErrors"}', truncated: int = 0, **extra: Value
) -> bytes:
    """A notification of Alertmanager."""
    firing = any(alert["status"] == "firing" for alert in alerts)
    return _json(
        {
            "version": "4",
            "groupKey": key,
            "truncatedAlerts": truncated,
            "status": "firing" if firing else "resolved",
            "receiver": "infralore",
            "groupLabels": {"alertname": "HighErrors"},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "https://alertmanager.example.com",
            "alerts": list(alerts),
            **extra,
        }
    )


def grafana(*alerts: Mapping[str, Value], key: str = '{alertname="DiskFull"}') -> bytes:
    """A notification of Grafana."""
    return alertmanager(*alerts, key=key, orgId=1, title="[FIRING:1] DiskFull", state="alerting", message="**Firing**")


def pagerduty(event: str, occurred: int, status: str = "triggered", *, created: int = 0, **data: Value) -> bytes:
    """An incident event."""
    body: dict[str, Value] = {
        "id": "Q2PIGEON",
        "type": "incident",
        "self": "https://api.pagerduty.com/incidents/Q2PIGEON",
        "html_url": "https://shop.pagerduty.com/incidents/Q2PIGEON",
        "number": 412,
        "status": status,
        "incident_key": "d3b0",
        "created_at": at(created),
        "title": "Checkout answers with errors",
        "service": {"id": "PSHOP01", "summary": "Checkout API", "type": "service_reference"},
        "assignees": [],
        "priority": None,
        "urgency": "high",
        "conference_bridge": None,
        **data,
    }
    return _event(event, occurred, body)


def pagerduty_note(occurred: int, text: str) -> bytes:
    """A note on the incident."""
    incident: Value = {"id": "Q2PIGEON", "type": "incident_reference"}
    data: dict[str, Value] = {"type": "incident_note", "id": "PNOTE1", "content": text, "incident": incident}
    return _event("incident.annotated", occurred, data)


def _event(event: str, occurred: int, data: Mapping[str, Value]) -> bytes:
    agent = {
        "id": "PANN001",
        "summary": "Ann Berg",
        "type": "user_reference",
        "html_url": "https://shop.pagerduty.com/u",
    }
    whole = {
        "id": f"01{event}{occurred}",
        "event_type": event,
        "resource_type": "incident",
        "occurred_at": at(occurred),
        "agent": agent,
        "client": None,
        "data": data,
    }
    return _json({"event": whole})


def opsgenie(action: str, updated: int, **alert: Value) -> bytes:
    """An action on an alert. Times are in milli- and nanoseconds, as they come."""
    base = 1_777_888_800  # 2026-05-04T10:00:00Z
    body: dict[str, Value] = {
        "alertId": "052652ac-5d1c-464a-812a-7dd18bbfba8c",
        "message": "Queue is stuck",
        "tags": ["service:billing", "prod"],
        "tinyId": "23",
        "entity": "queue-1",
        "alias": "queue-stuck",
        "createdAt": base * 1_000,
        "updatedAt": (base + updated * 60) * 1_000_000_000,
        "username": "bo@example.com",
        "userId": "u1",
        "priority": "P2",
        **alert,
    }
    return _json({"source": {"name": "", "type": "web"}, "alert": body, "action": action, "integrationName": "hook"})


def sns(message: Mapping[str, Value] | str, kind: str = "Notification") -> bytes:
    """An SNS envelope."""
    return _json(
        {
            "Type": kind,
            "MessageId": "m-1",
            "TopicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms",
            "Subject": "ALARM",
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": at(0),
            "SignatureVersion": "1",
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        }
    )


def alarm(state: str, minute: int, **extra: Value) -> dict[str, Value]:
    """The message of a CloudWatch alarm."""
    return {
        "AlarmName": "checkout-5xx",
        "AlarmDescription": "Too many errors of checkout",
        "AWSAccountId": ACCOUNT,
        "NewStateValue": state,
        "OldStateValue": "OK" if state == "ALARM" else "ALARM",
        "NewStateReason": f"Threshold Crossed at {minute}",
        "StateChangeTime": at(minute).replace("Z", ".000+0000"),
        "Region": "EU (Ireland)",
        "AlarmArn": ALARM,
        "Trigger": {
            "MetricName": "HTTPCode_ELB_5XX_Count",
            "Namespace": "AWS/ApplicationELB",
            "Dimensions": [{"name": "LoadBalancer", "value": LB}],
        },
        **extra,
    }


def event_bridge(state: str, minute: int, before: str, before_minute: int) -> bytes:
    """The same as an EventBridge event."""
    metric: Value = {"namespace": "AWS/ApplicationELB", "name": "HTTPCode", "dimensions": {"LoadBalancer": LB}}
    return _json(
        {
            "version": "0",
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "account": ACCOUNT,
            "region": "eu-west-1",
            "time": at(minute),
            "resources": [ALARM],
            "detail": {
                "alarmName": "checkout-5xx",
                "state": {"value": state, "reason": "because", "timestamp": at(minute).replace("Z", ".000+0000")},
                "previousState": {"value": before, "timestamp": at(before_minute).replace("Z", ".000+0000")},
                "configuration": {
                    "description": "Too many errors of checkout",
                    "metrics": [{"id": "m1", "metricStat": {"metric": metric, "stat": "Sum", "period": 60}}],
                },
            },
        }
    )


def generic(**fields: Value) -> bytes:
    """Our own JSON."""
    return _json({"id": "disk/db-1", "name": "DiskFull", "started_at": at(0), **fields})


def oncalls(*entries: Mapping[str, Value]) -> bytes:
    """An export of PagerDuty's on-calls."""
    return _json({"oncalls": list(entries), "limit": 25, "more": False})


def oncall(user: str, start: str | None, end: str | None, services: Sequence[str] = ()) -> dict[str, Value]:
    """An entry of it."""
    told: list[Value] = [{"id": "P" + name, "summary": name} for name in services]
    return {
        "user": {"id": user, "summary": user.title(), "type": "user", "email": f"{user.lower()}@example.com"},
        "escalation_policy": {"id": "PEP", "summary": "Checkout on call", "services": told},
        "escalation_level": 1,
        "schedule": {"id": "PSCH", "summary": "Primary"} if start else None,
        "start": start,
        "end": end,
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
