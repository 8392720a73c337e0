"""`/api/v1/cost`: the bill of a window with what made it jump, and what a plan would cost."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from agent.cost.model import Estimate
from api.problems import Problem
from api.routes.v1.parts import Json, Parts, TimeText, answered, documented, moment
from api.tokens import Caller, needs
from graph.clock import DAY

Asker = Annotated[Caller, Depends(needs("cost"))]
_BILL: Json = {
    "since": "2026-05-01T00:00:00Z",
    "until": "2026-06-01T00:00:00Z",
    "currency": "USD",
    "total": "4120.55",
    "before": "3990.02",
    "by": "service",
    "rows": [{"key": "AmazonEC2", "amount": "2210.40", "before": "2105.00", "share": 0.54}],
}
_ESTIMATE: Json = {
    "currency": "USD",
    "before": "412.10",
    "after": "482.18",
    "delta": "70.08",
    "unpriced": [],
    "free": 12,
}

_DAYS = 30
_MOST_DAYS = 1_100


def cost(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/cost", tags=["cost"])

    @router.get(
        "",
        operation_id="cost",
        summary="The bill, by service or team, and what made it jump",
        responses=documented("lore.cost/1", "CostReport", _BILL, "amounts are decimal text"),
    )
    async def report(
        caller: Asker,
        since: TimeText = None,
        until: TimeText = None,
        by: Annotated[
            str,
            Query(
                max_length=100,
                pattern=r"^(service|team|environment|resource|account|region|tag:.{1,90})$",
                description="service, team, environment, resource, account, or tag:NAME",
            ),
        ] = "service",
        team: Annotated[str, Query(max_length=200)] = "",
        explain: Annotated[bool, Query(description="look for the changes behind each jump")] = True,
    ) -> Response:
        last = moment("until", until)
        last = parts.now() // DAY * DAY if last is None else last
        first = moment("since", since)
        first = last - _DAYS * DAY if first is None else first
        if not 0 < last - first <= _MOST_DAYS * DAY:
            raise Problem(422, f"since must lie before until, by at most {_MOST_DAYS} days")
        found = await parts.crew.do(lambda: caller.engine.costs.report(first, last, by=by, team=team, explain=explain))
        return answered(found.to_json())

    @router.post(
        "/estimate",
        operation_id="cost_estimate",
        summary="What a Terraform plan costs a month, before and after",
        responses=documented(
            "lore.cost_estimate/1", "Estimate", _ESTIMATE, "what has no price is listed, and never counted as free"
        ),
    )
    async def estimate(
        caller: Asker,
        plan: Annotated[
            dict[str, object],
            Body(
                description="the output of `terraform show -json PLAN`",
                examples=[
                    {
                        "format_version": "1.2",
                        "terraform_version": "1.9.0",
                        "planned_values": {"root_module": {}},
                        "resource_changes": [],
                    }
                ],
            ),
        ],
    ) -> Response:
        found = await parts.crew.do(lambda: _estimate(caller, plan))
        return answered(found.to_json())

    del report, estimate  # the router keeps them
    return router


def _estimate(caller: Caller, plan: dict[str, object]) -> Estimate:
    """Raises `Problem` 422 for what is no plan."""
    if not isinstance(plan.get("resource_changes", []), list) or "format_version" not in plan:
        raise Problem(422, "this is no Terraform plan as JSON", "send the output of `terraform show -json PLAN`")
    with tempfile.TemporaryDirectory(prefix="lore-plan-") as scratch:
        path = Path(scratch) / "plan.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return caller.engine.costs.estimate(path)
