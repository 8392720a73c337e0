"""Drift, cost, waste, status, a rollback, a tree and the help as Slack blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from agent.cost.model import CostReport, WasteReport
from agent.drift.model import AttributeDrift, Drift, DriftReport
from agent.evidence import shown
from agent.investigation import Investigation, Node, Rollback
from agent.model import AttributeState, Citation
from api.investigation_slack import investigation_blocks
from api.investigation_words import children, fate, percent
from api.slack_blocks import (
    Block,
    actions,
    button,
    code,
    context,
    fit,
    header,
    marked,
    marks,
    section,
    sections,
    source_line,
    text,
)
from graph.clock import Instant
from graph.store import StoreStatus

RIGHT, WRONG, TREE = "lore_right", "lore_wrong", "lore_tree"
_DRIFTS, _ROWS, _ITEMS = 12, 12, 6
_CITATIONS = 12
_ICONS = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "⚪", "info": "⚪"}


def investigated_blocks(found: Investigation) -> list[Block]:
    """An investigation with the buttons that confirm it or take that back."""
    buttons: list[Block] = []
    if found.causes and found.verdict != "insufficient_evidence":
        buttons = [
            button("Right: that was it", RIGHT, f"{found.id}:1", style="primary"),
            button("Wrong", WRONG, f"{found.id}:1", style="danger"),
        ]
    buttons.append(button("Show tree", TREE, found.id))
    return fit(investigation_blocks(found), [actions(buttons, f"lore_{found.id}"[:255])])


def cause_buttons(found: Investigation) -> list[Block]:
    """After "wrong": the other causes, to say which it was."""
    others = [c for c in found.causes if c.rank > 1][:4]
    return [
        button(f"It was {c.rank}. {c.label or c.mechanism}", f"{RIGHT}_{c.rank}", f"{found.id}:{c.rank}")
        for c in others
    ]


def tree_blocks(found: Investigation) -> list[Block]:
    """The hypothesis tree as indented lines."""
    below = children(found.tree.nodes)
    lines: list[str] = []

    def walk(node: Node, depth: int) -> None:
        if depth > 8:
            return
        lines.append(
            f"{'   ' * depth}• {text(node.claim, 160)}  {text(percent(node.posterior), 20)}, {text(fate(node), 60)}"
        )
        for child in below.get(node.id, ()):
            walk(child, depth + 1)

    for root in below.get(None, ()):
        walk(root, 0)
    return fit(
        [
            header(f"Hypotheses: {found.symptom}"),
            *sections(lines, most=20),
            context(f"{found.tree.steps} steps, {found.id}"),
        ]
    )


def drift_blocks(report: DriftReport) -> list[Block]:
    """What differs between code and reality, worst first."""
    cited = {c.id: c for c in report.citations}
    many = Counter(d.severity for d in report.drifts)
    told = ", ".join(f"{n} {severity}" for severity, n in many.items())
    title = f"Drift: {len(report.drifts)} resources are not as they should be" if report.drifts else "No drift is known"
    blocks: list[Block] = [
        header(title),
        context(f"{told + '; ' if told else ''}scanned {report.scanned_at[:16].replace('T', ' ')} UTC"),
    ]
    blocks += [section(_drift(one, cited)) for one in report.drifts[:_DRIFTS]]
    if len(report.drifts) > _DRIFTS or report.truncated:
        blocks.append(context(f"… {len(report.drifts) - _DRIFTS} more; `lore drift` lists all of them"))
    if report.ignored:
        blocks.append(
            context(f"{sum(i.count for i in report.ignored)} differences are no drift by {len(report.ignored)} rules.")
        )
    return fit([*blocks, *_notes(report.notes), *_sources(report.citations)])


def _drift(one: Drift, cited: Mapping[str, Citation]) -> list[str]:
    where = f" in {text(one.environment, 40)}" if one.environment else ""
    lines = [
        f"{_ICONS[one.severity]} *{text(one.address, 160)}*{where}: {text(one.kind, 20)}, {text(one.severity, 20)}{marks(one.citations, cited)}"
    ]
    lines += [f"• {_attribute(a)}" for a in one.attributes[:4]]
    if len(one.attributes) > 4:
        lines.append(f"… {len(one.attributes) - 4} more attributes")
    lines += [f"⚠ {text(r, 240)}" for r in one.risks[:2]]
    for cause in one.causes[:2]:
        at = text(cause.at[:16].replace("T", " "), 20)
        lines.append(
            f"by {text(cause.by.name, 80)} through {text(cause.via, 40)}, {at} UTC ({text(cause.action, 80)}){marks(cause.citations, cited)}"
        )
    lines += [f"“{text(s.text, 200)}” {text(s.by, 80)}{marks((s.citation,), cited)}" for s in one.said[:1]]
    if one.owners:
        lines.append(f"owners: {text(', '.join(one.owners), 160)}")
    return [*lines, f"{code(f'lore drift fix {one.id}')}"]


def _attribute(one: AttributeDrift) -> str:
    return f"{text(one.path, 100)}: {text(_side(one.desired), 80)} → {text(_side(one.actual), 80)}"


def _side(state: AttributeState) -> str:
    return shown(state.value) if state.state == "value" else f"({state.state})"


def cost_blocks(report: CostReport) -> list[Block]:
    """The bill of a window, and what made it jump."""
    cited = {c.id: c for c in report.citations}
    before = f" (the window before: {report.before} {report.currency})" if report.before else ""
    blocks: list[Block] = [
        header(f"Cost {report.since[:10]} to {report.until[:10]}: {report.total} {report.currency}"),
        context(f"by {report.by}{before}"),
    ]
    rows = [
        f"• {text(r.key, 120)}: *{text(r.amount, 40)}* {text(report.currency, 8)}{_change(r.before)}"
        for r in report.rows[:_ROWS]
    ]
    if len(report.rows) > _ROWS or report.truncated:
        rows.append(f"… {len(report.rows) - _ROWS} more")
    blocks += sections(rows)
    for jump in report.jumps[:_ITEMS]:
        lines = [
            f"*{text(jump.key, 160)}* from {text(jump.since, 20)}: {text(jump.expected, 40)} → {text(jump.actual, 40)} a day, "
            f"{text(jump.per_month, 40)} {text(report.currency, 8)} a month{marks(jump.citations, cited)}"
        ]
        if jump.cause:
            lines.append(
                f"{text(percent(jump.probability), 20)}: {text(jump.cause, 300)}{f' by {text(jump.by, 80)}' if jump.by else ''}"
            )
        elif jump.verdict:
            lines.append("No cause was found.")
        blocks.append(section(lines))
    if len(report.jumps) > _ITEMS:
        blocks.append(context(f"… {len(report.jumps) - _ITEMS} more jumps"))
    return fit([*blocks, *_notes(report.notes), *_sources(report.citations)])


def _change(before: str | None) -> str:
    return f" (before: {text(before, 40)})" if before else ""


def waste_blocks(report: WasteReport) -> list[Block]:
    """What is paid for and not used."""
    cited = {c.id: c for c in report.citations}
    blocks: list[Block] = [header(f"{len(report.wastes)} idle or oversized: {report.saving} {report.currency} a month")]
    for one in report.wastes[:_ROWS]:
        saving = f"{text(one.saving, 40)} a month" if one.saving else "no price is known"
        lines = [
            f"*{text(one.label, 160)}* {text(one.kind, 40)}, {saving}{marks(one.citations, cited)}",
            text(one.reason, 300),
        ]
        blocks.append(section([*lines, *([code(one.patch)] if one.patch else [])]))
    if len(report.wastes) > _ROWS or report.truncated:
        blocks.append(context(f"… {len(report.wastes) - _ROWS} more"))
    return fit([*blocks, *_notes(report.notes), *_sources(report.citations)])


def status_blocks(status: StoreStatus, now: Instant) -> list[Block]:
    """How fresh each source is. Scopes are not named: one may be a channel's that not everybody may know of."""
    oldest: dict[str, Instant | None] = {}
    for scope in status.scopes:
        if scope.source in oldest and oldest[scope.source] is None:
            continue
        fresh = scope.fresh_until
        known = oldest.get(scope.source)
        oldest[scope.source] = fresh if known is None or fresh is None else min(known, fresh)
    lines = [f"• {text(source, 60)}: {_age(fresh, now)}" for source, fresh in sorted(oldest.items())]
    what = ", ".join(
        f"{n:,} {text(kind, 40)}" for kind, n in sorted(status.entities.items(), key=lambda e: (-e[1], e[0]))[:6]
    )
    quarantined = sum(s.quarantined for s in status.scopes)
    blocks: list[Block] = [
        header("Status"),
        *sections(lines or ["Nothing was read yet."]),
        context(f"Public facts: {what or 'none'}"),
    ]
    if quarantined:
        blocks.append(context(f"{quarantined} items could not be read; `lore status` names them."))
    return fit(blocks)


