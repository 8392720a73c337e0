"""The section on cost: the bill that the application hands in, day by day, and the changes behind its jumps."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from agent.cost.amounts import amount, compared, money
from agent.cost.model import CostReport, Jump
from agent.digest.material import Material, section
from agent.digest.model import Chart, Item, Section, Series
from agent.evidence import inline

_ROWS = 5
_WEEKS_FROM = 70
"""A chart of more days than this shows weeks."""


def cost(material: Material) -> Section:
    """What was paid, by what it was paid for, with a chart of the days; jumps with their causes first."""
    report = material.given.cost
    if report is None:
        why = material.given.why_no_cost
        return section("cost", "Cost", [], f"{why[:1].upper()}{why[1:].rstrip('.')}.")
    everything = tuple(c.id for c in report.citations)
    items = [
        _jump(material, report, j)
        for j in sorted(
            (j for j in report.jumps if j.citations or everything),
            key=lambda j: (-abs(amount(j.per_month)), j.key, j.since),
        )
    ]
    rows = sorted(report.rows, key=lambda r: (-amount(r.amount), r.key))[:_ROWS]
    bill = material.borrowed(everything[:2], report.citations)
    for row in rows if bill else []:  # what nobody can look up is not told line by line
        before = (
            f", {compared(amount(row.amount), amount(row.before))} {material.earlier}" if row.before is not None else ""
        )
        items.append(
            Item(
                text=f"{inline(row.key or 'not told', 100)}: {money(row.amount, report.currency)}{before}",
                citations=bill,
            )
        )
    trend = (
        f", {compared(amount(report.total), amount(report.before))} {material.earlier}"
        if report.before is not None
        else ""
    )
    summary = f"{money(report.total, report.currency)}{trend}." if report.daily or report.rows else ""
    made = section("cost", "Cost", items, "Nothing is billed for this time.", summary=summary)
    chart = _chart(report)
    return replace(made, charts=(chart,) if chart is not None else (), citations=bill)


def _jump(material: Material, report: CostReport, jump: Jump) -> Item:
    up = amount(jump.actual) >= amount(jump.expected)
    per_month = money(str(abs(amount(jump.per_month))), report.currency)
    text = (
        f"{inline(jump.key, 120)} costs {per_month} a month {'more' if up else 'less'} since {inline(jump.since, 10)}"
    )
    if jump.cause:
        by = f" by {inline(jump.by, 60)}" if jump.by and jump.by not in jump.cause else ""
        sure = f" ({jump.probability:.0%})" if jump.probability else ""
        detail = f"Cause: {inline(jump.cause, 260).rstrip('.')}{by}{sure}."
    else:
        detail = "No cause was found."
    cited = jump.citations or tuple(c.id for c in report.citations[:1])
    severe = "medium" if not up else "high" if amount(jump.per_month) >= amount(report.total) / 20 else "medium"
    return Item(
        text=text,
        detail=detail,
        severity=severe,
        ref=jump.change or "",
        citations=material.borrowed(cited, report.citations),
    )


def _chart(report: CostReport) -> Chart | None:
    """The days, or the weeks of a long time."""
    days = sorted(report.daily.items())
    if len(days) < 2:
        return None
    if len(days) > _WEEKS_FROM:
        weeks = [days[i : i + 7] for i in range(0, len(days), 7)]
        days = [(w[0][0], str(sum((amount(a) for _, a in w), Decimal(0)))) for w in weeks]
        unit = "week from"
    else:
        unit = "day"
    values = tuple(round(float(amount(a)), 2) for _, a in days)
    low, high = min(values), max(values)
    alt = f"Cost a {'week' if unit != 'day' else 'day'} from {days[0][0]} to {days[-1][0]}: between {low:,.2f} and {high:,.2f} {report.currency}, {values[-1]:,.2f} at the end."
    return Chart(
        id="cost-daily",
        title=f"Cost by {'week' if unit != 'day' else 'day'}, {report.currency}",
        kind="bar",
        labels=tuple(d for d, _ in days),
        series=(Series(name="cost", values=values),),
        unit=report.currency,
        alt=alt,
    )
