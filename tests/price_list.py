"""An offer file in the form that AWS publishes, with products and prices that are plainly invented."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PUBLISHED = "2026-10-01T00:00:00Z"


@dataclass(frozen=True)
class Invented:
    """A product. `tiers`: first unit and price; `reserved`: (class, length, payment) -> (an hour, upfront)."""

    sku: str
    family: str
    attributes: Mapping[str, str]
    unit: str
    tiers: Sequence[tuple[str, str]]
    reserved: Mapping[tuple[str, str, str], tuple[str, str]] = field(
        default_factory=dict[tuple[str, str, str], tuple[str, str]]
    )


def instance(sku: str, kind: str, price: str, **other: str) -> Invented:
    """An EC2 instance on demand, Linux and shared unless told otherwise."""
    said = {
        "instanceType": kind, "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used",
        "licenseModel": "No License required", "usagetype": f"EUW1-BoxUsage:{kind}", **other,
    }  # fmt: skip
    return Invented(sku, "Compute Instance", said, "Hrs", [("0", price)])


def offer_file(
    service: str,
    products: Sequence[Invented],
    *,
    region: str = "eu-west-1",
    published: str = PUBLISHED,
    currency: str = "USD",
) -> str:
    """The file's text."""
    listed: dict[str, object] = {
        one.sku: {
            "sku": one.sku,
            "productFamily": one.family,
            "attributes": {
                "servicecode": service,
                **({"regionCode": region, "location": "EU (Ireland)", "locationType": "AWS Region"} if region else {}),
                **one.attributes,
            },
        }
        for one in products
    }
    on_demand: dict[str, object] = {
        one.sku: {
            f"{one.sku}.JRTCKXETXF": {
                "offerTermCode": "JRTCKXETXF",
                "sku": one.sku,
                "effectiveDate": published,
                "priceDimensions": {
                    f"{one.sku}.JRTCKXETXF.{number}": {
                        "rateCode": f"{one.sku}.JRTCKXETXF.{number}",
                        "description": "invented",
                        "beginRange": start,
                        "endRange": one.tiers[number + 1][0] if number + 1 < len(one.tiers) else "Inf",
                        "unit": one.unit,
                        "pricePerUnit": {currency: price},
                        "appliesTo": [],
                    }
                    for number, (start, price) in enumerate(one.tiers)
                },
                "termAttributes": {},
            }
        }
        for one in products
        if one.tiers
    }
    reserved = {one.sku: _reserved(one, currency, published) for one in products if one.reserved}
    document: dict[str, object] = {
        "formatVersion": "v1.0",
        "disclaimer": "invented for a test",
        "offerCode": service,
        "version": published.replace("-", "").replace(":", "")[:8] + "000000",
        "publicationDate": published,
        "products": listed,
        "terms": {"OnDemand": on_demand, "Reserved": reserved},
        "attributesList": {},
    }
    return json.dumps(document)


def _reserved(one: Invented, currency: str, published: str) -> dict[str, object]:
    terms: dict[str, object] = {}
    for number, ((kind, length, payment), (hourly, upfront)) in enumerate(one.reserved.items()):
        code = f"{one.sku}.R{number}"
        terms[code] = {
            "offerTermCode": f"R{number}",
            "sku": one.sku,
            "effectiveDate": published,
            "priceDimensions": {
                f"{code}.H": {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {currency: hourly}},
                f"{code}.U": {"unit": "Quantity", "pricePerUnit": {currency: upfront}},
            },
            "termAttributes": {"LeaseContractLength": length, "OfferingClass": kind, "PurchaseOption": payment},
        }
    return terms


EC2 = (
    Invented(
        "M5", "Compute Instance", instance("x", "m5.large", "0").attributes, "Hrs", [("0", "0.2")],
        {("standard", "1yr", "Partial Upfront"): ("0.05", "438"), ("standard", "3yr", "No Upfront"): ("0.08", "0")},
    ),
    instance("M5W", "m5.large", "0.4", operatingSystem="Windows"),
    instance("M5D", "m5.large", "0.9", tenancy="Dedicated"),
    instance("M5SQL", "m5.large", "3.0", preInstalledSw="SQL Web"),
    instance("T3", "t3.medium", "0.05"),
    Invented("GP3", "Storage", {"volumeApiName": "gp3", "usagetype": "EUW1-EBS:VolumeUsage.gp3"}, "GB-Mo", [("0", "0.1")]),
    Invented("GP2", "Storage", {"volumeApiName": "gp2", "usagetype": "EUW1-EBS:VolumeUsage.gp2"}, "GB-Mo", [("0", "0.2")]),
    Invented("NATH", "NAT Gateway", {"usagetype": "EU-NatGateway-Hours"}, "Hrs", [("0", "0.06")]),
    Invented("NATB", "NAT Gateway", {"usagetype": "EU-NatGateway-Bytes"}, "GB", [("0", "0.06")]),
)  # fmt: skip
"""A few products of `AmazonEC2`, all figures invented."""
