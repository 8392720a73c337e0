"""From a month of a payer to facts: an item for each thing that was billed, and what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from graph.clock import Instant, instant
from graph.model import Assertion, Entity, EntityRef, Relation, Value, ref
from ingest import aws_names, names
from ingest.sources.costs.adding import Key, Slice, Sum

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EXACT = 12


def item_ref(scope: str, of: Slice, key: Key) -> EntityRef:
    """The item of a key: the same in every month and in every export."""
    tags = "\x1e".join(f"{k}={v}" for k, v in key.tags)
    return ref("CostItem", scope, of.provider, of.payer, *key[:-1], tags)


def month_bounds(month: str) -> tuple[Instant, Instant]:
    """The first instant of a month, and that of the next."""
    year, number = int(month[:4]), int(month[5:7])
    after = f"{year + number // 12:04d}-{number % 12 + 1:02d}-01"
    return instant(f"{month}-01"), instant(after)


def slice_facts(
    scope: str, of: Slice, sums: Mapping[Key, Sum], basis: str, locator: str, now: Instant
) -> Iterator[tuple[EntityRef, list[Assertion]]]:
    """By item, in order: its facts. The end of a month that is not over is stated all the same: no bill speaks beyond it."""
    begins, ends = month_bounds(of.month)
    found = {item_ref(scope, of, key): (key, total) for key, total in sums.items()}
    for item in sorted(found):
        key, total = found[item]
        days = dict(total.amounts(of.month))
        if not days and not total.quantity:
            continue
        facts = [Assertion(Entity(item, _properties(of, key, total, days, basis)), begins, now, locator, ends)]
        if (resource := resource_of(of.provider, key)) is not None:
            told = Relation("ABOUT", item, resource, {"rule": "resource id of the bill"})
            facts.append(Assertion(told, begins, now, locator, ends))
        yield item, facts


def _properties(of: Slice, key: Key, total: Sum, days: Mapping[str, Decimal], basis: str) -> dict[str, Value]:
    told: dict[str, Value] = {
        "provider": of.provider,
        "account_id": key.account,
        "service": key.service,
        "month": of.month,
        "usage_type": key.usage_type,
        "line_type": key.line_type,
        "region": key.region,
        "resource_id": key.resource_id,
        "environment": key.environment,
        "team": key.team,
        "workload": key.workload,
        "tags": dict(key.tags) or None,
        "currency": key.currency,
        "days": {day: plain(amount) for day, amount in days.items()},
        "amount": plain(sum(days.values(), Decimal(0))),
        "quantity": plain(total.quantity) if total.unit and total.quantity else "",
        "unit": total.unit or "",
        "basis": basis,
        "estimated": total.estimated or None,
    }
    return {k: v for k, v in told.items() if v not in ("", None)}


def plain(amount: Decimal) -> str:
    """A decimal as text without an exponent and without zeros at its end.

    >>> plain(Decimal("31.500")), plain(Decimal("1E-7")), plain(Decimal("-0"))
    ('31.5', '0.0000001', '0')
    """
    told = f"{round(amount, _EXACT):f}"
    told = told.rstrip("0").rstrip(".") if "." in told else told
    return "0" if told in ("-0", "") else told


def resource_of(provider: str, key: Key) -> EntityRef | None:
    """The resource that a bill's id names for good; None where the id is a name that says nothing by itself."""
    told = key.resource_id
    if not told:
        return None
    if told.startswith("arn:"):
        return names.cloud_resource(aws_names.canonical(told))
    if told.startswith("//") or told.lower().startswith("/subscriptions/"):
        return names.cloud_resource(told)
    if provider == "aws":
        if key.service == "AmazonS3" and _BUCKET.fullmatch(told):
            return names.cloud_resource(aws_names.s3_bucket(told))
        if arn := aws_names.ec2(key.account, key.region, told):
            return names.cloud_resource(arn)
    return None
