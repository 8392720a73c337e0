"""Argo CD applications: each sync in their history is a deployment of a commit, and so is an operation that failed.

https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ingest import names
from ingest.sources.deployments.record import Record
from ingest.sources.kubernetes.cluster import Cluster
from ingest.sources.kubernetes.happened import Happened, deployed
from ingest.sources.kubernetes.objects import Object, array, at, mapping, mappings, scalar, service_of, text, time_at

_REPOSITORY = re.compile(r"(?:https?://|ssh://)?(?:[\w.-]+@)?[\w.-]+(?::\d+)?[/:]([\w./-]+?)(?:\.git)?/?")
_FAILED = {"Failed": "failed", "Error": "failed"}


def syncs(cluster: Cluster) -> Iterator[Happened]:
    """The syncs of all applications."""
    for one in cluster.of("Application"):
        if text(one.raw, "apiVersion").startswith("argoproj.io/") or "apiVersion" not in one.raw:
            yield from _history(one, cluster)
            yield from _failure(one, cluster)


def _history(one: Object, cluster: Cluster) -> Iterator[Happened]:
    before: Mapping[str, object] | None = None
    for entry in mappings(one.raw, "status", "history"):
        ended = time_at(entry, "deployedAt")
        number = scalar(entry, "id")
        if ended is not None and number:
            began = time_at(entry, "deployStartedAt")
            record = _record(
                one,
                cluster,
                f"argo/{one.uid}/{number}",
                _revision(entry),
                _source(entry) or _source(mapping(one.raw, "spec")),
                began if began is not None and began <= ended else None,
                ended,
            )
            old = _revision(before) if before is not None else ""
            actor = _actor(mapping(entry, "initiatedBy"))
            told = replace(record, previous_version=_short(old), actor=actor)
            revision = {"revision": (old, _revision(entry))}
            yield deployed(told, cluster.name, one, revision, "argocd")
        before = entry


def _failure(one: Object, cluster: Cluster) -> Iterator[Happened]:
    """The last operation, when it failed: what succeeded is in the history."""
    state = mapping(one.raw, "status", "operationState")
    outcome = _FAILED.get(text(state, "phase"))
    began, ended = time_at(state, "startedAt"), time_at(state, "finishedAt")
    if outcome is None or (began is None and ended is None):
        return
    if began is not None and ended is not None and ended < began:
        began = None
    revision = text(state, "syncResult", "revision") or text(state, "operation", "sync", "revision")
    source = _source(mapping(state, "syncResult")) or _source(mapping(one.raw, "spec"))
    moment = text(state, "startedAt") or text(state, "finishedAt")
    record = _record(one, cluster, f"argo/{one.uid}/operation/{moment}", revision, source, began, ended)
    message = text(state, "message").partition("\n")[0]
    actor = _actor(mapping(state, "operation", "initiatedBy"))
    told = replace(record, outcome=outcome, actor=actor, title=f"{record.title} failed: {message}"[:2_000])
    yield deployed(told, cluster.name, one, {}, "argocd")


def _record(
    one: Object,
    cluster: Cluster,
    deployment_id: str,
    revision: str,
    source: Mapping[str, object],
    began: int | None,
    ended: int | None,
) -> Record:
    service, _ = service_of(one.labels)
    commit = revision.lower()
    return Record(
        id=deployment_id,
        environment=_environment(one, cluster),
        service=service or one.name,
        version=_short(revision),
        commit=commit if names.is_commit_hash(commit) else "",
        repository=_repository(text(source, "repoURL")),
        tool="argo",
        title=f"{one.name} synced to {_short(revision)}" if revision else f"{one.name} synced",
        started_at=began,
        finished_at=ended,
    )


def _environment(one: Object, cluster: Cluster) -> str:
    """Where the application deploys to, which is not where Argo CD keeps it."""
    told = cluster.environments.get(text(one.raw, "spec", "destination", "namespace"))
    if told:
        return told
    namespace = cluster.by_path.get(f"Namespace/{text(one.raw, 'spec', 'destination', 'namespace')}")
    return cluster.environment_of(namespace) if namespace is not None else cluster.environment_of(one)


def _actor(initiated_by: Mapping[str, object]) -> str:
    return "" if at(initiated_by, "automated") is True else text(initiated_by, "username")


def _revision(entry: Mapping[str, object]) -> str:
    if told := text(entry, "revision"):
        return told
    several = [r for r in array(entry, "revisions") if isinstance(r, str)]
    return next((r for r in several if names.is_commit_hash(r.lower())), several[0] if several else "")


def _source(told: Mapping[str, object]) -> Mapping[str, object]:
    several = mappings(told, "sources")
    return mapping(told, "source") or (several[0] if several else {})


def _repository(url: str) -> str:
    """`owner/name` of a repository's URL; empty where it is no such."""
    found = _REPOSITORY.fullmatch(url.strip())
    return found[1].strip("/") if found is not None and "/" in found[1].strip("/") else ""


def _short(revision: str) -> str:
    return revision[:7] if names.is_commit_hash(revision.lower()) else revision
