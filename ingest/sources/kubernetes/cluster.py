"""The objects of one reading of a cluster, and how they hang together: who controls whom, and in which environment what runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ingest import names
from ingest.sources.kubernetes.objects import Object, service_of, string_map, text

_ENVIRONMENT_LABELS = ("environment", "env", "app.kubernetes.io/environment", "tags.datadoghq.com/env")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A reading. Made by `gather`.

    Attributes:
        name: the cluster's name; with an object's UID it makes its ref.
        objects: kind -> objects, sorted by path.
        environment, environments: as the settings say, for all and by namespace.
    """

    name: str
    objects: Mapping[str, Sequence[Object]]
    environment: str = ""
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    by_uid: Mapping[str, Object] = field(default_factory=dict[str, Object])
    by_path: Mapping[str, Object] = field(default_factory=dict[str, Object])
    pods_of: Mapping[str, Sequence[Object]] = field(default_factory=dict[str, list[Object]])

    def of(self, *kinds: str) -> list[Object]:
        """All objects of these kinds."""
        return [one for kind in kinds for one in self.objects.get(kind, ())]

    def top(self, one: Object) -> Object:
        """What controls this in the end: of a pod its Deployment, StatefulSet, CronJob …; itself when nothing does."""
        for _ in range(8):  # a circle of owners ends somewhere
            owner = one.owner
            above = self.by_uid.get(owner[1]) if owner is not None else None
            if above is None:
                return one
            one = above
        return one

    def environment_of(self, one: Object) -> str:
        """Where it runs: by setting, by a label of its namespace, by its own, or by a namespace that is called like one."""
        namespace = one.name if one.kind == "Namespace" else one.namespace
        if told := self.environments.get(namespace) or self.environments.get("*") or self.environment:
            return told
        above = self.by_path.get(f"Namespace/{namespace}")
        nothing: Mapping[str, str] = {}
        for labels in (above.labels if above is not None else nothing, one.labels):
            for label in _ENVIRONMENT_LABELS:
                if labels.get(label, "").strip():
                    return labels[label]
        known = any(names.environment_name(namespace) == name for name in names.ENVIRONMENTS)
        return namespace if known else ""

    def service_of(self, one: Object) -> tuple[str, str]:
        """The service that a workload's labels, or those of its pods, name, and the label."""
        return service_of(one.labels, string_map(one.raw, "spec", "template", "metadata", "labels"))


def gather(
    name: str, objects: Iterable[Object], environment: str = "", environments: Mapping[str, str] | None = None
) -> Cluster:
    """A reading of these objects. Of one that is told twice the later version counts."""
    by_uid: dict[str, Object] = {}
    for one in objects:
        known = by_uid.get(one.uid)
        if known is None or _version(one) >= _version(known):
            by_uid[one.uid] = one
    ordered = sorted(by_uid.values(), key=lambda o: (o.path, o.uid))
    by_kind: dict[str, list[Object]] = {}
    for one in ordered:
        by_kind.setdefault(one.kind, []).append(one)
    pods_of: dict[str, list[Object]] = {}
    cluster = Cluster(name, by_kind, environment, environments or {}, by_uid, {o.path: o for o in ordered}, pods_of)
    for pod in by_kind.get("Pod", ()):
        above = cluster.top(pod)
        if above is not pod:
            pods_of.setdefault(above.uid, []).append(pod)
    return cluster


def _version(one: Object) -> int:
    version = text(one.raw, "metadata", "resourceVersion")
    return int(version) if version.isascii() and version.isdigit() and len(version) < 20 else 0
