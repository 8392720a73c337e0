"""A line of a resource's cost before its price is known, and the words to write mappings with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeAlias

from agent.cost.amounts import ZERO
from agent.cost.estimate_plan import Planned, Scene
from agent.cost.prices import ONE, Query
from agent.cost.usage import Usage, UsageValues

HOURS = Decimal(730)
"""Hours of a month."""
THOUSAND = Decimal(1_000)
MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Line:
    """One component.

    Attributes:
        quantity: a month, in `unit`; None when it depends on usage.
        query: which price; None when no price list tells it.
        per: how many of the price file's units one of ours is.
        start: how much of the quantity other lines charge before this one, for prices in tiers.
        fixed: a price that the usage file tells.
        assumed: what was taken for granted, because the plan does not tell it: a sentence's end, `8 GB of gp2 for a root volume`.
    """

    component: str
    unit: str
    quantity: Decimal | None
    query: Query | None = None
    per: Decimal = ONE
    start: Decimal = ZERO
    fixed: Decimal | None = None
    assumed: str = ""

    def under(self, part: str) -> Line:
        """The same, of a part of the resource."""
        return replace(self, component=f"{part} / {self.component}")


@dataclass(frozen=True, slots=True)
class Case:
    """What a mapping gets. `today` is the day that is estimated for, `2026-10-01`: of what changes with the calendar."""

    planned: Planned
    usage: UsageValues
    scene: Scene
    today: str = ""
    used: Usage = field(default_factory=Usage)

    def usage_of(self, other: Planned) -> UsageValues:
        """What the usage file tells of another resource."""
        return self.used.values(other.address, other.type)

    @property
    def region(self) -> str:
        """Where the resource is."""
        return self.planned.region

    def query(self, service: str, family: str = "", *, region: str = "", option: str = "", **attributes: str) -> Query:
        """A query for a product of the resource's region. Attributes that are empty are left out."""
        wanted = tuple(sorted((name, value) for name, value in attributes.items() if value))
        return Query(service, region or self.region, family, wanted, option)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A resource that costs money, but what cannot be told, and why."""

    reason: str


Mapped: TypeAlias = "list[Line] | Unpriced"
Mapper: TypeAlias = Callable[[Case], Mapped]


class Family:
    """The mappings of a file, by resource type."""

    def __init__(self) -> None:
        self.mappers: dict[str, Mapper] = {}

    def maps(self, *types: str) -> Callable[[Mapper], Mapper]:
        """A function that maps these types."""

        def add(mapper: Mapper) -> Mapper:
            for type_ in types:
                self.mappers[type_] = mapper
            return mapper

        return add


def hourly(component: str, query: Query | None, count: Decimal | int = 1, hours: Decimal | None = None) -> Line:
    """Something that runs all month, or so many hours of it."""
    return Line(component, "hours", (HOURS if hours is None else hours) * Decimal(count), query)


def used(component: str, unit: str, amount: Decimal | None, query: Query | None, per: Decimal | int = 1) -> Line:
    """Something that use makes: `amount` is in single units, `per` of them are one `unit`."""
    return Line(component, unit, None if amount is None else amount / Decimal(per), query, Decimal(per))


def stored(component: str, amount: Decimal | None, query: Query | None) -> Line:
    """Gigabytes of a month."""
    return Line(component, "GB", amount, query)


def tiered(
    component: str,
    unit: str,
    amount: Decimal | None,
    query: Query | None,
    tiers: Sequence[tuple[str, Decimal | int | None]],
    per: Decimal | int = 1,
) -> list[Line]:
    """The same with a line for each tier that is reached. `tiers`: name and size in single units, the last one's size None.

    Without an amount there is one line, of the first tier.
    """
    if amount is None:
        return [used(_named(component, tiers[0][0]), unit, None, query, per)]
    found: list[Line] = []
    start, left = ZERO, amount
    for name, size in tiers:
        part = left if size is None else min(left, Decimal(size))
        if part > ZERO or not found:
            line = used(_named(component, name), unit, part, query, per)
            found.append(replace(line, start=start / Decimal(per)))
        start, left = start + part, left - part
        if left <= ZERO:
            break
    return found


def _named(component: str, tier: str) -> str:
    return f"{component} ({tier})" if tier else component
