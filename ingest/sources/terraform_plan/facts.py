"""From a plan to facts: the plan itself, and which code and which instances it would have changed, and how."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value, ref
from ingest import names
from ingest.sources.deployments.facts import environment_facts
from ingest.sources.terraform_plan.differences import arn_of, differences, secrets_of
from ingest.sources.terraform_plan.document import ModuleCall, Plan, ResourceChange
from ingest.sources.terraform_plan.settings import TerraformPlanSettings
from ingest.sources.terraform_state.addresses import module_steps

_MAX_TEXT_CHARS = 50_000
_LOCAL = ("./", "../")


@dataclass(frozen=True, slots=True)
class Read:
    """A plan with where and when it was made."""

    plan: Plan
    path: str
    digest: str
    scope: str
    created_at: Instant


def plan_facts(read: Read, settings: TerraformPlanSettings) -> Iterator[Assertion]:
    """All that a plan says. It holds from when it was made."""
    ref_ = ref("Plan", "terraform", read.scope, read.digest)
    changes = [(one, effect) for one in read.plan.resource_changes if (effect := effect_of(one)) is not None]
    for fact in (*_plan(ref_, read, changes, settings), *_targets(ref_, read, changes, settings)):
        yield Assertion(fact, read.created_at, read.created_at, f"{read.path}#{read.digest[:8]}")


def effect_of(one: ResourceChange) -> str | None:
    """What a change would do to its instance; None for what only is read, taken into the state or out of it, or stays as it is."""
    actions = set(one.change.actions)
    if one.mode != "managed":
        return None
    if actions >= {"create", "delete"} or actions == {"update"}:
        return "updated"
    if actions == {"create"}:
        return "created"
    if actions == {"delete"}:
        return "deleted"
    if actions <= {"no-op"} and one.previous_address and one.previous_address != one.address:
        return "moved"
    return None


def _plan(
    plan: EntityRef, read: Read, changes: list[tuple[ResourceChange, str]], settings: TerraformPlanSettings
) -> Iterator[Fact]:
    workspace = settings.workspace_of(read.path)
    environment = settings.environment_of(read.path, workspace)
    summary: dict[str, Value] = dict(sorted(Counter(effect for _, effect in changes).items()))
    if replaced := sum(1 for one, _ in changes if is_replaced(one)):
        summary["replaced"] = replaced
    told: dict[str, Value] = {
        "tool": "terraform",
        "created_at": rfc3339(read.created_at),
        "workspace": workspace,
        "environment": names.environment_name(environment),
        "version": read.plan.terraform_version,
        "commit": settings.commit if names.is_commit_hash(settings.commit) else "",
        "repository": settings.repository,
        "summary": summary,
        "complete": read.plan.complete and not read.plan.errored,
    }
    yield Entity(plan, {name: value for name, value in told.items() if value not in ("", {})})
    yield Alias(plan, "path", read.path)
    if environment:
        yield from environment_facts(environment)
    if names.is_commit_hash(settings.commit):
        commit = names.commit(settings.commit)
        properties: dict[str, Value] = {"short": settings.commit[:7]}
        yield Entity(commit, properties | ({"repository": settings.repository} if settings.repository else {}))
        yield Relation("PLANNED_FROM", plan, commit, {})
    if changes:
        yield Passage(plan, "changes", _words(changes))


def _words(changes: list[tuple[ResourceChange, str]]) -> str:
    """The plan in words, without values: what is searched for."""
    lines = [f"{address_of(one)} would be {'replaced' if is_replaced(one) else effect}" for one, effect in changes]
    return "\n".join(lines)[:_MAX_TEXT_CHARS]


def _targets(
    plan: EntityRef, read: Read, changes: list[tuple[ResourceChange, str]], settings: TerraformPlanSettings
) -> Iterator[Relation]:
    workspace = settings.workspace_of(read.path)
    lineage = settings.lineage_of(read.path, workspace)
    secrets = secrets_of(read.plan)
    for one, effect in changes:
        address = address_of(one)
        properties: dict[str, Value] = {"effect": effect, "address": address, "attributes": differences(one, secrets)}
        if is_replaced(one):
            properties["replace"] = True
        if one.previous_address and one.previous_address != one.address:
            properties["moved_from"] = one.previous_address
        directory = _directory(one, read, settings)
        if directory is not None:
            block = f"{one.type}.{one.name}"
            yield Relation("PLANS", plan, ref("Block", settings.repository, directory, block), properties, address)
        if arn := arn_of(one):
            yield Relation("PLANS", plan, names.cloud_resource(arn), properties, address)
        if lineage:
            # Before a move the instance is known by its earlier address.
            known = one.previous_address or address
            yield Relation("PLANS", plan, ref("Resource", lineage, workspace, known), properties, address)


def _directory(one: ResourceChange, read: Read, settings: TerraformPlanSettings) -> str | None:
    """The directory that declares an instance; None when it is not known."""
    workspace = settings.workspace_of(read.path)
    steps = module_steps(one.module_address)
    module = ".".join(f"module.{name}" for name, _ in steps)
    told = settings.directory_of(read.path, workspace, module)
    if told is not None or not steps:
        return told
    # A plan holds the calls of its modules: local ones lead to their directory.
    at = settings.directory_of(read.path, workspace, "")
    calls = read.plan.configuration.root_module.module_calls
    for name, _ in steps:
        call = calls.get(name, ModuleCall())
        if at is None or not call.source.startswith(_LOCAL):
            return None
        at = posixpath.normpath(posixpath.join(at, call.source))
        calls = call.module.module_calls
    return None if at is None or at.startswith("..") else "" if at == "." else at


def is_replaced(one: ResourceChange) -> bool:
    """Whether it would be deleted and made anew."""
    return {"create", "delete"} <= set(one.change.actions)


def address_of(one: ResourceChange) -> str:
    """The full instance address; that of an object that awaits deletion says so."""
    return f"{one.address} (deposed {one.deposed})" if one.deposed else one.address
