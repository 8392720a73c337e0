"""Nested values to attribute paths: `spec.template.spec.containers[api].image`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from graph.model import Value

TEXT = "(text)"
"""The path under which text that cannot be read as values stands, as its lines."""

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"(){}][^.\[\]\"(){}\n]*\Z")
_INTRINSICS = frozenset({"Ref", "Condition"})

KUBERNETES_LISTS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "ports": ("name", "containerPort", "port"),
    "secrets": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "volumes": ("name",),
    "hostAliases": ("ip",),
    "subjects": ("name",),
}
"""Lists of Kubernetes objects whose order means nothing, and the keys that tell their items apart."""


def flatten(value: Value, unordered: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, Value]:
    """Attribute path -> value. Lists of mappings are followed by index (by name in `unordered` ones); lists of scalars are values.

    A value that is no mapping and no list of mappings stands at the path `value`.
    """
    attributes: dict[str, Value] = {}
    if isinstance(value, Mapping) and not _opaque(value):
        members = cast("Mapping[str, Value]", value)
        if len(members) == 1 and "value" in members and not _nested(members["value"]):
            return {'["value"]': members["value"]}  # not the same as the bare scalar
        if not members:
            return {"value": {}}
    for path, leaf in walk(value, "", "", unordered or {}):
        attributes[path or "value"] = leaf
    return attributes


def join(path: str, key: str) -> str:
    """The path of a member."""
    if not _PLAIN_KEY.match(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def walk(value: Value, path: str, key: str, unordered: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Value]]:
    """The paths and leaves below `path`, whose last part is the member `key`."""
    if isinstance(value, Mapping) and value and not _opaque(value):
        for name, member in cast("Mapping[str, Value]", value).items():
            yield from walk(member, join(path, name), name, unordered)
    elif _nested_list(value):
        items = cast("Sequence[Value]", value)
        for label, item in zip(_labels(items, unordered.get(key, ())), items, strict=True):
            yield from walk(item, f"{path}[{label}]", "", unordered)
    else:
        yield path, value


def _labels(items: Sequence[Value], names: tuple[str, ...]) -> list[str]:
    for name in names:
        found = [item.get(name) if isinstance(item, Mapping) else None for item in items]
        labels = [str(label) for label in found if isinstance(label, str | int) and not isinstance(label, bool)]
        if len(labels) == len(items) == len(set(labels)):
            return labels
    return [str(index) for index in range(len(items))]


def _nested(value: Value) -> bool:
    return (isinstance(value, Mapping) and bool(value) and not _opaque(value)) or _nested_list(value)


def _nested_list(value: Value) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and any(isinstance(item, Mapping) and not _opaque(item) for item in value)
    )


def _opaque(value: Mapping[str, Value]) -> bool:
    """Whether a mapping is a tag or an intrinsic function, which is one value."""
    if len(value) != 1:
        return False
    ((name, argument),) = value.items()
    return name.startswith(("!", "Fn::")) or (name in _INTRINSICS and isinstance(argument, str))


def text_lines(text: str) -> dict[str, Value]:
    """The meaning of text that cannot be read: its lines, without indentation, blank lines and comments."""
    lines = [line.strip() for line in text.splitlines()]
    return {TEXT: [line for line in lines if line and not line.startswith("#")]}
