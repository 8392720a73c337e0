"""Waste that the bill itself tells: addresses billed as idle, gateways and balancers that are billed for their hours and move nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.cost.amounts import plain
from agent.cost.bill import Charge
from agent.cost.model import Waste
from agent.cost.waste_rule import Finding, Inventory, Rule, billed, saved, waste_id
from agent.evidence import Citations, inline
from agent.ownership import ownership
from graph.store import EntityView

_LEAST_DAYS = 14
"""A gateway counts as idle when it moved nothing for so many days."""
_IDLE_ADDRESS = "IdleAddress"


def _moves_nothing(seen: Inventory, type_: str, hours: str, used: tuple[str, ...]) -> Iterator[tuple[EntityView, int]]:
    for one in seen.of(type_):
        charges = seen.charges(one)
        days = {d for c in charges if hours in c.usage_type for d in c.days}
        if len(days) >= _LEAST_DAYS and not any(u in c.usage_type and c.amount > 0 for c in charges for u in used):
            yield one, len(days)


def _gateways(seen: Inventory) -> Iterator[Finding]:
    for gateway, days in _moves_nothing(seen, "aws_nat_gateway", "NatGateway-Hours", ("NatGateway-Bytes",)):
        name = gateway.properties.get("name")
        yield Finding(
            "idle",
            "",
            gateway,
            f"The NAT gateway was billed on {days} days for its hours and for no traffic",
            Decimal(1),
            f"aws ec2 delete-nat-gateway --nat-gateway-id {name if isinstance(name, str) else ''}".strip(),
            "remove it",
        )


def _balancers(seen: Inventory) -> Iterator[Finding]:
    for balancer, days in _moves_nothing(seen, "aws_lb", "LoadBalancerUsage", ("LCUUsage", "DataProcessing-Bytes")):
        yield Finding(
            "idle",
            "",
            balancer,
            f"The load balancer was billed on {days} days for its hours and for no traffic",
            Decimal(1),
            "",
            "remove it",
        )


BILL_RULES: tuple[Rule, ...] = (_gateways, _balancers)


def billed_only(seen: Inventory, citations: Citations) -> Iterator[Waste]:
    """Addresses that are billed as idle and that no inventory tells of."""
    owners = ownership(seen.store, seen.view).service_owner
    by_id: dict[str, list[Charge]] = {}
    for charge in seen.bill.charges:
        known = charge.resource is not None and charge.resource in seen.by_ref
        if _IDLE_ADDRESS in charge.usage_type and charge.resource_id and not known:
            by_id.setdefault(charge.resource_id, []).append(charge)
    days = len({d for c in seen.bill.charges for d in c.days})
    for told, charges in sorted(by_id.items()):
        owner = owners.get(charges[0].workload)
        yield _address(seen, told, charges, days, citations, (owner.names[0],) if owner is not None else ())


def _address(
    seen: Inventory, told: str, charges: Sequence[Charge], of_days: int, citations: Citations, owners: tuple[str, ...]
) -> Waste:
    first = charges[0]
    name = inline(told.replace("/", ":").rpartition(":")[2], 120)
    saving = saved(seen.bill, charges, Decimal(1))
    days = len({d for c in charges for d in c.days})
    return Waste(
        id=waste_id(told, "unattached", "billed"),
        kind="unattached",
        ref=str(first.resource or first.ref),
        label=name,
        type="aws_eip",
        environment=first.environment,
        reason=f"The address is billed as idle ({first.usage_type}) on {days} of the last {of_days} days; "
        f"it cost {plain(billed(seen.bill, charges))} {first.currency} a month.",
        saving=plain(saving) if saving is not None else None,
        saving_from=f"the bill of {seen.bill.since} to {seen.bill.last_day}" if saving is not None else "",
        patch=f"aws ec2 release-address --allocation-id {name} --region {first.region}",
        owners=owners,
        since=None,
        citations=(citations.cite(first.said),),
    )
