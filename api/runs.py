"""Investigations that outlive the request and the process: what is asked, how far it is and every event of it stand in a SQLite file.

A run that was under way when the server died is run again when it starts. What was told already is not told again: events are numbered, and
a run tells the same steps in the same order, so that those with a known number are skipped.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Literal, TypeAlias

import msgspec

from api.problems import told
from graph.clock import Instant

_LOG = logging.getLogger("lore.runs")
State: TypeAlias = Literal["queued", "running", "done", "failed"]
ENDED = frozenset({"done", "failed"})
MOST_ATTEMPTS = 3
"""A run that took the server down with it so many times is given up."""
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


Tell = Callable[[str, str], None]
"""Tells an event: its kind and its data."""
Work = Callable[[Run, Tell], tuple[str, str]]
"""Runs one: the investigation's id and its JSON."""
_COLUMNS = (
    "number, id, caller, audience, request, state, attempts, created_at, ended_at, investigation, result, problem"
)


class Runs:
    """The runs of one server, over a SQLite file in its data directory.

    Args:
        work: does a run, telling as it goes.
        at_once, waiting: how many run, and how many more are taken.
        on_end: is told of each run that ended, in the thread that ran it.
    """

    def __init__(
        self,
        path: Path,
        work: Work,
        now: Callable[[], Instant],
        *,
        at_once: int = 2,
        waiting: int = 200,
        on_end: Callable[[Run], None] | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._work = work
        self._now = now
        self._at_once = at_once
        self._waiting = waiting
        self._on_end = on_end
        self._lock = Lock()
        self._listeners: dict[str, set[Listener]] = {}
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._stopping = False
        self.connection = sqlite3.connect(path, check_same_thread=False, timeout=30, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")  # a killed process loses nothing
        self.connection.executescript(_SCHEMA)

    # -- lifetime

    def start(self) -> None:
        """Begin to work; what an earlier process left unfinished first."""
        with self.writing() as connection:
            tired = connection.execute(
                "SELECT id FROM run WHERE state='running' AND attempts>=?", (MOST_ATTEMPTS,)
            ).fetchall()
        for (identifier,) in tired:
            self._end(identifier, "failed", problem="the server ended each time that it ran this")
        with self.writing() as connection:
            connection.execute("UPDATE run SET state='queued' WHERE state='running'")
            left = connection.execute("SELECT id FROM run WHERE state='queued' ORDER BY number").fetchall()
        for (identifier,) in left:
            self._queue.put(identifier)
        self._threads = [Thread(target=self._run_all, name=f"lore-run-{i}", daemon=True) for i in range(self._at_once)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what runs is run again at the next start, unless it ends within a moment."""
        self._stopping = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout=2)
        with self._lock:
            for listener in [one for some in self._listeners.values() for one in some]:
                listener.wake()
            if not any(thread.is_alive() for thread in self._threads):
                self.connection.close()

    @property
    def stopping(self) -> bool:
        """Whether the server goes down: listeners end, and come back to the next one."""
        return self._stopping

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
            if open_ >= self._at_once + self._waiting:
                raise QueueFull
            connection.execute(
                "INSERT INTO run (id, caller, audience, request, idempotency, fingerprint, state, created_at) VALUES (?,?,?,?,?,?,'queued',?)",
                (identifier, caller, labels, encoded, key, fingerprint, self._now()),
            )
            self._forget(connection)
            run = _run(connection.execute(f"SELECT {_COLUMNS} FROM run WHERE id=?", (identifier,)).fetchone())
        self._queue.put(identifier)
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

    @contextmanager
    def listening(self, identifier: str) -> Generator[Listener]:
        """A listener of this event loop, woken at each new event of a run."""
        listener = Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.setdefault(identifier, set()).add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                some = self._listeners.get(identifier, set())
                some.discard(listener)
                if not some:
                    self._listeners.pop(identifier, None)

    # -- running

    def _run_all(self) -> None:
        while (identifier := self._queue.get()) is not None and not self._stopping:
            try:
                self._run_one(identifier)
            except Exception:
                if not self._stopping:
                    _LOG.exception("a run could not be written down")

    def _run_one(self, identifier: str) -> None:
        with self.writing() as connection:
            taken = connection.execute(
                "UPDATE run SET state='running', attempts=attempts+1 WHERE id=? AND state='queued'", (identifier,)
            ).rowcount
        run = self.get(identifier)
        if not taken or run is None:
            return
        known = len(self.events(identifier, 0))
        number = 0

        def tell(kind: str, data: str) -> None:
            nonlocal number
            number += 1
            if number > known:
                self._tell(identifier, number, kind, data)

        try:
            tell("state", '{"state":"running"}')
            investigation, result = self._work(run, tell)
        except Exception as error:
            if self._stopping:
                return
            self._end(identifier, "failed", problem=str(told(error).detail))
        else:
            self._end(identifier, "done", investigation=investigation, result=result)
        ended = self.get(identifier)
        if self._on_end is not None and ended is not None:
            self._on_end(ended)

    def _tell(self, identifier: str, number: int, kind: str, data: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT INTO event VALUES (?,?,?,?)", (identifier, number, kind, data))
        self._wake(identifier)

    def _end(
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
        self._wake(identifier)

    def _wake(self, identifier: str) -> None:
        with self._lock:
            for listener in self._listeners.get(identifier, ()):
                listener.wake()

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Forget the oldest that ended, beyond `KEPT_RUNS`."""
        gone: Sequence[tuple[int, str]] = connection.execute(
            "SELECT number, id FROM run WHERE number<=(SELECT max(number) FROM run)-? AND state IN ('done', 'failed') LIMIT 100",
            (KEPT_RUNS,),
        ).fetchall()
        connection.executemany("DELETE FROM run WHERE number=?", [(number,) for number, _ in gone])
        connection.executemany("DELETE FROM event WHERE run=?", [(identifier,) for _, identifier in gone])

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


class Listener:
    """Somebody on an event loop who waits for events of a run."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There is something new. From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    async def wait(self, seconds: float) -> bool:
        """Whether there was something new within that time."""
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return False
        self._news.clear()
        return True


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
