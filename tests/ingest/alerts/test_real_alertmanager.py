"""What a real Alertmanager sends, read as any other webhook."""

from __future__ import annotations

import time
from pathlib import Path

from graph.clock import SECOND, rfc3339
from graph.store import Limits, View
from ingest.sources.alerts.webhook import read_webhook
from ingest.webhook import Delivery
from tests.alertmanager import alertmanager
from tests.contracts.source_contract import fresh_store
from tests.ingest.alerts.test_webhooks import targets


def test_a_real_alertmanager_fires_and_resolves_one_alert(tmp_path: Path) -> None:
    now = int(time.time())
    labels = {"alertname": "HighErrors", "service": "checkout", "environment": "production", "severity": "page"}
    annotations = {"summary": "Checkout answers with errors", "runbook": "https://github.com/shop/docs/pull/7"}
    alert = {"labels": labels, "annotations": annotations, "startsAt": rfc3339((now - 60) * SECOND)}
    with alertmanager() as running:
        running.post([{**alert, "endsAt": rfc3339((now + 600) * SECOND)}])
        fired = running.notification()
        ended_at = rfc3339(int(time.time()) * SECOND)
        running.post([{**alert, "endsAt": ended_at}])
        resolved = running.notification()
    for name, bodies in (("in-order", [fired, resolved]), ("reversed", [resolved, fired, resolved])):
        with fresh_store(tmp_path, name) as store:
            for number, body in enumerate(bodies):
                for batch in read_webhook(Delivery(str(number), "", body, now * SECOND, {}), {}):
                    store.apply(batch)
            [one] = store.select("Alert", {}, View(), Limits()).items
            assert one.properties["system"] == "alertmanager"
            assert one.properties["state"] == "resolved"
            assert one.properties["ended_at"] == ended_at
            assert one.properties["started_at"] == rfc3339((now - 60) * SECOND)
            assert one.properties["environment"] == "prod"
            versions = [s.properties["state"] for s in store.history(one.ref, View(), Limits()).items]
            assert versions == ["resolved", "firing"]
            [incident] = store.select("Incident", {}, View(), Limits()).items
            assert set(targets(store, one.ref, "PART_OF")) == {incident.ref}
            assert incident.properties["state"] == "resolved"
            assert len(targets(store, one.ref, "MENTIONS")) == 0  # nobody has stated that pull request
