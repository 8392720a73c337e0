"""What a setting was before a call changed it. An audit log tells what was asked for, and seldom what stood there; the last known state does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from agent.assemble import attributes
from graph.model import Properties, Value
from graph.store import ChangeView, EntityView, GraphStore, View
from graph.text import name_tokens

MOST_READS = 60
"""So many things are read as they were just before; each read is of one moment."""
_SKIPPED = frozenset(
    {"attributes", "attribute", "value", "values", "parameters", "spec", "0", "1", "s", "seconds", "in"}
)
_INDEX = re.compile(r"\d+")


def with_before(store: GraphStore, view: View, changes: Sequence[ChangeView]) -> list[ChangeView]:
    """The same `CHANGED` relations; attributes of audit events that lack a value before have the one that a state or inventory last told."""
    found: list[ChangeView] = []
    reads = 0
    for change in changes:
        if change.change.kind != "AuditEvent" or reads >= MOST_READS or not _lacks(change.properties):
            found.append(change)
            continue
        reads += 1
        then = store.entity(change.target, View(change.at - 1, view.known_at, view.audience))
        found.append(replace(change, properties=_filled(change.properties, then)) if then is not None else change)
    return found


def _lacks(properties: Properties) -> bool:
    told = attributes(properties)
    return any(a.before.state == "unknown" and a.after.state == "value" for a in told)


def _filled(properties: Properties, then: EntityView) -> Properties:
    known = _settings(then)
    listed: list[Value] = []
    for one in attributes(properties):
        before: dict[str, Value] = {"state": one.before.state, "value": cast("Value", one.before.value)}
        if one.before.state == "unknown":
            value = _like(one.path, known)
            before = {"state": "value", "value": value} if value is not None else {"state": "unknown"}
        after: dict[str, Value] = {"state": one.after.state, "value": cast("Value", one.after.value)}
        listed.append({"path": one.path, "before": before, "after": after})
    return {**properties, "attributes": listed}


def _settings(then: EntityView) -> Mapping[str, Value]:
    found: dict[str, Value] = {}
    for statement in then.statements:
        told = statement.properties.get("attributes")
        if isinstance(told, Mapping):
            found.update({str(k): v for k, v in told.items() if isinstance(v, str | int | float | bool)})
    return found


def _like(path: str, known: Mapping[str, Value]) -> Value:
    """The setting whose words all stand in the path of the call: `idle_timeout` for `attributes["idle_timeout.timeout_seconds"]`."""
    words = _words(path)
    best = max(
        ((len(own), name) for name in known if (own := _words(name)) and own <= words and len(own) * 2 >= len(words)),
        default=None,
        key=lambda x: (x[0], -len(x[1]), x[1]),
    )
    return known[best[1]] if best is not None else None


def _words(path: str) -> frozenset[str]:
    return frozenset(t for t in name_tokens(path) if t not in _SKIPPED and not _INDEX.fullmatch(t))
