"""From a deployment and its statuses to facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec

from graph.clock import Instant, rfc3339
from graph.model import Alias, Entity, EntityRef, Value
from ingest import names
from ingest.mentions import mentions
from ingest.sources.forge.rules import DeployRules, action_of, version_of
from ingest.sources.forge.statements import Statements
from ingest.sources.github.payloads import Deployment, DeploymentStatus, moment
from ingest.sources.github.pull_facts import account

OUTCOMES = {
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
    "pending": "in_progress",
    "queued": "in_progress",
    "waiting": "in_progress",
    "in_progress": "in_progress",
}
"""State of a status -> outcome. `inactive` says that a later deployment took its place, which is no outcome; others stay as told."""
FINAL = frozenset({"success", "failure", "error", "inactive"})
"""States after which a deployment is not read again."""
_SERVICE = ("service", "service_name", "app", "application", "component")
_VERSION = ("version", "image_tag", "tag", "image")


@dataclass(frozen=True, slots=True)
class Shipped:
    """What a deployment is about, once for all its statuses."""

    ref: EntityRef
    locator: str
    environment: str
    service: str
    version: str
    previous: str
    properties: Mapping[str, Value]


def read_deployment(said: Statements, one: Deployment, rules: DeployRules, workflow: str = "") -> Shipped:
    """What a deployment says of itself. `workflow`: name of the workflow that made it, when known."""
    told = one.original_environment or one.environment or "production"
    payload = _payload(one.payload)
    apply = rules.is_apply(workflow=workflow, task=one.task, environment=told)
    stated = {name: _first(payload, keys) for name, keys in (("service", _SERVICE), ("version", _VERSION))}
    description = (one.description or "").strip()
    service = (
        ""
        if apply
        else rules.service(
            repository=said.repository,
            workflow=workflow,
            task=one.task,
            environment=told,
            stated=stated["service"],
            description=description,
        )
    )
    environment = rules.environment(told)
    version = version_of(stated["version"], one.ref, one.sha)
    previous = _first(payload, ("previous_version", "rollback_from"))
    properties: dict[str, Value] = {
        "service": service,
        "environment": environment,
        "version": version,
        "previous_version": previous,
        "commit": one.sha if names.is_commit_hash(one.sha) else "",
        "repository": said.repository,
        "action": action_of(one.task, apply=apply),
        "started_at": rfc3339(moment(one.created_at)),
        "tool": "github",
        "workspace": _first(payload, ("workspace",)),
        "title": description or f"{'apply' if apply else service} {version[:40]} to {environment}",
        "deployment_id": str(one.id),
    }
    return Shipped(
        names.deployment("github", said.repository, str(one.id)),
        f"{said.repository}/deployments/{one.id}",
        environment,
        service,
        version,
        previous,
        {k: v for k, v in properties.items() if v != "" or k == "service"},
    )


def state_deployment(
    said: Statements, one: Deployment, rules: DeployRules, workflow: str = "", run_id: int | None = None
) -> Shipped:
    """State that a deployment was begun. Returns what `state_status` needs for each of its statuses."""
    shipped = read_deployment(said, one, rules, workflow)
    created = moment(one.created_at)
    this, locator = shipped.ref, shipped.locator
    said.itself(created)
    said.state(Entity(this, {**shipped.properties, "outcome": "in_progress"}), created, locator)
    said.state(Alias(this, "id", locator), created, locator)
    said.relate("PERFORMED_BY", this, account(said, one.creator, created), created, locator)
    said.relate("RUNS_IN", this, said.environment(shipped.environment, created), created, locator)
    if (commit := said.commit(one.sha, created)) is not None:
        said.relate("DEPLOYS", this, commit, created, locator)
    if run_id is not None:
        _triggered_by(said, this, names.workflow_run("github", said.repository, str(run_id)), created, locator)
    return shipped


def state_status(said: Statements, one: Deployment, shipped: Shipped, status: DeploymentStatus) -> None:
    """State what became of a deployment at this status."""
    created, at = moment(one.created_at), moment(status.created_at)
    this, locator = shipped.ref, shipped.locator
    url = next((u for u in (status.log_url, status.target_url) if u and u.startswith(("https://", "http://"))), None)
    if (run := run_of(status)) is not None:
        _triggered_by(said, this, run, created, locator)
    if status.state == "inactive" or not status.state:
        return
    outcome = OUTCOMES.get(status.state, status.state)
    properties = {**shipped.properties, "outcome": outcome}
    if outcome != "in_progress":
        properties["finished_at"] = rfc3339(at)
    if url:
        properties["url"] = url
    said.state(Entity(this, properties), at, locator, url=url)
    if outcome != "succeeded":
        return
    environment = said.environment(shipped.environment, at)
    basis = "applied" if shipped.properties["action"] == "apply" else "deployed"
    reached: dict[str, Value] = {"earliest": rfc3339(at), "latest": rfc3339(at), "basis": basis}
    said.relate(
        "REACHED",
        this,
        environment,
        at,
        locator,
        reached,
        discriminator=names.environment_name(shipped.environment),
        url=url,
    )
    if shipped.service:
        before: Value = {"state": "value", "value": shipped.previous} if shipped.previous else {"state": "unknown"}
        changed: dict[str, Value] = {
            "effect": "updated",
            "attributes": [
                {"path": "version", "before": before, "after": {"state": "value", "value": shipped.version}}
            ],
        }
        said.relate("CHANGED", this, said.service(shipped.service, at), at, locator, changed, url=url)


def run_of(status: DeploymentStatus) -> EntityRef | None:
    """The workflow run whose log a status links to."""
    for link in (status.log_url, status.target_url):
        for mention in mentions(link or ""):
            if mention.ref.kind == "WorkflowRun":
                return mention.ref
    return None


def run_id_of(status: DeploymentStatus) -> int | None:
    """The id of the workflow run whose log a status links to."""
    for link in (status.log_url, status.target_url):
        _, found, rest = (link or "").partition("/actions/runs/")
        digits = rest.partition("/")[0]
        if found and digits.isascii() and digits.isdigit() and len(digits) < 19:
            return int(digits)
    return None


def _triggered_by(said: Statements, this: EntityRef, run: EntityRef, at: Instant, locator: str) -> None:
    said.relate("TRIGGERED_BY", this, run, at, locator)


def _payload(payload: object) -> Mapping[str, object]:
    if isinstance(payload, str):
        try:
            payload = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return cast("Mapping[str, object]", payload) if isinstance(payload, dict) else {}


def _first(payload: Mapping[str, object], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = payload.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:200]
    return ""
