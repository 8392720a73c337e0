"""The alerts source on files: payloads as webhooks delivered them, with the same facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from graph.clock import Instant
from graph.model import FactBatch, Quarantined
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.alerts.exports import (
    ExportFile,
    Ledger,
    digest_of,
    export_files,
    shape_of,
)
from ingest.sources.alerts.payloads import PROVIDERS, read_payload, unreadable
from ingest.sources.alerts.reports import PayloadInvalid
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.alerts.stated import EXTRACTOR, MAX_ASSERTIONS, SOURCE, Stated

__all__ = ["DOC", "AlertsSettings", "AlertsSource"]


class AlertsSource:
    """Reads files of payloads. Webhooks: `ingest.sources.alerts.webhook`."""

    name = SOURCE

    def __init__(self, settings: AlertsSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The setting `name`, which the webhook shares."""
        return self._settings.name

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. A payload that cannot be read is quarantined; only when none can be, `SourceDataInvalid` is raised."""
        ledger = Ledger.load(cursor, self._shape(), self.scope)
        if not self._settings.path:
            raise SourceDataInvalid(
                "the alerts source has no path", "give the setting `path`, or use the webhook alone without this source"
            )
        files = export_files(self._settings.path, "payloads of alerts")
        ledger.keep(files)
        stated = Stated(self._settings)
        readable = 0
        for file in files:
            packed = file.packed()
            digest = digest_of(packed)
            if ledger.files.get(file.path) == digest:
                readable += 1
                continue
            for locator, body in self._documents(file, packed, stated):
                readable += self._take(stated, file, locator, body, now)
                if stated.size >= MAX_ASSERTIONS:
                    yield from stated.batches(cursor=ledger.dump())
            ledger.files[file.path] = digest
        if not readable and stated.quarantined:
            first = stated.quarantined[0]
            raise SourceDataInvalid(
                f"{first.locator} and all else in {self._settings.path} cannot be read: {first.reason}",
                "give payloads as the webhooks sent them, one JSON document a file (.json) or a line (.jsonl)",
            )
        yield from stated.batches(cursor=ledger.dump(), fresh_until=now)

    def _documents(self, file: ExportFile, packed: bytes, stated: Stated) -> Iterator[tuple[str, bytes]]:
        try:
            yield from file.documents(packed)
        except ValueError as error:
            stated.quarantined.append(Quarantined(file.path, str(error)))

    def _take(self, stated: Stated, file: ExportFile, locator: str, body: bytes, now: Instant) -> bool:
        provider = self._settings.provider or _provider_in(file.path)
        try:
            read_payload(stated, provider, body, locator, now)
        except PayloadInvalid as error:
            stated.quarantined.append(unreadable(locator, error))
            return False
        return True

    def _shape(self) -> str:
        settings = dataclasses.asdict(self._settings)
        return shape_of(EXTRACTOR, {k: v for k, v in settings.items() if k != "path"})


def _provider_in(path: str) -> str:
    """The provider a file's or directory's name begins with, the nearest first."""
    for part in reversed(path.split("/")):
        for provider in PROVIDERS:
            if part.startswith(provider):
                return provider
    return ""


DOC = SourceDoc(
    about="""Alerts and incidents of Alertmanager (webhook version 4), Grafana unified alerting, PagerDuty (v3 webhooks; exports of `/oncalls`
and `/users`), Opsgenie, CloudWatch alarms (SNS and EventBridge) and a plain JSON of our own.

They come as webhooks to `POST /webhooks/{provider}` and as files with the same payloads; both state the same facts, in any order and however
often. Each firing is one `Alert`, told apart by when it began: `firing` from then on, `resolved` from its end on. When only the resolve
arrives, both are stated.

Alerts of systems without incidents are grouped into an `Incident` of system `grouped`: those of one group (Alertmanager's and Grafana's
`groupKey`; elsewhere service and environment, or the alert's name) that began in the same window of `incident_window_s`. Windows are
joined where one notification lists alerts that began on either side of the edge. Such an incident tells no `started_at`: it holds from
the moment its first alert began, and it is resolved when a notification lists its alerts and none of them fires.

A CloudWatch notification over SNS that an alarm is over does not tell when it began. The alert's state `firing` ends then; `resolved` with
`ended_at` is stated only where EventBridge tells the beginning. The alarm itself is a `Resource` whose `status` is kept through time.

The plain JSON, an object or an array of them; `name` or `id` and `started_at` are required, the same in each payload of one firing:

```json
{"id": "disk-full/db-1", "name": "DiskFull", "status": "resolved", "started_at": "2026-05-01T10:00:00Z",
 "acknowledged_at": null, "ended_at": "2026-05-01T10:20:00Z", "severity": "critical", "service": "checkout", "environment": "prod",
 "summary": "…", "description": "…", "labels": {"team": "shop"}, "resources": ["arn:aws:rds:…"], "url": "https://…"}
```""",
    yields=(
        "Alert",
        "Incident",
        "Service",
        "Environment",
        "Account",
        "Team",
        "Resource",
        "ABOUT",
        "PART_OF",
        "MENTIONS",
        "ACKNOWLEDGED_BY",
        "RESOLVED_BY",
        "ON_CALL_FOR",
        "SAME_AS",
    ),
    permissions="""None towards the systems: they push. For files, the right to read them. An export of on-calls needs a read-only REST key of
PagerDuty: `curl -H "Authorization: Token token=…" 'https://api.pagerduty.com/oncalls?include[]=escalation_policies&limit=100' >
pagerduty-oncalls.json`.""",
    example="""sources:
  - alerts:
      path: /var/lib/alerts
      name: prod
      services: {"Checkout API": checkout, "checkout-*": checkout}
      environments: {"111122223333": prod}
webhooks:
  alertmanager:
    secret: ${ALERTMANAGER_WEBHOOK_SECRET}
    name: prod
    services: {"Checkout API": checkout, "checkout-*": checkout}""",
    limits=(
        "Silences, inhibitions and the rules themselves are not read.",
        "PagerDuty's own alerts (below its incidents) are not read, nor v2 webhooks.",
        "Opsgenie tells description and details only when an alert is created.",
    ),
)
