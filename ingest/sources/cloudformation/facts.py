"""From stacks, resources, operations and change sets to facts.

A resource of a stack has a ref of its own, (stack id, logical id); `SAME_AS` joins it to the physical resource. What each operation did
to it and when is told by events, so that the same event from the API and from a file states the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value, ref
from ingest import names
from ingest.mentions import mentions
from ingest.sources.aws.facts import environment_facts, service_facts
from ingest.sources.aws.values import flat
from ingest.sources.cloudformation.answers import Event, Stack, StackId, StackResource
from ingest.sources.cloudformation.asked import changed_attributes
from ingest.sources.cloudformation.operations import Operation
from ingest.sources.cloudformation.physical import physical_arn
from ingest.sources.cloudformation.settings import CloudFormationSettings

_EFFECTS = {
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "updated",
    "DELETE_COMPLETE": "deleted",
    "IMPORT_COMPLETE": "updated",
}
"""Status of a resource -> what was done to it."""
_HIDDEN = "****"
"""What CloudFormation shows of a parameter that is not to be shown."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where and for whom a stack runs; empty where nothing tells."""

    environment: str
    service: str


def belonging(settings: CloudFormationSettings, name: str, tags: Mapping[str, Value]) -> Belonging:
    """By the stack's name, its tags, or for all."""
    environment = settings.environments.get(name) or _tag(tags, settings.environment_tags) or settings.environment
    return Belonging(environment, _tag(tags, settings.service_tags))


def stack_ref(stack: StackId) -> EntityRef:
    """The stack itself."""
    return names.cloud_resource(stack.arn)


def logical_ref(stack: StackId, logical_id: str) -> EntityRef:
    """A resource as the stack names it."""
    return ref("Resource", stack.arn, logical_id)


# -- what there is


def stack_facts(stack: Stack, of: Belonging) -> Iterator[Fact]:
    """The stack, its names and where it runs."""
    resource, place = stack_ref(stack.id), stack.id.place
    attributes: dict[str, Value] = {
        "id": stack.id.arn,
        "name": stack.id.name,
        "description": stack.description,
        "parameters": {k: v for k, v in stack.parameters.items() if v != _HIDDEN},
        "outputs": stack.outputs,
        **stack.other,
    }
    told: dict[str, Value] = {
        "type": "aws_cloudformation_stack",
        "name": stack.id.name,
        "provider": "aws",
        "cloud_id": stack.id.arn,
        "account_id": place.account_id,
        "region": place.region,
        "workspace": stack.id.name,
        "environment": names.environment_name(of.environment) if of.environment else "",
        "status": stack.status,
        "created_at": rfc3339(stack.created_at),
        "tags": dict(stack.tags) or None,
        "attributes": dict(flat(attributes)),
    }
    yield Entity(resource, {k: v for k, v in told.items() if v not in ("", None)})
    for scheme, name in (("arn", stack.id.arn), ("name", stack.id.name)):
        yield Alias(resource, scheme, name)
    yield Relation("PART_OF", resource, names.cloud_account("aws", place.account_id), {})
    yield from environment_facts(resource, of.environment)
    yield from service_facts(resource, of.service, "tag of the stack")


def account_facts(account_id: str) -> Iterator[Fact]:
    """The account that stacks are part of."""
    account = names.cloud_account("aws", account_id)
    yield Entity(account, {"provider": "aws", "account_id": account_id})
    yield Alias(account, "id", account_id)


def resource_facts(resource: StackResource, of: Belonging) -> Iterator[Fact]:
    """A resource of a stack, its names, and which physical resource it is."""
    logical, place = logical_ref(resource.stack, resource.logical_id), resource.stack.place
    address = f"{resource.stack.name}/{resource.logical_id}"
    arn = physical_arn(resource.type, resource.physical_id, place)
    told: dict[str, Value] = {
        "type": resource.type,
        "name": resource.logical_id,
        "address": address,
        "workspace": resource.stack.name,
        "provider": "aws",
        "cloud_id": arn,
        "account_id": place.account_id,
        "region": place.region,
        "environment": names.environment_name(of.environment) if of.environment else "",
        "status": resource.status,
        "attributes": {"drift_status": resource.drift} if resource.drift else None,
    }
    yield Entity(logical, {k: v for k, v in told.items() if v not in ("", None)})
    for scheme, name in (
        ("address", address),
        ("name", resource.logical_id),
        ("id", resource.physical_id),
        ("arn", arn),
    ):
        if name and len(name) <= 512:
            yield Alias(logical, scheme, name)
    yield Relation("PART_OF", logical, stack_ref(resource.stack), {})
    if arn:
        same = {"rule": "physical id of the stack's resource", "confidence": 1.0}
        yield Relation("SAME_AS", logical, names.cloud_resource(arn), same)
    yield from environment_facts(logical, of.environment)


# -- what was done


