"""A price file of anybody's: CSV or JSON with provider, service, region, attributes, unit, price, currency and date.

CSV: `provider,service,region,attributes,unit,price,currency,date` and, where wanted, `option` (a purchase option: `spot`, `savings 1yr No Upfront`) and `start`
(the tier's first unit); `attributes` is `name=value;name=value`. JSON: a list of objects of the same names, or `{"prices": [...]}`, attributes an
object. A row with the attribute `resource_type` prices resources of that Terraform type whose own attributes equal the others; `component` names it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast

import msgspec

from ingest.prices.model import FileHead, PriceOffer, PriceTier, Refused, Wanted
from ingest.prices.patterns import fits
from ingest.source import SourceDataInvalid

_USUAL = {
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
    "operatingSystem": "Linux",
}
"""What a row means that does not say it."""
_NEEDED = ("provider", "service", "region", "unit", "price", "currency", "date")
_TYPE, _COMPONENT = "resource_type", "component"


@dataclass(frozen=True, slots=True)
class _Row:
    head: FileHead
    region: str
    attributes: Mapping[str, str]
    unit: str
    price: Decimal
    currency: str
    option: str
    start: Decimal

    @property
    def sku(self) -> str:
        return " ".join(f"{name}={value}" for name, value in sorted(self.attributes.items()))


class PriceFile:
    """The prices of one file.

    Attributes:
        refused: rows that could not be read.

    Raises:
        SourceDataInvalid: the file is neither CSV with these columns nor such JSON.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.refused: list[Refused] = []
        self._rows: list[_Row] = []
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise SourceDataInvalid(f"{path} is not UTF-8 text", "save it as UTF-8") from None
        except OSError as error:
            raise SourceDataInvalid(f"{path} cannot be read: {error.strerror}", "name a file that exists") from None
        for number, told in enumerate(_read(text, path), start=1):
            try:
                self._rows.append(_row(told, path))
            except (ValueError, InvalidOperation) as error:
                self.refused.append(Refused(f"{path.name}:{number}", str(error) or "its price is no number"))

    def heads(self) -> list[FileHead]:
        """The dates that it holds prices of."""
        return sorted({row.head for row in self._rows}, key=lambda head: head.shown)

    def offers(self, queries: Sequence[Wanted]) -> Sequence[Sequence[PriceOffer]]:
        """As `PriceStore.offers`; a question without a service is for a type of resource."""
        return [self._of_type(query) if not query.service else self._of_product(query) for query in queries]

    def _of_product(self, query: Wanted) -> list[PriceOffer]:
        fitting = [
            row
            for row in self._rows
            if row.head.provider == query.provider
            and row.head.service == query.service
            and row.region in (query.region, "", "global")
            and _TYPE not in row.attributes
            and all(fits(value, row.attributes.get(name, _USUAL.get(name, ""))) for name, value in query.attributes)
        ]
        return _offers(fitting, lambda row: row.sku)

    def _of_type(self, query: Wanted) -> list[PriceOffer]:
        own = dict(query.attributes)
        fitting = [
            row
            for row in self._rows
            if row.attributes.get(_TYPE) == query.resource_type
            and row.region in (query.region, "", "global")
            and all(own.get(name) == value for name, value in row.attributes.items() if name not in (_TYPE, _COMPONENT))
        ]
        return _offers(fitting, lambda row: row.attributes.get(_COMPONENT, "Usage"))


def _offers(rows: Sequence[_Row], name: Callable[[_Row], str]) -> list[PriceOffer]:
    """An offer for each product of the newest date; rows of one product are its tiers and options."""
    named = [(name(row), row) for row in rows]
    offers: list[PriceOffer] = []
    for sku in sorted({one for one, _ in named}):
        of_it = [row for one, row in named if one == sku]
        newest = max(row.head.published_at for row in of_it)
        of_it = [row for row in of_it if row.head.published_at == newest]
        steady = sorted((row for row in of_it if not row.option), key=lambda row: row.start)
        ends = [*(row.start for row in steady[1:]), None]
        tiers = tuple(PriceTier(row.start, end, row.price) for row, end in zip(steady, ends, strict=False))
        options = tuple(sorted((row.option, row.price) for row in of_it if row.option))
        first = of_it[0]
        offers.append(PriceOffer(sku, first.unit, tiers, options, first.head.shown, first.currency))
    return offers


def _read(text: str, path: Path) -> list[dict[str, object]]:
    if text.lstrip()[:1] in ("[", "{"):
        try:
            document: object = msgspec.json.decode(text.encode())
        except msgspec.DecodeError:
            raise SourceDataInvalid(f"{path} is not JSON", "docs/cost.md shows the form of a price file") from None
        if isinstance(document, dict):
            document = cast("dict[str, object]", document).get("prices")
        if not isinstance(document, list):
            raise SourceDataInvalid(f"{path} holds no list of prices", "docs/cost.md shows the form of a price file")
        return [
            cast("dict[str, object]", one) if isinstance(one, dict) else {} for one in cast("list[object]", document)
        ]
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise SourceDataInvalid(
            f"{path} has no column {missing[0]}", f"a price file needs {', '.join(_NEEDED)} and attributes"
        )
    return [{str(name): value for name, value in row.items()} for row in reader]


def _row(told: Mapping[str, object], path: Path) -> _Row:
    """Raises `ValueError` and `InvalidOperation`."""
    missing = [name for name in _NEEDED if name not in told]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    text = {name: str(told[name]).strip() for name in _NEEDED}
    price, start = Decimal(text["price"]), Decimal(str(told.get("start") or 0))
    if not price.is_finite() or price < 0:
        raise ValueError("its price is no amount")
    head = FileHead(text["provider"], text["service"], text["region"], text["date"], origin=str(path))
    return _Row(
        head, text["region"], _attributes(told.get("attributes")), text["unit"], price, text["currency"].upper(),
        str(told.get("option") or ""), start,
    )  # fmt: skip


def _attributes(told: object) -> dict[str, str]:
    if isinstance(told, dict):
        return {str(name): str(value) for name, value in cast("dict[object, object]", told).items()}
    parts = [part.partition("=") for part in str(told or "").split(";") if part.strip()]
    if any(not sign for _, sign, _ in parts):
        raise ValueError("its attributes are not name=value;name=value")
    return {name.strip(): value.strip() for name, _, value in parts}
