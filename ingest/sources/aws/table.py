"""What an entry of the inventory's table says. The entries are in `collections/`; another service is another entry.

Paths in entries are of items in our form (`ingest.sources.aws.values`): `state.name`, not `State.Name`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from graph.model import Value
from ingest import aws_names
from ingest.sources.aws.values import Item, text_at


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item was found. `region` is empty for what is global."""

    account_id: str
    region: str
    partition: str = "aws"


Naming: TypeAlias = Callable[[Item, Place], str]
"""Gives an item's ARN, empty when it has none: then it is not taken in."""

Binding: TypeAlias = "Mapping[str, str]"
"""Parameter of a call -> path in the item (of a parent or of the item itself) that its value stands at."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Another call for each item.

    Attributes:
        operation: the call, `get_bucket_policy`.
        bind: its parameters out of the item.
        take: path in the answer of what is wanted, empty for the whole of it. A list is collected over all pages.
        put: member of the item it is put at; empty: what is wanted is a mapping and joins the item, which is nothing without it.
        parameters: parameters that are the same for each.
        action: the policy action, where it is not called like the operation.
        none_when: error codes, as a regular expression, by which the service says that this item has none of it.
    """

    operation: str
    bind: Binding
    take: str = ""
    put: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    action: str = ""
    none_when: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Another call for many items at once: `describe_tags` for twenty ARNs, `describe_services` for ten.

    Attributes:
        operation: the call.
        parameter: its parameter that takes the list.
        path: path in the item of what goes into the list.
        size: how many it takes at once.
        items: member of the answer that holds the list of answers.
        match: member of an answer that is equal to what was sent.
        take: path in an answer of what is wanted, empty for the whole of it.
        put: member of the item it is put at; empty: it joins the item, which is nothing without it.
        bind: more parameters out of the item; only items equal in these go together.
        parameters: parameters that are the same for each.
        action: the policy action, where it is not called like the operation.
    """

    operation: str
    parameter: str
    path: str
    size: int
    items: str
    match: str
    take: str = ""
    put: str = ""
    bind: Binding = field(default_factory=dict[str, str])
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    action: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A relation to what an item names without an ARN: `path` leads to names, `name` makes an ARN of each."""

    path: str
    name: Callable[[str, Item, Place], str]


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of thing in one service.

    Attributes:
        type: resource type as Terraform names it; identifies the entry.
        service: boto3's name of the service.
        operation: the call that lists it.
        items: path of the list in an answer; a step through a list goes through all of it (`reservations.instances`).
        arn: names an item for good.
        parameters: parameters of every call.
        parent: type of the collection whose items are gone through, with `bind` and `carry`.
        bind: parameters out of the parent.
        carry: member of the item -> path in the parent that its value is copied from.
        details, batches: more calls for each item; batches come first.
        is_global: asked once and not in each region.
        config_type: AWS Config's name of the same, `AWS::EC2::Instance`.
        names: path -> scheme of the name that stands there; ARN, id and the tag `Name` come by themselves.
        id: path of the resource's id.
        name: path of its name, where not the tag `Name`.
        created, status, expires: paths.
        tags: path.
        shape: what is done to an item before all else: renaming to Terraform's names, leaving out what changes by itself or is secret.
            A member whose name begins with `_` can be named in this table and is no attribute.
        unlinked: first steps of attribute paths whose ids and ARNs are not what the item depends on (it is the other way round).
        links: relations to what is named without an ARN.
        service_name: path of the name of the service that it is, for things that are a service.
        action: the policy action of `operation`, where it is not called like it.
        may_lack: the answer leaves the list out when it is empty; elsewhere an answer without its list is a broken one.
    """

    type: str
    service: str
    operation: str
    items: str
    arn: Naming
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    parent: str = ""
    bind: Binding = field(default_factory=dict[str, str])
    carry: Mapping[str, str] = field(default_factory=dict[str, str])
    details: tuple[Detail, ...] = ()
    batches: tuple[Batch, ...] = ()
    is_global: bool = False
    config_type: str = ""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    id: str = ""
    name: str = ""
    created: str = ""
    status: str = ""
    expires: str = ""
    tags: str = "tags"
    shape: Callable[[Item], Item] | None = None
    unlinked: frozenset[str] = frozenset()
    links: tuple[Link, ...] = ()
    service_name: str = ""
    action: str = ""
    may_lack: bool = False


def arn_at(path: str) -> Naming:
    """The ARN stands in the item."""

    def name(item: Item, place: Place) -> str:
        told = text_at(item, path)
        return told if told.startswith("arn:") else ""

    return name


def ec2_id(path: str) -> Naming:
    """The item tells an EC2 id."""

    def name(item: Item, place: Place) -> str:
        return aws_names.ec2(place.account_id, place.region, text_at(item, path), place.partition)

    return name


def regional(service: str, prefix: str) -> Callable[[str, Item, Place], str]:
    """For links: an ARN of the usual shape, `regional("rds", "subgrp:")`."""

    def name(told: str, item: Item, place: Place) -> str:
        return aws_names.regional(service, place.account_id, place.region, prefix + told, place.partition)

    return name


_NOBODYS = frozenset({"client_token", "client_request_token", "caller_reference"})
"""Marks of the request that made a thing."""


def renamed(item: Item, names: Mapping[str, str], without: tuple[str, ...] = ()) -> Item:
    """The item with members under other names, and some left out; the order is kept."""
    return {names.get(key, key): value for key, value in item.items() if key not in without and key not in _NOBODYS}


def shaped(names: Mapping[str, str] | None = None, without: tuple[str, ...] = ()) -> Callable[[Item], Item]:
    """A shape that only renames and leaves out."""
    return lambda item: renamed(item, names or {}, without)


def block(**members: Value) -> Value:
    """A nested block as Terraform's states have it: a list of one mapping, without what is not told; None when nothing is."""
    told: dict[str, Value] = {name: value for name, value in members.items() if value is not None}
    return [told] if told else None
