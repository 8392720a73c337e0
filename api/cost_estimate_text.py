"""An estimate as lines for a terminal: a table for each resource, totals, what has no price, and which price files were used."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agent.cost.model import Estimate, PriceLine, ResourceCost
from api.render import plain
from api.text_layout import cells, cut, fit, wrap
from ingest.prices.model import FileHead

_OPTIONS = 4
_UNPRICED = 30


def estimate_text(estimate: Estimate, width: int = 100) -> str:
    """The whole estimate."""
    width = fit(width)
    lines: list[str] = []
    if not estimate.resources:
        lines += ["nothing in this plan costs money by itself", ""]
    for resource in estimate.resources:
        lines += [*_resource(resource, width), ""]
    without = f", without {len(estimate.unpriced)} resources that have no price" if estimate.unpriced else ""
    lines.append(f"Total: {money(estimate.after)} {estimate.currency} a month{without}{_than(estimate)}")
    return "\n".join([*lines, *_what_else(estimate, width)])


def diff_text(estimate: Estimate, width: int = 100) -> str:
    """What changes, the largest difference first."""
    width = fit(width)
    after = {one.address: one for one in estimate.resources}
    before = {one.address: one for one in estimate.resources_before}
    changes = [
        (_amount(after.get(name)) - _amount(before.get(name)), name)
        for name in {*after, *before}
        if _shape(after.get(name)) != _shape(before.get(name))
    ]
    changes.sort(key=lambda one: (-abs(one[0]), one[1]))
    lines: list[str] = []
    for delta, name in changes:
        sign = "+" if name not in before else "-" if name not in after else "~"
        figure = _signed(delta) if delta or _complete(after.get(name), before.get(name)) else "not known"
        lines.append(_row(f"{sign} {plain(name)}", figure, width))
        old = {line.component: line for line in before[name].lines} if name in before else {}
        new = {line.component: line for line in after[name].lines} if name in after else {}
        for component in dict.fromkeys((*old, *new)):
            was, now = old.get(component), new.get(component)
            if was != now:
                lines.append(_row(f"    {plain(component)}", f"{_told(was)} → {_told(now)}", width))
    if not changes:
        lines.append("nothing that has a price changes")
    lines += [
        "",
        f"{money(estimate.before or '0')} → {money(estimate.after)} {estimate.currency} a month: {_signed(Decimal(estimate.delta or '0'))}",
    ]
    return "\n".join([*lines, *_what_else(estimate, width)])


def price_files_text(heads: Sequence[FileHead]) -> str:
    """Which price files there are, with their dates."""
    rows = [("provider", "service", "region", "published", "synced", "products")]
    rows += [
        (h.provider, h.service, h.region, h.published_at, h.synced_at or "-", str(h.products) if h.synced_at else "-")
        for h in heads
    ]
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(plain(value) + " " * (size - cells(value)) for value, size in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _resource(resource: ResourceCost, width: int) -> list[str]:
    place = f" ({resource.region})" if resource.region else ""
    mark = "" if resource.complete else " +"
    lines = [_row(f"{plain(resource.address)}{place}", money(resource.monthly) + mark, width)]
    quantities = [
        f"{_grouped(line.quantity)} {line.unit}" if line.quantity is not None else "" for line in resource.lines
    ]
    room = max((cells(one) for one in quantities), default=0)
    part = ""
    for line, quantity in zip(resource.lines, quantities, strict=True):
        price = f" × {line.price}" if line.price is not None and line.quantity is not None else ""
        figure = f"{' ' * (room - cells(quantity))}{quantity}{price:<16}{_figure(line):>14}"
        if line.state == "usage":
            figure = f"depends on usage{f': {line.price} per {line.unit}' if line.price is not None else ''}"
        elif line.state == "unpriced":
            figure = f"{quantity + ', ' if quantity else ''}unpriced"
        of, _, name = line.component.rpartition(" / ")
        if of != part:
            part = of
            lines += [f"  {plain(of)}"] if of else []
        lines.append(_row(f"{'    ' if of else '  '}{plain(name)}", figure, width))
        if line.state == "unpriced" and line.source:
            lines += wrap(plain(line.source), width, first="      ", then="      ")
        if line.alternatives:
            lines += wrap(_options(line), width, first="      or ", then="         ")
    return lines


def _options(line: PriceLine) -> str:
    cheapest = sorted(line.alternatives.items(), key=lambda one: (Decimal(one[1]), one[0]))[:_OPTIONS]
    more = len(line.alternatives) - len(cheapest)
    told = ", ".join(f"{plain(name)} {money(monthly)}" for name, monthly in cheapest)
    return f"{told}{f' and {more} more' if more > 0 else ''}"


def _figure(line: PriceLine) -> str:
    return "free" if line.state == "free" else money(line.monthly or "0")


def _row(left: str, right: str, width: int) -> str:
    """Two columns, the right one at the edge; below each other when they do not fit."""
    space = width - cells(left) - cells(right)
    if space >= 2:
        return left + " " * space + right
    if cells(right) + 24 < width:
        left = cut(left.strip(), width - cells(right) - 6)
        return "  " + left + " " * max(2, width - cells(left) - cells(right) - 2) + right
    return f"{left}\n      {right}"


def _what_else(estimate: Estimate, width: int) -> list[str]:
    lines: list[str] = []
    open_ = sum(1 for one in estimate.resources for line in one.lines if line.state == "usage")
    if open_:
        lines.append(f"  + {open_} components depend on usage: name a usage file with --usage to count them")
    if estimate.unpriced:
        lines += ["", f"Without a price, and not counted ({len(estimate.unpriced)}):"]
        lines += [f"  {plain(address)}" for address in estimate.unpriced[:_UNPRICED]]
        if len(estimate.unpriced) > _UNPRICED:
            lines.append(f"  … and {len(estimate.unpriced) - _UNPRICED} more")
    if estimate.free:
        lines += ["", f"Free by themselves: {estimate.free} resources"]
    if estimate.prices:
        lines += ["", "Prices from:", *(f"  {plain(one)}" for one in estimate.prices)]
    if estimate.notes:
        lines += ["", "Notes:"]
        for note in estimate.notes:
            lines += wrap(plain(note), width, first="  - ", then="    ")
    return lines


def _than(estimate: Estimate) -> str:
    if estimate.before is None or not estimate.resources_before:
        return ""
    return f" (before: {money(estimate.before)}, {_signed(Decimal(estimate.delta or '0'))})"


def money(text: str) -> str:
    """An amount with two decimals; more when it would be nothing otherwise."""
    amount = Decimal(text)
    if amount and abs(amount) < Decimal("0.005"):
        return f"{amount:f}"
    return f"{amount:,.2f}"


def _grouped(text: str | None) -> str:
    return f"{Decimal(text or '0'):,f}"


def _signed(delta: Decimal) -> str:
    return f"{'+' if delta >= 0 else '-'}{money(f'{abs(delta):f}')}"


def _amount(cost: ResourceCost | None) -> Decimal:
    return Decimal(cost.monthly) if cost else Decimal(0)


def _shape(cost: ResourceCost | None) -> object:
    return None if cost is None else (cost.monthly, cost.lines)


def _complete(*costs: ResourceCost | None) -> bool:
    return all(one is None or one.complete for one in costs)


def _told(line: PriceLine | None) -> str:
    if line is None:
        return "-"
    if line.state in ("priced", "free"):
        return _figure(line)
    quantity = f"{_grouped(line.quantity)} {line.unit}, " if line.quantity is not None else ""
    return f"{quantity}unpriced" if line.state == "unpriced" else "depends on usage"
