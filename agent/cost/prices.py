"""What a price is asked by and answered with. Where prices come from is not known here: a `PriceBook` answers, whoever reads its files.

Amounts are `Decimal` throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from agent.cost.amounts import ZERO

ONE = Decimal(1)
NO_PRICE = "no price is known"

_UNITS: dict[str, frozenset[str]] = {
    "hours": frozenset({"hrs", "hr", "hour", "hours", "h"}),
    "GB": frozenset({"gb", "gb-mo", "gb-month", "gbmonth", "gb-months", "gigabyte", "gigabytes", "gb month"}),
    "months": frozenset({"month", "months", "mo", "keys", "key", "secrets", "alarms", "dashboards", "hostedzone"}),
}
"""Units of a price file that mean the same as one of ours. A unit that is not listed here is taken as the mapping says."""


_SCALES: dict[tuple[str, str], Decimal] = {
    ("Mbps", "mibps-mo"): ONE,
    ("Mbps", "gibps-mo"): ONE / Decimal(1_024),
    ("MBps", "mibps-mo"): ONE,
}
"""How many of the file's units one of ours is, where the file says it in one of several."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which product's price is asked for.

    Attributes:
        service: as the price list names it: `AmazonEC2`.
        region: `eu-west-1`; `global` for what has no region.
        family: the product family; empty for any.
        attributes: name and value that the product must have, in order of name; a value may begin or end with `*`.
        option: a purchase option, in the words of `Offer.options`; empty for on demand.
        resource_type, address, component, unit: who asks and for what, for books that know prices by component.
    """

    service: str
    region: str
    family: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    option: str = ""
    provider: str = "aws"
    resource_type: str = ""
    address: str = ""
    component: str = ""
    unit: str = ""


class Tier(Protocol):
    """A price for the units from `start` up to `end` (None: and all above) of a month."""

    @property
    def start(self) -> Decimal: ...  # noqa: D102
    @property
    def end(self) -> Decimal | None: ...  # noqa: D102
    @property
    def price(self) -> Decimal: ...  # noqa: D102


class Offer(Protocol):
    """A product with its price.

    Attributes:
        sku: names it in its file.
        unit: as the file says it: `Hrs`, `GB-Mo`.
        tiers: on demand, from 0 upwards; empty when it is not sold on demand.
        options: purchase options -> effective price a unit, upfront payments spread over the term.
        source: the file and its date, fit for a citation.
        by_component: the price is for the very component and unit of the query, in our unit.
    """

    @property
    def sku(self) -> str: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def tiers(self) -> Sequence[Tier]: ...  # noqa: D102
    @property
    def options(self) -> Sequence[tuple[str, Decimal]]: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def currency(self) -> str: ...  # noqa: D102
    @property
    def by_component(self) -> bool: ...  # noqa: D102


class PriceBook(Protocol):
    """Knows prices."""

    def offers(self, queries: Sequence[Query]) -> Sequence[Sequence[Offer]]:
        """For each query the offers that fit, of the newest file that has any; in order of sku."""
        ...


@dataclass(frozen=True, slots=True)
class Quote:
    """What a quantity costs.

    Attributes:
        price: of one of our units; an average when the quantity spans tiers.
        monthly: of the quantity; None when the quantity is not known.
        problem: why there is no price; empty when there is one.
    """

    price: Decimal | None = None
    monthly: Decimal | None = None
    source: str = ""
    currency: str = ""
    alternatives: tuple[tuple[str, Decimal], ...] = ()
    problem: str = ""


def quote(
    offers: Sequence[Offer], *, unit: str, quantity: Decimal | None, per: Decimal, start: Decimal, option: str = ""
) -> Quote:
    """What `quantity` of `unit` costs by these offers, after `start` of it were charged already.

    Args:
        per: how many of the file's units one of ours is: 1,000,000 for `1M requests`.
        option: the purchase option to price; on demand when empty.
    """
    if not offers:
        return Quote(problem=NO_PRICE)
    first = offers[0]
    if any(_prices(one) != _prices(first) for one in offers[1:]):
        return Quote(problem=f"{len(offers)} prices fit and differ")
    if not first.by_component and not _same_unit(unit, first.unit, per):
        return Quote(problem=f"the price is per {first.unit}, not per {unit}")
    scale = ONE if first.by_component else _SCALES.get((unit, first.unit.strip().lower()), per)
    tiers = _charged(first.tiers)
    source = f"{first.source} sku {first.sku}" if first.sku else first.source
    others = tuple((name, price * scale * quantity) for name, price in first.options) if quantity is not None else ()
    if option:
        chosen = dict(first.options).get(option)
        if chosen is None:
            return Quote(problem=f"no price for {option} is known")
        price = chosen * scale
        monthly = None if quantity is None else price * quantity
        return Quote(price, monthly, f"{source} {option}", first.currency, others)
    if not tiers:
        return Quote(problem="it is not sold on demand")
    if quantity is None or quantity == ZERO:
        price = _at(tiers, start * scale) * scale
        return Quote(price, None if quantity is None else ZERO, source, first.currency, ())
    monthly = _between(tiers, start * scale, (start + quantity) * scale)
    return Quote(monthly / quantity, monthly, source, first.currency, others)


def _prices(offer: Offer) -> tuple[object, ...]:
    return (offer.unit, offer.currency, *((tier.start, tier.price) for tier in offer.tiers), *offer.options)


def _same_unit(ours: str, theirs: str, per: Decimal) -> bool:
    words = _UNITS.get(ours)
    return words is None or per != ONE or theirs.strip().lower() in words


def _charged(tiers: Sequence[Tier]) -> Sequence[Tier]:
    """Tiers without a free beginning: that is an account's free tier, and not every resource's again."""
    paid = next((number for number, tier in enumerate(tiers) if tier.price), None)
    if not paid:
        return tiers
    first = tiers[paid]
    return [_FromZero(ZERO, first.end, first.price), *tiers[paid + 1 :]]


@dataclass(frozen=True, slots=True)
class _FromZero:
    start: Decimal
    end: Decimal | None
    price: Decimal


def _at(tiers: Sequence[Tier], place: Decimal) -> Decimal:
    fitting = [tier for tier in tiers if tier.start <= place]
    return (fitting[-1] if fitting else tiers[0]).price


def _between(tiers: Sequence[Tier], start: Decimal, end: Decimal) -> Decimal:
    total = ZERO
    for tier in tiers:
        upper = end if tier.end is None else min(end, tier.end)
        total += max(ZERO, upper - max(start, tier.start)) * tier.price
    return total


class Books:
    """Several books: the first that knows a price answers."""

    def __init__(self, books: Sequence[PriceBook]) -> None:
        self._books = tuple(books)

    def offers(self, queries: Sequence[Query]) -> Sequence[Sequence[Offer]]:
        """As `PriceBook.offers`."""
        answers: list[Sequence[Offer]] = [() for _ in queries]
        for book in self._books:
            open_ = [number for number, answer in enumerate(answers) if not answer]
            if not open_:
                break
            for number, answer in zip(open_, book.offers([queries[n] for n in open_]), strict=True):
                answers[number] = answer
        return answers
