"""Durable jobs of `lore serve`: deliveries are worked off, sources reconciled on a schedule. DBOS keeps what must survive a crash.

The inbox holds what came in; one job works it off. A job that died half way is run again when the server starts: all it does is
idempotent. The reconcile reads every configured source from its cursor on, and so heals what a lost webhook missed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from graph.errors import GraphError

_LOG = logging.getLogger("lore.jobs")
_RETRY_S = 5.0
WORKFLOWS = "lore-workflows/1"
"""What DBOS calls the version of our workflows: what an older release left half done is taken up by a newer one. Another number where steps change."""


class Jobs:
    """The jobs of one server process. `start`, then `wake` whenever something waits; `stop` lets the running job end."""

    def __init__(
        self,
        database: str,
        drain: Callable[[], int],
        reconcile: Callable[[], None],
        *,
        reconcile_every_s: float = 300.0,
    ) -> None:
        """
        Args:
            database: URL of DBOS's system database: `sqlite:////path/jobs.db`, or `postgresql://…` for many workers.
            drain: works off some of the inbox and says how many deliveries.
            reconcile: reads the configured sources.
            reconcile_every_s: seconds between reconciles; 0 for none.
        """
        self._database = database
        self._drain = drain
        self._reconcile = reconcile
        self._every_s = reconcile_every_s
        self._wake = Event()
        self._stopped = Event()
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Launch DBOS, take up what an earlier process left, and begin to work."""
        from dbos import DBOS

        DBOS(
            config={
                "name": "infralore",
                "system_database_url": self._database,
                "enable_otlp": False,
                "log_level": "WARNING",
                "application_version": WORKFLOWS,
            }
        )

        # Functions of our own around what was given: DBOS refuses one name for functions of two modules.
        @DBOS.step(name="lore.drain_chunk")
        def chunk() -> int:
            return self._drain()

        def drain() -> int:
            total = 0
            while taken := chunk():
                total += taken
            return total

        def reconcile() -> None:
            self._reconcile()

        self._drain_all = DBOS.workflow(name="lore.drain")(drain)
        self._reconcile_all = DBOS.workflow(name="lore.reconcile")(reconcile)
        DBOS.launch()
        self._threads = [Thread(target=self._work, name="lore-drain", daemon=True)]
        if self._every_s:
            self._threads.append(Thread(target=self._tick, name="lore-reconcile", daemon=True))
        for thread in self._threads:
            thread.start()
        self.wake()

    def wake(self) -> None:
        """Something waits in the inbox."""
        self._wake.set()

    def stop(self) -> None:
        """End; a job that runs is waited for, for a while."""
        from dbos import DBOS

        self._stopped.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout=10)
        DBOS.destroy(workflow_completion_timeout_sec=5)

    def _work(self) -> None:
        from dbos import DBOS

        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stopped.is_set():
                return
            try:
                DBOS.start_workflow(self._drain_all).get_result()
            except GraphError as error:  # the store is away: what waits, waits
                _LOG.warning("deliveries wait: %s", error)
                if not self._stopped.wait(_RETRY_S):
                    self._wake.set()
            except Exception:
                _LOG.exception("working off deliveries failed")
                if not self._stopped.wait(_RETRY_S):
                    self._wake.set()

    def _tick(self) -> None:
        from dbos import DBOS

        while not self._stopped.wait(self._every_s):
            try:
                DBOS.start_workflow(self._reconcile_all).get_result()
            except Exception:
                _LOG.exception("the reconcile failed")


def sqlite_database(directory: Path) -> str:
    """The URL of DBOS's own SQLite file in a directory."""
    return f"sqlite:///{(directory / 'jobs.db').absolute()}"
