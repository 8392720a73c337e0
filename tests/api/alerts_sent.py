"""Alerts as an Alertmanager sends them to `lore serve`."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta

from tests.api.http_server import Client, Json

SECRET = "a-shared-" + "secret"
CHANNEL = "#incidents"
RULE: Json = {"match": {"severity": ["critical", "page"]}, "environment": "prod", "post": CHANNEL}
GRANT: Json = {"who": "alert-rule", "action": "slack.*", "target": CHANNEL, "until": "2999-01-01"}


def alert(name: str, service: str, *, severity: str = "critical", minutes_ago: float = 1, **labels: str) -> Json:
    """An alert as Alertmanager sends it."""
    told = {"alertname": name, "service": service, "severity": severity, **labels}
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {
        "status": "firing",
        "labels": told,
        "annotations": {"summary": f"{name} on {service}"},
        "startsAt": began.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16],
    }


def notify(client: Client, *alerts: Json) -> None:
    """Post an Alertmanager's notification; it is taken, and worked off soon."""
    body: Json = {
        "version": "4",
        "status": "firing",
        "receiver": "infralore",
        "groupLabels": {},
        "alerts": list(alerts),
    }
    said = client.post("/webhooks/alertmanager", body, authorization=f"Bearer {SECRET}")
    assert said.status == 202, said.body


def fire(client: Client, *alerts: Json) -> None:
    """The same, and wait until it was worked off."""
    notify(client, *alerts)
    until = time.monotonic() + 10
    while (counts := client.get("/healthz").json["deliveries"]) and "pending" in str(counts):
        assert time.monotonic() < until
        time.sleep(0.05)
