"""The measures that a team should see, each with how it was computed and from how many; None with a reason where it cannot be.

Change failure rate, deployment frequency, lead time and time to restore are DORA's (https://dora.dev/guides/dora-metrics-four-keys/).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from agent.cost.amounts import amount
from agent.digest.findings import Kept
from agent.digest.incidents import Told
from agent.digest.material import Material
from agent.digest.model import Measure
from agent.evidence import text_of
from agent.lineage import commits_of
from agent.phrasing import plural
from agent.shipments import Shipment, moment
from graph.clock import DAY, SECOND, Instant
from graph.model import EntityRef
from graph.store import Limits, Provenance

_HOUR: Instant = 3_600 * SECOND
_LIMITS = Limits(rows=60_000, deadline_s=20.0)
_CITED = 5
_NOT_DEPLOYED = frozenset({"publish", "scale", "restart", "remove"})


def measures(material: Material, open_findings: Sequence[Kept], open_before: Sequence[Kept]) -> tuple[Measure, ...]:
    """All of them, in a fixed order."""
    now = _deployments(material, material.since, material.until)
    before = _deployments(material, material.before, material.since)
    return (
        _restore(material),
        _failures(material, now, before),
        _frequency(material, now, before),
        _lead(material, now, before),
        _cost(material),
        _age(material, open_findings, open_before),
    )


# -- time to restore


def _restore(material: Material) -> Measure:
    now = _ended(material, material.since, material.until)
    before = _ended(material, material.before, material.since)
    return Measure(
        name="mttr",
        title="Time to restore",
        value=_hours([_lasted(i) for i in now]),
        previous=_hours([_lasted(i) for i in before]),
        unit="hours",
        better="lower",
        how="Mean time from the beginning to the end of the incidents that ended in the window, as the on-call tool or the write-up tells both.",
        count=len(now),
        why="" if now else "no incident ended in the window",
        citations=_some(material, [s for i in now for s in i.said[:1]]),
    )


def _ended(material: Material, since: Instant, until: Instant) -> list[Told]:
    return [
        i
        for i in material.incidents
        if i.ended_at is not None and since <= i.ended_at < until and i.ended_at >= i.started_at
    ]


def _lasted(one: Told) -> Instant:
    return (one.ended_at or one.started_at) - one.started_at


# -- deployments


def _deployments(material: Material, since: Instant, until: Instant) -> list[Shipment]:
    """Those that took effect in production in a window and are the team's."""
    found = [
        s
        for s in material.shipments.between(since, until)
        if material.in_production(s) and s.action not in _NOT_DEPLOYED
    ]
    return [s for s in found if _is_ours(material, s)]


def _is_ours(material: Material, one: Shipment) -> bool:
    if not material.names:
        return True
    if one.service:
        return material.is_ours(service=one.service)
    carried = material.context.reach.carried(one)
    return material.is_ours(
        places={(c.provenance.scope, path) for c in carried if (path := text_of(c.properties, "path"))}
    )


def _frequency(material: Material, now: Sequence[Shipment], before: Sequence[Shipment]) -> Measure:
    weeks = (material.until - material.since) / (7 * DAY)
    weeks_before = (material.since - material.before) / (7 * DAY)
    known = bool(material.production)
    return Measure(
        name="deployment_frequency",
        title="Deployments to production",
        value=round(len(now) / weeks, 2) if known else None,
        previous=round(len(before) / weeks_before, 2) if known else None,
        unit="per week",
        better="higher",
        how="Deployments and applies that took effect in production in the window, for seven days. Failed ones, restarts and scaling are left out.",
        count=len(now),
        why="" if known else "no deployment to an environment called production is known",
        citations=_some(material, [s.said for s in now]),
    )


def _failures(material: Material, now: Sequence[Shipment], before: Sequence[Shipment]) -> Measure:
    rolled_back, causes = _rolled_back(material), _causes(material)
    failed = _failed(material, now, rolled_back, causes)
    return Measure(
        name="change_failure_rate",
        title="Change failure rate",
        value=round(100 * len(failed) / len(now), 1) if now else None,
        previous=round(100 * len(_failed(material, before, rolled_back, causes)) / len(before), 1) if before else None,
        unit="%",
        better="lower",
        how="Of the deployments to production, those that are stated to have caused an incident, themselves or by a change that they carried, and those that the service's next deployment rolled back.",
        count=len(now),
        why="" if now else "nothing was deployed to production in the window",
        citations=_some(material, [s.said for s in failed] or [s.said for s in now]),
    )