def resource_history(operation: Operation, of: Belonging, scope: str, latest: dict[str, Event]) -> Iterator[Assertion]:
    """Which resources exist since when, as the operation's events tell.

    `latest` is the event that last told of a resource, by logical id; it is brought up to date.
    """
    for event in operation.events:
        effect = _EFFECTS.get(event.status, "")
        if event.of_stack or not effect:
            continue
        before, locator = latest.get(event.logical_id), f"{scope}:{event.id}"
        if effect == "deleted":
            if before is not None and before.physical_id != event.physical_id:
                continue  # the old one of a replacement goes; the logical resource stays
            latest.pop(event.logical_id, None)
            yield _at(event.at, Entity(logical_ref(event.stack, event.logical_id), {}), locator, present=False)
            continue
        latest[event.logical_id] = event
        facts = list(resource_facts(_resource_of(event), of))
        for fact in facts:
            yield _at(event.at, fact, locator)
        if before is not None and before.physical_id != event.physical_id:
            said = {fact.key for fact in facts}
            for fact in resource_facts(_resource_of(before), of):
                if isinstance(fact, (Alias, Relation)) and fact.key not in said:
                    yield _at(event.at, fact, locator, present=False)


def deployment(operation: Operation, of: Belonging, scope: str, known: dict[str, str]) -> Iterator[Assertion]:
    """The operation as a deployment, with what it changed.

    `known` is the text of the properties last asked for, by logical id; it is brought up to date.
    """
    change = names.deployment("cloudformation", operation.stack.arn, operation.id)
    locator, first = f"{scope}:{operation.id}", operation.events[0]
    yield _at(operation.started_at, Entity(change, _properties(operation, of, None)), locator)
    end = operation.finished
    if end is not None:
        yield _at(end.at, Entity(change, _properties(operation, of, end)), locator)
    yield _at(first.at, Alias(change, "id", operation.id), locator)
    if first.token:
        yield _at(first.at, Alias(change, "id", first.token), locator)
    reached = {"earliest": rfc3339(first.at), "latest": rfc3339(end.at) if end else None, "basis": "applied"}
    for fact in environment_facts(change, of.environment):
        yield _at(first.at, fact, locator)
    if of.environment:
        where = names.environment(of.environment)
        if end is not None and operation.outcome == "succeeded":
            yield _at(
                end.at, Relation("REACHED", change, where, reached, names.environment_name(of.environment)), locator
            )
    yield from _changed(operation, change, scope, known)
    yield from _reasons(operation, change, locator)


def _properties(operation: Operation, of: Belonging, end: Event | None) -> dict[str, Value]:
    outcome = operation.outcome if end is not None else "in_progress"
    told: dict[str, Value] = {
        "service": names.service_name(of.service) if of.service else "",
        "environment": names.environment_name(of.environment) if of.environment else "",
        "action": "rollback" if operation.verb == "roll back" else "apply",
        "outcome": outcome,
        "started_at": rfc3339(operation.started_at),
        "finished_at": rfc3339(end.at) if end is not None else "",
        "tool": "cloudformation",
        "workspace": operation.stack.name,
        "title": f"{operation.verb} stack {operation.stack.name}",
        "deployment_id": operation.id,
    }
    return {k: v for k, v in told.items() if v != ""}


def _changed(operation: Operation, change: EntityRef, scope: str, known: dict[str, str]) -> Iterator[Assertion]:
    first, stack_effect = operation.events[0], {"create": "created", "delete": "deleted"}.get(operation.verb, "updated")
    touched = Relation("CHANGED", change, stack_ref(operation.stack), {"effect": stack_effect})
    yield _at(first.at, touched, f"{scope}:{first.id}")
    physical: dict[str, str] = {}
    for event in operation.events:
        effect = _EFFECTS.get(event.status, "")
        if event.of_stack or not effect:
            continue
        target = logical_ref(event.stack, event.logical_id)
        if effect == "deleted" and physical.get(event.logical_id, event.physical_id) != event.physical_id:
            arn = physical_arn(event.type, event.physical_id, event.stack.place)
            if not arn:
                continue
            target = names.cloud_resource(arn)
        else:
            physical[event.logical_id] = event.physical_id
        attributes = changed_attributes(known.get(event.logical_id), event, effect)
        if effect == "deleted":
            known.pop(event.logical_id, None)
        elif event.properties:
            known[event.logical_id] = event.properties
        properties: dict[str, Value] = {"effect": effect}
        if attributes:
            properties["attributes"] = attributes
        yield _at(event.at, Relation("CHANGED", change, target, properties, effect), f"{scope}:{event.id}")


def _reasons(operation: Operation, change: EntityRef, locator: str) -> Iterator[Assertion]:
    end = operation.finished
    if end is None or not operation.reasons:
        return
    text = "\n".join(operation.reasons)
    yield _at(end.at, Passage(change, "reasons", text), locator)
    for mention in mentions(text):
        yield _at(end.at, Relation("MENTIONS", change, mention.ref, {"text": mention.text}), locator)


def _resource_of(event: Event) -> StackResource:
    return StackResource(event.stack, event.logical_id, event.physical_id, event.type, event.status, event.at, drift="")


def _at(at: Instant, fact: Fact, locator: str, *, present: bool = True) -> Assertion:
    return Assertion(fact, at, at, locator, present=present)


def _tag(tags: Mapping[str, Value], keys: tuple[str, ...]) -> str:
    return next((value.strip() for key in keys if isinstance(value := tags.get(key), str) and value.strip()), "")
