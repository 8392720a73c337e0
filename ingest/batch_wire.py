"""Fact batches as bytes, for the pipe between the process that reads a source and the one that stores.

`marshal` of plain tuples takes a sixth of the time of pickling the dataclasses. Both ends are one program on one machine.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import Any, cast

from graph.model import (
    Alias,
    Assertion,
    Entity,
    EntityRef,
    Fact,
    FactBatch,
    Passage,
    Quarantined,
    Relation,
    Snapshot,
    Value,
    Withdrawal,
)


def encode(batch: FactBatch) -> bytes:
    """The batch as bytes for `decode`. Sequences in properties come back as lists or tuples, mappings as dicts."""
    head = (batch.id, batch.source, batch.scope, batch.extractor, batch.cursor, batch.fresh_until)
    snapshot = (batch.snapshot.taken_at, batch.snapshot.generation) if batch.snapshot else None
    rest = (
        [(w.fact_key, w.valid_from, w.label) for w in batch.withdrawals],
        snapshot,
        [(q.locator, q.reason) for q in batch.quarantined],
        list(batch.erased),
    )
    try:
        return marshal.dumps((head, [_row(a, a.fact) for a in batch.assertions], *rest))
    except ValueError:  # a mapping or text of some other class
        return marshal.dumps((head, [_plain_row(_row(a, a.fact)) for a in batch.assertions], *rest))


def decode(data: bytes) -> FactBatch:
    """The batch that `encode` made these bytes from."""
    # marshal's output is what `encode` wrote; its shape is known there and nowhere else.
    head, rows, withdrawals, snapshot, quarantined, erased = cast(
        "tuple[Any, Any, Any, Any, Any, Any]", marshal.loads(data)
    )
    batch_id, source, scope, extractor, cursor, fresh_until = head
    return FactBatch(
        id=batch_id,
        source=source,
        scope=scope,
        extractor=extractor,
        assertions=[_assertion(row) for row in rows],
        withdrawals=[Withdrawal(*w) for w in withdrawals],
        snapshot=Snapshot(*snapshot) if snapshot else None,
        cursor=cursor,
        fresh_until=fresh_until,
        quarantined=[Quarantined(*q) for q in quarantined],
        erased=tuple(erased),
    )


def _row(a: Assertion, fact: Fact) -> tuple[object, ...]:
    match fact:
        case Entity(entity, properties):
            body = (0, str(entity), properties)
        case Relation(kind, src, dst, properties, discriminator):
            body = (1, kind, str(src), str(dst), properties, discriminator)
        case Alias(entity, scheme, name):
            body = (2, str(entity), scheme, name)
        case Passage(entity, slot, text):
            body = (3, str(entity), slot, text)
    return body, a.valid_from, a.observed_at, a.locator, a.valid_to, a.present, a.label, a.url


def _assertion(row: tuple[Any, ...]) -> Assertion:
    body: tuple[Any, ...] = row[0]
    tag = body[0]
    fact: Fact
    if tag == 0:
        fact = Entity(EntityRef(body[1]), body[2])
    elif tag == 1:
        fact = Relation(body[1], EntityRef(body[2]), EntityRef(body[3]), body[4], body[5])
    elif tag == 2:
        fact = Alias(EntityRef(body[1]), body[2], body[3])
    else:
        fact = Passage(EntityRef(body[1]), body[2], body[3])
    return Assertion(fact, *row[1:])


def _plain_row(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(_plain(cast("Value", item)) for item in row)


def _plain(value: Value) -> Value:
    match value:
        case str():
            return str(value)
        case Mapping():
            return {str(k): _plain(v) for k, v in value.items()}
        case Sequence():
            return tuple(_plain(v) for v in value)
        case _:
            return value
