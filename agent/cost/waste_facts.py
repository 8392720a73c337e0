"""Wastes as findings: a version while a waste stands, its end when it is gone. Scans of the same state write nothing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.cost.model import Waste
from agent.evidence import text_of
from graph.clock import Instant, rfc3339
from graph.model import PUBLIC, Assertion, Entity, EntityRef, FactBatch, Relation, Value, ref
from graph.store import EntityView, GraphStore, Limits, View

SOURCE = "waste"
SCOPE = "scan"
_LIMITS = Limits(rows=100_000, deadline_s=30.0)


def finding_ref(identifier: str) -> EntityRef:
    """The finding of a waste."""
    return ref("Finding", SOURCE, identifier)


def standing(store: GraphStore, view: View) -> dict[str, EntityView]:
    """The wastes that stood after the scan before, by id."""
    found = store.select("Finding", {"type": ["waste"]}, view, _LIMITS).items
    return {text_of(e.properties, "finding_id"): e for e in found}


def scan_facts(
    store: GraphStore, view: View, wastes: Sequence[Waste], at: Instant, currency: str, label: str = PUBLIC
) -> FactBatch | None:
    """What a scan changes: new and changed wastes, and the end of those that are gone. None when nothing changed."""
    before = standing(store, view)
    facts: list[Assertion] = []
    for waste in wastes:
        item = finding_ref(waste.id)
        known = before.get(waste.id)
        first = text_of(known.properties, "first_seen_at") if known is not None else ""
        told = _properties(waste, first or rfc3339(at), currency)
        if known is not None and _same(known, told):
            continue
        facts.append(Assertion(Entity(item, told), at, at, waste.id, label=label))
        if known is None and waste.ref:
            about = Relation("ABOUT", item, EntityRef(waste.ref), {"rule": waste.kind})
            facts.append(Assertion(about, at, at, waste.id, label=label))
    there = {w.id for w in wastes}
    for identifier, known in sorted(before.items()):
        if identifier not in there:
            facts.append(
                Assertion(
                    Entity(finding_ref(identifier), known.properties), at, at, identifier, present=False, label=label
                )
            )
    if not facts:
        return None
    return FactBatch(f"waste:{rfc3339(at)}:{len(facts)}", SOURCE, SCOPE, "waste/1", tuple(facts))


def _properties(waste: Waste, first_seen_at: str, currency: str) -> dict[str, Value]:
    # Ids of citations are those of one report; what stands in the graph is read without it.
    kept = msgspec.structs.replace(waste, citations=())
    told: dict[str, Value] = {
        "finding_id": waste.id,
        "type": "waste",
        "kind": waste.kind,
        "state": "open",
        "severity": "low",
        "environment": waste.environment,
        "title": f"{waste.label}: {waste.reason}"[:300],
        "first_seen_at": first_seen_at,
        "saving_per_month": waste.saving or "",
        "currency": currency if waste.saving else "",
        "result": msgspec.json.encode(kept).decode(),
    }
    return {k: v for k, v in told.items() if v != ""}


def _same(known: EntityView, told: dict[str, Value]) -> bool:
    """Whether nothing worth a version changed: the figures of a bill move every day, what is wrong does not."""
    before = known.properties
    return all(before.get(k) == told.get(k) for k in ("kind", "state", "environment")) and _near(
        text_of(before, "saving_per_month"), str(told.get("saving_per_month", ""))
    )


def _near(before: str, now: str) -> bool:
    try:
        one, other = float(before or 0), float(now or 0)
    except ValueError:
        return before == now
    return bool(before) == bool(now) and abs(one - other) <= 0.1 * max(abs(one), abs(other), 1.0)
