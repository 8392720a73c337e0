"""A digest from the graph: pure, as of the end of its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.cost.amounts import amount, compared, money
from agent.digest.changes import changes, name_of
from agent.digest.costs import cost
from agent.digest.drifting import drift, waste
from agent.digest.findings import Findings
from agent.digest.happened import happened
from agent.digest.incidents import Told
from agent.digest.material import Given, Material
from agent.digest.matter import Group
from agent.digest.measures import measures
from agent.digest.model import Digest, Measure, Period, Section
from agent.digest.standing import expiring, stale, unowned
from agent.digest.window import Window
from agent.phrasing import listing, plural
from graph.clock import rfc3339
from graph.store import GraphStore, View


def make_digest(
    store: GraphStore, view: View, period: Period, window: Window, team: str = "", given: Given | None = None
) -> Digest:
    """What happened in the window, as true then: facts that begin at its end or later are not seen.

    Args:
        view: who reads, and as known when; its `as_of` is replaced by the window's last moment.
        team: only what this team owns; empty for all.
        given: what the graph does not hold: the bill.

    Raises:
        UnknownTeam: no team of this name is known.
    """
    material = Material(
        store, replace(view, as_of=window.until - 1), window.since, window.until, window.before, given or Given(), team
    )
    _ = material.names
    drifted, drifts = drift(material)
    paid = cost(material)
    changed, groups = changes(material)
    broke, incidents = happened(material)
    wasted, wastes = waste(material)
    sections = (drifted, paid, changed, broke, expiring(material), wasted, unowned(material), stale(material))
    told = measures(material, [*drifts.open, *wastes.open], [*drifts.at_begin, *wastes.at_begin])
    quiet = _is_quiet(sections, drifts, wastes, groups)
    headline = _quiet(material, drifts, wastes) if quiet else _headline(material, sections, drifts, groups, incidents)
    return Digest(
        period=period,
        since=rfc3339(window.since),
        until=rfc3339(window.until),
        team=team,
        organisation=material.given.organisation,
        headline=headline,
        quiet=quiet,
        sections=sections,
        measures=told,
        notes=_notes(material, told),
        citations=material.citations.all(),
    )


def _is_quiet(sections: Sequence[Section], drifts: Findings, wastes: Findings, groups: Sequence[Group]) -> bool:
    """Nothing happened, and nothing that stands there needs anybody now."""
    if drifts.new or drifts.gone or wastes.new or groups:
        return False
    by_name = {s.name: s for s in sections}
    if any(k.severity in ("critical", "high") for k in drifts.open):
        return False
    cost_jumps = any(i.severity in ("high", "medium") for i in by_name["cost"].items)
    return not by_name["incidents"].items and not by_name["expiring"].items and not cost_jumps


def _quiet(material: Material, drifts: Findings, wastes: Findings) -> str:
    left = len(drifts.open) + len(wastes.open)
    rest = f"; {plural(left, 'older finding')} {'is' if left == 1 else 'are'} still open" if left else ""
    return f"Nothing changed, broke or drifted between {rfc3339(material.since)[:10]} and {rfc3339(material.until)[:10]}{rest}."


def _headline(
    material: Material,
    sections: Sequence[Section],
    drifts: Findings,
    groups: Sequence[Group],
    incidents: Sequence[Told],
) -> str:
    parts: list[str] = []
    if incidents:
        parts.append(plural(len(incidents), "incident"))
    if drifts.new:
        worst = sum(1 for k in drifts.new if k.severity in ("critical", "high"))
        parts.append(f"{plural(len(drifts.new), 'new drift')}{f' ({worst} severe)' if worst else ''}")
    elif drifts.open:
        parts.append(f"{plural(len(drifts.open), 'drift')} still open")
    deployed = sum(1 for s in material.shipments.between(material.since, material.until) if material.in_production(s))
    if deployed and not material.names:
        parts.append(f"{plural(deployed, 'deployment')} to production")
    hand = sum(1 for g in groups if g.hand is not None)
    if hand:
        parts.append(f"{plural(hand, 'change')} by hand")
    if not parts and groups:
        parts.append(plural(len(groups), "change"))
    soon = [
        i for s in sections if s.name == "expiring" for i in s.items if i.severity in ("critical", "high", "medium")
    ]
    if soon:
        parts.append(
            f"{plural(len(soon), 'certificate')} or key {'expires' if len(soon) == 1 else 'expire'} soon"
            if len(soon) == 1
            else f"{len(soon)} certificates or keys expire soon"
        )
    first = f"{listing(parts, 6)}." if parts else "Little happened."
    caused = next((g for g in groups if g.caused), None)
    second = f" {name_of(caused)} caused {caused.caused[0].label}." if caused is not None else ""
    return f"{first[:1].upper()}{first[1:]}{second}{_spent(material)}"


def _spent(material: Material) -> str:
    report = material.given.cost
    if report is None or not (report.daily or report.rows):
        return ""
    trend = ""
    if report.before is not None:
        trend = f", {compared(amount(report.total), amount(report.before))} {material.earlier}"
    return f" {money(report.total, report.currency)} were spent{trend}."


def _notes(material: Material, told: Sequence[Measure]) -> tuple[str, ...]:
    notes = list(material.given.notes)
    if material.given.cost is not None:
        notes += [f"Cost: {n}" for n in material.given.cost.notes[:3]]
    if material.ownership.cut:
        notes.append("There is more than was looked at: who owns what is told in part.")
    if not material.production and any(m.name == "deployment_frequency" for m in told):
        notes.append("No environment is called production: figures of deployments are missing.")
    return tuple(dict.fromkeys(notes))
