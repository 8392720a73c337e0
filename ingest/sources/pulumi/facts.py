"""From a stack's documents to facts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graph.clock import Instant, instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value, ref
from ingest import names
from ingest.sources.deployments.facts import Origin, deployment, environment_facts
from ingest.sources.deployments.record import OUTCOMES, Record, RecordInvalid
from ingest.sources.pulumi.document import Export, Preview, StackResource, Step, Update
from ingest.sources.pulumi.values import UNKNOWN, plain_secrets, properties_of, text_of
from ingest.sources.terraform_state.attributes import Attributes

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:\S+")
_OWN = ("pulumi:pulumi:Stack", "pulumi:providers:")
"""Types of Pulumi's own book-keeping: a stack's outputs and a provider's settings hold what they please, credentials too."""
_EFFECTS = {"create": "created", "update": "updated", "delete": "deleted", "replace": "updated"}
_REPLACED = ("replace", "create-replacement", "delete-replaced")
_NAMES = {"arn": "arn", "name": "name", "bucket": "name", "dnsName": "dns", "fqdn": "dns", "selfLink": "self_link"}
_MAX_NAME_CHARS = 512
_MAX_TEXT_CHARS = 50_000
_NOTHING = Attributes({}, {})


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack with its environment."""

    project: str
    name: str
    environment: str

    @property
    def full(self) -> str:
        """`project/stack`."""
        return f"{self.project}/{self.name}" if self.project else self.name


def stack_of_urn(urn: str) -> tuple[str, str] | None:
    """Project and stack that a URN names: `urn:pulumi:prod::shop::aws:s3/bucket:Bucket::logs`."""
    parts = urn.split("::")
    if len(parts) < 4 or not parts[0].startswith("urn:pulumi:"):
        return None
    return parts[1], parts[0].removeprefix("urn:pulumi:")


# -- what a stack holds


def stack_facts(export: Export, stack: Stack, path: str, at: Instant) -> Iterator[Assertion]:
    """All resources of a stack, as of one export."""
    secrets = plain_secrets(iter(export.deployment.resources))
    kept = {one.urn: one for one in export.deployment.resources if not one.delete and not _is_own(one)}
    if stack.environment:
        for fact in environment_facts(stack.environment):
            yield Assertion(fact, at, at, path)
    for urn, one in kept.items():
        for fact in _resource(one, stack, secrets, kept):
            yield Assertion(fact, at, at, f"{path}#{urn}")


def _is_own(one: StackResource) -> bool:
    return _type(one).startswith(_OWN)


def _type(one: StackResource) -> str:
    """Its type; a step without a state tells it only by the URN, after the types of its parents."""
    return one.type or (one.urn.split("::")[2].rpartition("$")[2] if one.urn.count("::") >= 3 else "")


def _resource(
    one: StackResource, stack: Stack, secrets: frozenset[str], kept: Mapping[str, StackResource]
) -> Iterator[Fact]:
    resource = names.cloud_resource(one.urn)
    attributes = properties_of(one, one.outputs or one.inputs, secrets)
    told: dict[str, Value] = {
        "type": _type(one),
        "name": _name(one.urn),
        "address": one.urn,
        "workspace": stack.full,
        "environment": names.environment_name(stack.environment),
        "provider": _type(one).partition(":")[0],
        "cloud_id": one.urn,
        "region": text_of(one.outputs, "region"),
        "created_at": _rfc3339(one.created),
        "attributes": attributes.values,
    }
    yield Entity(resource, {name: value for name, value in told.items() if value not in ("", {})})
    yield from _names(one, resource, attributes)
    if stack.environment:
        yield Relation("RUNS_IN", resource, names.environment(stack.environment), {})
    if arn := _arn(one):
        yield Relation("SAME_AS", resource, names.cloud_resource(arn), {"rule": "outputs.arn", "confidence": 1.0})
    for urn in dict.fromkeys(one.dependencies):
        if urn in kept and urn != one.urn:
            yield Relation("DEPENDS_ON", resource, names.cloud_resource(urn), {})
    if one.parent in kept and one.parent != one.urn:
        yield Relation("PART_OF", resource, names.cloud_resource(one.parent), {"rule": "parent"})


def _names(one: StackResource, resource: EntityRef, attributes: Attributes) -> Iterator[Fact]:
    found = {("name", _name(one.urn)), ("urn", one.urn)}
    if one.id and one.id not in UNKNOWN:
        found.add(("id", one.id))
    for path, scheme in _NAMES.items():
        value = attributes.values.get(path)
        if isinstance(value, str) and path not in attributes.secrets:
            found.add((scheme, value))
    for scheme, name in sorted(found):
        if 0 < len(name) <= _MAX_NAME_CHARS:
            yield Alias(resource, scheme, name)


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]


def _arn(one: StackResource) -> str:
    arn = text_of(one.outputs, "arn")
    return arn if len(arn) < 2_000 and _ARN.fullmatch(arn) else ""


# -- what a preview would change


def preview_facts(
    preview: Preview, stack: Stack, path: str, digest: str, scope: str, at: Instant
) -> Iterator[Assertion]:
    """A preview as a plan."""
    plan = ref("Plan", "pulumi", scope, digest)
    steps = _steps(preview)
    for fact in (*_plan(plan, preview, steps, stack, path, at), *_targets(plan, preview, steps)):
        yield Assertion(fact, at, at, f"{path}#{digest[:8]}")


def _steps(preview: Preview) -> dict[str, tuple[Step, str]]:
    """URN -> its step and the effect; the three steps of a replacement are one."""
    found: dict[str, tuple[Step, str]] = {}
    for step in preview.steps:
        effect = "updated" if step.op in _REPLACED else _EFFECTS.get(step.op)
        state = step.newState or step.oldState or StackResource(step.urn)
        if effect is None or _is_own(state):
            continue
        known = found.get(step.urn)
        if known is None or step.op == "replace":
            found[step.urn] = (step, effect)
    return found


def _plan(
    plan: EntityRef, preview: Preview, steps: Mapping[str, tuple[Step, str]], stack: Stack, path: str, at: Instant
) -> Iterator[Fact]:
    summary: dict[str, Value] = dict(sorted(Counter(effect for _, effect in steps.values()).items()))
    if replaced := sum(1 for step, _ in steps.values() if step.op in _REPLACED):
        summary["replaced"] = replaced
    failed = preview.maybeCorrupt or any(d.severity == "error" for d in preview.diagnostics)
    told: dict[str, Value] = {
        "tool": "pulumi",
        "created_at": rfc3339(at),
        "workspace": stack.full,
        "environment": names.environment_name(stack.environment),
        "summary": summary,
        "complete": not failed,
    }
    yield Entity(plan, {name: value for name, value in told.items() if value not in ("", {})})
    yield Alias(plan, "path", path)
    if stack.environment:
        yield from environment_facts(stack.environment)
    if steps:
        lines = [
            f"{urn} would be {'replaced' if step.op in _REPLACED else effect}" for urn, (step, effect) in steps.items()
        ]
        yield Passage(plan, "changes", "\n".join(lines)[:_MAX_TEXT_CHARS])


def _targets(plan: EntityRef, preview: Preview, steps: Mapping[str, tuple[Step, str]]) -> Iterator[Fact]:
    states = (state for step in preview.steps for state in (step.oldState, step.newState) if state is not None)
    secrets = plain_secrets(states)
    for urn, (step, effect) in steps.items():
        properties: dict[str, Value] = {"effect": effect, "address": urn, "attributes": _differences(step, secrets)}
        if step.op in _REPLACED:
            properties["replace"] = True
        yield Relation("PLANS", plan, names.cloud_resource(urn), properties, urn)
        if step.oldState is not None and (arn := _arn(step.oldState)):
            yield Relation("PLANS", plan, names.cloud_resource(arn), properties, urn)


def _differences(step: Step, secrets: frozenset[str]) -> list[Value]:
    """Of the inputs: outputs are known only after the update."""
    before, after = (
        properties_of(state, state.inputs, secrets) if state is not None else _NOTHING
        for state in (step.oldState, step.newState)
    )
    found: list[Value] = [
        {"path": path, "before": _side(before, path), "after": _side(after, path)}
        for path in sorted(before.values.keys() | after.values.keys())
        if _real(before, path) != _real(after, path)
    ]
    return found


def _real(attributes: Attributes, path: str) -> tuple[Value] | None:
    return (attributes.secrets.get(path, attributes.values[path]),) if path in attributes.values else None


def _side(attributes: Attributes, path: str) -> Value:
    if path not in attributes.values:
        return {"state": "absent"}
    if path in attributes.secrets:
        return {"state": "redacted"}
    value = attributes.values[path]
    if value in UNKNOWN if isinstance(value, str) else isinstance(value, list) and bool(UNKNOWN & _texts(value)):
        return {"state": "unknown"}
    return {"state": "value", "value": value}


def _texts(values: list[Value]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


# -- which updates were made


def update_facts(update: Update, stack: Stack, scope: str) -> list[Assertion]:
    """An update or a destruction of a stack as an apply; nothing for refreshes, imports and previews, which change nothing real.

    Raises:
        RecordInvalid: it tells no time.
    """
    if update.kind not in ("update", "destroy"):
        return []
    try:
        began = instant(update.startTime)
        ended = instant(update.endTime) if update.endTime else None
    except ValueError:
        raise RecordInvalid("its startTime or endTime is no time") from None
    told = update.environment
    outcome = OUTCOMES.get(update.result, update.result) or ("in_progress" if ended is None else "succeeded")
    commit = told.get("git.head", "").lower()
    owner, repository = told.get("vcs.owner", ""), told.get("vcs.repo", "")
    url = told.get("ci.build.url", "")
    record = Record(
        id=f"{stack.full}/{update.version or rfc3339(began)}",
        environment=stack.environment,
        workspace=stack.full,
        version=str(update.version) if update.version else "",
        commit=commit if names.is_commit_hash(commit) else "",
        repository=f"{owner}/{repository}" if owner and repository else "",
        outcome=outcome,
        action="apply",
        tool="pulumi",
        title=f"{update.kind} {stack.full}" + (f": {update.message.partition(chr(10))[0]}" if update.message else ""),
        run_url=url if url.startswith(("https://", "http://")) else "",
        started_at=began,
        finished_at=ended if ended is None or ended >= began else began,
    )
    return list(deployment(record, Origin("pulumi", scope, "pulumi")))


def _rfc3339(told: str) -> str:
    try:
        return rfc3339(instant(told)) if told else ""
    except ValueError:
        return ""
