"""Every deploy that the company's deployer and its pipeline recorded: services by version, configuration, Terraform workspaces."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from examples.applies import Apply
from examples.company import ENGINEERS, REPOSITORY, TEALEAF_BOT, person, run_url
from examples.formats.deployments import Deployment
from examples.formats.output import hex_id
from examples.history import History, Merged

SINCE = datetime(2025, 11, 1, tzinfo=UTC)
"""The deployer keeps a year."""
SEED = 11


def service_deploys(history: History, shas: Mapping[int, str]) -> list[Deployment]:
    """A deploy for each commit of the bot, and for each pull request that turns a service's manifests; few fail and are repeated."""
    rng = random.Random(SEED)
    out: list[Deployment] = []
    running: dict[tuple[str, str], str] = {}
    steps: list[tuple[datetime, Deployment]] = []
    for release in history.releases:
        sha = shas[release.mark]
        title = f"{release.service} {release.version} to {release.environment}"
        one = _deploy(rng, release.service, release.environment, release.at, release.version, sha, title)
        steps.append((release.at, replace(one, previous_version=release.previous)))
    for pull in history.pulls:
        if name := _turned(pull):
            at, sha = pull.merged_at, shas[pull.mark]
            steps += [(at, _deploy(rng, name, env, at, "", sha, pull.title)) for env in ("staging", "prod")]
    for at, one in sorted(steps, key=lambda step: (step[0], step[1].id)):
        key = one.service, one.environment
        version = one.version or running.get(key, "1.0.0")
        running[key] = version
        if at < SINCE:
            continue
        one = replace(one, version=version, previous_version=one.previous_version or version)
        if rng.random() < 0.03:
            out.append(replace(one, id=f"{one.id}-1", outcome="failed"))
            later = timedelta(minutes=12)
            one = replace(one, started_at=one.started_at + later, finished_at=one.finished_at + later)
        out.append(one)
    return out


def _turned(pull: Merged) -> str:
    paths = [path.split("/") for path in pull.files if path.startswith("services/")]
    return paths[0][1] if paths else ""


def _deploy(
    rng: random.Random, service: str, environment: str, at: datetime, version: str, sha: str, title: str
) -> Deployment:
    who = TEALEAF_BOT if environment == "staging" else person(rng.choice(ENGINEERS))
    start = at + timedelta(minutes=3 if environment == "staging" else 6, seconds=rng.randrange(60))
    return Deployment(
        id=f"dep-{hex_id('deploy', service, environment, at, digits=8)}",
        environment=environment,
        started_at=start,
        finished_at=start + timedelta(seconds=rng.randrange(90, 240)),
        service=service,
        version=version,
        commit=sha,
        repository=REPOSITORY,
        actor=who.github,
        tool="steep",
        title=title,
    )


def apply_deploys(applies: list[Apply], shas: Mapping[int, str]) -> list[Deployment]:
    """A deployment of a workspace for each apply."""
    out: list[Deployment] = []
    for apply in applies:
        pull = apply.pull
        who = pull.author if pull.squashed else pull.reviewer
        out.append(
            Deployment(
                id=apply.id,
                environment=apply.environment,
                started_at=apply.started_at,
                finished_at=apply.finished_at,
                workspace=apply.environment,
                commit=shas[pull.mark],
                repository=REPOSITORY,
                actor=person(who).github,
                outcome="succeeded" if apply.succeeded else "failed",
                action="apply",
                tool="terraform",
                run_url=run_url(REPOSITORY, apply.run_id),
                title=f"Terraform apply to {apply.environment}: {pull.title}",
            )
        )
    return out