def _rolled_back(material: Material) -> set[EntityRef]:
    """Deployments that the service's next one took back."""
    found = set[EntityRef]()
    last: dict[tuple[str, str], Shipment] = {}
    for one in material.shipments.all:
        if not one.took_effect or one.action in _NOT_DEPLOYED or one.is_apply:
            continue
        place = (one.service, one.environment)
        if one.action == "rollback" and place in last:
            found.add(last[place].ref)
        last[place] = one
    return found


def _failed(
    material: Material, some: Sequence[Shipment], rolled_back: set[EntityRef], causes: set[EntityRef]
) -> list[Shipment]:
    found: list[Shipment] = []
    for one in some:
        own: set[EntityRef] = {*one.refs, EntityRef(f"Commit:{one.commit}")}
        for change in material.context.reach.carried(one):
            own |= {change.change, *commits_of(change)}
        if one.action != "rollback" and (one.ref in rolled_back or not own.isdisjoint(causes)):
            found.append(one)
    return found


def _causes(material: Material) -> set[EntityRef]:
    """What caused an incident, and the commits of pull requests that did."""
    causes = {e.dst for i in material.incidents for e in i.causes}
    requests = sorted(r for r in causes if r.kind == "PullRequest")
    if not requests:
        return causes
    edges = material.store.neighbours(requests, material.view, _LIMITS, types=("PART_OF", "MERGED_AS")).items
    return causes | {end for e in edges for end in (e.src, e.dst) if end.kind == "Commit"}


def _lead(material: Material, now: Sequence[Shipment], before: Sequence[Shipment]) -> Measure:
    times = _lead_times(material, now)
    return Measure(
        name="lead_time",
        title="Lead time for changes",
        value=_hours(times, middle=True),
        previous=_hours(_lead_times(material, before), middle=True),
        unit="hours",
        better="lower",
        how="Median time from when a commit was written, or merged where that is not known, to the first deployment or apply that brought it to production.",
        count=len(times),
        why="" if times else "no deployment to production in the window tells which commits it carried",
        citations=_some(material, [s.said for s in now if s.commit]) if times else (),
    )


def _lead_times(material: Material, some: Sequence[Shipment]) -> list[Instant]:
    reach = material.context.reach
    first: dict[str, Instant] = {}
    for one in sorted(some, key=lambda s: (s.at, s.ref)):
        if one.action == "rollback":
            continue
        shas = {c.change.id for c in reach.carried(one)} or ({one.commit} if one.commit else set[str]())
        for sha in shas:
            first.setdefault(sha, one.at)
    reach.places.read(first)
    found: list[Instant] = []
    for sha, at in sorted(first.items()):
        placed = reach.places.of(sha)
        written = moment(placed.authored_at) or moment(placed.merged_at) if placed is not None else None
        if written is not None and written <= at:
            found.append(at - written)
    return found


# -- money and age


def _cost(material: Material) -> Measure:
    report = material.given.cost
    total = amount(report.total) if report is not None else None
    earlier = report.before if report is not None else None
    before = amount(earlier) if earlier is not None else None
    last = material.given.cost_before
    trend = float(round((total - before) / before * 100, 1)) if total is not None and before else None
    previous = None
    if last is not None and last.before is not None and amount(last.before):
        previous = float(round((amount(last.total) - amount(last.before)) / amount(last.before) * 100, 1))
    why = material.given.why_no_cost if report is None else "the window before has no bill" if trend is None else ""
    return Measure(
        name="cost_trend",
        title="Cost trend",
        value=trend,
        previous=previous,
        unit="%",
        better="lower",
        how="What the bill says for the window against the equally long window before it.",
        count=len(report.daily) if report is not None else 0,
        why=why,
        citations=material.borrowed([c.id for c in report.citations[:2]], report.citations)
        if report is not None
        else (),
    )


def _age(material: Material, some: Sequence[Kept], before: Sequence[Kept]) -> Measure:
    ages = [k.age_days(material.now) for k in some]
    oldest = f", the oldest {plural(round(max(ages)), 'day')}" if ages else ""
    return Measure(
        name="age_of_findings",
        title="Age of open findings",
        value=round(median(ages), 1) if ages else None,
        previous=round(median([k.age_days(material.since) for k in before]), 1) if before else None,
        unit="days",
        better="lower",
        how=f"Median time since drift and waste that is still open was seen first{oldest}.",
        count=len(ages),
        why="" if ages else "no finding is open",
        citations=_some(material, [k.said for k in some]),
    )


def _hours(times: Sequence[Instant], *, middle: bool = False) -> float | None:
    if not times:
        return None
    return round((median(times) if middle else fmean(times)) / _HOUR, 2)


def _some(material: Material, said: Sequence[Provenance]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(material.citations.cite(s) for s in said[:_CITED]))
