"""The bill as the graph holds it: charges by day, added up by service, team, environment, resource, account or tag. Amounts are exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from agent.cost.amounts import ZERO, amount
from agent.evidence import text_of
from agent.ownership import ownership
from graph.clock import DAY, Instant, instant, rfc3339
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Limits, Provenance, View

MONTH_DAYS = Decimal("30.4")
"""Days that a month has by and large: of amounts a day as amounts a month."""
UNTOLD = ""
"""The key of what a bill does not tell: no tag, no resource."""
GROUPS = (
    "service",
    "team",
    "environment",
    "resource",
    "account",
    "region",
    "usage_type",
    "workload",
    "provider",
    "line_type",
)
"""What a bill can be grouped by, beside `tag:KEY`."""
_ROWS = 250_000
_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Charge:
    """One thing that was billed, over the days that were read.

    Attributes:
        service: as billed; `workload` is the service of ours that it is for.
        resource_id: as billed, empty where the bill names none; `resource` is what the graph knows it as.
        days: day (`2026-10-03`) -> amount, in order, no zeros.
        estimated: months (`2026-10`) of it that are not final.
        told: month -> what says so.
    """

    ref: EntityRef
    provider: str
    account: str
    service: str
    usage_type: str
    region: str
    resource_id: str
    line_type: str
    environment: str
    team: str
    workload: str
    tags: Mapping[str, str]
    currency: str
    basis: str
    days: Mapping[str, Decimal]
    estimated: tuple[str, ...]
    told: Mapping[str, Provenance]
    resource: EntityRef | None = None
    resource_label: str = ""

    @property
    def amount(self) -> Decimal:
        """What all days come to."""
        return sum(self.days.values(), ZERO)

    @property
    def said(self) -> Provenance:
        """What says so of the last month."""
        return self.told[max(self.told)]

    def said_on(self, day: str) -> Provenance:
        """What says so of a day; of the last month where nothing was billed in that one."""
        return self.told.get(day[:7], self.said)


@dataclass(frozen=True)
class Bill:
    """Charges of a window of days.

    Attributes:
        since, until: `since <= day < until`.
        cut: not everything was read.
    """

    charges: tuple[Charge, ...]
    since: str
    until: str
    cut: bool = False

    @cached_property
    def currencies(self) -> tuple[str, ...]:
        """Currencies, the one with most lines first."""
        count: dict[str, int] = {}
        for charge in self.charges:
            count[charge.currency] = count.get(charge.currency, 0) + 1
        return tuple(sorted(count, key=lambda c: (-count[c], c)))

    @cached_property
    def said(self) -> tuple[Provenance, ...]:
        """What says so, one of each place, by place."""
        months_ = [(c, m) for c in self.charges for m in sorted({d[:7] for d in c.days})]
        found = {(p.source, p.locator): p for c, m in months_ if (p := c.told.get(m)) is not None}
        return tuple(found[k] for k in sorted(found))

    @cached_property
    def last_day(self) -> str:
        """The last day that anything was billed for; empty when nothing was."""
        return max((day for c in self.charges for day in c.days), default="")

    @cached_property
    def estimated(self) -> tuple[str, ...]:
        """Months that are not final."""
        return tuple(sorted({m for c in self.charges for m in c.estimated}))

    def of(self, keep: Callable[[Charge], bool]) -> Bill:
        """The charges that are kept."""
        return replace(self, charges=tuple(c for c in self.charges if keep(c)))

    def between(self, since: str, until: str) -> Bill:
        """The days of a smaller window."""
        cut = [
            replace(c, days=days)
            for c in self.charges
            if (days := {d: a for d, a in c.days.items() if since <= d < until})
        ]
        return Bill(tuple(cut), since, until, self.cut)

    def daily(self) -> dict[str, Decimal]:
        """Day -> amount, in order. Of one currency only: see `of`."""
        return added(c.days for c in self.charges)

    def by(self, key: Callable[[Charge], str]) -> dict[str, Decimal]:
        """Key -> amount. Of one currency only."""
        found: dict[str, Decimal] = {}
        for charge in self.charges:
            name = key(charge)
            found[name] = found.get(name, ZERO) + charge.amount
        return found


def added(days: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Several series as one, in order of day."""
    found: dict[str, Decimal] = {}
    for one in days:
        for day, paid in one.items():
            found[day] = found.get(day, ZERO) + paid
    return dict(sorted(found.items()))


def read_bill(store: GraphStore, view: View, since: Instant, until: Instant, *, resources: bool = True) -> Bill:
    """What was billed for `since <= day < until`, as this view knows it.

    Days after the view's `as_of` are left out. `resources`: whether the things that charges are about are looked up, too.
    """
    first, end = day_of(since), day_of(until - 1 + DAY)
    if view.as_of is not None:
        end = min(end, day_of(view.as_of + DAY))
    found: dict[EntityRef, Charge] = {}
    cut = False
    for month in months(first, end):
        page = store.select("CostItem", {"month": [month]}, replace(view, as_of=_in(month)), Limits(_ROWS, _DEADLINE_S))
        cut = cut or page.cut
        for item in page.items:
            charge = _charge(item, month, first, end)
            if charge is None:
                continue
            known = found.get(item.ref)
            found[item.ref] = charge if known is None else _joined(known, charge)
    charges = [found[r] for r in sorted(found)]
    if resources and charges:
        charges = _placed(store, view, charges)
    return Bill(tuple(charges), first, end, cut)


