"""AWS Config's configuration items: versions of a resource, each with the moment it was captured.

An item is what the resource's API tells, so that the same table reads it, and what it states lies on the timelines of the live
inventory. Formats: https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from graph.clock import Instant, from_datetime, instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Relation, Value
from ingest import aws_names, names
from ingest.sources.aws.batches import GLOBAL, part_of, set_of
from ingest.sources.aws.collections import BY_CONFIG_TYPE
from ingest.sources.aws.facts import Tagging, environment_facts, resource_facts, resource_ref, service_facts
from ingest.sources.aws.table import Collection, Place
from ingest.sources.aws.values import Item, at, flat, item_of, plain, snake, tags_of, text_at

DELETED = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})
_TELLS_NOTHING = frozenset({"ResourceNotRecorded"})
_SECRET_PLACES = frozenset(
    {"environment", "environment_variables", "user_data", "custom_headers", "secret_string", "master_user_password"}
)
"""Members of types that the table does not know, whose values are the user's own and often secret."""


@dataclass(frozen=True, slots=True)
class ConfigItem:
    """A configuration item.

    Attributes:
        captured_at: when Config captured it.
        status: `OK`, `ResourceDiscovered`, `ResourceDeleted`, `ResourceNotRecorded` or as told.
        type: `AWS::EC2::SecurityGroup`.
        arn: the resource's ARN.
        told: the configuration, in our form; empty for a deleted one.
        related_events: ids of audit events.
        locator: where it was read.
    """

    captured_at: Instant
    status: str
    type: str
    arn: str
    resource_id: str
    resource_name: str
    place: Place
    created_at: str
    tags: Mapping[str, Value]
    told: Item
    related_events: tuple[str, ...]
    locator: str

    @property
    def is_there(self) -> bool:
        """Whether the resource exists as of this item."""
        return self.status not in DELETED

    @property
    def collection(self) -> Collection | None:
        """The table's entry for its type."""
        return BY_CONFIG_TYPE.get(self.type)


class ItemInvalid(ValueError):
    """No configuration item. `str(error)` says why, without its content."""


def config_item(told: Mapping[str, object], locator: str) -> ConfigItem | None:
    """The item in a member of `configurationItems`, of a file or of the API; None for one that tells nothing.

    Raises:
        ItemInvalid: it lacks what an item must have.
    """
    status = _text(told, "configurationItemStatus", "status") or "OK"
    if status in _TELLS_NOTHING:
        return None
    type_, resource_id = _text(told, "resourceType"), _text(told, "resourceId")
    account_id = _text(told, "awsAccountId", "accountId")
    if not (type_ and resource_id and account_id):
        raise ItemInvalid("it names no resource type, resource id or account")
    region = _text(told, "awsRegion")
    named = _text(told, "ARN", "arn")
    partition = named.split(":")[1] if named.startswith("arn:") else "aws"
    collection = BY_CONFIG_TYPE.get(type_)
    place = Place(account_id, "" if region == GLOBAL or (collection and collection.is_global) else region, partition)
    arn = named or aws_names.ec2(account_id, place.region, resource_id, partition)
    if not arn:
        raise ItemInvalid(f"it has no ARN ({type_})")
    related = told.get("relatedEvents")
    events = cast("Sequence[object]", related) if isinstance(related, (list, tuple)) else ()
    return ConfigItem(
        captured_at=_time(told),
        status=status,
        type=type_,
        arn=arn,
        resource_id=resource_id,
        resource_name=_text(told, "resourceName"),
        place=place,
        created_at=_created(told.get("resourceCreationTime")),
        tags=tags_of(item_of({"tags": told.get("tags")}).get("tags")),
        told=_configuration(told, region),
        related_events=tuple(sorted(str(event) for event in events if event)),
        locator=locator,
    )


def part_of_item(item: ConfigItem) -> str:
    """The sub-scope that its facts belong to: the live inventory's, or one for types that the inventory does not read."""
    if item.collection is not None:
        return part_of(item.collection, item.place.account_id, item.place.region)
    return f"{item.place.account_id}/{item.place.region or GLOBAL}/config/{item.type}"


def history(items: Sequence[ConfigItem], tagging: Tagging) -> Iterator[Assertion]:
    """What the items of one resource say, oldest first: each version, and the end of what the next one no longer says."""
    told = {item.captured_at: item for item in sorted(items, key=lambda i: (i.captured_at, not i.is_there, repr(i)))}
    versions = [(item, _facts(item, tagging)) for item in told.values()]
    for item, facts in versions:
        if item.is_there:
            for fact in facts:
                yield Assertion(fact, item.captured_at, item.captured_at, item.locator)
        else:
            gone = Entity(resource_ref(item.arn), {})
            yield Assertion(gone, item.captured_at, item.captured_at, item.locator, present=False)
        for event in item.related_events:
            mention = Relation("MENTIONS", resource_ref(item.arn), _audit_event(event), {"text": event})
            yield Assertion(mention, item.captured_at, item.captured_at, item.locator)
    for (_, before), (item, after) in pairwise(versions):
        said = {fact.key for fact in after}
        for fact in before:
            if item.is_there and isinstance(fact, (Relation, Alias)) and fact.key not in said:
                yield Assertion(fact, item.captured_at, item.captured_at, item.locator, present=False)


