"""From pipelines and deployments to facts."""

from __future__ import annotations

from collections.abc import Sequence

from graph.clock import Instant, rfc3339
from graph.model import Alias, Entity, EntityRef, Value
from ingest import names
from ingest.sources.forge.rules import DeployRules, action_of, version_of
from ingest.sources.forge.statements import Statements
from ingest.sources.gitlab.merge_facts import account
from ingest.sources.gitlab.payloads import Deployment, Job, Pipeline, moment

CONCLUSIONS = {"failed": "failure", "canceled": "cancelled"}
"""Final status of a pipeline -> conclusion, where the words differ."""
ENDED = frozenset({"success", "failed", "canceled", "skipped"})
"""Status after which a pipeline or deployment is not read again."""
OUTCOMES = {
    "success": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
    "skipped": "cancelled",
    "created": "in_progress",
    "running": "in_progress",
    "blocked": "in_progress",
}
"""Status of a deployment -> outcome; others stay as told."""


def pipeline_of(said: Statements, pipeline_id: int) -> EntityRef:
    """The ref of a pipeline."""
    return names.workflow_run("gitlab", said.repository, str(pipeline_id))


def state_pipeline(said: Statements, one: Pipeline, jobs: Sequence[Job] = ()) -> None:
    """State a pipeline: a version for its beginning and one for its end, and the jobs that failed."""
    this = pipeline_of(said, one.id)
    locator = f"{said.repository}/pipelines/{one.id}"
    url = one.web_url or None
    created = moment(one.created_at)
    said.itself(created)
    begun: dict[str, Value] = {
        "repository": said.repository,
        "name": one.name or "pipeline",
        "event": one.source,
        "branch": one.ref,
        "commit": one.sha if names.is_commit_hash(one.sha) else "",
        "conclusion": "",
        "started_at": rfc3339(created),
        "url": one.web_url,
    }
    if one.iid is not None:
        begun["number"] = one.iid
    begun = {k: v for k, v in begun.items() if v != "" or k == "conclusion"}
    said.state(Entity(this, begun), created, locator, url=url)
    if url:
        said.state(Alias(this, "url", url), created, locator, url=url)
    told = one.finished_at or one.updated_at
    if one.status in ENDED and told:
        ended = max(created + 1, moment(told))
        conclusion = CONCLUSIONS.get(one.status, one.status)
        over: dict[str, Value] = begun | {"conclusion": conclusion, "completed_at": rfc3339(ended)}
        said.state(Entity(this, over), ended, locator, url=url)
        if one.status == "success":  # what failed before it was tried again is past
            said.state(Entity(this, {"failing_step": ""}), ended, locator, url=url, part="jobs")
    for job in jobs:
        if job.status == "failed" and not job.allow_failure and job.finished_at:
            failing = {"failing_step": f"{job.stage} / {job.name}" if job.stage else job.name}
            said.state(Entity(this, failing), moment(job.finished_at), locator, url=url, part="jobs")
    if one.user is not None:
        said.relate("PERFORMED_BY", this, account(said, one.user, created), created, locator, url=url)
    if (commit := said.commit(one.sha, created)) is not None:
        said.relate("RAN_ON", this, commit, created, locator, url=url)


def state_deployment(said: Statements, one: Deployment, rules: DeployRules) -> None:
    """State a deployment: a version for its beginning and one for its end."""
    told = one.environment.name if one.environment is not None else ""
    job = one.deployable.name if one.deployable is not None else ""
    apply = rules.is_apply(workflow=job, task="", environment=told)
    service = "" if apply else rules.service(repository=said.repository, workflow=job, task="", environment=told)
    environment = rules.environment(told)
    version = version_of("", one.ref, one.sha)
    created = moment(one.created_at)
    this, locator = deployment_of(said, one.id)
    begun: dict[str, Value] = {
        "service": service,
        "environment": environment,
        "version": version,
        "commit": one.sha if names.is_commit_hash(one.sha) else "",
        "repository": said.repository,
        "action": action_of("", apply=apply),
        "outcome": "in_progress",
        "started_at": rfc3339(created),
        "tool": "gitlab",
        "title": f"{'apply' if apply else service} {version[:40]} to {environment}",
        "deployment_id": str(one.id),
    }
    begun = {k: v for k, v in begun.items() if v != "" or k == "service"}
    said.itself(created)
    said.state(Entity(this, begun), created, locator)
    state_deployed(said, one.id, environment, one.sha, created)
    if one.user is not None:
        said.relate("PERFORMED_BY", this, account(said, one.user, created), created, locator)
    if one.deployable is not None and one.deployable.pipeline is not None:
        said.relate("TRIGGERED_BY", this, pipeline_of(said, one.deployable.pipeline.id), created, locator)
    outcome = OUTCOMES.get(one.status, one.status)
    at = ended_at(one)
    if outcome == "in_progress" or at is None:
        return
    at = max(at, created + 1)
    said.state(Entity(this, begun | {"outcome": outcome, "finished_at": rfc3339(at)}), at, locator)
    if outcome == "succeeded":
        state_effect(said, one.id, environment, service, version, at, applied=apply)


def ended_at(one: Deployment) -> Instant | None:
    """When a deployment ended, as far as told."""
    job = one.deployable.finished_at if one.deployable is not None else None
    told = one.finished_at or job or one.updated_at
    return moment(told) if told else None


def deployment_of(said: Statements, deployment_id: int) -> tuple[EntityRef, str]:
    """Ref and locator of a deployment."""
    this = names.deployment("gitlab", said.repository, str(deployment_id))
    return this, f"{said.repository}/deployments/{deployment_id}"


def state_deployed(said: Statements, deployment_id: int, environment: str, sha: str, at: Instant) -> None:
    """State where a deployment goes and of which commit it is."""
    this, locator = deployment_of(said, deployment_id)
    said.state(Alias(this, "id", locator), at, locator)
    if environment:
        said.relate("RUNS_IN", this, said.environment(environment, at), at, locator)
    if (commit := said.commit(sha, at)) is not None:
        said.relate("DEPLOYS", this, commit, at, locator)


def state_effect(
    said: Statements, deployment_id: int, environment: str, service: str, version: str, at: Instant, *, applied: bool
) -> None:
    """State what a deployment that succeeded put into effect."""
    this, locator = deployment_of(said, deployment_id)
    if environment:
        kept = names.environment_name(environment)
        basis = "applied" if applied else "deployed"
        reached: dict[str, Value] = {"earliest": rfc3339(at), "latest": rfc3339(at), "basis": basis}
        said.relate("REACHED", this, said.environment(environment, at), at, locator, reached, discriminator=kept)
    if service:
        after: dict[str, Value] = {"state": "value", "value": version}
        changed: dict[str, Value] = {
            "effect": "updated",
            "attributes": [{"path": "version", "before": {"state": "unknown"}, "after": after}],
        }
        said.relate("CHANGED", this, said.service(service, at), at, locator, changed)
