"""Deployments as JSON lines: our own form, and CDEvents (https://cdevents.dev)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from examples.formats.output import Json, json_lines, stamp, uuid_of, write_text


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deploy of a service, or one apply of a Terraform workspace. `outcome`: succeeded, failed, in_progress or cancelled.

    `action`: deploy, rollback or apply.
    """

    id: str
    environment: str
    started_at: datetime
    finished_at: datetime
    service: str = ""
    workspace: str = ""
    version: str = ""
    commit: str = ""
    repository: str = ""
    actor: str = ""
    outcome: str = "succeeded"
    action: str = "deploy"
    previous_version: str = ""
    tool: str = ""
    url: str = ""
    run_url: str = ""
    title: str = ""


def deployment_json(deployment: Deployment) -> Json:
    """Our JSON: fields that say nothing are left out."""
    fields: dict[str, object] = {
        "id": deployment.id,
        "service": deployment.service,
        "workspace": deployment.workspace,
        "environment": deployment.environment,
        "version": deployment.version,
        "previous_version": deployment.previous_version,
        "commit": deployment.commit,
        "repository": deployment.repository,
        "actor": deployment.actor,
        "outcome": deployment.outcome,
        "action": deployment.action,
        "tool": deployment.tool,
        "url": deployment.url,
        "run_url": deployment.run_url,
        "title": deployment.title,
        "started_at": stamp(deployment.started_at),
        "finished_at": stamp(deployment.finished_at),
    }
    return {name: value for name, value in fields.items() if value}


def cdevent_json(deployment: Deployment) -> Json:
    """The same as a CDEvents `service.deployed` (or `service.rolledback`) event."""
    predicate = "rolledback" if deployment.action == "rollback" else "deployed"
    artifact = f"pkg:oci/{deployment.service}@{deployment.version}"
    return {
        "context": {
            "version": "0.4.1",
            "id": uuid_of("cdevent", deployment.id),
            "source": f"/{deployment.tool or 'deployer'}",
            "type": f"dev.cdevents.service.{predicate}.0.2.0",
            "timestamp": stamp(deployment.finished_at),
        },
        "subject": {
            "id": deployment.service,
            "source": f"/{deployment.tool or 'deployer'}",
            "type": "service",
            "content": {"environment": {"id": deployment.environment}, "artifactId": artifact},
        },
        "customData": {"commit": deployment.commit, "repository": deployment.repository, "actor": deployment.actor, "deployment": deployment.id},
        "customDataContentType": "application/json",
    }  # fmt: skip


def write_deployments(path: Path, deployments: list[Deployment]) -> None:
    """Write them in the order they finished."""
    write_text(path, json_lines([deployment_json(d) for d in sorted(deployments, key=lambda d: (d.finished_at, d.id))]))
