"""Offer files of the AWS Price List bulk API.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html: `products` by SKU, then `terms`
(`OnDemand`, `Reserved`) by SKU with price dimensions. Products come first in the file, so what is not kept is not looked for among the terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias, cast

import msgspec

from ingest.prices.json_stream import JsonStream
from ingest.prices.model import Product, Rate, Refused

Keep: TypeAlias = Mapping[str, Sequence[str]]
"""Attribute -> the values of products to keep; a product without the attribute is kept."""
Entry: TypeAlias = "Head | Product | Rate | Refused"

_YEARS = {"1yr": 1, "1 yr": 1, "3yr": 3, "3 yr": 3}


@dataclass(frozen=True, slots=True)
class Head:
    """What stands at the top of a file."""

    service: str
    version: str
    published_at: str


class _Product(msgspec.Struct):
    sku: str
    productFamily: str = ""
    attributes: dict[str, str] = {}


class _Dimension(msgspec.Struct):
    unit: str = ""
    beginRange: str = "0"
    endRange: str = "Inf"
    pricePerUnit: dict[str, str] = {}


class _Term(msgspec.Struct):
    priceDimensions: dict[str, _Dimension] = {}
    termAttributes: dict[str, str] = {}
    effectiveDate: str = ""


def read_offer_file(stream: JsonStream, keep: Keep, region: str) -> Iterator[Entry]:
    """The head, then the products that are kept, then their rates; what cannot be read as `Refused`.

    Args:
        region: of products that do not say theirs.

    Raises:
        NotThatJson: it is no JSON document of this shape.
    """
    told: dict[str, str] = {}
    kept: set[str] = set()
    given = False
    for name in stream.members():
        if name in ("offerCode", "version", "publicationDate"):
            told[name] = str(stream.value())
            continue
        if name in ("products", "terms") and not given:
            given = True
            yield Head(told.get("offerCode", ""), told.get("version", ""), told.get("publicationDate", ""))
        if name == "products":
            yield from _products(stream, keep, region, kept)
        elif name == "terms":
            for kind in stream.members():
                if kind in ("OnDemand", "Reserved"):
                    yield from _terms(stream, kind, kept)
                else:
                    stream.skip()
        else:
            stream.skip()


def _products(stream: JsonStream, keep: Keep, region: str, kept: set[str]) -> Iterator[Entry]:
    for sku in stream.members():
        raw = stream.value()
        try:
            product = msgspec.convert(raw, _Product)
        except msgspec.ValidationError:
            yield Refused(f"products/{sku}", "it is not of the form of a product")
            continue
        said = product.attributes
        if any(name in said and said[name] not in values for name, values in keep.items()):
            continue
        kept.add(product.sku)
        where = said.get("regionCode") or region or "global"
        yield Product(product.sku, product.productFamily, where, said)


def _terms(stream: JsonStream, kind: str, kept: set[str]) -> Iterator[Entry]:
    for sku in stream.members():
        raw = stream.value()
        if sku not in kept:
            continue
        for code, term in cast("dict[str, object]", raw if isinstance(raw, dict) else {}).items():
            try:
                yield from _rates(sku, kind, msgspec.convert(term, _Term))
            except (msgspec.ValidationError, InvalidOperation, ValueError):
                yield Refused(f"terms/{kind}/{sku}/{code}", "it is not of the form of a term")


def _rates(sku: str, kind: str, term: _Term) -> list[Rate]:
    said = term.termAttributes
    option, years = "", 0
    if kind == "Reserved":
        years = _YEARS.get(said.get("LeaseContractLength", ""), 0)
        if not years:
            raise ValueError("no length")
        parts = (said.get("OfferingClass", "standard"), f"{years}yr", said.get("PurchaseOption", ""))
        option = " ".join(part for part in parts if part)
    rates: list[Rate] = []
    for dimension in term.priceDimensions.values():
        currency, price = next(iter(dimension.pricePerUnit.items()), ("", ""))
        if not currency:
            continue
        rates.append(
            Rate(
                sku,
                option,
                dimension.unit,
                _number(dimension.beginRange),
                None if dimension.endRange.lower() in ("inf", "") else _number(dimension.endRange),
                _number(price),
                currency,
                years,
                upfront=bool(years) and dimension.unit.lower() == "quantity",
                effective_at=term.effectiveDate,
            )
        )
    return rates


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError("no finite number")
    return number
