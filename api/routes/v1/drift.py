"""`/api/v1/drift`: where what runs differs from what the code says."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.routes.v1.parts import Json, Parts, TimeText, answered, documented, moment
from api.tokens import Caller, needs

Asker = Annotated[Caller, Depends(needs("drift"))]
_EXAMPLE: Json = {
    "scanned_at": "2026-05-19T06:00:00Z",
    "drifts": [
        {
            "id": "drift_1f0c",
            "kind": "changed",
            "ref": "Resource:1f0c",
            "address": "aws_security_group.checkout",
            "type": "aws_security_group",
            "environment": "prod",
            "basis": "plan",
            "severity": "critical",
            "risks": ["port 22 is open to the world"],
            "first_seen_at": "2026-05-19T06:00:00Z",
        }
    ],
}


def drift(parts: Parts) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1", tags=["drift"])

    @router.get(
        "/drift",
        operation_id="drift",
        summary="Drift that the scans found, worst first",
        responses=documented("lore.drift/1", "DriftReport", _EXAMPLE),
    )
    async def report(
        caller: Asker,
        as_of: TimeText = None,
        environment: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        at = moment("as_of", as_of)
        found = await parts.crew.do(lambda: caller.engine.drifts.report(as_of=at, environment=environment))
        return answered(found.to_json())

    del report  # the router keeps it
    return router
