"""Change sets as plans.

API: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, Fact, Relation, Value, ref
from ingest import names
from ingest.sources.aws.facts import environment_facts
from ingest.sources.cloudformation.answers import AnswerInvalid, StackId, mapping, mappings, moment, stack_id, text
from ingest.sources.cloudformation.facts import Belonging, logical_ref

_EFFECTS = {
    "Add": "created",
    "Modify": "updated",
    "Remove": "deleted",
    "Import": "updated",
    "SyncWithActual": "updated",
}


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set with the changes of all its pages."""

    id: str
    name: str
    stack: StackId
    created_at: Instant
    status: str
    changes: tuple[Mapping[str, object], ...]


def change_set(pages: list[Mapping[str, object]]) -> ChangeSet:
    """The change set that these pages describe. Raises `AnswerInvalid`."""
    first = pages[0]
    created_at, id_ = moment(first, "CreationTime"), text(first, "ChangeSetId")
    if created_at is None or not id_:
        raise AnswerInvalid("it tells no change set id or no time")
    changes = tuple(mapping(one, "ResourceChange") for page in pages for one in mappings(page, "Changes"))
    return ChangeSet(
        id_, text(first, "ChangeSetName"), stack_id(first.get("StackId")), created_at, text(first, "Status"), changes
    )


def plan(told: ChangeSet, of: Belonging) -> Iterator[Assertion]:
    """The plan, and what it would change. Nothing for one that is still being made."""
    if told.status.endswith(("_IN_PROGRESS", "_PENDING")):
        return
    for fact in _facts(told, of):
        yield Assertion(fact, told.created_at, told.created_at, told.id)


def _facts(told: ChangeSet, of: Belonging) -> Iterator[Fact]:
    plan_ref = ref("Plan", "cloudformation", told.id)
    summary = Counter(_effect(change) for change in told.changes)
    properties: dict[str, Value] = {
        "tool": "cloudformation",
        "created_at": rfc3339(told.created_at),
        "workspace": told.stack.name,
        "environment": names.environment_name(of.environment) if of.environment else "",
        "summary": dict(sorted(summary.items())),
        "complete": told.status == "CREATE_COMPLETE",
    }
    yield Entity(plan_ref, {k: v for k, v in properties.items() if v != ""})
    yield Alias(plan_ref, "arn", told.id)
    yield Alias(plan_ref, "name", told.name)
    yield from environment_facts(plan_ref, of.environment)
    for change in told.changes:
        if logical_id := text(change, "LogicalResourceId"):
            planned: dict[str, Value] = {"effect": _effect(change)}
            if text(change, "Replacement") == "True":
                planned["replace"] = True
            if attributes := _attributes(change):
                planned["attributes"] = attributes
            yield Relation("PLANS", plan_ref, logical_ref(told.stack, logical_id), planned)


def _effect(change: Mapping[str, object]) -> str:
    action = text(change, "Action")
    return _EFFECTS.get(action, action.lower() or "unknown")


def _attributes(change: Mapping[str, object]) -> list[Value]:
    attributes: dict[str, Value] = {}
    for detail in mappings(change, "Details"):
        target = mapping(detail, "Target")
        path = text(target, "Path").removeprefix("/Properties/").replace("/", ".") or ".".join(
            part for part in (text(target, "Attribute"), text(target, "Name")) if part and part != "Properties"
        )
        if path:
            # Before and after are told only on request, and may be what a dynamic reference or a parameter hides.
            attributes[path] = {"path": path, "before": {"state": "unknown"}, "after": {"state": "unknown"}}
    return [attributes[path] for path in sorted(attributes)]
