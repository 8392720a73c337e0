"""Bills as the clouds write them, made here: the columns are the formats', the content is ours."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

PAYER = "999988887777"
PROD = "444455556666"
CUR = (
    *("identity/LineItemId", "bill/InvoiceId", "bill/PayerAccountId", "bill/BillingPeriodStartDate", "lineItem/UsageAccountId"),
    *("lineItem/LineItemType", "lineItem/UsageStartDate", "lineItem/ProductCode", "lineItem/UsageType", "lineItem/Operation"),
    *("lineItem/ResourceId", "lineItem/UsageAmount", "lineItem/CurrencyCode", "lineItem/UnblendedCost", "lineItem/LineItemDescription"),
    *("product/region", "pricing/unit", "reservation/EffectiveCost", "savingsPlan/SavingsPlanEffectiveCost"),
    *("resourceTags/user:environment", "resourceTags/user:Team", "resourceTags/user:service", "resourceTags/user:note"),
)  # fmt: skip
"""Columns of the old report."""
CUR2 = {
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "lineItem/UsageStartDate": "line_item_usage_start_date",
    "lineItem/ProductCode": "line_item_product_code",
    "lineItem/UsageType": "line_item_usage_type",
    "lineItem/ResourceId": "line_item_resource_id",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/CurrencyCode": "line_item_currency_code",
    "lineItem/LineItemType": "line_item_line_item_type",
    "lineItem/UsageAccountId": "line_item_usage_account_id",
    "bill/PayerAccountId": "bill_payer_account_id",
    "bill/BillingPeriodStartDate": "bill_billing_period_start_date",
    "bill/InvoiceId": "bill_invoice_id",
    "product/region": "product_region_code",
    "pricing/unit": "pricing_unit",
}
"""The old report's column -> CUR 2.0's."""


def row(day: str, amount: str, **told: str) -> dict[str, str]:
    """A line of the old report: an instance in prod, unless told otherwise (`UsageType=`, `ProductCode=` …)."""
    found = {
        "identity/LineItemId": "x",
        "bill/InvoiceId": "1",
        "bill/PayerAccountId": PAYER,
        "bill/BillingPeriodStartDate": f"{day[:7]}-01T00:00:00Z",
        "lineItem/UsageAccountId": PROD,
        "lineItem/LineItemType": "Usage",
        "lineItem/UsageStartDate": f"{day}T00:00:00Z",
        "lineItem/ProductCode": "AmazonEC2",
        "lineItem/UsageType": "EU-BoxUsage:m6i.large",
        "lineItem/ResourceId": "i-0123456789abcdef0",
        "lineItem/UsageAmount": "24",
        "lineItem/CurrencyCode": "USD",
        "lineItem/UnblendedCost": amount,
        "product/region": "eu-west-1",
        "pricing/unit": "Hrs",
        "resourceTags/user:environment": "production",
        "resourceTags/user:Team": "shop",
        "resourceTags/user:service": "Checkout API",
    }
    for name, value in told.items():
        column = next(c for c in CUR if c.endswith((f"/{name}", f":{name}")))
        found[column] = value
    return found


def csv_bytes(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    """A CSV with a line of column names."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_cur(file: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """A file of the old report, packed when it is named so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    data = csv_bytes(CUR, rows)
    file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == ".gz" else data)


def write_manifest(file: Path, keys: Sequence[str]) -> None:
    """AWS's manifest of the old report."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"assemblyId": "a", "reportKeys": list(keys), "reportName": "cur", "compression": "GZIP"})
    )


def as_cur2(told: Mapping[str, str]) -> dict[str, object]:
    """A line of the old report as CUR 2.0 has it."""
    found: dict[str, object] = {new: told.get(old, "") for old, new in CUR2.items()}
    tags = {f"user_{k.partition(':')[2].lower()}": v for k, v in told.items() if k.startswith("resourceTags/") and v}
    found["resource_tags"] = json.dumps(tags)
    return found
