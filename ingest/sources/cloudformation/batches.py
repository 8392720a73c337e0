"""The cursor, and batches of stacks, resources, operations and change sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from graph.clock import Instant
from graph.model import Assertion, Fact, FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid
from ingest.sources.aws.ledger import batch_id
from ingest.sources.cloudformation.answers import Event, StackId
from ingest.sources.cloudformation.facts import Belonging, deployment, resource_history
from ingest.sources.cloudformation.operations import operations

SOURCE = "cloudformation"
EXTRACTOR = "cloudformation/1"
_BATCH = 1500


class Ledger(msgspec.Struct):
    """The cursor.

    Attributes:
        parts: sub-scope -> digest of the facts of its last complete snapshot.
        stacks: stack id -> status and times of when it was last read.
        change_sets: ids of change sets that were taken.
        pull_at: the moment of the pull that wrote this; `done` is what it has read. A pull of the same moment goes on there.
        files: digests of files that were taken in.
    """

    parts: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    stacks: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    change_sets: list[str] = msgspec.field(default_factory=list[str])
    pull_at: Instant = 0
    done: list[str] = msgspec.field(default_factory=list[str])
    files: list[str] = msgspec.field(default_factory=list[str])

    @staticmethod
    def load(cursor: str | None, scope: str) -> Ledger:
        """The ledger in a cursor. Raises `SourceDataInvalid` for one that is not of this source."""
        if cursor is None:
            return Ledger()
        try:
            return msgspec.json.decode(cursor, type=Ledger)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {scope} is not one of this source", "purge this source and scope, then read it again"
            ) from None

    def dump(self) -> str:
        """The cursor's text, the same for the same ledger."""
        return msgspec.json.encode(self, order="sorted").decode()


def cursor_batch(scope: str, ledger: Ledger, fresh_until: Instant | None = None) -> FactBatch:
    """A batch that only says where to go on, and up to when all was read."""
    cursor = ledger.dump()
    return FactBatch(
        batch_id(scope, cursor, fresh_until), SOURCE, scope, EXTRACTOR, cursor=cursor, fresh_until=fresh_until
    )


def assertion_batches(scope: str, assertions: Iterable[Assertion]) -> Iterator[FactBatch]:
    """The assertions in batches of bounded size, with ids that follow from their content."""
    once = list({(a.fact.key, a.valid_from, a.present): a for a in assertions}.values())
    for start in range(0, len(once), _BATCH):
        chunk = once[start : start + _BATCH]
        yield FactBatch(batch_id(scope, assertions=chunk), SOURCE, scope, EXTRACTOR, chunk)


def snapshot_batch(scope: str, told: Sequence[Assertion], now: Instant) -> FactBatch:
    """A complete snapshot."""
    return FactBatch(
        id=batch_id(scope, now, assertions=told),
        source=SOURCE,
        scope=scope,
        extractor=EXTRACTOR,
        assertions=told,
        snapshot=Snapshot(now, now),
    )


def quarantine_batch(scope: str, notes: Sequence[Quarantined]) -> FactBatch:
    """What could not be read."""
    return FactBatch(batch_id(scope, notes), SOURCE, scope, EXTRACTOR, quarantined=tuple(notes))


def event_batches(scope: str, stack: StackId, events: Iterable[Event], of: Belonging) -> Iterator[FactBatch]:
    """What a stack's events tell: its deployments, and since when its resources exist."""
    known: dict[str, str] = {}
    latest: dict[str, Event] = {}
    done: list[Assertion] = []
    exist: list[Assertion] = []
    for operation in operations(events):
        done.extend(deployment(operation, of, scope, known))
        exist.extend(resource_history(operation, of, scope, latest))
    yield from assertion_batches(scope, done)
    yield from assertion_batches(f"{scope}#{stack.part}", exist)


def told_at(facts: Iterable[Fact], at: Instant, observed_at: Instant, locator: str) -> list[Assertion]:
    """The facts, stated from a moment on, each once."""
    return [Assertion(fact, at, observed_at, locator) for fact in {fact.key: fact for fact in facts}.values()]
