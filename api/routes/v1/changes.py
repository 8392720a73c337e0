"""`/api/v1/changes`: what changed in a window, newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from agent.assemble import assemble
from agent.context import Context
from agent.model import Change, Citation, Question, Struct
from agent.people import find_people
from api.problems import Problem
from api.routes.v1.parts import Json, Parts, TimeText, documented, encoded, entity_ref, moment
from api.tokens import Caller, needs
from graph.clock import Instant, rfc3339
from graph.model import EntityRef
from graph.store import ChangeQuery, Limits, View

Asker = Annotated[Caller, Depends(needs("read"))]
_EXAMPLE: Json = {
    "since": "2026-05-19T00:00:00Z",
    "until": None,
    "changes": [],
    "truncated": False,
    "citations": [
        {
            "id": "c1",
            "source": "git",
            "locator": "acme/infra@…:prod/lb.tf#L10-L20",
            "url": None,
            "observed_at": "2026-05-19T14:11:00Z",
        }
    ],
}

_MOST_ROWS = 2_000


class Changes(Struct, frozen=True, kw_only=True):
    """Changes of a window, newest first."""

    schema: str = "lore.changes/1"
    since: str | None
    until: str | None
    changes: tuple[Change, ...]
    truncated: bool
    citations: tuple[Citation, ...]


def changes(parts: Parts) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1", tags=["changes"])

    @router.get(
        "/changes",
        operation_id="changes",
        summary="What changed, newest first",
        responses=documented("lore.changes/1", "Changes", _EXAMPLE, "each change as in `lore.answer/1`"),
    )
    async def listed(
        caller: Asker,
        since: TimeText = None,
        until: TimeText = None,
        as_of: TimeText = None,
        target: Annotated[
            list[str] | None,
            Query(max_length=20, description="ref, exact name, address or ARN; repeatable", examples=[["checkout"]]),
        ] = None,
        by: Annotated[str, Query(max_length=200, description="a person: name, login or mail address")] = "",
        environment: Annotated[str, Query(max_length=100, description="only what reached it")] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Response:
        first, last, at = moment("since", since), moment("until", until), moment("as_of", as_of)
        return encoded(
            await parts.crew.do(
                lambda: _read(caller, first, last, at, target or [], by, environment, limit, parts.now())
            )
        )

    del listed  # the router keeps it
    return router


def _read(
    caller: Caller,
    since: Instant | None,
    until: Instant | None,
    as_of: Instant | None,
    targets: list[str],
    by: str,
    environment: str,
    limit: int,
    now: Instant,
) -> Changes:
    store = caller.engine.store
    view = View(as_of, store.record(), caller.audience)
    people: list[EntityRef] | None = None
    if by:
        people = [person.ref for person in find_people(store, by, view)]
        if not people:
            raise Problem(404, "nobody of that name is known", "give a name, a login or a mail address")
    refs = [entity_ref(caller, target, view) for target in targets] or None
    # What reached an environment is known once a change is assembled, so more are read when that is asked.
    rows = limit if not environment else min(limit * 10, _MOST_ROWS)
    page = store.changes(ChangeQuery(targets=refs, since=since, until=until, by=people), view, Limits(rows=rows))
    wanted = frozenset({environment}) if environment else frozenset[str]()
    context = Context(store, Question("what_changed", ""), view, now, as_of, None, environments=wanted)
    found = assemble(context, page.items, {})
    if environment:
        found = tuple(c for c in found if any(r.environment == environment for r in c.reached) or _in(c, environment))
    return Changes(
        since=None if since is None else rfc3339(since),
        until=None if until is None else rfc3339(until),
        changes=found[:limit],
        truncated=page.cut or len(found) > limit,
        citations=context.citations.all(),
    )


def _in(change: Change, environment: str) -> bool:
    return change.target is not None and change.target.environment == environment
