"""Runs in a SQLite file: what is asked, how far it is, and every event of it. It outlives the request and the process."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal, TypeAlias

import msgspec

from graph.clock import Instant

State: TypeAlias = Literal["queued", "running", "done", "failed"]
ENDED = frozenset({"done", "failed"})
KEPT_RUNS = 10_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, caller TEXT NOT NULL, audience TEXT NOT NULL, request TEXT NOT NULL,
  idempotency TEXT, fingerprint TEXT, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, ended_at INTEGER,
  investigation TEXT, result TEXT, problem TEXT NOT NULL DEFAULT '', UNIQUE (caller, idempotency));
CREATE INDEX IF NOT EXISTS run_open ON run (number) WHERE state IN ('queued', 'running');
CREATE TABLE IF NOT EXISTS event (
  run TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alert_run (
  alert TEXT PRIMARY KEY, run TEXT, storm TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, target TEXT NOT NULL DEFAULT '');
"""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be investigated. `at` is microseconds since the epoch."""

    symptom: str
    at: int
    environment: str = ""
    window_s: int = 7 * 86_400
    steps: int = 24
    seconds: float = 20.0
    confidence: float = 0.8
    memory: bool = True
    sync: bool = False
    model: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is now. `result` is the JSON of `lore.investigation/1`."""

    number: int
    id: str
    caller: str
    audience: frozenset[str]
    request: Request
    state: State
    attempts: int
    created_at: Instant
    ended_at: Instant | None
    investigation: str | None
    result: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something a run tells: `state`, `step`, `provisional`, `final` or `failed`; numbered from 1. `data` is JSON in one line."""

    number: int
    kind: str
    data: str


class QueueFull(Exception):
    """So much waits that no more is taken."""


class Conflict(Exception):
    """The idempotency key came with another request."""


_COLUMNS = (
    "number, id, caller, audience, request, state, attempts, created_at, ended_at, investigation, result, problem"
)


class RunStore:
    """The runs of one server, from any thread. Beside them `alert_run`, which `api.alert_rules` writes in the same transactions.

    Args:
        most_open: how many may wait or run.
    """

    def __init__(self, path: Path, now: Callable[[], Instant], most_open: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._now = now
        self._most_open = most_open
        self._lock = Lock()
        self.connection = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing
        self.connection.executescript(_SCHEMA)

    def close(self) -> None:
        """End; whoever still writes is waited for."""
        with self._lock:
            self.connection.close()

    # -- asking

    def add(
        self,
        request: Request,
        caller: str,
        audience: frozenset[str],
        *,
        idempotency: str | None = None,
        fingerprint: str = "",
    ) -> tuple[Run, bool]:
        """Take a run in; whether it is new. The same idempotency key of the same caller is the same run.

        Args:
            fingerprint: what was asked, as it came in: with the same key it must be the same.

        Raises:
            QueueFull: too many wait.
            Conflict: the key is known with another request.
        """
        encoded = msgspec.json.encode(request).decode()
        labels = msgspec.json.encode(sorted(audience)).decode()
        identifier = f"run_{secrets.token_hex(12)}"
        key = None if idempotency is None else hashlib.sha256(idempotency.encode("utf-8", "replace")).hexdigest()
        with self.writing() as connection:
            if key is not None:
                known = connection.execute(
                    f"SELECT fingerprint, {_COLUMNS} FROM run WHERE caller=? AND idempotency=?", (caller, key)
                ).fetchone()
                if known is not None:
                    if known[0] != fingerprint:
                        raise Conflict
                    return _run(known[1:]), False
            open_ = connection.execute("SELECT count(*) FROM run WHERE state IN ('queued', 'running')").fetchone()[0]
            if open_ >= self._most_open:
                raise QueueFull
            connection.execute(
                "INSERT INTO run (id, caller, audience, request, idempotency, fingerprint, state, created_at) VALUES (?,?,?,?,?,?,'queued',?)",
                (identifier, caller, labels, encoded, key, fingerprint, self._now()),
            )
            self._forget(connection)
            run = _run(connection.execute(f"SELECT {_COLUMNS} FROM run WHERE id=?", (identifier,)).fetchone())
        return run, True

    def get(self, identifier: str) -> Run | None:
        """A run as it is now."""
        with self._lock:
            try:
                row = self.connection.execute(f"SELECT {_COLUMNS} FROM run WHERE id=?", (identifier,)).fetchone()
            except UnicodeEncodeError:
                return None
        return None if row is None else _run(row)

    def newest(self, audience: frozenset[str], before: int | None, most: int) -> list[Run]:
        """Runs that this audience may read, newest first, those numbered below `before`."""
        found: list[Run] = []
        while len(found) < most:
            with self._lock:
                rows = self.connection.execute(
                    f"SELECT {_COLUMNS} FROM run WHERE ?1 IS NULL OR number<?1 ORDER BY number DESC LIMIT 200",
                    (before,),
                ).fetchall()
            if not rows:
                break
            runs = [_run(row) for row in rows]
            found += [run for run in runs if run.audience <= audience]
            before = runs[-1].number
        return found[:most]

    def events(self, identifier: str, after: int) -> list[Event]:
        """The events of a run whose number is above."""
        with self._lock:
            rows = self.connection.execute(
                "SELECT number, kind, data FROM event WHERE run=? AND number>? ORDER BY number", (identifier, after)
            ).fetchall()
        return [Event(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many runs are in which state."""
        with self._lock:
            return dict(self.connection.execute("SELECT state, count(*) FROM run GROUP BY state").fetchall())

    # -- running

    def attempted(self, attempts: int) -> list[str]:
        """Runs that were begun so often and that no process ended."""
        with self.writing() as connection:
            rows = connection.execute(
                "SELECT id FROM run WHERE state='running' AND attempts>=?", (attempts,)
            ).fetchall()
        return [identifier for (identifier,) in rows]

    def requeue(self) -> list[str]:
        """What an earlier process left running waits again; all that wait, the oldest first."""
        with self.writing() as connection:
            connection.execute("UPDATE run SET state='queued' WHERE state='running'")
            rows = connection.execute("SELECT id FROM run WHERE state='queued' ORDER BY number").fetchall()
        return [identifier for (identifier,) in rows]

    def begin(self, identifier: str) -> Run | None:
        """A run that waited, now running; None when it does not wait."""
        with self.writing() as connection:
            taken = connection.execute(
                "UPDATE run SET state='running', attempts=attempts+1 WHERE id=? AND state='queued'", (identifier,)
            ).rowcount
        return self.get(identifier) if taken else None

    def tell(self, identifier: str, number: int, kind: str, data: str) -> None:
        """Write an event down."""
        with self.writing() as connection:
            connection.execute("INSERT INTO event VALUES (?,?,?,?)", (identifier, number, kind, data))

    def end(
        self, identifier: str, state: State, *, investigation: str = "", result: str = "", problem: str = ""
    ) -> None:
        """The end and its event, both or neither."""
        data = result or msgspec.json.encode({"state": state, "problem": problem}).decode()
        with self.writing() as connection:
            connection.execute(
                "UPDATE run SET state=?, investigation=?, result=?, problem=?, ended_at=? WHERE id=?",
                (state, investigation or None, result or None, problem, self._now(), identifier),
            )
            connection.execute(
                "INSERT INTO event SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM event WHERE run=?1",
                (identifier, "final" if state == "done" else "failed", data),
            )

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """The connection in a write transaction."""
        with self._lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Forget the oldest that ended, beyond `KEPT_RUNS`."""
        gone: Sequence[tuple[int, str]] = connection.execute(
            "SELECT number, id FROM run WHERE number<=(SELECT max(number) FROM run)-? AND state IN ('done', 'failed') LIMIT 100",
            (KEPT_RUNS,),
        ).fetchall()
        connection.executemany("DELETE FROM run WHERE number=?", [(number,) for number, _ in gone])
        connection.executemany("DELETE FROM event WHERE run=?", [(identifier,) for _, identifier in gone])


def _run(row: tuple[object, ...]) -> Run:
    number, identifier, caller, audience, request, state, attempts, created, ended, investigation, result, problem = row
    return msgspec.convert(
        {
            "number": number,
            "id": identifier,
            "caller": caller,
            "audience": frozenset(msgspec.json.decode(str(audience), type=list[str])),
            "request": msgspec.json.decode(str(request), type=Request),
            "state": state,
            "attempts": attempts,
            "created_at": created,
            "ended_at": ended,
            "investigation": investigation,
            "result": result,
            "problem": problem,
        },
        Run,
    )
