"""From a deployment to facts. Other sources that know of deployments (rollouts, applies) state theirs through this as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Properties, Relation, Value
from ingest import names
from ingest.mentions import mentions
from ingest.sources.deployments.cdevents import EnvironmentEvent
from ingest.sources.deployments.record import Record

_ABSENT: Properties = {"state": "absent"}
_UNKNOWN: Properties = {"state": "unknown"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who tells of deployments: the source's name, the scope that numbers them, and the system on which its actors have accounts."""

    system: str
    scope: str
    actor_system: str


def deployment(record: Record, origin: Origin, locator: str = "") -> Iterator[Assertion]:
    """What one statement about a deployment says. Records that others make may name no environment: then it reached none.

    A beginning and an end are two versions of one entity, each with what was known then, so that they may come in any order. Only what
    succeeded changed its service and reached its environment.
    """
    at = record.at
    # An end that is told for the very moment of the beginning wins over it.
    observed = record.updated_at if record.updated_at is not None else at + (0 if record.in_progress else 1)
    observed = max(observed, at)
    where = locator or f"{origin.scope}:{record.id}"
    url = record.url or None
    for fact in _facts(record, origin):
        yield Assertion(fact, at, observed, where, url=url)


def environment_event(event: EnvironmentEvent, scope: str) -> Iterator[Assertion]:
    """That an environment exists, or does not any more."""
    where = names.environment(event.name)
    facts: list[Fact] = [Entity(where, {"name": names.environment_name(event.name)})]
    if event.present:
        facts += _environment_names(event.name)
        if event.url:
            facts.append(Alias(where, "url", event.url))
    for fact in facts:
        yield Assertion(fact, event.at, event.at, f"{scope}:{event.id}", present=event.present, url=event.url or None)


def deployment_ref(record: Record, origin: Origin) -> EntityRef:
    """The ref of the deployment that a record is about."""
    return names.deployment(origin.system, origin.scope, record.id)


def service_facts(told: str) -> Iterator[Fact]:
    """That a service of this name exists, and its names."""
    ref, name = names.service(told), names.service_name(told)
    yield Entity(ref, {"name": name})
    for alias in sorted({name, told.strip()}):
        yield Alias(ref, "name", alias)


def environment_facts(told: str) -> Iterator[Fact]:
    """That an environment exists, and its names."""
    yield Entity(names.environment(told), {"name": names.environment_name(told)})
    yield from _environment_names(told)


def account_facts(actor: str, system: str) -> Iterator[Fact]:
    """That an account exists, and its names: a mail address is one, too."""
    ref = names.account(system, actor)
    login = actor.strip()
    properties: dict[str, Value] = {"system": system, "login": login}
    if "@" in login:
        properties["email"] = login.lower()
    if login.lower().endswith("[bot]"):
        properties["bot"] = True
    yield Entity(ref, properties)
    yield Alias(ref, "login", login)
    if "@" in login:
        yield Alias(ref, "email", login.lower())


def _facts(record: Record, origin: Origin) -> Iterator[Fact]:
    ref = deployment_ref(record, origin)
    where = names.environment(record.environment)
    yield Entity(ref, _properties(record))
    yield Alias(ref, "id", record.id)
    if record.service and record.version:
        yield Alias(ref, "name", f"{names.service_name(record.service)} {record.version}")
    if record.url:
        yield Alias(ref, "url", record.url)
    if record.environment:
        yield from environment_facts(record.environment)
        yield Relation("RUNS_IN", ref, where, {})
    if record.commit:
        yield from _commit(record, ref)
    if record.actor:
        yield from account_facts(record.actor, origin.actor_system)
        yield Relation("PERFORMED_BY", ref, names.account(origin.actor_system, record.actor), {})
    yield from _words(record, ref)
    if record.service:
        yield from service_facts(record.service)
    if record.outcome != "succeeded":
        return
    if record.service:
        changed = {"effect": record.effect, "attributes": _version_change(record)}
        yield Relation("CHANGED", ref, names.service(record.service), changed)
    if record.environment:
        yield Relation("REACHED", ref, where, _reached(record), names.environment_name(record.environment))


def _properties(record: Record) -> dict[str, Value]:
    told: dict[str, Value] = {
        "service": names.service_name(record.service),
        "environment": names.environment_name(record.environment),
        "version": record.version,
        "previous_version": record.previous_version,
        "commit": record.commit,
        "repository": record.repository,
        "action": record.action,
        "outcome": record.outcome,
        "started_at": _text(record.started_at),
        "finished_at": "" if record.in_progress else _text(record.finished_at),
        "tool": record.tool,
        "workspace": record.workspace,
        "title": record.title,
        "url": record.url,
        "deployment_id": record.id,
    }
    return {name: value for name, value in told.items() if value != ""}


def _text(at: Instant | None) -> str:
    return "" if at is None else rfc3339(at)


def _commit(record: Record, ref: EntityRef) -> Iterator[Fact]:
    commit = names.commit(record.commit)
    properties: dict[str, Value] = {"short": record.commit[:7]}
    if record.repository:
        properties["repository"] = record.repository
    yield Entity(commit, properties)
    yield Relation("DEPLOYS", ref, commit, {})


def _words(record: Record, ref: EntityRef) -> Iterator[Fact]:
    """What its title and its links name: the run that made it, pull requests, commits."""
    if record.title:
        yield Passage(ref, "title", record.title)
    seen: set[EntityRef] = {names.commit(record.commit)} if record.commit else set()
    for text in (record.run_url, record.url, record.title):
        for mention in mentions(text):
            if mention.ref in seen:
                continue
            seen.add(mention.ref)
            if mention.ref.kind == "WorkflowRun":
                if text != record.title:
                    yield Entity(mention.ref, {"url": mention.text})
                yield Relation("TRIGGERED_BY", ref, mention.ref, {})
            else:
                yield Relation("MENTIONS", ref, mention.ref, {"text": mention.text})


def _version_change(record: Record) -> list[Value]:
    before: Value = {"state": "value", "value": record.previous_version} if record.previous_version else _UNKNOWN
    if record.effect == "deleted":
        return [{"path": "version", "before": before, "after": _ABSENT}]
    if not record.version or record.version == record.previous_version or record.action == "publish":
        return []
    return [{"path": "version", "before": before, "after": {"state": "value", "value": record.version}}]


def _reached(record: Record) -> dict[str, Value]:
    earliest = record.started_at if record.started_at is not None else record.finished_at
    return {
        "earliest": _text(earliest),
        "latest": _text(record.finished_at) or None,
        "basis": "applied" if record.action == "apply" else "deployed",
    }


def _environment_names(told: str) -> Iterator[Fact]:
    ref, name = names.environment(told), names.environment_name(told)
    for alias in sorted({name, told.strip()}):
        yield Alias(ref, "name", alias)
