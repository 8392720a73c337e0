"""What the routes of `/api/v1` share: the parts they work with, times and refs as they are typed, JSON as it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec
from fastapi import Query, Response

from api.answers import Answers
from api.errors import UsageError
from api.limits import Crew
from api.people import named
from api.problems import Problem
from api.runs import Runs
from api.tokens import Access, Caller
from api.wiring import Engine
from graph.clock import EARLIEST, LATEST, Instant, instant
from graph.model import EntityRef
from graph.store import Limits, View

Text: TypeAlias = Annotated[str, Query(max_length=500)]
TimeText: TypeAlias = Annotated[
    str | None, Query(max_length=60, description="RFC 3339, or a date", examples=["2026-05-19T14:30:00Z"])
]
Json: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes work with."""

    engine: Engine
    access: Access
    answers: Answers
    crew: Crew
    runs: Runs
    now: Callable[[], Instant]


def moment(name: str, text: str | None) -> Instant | None:
    """A time as typed. Raises `Problem` 422."""
    if text is None:
        return None
    try:
        found = instant(text)
    except (ValueError, OverflowError):
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        raise Problem(
            422, f"{name} is not a time that can be meant", "write it like 2026-03-04 or 2026-03-04T14:05:00Z"
        )
    return found


def answered(document: str | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document that is JSON already."""
    return Response(document, status_code=status, media_type="application/json", headers=headers)


def encoded(value: object) -> Response:
    """A struct or a mapping as JSON."""
    return answered(msgspec.json.encode(value))


def entity_ref(caller: Caller, text: str, view: View | None = None) -> EntityRef:
    """What a ref, an exact name, login, address or ARN means; the service, where others are called like it. Raises `Problem` 404 or 409."""
    store, view = caller.engine.store, view or caller.engine.view
    try:
        return named(store, text, view)
    except UsageError as error:
        services = {a.ref for a in store.resolve_alias(text.strip(), view, Limits(rows=2), kinds=("Service",)).items}
        if len(services) == 1:
            return next(iter(services))
        several = "several" in str(error)
        raise Problem(409 if several else 404, str(error), error.hint) from None


def documented(schema: str, component: str, example: Json, more: str = "") -> dict[int | str, Json]:
    """The 200 of a route in the API's description: what it answers, by its name among the components, with an example."""
    shape: Json = {"$ref": f"#/components/schemas/{component}"} if component else {"type": "object"}
    description = f"`{schema}`" + (f"; {more}" if more else "")
    example = {"schema": schema, **example}
    return {200: {"description": description, "content": {"application/json": {"schema": shape, "example": example}}}}
