"""Facts of many records into batches of a good size, each with the cursor to go on from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined
from ingest.sources.cloudtrail.facts import Stated
from ingest.sources.cloudtrail.ledger import Ledger

EXTRACTOR = "cloudtrail/1"
_FULL = 1_500
"""Assertions at which a batch goes out with the cursor, when a file ends."""
_OVERFULL = 2_000
"""Assertions at which a batch goes out without one, in the middle of a file."""


class Collected:
    """What was read and is not delivered yet."""

    def __init__(self, scope: str, cursor: str | None) -> None:
        self._scope = scope
        self._cursor = cursor
        self._assertions: list[Assertion] = []
        self._lasting: dict[str, Assertion] = {}
        self._broken: list[Quarantined] = []

    def add(self, stated: Iterable[Stated]) -> None:
        """Take in the facts of a record. Of a lasting one the earliest statement is enough: it says the same each time."""
        for one in stated:
            if not one.lasting:
                self._assertions.append(one.assertion)
                continue
            key = one.assertion.fact.key
            known = self._lasting.get(key)
            if known is None or _before(one.assertion, known):
                self._lasting[key] = one.assertion

    def broken(self, item: Quarantined) -> None:
        """Take in what could not be read."""
        self._broken.append(item)

    def overfull(self) -> Iterator[FactBatch]:
        """A batch without a cursor when there is too much for one."""
        if len(self._assertions) + len(self._lasting) >= _OVERFULL:
            yield self._batch(None)

    def full(self, ledger: Ledger) -> Iterator[FactBatch]:
        """A batch with the cursor when there is enough for one. Everything in the ledger is then delivered."""
        if len(self._assertions) + len(self._lasting) >= _FULL:
            yield self._batch(ledger.dump())

    def last(self, ledger: Ledger, fresh_until: Instant | None) -> Iterator[FactBatch]:
        """What is left, the cursor, and how far the source has been read: None when that is not known, because something failed."""
        cursor = ledger.dump()
        # After a failure nothing is delivered for its own sake: whoever applies batches takes each for progress.
        if fresh_until is not None or self._assertions or self._lasting or self._broken or cursor != self._cursor:
            yield self._batch(cursor, fresh_until)

    def _batch(self, cursor: str | None, fresh_until: Instant | None = None) -> FactBatch:
        assertions = (*self._assertions, *self._lasting.values())
        quarantined = tuple(self._broken)
        self._assertions, self._lasting, self._broken = [], {}, []
        self._cursor = cursor or self._cursor
        return FactBatch(
            id=_batch_id(self._scope, cursor, fresh_until, quarantined, assertions=assertions),
            source="cloudtrail",
            scope=self._scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            cursor=cursor,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )


def _before(one: Assertion, other: Assertion) -> bool:
    """Whether a statement is the one that a store would keep as the first: at one moment the greater locator wins there."""
    return one.valid_from < other.valid_from or (one.valid_from == other.valid_from and one.locator > other.locator)


def _batch_id(*parts: object, assertions: Sequence[Assertion]) -> str:
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16)
    for assertion in assertions:
        digest.update(repr(assertion).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
