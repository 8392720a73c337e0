"""What is paid for and not used: found in the inventory, in the bill and in what was measured; each with its figures and what to do.

Only what a source states counts: an attribute that no inventory tells is no evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING

from agent.cost.bill import ZERO, Bill, Charge, plain
from agent.cost.model import Waste, WasteKind
from agent.digest.ownership import ownership
from agent.evidence import Citations, inline, text_of
from graph.clock import Instant, rfc3339
from graph.lexicon import thing
from graph.model import EntityRef, Value
from graph.store import EntityView, GraphStore, Limits, Provenance, View

if TYPE_CHECKING:
    from agent.cost.waste_prices import Priced, Prices
    from agent.observations import Observations

_LIMITS = Limits(rows=200_000, deadline_s=30.0)
BILL_DAYS = 30
"""Days of the bill that a saving is computed from, as far as there are."""
MONTH_DAYS = Decimal("30.4")
_TYPES = (
    "aws_ebs_volume",
    "aws_eip",
    "aws_lb",
    "aws_instance",
    "aws_nat_gateway",
    "aws_ebs_snapshot",
    "aws_db_snapshot",
    "aws_db_instance",
    "aws_elasticache_cluster",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A waste before it is told.

    Attributes:
        part: tells several wastes of one resource apart.
        share: which share of what the resource costs would be saved; None when that is not known.
        usage: only what is billed under a usage type with one of these words is saved; empty for all of it.
        paid: what is billed in its place: the volumes of a stopped instance.
        command: what to run; `edit` what to change in the code, where code declares the resource.
    """

    kind: WasteKind
    part: str
    thing: EntityView
    reason: str
    share: Decimal | None
    command: str = ""
    edit: str = ""
    since: Instant | None = None
    usage: tuple[str, ...] = ()
    said: tuple[Provenance, ...] = ()
    paid: tuple[EntityView, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """What the rules read: the resources, what they depend on, and what they cost."""

    store: GraphStore
    view: View
    at: Instant
    resources: Mapping[str, Sequence[EntityView]]
    costs: Mapping[EntityRef, Sequence[Charge]]
    bill: Bill
    observations: Observations | None = None
    by_ref: Mapping[EntityRef, EntityView] = field(default_factory=dict[EntityRef, EntityView])

    def of(self, type_: str) -> Sequence[EntityView]:
        """The resources of a type."""
        return self.resources.get(type_, ())

    def charges(self, entity: EntityView) -> list[Charge]:
        """What was billed for a resource."""
        return [c for ref in entity.refs for c in self.costs.get(ref, ())]


Rule = Callable[[Inventory], Iterator[Finding]]


def find_wastes(
    store: GraphStore,
    view: View,
    at: Instant,
    bill: Bill,
    citations: Citations,
    observations: Observations | None = None,
    prices: Prices | None = None,
) -> tuple[Waste, ...]:
    """What is paid for nothing at `at`, the dearest first, those without a known saving last.

    Args:
        bill: of the last `BILL_DAYS`, with its resources; without charges no saving is told.
        citations: takes what the wastes cite.
        prices: list prices, for what no bill tells; None goes without.
        observations: metrics, for what is idle or too large; None judges by inventory and bill alone.
    """
    from agent.cost.waste_bill import BILL_RULES, billed_only
    from agent.cost.waste_inventory import INVENTORY_RULES
    from agent.cost.waste_measured import MEASURED_RULES

    seen = inventory(store, view, at, bill, observations)
    rules = (*INVENTORY_RULES, *BILL_RULES, *(MEASURED_RULES if observations is not None else ()))
    found: dict[str, Finding] = {}
    for rule in rules:
        for one in rule(seen):
            found.setdefault(_id(str(one.thing.ref), one.kind, one.part), one)
    # A resource that goes saves all of it: nothing else need be said of it.
    gone = {f.thing.ref for f in found.values() if f.kind in ("unattached", "idle")}
    kept = {i: f for i, f in found.items() if f.kind in ("unattached", "idle") or f.thing.ref not in gone}
    wastes = [*_told(seen, kept, citations, _priced(seen, kept, prices)), *billed_only(seen, citations)]
    return tuple(sorted(wastes, key=lambda w: (-(Decimal(w.saving) if w.saving else Decimal(-1)), w.label, w.id)))


def inventory(store: GraphStore, view: View, at: Instant, bill: Bill, observations: Observations | None) -> Inventory:
    """What the rules read."""
    resources: dict[str, tuple[EntityView, ...]] = {}
    for entity in store.select("Resource", {"type": list(_TYPES)}, view, _LIMITS).items:
        resources[text_of(entity.properties, "type")] = (*resources.get(text_of(entity.properties, "type"), ()), entity)
    costs: dict[EntityRef, list[Charge]] = {}
    for charge in bill.charges:
        if charge.resource is not None:
            costs.setdefault(charge.resource, []).append(charge)
    by_ref = {r: e for some in resources.values() for e in some for r in e.refs}
    return Inventory(store, view, at, resources, costs, bill, observations, by_ref)


# -- told


def _priced(seen: Inventory, found: Mapping[str, Finding], prices: Prices | None) -> Mapping[EntityRef, Priced]:
    """List prices of what was not billed. In another currency than the bill's they are no help."""
    if prices is None:
        return {}
    things = [t for f in found.values() if f.share is not None for t in (f.paid or (f.thing,)) if not seen.charges(t)]
    known = prices([(t, attributes_of(t)) for t in {t.ref: t for t in things}.values()])
    currency = seen.bill.currencies[0] if seen.bill.currencies else ""
    return {r: p for r, p in known.items() if not currency or p.currency == currency}


def _told(
    seen: Inventory, found: Mapping[str, Finding], citations: Citations, prices: Mapping[EntityRef, Priced]
) -> Iterator[Waste]:
    owners = ownership(seen.store, seen.view)
    places = _code(seen, [f.thing for f in found.values()])
    for identifier, one in sorted(found.items()):
        entity = one.thing
        every = [c for e in (entity, *one.paid) for c in seen.charges(e)]
        charges = [c for c in every if not one.usage or any(u in c.usage_type for u in one.usage)]
        saving = saved(seen.bill, charges, one.share)
        source = _from(seen.bill, one.share) if saving is not None else ""
        listed = [prices[t.ref] for t in (one.paid or (entity,)) if t.ref in prices]
        if saving is None and listed and one.share is not None and not every:
            saving, source = sum((p.monthly for p in listed), ZERO) * one.share, listed[0].source
        owner = owners.of(entity.ref)
        said = (*one.said, max(entity.statements, key=lambda s: (s.valid_from, s.provenance.observed_at)).provenance)
        place, said_code = places.get(entity.ref, ("", None))
        cited = [
            citations.cite(p)
            for p in (*said, *((said_code,) if said_code else ()), *(c.said for c in charges[:1] if saving))
        ]
        reason = one.reason + (
            f"; it cost {plain(billed(seen.bill, charges))} {seen.bill.currencies[0]} a month"
            if charges and saving
            else ""
        )
        patch = f"{one.edit} in {place}" if place and one.edit else one.command or (one.edit if not place else "")
        if place and one.command and one.edit == "remove it":
            patch += f" (or, where nothing plans it: {one.command})"
        yield Waste(
            id=identifier,
            kind=one.kind,
            ref=str(entity.ref),
            label=inline(thing(entity).label, 160),
            type=text_of(entity.properties, "type"),
            environment=text_of(entity.properties, "environment"),
            reason=reason + ".",
            saving=plain(saving) if saving is not None else None,
            saving_from=source,
            patch=patch,
            owners=owner.names if owner is not None else (),
            since=rfc3339(one.since) if one.since is not None else None,
            citations=tuple(dict.fromkeys(cited)),
        )


def billed(bill: Bill, charges: Iterable[Charge]) -> Decimal:
    """What charges come to in a month, by the days of the bill."""
    days = _days(bill)
    return sum((c.amount for c in charges if c.line_type == "usage"), ZERO) * MONTH_DAYS / days if days else ZERO


def saved(bill: Bill, charges: Sequence[Charge], share: Decimal | None) -> Decimal | None:
    """What would be saved in a month; None where nothing was billed for it, or the share is not known."""
    if share is None or not charges:
        return None
    amount = billed(bill, charges) * share
    return amount if amount > 0 else None


def _from(bill: Bill, share: Decimal | None) -> str:
    days = f"the bill of {bill.since} to {bill.last_day}"
    return days if share == 1 or share is None else f"{days}, less what the successor costs by list price"


def _days(bill: Bill) -> int:
    if not bill.last_day:
        return 0
    return (date.fromisoformat(bill.last_day) - date.fromisoformat(bill.since)).days + 1


def waste_id(ref: str, kind: str, part: str) -> str:
    """The id of a waste: the same in every scan."""
    return _id(ref, kind, part)


def _id(ref: str, kind: str, part: str) -> str:
    return "waste_" + blake2b("\x1f".join((ref, kind, part)).encode(), digest_size=8).hexdigest()


# -- reading


def attributes_of(entity: EntityView) -> Mapping[str, Value]:
    """Attributes of a resource as all sources tell them; an inventory's count before a state's."""
    found: dict[str, Value] = {}
    for statement in sorted(entity.statements, key=_inventory_last):
        told = statement.properties.get("attributes")
        if isinstance(told, Mapping):
            found.update(told)
    return found


def _inventory_last(statement: object) -> tuple[bool, str]:
    from graph.store import Statement

    assert isinstance(statement, Statement)
    return statement.provenance.source == "aws", statement.provenance.source


def _code(seen: Inventory, things: Sequence[EntityView]) -> dict[EntityRef, tuple[str, Provenance]]:
    """Where code declares each of these: `path:line`, and what says so."""
    of = {r: t.ref for t in things for r in t.refs}
    if not of:
        return {}
    edges = seen.store.neighbours(sorted(of), seen.view, _LIMITS, types=("DECLARES",), direction="in").items
    blocks = {b.ref: b for b in seen.store.entities(sorted({e.src for e in edges}), seen.view)}
    found: dict[EntityRef, tuple[str, Provenance]] = {}
    for edge in edges:
        block = blocks.get(edge.src)
        if block is None or edge.dst not in of:
            continue
        said = block.statements[0].provenance
        line = said.locator.rpartition("#L")[2].partition("-")[0]
        path = text_of(block.properties, "path")
        found.setdefault(of[edge.dst], (f"{path}:{line}" if line.isdigit() else path, said))
    return found
