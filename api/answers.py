"""Answers for many askers at once: in processes of their own, asked once for the same question, kept while nothing was written.

An answer may be kept only while it is what the store would answer: its key holds the version of the SQLite file as it was when the request
came in (every commit, a purge too, changes it) and the five minutes of the clock, for what "today" is and whose shift it is. Other stores are
always asked.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread

from msgspec.structs import replace

from api.limits import Crew
from api.problems import Problem
from api.settings import Settings
from api.wiring import Engine
from graph.clock import SECOND, Instant
from graph.model import PUBLIC
from graph.stores import sqlite_path

KEPT = 4_096
KEPT_BYTES = 64 * 2**20
_WHILE = 300 * SECOND
"""Shifts begin and days end on whole five minutes; what is "the last hour" may lag by so much while nothing new is recorded."""
_MOST_S = 30.0
_MOST_WAITING = 1_000
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its times, and who asks."""

    text: str
    audience: frozenset[str]
    as_of: Instant | None = None
    known_at: Instant | None = None
    since: Instant | None = None
    until: Instant | None = None


class Answers:
    """Answers questions as `lore.answer/1`. Used from one event loop.

    Args:
        workers: processes that answer; 0 answers in threads of this process.
        keep: whether answers are kept.
    """

    def __init__(self, engine: Engine, now: Callable[[], Instant], *, workers: int = 0, keep: bool = True) -> None:
        self._engine = engine
        self._crew = Crew(_THREADS, _MOST_WAITING, _MOST_S)  # of its own: who asks does not hold up who reads
        self._now = now
        self._kept: OrderedDict[object, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._under_way: dict[object, asyncio.Task[bytes]] = {}
        path = sqlite_path(engine.settings.store) if engine.settings.store.startswith("sqlite:") else None
        # What a model said cost money and is counted: it is asked for anew, in this process, which has its settings.
        plain = path is not None and not engine.settings.model
        self._version = _Version(str(path)) if plain and keep else None
        self._workers = workers if plain else 0
        self._pool: ProcessPoolExecutor | None = None
        self.hits = 0
        self.misses = 0

    def start(self) -> None:
        """Start the processes; they open the store."""
        if self._workers and self._pool is None:
            self._pool = _pool(self._engine.settings, self._workers)
            for _ in range(self._workers):  # what is read once is read before somebody waits for it
                self._pool.submit(_ask, Asked("who changed the load balancer?", frozenset({PUBLIC})))

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        if self._version is not None:
            self._version.close()
        self._crew.close()

    async def ask(self, asked: Asked) -> bytes:
        """The answer's JSON: from no older record than the one that was committed when this was called.

        Raises:
            GraphError: the store cannot be read.
            Problem: it takes too long, or too much is asked.
        """
        version = None if self._version is None else self._version.now()
        if version is None:
            return await self._answer(asked)
        key = (version, self._now() // _WHILE, asked)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            self.hits += 1
            return found
        self.misses += 1
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self._answer(asked))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._keep(key, done))
        return await asyncio.shield(task)  # who goes away takes nobody's answer along

    async def _answer(self, asked: Asked) -> bytes:
        pool = self._pool
        if pool is not None:
            if len(self._under_way) > _MOST_WAITING:
                raise Problem(503, "the server has too much to do now", "try again", headers={"retry-after": "2"})
            try:
                return await asyncio.wait_for(asyncio.wrap_future(pool.submit(_ask, asked)), _MOST_S)
            except TimeoutError:
                raise Problem(504, "that took too long", "ask of a single thing, or of a shorter time") from None
            except BrokenProcessPool:  # a process was killed: others take its place, and this question is answered here
                if self._pool is pool:
                    pool.shutdown(wait=False, cancel_futures=True)
                    self._pool = _pool(self._engine.settings, self._workers)
        return await self._crew.do(lambda: _answered(self._engine, asked))

    def _keep(self, key: object, done: asyncio.Task[bytes]) -> None:
        self._under_way.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[key] = done.result()
        self._kept_bytes += len(done.result())
        while len(self._kept) > KEPT or self._kept_bytes > KEPT_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone)


class _Version:
    """Tells whether anybody wrote to a SQLite file, by a connection that never writes (https://www.sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._opened = 0
        self._connection: sqlite3.Connection | None = None

    def now(self) -> tuple[int, int] | None:
        """Another one than before when something was committed since; None when that cannot be told."""
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(f"file:{self._path}?mode=rw", uri=True, isolation_level=None)
                self._opened += 1  # each connection counts for itself
            found: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error:
            self.close()
            return None
        return self._opened, found

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _answered(engine: Engine, asked: Asked) -> bytes:
    reader = engine.reading_as(asked.audience)
    answer = reader.ask(asked.text, as_of=asked.as_of, known_at=asked.known_at, since=asked.since, until=asked.until)
    return answer.to_json().encode()


def _pool(settings: Settings, workers: int) -> ProcessPoolExecutor:
    # What answering does not need stays here, credentials above all.
    bare = replace(
        settings, webhooks={}, sources=(), outward={}, slack={}, api={}, model={}, observations=(), grants=()
    )
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_open, initargs=(bare,))


_opened: list[Engine] = []
"""The engine of a worker process."""


def _open(settings: Settings) -> None:
    import signal

    from api.cli_base import fewer_collections_for_good

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server tells when it is over
    Thread(target=_end_with_the_server, name="lore-parent", daemon=True).start()
    _opened.append(Engine(settings))
    _opened[0].store.record()
    fewer_collections_for_good()


def _end_with_the_server() -> None:
    """A server that was killed tells nobody."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)


def _ask(asked: Asked) -> bytes:
    return _answered(_opened[0], asked)
