"""Investigations that outlive the request and the process, done by threads of the server.

A run that was under way when the server died is run again when it starts. What was told already is not told again: events are numbered, and
a run tells the same steps in the same order, so that those with a known number are skipped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from api.problems import told
from api.run_store import Request, Run, RunStore, State
from graph.clock import Instant

_LOG = logging.getLogger("lore.runs")
MOST_ATTEMPTS = 3
"""A run that took the server down with it so many times is given up."""
Tell = Callable[[str, str], None]
"""Tells an event: its kind and its data."""
Work = Callable[[Run, Tell], tuple[str, str]]
"""Runs one: the investigation's id and its JSON."""


class Runs(RunStore):
    """The runs of one server, those that do them, and those who listen.

    Args:
        path: a SQLite file in the server's data directory.
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
        super().__init__(path, now, at_once + waiting)
        self._work = work
        self._at_once = at_once
        self._on_end = on_end
        self._listening = Lock()
        self._listeners: dict[str, set[Listener]] = {}
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._stopping = False

    # -- lifetime

    def start(self) -> None:
        """Begin to work; what an earlier process left unfinished first."""
        for identifier in self.attempted(MOST_ATTEMPTS):
            self.end(identifier, "failed", problem="the server ended each time that it ran this")
        for identifier in self.requeue():
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
        with self._listening:
            for listener in [one for some in self._listeners.values() for one in some]:
                listener.wake()
        if not any(thread.is_alive() for thread in self._threads):
            self.close()

    @property
    def stopping(self) -> bool:
        """Whether the server goes down: listeners end, and come back to the next one."""
        return self._stopping

    def add(
        self,
        request: Request,
        caller: str,
        audience: frozenset[str],
        *,
        idempotency: str | None = None,
        fingerprint: str = "",
    ) -> tuple[Run, bool]:
        """Take a run in and queue it when it is new; as `RunStore.add`."""
        run, new = super().add(request, caller, audience, idempotency=idempotency, fingerprint=fingerprint)
        if new:
            self._queue.put(run.id)
        return run, new

    # -- listening

    @contextmanager
    def listening(self, identifier: str) -> Generator[Listener]:
        """A listener of this event loop, woken at each new event of a run."""
        listener = Listener(asyncio.get_running_loop())
        with self._listening:
            self._listeners.setdefault(identifier, set()).add(listener)
        try:
            yield listener
        finally:
            with self._listening:
                some = self._listeners.get(identifier, set())
                some.discard(listener)
                if not some:
                    self._listeners.pop(identifier, None)

    def tell(self, identifier: str, number: int, kind: str, data: str) -> None:
        """Write an event down, and wake who waits for it."""
        super().tell(identifier, number, kind, data)
        self._wake(identifier)

    def end(
        self, identifier: str, state: State, *, investigation: str = "", result: str = "", problem: str = ""
    ) -> None:
        """The end and its event, and wake who waits for it."""
        super().end(identifier, state, investigation=investigation, result=result, problem=problem)
        self._wake(identifier)

    def _wake(self, identifier: str) -> None:
        with self._listening:
            for listener in self._listeners.get(identifier, ()):
                listener.wake()

    # -- running

    def _run_all(self) -> None:
        while (identifier := self._queue.get()) is not None and not self._stopping:
            try:
                self._run_one(identifier)
            except Exception:
                if not self._stopping:
                    _LOG.exception("a run could not be written down")

    def _run_one(self, identifier: str) -> None:
        run = self.begin(identifier)
        if run is None:
            return
        known = len(self.events(identifier, 0))
        number = 0

        def tell(kind: str, data: str) -> None:
            nonlocal number
            number += 1
            if number > known:
                self.tell(identifier, number, kind, data)

        try:
            tell("state", '{"state":"running"}')
            investigation, result = self._work(run, tell)
        except Exception as error:
            if self._stopping:
                return
            self.end(identifier, "failed", problem=str(told(error).detail))
        else:
            self.end(identifier, "done", investigation=investigation, result=result)
        ended = self.get(identifier)
        if self._on_end is not None and ended is not None:
            self._on_end(ended)


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
