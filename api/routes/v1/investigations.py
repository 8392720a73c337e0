"""`/api/v1/investigations`: start one, look at it, listen to it (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field

from api.errors import UsageError
from api.problems import Problem
from api.routes.v1.parts import Json, Parts, answered, encoded, moment
from api.run_store import ENDED, Conflict, QueueFull, Request, Run
from api.runs import Runs
from api.tokens import Caller, needs
from graph.clock import rfc3339

Asker = Annotated[Caller, Depends(needs("investigate"))]

HEARTBEAT_S = 15.0
_RETRY_MS = 2_000
_MOST_CHARS = 4_000
Identifier = Annotated[
    str, Path(max_length=80, description="`run_…` as it was started, or `inv_…` as it is kept", examples=["run_1f0c"])
]


class Options(BaseModel):
    """How it is investigated; all may be left out."""

    model_config = ConfigDict(extra="forbid")

    window_days: float = Field(default=7, gt=0, le=3_650, description="days before it in which causes are looked for")
    steps: int = Field(default=24, ge=1, le=200, description="at most so many steps")
    seconds: float = Field(default=20, gt=0, le=120, description="no step begins later than this")
    confidence: float = Field(default=0.8, gt=0, le=1, description="from this probability on a cause counts as found")
    memory: bool = Field(default=True, description="solved incidents may move the ranking")
    sync: bool = Field(default=False, description="read the configured sources first (the server reads them by itself)")
    model: bool = Field(default=True, description="the language model may help, where one is configured")


class Symptom(BaseModel):
    """What was seen, and when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"symptom": "checkout returns 502", "at": "2026-05-19T14:20:00Z", "environment": "prod"}]
        },
    )

    symptom: str = Field(min_length=1, max_length=_MOST_CHARS)
    at: str | None = Field(default=None, max_length=60, description="when it was detected; default: now")
    environment: str = Field(default="", max_length=100, description="where it shows, when the text does not say")
    options: Options = Options()


_RUN: Json = {
    "schema": "lore.run/1",
    "id": "run_6f1e0c",
    "state": "running",
    "symptom": "checkout returns 502",
    "at": "2026-05-19T14:20:00Z",
    "environment": "prod",
    "created_at": "2026-05-19T14:21:00Z",
    "ended_at": None,
    "investigation": None,
    "problem": None,
    "result": None,
    "url": "/api/v1/investigations/run_6f1e0c",
    "events": "/api/v1/investigations/run_6f1e0c/events",
}


def _told(description: str, document: Json, **headers: str) -> Json:
    found: Json = {
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}, "example": document}},
    }
    if headers:
        found["headers"] = {k: {"description": v, "schema": {"type": "string"}} for k, v in headers.items()}
    return found


