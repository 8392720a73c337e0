"""Cutting the stream of facts into batches."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot

EXTRACTOR = "git/1"
BATCH_ASSERTIONS = 4_000
"""A batch is cut at the first mainline commit after this many."""


class Batches:
    """Collects facts and cuts them. Ids depend on the input, the cursor a pull began with and when."""

    def __init__(self, scope: str, began: str | None, tip: str, now: Instant) -> None:
        self.out: list[Assertion] = []
        self.quarantined: list[Quarantined] = []
        self._scope = scope
        self._seed = "\x1f".join((EXTRACTOR, scope, began or "", tip, str(now)))
        self._number = 0

    @property
    def full(self) -> bool:
        """Whether it is time to cut."""
        return len(self.out) >= BATCH_ASSERTIONS

    def quarantine(self, locator: str, reason: str) -> None:
        """Keep what could not be read."""
        self.quarantined.append(Quarantined(locator, reason))

    def cut(
        self, cursor: str | None, fresh_until: Instant | None, snapshot: Snapshot | None = None
    ) -> Iterator[FactBatch]:
        """What was collected, ending in a batch with the cursor. A commit with very many facts takes several batches.

        Only the last one moves the cursor: stopped before that, the commit is read again.
        """
        while snapshot is None and len(self.out) > 2 * BATCH_ASSERTIONS:
            part = tuple(self.out[:BATCH_ASSERTIONS])
            del self.out[:BATCH_ASSERTIONS]
            yield self._batch(part, (), None, None, None)
        part, quarantined = tuple(self.out), tuple(self.quarantined)
        self.out.clear()
        self.quarantined.clear()
        yield self._batch(part, quarantined, cursor, fresh_until, snapshot)

    def _batch(
        self,
        assertions: tuple[Assertion, ...],
        quarantined: tuple[Quarantined, ...],
        cursor: str | None,
        fresh_until: Instant | None,
        snapshot: Snapshot | None,
    ) -> FactBatch:
        digest = blake2b(f"{self._seed}\x1f{self._number}".encode("utf-8", "surrogatepass"), digest_size=16)
        self._number += 1
        return FactBatch(
            id=f"git:{digest.hexdigest()}",
            source="git",
            scope=self._scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            snapshot=snapshot,
            cursor=cursor,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )
