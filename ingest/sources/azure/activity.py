"""The Activity Log: the records of an operation -> one audit event.

Formats: https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema; both what the API lists (`az monitor activity-log
list`) and what diagnostic settings write to storage.

An operation is told by two or more records: started, accepted, then succeeded or failed. They share correlation id, operation and resource.
What the operation changed holds since it succeeded; the request is told by the start. A file's records are joined before they become
facts. Where the records of one operation lie in two files, each says what it knows, and what tells more counts more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from graph.clock import Instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Quarantined, Relation, Value, ref
from ingest import names
from ingest.sources.alerts.words import maybe_time
from ingest.sources.azure.ids import account_facts, group_of, subscription_of, terraform_type, type_of
from ingest.sources.azure.resources import keeps_secrets
from ingest.sources.gcp.attributes import flattened
from ingest.sources.gcp.export_pull import Events

_CATEGORIES = frozenset({"administrative", "autoscale", ""})
"""Others tell of health, policies and advice: nobody did anything."""
_STATES = {
    "started": "started",
    "start": "started",
    "accepted": "started",
    "accept": "started",
    "inprogress": "started",
    "succeeded": "succeeded",
    "success": "succeeded",
    "failed": "failed",
    "failure": "failed",
    "canceled": "failed",
}
_READS = ("list", "get", "read", "check", "validate", "query", "search", "whatif", "export", "calculate")
_DOORS = {
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "console",
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "cli",
    "1950a258-227b-4e31-a9cf-717495945fc2": "cli",
    "3686488a-04fc-4d8a-b967-61f98ec41efe": "console",
    "abfa0a7c-a6b6-4736-8310-5855508787cd": "service",
}
"""Application ids of the portal, the command line, PowerShell, the classic portal and the service itself."""
_NAME_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_NOT_REQUEST = ("properties.parameters", "parameters", "properties.template", "id", "name", "type", "etag")


class _Identity(msgspec.Struct):
    claims: dict[str, object] = msgspec.field(default_factory=dict[str, object])


class _Http(msgspec.Struct):
    clientIpAddress: str | None = ""
    method: str | None = ""


class _Record(msgspec.Struct):
    operationName: object = ""
    resourceId: str | None = ""
    resourceUri: str | None = ""
    eventTimestamp: str = ""
    time: str = ""
    status: object = ""
    resultType: str | None = ""
    subStatus: object = ""
    resultSignature: str | None = ""
    caller: str | None = ""
    claims: dict[str, object] | None = None
    identity: _Identity | None = None
    category: object = ""
    correlationId: str = ""
    operationId: str | None = ""
    eventDataId: str | None = ""
    httpRequest: _Http | None = None
    callerIpAddress: str | None = ""
    properties: object = None


@dataclass(frozen=True, slots=True)
class _Told:
    """One record, in words that both formats share."""

    key: tuple[str, str, str]
    action: str
    resource: str
    state: str
    at: Instant
    caller: str
    claims: Mapping[str, object]
    ip: str
    error: str
    created: bool
    request: Mapping[str, Value]


class Activity:
    """The records of a file, kept until its end."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], list[_Told]] = {}

    def read(self, locator: str, body: bytes) -> Quarantined | None:
        """Keep a record."""
        try:
            record = msgspec.json.decode(body, type=_Record)
        except msgspec.DecodeError:
            return Quarantined(locator, "a field of the record has a wrong type")
        if _word(record.category).lower() not in _CATEGORIES:
            return None
        told = _told(record)
        if told is None:
            return Quarantined(locator, "the record has no time, operation, resource or correlation id")
        if not _only_reads(told.action):
            self._told.setdefault(told.key, []).append(told)
        return None

    def end(self) -> Iterator[Events]:
        """The events of the operations that were kept, and forget them."""
        told, self._told = self._told, {}
        for records in told.values():
            yield _events(sorted(records, key=lambda r: (r.at, r.state != "started", r.state)))


def _told(record: _Record) -> _Told | None:
    at = maybe_time(record.eventTimestamp or record.time)
    action = _word(record.operationName)
    resource = (record.resourceId or record.resourceUri or "").rstrip("/")
    together = record.correlationId or record.operationId or record.eventDataId or ""
    if at is None or not action or not resource or not together:
        return None
    claims = record.claims or (record.identity.claims if record.identity is not None else {})
    state = _STATES.get((_word(record.status) or record.resultType or "").lower(), "")
    properties = _mapping(record.properties)
    signature = _word(record.subStatus) or record.resultSignature or _text(properties.get("statusCode"))
    http = record.httpRequest or _Http()
    return _Told(
        key=(together, action.lower(), resource.lower()),
        action=action,
        resource=resource,
        # A record without a known state stands for itself.
        state=state or "succeeded",
        at=at,
        caller=record.caller or _text(claims.get(_NAME_CLAIM)) or _text(claims.get("appid")),
        claims=claims,
        ip=http.clientIpAddress or record.callerIpAddress or _text(claims.get("ipaddr")),
        error=_error(signature, properties) if state == "failed" else "",
        created="created" in signature.lower() or "201" in signature,
        request=_request(properties, resource),
    )


