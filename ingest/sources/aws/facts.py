"""From an item to facts: the resource, its names, what it depends on, and where and for whom it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graph.model import Alias, Entity, EntityRef, Fact, Relation, Value
from ingest import aws_names, names
from ingest.sources.aws.table import Collection, Place
from ingest.sources.aws.values import Item, at, flat, tags_of, text_at

_EC2_ID = re.compile(r"[a-z]{1,9}-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]{2,40}:[a-z0-9-]{0,30}:(?:\d{12}|aws)?:[^\s*?]{1,600}")
_NO_NAMES_OF_OTHERS = frozenset({"arn", "id", "owner_id", "security_group_rule_id", "reservation_id"})
_MAX_NAME_CHARS = 512


@dataclass(frozen=True, slots=True)
class Tagging:
    """Which tags say where and for whom a thing runs.

    Attributes:
        environment: environment of everything that no tag speaks of, empty for none.
        environment_tags, service_tags: keys, the first that is there counts.
    """

    environment: str
    environment_tags: tuple[str, ...]
    service_tags: tuple[str, ...]

    def environment_of(self, tags: Mapping[str, Value]) -> str:
        """The environment of a thing with these tags, empty when nothing tells."""
        return _tag(tags, self.environment_tags) or self.environment

    def service_of(self, tags: Mapping[str, Value]) -> str:
        """The service of a thing with these tags, empty when no tag tells."""
        return _tag(tags, self.service_tags)


def resource_ref(arn: str) -> EntityRef:
    """The resource of an ARN, in the form that audit logs and stacks can tell as well."""
    return names.cloud_resource(aws_names.canonical(arn))


def resource_facts(collection: Collection, arn: str, item: Item, place: Place, tagging: Tagging) -> Iterator[Fact]:
    """Everything that is said of one resource."""
    resource = resource_ref(arn)
    tags = tags_of(item.get(collection.tags))
    attributes = dict(flat({k: v for k, v in item.items() if k != collection.tags and not k.startswith("_")}))
    environment = tagging.environment_of(tags)
    yield _entity(collection, resource, arn, item, place, tags, attributes, environment)
    yield from _aliases(collection, resource, arn, item, tags)
    yield Relation("PART_OF", resource, names.cloud_account("aws", place.account_id), {})
    yield from _dependencies(collection, resource, arn, item, place, attributes)
    yield from environment_facts(resource, environment)
    if service := tagging.service_of(tags):
        yield from service_facts(resource, service, "tag")
    elif collection.service_name:
        yield from service_facts(resource, text_at(item, collection.service_name), f"name of the {collection.type}")


def environment_facts(resource: EntityRef, environment: str) -> Iterator[Fact]:
    """That it runs in an environment; nothing for an empty name."""
    if environment:
        yield Entity(names.environment(environment), {"name": names.environment_name(environment)})
        yield Relation("RUNS_IN", resource, names.environment(environment), {})


def service_facts(resource: EntityRef, service: str, rule: str) -> Iterator[Fact]:
    """That a service runs on it; nothing for an empty name."""
    if name := names.service_name(service):
        yield Entity(names.service(service), {"name": name})
        yield Alias(names.service(service), "name", name)
        yield Relation("RUNS_ON", names.service(service), resource, {"rule": rule})


def account_facts(account_id: str, name: str = "") -> Iterator[Fact]:
    """The account itself; `name` is its alias, empty where it has none."""
    account = names.cloud_account("aws", account_id)
    yield Entity(account, {"provider": "aws", "account_id": account_id, **({"name": name} if name else {})})
    yield Alias(account, "id", account_id)
    if name:
        yield Alias(account, "name", name)


def resource_name(collection: Collection, item: Item, tags: Mapping[str, Value], arn: str) -> str:
    """What people call it: its name, its tag `Name`, its id, or the end of its ARN."""
    named = text_at(item, collection.name) if collection.name else ""
    tag = tags.get("Name")
    by_tag = tag if isinstance(tag, str) else ""
    return named or by_tag or (text_at(item, collection.id) if collection.id else "") or re.split(r"[/:]", arn)[-1]


def _entity(
    collection: Collection,
    resource: EntityRef,
    arn: str,
    item: Item,
    place: Place,
    tags: Mapping[str, Value],
    attributes: Mapping[str, Value],
    environment: str,
) -> Entity:
    told: dict[str, Value] = {
        "type": collection.type,
        "name": resource_name(collection, item, tags, arn),
        "provider": "aws",
        "cloud_id": arn,
        "account_id": place.account_id,
        "region": place.region or text_at(item, "region"),
        "environment": names.environment_name(environment) if environment else "",
        "status": text_at(item, collection.status) if collection.status else "",
        "created_at": text_at(item, collection.created) if collection.created else "",
        "expires_at": text_at(item, collection.expires) if collection.expires else "",
        "tags": tags or None,
        "attributes": attributes,
    }
    return Entity(resource, {k: v for k, v in told.items() if v not in ("", None)})


def _aliases(
    collection: Collection, resource: EntityRef, arn: str, item: Item, tags: Mapping[str, Value]
) -> Iterator[Alias]:
    told: list[tuple[str, str]] = [("arn", arn)]
    if collection.id:
        told.append(("id", text_at(item, collection.id)))
    told.append(("name", resource_name(collection, item, tags, arn)))
    tag = tags.get("Name")
    if isinstance(tag, str):
        told.append(("name", tag))
    for path, scheme in collection.names.items():
        value = at(item, path)
        values: Sequence[Value] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        told.extend((scheme, one) for one in values if isinstance(one, str))
    for scheme, name in dict.fromkeys(told):
        if 0 < len(name) <= _MAX_NAME_CHARS:
            yield Alias(resource, scheme, name)


def _dependencies(
    collection: Collection,
    resource: EntityRef,
    arn: str,
    item: Item,
    place: Place,
    attributes: Mapping[str, Value],
) -> Iterator[Relation]:
    """What the attributes name by ARN or EC2 id, and what the table's links name."""
    found: dict[str, list[str]] = {}
    for path, value in attributes.items():
        step = re.split(r"[.\[]", path, maxsplit=1)[0]
        if path in _NO_NAMES_OF_OTHERS or step in collection.unlinked:
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and (target := _target(one, place)) and target != arn:
                found.setdefault(target, []).append(path)
    for link in collection.links:
        value = at(item, link.path)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one and (target := link.name(one, item, place)) and target != arn:
                found.setdefault(target, []).append(link.path)
    for target, paths in found.items():
        yield Relation("DEPENDS_ON", resource, resource_ref(target), {"via": sorted(set(paths))})


def _target(text: str, place: Place) -> str:
    if len(text) > 700:
        return ""
    if text.startswith("arn:"):
        return text if _ARN.fullmatch(text) else ""
    if _EC2_ID.fullmatch(text):
        return aws_names.ec2(place.account_id, place.region, text, place.partition)
    return ""


def _tag(tags: Mapping[str, Value], keys: Sequence[str]) -> str:
    return next((value.strip() for key in keys if isinstance(value := tags.get(key), str) and value.strip()), "")
