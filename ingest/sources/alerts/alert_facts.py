"""Facts of alerts: the firing through its phases, what it is about, what it mentions, and alarms as the resources they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graph.clock import rfc3339
from graph.model import Alias, Entity, EntityRef, Passage, Relation, Value
from ingest import names
from ingest.mentions import mentions
from ingest.sources.alerts.reports import AlarmState, Firing
from ingest.sources.alerts.stated import Place, Stated

_FILE = re.compile(
    r"https?://[A-Za-z0-9.-]{1,120}/([A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100})/(?:-/)?blob/[^/\s]{1,100}/([^\s?#\"'<>)]{1,400})"
)
"""A link to a file of a repository, on a branch without a slash: a runbook."""


def alert_ref(firing: Firing, scope: str) -> EntityRef:
    """The ref of a firing: its alert and the second in which it began."""
    return names.alert(firing.system, scope, firing.alert_id, rfc3339(firing.started_at))


def state_alert(stated: Stated, firing: Firing) -> EntityRef:
    """State all that is known of a firing."""
    alert = alert_ref(firing, stated.settings.name)
    place = Place(f"{firing.system}:{firing.alert_id}", firing.url or None)
    lasting = _lasting(firing)
    began = firing.phases[0]
    if any(phase.scope for phase in firing.phases):
        stated.add(Entity(alert, lasting), firing.started_at, place, deduced=began.deduced)
    for phase in firing.phases:
        stated.phase(alert, lasting, phase, "ended_at", place)
        if phase is began or not phase.scope:
            for slot, text in firing.texts.items():
                stated.add(Passage(alert, slot, text), phase.at, place, deduced=phase.deduced)
        if phase.by is not None and phase.state in ("acknowledged", "resolved"):
            account = stated.account(firing.system, phase.by, phase.at, place)
            stated.add(Relation(f"{phase.state.upper()}_BY", alert, account, {}), phase.at, place)
    for scheme, name in (("name", firing.name), ("id", firing.alert_id)):
        stated.add(Alias(alert, scheme, name), firing.started_at, place)
    _about(stated, firing, alert, place)
    for relation in _mentions(firing, alert):
        stated.add(relation, firing.started_at, place, deduced=began.deduced)
    return alert


def state_alarm(stated: Stated, alarm: AlarmState) -> None:
    """State an alarm as the cloud resource that it is, and that it is quiet when it is."""
    resource = names.cloud_resource(alarm.arn)
    place = Place(alarm.arn)
    told = {"account_id": alarm.account_id, "region": alarm.region}
    properties: dict[str, Value] = {
        "type": "aws_cloudwatch_metric_alarm",
        "name": alarm.name,
        "provider": "aws",
        "cloud_id": alarm.arn,
        "status": alarm.state,
        **{k: v for k, v in told.items() if v},
    }
    stated.add(Entity(resource, properties), alarm.at, place)
    for scheme, name in (("arn", alarm.arn), ("name", alarm.name)):
        stated.add(Alias(resource, scheme, name), alarm.at, place)
    if alarm.quiet:
        stated.snapshot(alarm.state_scope, alarm.at)


def _lasting(firing: Firing) -> dict[str, Value]:
    told: dict[str, Value] = {
        "severity": firing.severity,
        "service": names.service_name(firing.service),
        "environment": names.environment_name(firing.environment),
        "summary": firing.texts.get("summary", ""),
        "description": firing.texts.get("description", ""),
        "labels": firing.labels,
        "url": firing.url,
    }
    return {
        "name": firing.name,
        "system": firing.system,
        "alert_id": firing.alert_id,
        "started_at": rfc3339(firing.started_at),
        **{k: v for k, v in told.items() if v},
    }


def _about(stated: Stated, firing: Firing, alert: EntityRef, place: Place) -> None:
    at = firing.started_at
    if (service := stated.service(firing.service, at, place)) is not None:
        stated.add(Relation("ABOUT", alert, service, {"rule": firing.service_rule}), at, place)
    if firing.environment:
        environment = stated.environment(firing.environment, at, place)
        stated.add(Relation("ABOUT", alert, environment, {"rule": firing.environment_rule}), at, place)
    rules: dict[str, str] = {}
    for cloud_id, rule in firing.resources:
        rules.setdefault(cloud_id, rule)
    for cloud_id, rule in rules.items():
        resource = names.cloud_resource(cloud_id)
        if rule != "alarm":  # an alarm is stated with its state
            stated.add(Entity(resource, {"cloud_id": cloud_id}), at, place)
            stated.add(Alias(resource, "arn" if cloud_id.startswith("arn:") else "id", cloud_id), at, place)
        stated.add(Relation("ABOUT", alert, resource, {"rule": rule}), at, place)


def _mentions(firing: Firing, alert: EntityRef) -> Iterator[Relation]:
    found: dict[EntityRef, str] = {}
    for text in (*firing.annotations.values(), *firing.texts.values()):
        for mention in mentions(text):
            found.setdefault(mention.ref, mention.text)
        for link in _FILE.finditer(text):
            found.setdefault(names.file(link[1], link[2]), link[0])
    for ref, text in found.items():
        if ref != alert:
            yield Relation("MENTIONS", alert, ref, {"text": text})
