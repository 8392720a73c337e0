"""The AWS Cost Explorer API as lines of a bill, a month at a time.

API: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from graph.clock import Instant, rfc3339
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.costs.line import Line, LineInvalid, LineType, day, decimal, tag_key
from ingest.sources.costs.settings import CostsSettings

_METRICS = {"unblended": "UnblendedCost", "amortized": "AmortizedCost", "net": "NetUnblendedCost"}
_DIMENSIONS = frozenset({"SERVICE", "USAGE_TYPE", "LINKED_ACCOUNT", "REGION", "OPERATION", "RECORD_TYPE"})
_MOST_PAGES = 1_000
_RECORD_TYPES: dict[str, LineType] = {"Tax": "tax", "Credit": "credit", "Refund": "refund", "Usage": "usage"}
_SETTLED_AFTER_DAYS = 10
"""So long after its end a month may still change."""


class Calls(Protocol):
    """What is used of `ingest.aws_client.Aws`."""

    def call(self, service: str, operation: str, region: str = "", **parameters: object) -> Mapping[str, object]:
        """One call."""
        ...


class _Money(msgspec.Struct, rename="pascal"):
    amount: str = "0"
    unit: str = "USD"


class _Group(msgspec.Struct, rename="pascal"):
    keys: list[str] = []
    metrics: dict[str, _Money] = {}


class _Period(msgspec.Struct, rename="pascal"):
    start: str = ""


class _Day(msgspec.Struct, rename="pascal"):
    time_period: _Period = msgspec.field(default_factory=_Period)
    groups: list[_Group] = []
    total: dict[str, _Money] = {}
    estimated: bool = False


class _Answer(msgspec.Struct, rename="pascal"):
    results_by_time: list[_Day]
    next_page_token: str | None = None


def months(now: Instant, days: int, done: frozenset[str]) -> list[tuple[str, str, str]]:
    """The months to ask for, oldest first: `(month, first day, day after the last)`; those that are final and done are left out."""
    today = date.fromisoformat(rfc3339(now)[:10])
    found: list[tuple[str, str, str]] = []
    first = (today - timedelta(days=max(days, 1))).replace(day=1)
    while first < today:
        following = (first + timedelta(days=32)).replace(day=1)
        month = first.isoformat()[:7]
        if month not in done:
            found.append((month, first.isoformat(), min(following, today).isoformat()))
        first = following
    return found


def is_final(month: str, now: Instant) -> bool:
    """Whether a month's costs will hardly change any more."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=32)).replace(day=1)
    return date.fromisoformat(rfc3339(now)[:10]) >= following + timedelta(days=_SETTLED_AFTER_DAYS)


def month_lines(aws: Calls, settings: CostsSettings, account: str, since: str, until: str) -> Iterator[Line]:
    """The lines of a month, all pages of it. Raises `SourceError`."""
    metric = _METRICS[settings.basis]
    groups = list(settings.group_by)
    for group in groups:
        if not (group in _DIMENSIONS or group.startswith("TAG:")) or len(groups) > 2:
            raise SourceDataInvalid(
                f"Cost Explorer cannot group by {', '.join(groups)}",
                f"`group_by` takes at most two of {', '.join(sorted(_DIMENSIONS))} and TAG:key",
            )
    by = [
        {"Type": "TAG", "Key": g.removeprefix("TAG:")} if g.startswith("TAG:") else {"Type": "DIMENSION", "Key": g}
        for g in groups
    ]
    token, seen = "", 0
    while True:
        more = {"NextPageToken": token} if token else {}
        told = aws.call(
            "ce",
            "get_cost_and_usage",
            TimePeriod={"Start": since, "End": until},
            Granularity="DAILY",
            Metrics=[metric],
            GroupBy=by,
            **more,
        )
        try:
            answer = msgspec.convert(dict(told), _Answer)
        except msgspec.ValidationError:
            raise SourceUnavailable("Cost Explorer gave an answer that is none", "try again later") from None
        for one in answer.results_by_time:
            yield from _lines(one, groups, metric, account)
        token = answer.next_page_token or ""
        seen += 1
        if not token:
            return
        if seen >= _MOST_PAGES:
            raise SourceUnavailable("the pages of Cost Explorer do not end", "an endpoint_url repeats an answer")


def _lines(one: _Day, groups: list[str], metric: str, account: str) -> Iterator[Line]:
    try:
        on = day(one.time_period.start)
        for group in one.groups:
            money = group.metrics.get(metric)
            if money is None:
                continue
            amount = decimal({"amount": money.amount}, "amount")
            if amount:
                yield _line(group.keys, groups, account, on, amount, money.unit, one.estimated)
    except LineInvalid:
        raise SourceUnavailable("Cost Explorer gave an amount or a day that is none", "try again later") from None


def _line(
    keys: list[str], groups: list[str], account: str, on: str, amount: Decimal, currency: str, estimated: bool
) -> Line:
    by = dict(zip(groups, keys, strict=False))
    tags = {
        tag_key(g.removeprefix("TAG:")): k.partition("$")[2]
        for g, k in by.items()
        if g.startswith("TAG:") and k.partition("$")[2]
    }
    service = by.get("SERVICE", "AWS")
    kind: LineType = _RECORD_TYPES.get(by.get("RECORD_TYPE", ""), "tax" if service == "Tax" else "usage")
    return Line(
        "aws",
        account,
        by.get("LINKED_ACCOUNT", account),
        service,
        by.get("USAGE_TYPE", "") or by.get("OPERATION", ""),
        by.get("REGION", ""),
        "",
        kind,
        currency,
        on[:7],
        on,
        amount,
        Decimal(0),
        "",
        tags,
        estimated,
    )