def months(first: str, end: str) -> list[str]:
    """The months of days `first <= day < end`."""
    found: list[str] = []
    month = first[:7]
    while month < end[:7] or (month == end[:7] and f"{month}-01" < end):
        found.append(month)
        month = _next(month)
    return found


def grouping(store: GraphStore, view: View, bill: Bill, by: str) -> Callable[[Charge], str]:
    """What a charge's group is called.

    Args:
        by: one of `GROUPS`, or `tag:KEY`.

    Raises:
        ValueError: it is neither.
    """
    if by.startswith("tag:"):
        key = by.removeprefix("tag:").strip().lower().replace("-", "_")
        return lambda c: c.tags.get(key, UNTOLD)
    if by not in GROUPS:
        raise ValueError(f"a bill cannot be grouped by {by!r}")
    if by == "resource":
        return lambda c: c.resource_label or c.resource_id
    if by == "team":
        teams = team_of(store, view, bill)
        return lambda c: teams.get(c.ref, UNTOLD)
    return lambda c: str(getattr(c, by))


def team_of(store: GraphStore, view: View, bill: Bill) -> dict[EntityRef, str]:
    """The team that answers for each charge: by its tag, else the owner of the service that it is for, else of the resource."""
    owners = ownership(store, view)
    found: dict[EntityRef, str] = {}
    for charge in bill.charges:
        owner = owners.service_owner.get(charge.workload) if charge.workload else None
        if owner is None and charge.resource is not None:
            owner = owners.of(charge.resource)
        name = charge.team or (owner.names[0] if owner is not None else "")
        if name:
            found[charge.ref] = name.lstrip("@").rpartition("/")[2]
    return found


def day_of(at: Instant) -> str:
    """The day of an instant, UTC."""
    return rfc3339(at)[:10]


# -- reading


def _in(month: str) -> Instant:
    """A moment at which the version of a month holds: its last."""
    return instant(f"{_next(month)}-01") - 1


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


def _charge(item: EntityView, month: str, first: str, end: str) -> Charge | None:
    told = item.properties
    days = told.get("days")
    if not isinstance(days, Mapping):
        return None
    kept = {d: a for d in sorted(days) if first <= d < end and (a := amount(days[d]))}
    if not kept:
        return None
    tags = told.get("tags")
    return Charge(
        ref=item.ref,
        provider=text_of(told, "provider"),
        account=text_of(told, "account_id"),
        service=text_of(told, "service"),
        usage_type=text_of(told, "usage_type"),
        region=text_of(told, "region"),
        resource_id=text_of(told, "resource_id"),
        line_type=text_of(told, "line_type") or "usage",
        environment=text_of(told, "environment"),
        team=text_of(told, "team"),
        workload=text_of(told, "workload"),
        tags={k: v for k, v in tags.items() if isinstance(v, str)} if isinstance(tags, Mapping) else {},
        currency=text_of(told, "currency") or "USD",
        basis=text_of(told, "basis"),
        days=kept,
        estimated=(month,) if told.get("estimated") is True else (),
        told={month: item.statements[0].provenance},
    )


def _joined(one: Charge, later: Charge) -> Charge:
    days, estimated = {**one.days, **later.days}, (*one.estimated, *later.estimated)
    return replace(later, days=days, estimated=estimated, told={**one.told, **later.told})


def _placed(store: GraphStore, view: View, charges: Sequence[Charge]) -> list[Charge]:
    """With the things that they are about, also those that are gone by now."""
    named = [c.ref for c in charges if c.resource_id]
    if not named:
        return list(charges)
    about: dict[EntityRef, EntityRef] = {}
    limits = Limits(_ROWS, _DEADLINE_S)
    for month in sorted({max(c.days)[:7] for c in charges if c.resource_id}, reverse=True):
        then = replace(view, as_of=_in(month) if view.as_of is None else min(_in(month), view.as_of))
        refs = [c.ref for c in charges if c.resource_id and max(c.days)[:7] == month]
        edges = store.neighbours(refs, then, limits, types=("ABOUT",), direction="out").items
        about |= {e.src: e.dst for e in edges}
    things = {r: e for e in store.entities(sorted(set(about.values())), view) for r in e.refs}
    return [
        replace(c, resource=things[end].ref, resource_label=thing(things[end]).label)
        if (end := about.get(c.ref)) is not None and end in things
        else replace(c, resource=about.get(c.ref))
        for c in charges
    ]
