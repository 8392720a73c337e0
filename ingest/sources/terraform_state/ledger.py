"""What the source remembers between pulls: its cursor."""

from __future__ import annotations

import msgspec

from graph.clock import Instant


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A file or object version that was read: which state it held."""

    lineage: str
    workspace: str
    serial: int
    digest: str


class Known(msgspec.Struct, frozen=True, array_like=True):
    """The newest version taken of one lineage and workspace.

    Attributes:
        shape: digest of the settings and of the extractor that shaped its facts; when it differs now, they are told again.
        key: tells whether `prints` were made with the present key.
        prints: see `facts.Fingerprints`.
    """

    serial: int
    taken_at: Instant
    digest: str
    shape: str
    key: str
    prints: dict[str, str]


class Ledger(msgspec.Struct):
    """The cursor's content.

    Attributes:
        places: place -> lineage that was accepted there.
        seen: path and version (or content) -> what was found there; only what the last listing held.
        states: `workspace\\x1flineage` -> newest version taken.
        notes: id of the batch that last told what was left out.
    """

    places: dict[str, str] = {}
    seen: dict[str, Seen] = {}
    states: dict[str, Known] = {}
    notes: str = ""

    @classmethod
    def load(cls, cursor: str | None) -> Ledger:
        """The ledger of a cursor; an empty one for none. Raises `msgspec.DecodeError` when it is no cursor of this source."""
        return msgspec.json.decode(cursor, type=Ledger) if cursor else Ledger()

    def dump(self) -> str:
        """The cursor; equal ledgers give equal texts."""
        return msgspec.json.encode(self, order="sorted").decode()
