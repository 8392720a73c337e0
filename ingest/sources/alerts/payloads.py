"""A payload of any provider -> facts. The one way in for files and webhooks."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from graph.clock import EARLIEST, Instant
from graph.model import Assertion, Entity, EntityRef, Quarantined, Relation, Value
from ingest import names
from ingest.sources.alerts import alertmanager, cloudwatch, generic, opsgenie, pagerduty
from ingest.sources.alerts.alert_facts import state_alarm, state_alert
from ingest.sources.alerts.incident_facts import group_of, state_group, state_incident
from ingest.sources.alerts.reports import OnCall, PayloadInvalid, Reports
from ingest.sources.alerts.stated import Place, Stated

PROVIDERS = ("alertmanager", "grafana", "pagerduty", "opsgenie", "cloudwatch", "generic")


def provider_of(body: bytes) -> str:
    """The provider whose shape a payload has.

    Raises:
        PayloadInvalid: it is no JSON.
    """
    try:
        keys: Mapping[str, msgspec.Raw] | list[msgspec.Raw] = msgspec.json.decode(
            body, type=dict[str, msgspec.Raw] | list[msgspec.Raw]
        )
    except msgspec.DecodeError:
        raise PayloadInvalid("it is no JSON") from None
    if isinstance(keys, list):
        return "generic"
    if "alerts" in keys and "receiver" in keys:
        return "grafana" if "orgId" in keys else "alertmanager"
    if "event" in keys or "oncalls" in keys or "users" in keys:
        return "pagerduty"
    if "action" in keys and "alert" in keys:
        return "opsgenie"
    if keys.keys() & {"TopicArn", "AlarmName", "detail-type"}:
        return "cloudwatch"
    return "generic"


def read_payload(stated: Stated, provider: str, body: bytes, locator: str, now: Instant | None = None) -> None:
    """Add the facts of a payload. `provider` may be empty; `now` is the moment of reading an export that tells no time.

    Raises:
        PayloadInvalid: it is not what the provider sends; nothing was added.
    """
    settings = stated.settings
    provider = provider or provider_of(body)
    match provider:
        case "alertmanager" | "grafana":
            reports = alertmanager.read(provider, body, locator, settings)
        case "pagerduty":
            reports = pagerduty.read(body, locator, settings)
        case "opsgenie":
            reports = opsgenie.read(body, settings)
        case "cloudwatch":
            reports = cloudwatch.read(body, settings)
        case "generic":
            reports = generic.read(body, locator, settings)
        case _:
            raise PayloadInvalid(f"there is no provider {provider!r}")
    _state(stated, reports)
    if now is not None and reports.on_calls:
        _state_standing(stated, reports.on_calls, locator, now)


def _state(stated: Stated, reports: Reports) -> None:
    for firing in reports.firings:
        alert = state_alert(stated, firing)
        if firing.incident_id:
            incident = names.incident(firing.system, firing.incident_id)
            place = Place(f"{firing.system}:{firing.alert_id}", firing.url or None)
            stated.add(Relation("PART_OF", alert, incident, {"rule": firing.system}), firing.started_at, place)
    grouped = {id(firing) for group in reports.groups for firing in group.firings}
    if stated.settings.group_incidents:
        for group in reports.groups:
            state_group(stated, group)
        for firing in reports.firings:
            if id(firing) not in grouped and not firing.incident_id:
                state_group(stated, group_of(firing))
    for report in reports.incidents:
        state_incident(stated, report)
    for alarm in reports.alarms:
        state_alarm(stated, alarm)
    for on_call in reports.on_calls:
        if on_call.start is not None:
            _state_shift(stated, on_call, on_call.start)
    for actor in reports.people:
        # Users of an export tell no time; they are as old as can be, and whatever an event says of them is newer.
        stated.account("pagerduty", actor, EARLIEST, Place(f"pagerduty:{actor.login}", actor.url or None))
    stated.quarantined += reports.quarantined


# -- on call


def _state_shift(stated: Stated, on_call: OnCall, start: Instant) -> None:
    place = Place(f"pagerduty:oncalls/{on_call.actor.login}")
    account = stated.account("pagerduty", on_call.actor, start, place)
    for target in _covered(stated, on_call, start, place):
        stated.add(_relation(account, target, on_call), start, place, until=on_call.end)


def _state_standing(stated: Stated, on_calls: tuple[OnCall, ...], locator: str, now: Instant) -> None:
    """Who is always on call: told without times, so that each export is a snapshot."""
    scope = f"{stated.settings.name}#oncalls/{locator}"
    gathered: list[Assertion] = []
    for on_call in on_calls:
        if on_call.start is not None:
            continue
        place = Place(f"pagerduty:oncalls/{on_call.actor.login}")
        account = stated.account("pagerduty", on_call.actor, now, place)
        gathered += [
            Assertion(_relation(account, target, on_call), now, now, place.locator)
            for target in _covered(stated, on_call, now, place)
        ]
    stated.snapshot(scope, now, tuple(gathered))


def _relation(account: EntityRef, target: EntityRef, on_call: OnCall) -> Relation:
    told: dict[str, Value] = {"schedule": on_call.schedule, "level": on_call.level}
    return Relation("ON_CALL_FOR", account, target, {k: v for k, v in told.items() if v}, on_call.schedule)


def _covered(stated: Stated, on_call: OnCall, at: Instant, place: Place) -> list[EntityRef]:
    """The services of the escalation policy, as the export or the settings tell them, else the policy itself as a team."""
    mapped = stated.settings.services.get(on_call.policy, "")
    services = on_call.service_names or ((mapped,) if mapped else ())
    found = [service for name in services if (service := stated.service(name, at, place)) is not None]
    if not found and on_call.policy:
        team = names.team("pagerduty", on_call.policy)
        stated.add(Entity(team, {"name": on_call.policy}), at, place)
        found = [team]
    return found


def unreadable(locator: str, error: PayloadInvalid) -> Quarantined:
    """A payload set aside."""
    return Quarantined(locator, str(error))
