"""A worker as `lore serve` runs its schedules: `python -m tests.api.schedule_worker CONFIG DATABASE CLOCK`. Tests start it, and kill it.

CLOCK is a file that holds the time, so that a test can move it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from api.jobs import Jobs
from api.schedules import Schedules
from api.settings import load
from api.wiring import Engine
from graph.clock import instant


def main() -> None:
    """Run until killed."""
    config, database, clock = sys.argv[1:4]
    with Engine(load(Path(config))) as engine:
        schedules = Schedules(
            engine,
            database=database,
            now=lambda: instant(Path(clock).read_text()),
            tick_s=0.1,
            retries_s=(0.5, 0.5, 0.5),
            abandoned_s=1.0,
        )
        schedules.register()
        jobs = Jobs(database, lambda: 0, lambda: None, reconcile_every_s=0)
        jobs.start()
        schedules.start()
        print("ready", flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
