"""Workers in processes of their own, on a configuration, a job database and a Slack of our own that is watched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.jobs import Jobs
from api.schedules import Schedules
from api.wiring import Engine
from graph.clock import Instant
from tests.fake_slack import BOT_TOKEN, FakeSlack

ROOT = Path(__file__).resolve().parents[2]
TUESDAY = "2026-11-17T09:00:00Z"
BEFORE = "2026-11-16T07:00:00Z"
DUE = "2026-11-16T08:00:30Z"
LATER = "2026-11-18T12:00:00Z"
NEXT_WEEK = "2026-11-23T08:00:30Z"


@dataclass
class Office:
    """A configuration, a clock, and workers on them."""

    home: Path
    slack: FakeSlack
    database: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list[subprocess.Popen[str]])

    def configure(self, *, schedule: str = "at: Mon 08:00", drift: str = "") -> None:
        grants = "".join(
            f'  - {{who: "schedule:*", action: {action}, target: "*", until: "2099-01-01"}}\n'
            for action in ("slack.message", "slack.file")
        )
        (self.home / "lore.yaml").write_text(
            "store: sqlite:lore.db\nembedder: none\n"
            f'outward:\n  slack: {{token: "{BOT_TOKEN}", base_url: "{self.slack.base_url}", timeout_s: 20}}\n'
            f"grants:\n{grants}"
            f'digests:\n  - {{name: weekly, period: weekly, {schedule}, to: "#ops"}}\n{drift}'
        )

    def clock(self, at: str) -> None:
        draft = self.home / "clock.new"
        draft.write_text(at)
        draft.replace(self.home / "clock")

    def start(self) -> subprocess.Popen[str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("LORE_", "NEO4J_"))}  # noqa: TID251 - what a shell hands on
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.api.schedule_worker",
                *map(str, (self.home / "lore.yaml", self.database, self.home / "clock")),
            ],
            cwd=ROOT,
            env={**environ, "XDG_DATA_HOME": str(self.home / "data")},
            stdout=subprocess.PIPE,
            stderr=(self.home / "log").open("a"),
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready", (self.home / "log").read_text()[-3_000:]
        return process

    def hang_when_due(self) -> None:
        """Time passes until the digest is due; Slack has stored it, and keeps its answer back."""
        self.slack.hang.set()
        self.clock(DUE)
        assert self.slack.stored.wait(15)

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def close(self) -> None:
        self.slack.release.set()
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)


def until(told: Callable[[], bool], within_s: float = 15.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if told():
            return True
        time.sleep(0.05)
    return told()


@contextmanager
def opened_office(tmp_path: Path) -> Generator[Office]:
    with FakeSlack().running() as slack:
        slack.channel("C0OPSOPS1", set(), name="ops")
        opened = Office(tmp_path, slack, f"sqlite:///{tmp_path}/jobs.db")
        opened.configure()
        yield opened
        opened.close()


@contextmanager
def scheduled(engine: Engine, directory: Path, now: Callable[[], Instant]) -> Generator[Schedules]:
    """Schedules in this process, with jobs of their own. The test looks at the clock."""
    database = f"sqlite:///{directory}/jobs.db"
    schedules = Schedules(engine, database=database, now=now)
    schedules.register()
    jobs = Jobs(database, lambda: 0, lambda: None, reconcile_every_s=0)
    jobs.start()
    try:
        yield schedules
    finally:
        jobs.stop()


def settle() -> None:
    """Long enough for several ticks."""
    time.sleep(0.8)