def _age(fresh: Instant | None, now: Instant) -> str:
    if fresh is None:
        return "not known how far it was read"
    minutes = max(now - fresh, 0) // 60_000_000
    if minutes < 120:
        return f"read up to {minutes} minutes ago"
    return f"read up to {minutes // 60} hours ago" if minutes < 72 * 60 else f"read up to {minutes // 1440} days ago"


def rollback_blocks(back: Rollback, citations: Sequence[Citation], said: str) -> list[Block]:
    """How a change is taken back; nothing is done."""
    cited = {c.id: c for c in citations}
    lines = [
        f"*{'Nothing known speaks against it' if back.safe else 'Look before you do it'}:* {marked(back.why, cited)}"
    ]
    if back.command:
        lines.append(code(back.command))
    used = [c for c in citations if c.id in back.citations]
    return fit(
        [context(said), section(lines), *_sources(used), context("It is only shown: infralore takes nothing back.")]
    )


def help_blocks(intro: str, examples: Sequence[str]) -> list[Block]:
    """What can be said."""
    return [section([text(intro, 600)]), *sections([f"• {code(e)}" for e in examples])]


def _notes(notes: Sequence[str]) -> list[Block]:
    return [context(n) for n in notes[:5]]


def _sources(citations: Sequence[Citation]) -> list[Block]:
    lines = [source_line(c) for c in citations[:_CITATIONS]]
    if len(citations) > _CITATIONS:
        lines.append(f"… {len(citations) - _CITATIONS} more")
    return sections(["*Citations*", *lines], most=2) if lines else []
