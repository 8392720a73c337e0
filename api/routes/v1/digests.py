"""`/api/v1/digests/{period}`: what happened in the day, week or month that ended last."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from agent.digest.model import Period
from api.routes.v1.parts import Json, Parts, TimeText, answered, documented, moment
from api.tokens import Caller, needs

Asker = Annotated[Caller, Depends(needs("digest"))]
_EXAMPLE: Json = {
    "period": "weekly",
    "since": "2026-05-11T00:00:00Z",
    "until": "2026-05-18T00:00:00Z",
    "headline": "One incident, solved in 40 minutes; 14 changes reached prod.",
    "sections": [],
    "measures": [],
}


def digests(parts: Parts) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1", tags=["digests"])

    @router.get(
        "/digests/{period}",
        operation_id="digest",
        summary="The digest of the period that ended last",
        responses=documented("lore.digest/1", "Digest", _EXAMPLE),
    )
    async def make(
        period: Period,
        caller: Asker,
        until: TimeText = None,
        team: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        at = moment("until", until)
        found = await parts.crew.do(lambda: caller.engine.digests.make(period, until=at, team=team))
        return answered(found.to_json())

    del make  # the router keeps it
    return router
