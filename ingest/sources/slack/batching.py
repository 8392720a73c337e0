"""Batches whose ids follow from what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot, Withdrawal
from ingest.sources.slack.workspace import EXTRACTOR, SYSTEM

BATCH_ASSERTIONS = 1_800
"""A batch is cut at the first message after this many."""


def fact_batch(
    scope: str,
    assertions: Sequence[Assertion] = (),
    *,
    withdrawals: Sequence[Withdrawal] = (),
    quarantined: Sequence[Quarantined] = (),
    erased: Sequence[str] = (),
    snapshot: Snapshot | None = None,
    cursor: str | None = None,
    fresh_until: Instant | None = None,
) -> FactBatch:
    """A batch. `fresh_until` is part of its id only where it has no facts, so that an event that comes twice is known again."""
    moves = None if assertions or erased else fresh_until
    digest = blake2b(digest_size=16)
    for part in (scope, EXTRACTOR, cursor, moves, snapshot, *withdrawals, *erased, *quarantined, *assertions):
        digest.update(repr(part).encode("utf-8", "surrogatepass") + b"\x1f")
    return FactBatch(
        id=f"slack:{digest.hexdigest()}",
        source=SYSTEM,
        scope=scope,
        extractor=EXTRACTOR,
        assertions=tuple(assertions),
        withdrawals=tuple(withdrawals),
        snapshot=snapshot,
        cursor=cursor,
        fresh_until=fresh_until,
        quarantined=tuple(quarantined),
        erased=tuple(erased),
    )


def chunks(assertions: Sequence[Assertion]) -> Iterator[Sequence[Assertion]]:
    """Up to `BATCH_ASSERTIONS` at a time; nothing for nothing."""
    for at in range(0, len(assertions), BATCH_ASSERTIONS):
        yield assertions[at : at + BATCH_ASSERTIONS]
