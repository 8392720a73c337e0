"""How much a caller may ask: a token bucket for each API token, and a bounded crew of threads with a deadline for the work itself."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.problems import Problem

T = TypeVar("T")


class Buckets:
    """A bucket for each name: `burst` requests at once, refilled by `per_minute`. Used from one thread."""

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60
        self._burst = burst
        self._clock = clock
        self._filled: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> float:
        """Take one: 0 when there was one, else after how many seconds there will be."""
        now = self._clock()
        left, at = self._filled.get(name, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_s)
        if left < 1:
            self._filled[name] = (left, now)
            return (1 - left) / self._per_s if self._per_s else 60.0
        self._filled[name] = (left - 1, now)
        return 0.0

    def demand(self, name: str) -> None:
        """Take one. Raises `Problem` 429 when there is none."""
        wait_s = self.take(name)
        if wait_s:
            raise Problem(
                429,
                "too many requests with this token",
                "wait as long as Retry-After says",
                headers={"retry-after": str(math.ceil(wait_s))},
            )


class Crew:
    """Threads that do what blocks. What waits is bounded, and nobody waits for ever."""

    def __init__(self, threads: int = 8, waiting: int = 1_000, deadline_s: float = 60.0) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lore-http")
        self._waiting = waiting
        self._deadline_s = deadline_s
        self._under_way = 0

    async def do(self, work: Callable[[], T], deadline_s: float | None = None) -> T:
        """What the work returns.

        Raises:
            Problem: 503 when too much waits already; 504 when it takes too long (the thread ends it for nobody).
        """
        if self._under_way >= self._waiting:
            raise Problem(503, "the server has too much to do now", "try again", headers={"retry-after": "2"})
        self._under_way += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(future), deadline_s or self._deadline_s)
        except TimeoutError:
            if future.done() and not future.cancelled() and (error := future.exception()) is not None:
                raise error from None
            raise Problem(504, "that took too long", "ask for less: a shorter window, a single thing") from None

    def _done(self, future: asyncio.Future[T]) -> None:
        self._under_way -= 1
        if not future.cancelled():
            future.exception()  # one that nobody waits for any longer is not an error of the loop

    def close(self) -> None:
        """End; what is under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