def _facts(item: ConfigItem, tagging: Tagging) -> list[Fact]:
    if not item.is_there:
        return []
    collection = item.collection
    if collection is None:
        facts = _unknown(item, tagging)
    else:
        shaped = collection.shape(dict(item.told)) if collection.shape is not None else dict(item.told)
        shaped.setdefault("arn", item.arn)
        if item.tags:
            shaped[collection.tags] = item.tags
        if collection.created and not text_at(shaped, collection.created) and item.created_at:
            shaped[collection.created] = item.created_at
        facts = resource_facts(collection, item.arn, shaped, item.place, tagging)
    return [fact for _, fact in set_of([(item.locator, fact) for fact in facts])]


def _unknown(item: ConfigItem, tagging: Tagging) -> Iterator[Fact]:
    """A resource of a type that the table does not have: named as Config does, everything flattened."""
    resource = resource_ref(item.arn)
    environment, service = tagging.environment_of(item.tags), tagging.service_of(item.tags)
    properties: dict[str, Value] = {
        "type": item.type,
        "name": item.resource_name or item.resource_id,
        "provider": "aws",
        "cloud_id": item.arn,
        "account_id": item.place.account_id,
        "region": item.place.region,
        "environment": names.environment_name(environment) if environment else "",
        "created_at": item.created_at,
        "tags": item.tags or None,
        "attributes": dict(flat(_without_secret_places(item.told))),
    }
    yield Entity(resource, {k: v for k, v in properties.items() if v not in ("", None)})
    for scheme, name in (("arn", item.arn), ("id", item.resource_id), ("name", item.resource_name)):
        if name:
            yield Alias(resource, scheme, name)
    yield Relation("PART_OF", resource, names.cloud_account("aws", item.place.account_id), {})
    yield from environment_facts(resource, environment)
    yield from service_facts(resource, service, "tag")


def _without_secret_places(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {k: _without_secret_places(v) for k, v in value.items() if k not in _SECRET_PLACES}
    if isinstance(value, (list, tuple)):
        return [_without_secret_places(one) for one in value]
    return value


def _audit_event(event_id: str) -> EntityRef:
    # As the cloudtrail source names its events.
    return names.audit_event("cloudtrail", event_id.lower())


# -- reading


def _configuration(told: Mapping[str, object], region: str) -> Item:
    configuration = item_of(_document(told.get("configuration")) or {})
    extra = _document(told.get("supplementaryConfiguration"))
    if isinstance(extra, Mapping):
        for key, value in cast("Mapping[str, object]", extra).items():
            _add(configuration, snake(str(key)), _document(value))
    if told.get("resourceType") == "AWS::S3::Bucket":
        configuration.setdefault("location", region)
    return configuration


_SUPPLEMENTS = {
    "bucket_policy": ("policy", "policy_text"),
    "public_access_block_configuration": ("public_access_block", ""),
    "server_side_encryption_configuration": ("encryption", "server_side_encryption_configuration"),
    "bucket_versioning_configuration": ("versioning", "status"),
}
"""What Config tells beside the configuration of a bucket -> member of our item, and what of it."""


def _add(configuration: Item, name: str, value: object) -> None:
    member, path = _SUPPLEMENTS.get(name, (name, ""))
    if member == "encryption":
        configuration[member] = {path: plain(path, value)}
    elif path:
        configuration[member] = plain(member, at(item_of(value), path))
    else:
        configuration[member] = plain(member, value)


def _document(value: object) -> object:
    """The API has documents as JSON text, files have them as they are."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return cast("object", json.loads(value))
        except ValueError:
            return value
    return value


def _time(told: Mapping[str, object]) -> Instant:
    value = told.get("configurationItemCaptureTime")
    try:
        # The API gives a datetime, files RFC 3339.
        return instant(value) if isinstance(value, str) else from_datetime(value)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    except (ValueError, AttributeError, TypeError):
        raise ItemInvalid("it does not tell when it was captured") from None


def _created(value: object) -> str:
    try:
        return rfc3339(instant(value)) if isinstance(value, str) else rfc3339(from_datetime(value))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    except (ValueError, AttributeError, TypeError):
        return ""


def _text(told: Mapping[str, object], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := told.get(key), str) and value), "")
