"""A bill and its waste as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from agent.cost.amounts import compared
from agent.cost.model import CostReport, CostRow, Jump, Waste, WasteReport
from api.text_layout import cells, cut, wrap

_ROWS = 20
_WASTES = 40
_BLOCKS = "▁▂▃▄▅▆▇█"
_CHART_DAYS = 70


def bill_text(report: CostReport, width: int = 100) -> str:
    """The bill: total, days as a line of bars, groups, jumps with their causes, and what a reader must know."""
    lines = [f"{report.total} {report.currency} from {report.since} until {report.until}{_than(report)}"]
    if chart := _chart(report):
        lines += ["", chart]
    if report.rows:
        lines += ["", f"by {report.by}:", *_table(report.rows, report.currency, width)]
        if len(report.rows) > _ROWS:
            lines.append(f"  … and {len(report.rows) - _ROWS} more")
    if report.jumps:
        lines += ["", "jumps:"]
        for jump in report.jumps:
            lines += _jump(jump, report.currency, width)
    elif report.rows:
        lines += ["", "no jump"]
    lines += _notes(report.notes, width, truncated=report.truncated)
    cited = [f"  [{c.id}] {c.source} {c.locator}" for c in report.citations]
    if cited:
        lines += ["", *(cut(c, width) for c in cited)]
    return "\n".join(lines)


def waste_text(report: WasteReport, width: int = 100) -> str:
    """What is paid for nothing, the dearest first, with what to do."""
    count = len(report.wastes)
    lines = [
        f"{count} thing{'s' if count != 1 else ''} paid for and not used; {report.saving} {report.currency} a month would be saved"
        if count
        else "nothing is known to be paid for and not used"
    ]
    for waste in report.wastes[:_WASTES]:
        lines += ["", *_waste(waste, report.currency, width)]
    if count > _WASTES:
        lines += ["", f"… and {count - _WASTES} more"]
    lines += _notes(report.notes, width, truncated=report.truncated)
    cited = [f"  [{c.id}] {c.source} {c.locator}" for c in report.citations]
    if cited:
        lines += ["", *(cut(c, width) for c in cited)]
    return "\n".join(lines)


def _than(report: CostReport) -> str:
    if report.before is None:
        return ""
    return f", {_compared(report.total, report.before)} the window before ({report.before})"


def _compared(now: str, before: str) -> str:
    return compared(Decimal(now), Decimal(before), same="as much as")


def _chart(report: CostReport) -> str:
    """A bar a day, or a week."""
    amounts = [float(a) for a in report.daily.values()]
    if len(amounts) < 2:
        return ""
    unit = "day"
    if len(amounts) > _CHART_DAYS:
        amounts = [sum(amounts[i : i + 7]) for i in range(0, len(amounts) - len(amounts) % 7, 7)]
        unit = "week"
    low, high = min(0.0, *amounts), max(amounts)
    step = (high - low) or 1.0
    bars = "".join(_BLOCKS[min(int((a - low) / step * len(_BLOCKS)), len(_BLOCKS) - 1)] for a in amounts)
    return f"  {bars}  {high:,.2f} {report.currency} in the dearest {unit}"


def _table(rows: tuple[CostRow, ...], currency: str, width: int) -> Iterator[str]:
    shown = rows[:_ROWS]
    names = [cut(r.key or "(not told)", width - 44) for r in shown]
    widest = max(map(cells, names))
    for row, name in zip(shown, names, strict=True):
        than = f"  {_compared(row.amount, row.before)} before ({row.before})" if row.before is not None else ""
        yield cut(
            f"  {name}{' ' * (widest - cells(name))}  {row.amount:>12} {currency}  {row.share:>6.1%}{than}", width
        )


def _jump(jump: Jump, currency: str, width: int) -> Iterator[str]:
    more = Decimal(jump.per_month)
    until = f" until {jump.until}" if jump.until else ""
    head = f"{jump.key} since {jump.since}{until}: {jump.expected} → {jump.actual} {currency} a day, {abs(more)} a month {'more' if more > 0 else 'less'}"
    yield from wrap(head, width, first="  ", then="    ")
    marks = "".join(f"[{c}]" for c in jump.citations)
    if jump.cause:
        yield from wrap(f"cause ({jump.probability:.0%}): {jump.cause} {marks}", width, first="    ", then="      ")
    elif jump.verdict:
        yield from wrap(f"no cause was found {marks}", width, first="    ", then="      ")
    if jump.investigation:
        yield f"    lore show {jump.investigation}"


def _waste(waste: Waste, currency: str, width: int) -> Iterator[str]:
    saving = f"{waste.saving} {currency} a month" if waste.saving is not None else "saving not known"
    where = f" ({waste.environment})" if waste.environment else ""
    yield from wrap(f"{saving}: {waste.label}{where}, {waste.kind.replace('_', ' ')}", width, then="  ")
    marks = "".join(f"[{c}]" for c in waste.citations)
    yield from wrap(f"{waste.reason} {marks}", width, first="  ", then="  ")
    if waste.patch:
        yield from wrap(f"do: {waste.patch}", width, first="  ", then="      ")
    if waste.owners:
        yield from wrap(f"owner: {', '.join(waste.owners)}", width, first="  ", then="  ")


def _notes(notes: tuple[str, ...], width: int, *, truncated: bool) -> list[str]:
    told = [*notes, *(["not everything was read: the window holds too much"] if truncated else [])]
    return ["", *(line for note in told for line in wrap(note, width, first="note: ", then="  "))] if told else []
