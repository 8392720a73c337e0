"""Drift on a terminal: what is wrong at a glance, worst first, and a single one with all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from agent.drift.model import AttributeDrift, Drift, DriftReport
from agent.drift.scan import title_of
from agent.evidence import shown
from agent.fix.model import Fix
from agent.model import AttributeState
from agent.narrative import minute
from api.render import plain
from api.text_layout import fit, wrap
from graph.clock import instant

_ATTRIBUTES = 5
_VALUE = 90


def report_text(report: DriftReport, width: int) -> str:
    """The whole report."""
    width = fit(width)
    lines: list[str] = []
    if not report.drifts:
        when = f" at {minute(instant(report.scanned_at))}" if report.scanned_at else ""
        lines.append(f"No drift{when}." if report.scanned_at else "Nobody has looked for drift yet: run `lore drift`.")
    else:
        counts: dict[str, int] = {}
        for one in report.drifts:
            counts[one.severity] = counts.get(one.severity, 0) + 1
        told = ", ".join(f"{count} {severity}" for severity, count in counts.items())
        lines.append(
            f"{len(report.drifts)} drift{'s' if len(report.drifts) > 1 else ''} ({told}), as of {minute(instant(report.scanned_at))}"
        )
    for one in report.drifts:
        lines += ["", *_lines(one, width)]
    if report.gone:
        lines += ["", f"gone since the scan before: {', '.join(report.gone)}"]
    if report.ignored:
        total = sum(i.count for i in report.ignored)
        rules = ", ".join(f"{plain(i.rule)} {i.count}" for i in report.ignored)
        lines += ["", *wrap(f"{total} differences are no drift by rule: {rules}", width)]
    for note in report.notes:
        lines += wrap(f"note: {note}", width, then="  ")
    stale = [c.source for c in report.coverage if c.status != "ok"]
    if stale:
        lines += wrap(f"note: not read lately: {', '.join(stale)}", width, then="  ")
    return "\n".join(lines)


def _lines(one: Drift, width: int) -> list[str]:
    where = f" [{plain(one.environment)}]" if one.environment else ""
    lines = wrap(f"{title_of(one)}{where}", width, first=f"{one.severity.upper():<8} ", then=" " * 9)
    for attribute in one.attributes[:_ATTRIBUTES]:
        lines += wrap(_attribute(attribute), width, first="         ", then="           ")
    if len(one.attributes) > _ATTRIBUTES:
        lines.append(f"         … {len(one.attributes) - _ATTRIBUTES} more")
    for risk in one.risks[:2]:
        lines += wrap(risk, width, first="         ! ", then="           ")
    for cause in one.causes[:2]:
        by = plain(cause.by.name) or "somebody"
        lines += wrap(
            f"{by}, {minute(instant(cause.at))}, by way of {plain(cause.via)}: {plain(cause.action)}",
            width,
            first="         by ",
            then="            ",
        )
    if not one.causes:
        lines.append("         by nobody that an audit log tells of")
    for said in one.said[:1]:
        by = f"{plain(said.by)}: " if said.by else ""
        lines += wrap(f"{by}“{said.text}”", width, first="         ", then="           ", most=2)
    for alert in one.alerts[:1]:
        lines += wrap(f"alert: {alert}", width, first="         ", then="           ")
    if one.owners:
        lines += wrap(f"owned by {', '.join(one.owners)}", width, first="         ", then="           ")
    lines.append(f"         {' or '.join(one.remedies)}: lore drift fix {one.id}")
    return lines


def _attribute(attribute: AttributeDrift) -> str:
    desired, actual = attribute.desired, attribute.actual
    before, after = _list(desired.value), _list(actual.value)
    if before is not None and after is not None:
        ours, theirs = [_item(v) for v in before], [_item(v) for v in after]
        added = [f"+ {v}" for v in theirs if v not in ours]
        removed = [f"- {v}" for v in ours if v not in theirs]
        if added or removed:
            return f"{plain(attribute.path)}: {'  '.join([*removed, *added])}"
    return f"{plain(attribute.path)}: {side(desired)} → {side(actual)}"


def _list(value: object) -> Sequence[object] | None:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else None


def _item(value: object) -> str:
    """An item of a list; a block in one line."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return shown(" ".join(f"{k}={shown(v, _VALUE)}" for k, v in fields.items()), _VALUE * 2)
    return shown(value, _VALUE)


def side(state: AttributeState) -> str:
    """One side of an attribute."""
    return shown(state.value, _VALUE) if state.state == "value" else f"({state.state})"


def drift_text(one: Drift, report: DriftReport, width: int) -> str:
    """Everything that is known of one drift."""
    width = fit(width)
    cited = {c.id: c for c in report.citations}
    lines = _lines(one, width)
    lines.append("")
    facts = {
        "id": one.id,
        "kind": one.kind,
        "type": one.type,
        "cloud id": one.cloud_id,
        "code": f"{one.repository}:{one.directory}" if one.repository else one.directory,
        "told by": "a plan of Terraform" if one.basis == "plan" else "an inventory against the state",
        "first seen": minute(instant(one.first_seen_at)),
    }
    lines += [f"{name:<11}{plain(value)}" for name, value in facts.items() if value]
    for cause in one.causes:
        of = f" (set {', '.join(cause.explains)})" if cause.explains else ""
        source = "; ".join(cited[c].url or cited[c].locator for c in cause.citations if c in cited)
        lines += wrap(
            f"{minute(instant(cause.at))} {cause.by.name or 'somebody'} {cause.action}{of}",
            width,
            first="call       ",
            then="           ",
        )
        lines += wrap(source, width, first="           ", then="           ") if source else []
    for said in one.said:
        source = f" ({cited[said.citation].url or cited[said.citation].locator})" if said.citation in cited else ""
        lines += wrap(
            f"{said.by + ': ' if said.by else ''}“{said.text}”{source}", width, first="said       ", then="           "
        )
    lines += [f"alert      {plain(a)}" for a in one.alerts]
    return "\n".join(lines)


def fix_text(fix: Fix, width: int) -> str:
    """What to do about a drift, with the diff as it is."""
    width = fit(width)
    lines = wrap(("" if fix.safe else "not safe as it is: ") + fix.why, width)
    lines += [f"writes {plain(p)}" for p in fix.places]
    if fix.diff:
        lines += ["", *(plain(line) for line in fix.diff.splitlines()), ""]
    lines += [f"run: {plain(c)}" for c in fix.commands]
    lines += [f"checked: {plain(c)}" for c in fix.checked]
    return "\n".join(lines)
