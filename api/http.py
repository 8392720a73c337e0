"""`lore serve`: the HTTP application."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from api.deliveries import drain
from api.errors import explain
from api.inbox import Inbox
from api.jobs import Jobs, sqlite_database
from api.routes.webhooks import MOST_BYTES, TooLarge, webhooks
from api.wiring import Engine, redact_key, wall_clock
from graph.clock import Instant
from graph.errors import GraphError

_LOG = logging.getLogger("lore.http")
PEOPLE_EVERY_S = 60.0
"""How often, at most, accounts that webhooks brought are joined to people."""


def application(
    engine: Engine,
    *,
    now: Callable[[], Instant] = wall_clock,
    reconcile_every_s: float = 300.0,
    jobs_database: str = "",
) -> FastAPI:
    """The application on an engine. Its jobs run while it is started.

    Args:
        engine: the parts; its store is used from the server's threads.
        now: the clock, for the window of signed timestamps.
        reconcile_every_s: seconds between reads of the configured sources; 0 for none.
        jobs_database: URL of DBOS's system database; a SQLite file beside the user's data by default.
    """
    directory = engine.settings.data_directory
    inbox = Inbox(directory / "inbox.db")
    key = redact_key(directory)
    configured = engine.settings.webhooks

    joined_at = [0.0, 0.0]  # the record that people were joined at, and when

    def store_grew() -> bool:
        """Whether people should be joined anew: something is new, and it was not done within the last minute."""
        record = engine.store.record()
        if record == joined_at[0] or time.monotonic() - joined_at[1] < PEOPLE_EVERY_S:
            return False
        joined_at[:] = [record, time.monotonic()]
        return True

    def work() -> int:
        taken = drain(inbox, engine.store, configured, key)
        if not taken:
            inbox.forget(now())
            if store_grew():
                engine.update_people()
        return taken

    def reconcile() -> None:
        sources, unusable = engine.usable_sources()
        for report in [*unusable, *engine.ingest(sources)]:
            if report.error is not None:
                failure = explain(report.error)
                _LOG.warning("%s %s: %s %s", report.source, report.scope, failure.message, failure.hint)

    jobs = Jobs(jobs_database or sqlite_database(directory), work, reconcile, reconcile_every_s=reconcile_every_s)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        jobs.start()
        try:
            yield
        finally:
            jobs.stop()
            inbox.close()

    app = FastAPI(title="infralore", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(webhooks(inbox, configured, now, jobs.wake))

    @app.exception_handler(TooLarge)
    def too_large(_: Request, __: Exception) -> Response:
        detail = f"the body is larger than {MOST_BYTES // 2**20} MiB"
        return JSONResponse({"detail": detail}, status_code=413, headers={"connection": "close"})

    @app.exception_handler(GraphError)
    def unavailable(_: Request, error: Exception) -> Response:
        failure = explain(error)
        return JSONResponse({"detail": failure.message, "hint": failure.hint}, status_code=503)

    @app.get("/healthz")
    def health() -> dict[str, object]:
        return {"status": "ok", "deliveries": dict(inbox.counts())}

    del too_large, unavailable, health  # the application keeps them
    return app
