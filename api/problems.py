"""Errors as `application/problem+json` (https://www.rfc-editor.org/rfc/rfc9457): one sentence and a remedy, nothing of the inside."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from agent.llm import ModelError
from api.errors import OutwardUnavailable, SettingsError, UsageError
from graph.errors import GraphError
from ingest.source import SourceDataInvalid, SourceUnavailable

_LOG = logging.getLogger("lore.http")
MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 10
_MOST_CHARS = 300


class Problem(HTTPException):
    """An error that the caller is told.

    Args:
        status: the HTTP status.
        detail: one sentence.
        hint: the remedy, one sentence; empty when there is none.
        errors: what is wrong with which part of the request.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.hint = hint
        self.errors = errors or []


def problem_response(problem: Problem, request_id: str = "") -> Response:
    """The response that tells a problem."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": _clean(problem.detail),
    }
    if problem.hint:
        body["hint"] = _clean(problem.hint)
    if problem.errors:
        body["errors"] = [{key: _clean(value) for key, value in one.items()} for one in problem.errors]
    if request_id:
        body["request_id"] = request_id
    return Response(
        json.dumps(body), status_code=problem.status_code, headers=dict(problem.headers or {}), media_type=MEDIA_TYPE
    )


def told(error: Exception) -> Problem:
    """The problem that an exception is told as. Messages that may name files of the server or its settings are logged instead."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(error.status_code, str(error.detail), headers=error.headers)
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, UsageError):
        return Problem(400, str(error), error.hint)
    if isinstance(error, NotImplementedError):
        return Problem(501, "this server cannot do that yet")
    if isinstance(error, ModuleNotFoundError):  # an extra that is not installed
        _LOG.warning("a request needs a part that is not installed: %s", error)
        return Problem(501, "this server has not installed what that needs")
    if isinstance(error, SettingsError):
        _LOG.warning("a request needs other settings: %s %s", error, error.hint)
        return Problem(409, "the server is not set up for this", "its log says which setting is missing")
    if isinstance(error, GraphError):
        _LOG.warning("the store: %s %s", error, error.hint)
        return Problem(
            503, "the store cannot be read now", "try again; the server's log says why", headers={"retry-after": "5"}
        )
    if isinstance(error, SourceDataInvalid):
        return Problem(422, str(error), error.hint)
    if isinstance(error, (SourceUnavailable, OutwardUnavailable, ModelError)):
        _LOG.warning("something that a request needs is away: %s", error)
        return Problem(503, "something that is needed cannot be reached now", "try again", headers={"retry-after": "5"})
    _LOG.error("a request failed", exc_info=error)
    return Problem(500, "the server failed", "this is a defect; the server's log has the request's id")


def add_problems(app: FastAPI) -> None:
    """Let an application tell all its errors so."""

    def handle(request: Request, error: Exception) -> Response:
        return problem_response(told(error), str(request.scope.get("lore.request_id", "")))

    for sort in (
        HTTPException, RequestValidationError, UsageError, NotImplementedError, ModuleNotFoundError, SettingsError, GraphError,
        SourceDataInvalid, SourceUnavailable, OutwardUnavailable, ModelError,
    ):  # fmt: skip
        app.add_exception_handler(sort, handle)


def _invalid(error: RequestValidationError) -> Problem:
    found: list[dict[str, str]] = []
    for one in cast("list[dict[str, object]]", list(error.errors()))[:_MOST_ERRORS]:
        place = cast("tuple[object, ...]", one.get("loc") or ())
        found.append({"at": ".".join(map(str, place)), "problem": str(one.get("msg", "is not valid"))})
    first = f"{found[0]['at']}: {found[0]['problem']}" if found else "it is not valid"
    return Problem(422, f"the request cannot be meant: {first}", "see /docs for what it may hold", errors=found)


def _clean(text: str) -> str:
    """Text as it can stand in JSON and on a terminal: cut, no control characters, no lone surrogates."""
    text = text[:_MOST_CHARS].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in text)
