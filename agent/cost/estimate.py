"""The monthly cost of what is planned: resources become components, components are priced by a book, and what has no price is said to have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from agent.cost.amounts import ZERO
from agent.cost.estimate_plan import NO_VALUES, Planned, Scene
from agent.cost.model import Estimate, PriceLine, ResourceCost
from agent.cost.prices import NO_PRICE, Offer, PriceBook, Query, Quote, quote
from agent.cost.resources import MAPPERS
from agent.cost.resources.free import is_free
from agent.cost.resources.lines import HOURS, Case, Line, Mapper, Unpriced
from agent.cost.usage import Usage

_CENTS = Decimal("0.0001")
_PRICE = Decimal("0.0000000001")
_LOOKS_PRICED = "no mapping to prices is known for this type"


@dataclass(frozen=True, slots=True)
class Sides:
    """What is planned, and what was there before. `notes`: what a reader must know of the plan."""

    after: tuple[Planned, ...]
    before: tuple[Planned, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    """A resource and its lines; `reason` says why it has none though it costs money or may."""

    planned: Planned
    lines: tuple[Line, ...]
    reason: str = ""


def estimate(
    sides: Sides,
    book: PriceBook,
    usage: Usage,
    *,
    today: str = "",
    notes: Sequence[str] = (),
    mappers: Mapping[str, Mapper] = MAPPERS,
) -> Estimate:
    """The cost of both sides and the difference.

    Args:
        today: the day that is estimated for, `2026-10-01`: versions out of support cost more from a day on.
        notes: what the caller found while reading the plan.
    """
    resources = _with_usage_only(sides.after, usage)
    after = _items(resources, usage, today, mappers)
    before = _items(sides.before, usage, today, mappers)
    items = [*after, *before]
    answers = _quotes(items, book)
    currency = _currency(answers)
    costs = [_cost(item, answer, currency) for item, answer in zip(items, answers, strict=True)]
    costs_after, costs_before = costs[: len(after)], costs[len(after) :]
    total, was = _total(costs_after), _total(costs_before)
    shown = [one for one in costs_after if one is not None]
    return Estimate(
        currency=currency,
        before=plain(was),
        after=plain(total),
        delta=plain(total - was),
        resources=tuple(shown),
        resources_before=tuple(one for one in costs_before if one is not None),
        unpriced=tuple(one.address for one in shown if any(line.state == "unpriced" for line in one.lines)),
        free=sum(1 for one in costs_after if one is None),
        prices=_sources(costs),
        notes=(*notes, *sides.notes, *_assumed(after)),
    )


def _items(resources: Sequence[Planned], usage: Usage, today: str, mappers: Mapping[str, Mapper]) -> list[_Item]:
    scene = Scene(resources)
    ordered = sorted(resources, key=lambda one: one.address)
    return [_item(one, scene, usage, today, mappers) for one in ordered]


def _with_usage_only(resources: Sequence[Planned], usage: Usage) -> list[Planned]:
    """What only a usage file can name: traffic between regions."""
    known = {one.address for one in resources}
    more = [
        Planned(address, "aws_data_transfer", values.text("region"), NO_VALUES)
        for address, values in usage.of_type("aws_data_transfer.")
        if address not in known
    ]
    return [*resources, *more]


def _item(planned: Planned, scene: Scene, usage: Usage, today: str, mappers: Mapping[str, Mapper]) -> _Item:
    mapper = mappers.get(planned.type)
    if mapper is None:
        return _Item(planned, (), "" if is_free(planned.type) else _LOOKS_PRICED)
    mapped = mapper(Case(planned, usage.values(planned.address, planned.type), scene, today, usage))
    if isinstance(mapped, Unpriced):
        return _Item(planned, (), mapped.reason)
    return _Item(planned, tuple(mapped))


def _quotes(items: Sequence[_Item], book: PriceBook) -> list[list[tuple[Line, Quote]]]:
    """For each item its lines with what they cost; all prices are asked for at once."""
    asked = [query for item in items for query in _queries(item)]
    offers = iter(book.offers(asked))
    answers: list[list[tuple[Line, Quote]]] = []
    for item in items:
        if item.reason == _LOOKS_PRICED:
            answers.append([_typed(one) for one in next(offers)])
        else:
            answers.append([(line, _answer(line, next(offers) if line.query else ())) for line in item.lines])
    return answers


def _queries(item: _Item) -> list[Query]:
    """What is asked of an item, in the order of its lines."""
    if item.reason == _LOOKS_PRICED:
        return [_by_type(item.planned)]
    return [_asking(item.planned, line, line.query) for line in item.lines if line.query is not None]


def _asking(planned: Planned, line: Line, query: Query) -> Query:
    """The query with who asks, for books that know prices by component."""
    return replace(query, resource_type=planned.type, address=planned.address, component=line.component, unit=line.unit)


def _by_type(planned: Planned) -> Query:
    """Asks for the prices that a price file gives for a type of resource, by attributes of its own."""
    return Query("", planned.region, attributes=planned.values.scalars(), provider="", resource_type=planned.type)


def _typed(offer: Offer) -> tuple[Line, Quote]:
    """A component that a price file names for a resource type: it runs all month, or is charged once in it."""
    hourly = offer.unit.strip().lower() in ("hours", "hour", "hrs", "h")
    line = Line(offer.sku or "Usage", "hours" if hourly else "months", HOURS if hourly else Decimal(1))
    price = offer.tiers[0].price if offer.tiers else None
    if price is None or line.quantity is None:
        return line, Quote(problem="it is not sold on demand")
    return line, Quote(price, price * line.quantity, offer.source, offer.currency)


def _answer(line: Line, offers: Sequence[Offer]) -> Quote:
    if line.fixed is not None:
        monthly = None if line.quantity is None else line.fixed * line.quantity
        return Quote(line.fixed, monthly, "the usage file", "")
    if line.query is None:
        return Quote(problem="no price list tells it")
    option = line.query.option
    return quote(offers, unit=line.unit, quantity=line.quantity, per=line.per, start=line.start, option=option)


def _currency(answers: Sequence[Sequence[tuple[Line, Quote]]]) -> str:
    found = {one.currency for lines in answers for _, one in lines if one.currency}
    return "USD" if not found or "USD" in found else min(found)


def _cost(item: _Item, answers: Sequence[tuple[Line, Quote]], currency: str) -> ResourceCost | None:
    """What a resource costs; None when it costs nothing by itself."""
    planned = item.planned
    if not answers:
        if not item.reason:
            return None
        line = PriceLine(component="the whole resource", unit="", state="unpriced", source=item.reason)
        return ResourceCost(
            address=planned.address, type=planned.type, region=planned.region, lines=(line,), complete=False
        )
    lines = tuple(_line(line, answer, planned, currency) for line, answer in answers)
    monthly = sum((Decimal(line.monthly) for line in lines if line.monthly is not None), ZERO)
    return ResourceCost(
        address=planned.address,
        type=planned.type,
        region=planned.region,
        lines=lines,
        monthly=plain(monthly),
        complete=all(line.state in ("priced", "free") for line in lines),
    )


def _line(line: Line, answer: Quote, planned: Planned, currency: str) -> PriceLine:
    problem = answer.problem
    if not problem and answer.currency and answer.currency != currency:
        problem = f"its price is in {answer.currency}"
    quantity = None if line.quantity is None else plain(line.quantity)
    if problem:
        if line.quantity is not None and line.quantity == ZERO:
            return PriceLine(component=line.component, unit=line.unit, state="free", quantity="0")
        if line.query is not None and not planned.region and not line.query.region:
            problem = "the plan does not tell its region"
        elif line.query is not None and problem == NO_PRICE:
            problem = f"no price of {line.query.service} in {line.query.region} is known"
        state = "usage" if quantity is None else "unpriced"
        return PriceLine(component=line.component, unit=line.unit, state=state, quantity=quantity, source=problem)
    assert answer.price is not None
    return PriceLine(
        component=line.component,
        unit=line.unit,
        state="usage" if answer.monthly is None else "priced",
        quantity=quantity,
        price=plain(answer.price, _PRICE),
        monthly=None if answer.monthly is None else plain(answer.monthly),
        source=answer.source,
        alternatives={name: plain(monthly) for name, monthly in answer.alternatives},
    )


def _total(costs: Iterable[ResourceCost | None]) -> Decimal:
    return sum((Decimal(one.monthly) for one in costs if one is not None), ZERO)


def _sources(costs: Iterable[ResourceCost | None]) -> tuple[str, ...]:
    told = {
        line.source.partition(" sku ")[0]
        for one in costs
        if one is not None
        for line in one.lines
        if line.price is not None
    }
    return tuple(sorted(told))


def _assumed(items: Sequence[_Item]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for item in items:
        for line in item.lines:
            if line.assumed:
                counts[line.assumed] = counts.get(line.assumed, 0) + 1
    return tuple(
        f"assumed for {count} component{'s' if count > 1 else ''}: {text}" for text, count in sorted(counts.items())
    )


def plain(number: Decimal, step: Decimal = _CENTS) -> str:
    """Decimal text without an exponent, at most as fine as `step`."""
    with localcontext() as context:
        context.prec = 60
        text = f"{number.quantize(step):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
