"""Objects of an API as structs, forgiving about null: a field that is null where a text is expected counts as missing."""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

_T = TypeVar("_T")


def convert(item: object, shape: type[_T]) -> _T:
    """The item as a struct. Raises `msgspec.ValidationError`."""
    try:
        return msgspec.convert(item, shape)
    except msgspec.ValidationError:
        return msgspec.convert(_without_nulls(item), shape)


def decode(body: bytes, shape: type[_T]) -> _T:
    """JSON text as a struct. Raises `msgspec.DecodeError`, of which `ValidationError` is one kind."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        return msgspec.convert(_without_nulls(msgspec.json.decode(body)), shape)


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {k: _without_nulls(v) for k, v in items if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in cast("list[object]", value)]
    return value
