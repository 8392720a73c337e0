"""A directory of exported answers of GitLab's API.

`projects/<URL-encoded full path>/` holds `merge_requests.json`, `merge_requests/<iid>/{approvals,notes,commits,diffs}.json`, `pipelines.json`,
`pipelines/<id>/jobs.json` and `deployments.json`. Every file but `merge_requests.json` may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote

from graph.clock import Instant
from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.sources.forge.export import ExportedRepository, export_root, quarantining
from ingest.sources.forge.path_pull import ObjectReader, PathPull
from ingest.sources.forge.rules import DeployRules
from ingest.sources.gitlab.api_pull import EXTRACTOR
from ingest.sources.gitlab.delivery_facts import state_deployment, state_pipeline
from ingest.sources.gitlab.merge_facts import MergeBundle, state_bundle
from ingest.sources.gitlab.payloads import (
    Approval,
    Approvals,
    Commit,
    Deployment,
    Diff,
    Job,
    MergeRequest,
    Note,
    Pipeline,
)
from ingest.sources.gitlab.settings import GitLabSettings


def path_batches(settings: GitLabSettings, scope: str, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
    """What is new in the directory."""
    rules = DeployRules(settings.services, settings.environments, settings.applies)
    shape = repr((EXTRACTOR, rules, sorted(settings.renamed.items())))
    pull = PathPull("gitlab", scope, EXTRACTOR, shape, settings.renamed, lambda project: _objects(project, rules))
    yield from pull.batches(exported_projects(settings.path, settings.project), cursor, now)


def exported_projects(path: str, only: str = "") -> Iterator[ExportedRepository]:
    """The projects of a directory, or `only` the one of this full path.

    Raises:
        SourceDataInvalid: the directory is not there or holds none.
    """
    root = export_root(path)
    found = {unquote(d.name): d for d in sorted(root.glob("projects/*")) if (d / "merge_requests.json").is_file()}
    chosen = {name: d for name, d in found.items() if not only or name.lower() == only.lower()}
    if not chosen:
        what = f"projects/{quote(only, safe='') if only else '<full path>'}/merge_requests.json"
        raise SourceDataInvalid(f"{path} holds no {what}", "see the source's page for how the directory is laid out")
    for name, directory in chosen.items():
        yield ExportedRepository(directory, only or name, root)


def _objects(project: ExportedRepository, rules: DeployRules) -> Iterator[tuple[str, ObjectReader]]:
    """What states each object, in the order of their numbers."""
    for one in sorted(project.list("merge_requests.json", MergeRequest), key=lambda m: m.iid):
        bundle = _bundle(project, one)
        yield f"merge_requests/{one.iid}", lambda said, bundle=bundle: state_bundle(said, bundle)
    for pipeline in sorted(quarantining(project, "pipelines.json", Pipeline), key=lambda p: p.id):
        jobs = quarantining(project, f"pipelines/{pipeline.id}/jobs.json", Job)
        yield (
            f"pipelines/{pipeline.id}",
            lambda said, pipeline=pipeline, jobs=jobs: state_pipeline(said, pipeline, jobs),
        )
    for one in sorted(quarantining(project, "deployments.json", Deployment), key=lambda d: d.id):
        yield f"deployments/{one.id}", lambda said, one=one: state_deployment(said, one, rules)


def _bundle(project: ExportedRepository, one: MergeRequest) -> MergeBundle:
    base = f"merge_requests/{one.iid}"
    diffs = f"{base}/diffs.json"
    return MergeBundle(
        one,
        Approvals(tuple(quarantining(project, f"{base}/approvals.json", Approval, "approved_by"))),
        quarantining(project, f"{base}/notes.json", Note),
        quarantining(project, f"{base}/commits.json", Commit),
        quarantining(project, diffs, Diff) if project.has(diffs) else None,
    )
