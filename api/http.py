"""`lore serve`: the HTTP application."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from api.alert_rules import AlertRules, read_rules
from api.answers import Answers
from api.api_description import describe
from api.deliveries import drain
from api.errors import SettingsError, explain
from api.front import LOCAL_HOSTS, Front
from api.inbox import Inbox
from api.investigation_runs import Investigator
from api.jobs import Jobs, sqlite_database
from api.limits import Crew
from api.problems import Problem, add_problems, problem_response
from api.routes.slack import slack
from api.routes.v1.ask import ask
from api.routes.v1.changes import changes
from api.routes.v1.cost import cost
from api.routes.v1.digests import digests
from api.routes.v1.drift import drift
from api.routes.v1.investigations import investigations
from api.routes.v1.parts import Parts
from api.routes.v1.resources import resources
from api.routes.v1.status import status
from api.routes.webhooks import MOST_BYTES, TooLarge, webhooks
from api.run_store import Run
from api.runs import Runs
from api.schedules import Schedules
from api.server_metrics import MEDIA_TYPE, Family, ServerMetrics
from api.tokens import Access, ApiSettings, needs, read_api_settings
from api.wiring import Engine, redact_key, wall_clock
from graph.clock import SECOND, Instant
from graph.errors import GraphError

_LOG = logging.getLogger("lore.http")
PEOPLE_EVERY_S = 60.0
"""How often, at most, accounts that webhooks brought are joined to people."""
MOST_JSON_BYTES = 256 * 2**10
MOST_PLAN_BYTES = 24 * 2**20


def application(
    engine: Engine,
    *,
    now: Callable[[], Instant] = wall_clock,
    reconcile_every_s: float = 300.0,
    jobs_database: str = "",
    host: str = "127.0.0.1",
    ask_workers: int = 0,
) -> FastAPI:
    """The application on an engine. Its jobs run while it is started.

    Args:
        engine: the parts; its store is used from the server's threads.
        now: the clock, for the window of signed timestamps.
        reconcile_every_s: seconds between reads of the configured sources; 0 for none.
        jobs_database: URL of DBOS's system database; a SQLite file beside the user's data by default.
        host: the address that is listened on: on any but loopback tokens are needed.
        ask_workers: processes that answer questions, unless the settings say; 0 answers in this one.

    Raises:
        SettingsError: `api:`, `alerts:`, `digests:` or `drift:` cannot be meant, or anybody could ask from elsewhere.
    """
    settings = read_api_settings(engine.settings.api)
    rules = read_rules(engine.settings.alerts)
    hosts = _hosts(settings, host)
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
            alert_rules.look(engine.store)
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
        alert_rules.look(engine.store)

    def ended(_: Run) -> None:
        alert_rules.ended()

    database = jobs_database or sqlite_database(directory)
    schedules = Schedules(engine, database=database)
    schedules.register()  # DBOS keeps what is registered before it is launched
    jobs = Jobs(database, work, reconcile, reconcile_every_s=reconcile_every_s)
    runs = Runs(
        directory / "runs.db",
        Investigator(engine),
        now,
        at_once=settings.investigations_at_once,
        waiting=settings.investigations_waiting,
        on_end=ended,
    )
    alert_rules = AlertRules(
        rules, runs, lambda: engine.gateway, now, same_within_s=settings.alert_same_within_minutes * 60
    )
    crew = Crew()
    metrics = ServerMetrics()
    workers = ask_workers if settings.ask_workers is None else settings.ask_workers
    answers = Answers(engine, now, workers=workers)
    access = Access(settings, engine, now)
    parts = Parts(engine, access, answers, crew, runs, now)
    state = {"jobs": False}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        try:
            engine.store.record()  # opened once, before threads ask for it
        except GraphError as error:
            _LOG.warning("the store: %s %s", error, error.hint)
        answers.start()
        jobs.start()
        schedules.start()
        runs.start()
        alert_rules.start()
        state["jobs"] = True
        try:
            yield
        finally:
            state["jobs"] = False
            alert_rules.stop()
            schedules.stop()
            runs.stop()
            jobs.stop()
            answers.close()
            crew.close()
            inbox.close()

    app = FastAPI(title="infralore", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.access = access
    app.add_middleware(Front, hosts=hosts, most_bytes=_most_bytes, metrics=metrics)
    add_problems(app)
    app.include_router(_v1(parts))
    app.include_router(_watching(parts, inbox, metrics, state))
    app.include_router(webhooks(inbox, configured, now, jobs.wake), tags=["webhooks"])
    bot = slack(engine)
    if bot is not None:
        app.include_router(bot, tags=["slack"])
    describe(app, tokens=not access.open)

    @app.exception_handler(TooLarge)
    def too_large(request: Request, __: Exception) -> Response:
        problem = Problem(413, f"the body is larger than {MOST_BYTES // 2**20} MiB", headers={"connection": "close"})
        return problem_response(problem, str(request.scope.get("lore.request_id", "")))

    del too_large  # the application keeps it
    return app


def _hosts(settings: ApiSettings, host: str) -> frozenset[str] | None:
    """The names that the server answers to; None for all.

    Raises:
        SettingsError: it would listen beyond this machine without tokens.
    """
    local = _is_loopback(host)
    if not local and not settings.tokens:
        raise SettingsError(
            f"without API tokens `lore serve` listens on this machine only, and {host} is another address",
            "`lore token new NAME` makes a token and prints the lines for lore.yaml; or leave --host out",
        )
    if not local and not settings.hosts:
        return None
    return LOCAL_HOSTS | {name.lower() for name in settings.hosts} | {host.lower()}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _most_bytes(path: str) -> int | None:
    if path.startswith(("/webhooks/", "/slack/")):
        return None  # these read their bodies themselves, for the signature
    return MOST_PLAN_BYTES if path == "/api/v1/cost/estimate" else MOST_JSON_BYTES


def _v1(parts: Parts) -> APIRouter:
    router = APIRouter()
    for resource in (ask, investigations, changes, resources, drift, cost, digests, status):
        router.include_router(resource(parts))
    return router


def _watching(parts: Parts, inbox: Inbox, metrics: ServerMetrics, state: dict[str, bool]) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(tags=["watching"])

    @router.get("/healthz", operation_id="health", summary="Whether the server is alive")
    def health() -> dict[str, object]:
        return {"status": "ok", "deliveries": dict(inbox.counts())}

    @router.get(
        "/readyz",
        operation_id="ready",
        summary="Whether it can answer: the store is reachable, the jobs run",
        responses={503: {"description": "It cannot now."}},
    )
    async def ready() -> dict[str, object]:
        if not state["jobs"]:
            raise Problem(503, "the jobs do not run yet", headers={"retry-after": "1"})
        record = await parts.crew.do(lambda: parts.engine.store.record(), 10.0)
        return {"status": "ready", "record": record}

    needed = [] if parts.access.open else [Depends(needs("read"))]

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Figures of the server, as Prometheus reads them",
        dependencies=needed,
        response_class=Response,
        responses={
            200: {
                "description": "Prometheus text format 0.0.4",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    )
    async def figures() -> Response:
        families = await parts.crew.do(lambda: _families(parts, inbox))
        return Response(metrics.text(families), headers={"content-type": MEDIA_TYPE})

    del health, ready, figures  # the router keeps them
    return router


def _families(parts: Parts, inbox: Inbox) -> list[Family]:
    """What is counted where it is kept. A store that is away is told by `lore_store_up`."""
    runs, answers = parts.runs.counts(), parts.answers
    found = [
        Family("lore_investigations", "Investigations asked over HTTP or by an alert, by state.", "gauge",
               [({"state": name}, runs.get(name, 0)) for name in ("queued", "running", "done", "failed")]),
        Family("lore_inbox_deliveries", "Webhook deliveries, by state.", "gauge",
               [({"state": name}, n) for name, n in ({"pending": 0} | dict(inbox.counts())).items()]),
        Family("lore_answers_total", "Questions answered, by whether the answer was kept.", "counter",
               [({"kept": "yes"}, answers.hits), ({"kept": "no"}, answers.misses)]),
    ]  # fmt: skip
    try:
        store = parts.engine.store
        record = store.record()
        now = parts.now()
        fresh = [
            ({"source": s.source, "scope": s.scope}, max(0.0, (now - s.fresh_until) / SECOND))
            for s in store.scopes()
            if s.fresh_until is not None
        ]
    except GraphError:
        return [*found, Family("lore_store_up", "Whether the store can be read.", "gauge", [({}, 0)])]
    return [
        *found,
        Family("lore_store_up", "Whether the store can be read.", "gauge", [({}, 1)]),
        Family("lore_store_record", "Number of the store's last record.", "gauge", [({}, record)]),
        Family("lore_source_age_seconds", "How long ago a source had last been read up to.", "gauge", fresh),
    ]
