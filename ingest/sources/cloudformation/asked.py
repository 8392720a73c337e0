"""What an event says was asked for a resource, and what of it differs from before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from graph.model import Value
from ingest.sources.aws.values import flat
from ingest.sources.cloudformation.answers import Event, document

_WITHHELD = frozenset(
    {
        "Environment",
        "EnvironmentVariables",
        "UserData",
        "SecretString",
        "MasterUserPassword",
        "OriginCustomHeaders",
        "CustomHeaders",
        "ZipFile",
        "AuthToken",
        "LoginProfile",
    }
)
"""Properties whose values are the user's own and often secret, whatever their names say."""


def changed_attributes(before: str | None, event: Event, effect: str) -> list[Value]:
    """Attribute paths with before and after; empty when it is not known what it was, or nothing was asked for."""
    if effect == "created":
        return _differences({}, _flat(event.properties))
    if effect == "deleted" or before is None or not event.properties:
        return []
    return _differences(_flat(before), _flat(event.properties))


def _differences(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[Value]:
    return [
        {"path": path, "before": _side(before, path), "after": _side(after, path)}
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def _flat(properties: str) -> dict[str, Value]:
    return dict(flat(_open(cast("Value", document(properties)))))


def _open(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {k: _open(v) for k, v in value.items() if k not in _WITHHELD}
    if isinstance(value, list):
        return [_open(one) for one in value]
    # CloudFormation writes every scalar as text.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _side(values: Mapping[str, Value], path: str) -> Value:
    return {"state": "value", "value": values[path]} if path in values else {"state": "absent"}
