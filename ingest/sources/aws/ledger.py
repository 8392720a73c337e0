"""What the aws source remembers between pulls: its cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec

from graph.clock import Instant
from graph.model import Assertion, Fact, Quarantined
from ingest.source import SourceDataInvalid


class Ledger(msgspec.Struct):
    """The cursor.

    Attributes:
        parts: sub-scope -> digest of the facts that its last complete snapshot held.
        pull_at: the moment of the pull that wrote this; `done` are the sub-scopes that it has read. A pull of the same moment goes on there.
        files: digests of AWS Config files that were taken in.
        history: region and resource type -> capture time of the newest item taken from the live recorder.
    """

    parts: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    pull_at: Instant = 0
    done: list[str] = msgspec.field(default_factory=list[str])
    files: list[str] = msgspec.field(default_factory=list[str])
    history: dict[str, Instant] = msgspec.field(default_factory=dict[str, Instant])

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


def facts_digest(facts: Iterable[Fact], notes: Sequence[Quarantined] = ()) -> str:
    """Equal for equal facts and notes."""
    digest = blake2b(repr(notes).encode(), digest_size=10)
    for fact in facts:
        digest.update(repr(fact).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def batch_id(*parts: object, assertions: Sequence[Assertion] = ()) -> str:
    """An id that is equal exactly when what it stands for is."""
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16)
    for assertion in assertions:
        digest.update(repr(assertion).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
