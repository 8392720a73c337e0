"""A directory of exported answers of GitHub's API.

`repos/<owner>/<name>/` holds `pulls.json`, `pulls/<n>/{reviews,files,commits,comments,events}.json`, `issues/<n>/comments.json`,
`deployments.json`, `deployments/<id>/statuses.json`, `actions/runs.json`, `actions/runs/<id>/jobs.json` and `releases.json`. Every file but
`pulls.json` may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.sources.forge.export import ExportedRepository, export_root, quarantining
from ingest.sources.forge.path_pull import ObjectReader, PathPull
from ingest.sources.forge.rules import DeployRules
from ingest.sources.forge.statements import Statements
from ingest.sources.github.api_pull import EXTRACTOR
from ingest.sources.github.deployment_facts import run_id_of, state_deployment, state_status
from ingest.sources.github.payloads import (
    ChangedFile,
    Comment,
    Deployment,
    DeploymentStatus,
    IssueEvent,
    Job,
    Pull,
    PullCommit,
    Release,
    Review,
    Run,
)
from ingest.sources.github.pull_facts import PullBundle, state_bundle
from ingest.sources.github.run_facts import state_job, state_release, state_run
from ingest.sources.github.settings import GitHubSettings


def path_batches(settings: GitHubSettings, scope: str, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
    """What is new in the directory."""
    rules = DeployRules(settings.services, settings.environments, settings.applies)
    shape = repr((EXTRACTOR, rules, sorted(settings.renamed.items())))
    pull = PathPull("github", scope, EXTRACTOR, shape, settings.renamed, lambda repository: _objects(repository, rules))
    yield from pull.batches(exported_repositories(settings.path, settings.repository), cursor, now)


def exported_repositories(path: str, only: str = "") -> Iterator[ExportedRepository]:
    """The repositories of a directory, or `only` the one of this name.

    Raises:
        SourceDataInvalid: the directory is not there or holds none.
    """
    root = export_root(path)
    found = sorted(d for d in root.glob("repos/*/*") if (d / "pulls.json").is_file())
    chosen = [d for d in found if not only or f"{d.parent.name}/{d.name}".lower() == only.lower()]
    if not chosen:
        what = f"repos/{only}/pulls.json" if only else "repos/<owner>/<name>/pulls.json"
        raise SourceDataInvalid(f"{path} holds no {what}", "see the source's page for how the directory is laid out")
    for directory in chosen:
        yield ExportedRepository(directory, only or f"{directory.parent.name}/{directory.name}", root)


def _objects(repository: ExportedRepository, rules: DeployRules) -> Iterator[tuple[str, ObjectReader]]:
    """What states each object, in the order of their numbers."""
    for pull in sorted(repository.list("pulls.json", Pull), key=lambda p: p.number):
        bundle = _bundle(repository, pull)
        yield f"pulls/{pull.number}", lambda said, bundle=bundle: state_bundle(said, bundle)
    runs = quarantining(repository, "actions/runs.json", Run, "workflow_runs")
    for run in sorted(runs, key=lambda r: r.id):
        jobs = quarantining(repository, f"actions/runs/{run.id}/jobs.json", Job, "jobs")
        yield f"actions/runs/{run.id}", lambda said, run=run, jobs=jobs: _run(said, run, jobs)
    workflows = {run.id: run.name or "" for run in runs}
    for one in sorted(quarantining(repository, "deployments.json", Deployment), key=lambda d: d.id):
        statuses = quarantining(repository, f"deployments/{one.id}/statuses.json", DeploymentStatus)
        workflow = next((workflows[i] for i in map(run_id_of, statuses) if i in workflows), "")
        yield (
            f"deployments/{one.id}",
            lambda said, one=one, statuses=statuses, workflow=workflow: _deployment(
                said, one, statuses, rules, workflow
            ),
        )
    for release in sorted(quarantining(repository, "releases.json", Release), key=lambda r: r.id):
        yield f"releases/{release.id}", lambda said, release=release: state_release(said, release)


def _bundle(repository: ExportedRepository, pull: Pull) -> PullBundle:
    number = pull.number
    files = f"pulls/{number}/files.json"
    return PullBundle(
        pull,
        quarantining(repository, f"pulls/{number}/reviews.json", Review),
        quarantining(repository, files, ChangedFile) if repository.has(files) else None,
        quarantining(repository, f"pulls/{number}/commits.json", PullCommit),
        quarantining(repository, f"issues/{number}/comments.json", Comment),
        quarantining(repository, f"pulls/{number}/comments.json", Comment),
        quarantining(repository, f"pulls/{number}/events.json", IssueEvent),
    )


def _run(said: Statements, run: Run, jobs: list[Job]) -> None:
    state_run(said, run)
    for job in jobs:
        state_job(said, job)


def _deployment(
    said: Statements, one: Deployment, statuses: list[DeploymentStatus], rules: DeployRules, workflow: str
) -> None:
    shipped = state_deployment(said, one, rules, workflow)
    for status in sorted(statuses, key=lambda s: s.id):
        state_status(said, one, shipped, status)
