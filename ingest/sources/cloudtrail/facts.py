"""From a record to facts: the event, who did it, what it changed, and that these exist.

All times are the event's own, so that the same record from a file, from S3 and from LookupEvents, twice and in any order, states the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graph.clock import Instant, instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Relation, Value
from ingest import aws_names, names
from ingest.redact import redact_text
from ingest.sources.cloudtrail.changes import Change, changes
from ingest.sources.cloudtrail.door import door
from ingest.sources.cloudtrail.parameters import flattened
from ingest.sources.cloudtrail.records import Record, items, lowered, obj, text
from ingest.sources.cloudtrail.sessions import session_opened
from ingest.sources.cloudtrail.targets import Call, plain_name
from ingest.sources.cloudtrail.who import caller, facts_of, source_identity

_MAX_SHOWN_CHARS = 90


@dataclass(frozen=True, slots=True)
class Stated:
    """An assertion. `lasting`: the source never ends it and says the same of it in every event, so that the earliest one is enough."""

    assertion: Assertion
    lasting: bool


def event_ref(event_id: str) -> EntityRef:
    """The event with this id, in whatever file, region or answer it was found."""
    return names.audit_event("cloudtrail", event_id.lower())


def event_time(record: Record) -> Instant:
    """When the call was made. Raises `ValueError`."""
    return instant(record.event_time)


def audit_event(record: Record) -> Iterator[Stated]:
    """The facts of a call that may have changed something, or of a sign-in. Raises `ValueError` for a time that is none."""
    at, locator = event_time(record), f"cloudtrail:{record.event_id}"
    call = _call(record)
    event = event_ref(record.event_id)
    changed = changes(call)

    def state(fact: Fact, *, lasting: bool = False) -> Stated:
        return Stated(Assertion(fact, at, at, locator), lasting)

    yield state(Entity(event, _properties(call, changed)))
    yield state(Alias(event, "id", record.event_id))
    for actor in (caller(record), source_identity(record)):
        if actor is not None:
            for fact in facts_of(actor):
                yield state(fact, lasting=True)
            yield state(Relation("PERFORMED_BY", event, actor.ref, {}))
    for change in changed:
        resource = names.cloud_resource(change.arn)
        yield _exists(change, resource, record, at, locator)
        for alias in _resource_names(change, resource, call):
            yield state(alias, lasting=True)
        account_id = _account_id(change.arn, record)
        if account_id:
            account = names.cloud_account("aws", account_id)
            yield state(Entity(account, {"provider": "aws", "account_id": account_id}), lasting=True)
            yield state(Alias(account, "id", account_id), lasting=True)
            yield state(Relation("PART_OF", resource, account, {}), lasting=True)
        attributes: dict[str, Value] = {"effect": change.effect}
        if change.attributes:
            attributes["attributes"] = list(change.attributes)
        yield state(Relation("CHANGED", event, resource, attributes))


def opened_session(record: Record) -> Iterator[Stated]:
    """Who opened a role session, of a call to STS; nothing for sessions that services open for themselves."""
    opened = session_opened(record)
    if opened is None:
        return
    at, locator = event_time(record), f"cloudtrail:{record.event_id}"
    for actor in (opened.session, opened.by):
        for fact in facts_of(actor):
            yield Stated(Assertion(fact, at, at, locator), True)
    until = opened.until if opened.until is not None and opened.until > at else None
    relation = Relation("ASSUMED_BY", opened.session.ref, opened.by.ref, {})
    yield Stated(Assertion(relation, at, at, locator, valid_to=until), False)


def _call(record: Record) -> Call:
    return Call(
        record, plain_name(record.event_name), lowered(record.request_parameters), lowered(record.response_elements)
    )


def _properties(call: Call, changed: tuple[Change, ...]) -> dict[str, Value]:
    record = call.record
    properties: dict[str, Value] = {
        "action": f"{record.service}:{call.name}",
        "event_id": record.event_id,
        "via": door(record),
        "title": _title(call, changed),
        "account_id": record.account_id,
        "region": record.region,
    }
    if record.user_agent:
        properties["user_agent"] = redact_text(record.user_agent)[:300]
    if record.source_ip_address:
        properties["source_ip"] = record.source_ip_address
    if error := _error(call):
        properties["error"] = error
    if parameters := flattened(record.service, obj(record.request_parameters)):
        properties["parameters"] = parameters
    return properties


def _error(call: Call) -> str:
    if call.record.error_code:
        return call.record.error_code
    # A sign-in that failed tells it in its answer only.
    return "Failure" if text(call.response, "consolelogin") == "Failure" else ""


def _title(call: Call, changed: tuple[Change, ...]) -> str:
    title = call.name
    if changed:
        title += f" on {shown(changed[0].arn)}"
        title += f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{title} failed: {error}" if (error := _error(call)) else title


def shown(arn: str) -> str:
    """The resource part of an ARN in few words: `listener-rule/app/edge/…`, `security-group/sg-…`, `bucket shop-assets`."""
    parts = aws_names.parse(arn)
    if parts is None:
        return arn[:_MAX_SHOWN_CHARS]
    resource = parts.resource
    if parts.service == "elasticloadbalancing" and resource.count("/") > 2:
        return "/".join(resource.split("/")[:3]) + "/…"
    if parts.service == "autoscaling":
        return f"autoScalingGroup/{resource.rpartition('/')[2]}"
    if parts.service == "s3":
        resource = f"bucket/{resource}" if "/" not in resource else resource
    elif parts.service in ("sqs", "sns"):
        resource = f"{parts.service}/{resource}"
    return resource if len(resource) <= _MAX_SHOWN_CHARS else resource[:_MAX_SHOWN_CHARS] + "…"


def _exists(change: Change, resource: EntityRef, record: Record, at: Instant, locator: str) -> Stated:
    """That the thing exists. One that was deleted did until now: the moment after, it does not."""
    parts = aws_names.parse(change.arn)
    properties: dict[str, Value] = {
        "provider": "aws",
        "cloud_id": change.arn,
        "name": aws_names.resource_name(change.arn),
    }
    if type_ := aws_names.resource_type(change.arn):
        properties["type"] = type_
    if account_id := _account_id(change.arn, record):
        properties["account_id"] = account_id
    if parts is not None and parts.region:
        properties["region"] = parts.region
    if change.effect == "deleted":
        # Events tell whole seconds. Observed later than what else is told of that second, the deletion comes last.
        return Stated(Assertion(Entity(resource, properties), at, at + 1, locator, valid_to=at + 1), False)
    return Stated(Assertion(Entity(resource, properties), at, at, locator), False)


def _account_id(arn: str, record: Record) -> str:
    """The account that owns the thing. Names of buckets and zones tell none: then the account that the call was made in."""
    parts = aws_names.parse(arn)
    return (parts.account_id if parts is not None else "") or record.account_id


def _resource_names(change: Change, resource: EntityRef, call: Call) -> Iterator[Alias]:
    parts = aws_names.parse(change.arn)
    yield Alias(resource, "arn", change.arn)
    if parts is None:
        return
    if name := aws_names.resource_name(change.arn):
        yield Alias(resource, "name", name)
    last = parts.resource.rpartition("/")[2].rpartition(":")[2]
    if last and last != name and len(last) > 3:
        yield Alias(resource, "id", last)
    elif parts.service == "ec2":
        yield Alias(resource, "id", name)
    if parts.service == "route53" and "/recordset/" in parts.resource:
        yield Alias(resource, "dns", name)
    if change.effect == "created" and (told := _told_name(call)) and told != name:
        yield Alias(resource, "name", told)


def _told_name(call: Call) -> str:
    """The name that a call gives to the one thing that it makes, where the ARN has an id instead: the `Name` tag, a group's name."""
    for specification in items(call.request.get("tagspecificationset")):
        for tag in items(specification.get("tags")):
            if text(tag, "key") == "Name":
                return text(tag, "value")
    return text(call.request, "groupname") if call.name == "CreateSecurityGroup" else ""
