"""Batches whose ids follow from their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot

BATCH_ASSERTIONS = 1_800
"""A batch is cut at the first record after this many."""


def content_batch(
    source: str,
    scope: str,
    extractor: str,
    assertions: Sequence[Assertion] = (),
    *,
    quarantined: Sequence[Quarantined] = (),
    snapshot: Snapshot | None = None,
    cursor: str | None = None,
    fresh_until: Instant | None = None,
    salt: str = "",
) -> FactBatch:
    """A batch; its id is equal exactly when its content and `salt` are.

    `fresh_until` takes no part when there are facts and no cursor (a webhook), so that a second delivery is known again.
    """
    moves = fresh_until if cursor is not None or not assertions else None
    digest = blake2b(digest_size=16)
    for part in (source, scope, extractor, salt, repr(cursor), repr(moves), repr(snapshot)):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\x1f")
    for item in (*assertions, *quarantined):
        digest.update(repr(item).encode("utf-8", "surrogatepass") + b"\x1f")
    return FactBatch(
        id=f"{source}:{digest.hexdigest()}",
        source=source,
        scope=scope,
        extractor=extractor,
        assertions=tuple(assertions),
        snapshot=snapshot,
        cursor=cursor,
        fresh_until=fresh_until,
        quarantined=tuple(quarantined),
    )


def chunks(groups: Sequence[Sequence[Assertion]]) -> Iterator[list[Assertion]]:
    """Groups of facts that belong together, put together up to `BATCH_ASSERTIONS`; none when there are none."""
    chunk: list[Assertion] = []
    for group in groups:
        if chunk and len(chunk) + len(group) > BATCH_ASSERTIONS:
            yield chunk
            chunk = []
        chunk.extend(group)
    if chunk:
        yield chunk