def _events(records: Sequence[_Told]) -> Events:
    """One event: from its first record on, with what the others add."""
    first, last = records[0], records[-1]
    key = first.key
    event = ref("AuditEvent", "azure", *key)
    locator = f"azure-activity:{key[0]}"
    request = next((r.request for r in records if r.request), dict[str, Value]())
    done = next((r for r in records if r.state == "succeeded"), None)
    failed = next((r for r in records if r.state == "failed"), None) if done is None else None
    started = first.state == "started"

    def say(fact: Fact, at: Instant, observed_at: Instant | None = None) -> Assertion:
        return Assertion(fact, at, at if observed_at is None else observed_at, locator)

    whole = _event(event, first, request)
    facts: list[Assertion] = []
    apart: list[Assertion] = []
    if started:
        # Which of two statements of one moment is taken: the one that knows the request.
        facts.append(say(whole, first.at, first.at - (not request)))
    else:
        apart.append(say(whole, first.at))
    if failed is not None:
        apart.append(say(Entity(event, {"event_id": key[0], "error": failed.error}), failed.at))
    for account, stated in _who(next((r for r in records if r.caller), last)):
        facts += [say(fact, first.at) for fact in (*stated, Relation("PERFORMED_BY", event, account, {}))]
    if subscription := subscription_of(first.resource):
        account, stated = account_facts(subscription)
        facts += [say(fact, first.at) for fact in (*stated, Relation("PART_OF", event, account, {}))]
    if done is not None:
        for fact in _named(done.resource):
            facts.append(say(fact, done.at))
        facts.append(say(_changed(event, done, request), done.at, done.at - (not request)))
    return Events(tuple(facts), tuple(apart))


def _event(event: EntityRef, told: _Told, request: Mapping[str, Value]) -> Entity:
    more: dict[str, Value] = {
        "source_ip": told.ip,
        "account_id": subscription_of(told.resource),
        "parameters": request,
    }
    return Entity(
        event,
        {
            "action": told.action,
            "event_id": told.key[0],
            "via": _DOORS.get(_text(told.claims.get("appid")).lower(), "unknown"),
            "title": f"{told.action} {told.resource.rpartition('/')[2]}",
            **{k: v for k, v in more.items() if v},
        },
    )


def _changed(event: EntityRef, done: _Told, request: Mapping[str, Value]) -> Relation:
    verb = done.action.lower().rpartition("/")[2]
    effect = "deleted" if verb == "delete" else "created" if verb == "write" and done.created else "updated"
    before: Value = {"state": "absent" if effect == "created" else "unknown"}
    attributes: list[Value] = []
    if effect != "deleted":
        attributes = [
            {"path": p, "before": before, "after": {"state": "value", "value": v}} for p, v in request.items()
        ]
    told: dict[str, Value] = {"effect": effect, **({"attributes": attributes} if attributes else {})}
    return Relation("CHANGED", event, names.cloud_resource(done.resource), told)


def _named(resource_id: str) -> Iterator[Fact]:
    resource = names.cloud_resource(resource_id)
    name = resource_id.rpartition("/")[2]
    told = {
        "type": terraform_type(type_of(resource_id)),
        "name": name,
        "provider": "azure",
        "cloud_id": resource_id.lower(),
        "account_id": subscription_of(resource_id),
    }
    yield Entity(resource, {k: v for k, v in told.items() if v})
    yield Alias(resource, "name", name.lower() if group_of(resource_id) else name)
    yield Alias(resource, "id", resource_id.lower())


def _who(told: _Told) -> Iterator[tuple[EntityRef, list[Fact]]]:
    """The caller: a person by mail address, an application by the id of its principal."""
    if not told.caller:
        return
    account = names.account("azure", told.caller)
    machine = "@" not in told.caller or _text(told.claims.get("idtyp")) == "app"
    mail = "" if machine else told.caller.lower()
    name = _text(told.claims.get("name"))
    properties: dict[str, Value] = {
        "system": "azure",
        "login": told.caller,
        "type": "service" if machine else "user",
        "bot": machine,
        **({"name": name} if name else {}),
        **({"email": mail} if mail else {}),
    }
    facts: list[Fact] = [Entity(account, properties)]
    for scheme, alias in (("login", told.caller), ("email", mail), ("name", name)):
        if alias:
            facts.append(Alias(account, scheme, alias))
    yield account, facts


# -- words


def _request(properties: Mapping[str, object], resource: str) -> dict[str, Value]:
    """What was asked for, without what may be secret: values of parameters, and all of resources that are made of secrets."""
    told = properties.get("requestbody") or properties.get("requestBody")
    if not isinstance(told, str) or keeps_secrets(type_of(resource)):
        return {}
    try:
        body: object = json.loads(told)
    except (ValueError, RecursionError):
        return {}
    return flattened(_mapping(body), skip=_NOT_REQUEST)


def _only_reads(action: str) -> bool:
    *_, thing, verb = ["", *action.lower().split("/")]
    return verb == "read" or (verb == "action" and thing.startswith(_READS))


def _error(signature: str, properties: Mapping[str, object]) -> str:
    message = properties.get("statusMessage")
    if isinstance(message, str):
        try:
            found: object = json.loads(message)
        except (ValueError, RecursionError):
            found = None
        if code := _text(_mapping(_mapping(found).get("error")).get("code")):
            return code[:100]
    return signature[:100] or "failed"


def _word(value: object) -> str:
    """A name that one format tells as text, the other as `{"value": …, "localizedValue": …}`."""
    return _text(_mapping(value).get("value")) or _text(value)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
