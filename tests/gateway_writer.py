"""A process that writes through the gateway, to be killed in the middle. A module of its own: it is loaded in that process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event

from api.errors import OutwardUnavailable
from api.gateway import ActionRequest, Yes
from api.outward import open_gateway
from api.settings import Settings

YES = Yes("ann", "--yes")
_SDKS = ["github", "slack_sdk", "api.outward.github", "api.outward.slack", "tests.gateway_writer"]


def settings(
    home: Path, outward: Mapping[str, Mapping[str, object]], grants: tuple[Mapping[str, object], ...] = ()
) -> Settings:
    return Settings(store="", outward=outward, grants=grants, data_directory=home)


def write(home: Path, outward: Mapping[str, Mapping[str, object]], request: ActionRequest) -> None:
    try:
        open_gateway(settings(home, outward)).execute(request, YES)
    except OutwardUnavailable:
        os._exit(3)


def start(home: Path, outward: Mapping[str, Mapping[str, object]], request: ActionRequest) -> BaseProcess:
    """The process, running. It is forked from a clean one that has loaded the SDKs already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_SDKS)
    process = context.Process(target=write, args=(home, outward, request))
    process.start()
    return process


class Killer:
    """Kills a process at the n-th request that a server sees, before or after the server works on it."""

    def __init__(self, at: int, phase: str) -> None:
        self.at, self.phase = at, phase
        self.killed = False
        self.at_a_write = False
        self._process: BaseProcess | None = None
        self._known = Event()

    def run(self, process: BaseProcess) -> None:
        """Watch it until it ends."""
        self._process = process
        self._known.set()
        process.join(30)
        assert process.exitcode is not None

    def seen(self, number: int, phase: str, *, writes: bool) -> bool:
        """Whether it was killed just now, at a request that writes or only reads. It may have made its first request before its id is known here."""
        if self.killed or number != self.at or phase != self.phase:
            return False
        assert self._known.wait(10)
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self.killed, self.at_a_write = True, writes
        return True


def at_every_point(one: Callable[[Killer], None], most: int = 60) -> tuple[int, int]:
    """Run once for each request and each side of it, until a run ends without being killed; how many kills there were, and how many after a write.

    After a read is before the next request: that is one point and not two.
    """
    kills = after_writes = 0
    for number in range(1, most):
        killer = Killer(number, "before")
        one(killer)
        if not killer.killed:
            return kills, after_writes
        kills += 1
        if killer.at_a_write:
            killer = Killer(number, "after")
            one(killer)
            assert killer.killed
            kills, after_writes = kills + 1, after_writes + 1
    raise AssertionError(f"it still made requests after {most}")
