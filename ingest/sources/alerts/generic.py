"""The plain JSON of our own, for what has no provider here: one object, or an array of them.

    {"id": "disk-full/db-1", "name": "DiskFull", "status": "firing", "started_at": "2026-05-01T10:00:00Z", "ended_at": null,
     "acknowledged_at": null, "severity": "critical", "service": "checkout", "environment": "prod", "summary": "…",
     "description": "…", "labels": {"team": "shop"}, "resources": ["arn:aws:…"], "url": "https://…", "system": "zabbix"}

Required are `name` or `id`, and `started_at`, which must be the same in every payload of one firing: it tells firings apart. With
`ended_at` the alert is resolved; `status` says the same in words and may be left out.
"""

from __future__ import annotations

import msgspec

from graph.model import Quarantined
from ingest.sources.alerts.reports import Firing, PayloadInvalid, Phase, Reports
from ingest.sources.alerts.settings import AlertsSettings
from ingest.sources.alerts.words import (
    environment_of,
    is_cloud_id,
    labels_of,
    maybe_time,
    resources_in,
    service_of,
    text_of,
    time_of,
)


class _Alert(msgspec.Struct):
    id: str | int = ""
    name: str = ""
    status: str = ""
    started_at: str | int = ""
    acknowledged_at: str | int | None = None
    ended_at: str | int | None = None
    severity: str | int = ""
    service: str = ""
    environment: str = ""
    summary: str = ""
    description: str = ""
    labels: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    resources: list[str] = msgspec.field(default_factory=list[str])
    url: str = ""
    system: str = "generic"


def read(body: bytes, locator: str, settings: AlertsSettings) -> Reports:
    """The alerts of a payload; one of an array that cannot be read is quarantined.

    Raises:
        PayloadInvalid: it is no alert.
    """
    try:
        decoded = msgspec.json.decode(body, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raise PayloadInvalid("it is no alert in JSON") from None
    if isinstance(decoded, dict):
        return Reports(firings=(_firing(body, settings),))
    firings: list[Firing] = []
    quarantined: list[Quarantined] = []
    for index, raw in enumerate(decoded):
        try:
            firings.append(_firing(raw, settings))
        except PayloadInvalid as error:
            quarantined.append(Quarantined(f"{locator} [{index}]", str(error)))
    return Reports(firings=tuple(firings), quarantined=tuple(quarantined))


def _firing(raw: bytes | msgspec.Raw, settings: AlertsSettings) -> Firing:
    try:
        alert = msgspec.json.decode(raw, type=_Alert)
    except msgspec.DecodeError:
        raise PayloadInvalid("a field of the alert has a wrong type") from None
    name = text_of(alert.name) or text_of(alert.id)
    if not name:
        raise PayloadInvalid("it has neither a name nor an id")
    started_at = time_of(alert.started_at, "started_at")
    acknowledged_at, ended_at = maybe_time(alert.acknowledged_at), maybe_time(alert.ended_at)
    if alert.status.lower() == "resolved" and ended_at is None:
        raise PayloadInvalid("it is resolved, but ended_at does not tell when")
    phases = [Phase("firing", started_at, deduced=acknowledged_at is not None or ended_at is not None)]
    if acknowledged_at is not None:
        phases.append(Phase("acknowledged", acknowledged_at, deduced=ended_at is not None))
    if ended_at is not None:
        phases.append(Phase("resolved", ended_at))
    labels = labels_of(alert.labels)
    service = service_of(settings, labels, name, alert.service)
    environment = environment_of(settings, labels, name, alert.environment)
    texts = {"summary": text_of(alert.summary), "description": text_of(alert.description)}
    told = tuple((r, "resources") for r in alert.resources if is_cloud_id(r))
    return Firing(
        system=text_of(alert.system) or "generic",
        alert_id=text_of(alert.id) or name,
        name=name,
        started_at=started_at,
        phases=tuple(phases),
        severity=text_of(alert.severity),
        service=service.name,
        service_rule=service.rule,
        environment=environment.name,
        environment_rule=environment.rule,
        labels=labels,
        texts={k: v for k, v in texts.items() if v},
        annotations=labels | texts,
        resources=(*told, *resources_in(labels)),
        url=text_of(alert.url),
    )
