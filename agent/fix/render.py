"""Values and blocks as text, formatted as fmt would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.fix.syntax import is_name, quoted, scalar
from graph.model import Value

_LINE = 100


def nested(type: str, values: Mapping[str, Value], indent: bytes, newline: bytes) -> bytes:
    """A whole block as lines, formatted."""
    return indent + type.encode() + b" {" + newline + body(values, indent + b"  ", newline) + indent + b"}" + newline


def body(values: Mapping[str, Value], indent: bytes, newline: bytes) -> bytes:
    """The inside of a block as lines, formatted: attributes first, then lists of maps as blocks."""
    plain = {k: v for k, v in values.items() if not is_blocks(v)}
    out = _members(plain, indent, newline, {k: k for k in plain})
    for key, value in values.items():
        if isinstance(value, Sequence) and key not in plain:
            for item in value:
                if isinstance(item, Mapping):
                    out += (newline if out else b"") + nested(key, item, indent, newline)
    return out


def is_blocks(value: Value) -> bool:
    """Whether it is a list of maps, which is how state tells nested blocks."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(v, Mapping) for v in value)
    )


def rendered(value: Value, indent: bytes, newline: bytes) -> bytes:
    """A value as fmt would have it, its first line without indentation."""
    plain = scalar(value)
    if plain is not None:
        return plain.encode()
    inner = indent + b"  "
    if isinstance(value, Mapping):
        if not value:
            return b"{}"
        names = {k: k if is_name(k) else quoted(k) for k in value}
        return b"{" + newline + _members(value, inner, newline, names) + indent + b"}"
    assert isinstance(value, Sequence)
    items = [rendered(v, inner, newline) for v in value]
    if sum(len(i) + 2 for i in items) <= _LINE - len(indent) and not any(b"\n" in i for i in items):
        return b"[" + b", ".join(items) + b"]"
    return b"[" + newline + b"".join(inner + i + b"," + newline for i in items) + indent + b"]"


def _members(values: Mapping[str, Value], indent: bytes, newline: bytes, names: Mapping[str, str]) -> bytes:
    texts = {k: rendered(v, indent, newline) for k, v in values.items()}
    out = b""
    row: list[str] = []
    for key in [*texts, None]:
        if key is not None and b"\n" not in texts[key]:
            row.append(key)
            continue
        width = max((len(names[k]) for k in row), default=0)
        out += b"".join(indent + names[k].ljust(width).encode() + b" = " + texts[k] + newline for k in row)
        row = []
        if key is not None:
            out += indent + names[key].encode() + b" = " + texts[key] + newline
    return out
