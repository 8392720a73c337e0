"""Kubernetes objects as JSON, and how to ask them.

An object is kept as the API tells it, and what a fact needs is asked for by its path: there are many kinds, and of each only a little is read.
Reference: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from graph.clock import Instant, instant
from graph.model import EntityRef
from ingest import names

_SERVICE_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")
_MAX_NAME_CHARS = 253
_NOTHING: Mapping[str, object] = {}


class ObjectInvalid(ValueError):
    """This is no object of a cluster. `str(error)` says why and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object of a cluster.

    Attributes:
        namespace: empty for what has none.
        created_at: when it came into being, None where it is not told.
        raw: all of it, as told. Never put into a fact as a whole: it holds values of secrets.
    """

    kind: str
    uid: str
    name: str
    namespace: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    created_at: Instant | None
    raw: Mapping[str, object]

    @property
    def path(self) -> str:
        """`Kind/namespace/name`, without namespace `Kind/name`."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def owner(self) -> tuple[str, str] | None:
        """Kind and UID of the object that controls it."""
        for owner in mappings(self.raw, "metadata", "ownerReferences"):
            if owner.get("controller") is True and text(owner, "uid"):
                return text(owner, "kind"), text(owner, "uid")
        return None


def read_object(raw: object, kind: str = "") -> Object:
    """The object in this JSON; `kind` for members of a typed list, which do not tell it.

    Raises:
        ObjectInvalid: it is none, or it does not come from a cluster.
    """
    if not isinstance(raw, dict):
        raise ObjectInvalid("it is no JSON object")
    fields = cast("Mapping[str, object]", raw)
    kind, name = text(fields, "kind") or kind, text(fields, "metadata", "name")
    uid = text(fields, "metadata", "uid")
    if not kind or not name:
        raise ObjectInvalid("it has no kind or no name")
    if not uid:
        raise ObjectInvalid("it has no uid: it is a manifest, not an object of a cluster")
    if len(name) > _MAX_NAME_CHARS or len(uid) > _MAX_NAME_CHARS:
        raise ObjectInvalid("its name or uid is too long")
    return Object(
        kind,
        uid,
        name,
        text(fields, "metadata", "namespace"),
        string_map(fields, "metadata", "labels"),
        string_map(fields, "metadata", "annotations"),
        time_at(fields, "metadata", "creationTimestamp"),
        fields,
    )


def ref_of(cluster: str, uid: str) -> EntityRef:
    """The ref of the object with this UID."""
    return names.cloud_resource(f"k8s:{cluster}/{uid}")


def service_of(*labels: Mapping[str, str]) -> tuple[str, str]:
    """The service that labels name, and the label that did; empty when none does."""
    for label in _SERVICE_LABELS:
        for one in labels:
            if names.service_name(one.get(label, "")):
                return one[label], label
    return "", ""


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a selector of equal labels selects these; an empty one selects nothing."""
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def pod_template(one: Object) -> Mapping[str, object]:
    """The template of a workload's pods; a pod is its own."""
    if one.kind == "Pod":
        return one.raw
    path = ("spec", "jobTemplate", "spec", "template") if one.kind == "CronJob" else ("spec", "template")
    return mapping(one.raw, *path)


def containers(one: Object) -> Iterator[Mapping[str, object]]:
    """A workload's containers, those that initialise included."""
    spec = mapping(pod_template(one), "spec")
    yield from mappings(spec, "initContainers")
    yield from mappings(spec, "containers")


def images(one: Object) -> dict[str, str]:
    """Container -> image."""
    return {text(c, "name"): text(c, "image") for c in containers(one) if text(c, "image")}


def image_version(image: str) -> str:
    """The tag of an image, or its digest where it has no tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or digest


# -- asking JSON


def at(value: object, *path: str) -> object:
    """What stands at a path of keys, None when there is nothing."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = cast("Mapping[str, object]", value).get(step)
    return value


def text(value: object, *path: str) -> str:
    """The text at a path, else an empty one."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number(value: object, *path: str) -> int | None:
    """The whole number at a path, else None."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def scalar(value: object, *path: str) -> str:
    """The text or number at a path, as text: ports and quantities are either."""
    found = at(value, *path)
    return str(found) if isinstance(found, (str, int, float)) and not isinstance(found, bool) else ""


def mapping(value: object, *path: str) -> Mapping[str, object]:
    """The object at a path, else an empty one."""
    found = at(value, *path)
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else _NOTHING


def mappings(value: object, *path: str) -> list[Mapping[str, object]]:
    """The objects in the array at a path."""
    return [cast("Mapping[str, object]", one) for one in array(value, *path) if isinstance(one, dict)]


def array(value: object, *path: str) -> list[object]:
    """The array at a path, else an empty one."""
    found = at(value, *path)
    return cast("list[object]", found) if isinstance(found, list) else []


def string_map(value: object, *path: str) -> dict[str, str]:
    """The texts in the object at a path, by key."""
    return {key: one for key, one in mapping(value, *path).items() if isinstance(one, str)}


def time_at(value: object, *path: str) -> Instant | None:
    """The time at a path, else None."""
    told = text(value, *path)
    try:
        return instant(told) if told else None
    except ValueError:
        return None
