"""`/api/v1/status`: what has been read, how fresh it is, what could not be."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.render import status_json
from api.routes.v1.parts import Json, Parts, answered, documented
from api.tokens import Caller, needs

Asker = Annotated[Caller, Depends(needs("read"))]
_EXAMPLE: Json = {
    "record": 179,
    "entities": {"Service": 9},
    "sources": [
        {"source": "git", "scope": "acme/infra", "fresh_until": "2026-05-19T14:11:00Z", "batches": 3, "quarantined": 0}
    ],
}


def status(parts: Parts) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1", tags=["status"])

    @router.get(
        "/status",
        operation_id="status",
        summary="Sources, freshness, counts, backlog and quarantine",
        responses=documented("lore.status/1", "", _EXAMPLE),
    )
    async def state(caller: Asker) -> Response:
        return answered(await parts.crew.do(lambda: status_json(caller.engine.store.status())))

    del state  # the router keeps it
    return router
