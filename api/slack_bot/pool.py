"""A few threads that work lines off, in the order they came, and a bound on how many may wait."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
_LOG = logging.getLogger("lore.slack")


class Pool(Generic[T]):
    """Daemon threads: a process that ends does not wait for them, what they leave is taken up by the next."""

    def __init__(self, name: str, workers: int, queue: int, work: Callable[[T], None]) -> None:
        self._queue: Queue[T] = Queue(queue)
        self._work = work
        self._stopped = Event()
        self._busy = 0
        self._threads = [Thread(target=self._run, name=f"{name} {n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    def offer(self, item: T) -> bool:
        """Have it worked on; False when too many wait. Never waits."""
        if self._stopped.is_set():
            return False
        try:
            self._queue.put_nowait(item)
        except Full:
            return False
        return True

    def settle(self) -> None:
        """Wait until nothing waits and nothing is worked on."""
        self._queue.join()

    def stop(self, within_s: float = 5.0) -> None:
        """Take nothing more on; what is under way may end."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(within_s)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                item = self._queue.get(timeout=0.2)
            except Empty:
                continue
            try:
                self._work(item)
            except Exception as error:  # one line that fails must not take a worker along
                _LOG.exception("a line from Slack failed: %s", type(error).__name__)
            finally:
                self._queue.task_done()
