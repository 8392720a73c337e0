"""Index terms: by which exact words entities, names and passages are found. Candidates only; every hit is read again in its view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import cast

import msgspec

from graph.model import Value
from graph.rows import encode_value
from graph.schema import INDEXED
from graph.text import name_tokens

MAX_TERM_CHARS = 256
"""Longer terms are cut. That only adds candidates."""


def body_terms(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """(property, term) for each indexed property in the canonical body of a statement about an entity of this kind."""
    decoder = _indexed_part(kind)
    if decoder is None or body in (b"", b"{}"):
        return
    part = decoder.decode(body)
    for name in part.__struct_fields__:
        raw = cast(object, getattr(part, name))
        if isinstance(raw, msgspec.Raw):
            yield name, bytes(raw).decode()[:MAX_TERM_CHARS]


def value_term(value: Value) -> str:
    """The term of a property's value: its canonical JSON, cut."""
    return encode_value(value).decode()[:MAX_TERM_CHARS]


@cache
def _indexed_part(kind: str) -> msgspec.json.Decoder[msgspec.Struct] | None:
    """Reads only the indexed properties, each as the bytes it has in the body."""
    names = sorted(INDEXED.get(kind, ()))
    if not names:
        return None
    fields = [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in names]
    return msgspec.json.Decoder(msgspec.defstruct(kind, fields))


def name_terms(name: str) -> set[str]:
    """The tokens a name is found by."""
    return set(name_tokens(name))


def check_indexed(kind: str, names: Iterable[str]) -> None:
    """Raise `ValueError` for a property that the schema does not index for this kind."""
    indexed = INDEXED.get(kind, frozenset[str]())
    for name in names:
        if name not in indexed:
            raise ValueError(f"{kind}.{name} is not indexed; indexed are: {', '.join(sorted(indexed)) or 'none'}")
