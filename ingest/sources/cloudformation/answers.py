"""What CloudFormation answers, by its API or as its command line prints it, as typed values.

API: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from graph.clock import Instant, from_datetime, instant
from graph.model import Value
from ingest.sources.aws.table import Place

_STACK_ID = re.compile(r"arn:(aws[a-z-]*):cloudformation:([a-z0-9-]+):(\d{12}):stack/([^/]+)/([^/]+)")
STACK = "AWS::CloudFormation::Stack"


class AnswerInvalid(ValueError):
    """Not what CloudFormation tells. `str(error)` says why, without its content."""


@dataclass(frozen=True, slots=True)
class StackId:
    """A stack by its id, the ARN that outlives its name."""

    arn: str
    place: Place
    name: str

    @property
    def part(self) -> str:
        """The sub-scope of its resources: `account/region/name/uuid`."""
        return f"{self.place.account_id}/{self.place.region}/{self.arn.split('stack/', 1)[1]}"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as it is. `deleted_at` is set for one that is no more."""

    id: StackId
    status: str
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None
    description: str
    tags: Mapping[str, Value]
    parameters: Mapping[str, Value]
    outputs: Mapping[str, Value]
    other: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class StackResource:
    """A resource of a stack as of `at`."""

    stack: StackId
    logical_id: str
    physical_id: str
    type: str
    status: str
    at: Instant
    drift: str


@dataclass(frozen=True, slots=True)
class Event:
    """A stack event. `properties` is what the template asked for, as JSON text."""

    stack: StackId
    id: str
    logical_id: str
    physical_id: str
    type: str
    at: Instant
    status: str
    reason: str
    properties: str
    token: str

    @property
    def of_stack(self) -> bool:
        """Whether it is about the stack itself and not about a resource of it, such as a nested stack."""
        return self.type == STACK and self.physical_id == self.stack.arn


def stack_id(told: object) -> StackId:
    """The stack that an ARN names. Raises `AnswerInvalid`."""
    found = _STACK_ID.fullmatch(told) if isinstance(told, str) else None
    if found is None:
        raise AnswerInvalid("it names no stack by its id")
    return StackId(found[0], Place(found[3], found[2], found[1]), found[4])


def stack(told: Mapping[str, object]) -> Stack:
    """A member of `Stacks` or `StackSummaries`. Raises `AnswerInvalid`."""
    created_at = moment(told, "CreationTime")
    if created_at is None:
        raise AnswerInvalid("it does not tell when the stack was created")
    parameters = ((text(p, "ParameterKey"), text(p, "ParameterValue")) for p in mappings(told, "Parameters"))
    outputs = ((text(o, "OutputKey"), text(o, "OutputValue")) for o in mappings(told, "Outputs"))
    other: dict[str, Value] = {}
    for name, key in (("role_arn", "RoleARN"), ("parent_id", "ParentId"), ("root_id", "RootId")):
        if value := text(told, key):
            other[name] = value
    if isinstance(protected := told.get("EnableTerminationProtection"), bool):
        other["enable_termination_protection"] = protected
    if (drift := text(mapping(told, "DriftInformation"), "StackDriftStatus")) not in ("", "NOT_CHECKED"):
        other["drift_status"] = drift
    return Stack(
        id=stack_id(told.get("StackId")),
        status=text(told, "StackStatus"),
        created_at=created_at,
        updated_at=moment(told, "LastUpdatedTime") or created_at,
        deleted_at=moment(told, "DeletionTime"),
        description=text(told, "Description"),
        tags={text(tag, "Key"): text(tag, "Value") for tag in mappings(told, "Tags")},
        parameters={key: value for key, value in sorted(parameters) if key},
        outputs={key: value for key, value in sorted(outputs) if key},
        other=other,
    )


def stack_resource(told: Mapping[str, object], of: StackId | None = None) -> StackResource:
    """A member of `StackResources`, or of `StackResourceSummaries` of the stack `of`. Raises `AnswerInvalid`."""
    at = moment(told, "LastUpdatedTimestamp", "Timestamp")
    logical_id = text(told, "LogicalResourceId")
    if at is None or not logical_id:
        raise AnswerInvalid("it tells no logical id or no time")
    drift = text(mapping(told, "DriftInformation"), "StackResourceDriftStatus")
    return StackResource(
        stack=of or stack_id(told.get("StackId")),
        logical_id=logical_id,
        physical_id=text(told, "PhysicalResourceId"),
        type=text(told, "ResourceType"),
        status=text(told, "ResourceStatus"),
        at=at,
        drift="" if drift == "NOT_CHECKED" else drift,
    )


def event(told: Mapping[str, object]) -> Event:
    """A member of `StackEvents`. Raises `AnswerInvalid`."""
    at = moment(told, "Timestamp")
    if at is None or not text(told, "EventId"):
        raise AnswerInvalid("it tells no event id or no time")
    return Event(
        stack=stack_id(told.get("StackId")),
        id=text(told, "EventId"),
        logical_id=text(told, "LogicalResourceId"),
        physical_id=text(told, "PhysicalResourceId"),
        type=text(told, "ResourceType"),
        at=at,
        status=text(told, "ResourceStatus"),
        reason=text(told, "ResourceStatusReason"),
        properties=text(told, "ResourceProperties"),
        token=text(told, "ClientRequestToken"),
    )


# -- members of answers


def text(told: Mapping[str, object], key: str) -> str:
    """The text there; empty when there is none."""
    value = told.get(key)
    return value if isinstance(value, str) else ""


def mapping(told: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The mapping there; an empty one when there is none."""
    value = told.get(key)
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def mappings(told: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """The mappings of the list there."""
    value = told.get(key)
    listed = cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else ()
    return [cast("Mapping[str, object]", one) for one in listed if isinstance(one, Mapping)]


def moment(told: Mapping[str, object], *keys: str) -> Instant | None:
    """The first time there: a datetime of the API, or what the command line prints (RFC 3339 or seconds since 1970)."""
    for key in keys:
        value = told.get(key)
        try:
            if isinstance(value, datetime):
                return from_datetime(value)
            if isinstance(value, str) and value:
                return instant(value)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return int(value * 1_000_000)
        except (ValueError, OverflowError):
            continue
    return None


def document(told: str) -> Mapping[str, object]:
    """A JSON object in a text; an empty one when it is none."""
    try:
        found: object = json.loads(told) if told else {}
    except ValueError:
        return {}
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}
