"""The documented `lore.answer/1`, as a checker. Fields may be added; none of these may be missing or of another type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

TEXT, FLAG, WHOLE, NUMBER, ANYTHING = "text", "flag", "whole", "number", "anything"
Shape: TypeAlias = "str | frozenset[str] | OrNull | Mapping[str, Shape] | Sequence[Shape]"


@dataclass(frozen=True, slots=True)
class OrNull:
    """This, or null."""

    shape: Shape


CITED: Shape = [TEXT]
TIME = "time"
MATCH: Shape = {"ref": TEXT, "label": TEXT, "locator": TEXT, "confidence": NUMBER}
SIDE: Shape = {"state": frozenset({"value", "absent", "redacted", "unknown"}), "value": ANYTHING}
CHANGE: Shape = {
    "change": {"kind": TEXT, "id": TEXT, "repository": TEXT},
    "at": TIME,
    "at_means": frozenset({"merged", "applied", "deployed", "authored", "happened"}),
    "reached": [
        {
            "environment": TEXT,
            "earliest": OrNull(TIME),
            "latest": OrNull(TIME),
            "basis": frozenset({"applied", "deployed", "merged", "unknown"}),
        }
    ],
    "by": {"name": TEXT, "accounts": [TEXT]},
    "approved_by": [TEXT],
    "pull_request": OrNull({"number": WHOLE, "title": TEXT, "url": OrNull(TEXT)}),
    "title": TEXT,
    "effect": frozenset({"created", "updated", "deleted", "moved", "format_only"}),
    "attributes": [{"path": TEXT, "before": SIDE, "after": SIDE}],
    "why": [{"text": TEXT, "citation": TEXT}],
    "citations": CITED,
}
ANSWER: Shape = {
    "schema": frozenset({"lore.answer/1"}),
    "question": TEXT,
    "kind": TEXT,
    "as_of": OrNull(TIME),
    "known_at": OrNull(ANYTHING),
    "status": frozenset({"answered", "ambiguous", "not_found", "refused"}),
    "resolved": [MATCH],
    "candidates": [MATCH],
    "changes": [CHANGE],
    "entities": [{"ref": TEXT, "kind": TEXT, "label": TEXT, "properties": ANYTHING, "citations": CITED}],
    "relations": [{"type": TEXT, "from": TEXT, "to": TEXT, "citations": CITED}],
    "truncated": FLAG,
    "text": TEXT,
    "facts": [{"statement": TEXT, "citations": CITED}],
    "citations": [{"id": TEXT, "source": TEXT, "locator": TEXT, "url": OrNull(TEXT), "observed_at": TIME}],
    "confidence": NUMBER,
    "missing": [TEXT],
    "usage": {"llm_calls": WHOLE, "tokens": WHOLE, "elapsed_s": NUMBER},
}


def faults(found: object, shape: Shape = ANSWER, at: str = "$") -> list[str]:
    """Where the document differs from the shape; empty when it does not."""
    if isinstance(shape, OrNull):
        return [] if found is None else faults(found, shape.shape, at)
    if isinstance(shape, frozenset):
        return [] if isinstance(found, str) and found in shape else [f"{at}: {found!r} is none of {sorted(shape)}"]
    if isinstance(shape, str):
        return [] if _is(found, shape) else [f"{at}: {found!r} is no {shape}"]
    if isinstance(shape, Mapping):
        if not isinstance(found, dict):
            return [f"{at}: no object"]
        fields = cast("dict[str, object]", found)
        missing = [f"{at}: {name} is missing" for name in shape if name not in fields]
        return missing + [
            fault
            for name, one in shape.items()
            if name in fields
            for fault in faults(fields[name], one, f"{at}.{name}")
        ]
    if not isinstance(found, list):
        return [f"{at}: no array"]
    rows = cast("list[object]", found)
    return [fault for number, row in enumerate(rows) for fault in faults(row, shape[0], f"{at}[{number}]")]


def _is(found: object, kind: str) -> bool:
    if kind == ANYTHING:
        return True
    if kind == TIME:
        return isinstance(found, str) and found.endswith("Z") and found[10:11] == "T"
    if kind == NUMBER:
        return isinstance(found, (int, float)) and not isinstance(found, bool)
    if kind == WHOLE:
        return isinstance(found, int) and not isinstance(found, bool)
    return isinstance(found, bool if kind == FLAG else str)