def investigations(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/investigations", tags=["investigations"])

    @router.post(
        "",
        status_code=202,
        operation_id="investigate",
        summary="Start an investigation",
        responses={
            202: _told("It is under way, or waits.", _RUN, Location="where it is"),
            200: _told("This idempotency key is known: the run that it started.", _RUN),
            409: {"description": "The idempotency key came with another request."},
            503: {"description": "Too many investigations wait."},
        },
    )
    async def start(
        symptom: Symptom,
        caller: Asker,
        idempotency_key: Annotated[
            str | None,
            Header(max_length=200, description="the same key starts one investigation, however often it comes"),
        ] = None,
    ) -> Response:
        at = moment("at", symptom.at)
        options = symptom.options
        request = Request(
            symptom=symptom.symptom,
            at=parts.now() if at is None else at,
            environment=symptom.environment,
            window_s=max(1, int(options.window_days * 86_400)),
            steps=options.steps,
            seconds=options.seconds,
            confidence=options.confidence,
            memory=options.memory,
            sync=options.sync,
            model=options.model,
        )
        fingerprint = hashlib.sha256(symptom.model_dump_json().encode()).hexdigest()
        try:
            run, new = await parts.crew.do(
                lambda: parts.runs.add(
                    request, caller.name, caller.audience, idempotency=idempotency_key, fingerprint=fingerprint
                )
            )
        except QueueFull:
            raise Problem(
                503, "too many investigations wait already", "try again later", headers={"retry-after": "30"}
            ) from None
        except Conflict:
            raise Problem(
                409, "this Idempotency-Key came with another request", "use a new key for each investigation"
            ) from None
        document = msgspec.json.encode(_document(run))
        return answered(document, 202 if new else 200, {"location": f"/api/v1/investigations/{run.id}"})

    @router.get(
        "",
        operation_id="investigations",
        summary="List the investigations, newest first",
        responses={
            200: _told("`next` is the cursor of the next page, null at the end.", {"items": [_RUN], "next": None})
        },
    )
    async def listed(
        caller: Asker,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=20, pattern=r"^[0-9]{1,18}$")] = None,
    ) -> Response:
        before = None if cursor is None else int(cursor)
        found = await parts.crew.do(lambda: parts.runs.newest(caller.audience, before, limit + 1))
        shown = found[:limit]
        more = str(shown[-1].number) if len(found) > limit else None
        return encoded({"schema": "lore.runs/1", "items": [_document(run, whole=False) for run in shown], "next": more})

    @router.get(
        "/{identifier}",
        operation_id="investigation",
        summary="An investigation: how far it is, and its result",
        responses={200: _told("`result` is `lore.investigation/1` once `state` is `done`.", _RUN)},
    )
    async def one(identifier: Identifier, caller: Asker) -> Response:
        if identifier.startswith("inv_"):
            return answered(await parts.crew.do(lambda: _kept(caller, identifier)))
        run = await parts.crew.do(lambda: _visible(parts.runs, caller, identifier))
        return encoded(_document(run))

    @router.get(
        "/{identifier}/events",
        operation_id="investigation_events",
        summary="Watch an investigation",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Server-Sent Events: `state`, `step`, `provisional`, then `final` or `failed`; each with an `id` to resume after.",
                "content": {
                    "text/event-stream": {
                        "schema": {"type": "string"},
                        "example": 'id: 2\nevent: step\ndata: {"step":1,"check":"applied","outcome":"…"}\n\n',
                    }
                },
            }
        },
    )
    async def events(
        identifier: Identifier,
        caller: Asker,
        last_event_id: Annotated[
            str | None, Header(max_length=20, description="events after this one are sent; none of it is sent twice")
        ] = None,
        after: Annotated[int, Query(ge=0, le=2**53, description="the same, for those who cannot set the header")] = 0,
    ) -> StreamingResponse:
        run = await parts.crew.do(lambda: _visible(parts.runs, caller, identifier))
        last = last_event_id.strip() if last_event_id else ""
        start_after = int(last) if last.isascii() and last.isdigit() and len(last) <= 15 else after
        return StreamingResponse(
            _stream(parts, run.id, start_after),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )

    del start, listed, one, events  # the router keeps them
    return router


async def _stream(parts: Parts, identifier: str, after: int) -> AsyncIterator[bytes]:
    """The events after a number, those to come too; ends with the run, or with the server."""
    runs = parts.runs
    yield format_sse_event(comment="lore", retry=_RETRY_MS)
    with runs.listening(identifier) as listener:
        while not runs.stopping:
            found = await parts.crew.do(partial(runs.events, identifier, after))
            for event in found:
                after = event.number
                yield format_sse_event(data_str=event.data, event=event.kind, id=str(event.number))
            if found and found[-1].kind in ("final", "failed"):
                return
            if not found:
                run = runs.get(identifier)
                if run is None or (run.state in ENDED and not runs.events(identifier, after)):
                    return
            if not await listener.wait(HEARTBEAT_S):
                yield format_sse_event(comment="still here")


def _visible(runs: Runs, caller: Caller, identifier: str) -> Run:
    """A run that this caller may read: whoever holds every label that it was made with. Raises `Problem` 404."""
    run = runs.get(identifier)
    if run is None or not run.audience <= caller.audience:
        raise Problem(404, "there is no such investigation", "GET /api/v1/investigations lists them")
    return run


def _kept(caller: Caller, identifier: str) -> str:
    try:
        return caller.engine.investigations.of(identifier).to_json()
    except UsageError:
        raise Problem(404, "there is no such investigation", "GET /api/v1/investigations lists them") from None


def _document(run: Run, *, whole: bool = True) -> Json:
    here = f"/api/v1/investigations/{run.id}"
    document: Json = {
        "schema": "lore.run/1",
        "id": run.id,
        "state": run.state,
        "symptom": run.request.symptom,
        "at": rfc3339(run.request.at),
        "environment": run.request.environment,
        "created_at": rfc3339(run.created_at),
        "ended_at": None if run.ended_at is None else rfc3339(run.ended_at),
        "investigation": run.investigation,
        "problem": run.problem or None,
        "url": here,
        "events": f"{here}/events",
    }
    if whole:
        document["result"] = None if run.result is None else msgspec.Raw(run.result.encode())
    return document
