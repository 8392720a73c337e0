"""What the cost commands hand out: `lore.cost_estimate/1`, `lore.cost/1`, `lore.waste/1`. Amounts are decimal text in `currency`, never floats."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.model import Citation, Struct

LineState: TypeAlias = Literal["priced", "usage", "unpriced", "free"]
"""`usage`: depends on usage that no usage file tells. `unpriced`: no price is known. Neither counts as nothing."""


class PriceLine(Struct, frozen=True, kw_only=True):
    """One component of a resource's cost.

    Attributes:
        component: `Instance usage (Linux/UNIX, on-demand, m5.large)`.
        unit: `hours`, `GB`, `GB-month`, `1M requests`.
        quantity: per month, decimal text; None when it depends on usage.
        price: per unit, decimal text; None when not known.
        monthly: quantity times price; None unless `priced`.
        source: where the price is from: `aws-price-list AmazonEC2 eu-west-1 2026-10-01T00:00:00Z sku …`.
        alternatives: other purchase options of the same: name -> monthly.
    """

    component: str
    unit: str
    state: LineState
    quantity: str | None = None
    price: str | None = None
    monthly: str | None = None
    source: str = ""
    alternatives: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class ResourceCost(Struct, frozen=True, kw_only=True):
    """What one instance costs a month. `monthly` sums the priced lines; `complete` is false when some are not priced."""

    address: str
    type: str
    region: str = ""
    lines: tuple[PriceLine, ...] = ()
    monthly: str = "0"
    complete: bool = True


class Estimate(Struct, frozen=True, kw_only=True):
    """The monthly cost of a plan: before and after.

    Attributes:
        unpriced: addresses of resources that cost money or may, and have no price: never counted as free.
        free: how many resources cost nothing by themselves.
        prices: which price files were used, with their dates.
    """

    schema: Literal["lore.cost_estimate/1"] = "lore.cost_estimate/1"
    currency: str = "USD"
    before: str | None = None
    after: str
    delta: str | None = None
    resources: tuple[ResourceCost, ...] = ()
    resources_before: tuple[ResourceCost, ...] = ()
    unpriced: tuple[str, ...] = ()
    free: int = 0
    prices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of `lore.cost_estimate/1`."""
        return msgspec.json.encode(self).decode()


class CostRow(Struct, frozen=True, kw_only=True):
    """A group of the bill in a window: by service, team, environment, resource, account or a tag."""

    key: str
    amount: str
    before: str | None = None
    share: float = 0.0


class Jump(Struct, frozen=True, kw_only=True):
    """A day from which something costs more, or less, than its season explains.

    Attributes:
        key: what: `AmazonEC2 / prod / i-0123…`.
        since: the first day, `2026-10-03`.
        expected, actual: a day, after and before.
        per_month: what it makes a month.
        verdict, probability: of the investigation that looked for the cause.
        cause: the change in a sentence; empty when no cause was found.
        change: ref of the change.
        investigation: id of the investigation.
    """

    key: str
    since: str
    until: str | None = None
    expected: str
    actual: str
    per_month: str
    verdict: str = ""
    probability: float = 0.0
    cause: str = ""
    by: str = ""
    change: str | None = None
    investigation: str = ""
    citations: tuple[str, ...] = ()


class CostReport(Struct, frozen=True, kw_only=True):
    """The bill of a window. `daily` is date -> amount, in order; `estimated` days are not final."""

    schema: Literal["lore.cost/1"] = "lore.cost/1"
    since: str
    until: str
    currency: str
    total: str
    before: str | None = None
    by: str = "service"
    rows: tuple[CostRow, ...] = ()
    daily: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    jumps: tuple[Jump, ...] = ()
    notes: tuple[str, ...] = ()
    truncated: bool = False
    citations: tuple[Citation, ...] = ()

    def to_json(self) -> str:
        """One line of `lore.cost/1`."""
        return msgspec.json.encode(self).decode()


WasteKind: TypeAlias = Literal["unattached", "idle", "stopped", "old", "oversized", "old_generation"]


class Waste(Struct, frozen=True, kw_only=True):
    """Something paid for and not used.

    Attributes:
        id: `waste_…`, the same for the same finding in every scan.
        reason: why it counts as such, a sentence with the figures.
        saving: a month; None when no price is known.
        saving_from: how the saving was computed: bill, price list.
        patch: what to do: a command or the place in the code.
    """

    id: str
    kind: WasteKind
    ref: str
    label: str
    type: str
    environment: str = ""
    reason: str
    saving: str | None = None
    saving_from: str = ""
    patch: str = ""
    owners: tuple[str, ...] = ()
    since: str | None = None
    citations: tuple[str, ...] = ()


class WasteReport(Struct, frozen=True, kw_only=True):
    """What is paid for nothing, the dearest first."""

    schema: Literal["lore.waste/1"] = "lore.waste/1"
    scanned_at: str
    currency: str = "USD"
    saving: str = "0"
    wastes: tuple[Waste, ...] = ()
    notes: tuple[str, ...] = ()
    truncated: bool = False
    citations: tuple[Citation, ...] = ()

    def to_json(self) -> str:
        """One line of `lore.waste/1`."""
        return msgspec.json.encode(self).decode()
