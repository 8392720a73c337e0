"""Rollouts: each revision of a Deployment is a deployment, told by the replica set that it left behind.

A replica set that is rolled back to gets a new revision and keeps its time of creation; the revisions it had before are in an annotation. So
its creation belongs to the first of them, and a later one is told only while it is the latest, with the time that the Deployment's status tells.
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#checking-rollout-history-of-a-deployment
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graph.clock import Instant
from ingest.sources.deployments.record import Record
from ingest.sources.kubernetes.cluster import Cluster
from ingest.sources.kubernetes.happened import Happened, deployed
from ingest.sources.kubernetes.objects import Object, image_version, images, mappings, number, text, time_at

_REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_CAUSE = "kubernetes.io/change-cause"


@dataclass(frozen=True, slots=True)
class _Revision:
    number: int
    replica_set: Object
    again: bool


def rollouts(cluster: Cluster) -> Iterator[Happened]:
    """The rollouts of all Deployments, oldest first."""
    sets: dict[str, list[Object]] = {}
    for one in cluster.of("ReplicaSet"):
        if one.owner is not None and one.owner[0] == "Deployment":
            sets.setdefault(one.owner[1], []).append(one)
    for one in cluster.of("Deployment"):
        revisions = _revisions(sets.get(one.uid, ()))
        before: _Revision | None = None
        for revision in revisions:
            if (told := _rollout(one, revision, before, revision is revisions[-1], cluster)) is not None:
                yield told
            before = revision


def _revisions(sets: Sequence[Object]) -> list[_Revision]:
    found: list[_Revision] = []
    for one in sets:
        history = [int(part) for part in one.annotations.get(_HISTORY, "").split(",") if _is_number(part)]
        told = one.annotations.get(_REVISION, "")
        if not _is_number(told):
            continue
        found += [_Revision(earlier, one, again=index > 0) for index, earlier in enumerate(sorted(history))]
        found.append(_Revision(int(told), one, again=bool(history)))
    return sorted(found, key=lambda r: r.number)


def _rollout(
    one: Object, revision: _Revision, before: _Revision | None, latest: bool, cluster: Cluster
) -> Happened | None:
    began = revision.replica_set.created_at
    outcome, ended = _progress(one) if latest else ("succeeded", None)
    if revision.again:
        if ended is None:
            return None  # it was rolled back to, and nothing tells any more when
        began = None
    if began is None and ended is None:
        return None
    if began is not None and ended is not None and ended < began:
        ended = None
    new = images(revision.replica_set)
    # Only the revision just before this one tells what it replaced: others may be gone.
    old = images(before.replica_set) if before is not None and before.number == revision.number - 1 else {}
    service, _ = cluster.service_of(one)
    record = Record(
        id=f"{one.uid}/{revision.number}",
        environment=cluster.environment_of(one),
        service=service or one.name,
        version=_version(new),
        previous_version=_version(old),
        outcome=outcome,
        action="rollback" if revision.again else "deploy" if not old or old != new else "config",
        tool="kubernetes",
        title=revision.replica_set.annotations.get(_CAUSE, "")[:2_000],
        started_at=began,
        finished_at=ended,
    )
    changed = {
        f"containers.{name}.image": (old.get(name, ""), image) for name, image in new.items() if old.get(name) != image
    }
    return deployed(record, cluster.name, one, changed)


def _progress(one: Object) -> tuple[str, Instant | None]:
    """How the latest rollout goes, and when it ended."""
    conditions = {text(c, "type"): c for c in mappings(one.raw, "status", "conditions")}
    progressing = conditions.get("Progressing", {})
    at = time_at(progressing, "lastUpdateTime")
    reason = text(progressing, "reason")
    if reason == "ProgressDeadlineExceeded":
        return "failed", at
    if reason == "NewReplicaSetAvailable" or not progressing:
        return "succeeded", at
    wanted = number(one.raw, "spec", "replicas")
    updated = number(one.raw, "status", "updatedReplicas") or 0
    available = number(one.raw, "status", "availableReplicas") or 0
    if wanted is not None and updated >= wanted and available >= wanted:
        return "succeeded", at
    return "in_progress", None


def _version(image_of: Mapping[str, str]) -> str:
    """The version of the first container that has one: others are sidecars."""
    return next((version for image in image_of.values() if (version := image_version(image))), "")


def _is_number(part: str) -> bool:
    return part.strip().isascii() and part.strip().isdigit() and len(part) < 12
