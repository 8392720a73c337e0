"""Tombstones: what was purged and may not come back, remembered without its content."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b

from graph.rows import RELATION, TimelineKey


class Tombstones:
    """The purged refs, fact keys and scopes as digests keyed with the store's own salt."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._salt: bytes = connection.execute("SELECT value FROM meta WHERE key='salt'").fetchone()[0]

    def any(self) -> bool:
        """Whether anything was ever purged."""
        return self._connection.execute("SELECT 1 FROM tombstone LIMIT 1").fetchone() is not None

    def hit(self, key: TimelineKey, source: str, scope: str) -> bool:
        """Whether a statement about this timeline is about something purged."""
        digests = [
            self.of_ref(key.ref),
            self.of_fact(key.fact_key),
            self.of_scope(source, scope),
            self.of_scope(source, None),
            self.of_scope(None, scope),
        ]
        if key.form == RELATION:
            digests.append(self.of_ref(key.other))
        marks = ",".join("?" * len(digests))
        found = self._connection.execute(f"SELECT 1 FROM tombstone WHERE digest IN ({marks}) LIMIT 1", digests)
        return found.fetchone() is not None

    def add(self, digests: list[bytes], purge: int) -> None:
        """Remember digests under a purge."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO tombstone VALUES (?,?)", [(digest, purge) for digest in digests]
        )

    def of_ref(self, ref: str) -> bytes:
        """Digest of everything about a ref."""
        return self._digest("r", ref)

    def of_fact(self, fact_key: str) -> bytes:
        """Digest of one fact."""
        return self._digest("f", fact_key)

    def of_scope(self, source: str | None, scope: str | None) -> bytes:
        """Digest of everything a source and scope says; None stands for any."""
        return self._digest("s", f"{_part(source)}{_part(scope)}")

    def _digest(self, sort: str, text: str) -> bytes:
        return blake2b(f"{sort}{text}".encode("utf-8", "surrogatepass"), digest_size=16, key=self._salt).digest()


def _part(text: str | None) -> str:
    return "*" if text is None else f"{len(text)}:{text}"
