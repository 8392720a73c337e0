"""What the rules of waste read, and what they find: the inventory with its bill, a finding, and what it comes to in a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

from agent.cost.amounts import ZERO
from agent.cost.bill import MONTH_DAYS, Bill, Charge
from agent.cost.model import WasteKind
from agent.evidence import text_of
from graph.clock import Instant
from graph.model import EntityRef, Value
from graph.store import EntityView, GraphStore, Limits, Provenance, Statement, View

if TYPE_CHECKING:
    from agent.observations import Observations

LIMITS = Limits(rows=200_000, deadline_s=30.0)
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


Rule: TypeAlias = Callable[[Inventory], Iterator[Finding]]


def inventory(store: GraphStore, view: View, at: Instant, bill: Bill, observations: Observations | None) -> Inventory:
    """What the rules read."""
    resources: dict[str, list[EntityView]] = {}
    for entity in store.select("Resource", {"type": list(_TYPES)}, view, LIMITS).items:
        resources.setdefault(text_of(entity.properties, "type"), []).append(entity)
    costs: dict[EntityRef, list[Charge]] = {}
    for charge in bill.charges:
        if charge.resource is not None:
            costs.setdefault(charge.resource, []).append(charge)
    by_ref = {r: e for some in resources.values() for e in some for r in e.refs}
    return Inventory(store, view, at, resources, costs, bill, observations, by_ref)


def billed(bill: Bill, charges: Iterable[Charge]) -> Decimal:
    """What charges come to in a month, by the days of the bill."""
    days = _days_of(bill)
    return sum((c.amount for c in charges if c.line_type == "usage"), ZERO) * MONTH_DAYS / days if days else ZERO


def saved(bill: Bill, charges: Sequence[Charge], share: Decimal | None) -> Decimal | None:
    """What would be saved in a month; None where nothing was billed for it, or the share is not known."""
    if share is None or not charges:
        return None
    amount = billed(bill, charges) * share
    return amount if amount > 0 else None


def _days_of(bill: Bill) -> int:
    if not bill.last_day:
        return 0
    return (date.fromisoformat(bill.last_day) - date.fromisoformat(bill.since)).days + 1


def waste_id(ref: str, kind: str, part: str) -> str:
    """The id of a waste: the same in every scan."""
    return "waste_" + blake2b("\x1f".join((ref, kind, part)).encode(), digest_size=8).hexdigest()


def attributes_of(entity: EntityView) -> Mapping[str, Value]:
    """Attributes of a resource as all sources tell them; an inventory's count before a state's."""
    found: dict[str, Value] = {}
    for statement in sorted(entity.statements, key=_inventory_last):
        told = statement.properties.get("attributes")
        if isinstance(told, Mapping):
            found.update(told)
    return found


def _inventory_last(statement: Statement) -> tuple[bool, str]:
    return statement.provenance.source == "aws", statement.provenance.source
