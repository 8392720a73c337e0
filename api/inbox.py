"""The inbox of webhooks: what came in is on disk before it is acknowledged, once for each delivery id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Lock

from api.signatures import digest
from graph.clock import DAY, Instant
from ingest.webhook import Delivery

KEPT_DAYS = 14
"""How long the id of a delivery that was worked off is remembered."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
  number INTEGER PRIMARY KEY, sender TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL, event TEXT NOT NULL, headers TEXT NOT NULL,
  body BLOB, received_at INTEGER NOT NULL, state TEXT NOT NULL, problem TEXT NOT NULL DEFAULT '', UNIQUE (sender, id));
CREATE INDEX IF NOT EXISTS delivery_pending ON delivery (number) WHERE state = 'pending';
"""


class Accepted(Enum):
    """What became of a delivery that was handed in."""

    new = "new"
    known = "known"
    conflict = "conflict"


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that waits."""

    number: int
    sender: str
    delivery: Delivery


class Inbox:
    """A SQLite file; usable from any thread and from several processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")  # acknowledged is on disk
        self._connection.execute("PRAGMA secure_delete=ON")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def put(self, sender: str, delivery: Delivery) -> Accepted:
        """Keep a delivery. One whose id is known changes nothing; with another body under it, it is a conflict."""
        mark = digest(delivery.body)
        with self._writing() as connection:
            known = connection.execute(
                "SELECT digest FROM delivery WHERE sender=? AND id=?", (sender, delivery.id)
            ).fetchone()
            if known is not None:
                return Accepted.known if known[0] == mark else Accepted.conflict
            connection.execute(
                "INSERT INTO delivery (sender, id, digest, event, headers, body, received_at, state) VALUES (?,?,?,?,?,?,?,'pending')",
                (
                    sender,
                    delivery.id,
                    mark,
                    delivery.event,
                    json.dumps(dict(delivery.headers)),
                    delivery.body,
                    delivery.received_at,
                ),
            )
        return Accepted.new

    def pending(self, most: int) -> list[Pending]:
        """The oldest deliveries that wait."""
        with self._lock, closing(self._connection.cursor()) as cursor:
            rows = cursor.execute(
                "SELECT number, sender, id, event, headers, body, received_at FROM delivery WHERE state='pending' ORDER BY number LIMIT ?",
                (most,),
            ).fetchall()
        return [
            Pending(number, sender, Delivery(id_, event, body, received_at, json.loads(headers)))
            for number, sender, id_, event, headers, body, received_at in rows
        ]

    def done(self, numbers: Sequence[int]) -> None:
        """These were worked off: their bodies go, their ids stay known."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE delivery SET state='done', body=NULL WHERE number=?", [(n,) for n in numbers]
            )

    def failed(self, number: int, problem: str) -> None:
        """This one cannot be read; its body goes, the reason stays."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE delivery SET state='failed', body=NULL, problem=? WHERE number=?", (problem, number)
            )

    def forget(self, now: Instant) -> int:
        """Forget what was worked off long ago; how many."""
        with self._writing() as connection:
            return connection.execute(
                "DELETE FROM delivery WHERE state!='pending' AND received_at<?", (now - KEPT_DAYS * DAY,)
            ).rowcount

    def counts(self) -> Mapping[str, int]:
        """How many deliveries are in which state."""
        with self._lock:
            return dict(self._connection.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall())

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
