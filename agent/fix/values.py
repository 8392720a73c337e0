"""When two values are the same for Terraform, and when one says nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import msgspec

from agent.fix.model import Absent
from agent.fix.syntax import scalar
from graph.model import Value


def gone(want: Value | Absent) -> bool:
    """Whether an attribute is to have no value."""
    return want is None or isinstance(want, Absent)


def empty(value: Value | Absent) -> bool:
    """Whether not writing a value says as much, for the attributes of blocks."""
    return gone(value) or value is False or value in ("", [], {}, ())


def is_list(value: Value | Absent) -> TypeGuard[Sequence[Value]]:
    """Whether it is a list."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def same(one: Value, two: Value) -> bool:
    """Whether Terraform takes two values for the same: a number in quotes is the number."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two or {str(one).lower(), str(two).lower()} in ({"true"}, {"false"})
    if isinstance(one, (int, float)) and isinstance(two, (int, float)):
        return float(one) == float(two)
    if isinstance(one, (int, float, str)) and isinstance(two, (int, float, str)):
        return _unquote(one) == _unquote(two)
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if is_list(one) and is_list(two):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return one is None and two is None


def _unquote(value: Value) -> str | None:
    return value if isinstance(value, str) else scalar(value)


def loosely(one: Value, two: Value) -> bool:
    """Whether two values are the same when lists count as sets."""
    if is_list(one) and is_list(two):
        left = list(two)
        for item in one:
            match = next((n for n, other in enumerate(left) if loosely(item, other)), None)
            if match is None:
                return False
            left.pop(match)
        return not left
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(loosely(one[k], two[k]) for k in one)
    return same(one, two)


def canonical(value: Value) -> str:
    """A text that two values share when Terraform takes them for the same."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(k)}:{canonical(v)}" for k, v in sorted(value.items())) + "}"
    if is_list(value):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if value is None:
        return "null"
    return json.dumps(value if isinstance(value, str) else scalar(value))


def decoded(text: str) -> Value:
    """The object or list that a JSON text holds; None for other texts."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found: Value = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return None
    return found
