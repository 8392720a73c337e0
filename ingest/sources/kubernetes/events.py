"""Events of a cluster: what its controllers said about objects. An event that repeats is told from its first time, and again from its last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Passage, Relation, Value, ref
from ingest.mentions import mentions
from ingest.sources.kubernetes.attributes import WORKLOADS
from ingest.sources.kubernetes.cluster import Cluster
from ingest.sources.kubernetes.happened import Happened, key_of
from ingest.sources.kubernetes.inventory import is_entity
from ingest.sources.kubernetes.objects import Object, mapping, number, ref_of, text, time_at

_MAX_MESSAGE_CHARS = 20_000
_GENERATED = (
    re.compile(r"(.+)-[a-z0-9]{8,10}-[a-z0-9]{5}"),
    re.compile(r"(.+)-[a-z0-9]{5,10}"),
    re.compile(r"(.+)-\d+"),
)
"""Names that controllers make: of a Deployment's pod, of a DaemonSet's pod, a ReplicaSet or a Job, of a StatefulSet's pod."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An event in either of its two API forms."""

    ref: EntityRef
    about: Mapping[str, object]
    reason: str
    type: str
    message: str
    count: int
    first: Instant
    last: Instant


def events(cluster: Cluster) -> Iterator[Happened]:
    """All events, those without a time left out."""
    for one in cluster.of("Event"):
        told = _read(one, cluster)
        if told is not None:
            yield Happened(key_of(one.uid, told.count, told.last), list(_facts(one, told, cluster)))


def _read(one: Object, cluster: Cluster) -> _Told | None:
    raw = one.raw
    # core/v1 and events.k8s.io/v1 name the same fields differently.
    eventual = time_at(raw, "eventTime")
    first = time_at(raw, "firstTimestamp") or time_at(raw, "deprecatedFirstTimestamp") or eventual or one.created_at
    if first is None:
        return None
    last = (
        time_at(raw, "series", "lastObservedTime")
        or time_at(raw, "lastTimestamp")
        or time_at(raw, "deprecatedLastTimestamp")
        or first
    )
    count = number(raw, "series", "count") or number(raw, "count") or number(raw, "deprecatedCount") or 1
    return _Told(
        ref=ref("ClusterEvent", cluster.name, one.uid),
        about=mapping(raw, "involvedObject") or mapping(raw, "regarding"),
        reason=text(raw, "reason"),
        type=text(raw, "type"),
        message=(text(raw, "message") or text(raw, "note"))[:_MAX_MESSAGE_CHARS],
        count=count,
        first=first,
        last=max(first, last),
    )


def _facts(one: Object, told: _Told, cluster: Cluster) -> Iterator[Assertion]:
    locator = f"{cluster.name}/{one.path}"
    for fact in _from_the_first(told, cluster):
        yield Assertion(fact, told.first, told.first, locator)
    if told.last > told.first:
        yield Assertion(Entity(told.ref, _properties(told, told.count, told.last)), told.last, told.last, locator)


def _from_the_first(told: _Told, cluster: Cluster) -> Iterator[Fact]:
    # Of one that came once the count is known at once; of others only what was known then.
    once = told.last == told.first
    yield Entity(told.ref, _properties(told, told.count if once else 1, told.first))
    path = "/".join(p for p in (text(told.about, "kind"), text(told.about, "namespace"), text(told.about, "name")) if p)
    if path:
        yield Alias(told.ref, "name", f"{told.reason} {path}")
    if told.message:
        yield Passage(told.ref, "message", told.message)
        for mention in mentions(told.message):
            yield Relation("MENTIONS", told.ref, mention.ref, {"text": mention.text})
    target = _target(told.about, cluster)
    if target is not None:
        yield Relation("ABOUT", told.ref, ref_of(cluster.name, target.uid), {"rule": f"involvedObject {path}"})


def _properties(told: _Told, count: int, last: Instant) -> dict[str, Value]:
    return {
        "reason": told.reason,
        "type": told.type,
        "message": told.message,
        "count": count,
        "first_seen_at": rfc3339(told.first),
        "last_seen_at": rfc3339(last),
    }


def _target(about: Mapping[str, object], cluster: Cluster) -> Object | None:
    """The object it is about; for a pod or replica set what controls it, also when they are gone, by the name they were given."""
    kind, namespace, name = text(about, "kind"), text(about, "namespace"), text(about, "name")
    path = "/".join(p for p in (kind, namespace, name) if p)
    found = cluster.by_uid.get(text(about, "uid")) or cluster.by_path.get(path)
    if found is not None:
        top = cluster.top(found)
        return top if is_entity(top, cluster) else None
    if kind not in ("Pod", "ReplicaSet", "Job"):
        return None
    for pattern in _GENERATED:
        if (stem := pattern.fullmatch(name)) is not None:
            for workload in WORKLOADS:
                owner = cluster.by_path.get(f"{workload}/{namespace}/{stem[1]}")
                if owner is not None and is_entity(top := cluster.top(owner), cluster):
                    return top
    return None
