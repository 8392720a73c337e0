"""What a price file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

HOURS_A_YEAR = Decimal(8_760)


@dataclass(frozen=True, slots=True)
class PriceTier:
    """A price for the units from `start` up to `end` of a month; None: and all above."""

    start: Decimal
    end: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class PriceOffer:
    """A product with its prices. `options`: purchase options and their effective price a unit, upfront payments spread over the term."""

    sku: str
    unit: str
    tiers: tuple[PriceTier, ...]
    options: tuple[tuple[str, Decimal], ...] = ()
    source: str = ""
    currency: str = "USD"
    by_component: bool = False


@dataclass(frozen=True, slots=True)
class FileHead:
    """Which file prices are from. Times are as the file says them.

    Attributes:
        region: `eu-west-1`; `all` when the file is of every region.
        origin: where it was read.
        synced_at: when, RFC 3339.
    """

    provider: str
    service: str
    region: str
    published_at: str
    version: str = ""
    origin: str = ""
    synced_at: str = ""
    products: int = 0

    @property
    def shown(self) -> str:
        """As a source of a price: `aws-price-list AmazonEC2 eu-west-1 2026-10-01T00:00:00Z`."""
        kind = "aws-price-list" if self.provider == "aws" else f"price file of {self.provider}"
        return f"{kind} {self.service} {self.region} {self.published_at}"


@dataclass(frozen=True, slots=True)
class Product:
    """A product as a file lists it."""

    sku: str
    family: str
    region: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rate:
    """One price of a product. `option` is empty on demand; `upfront` is paid once for `years`."""

    sku: str
    option: str
    unit: str
    start: Decimal
    end: Decimal | None
    price: Decimal
    currency: str
    years: int = 0
    upfront: bool = False
    effective_at: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry of a file that could not be read: where, and why, without its content."""

    locator: str
    reason: str


@dataclass(slots=True)
class Synced:
    """What a sync did."""

    head: FileHead
    already: bool = False
    left_out: int = 0
    rates: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])


class Wanted(Protocol):
    """A question for a price, as `PriceStore.offers` takes it."""

    @property
    def provider(self) -> str: ...  # noqa: D102
    @property
    def service(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def family(self) -> str: ...  # noqa: D102
    @property
    def attributes(self) -> Sequence[tuple[str, str]]: ...  # noqa: D102
    @property
    def resource_type(self) -> str: ...  # noqa: D102
    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def component(self) -> str: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
