"""What a wasted thing costs by list price, where no bill tells it: the estimate of a plan, on the inventory's attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.cost.estimate import Sides, estimate
from agent.cost.estimate_plan import Planned, Values
from agent.cost.prices import PriceBook
from agent.cost.usage import Usage
from agent.evidence import text_of
from graph.model import EntityRef, Value
from graph.store import EntityView


@dataclass(frozen=True, slots=True)
class Priced:
    """What a thing costs a month, and by which prices."""

    monthly: Decimal
    currency: str
    source: str


Prices = Callable[[Sequence[tuple[EntityView, Mapping[str, Value]]]], Mapping[EntityRef, Priced]]
"""Prices of things with their attributes; what has no price is left out."""


def by_list_price(book: PriceBook, today: str) -> Prices:
    """Prices out of a book, as of a day."""

    def priced(things: Sequence[tuple[EntityView, Mapping[str, Value]]]) -> Mapping[EntityRef, Priced]:
        planned = {
            str(thing.ref): Planned(
                str(thing.ref),
                text_of(thing.properties, "type"),
                text_of(thing.properties, "region"),
                Values({k: v for k, v in attributes.items() if "." not in k and "[" not in k}),
            )
            for thing, attributes in things
        }
        if not planned:
            return {}
        told = estimate(Sides(tuple(planned.values())), book, Usage(), today=today)
        found: dict[EntityRef, Priced] = {}
        for cost in told.resources:
            monthly = Decimal(cost.monthly)
            sources = [line.source for line in cost.lines if line.state == "priced" and line.source]
            if monthly > 0 and sources and cost.address in planned:
                found[EntityRef(cost.address)] = Priced(monthly, told.currency, sources[0])
        return found

    return priced
