"""Prices from the JSON that `infracost breakdown --format json` writes: of each component of each resource, in the component's own unit.

https://www.infracost.io/docs/features/cli_commands/#breakdown. A resource that is not in the file gets the price of a component of the same type, name and unit
when all resources of the file have the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from ingest.prices.model import FileHead, PriceOffer, PriceTier, Wanted
from ingest.source import SourceDataInvalid

_INDEX = re.compile(r"\[[^\]]*\]")


class _Component(msgspec.Struct):
    name: str = ""
    unit: str = ""
    price: str | float | int | None = None


class _Resource(msgspec.Struct):
    name: str = ""
    resourceType: str = ""
    costComponents: list[_Component] | None = None
    subresources: list[_Resource] | None = None


class _Breakdown(msgspec.Struct):
    resources: list[_Resource] | None = None


class _Project(msgspec.Struct):
    name: str = ""
    breakdown: _Breakdown | None = None
    pastBreakdown: _Breakdown | None = None


class _Output(msgspec.Struct):
    version: str
    projects: list[_Project]
    currency: str = "USD"
    timeGenerated: str = ""


class InfracostPrices:
    """The prices of one file.

    Raises:
        SourceDataInvalid: it is no such JSON.
    """

    def __init__(self, path: Path) -> None:
        try:
            output = msgspec.json.decode(path.read_bytes(), type=_Output)
        except OSError as error:
            raise SourceDataInvalid(f"{path} cannot be read: {error.strerror}", "name a file that exists") from None
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"{path} is no JSON of Infracost", "make it with `infracost breakdown --format json`"
            ) from None
        self.head = FileHead("infracost", "infracost", "all", output.timeGenerated, output.version, str(path))
        self._currency = output.currency
        self._of_address: dict[tuple[str, str, str], Decimal] = {}
        self._of_type: dict[tuple[str, str, str], set[Decimal]] = {}
        for project in output.projects:
            for breakdown in (project.pastBreakdown, project.breakdown):
                for resource in (breakdown.resources or []) if breakdown else []:
                    self._add(resource)

    def offers(self, queries: Sequence[Wanted]) -> Sequence[Sequence[PriceOffer]]:
        """As `PriceStore.offers`, by the component that the question is for."""
        return [self._offer(query) for query in queries]

    def _offer(self, query: Wanted) -> list[PriceOffer]:
        name, unit = _name(query.component), _unit(query.unit)
        price = self._of_address.get((query.address, name, unit))
        if price is None:
            all_of_type = self._of_type.get((query.resource_type, name, unit), set())
            if len(all_of_type) != 1:
                return []
            (price,) = all_of_type
        source = f"infracost {self.head.published_at}".strip()
        tier = PriceTier(Decimal(0), None, price)
        return [PriceOffer("", query.unit, (tier,), (), source, self._currency, by_component=True)]

    def _add(self, resource: _Resource) -> None:
        type_ = resource.resourceType or _INDEX.sub("", resource.name).split(".")[-2:][0]
        for name, component in _components(resource, ""):
            try:
                price = Decimal(str(component.price))
            except InvalidOperation:
                continue
            if not price.is_finite():
                continue
            key = (_name(name), _unit(component.unit))
            self._of_address[(resource.name, *key)] = price
            self._of_type.setdefault((type_, *key), set()).add(price)


def _components(resource: _Resource, path: str) -> Iterator[tuple[str, _Component]]:
    for component in resource.costComponents or []:
        yield f"{path}{component.name}", component
    for part in resource.subresources or []:
        yield from _components(part, f"{path}{part.name} / ")


def _name(component: str) -> str:
    return _INDEX.sub("", component).lower()


def _unit(unit: str) -> str:
    return " ".join(word.removesuffix("s") for word in unit.lower().split())
