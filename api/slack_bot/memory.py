"""What the bot remembers on disk: what came in, threads it answered in, what its buttons offered, what was learned by a click.

A delivery is written down before it is acknowledged, once for each of its ids: what comes again changes nothing, and what was not worked off when
the process died is taken up again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from threading import Lock

import msgspec

from agent.conversation import Choice, Turn
from graph.clock import DAY, SECOND, Instant

KEPT: Instant = 30 * DAY
_AGAIN_WITHIN: Instant = 15 * 60 * SECOND
"""What waited longer than this is not answered any more: nobody waits for it."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS came (id TEXT PRIMARY KEY, body BLOB NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS came_pending ON came (at) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS thread (channel TEXT NOT NULL, ts TEXT NOT NULL, audience TEXT NOT NULL, turns BLOB NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (channel, ts));
CREATE TABLE IF NOT EXISTS offer (token TEXT PRIMARY KEY, channel TEXT NOT NULL, ts TEXT NOT NULL, body BLOB NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS learned (investigation TEXT PRIMARY KEY, learning TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """What buttons offered in one place: questions to ask, or the investigation they are about."""

    channel: str
    ts: str
    choices: tuple[Choice, ...]


class Memory:
    """A SQLite file; usable from any thread and from several processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA secure_delete=ON")
        self._connection.executescript(_SCHEMA)
        path.chmod(0o600)  # questions and names of what was answered

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    # -- deliveries

    def take(self, ids: Sequence[str], body: bytes, now: Instant) -> bool:
        """Write a delivery down under all its ids; False when one of them came before. The first id is that to finish it by."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            known = self._connection.execute(
                f"SELECT 1 FROM came WHERE id IN ({','.join('?' * len(ids))})", tuple(ids)
            ).fetchone()
            if known is None:
                self._connection.executemany(
                    "INSERT INTO came VALUES (?, ?, ?, ?)",
                    [(i, body if not n else b"", now, "done" if n else "pending") for n, i in enumerate(ids)],
                )
            return known is None

    def finish(self, id_: str) -> None:
        """It was worked off; its words are not kept."""
        with self._lock, self._connection:
            self._connection.execute("UPDATE came SET state = 'done', body = x'' WHERE id = ?", (id_,))

    def waiting(self, now: Instant) -> list[tuple[str, bytes]]:
        """What was taken and not worked off, oldest first, as far as somebody may still wait for it."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, body FROM came WHERE state = 'pending' AND at >= ? ORDER BY at, id", (now - _AGAIN_WITHIN,)
            )
            return [(str(i), bytes(b)) for i, b in rows.fetchall()]

    def forget(self, now: Instant) -> None:
        """Drop what is older than a month."""
        with self._lock, self._connection:
            for table in ("came", "thread", "offer"):
                self._connection.execute(f"DELETE FROM {table} WHERE at < ?", (now - KEPT,))

    # -- threads

    def knows(self, channel: str, ts: str) -> bool:
        """Whether the bot answered in this thread."""
        with self._lock:
            found = self._connection.execute("SELECT 1 FROM thread WHERE channel = ? AND ts = ?", (channel, ts))
            return found.fetchone() is not None

    def turns(self, channel: str, ts: str, audience: frozenset[str], since: Instant = 0) -> list[Turn]:
        """The turns of a thread; none when they were answered for readers who held a label that is not held now."""
        with self._lock:
            row = self._connection.execute(
                "SELECT audience, turns FROM thread WHERE channel = ? AND ts = ? AND at >= ?", (channel, ts, since)
            ).fetchone()
        if row is None or not frozenset(str(row[0]).split()) <= audience:
            return []
        try:
            return msgspec.json.decode(bytes(row[1]), type=list[Turn])
        except msgspec.DecodeError:
            return []

    def keep(self, channel: str, ts: str, audience: frozenset[str], turns: Sequence[Turn], now: Instant) -> None:
        """Remember the turns of a thread."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO thread VALUES (?, ?, ?, ?, ?) ON CONFLICT (channel, ts) DO UPDATE SET audience = excluded.audience, "
                "turns = excluded.turns, at = excluded.at",
                (channel, ts, " ".join(sorted(audience)), msgspec.json.encode(list(turns)), now),
            )

    # -- buttons

    def offer(self, channel: str, ts: str, choices: Sequence[Choice], now: Instant) -> str:
        """Remember what buttons offer; the token that they carry."""
        token = token_hex(8)
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO offer VALUES (?, ?, ?, ?, ?)",
                (token, channel, ts, msgspec.json.encode(tuple(choices)), now),
            )
        return token

    def offered(self, token: str) -> Offer | None:
        """What the buttons with this token offered."""
        with self._lock:
            row = self._connection.execute("SELECT channel, ts, body FROM offer WHERE token = ?", (token,)).fetchone()
        if row is None:
            return None
        return Offer(str(row[0]), str(row[1]), msgspec.json.decode(bytes(row[2]), type=tuple[Choice, ...]))

    def learn(self, investigation: str, learning: str, by: str, now: Instant) -> None:
        """Remember which learning a click made."""
        with self._lock, self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO learned VALUES (?, ?, ?, ?)", (investigation, learning, by, now)
            )

    def learned(self, investigation: str) -> str:
        """The learning that a click made of this investigation; empty when none did."""
        with self._lock:
            row = self._connection.execute(
                "SELECT learning FROM learned WHERE investigation = ?", (investigation,)
            ).fetchone()
        return str(row[0]) if row is not None else ""

    def unlearn(self, investigation: str) -> None:
        """The learning was taken back."""
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM learned WHERE investigation = ?", (investigation,))
