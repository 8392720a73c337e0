"""What is paid for and not used: found in the inventory, in the bill and in what was measured; each with its figures and what to do.

Only what a source states counts: an attribute that no inventory tells is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.cost.amounts import ZERO, plain
from agent.cost.bill import Bill
from agent.cost.model import Waste
from agent.cost.waste_bill import BILL_RULES, billed_only
from agent.cost.waste_inventory import INVENTORY_RULES
from agent.cost.waste_measured import MEASURED_RULES
from agent.cost.waste_rule import LIMITS, Finding, Inventory, attributes_of, billed, inventory, saved, waste_id
from agent.evidence import Citations, inline, text_of
from agent.ownership import ownership
from graph.clock import Instant, rfc3339
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Provenance, View

if TYPE_CHECKING:
    from agent.cost.waste_prices import Priced, Prices
    from agent.observations import Observations

BILL_DAYS = 30
"""Days of the bill that a saving is computed from, as far as there are."""


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
    seen = inventory(store, view, at, bill, observations)
    rules = (*INVENTORY_RULES, *BILL_RULES, *(MEASURED_RULES if observations is not None else ()))
    found: dict[str, Finding] = {}
    for rule in rules:
        for one in rule(seen):
            found.setdefault(waste_id(str(one.thing.ref), one.kind, one.part), one)
    # A resource that goes saves all of it: nothing else need be said of it.
    gone = {f.thing.ref for f in found.values() if f.kind in ("unattached", "idle")}
    kept = {i: f for i, f in found.items() if f.kind in ("unattached", "idle") or f.thing.ref not in gone}
    wastes = [*_told(seen, kept, citations, _priced(seen, kept, prices)), *billed_only(seen, citations)]
    return tuple(sorted(wastes, key=lambda w: (-(Decimal(w.saving) if w.saving else Decimal(-1)), w.label, w.id)))


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


def _from(bill: Bill, share: Decimal | None) -> str:
    days = f"the bill of {bill.since} to {bill.last_day}"
    return days if share == 1 or share is None else f"{days}, less what the successor costs by list price"


def _code(seen: Inventory, things: Sequence[EntityView]) -> dict[EntityRef, tuple[str, Provenance]]:
    """Where code declares each of these: `path:line`, and what says so."""
    of = {r: t.ref for t in things for r in t.refs}
    if not of:
        return {}
    edges = seen.store.neighbours(sorted(of), seen.view, LIMITS, types=("DECLARES",), direction="in").items
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
