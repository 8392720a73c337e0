"""How rows, refs and index terms look in Neo4j."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from graph import schema
from graph.merge import OPEN, PRESENT, Row
from graph.rows import ALIAS, ENTITY, PASSAGE, RELATION, TimelineKey
from graph.terms import body_terms, name_terms

RELATIONSHIPS = {ENTITY: "ENTITY", ALIAS: "ALIAS", PASSAGE: "PASSAGE"}
"""The relationship from a timeline to its ref, by form; relations have SRC and DST instead."""
FORMS = {"ENTITY": ENTITY, "ALIAS": ALIAS, "PASSAGE": PASSAGE, "SRC": RELATION, "SAME_SRC": RELATION}
SAME_AS, CHANGED = "SAME_AS", "CHANGED"
JOINING = frozenset(schema.JOINING)

_LONGEST_KEY_BYTES = 4_000
_KEPT_CHARS = 900


def node_key(text: str) -> str:
    """What a node is found by: the text, or its beginning and digest where it is longer than an index takes.

    The separator stands in no text that is stored, so that no two texts share a key.
    """
    if len(text) <= _KEPT_CHARS:
        return text
    data = text.encode()
    if len(data) <= _LONGEST_KEY_BYTES:
        return text
    return f"{text[:_KEPT_CHARS]}\x1f{blake2b(data, digest_size=16).hexdigest()}"


def scope_key(source: str, scope: str) -> str:
    """What a source's scope is found by."""
    return f"{len(source)}:{node_key(source)}:{node_key(scope)}"


def timeline_id(key: TimelineKey, source: str, scope: str) -> str:
    """What a timeline is found by: a digest, since names may be longer than an index takes."""
    return blake2b(msgspec.msgpack.encode((key, source, scope)), digest_size=16).hexdigest()


def version_values(row: Row, *, with_body: bool = True) -> list[object]:
    """The row as parameters, from `valid_from` on; commonest values are left out (see `cypher`)."""
    return [
        row.valid_from,
        None if row.valid_to == OPEN else row.valid_to,
        None if row.state == PRESENT else row.state,
        row.body.decode() if with_body and row.body else None,
        row.observed_at,
        row.locator,
        row.url,
        row.extractor,
        None if row.stated_end == OPEN else row.stated_end,
        None if row.stated else False,
        row.joined or None,
    ]


def row(values: Sequence[Any]) -> Row:
    """A row from the columns `cypher.ROW`."""
    at, valid_to, state, body, observed, locator, url, extractor, stated_end, stated, joined = values
    return Row(
        at,
        OPEN if valid_to is None else valid_to,
        PRESENT if state is None else state,
        body.encode() if body else b"",
        observed,
        locator,
        url,
        extractor,
        OPEN if stated_end is None else stated_end,
        stated is None,
        joined or 0,
    )


# -- index terms


@lru_cache(maxsize=65_536)
def term(*parts: str) -> str:
    """The digest by which an index term is stored and sought. It only supplies candidates, so that it may be short."""
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def property_term(kind: str, name: str, value: str) -> str:
    """Entities of a kind that say this value (`graph.terms.value_term`) of a property."""
    return term("p", kind, name, value)


def name_term(token: str) -> str:
    """Aliases whose name holds a token."""
    return term("n", token)


def folded_term(name: str) -> str:
    """Aliases with exactly this name, case folded."""
    return term("f", name.casefold())


def timeline_terms(key: TimelineKey, rows: Sequence[Row]) -> Iterator[str]:
    """The terms a timeline is found by, of these rows of it. Repeats are possible."""
    if key.form == ENTITY:
        kind = key.ref.partition(":")[0]
        for one in rows:
            for name, value in body_terms(kind, one.body):
                yield property_term(kind, name, value)
    elif key.form == ALIAS:
        yield folded_term(key.other)
        for token in name_terms(key.other):
            yield name_term(token)
