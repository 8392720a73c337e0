"""Lines of FOCUS, Google Cloud and Azure exports.

Formats: https://focus.finops.org/focus-specification/ · https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage ·
https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import cast

from ingest.sources.costs.line import Line, LineInvalid, LineType, Row, day, decimal, tags_in, text, within

# -- FOCUS

FOCUS_NEEDS = frozenset({"chargeperiodstart", "billedcost", "servicename"})
FOCUS_WANTED = FOCUS_NEEDS | {
    *("billingaccountid", "subaccountid", "billingperiodstart", "effectivecost", "contractedcost", "billingcurrency"),
    *("chargecategory", "chargeclass", "resourceid", "regionid", "tags", "providername", "publishername", "skuid"),
    *("consumedquantity", "consumedunit", "chargedescription", "x_usagetype", "x_servicecode", "skumeter", "invoiceid"),
}
_FOCUS_COST = {"unblended": "billedcost", "amortized": "effectivecost", "net": "billedcost"}
_FOCUS_TYPES: dict[str, LineType] = {
    "usage": "usage",
    "purchase": "fee",
    "tax": "tax",
    "credit": "credit",
    "adjustment": "discount",
}


def focus_lines(row: Row, basis: str) -> Iterator[Line]:
    """The line of a row of FOCUS 1.x. Raises `LineInvalid`."""
    began = day(text(row, "chargeperiodstart"))
    period = text(row, "billingperiodstart")
    month = day(period)[:7] if period else began[:7]
    told = (text(row, "providername") or text(row, "publishername")).lower()
    provider = next((p for words, p in _PROVIDERS if any(w in told for w in words)), told or "other")
    kind = _FOCUS_TYPES.get(text(row, "chargecategory").lower(), "usage")
    if text(row, "chargeclass").lower() == "correction" and kind in ("usage", "fee"):
        kind = "refund"
    payer = text(row, "billingaccountid")
    invoice = row.get("invoiceid")
    yield Line(
        provider,
        payer,
        text(row, "subaccountid") or payer,
        text(row, "x_servicecode") or text(row, "servicename"),
        text(row, "x_usagetype") or text(row, "skumeter") or text(row, "skuid") or text(row, "chargedescription")[:120],
        text(row, "regionid"),
        text(row, "resourceid"),
        kind,
        text(row, "billingcurrency") or "USD",
        month,
        within(began, month),
        decimal(row, _FOCUS_COST[basis] if row.get(_FOCUS_COST[basis]) not in (None, "") else "billedcost"),
        decimal(row, "consumedquantity"),
        text(row, "consumedunit"),
        tags_in(row.get("tags")),
        invoice is not None and not str(invoice).strip(),
    )


_PROVIDERS = ((("aws", "amazon"), "aws"), (("google", "gcp"), "gcp"), (("microsoft", "azure"), "azure"))

# -- Google Cloud

GCP_NEEDS = frozenset({"usage_start_time", "cost", "service_description"})
GCP_WANTED = GCP_NEEDS | {
    *("billing_account_id", "sku_description", "project_id", "labels", "project_labels", "location_region", "location_location"),
    *("resource_name", "resource_global_name", "currency", "usage_amount_in_pricing_units", "usage_pricing_unit"),
    *("credits", "cost_type"),
}  # fmt: skip
_GCP_TYPES: dict[str, LineType] = {
    "regular": "usage",
    "tax": "tax",
    "adjustment": "refund",
    "rounding_error": "discount",
}


def gcp_lines(row: Row, basis: str) -> Iterator[Line]:
    """The charge of a row, and a line for its credits: what they take off is no usage. Raises `LineInvalid`."""
    began = day(text(row, "usage_start_time"))
    payer, project = text(row, "billing_account_id"), text(row, "project_id")
    tags = {**tags_in(row.get("project_labels")), **tags_in(row.get("labels"))}

    def line(kind: LineType, amount: Decimal, quantity: Decimal) -> Line:
        return Line(
            "gcp",
            payer,
            project or payer,
            text(row, "service_description"),
            text(row, "sku_description"),
            text(row, "location_region") or text(row, "location_location"),
            text(row, "resource_global_name") or text(row, "resource_name"),
            kind,
            text(row, "currency") or "USD",
            began[:7],
            began,
            amount,
            quantity,
            text(row, "usage_pricing_unit"),
            tags,
            False,
        )

    kind = _GCP_TYPES.get(text(row, "cost_type") or "regular", "usage")
    yield line(kind, decimal(row, "cost"), decimal(row, "usage_amount_in_pricing_units"))
    credits = _credits(row.get("credits"))
    if credits:
        yield line("credit", credits, Decimal(0))


def _credits(told: object) -> Decimal:
    if isinstance(told, str):
        import msgspec

        try:
            told = msgspec.json.decode(told) if told.strip() else None
        except msgspec.DecodeError:
            raise LineInvalid("its credits are no JSON") from None
    if not isinstance(told, list):
        return Decimal(0)
    credits = [cast("dict[str, object]", c) for c in cast("list[object]", told) if isinstance(c, dict)]
    return sum((decimal(c, "amount") for c in credits), Decimal(0))


# -- Azure

AZURE_NEEDS = frozenset({"date", "cost", "category"})
_AZURE = {
    "date": ("date", "usagedatetime", "usagedate"),
    "cost": ("costinbillingcurrency", "pretaxcost", "cost", "costinpricingcurrency"),
    "category": ("metercategory", "servicename", "consumedservice"),
    "account": ("billingaccountid", "billingaccountname", "enrollmentnumber"),
    "subscription": ("subscriptionid", "subscriptionguid"),
    "meter": ("metername", "meterid"),
    "subcategory": ("metersubcategory",),
    "resource": ("resourceid", "instanceid", "instancename"),
    "location": ("resourcelocation", "resourcelocationnormalized", "meterregion"),
    "currency": ("billingcurrencycode", "billingcurrency", "currency", "currencycode"),
    "type": ("chargetype",),
    "quantity": ("quantity", "usagequantity"),
    "unit": ("unitofmeasure",),
    "tags": ("tags",),
    "period": ("billingperiodstartdate",),
    "invoice": ("invoiceid", "invoicesectionid"),
}
"""Our name of a column -> its names in agreements of different sorts and years, the first that is there."""
_AZURE_TYPES: dict[str, LineType] = {
    "usage": "usage",
    "purchase": "fee",
    "refund": "refund",
    "tax": "tax",
    "roundingadjustment": "discount",
    "unusedreservation": "commitment",
    "unusedsavingsplan": "commitment",
}


def azure_columns(columns: list[str]) -> dict[str, str]:
    """Column (lower case) -> our name of it."""
    there = set(columns)
    found = {next((c for c in names if c in there), ""): ours for ours, names in _AZURE.items()}
    found.pop("", None)
    return found


def azure_lines(row: Row, basis: str) -> Iterator[Line]:
    """The line of a row; whether it is amortized is a matter of which export it is. Raises `LineInvalid`."""
    began = day(text(row, "date"))
    period = text(row, "period")
    month = day(period)[:7] if period else began[:7]
    subscription = text(row, "subscription").lower()
    sub, meter = text(row, "subcategory"), text(row, "meter")
    yield Line(
        "azure",
        f"{text(row, 'account')}/{subscription}",
        subscription,
        text(row, "category") or "other",
        f"{sub}: {meter}" if sub and meter else meter or sub,
        text(row, "location").lower(),
        text(row, "resource").lower(),
        _AZURE_TYPES.get(text(row, "type").lower(), "usage"),
        text(row, "currency") or "USD",
        month,
        within(began, month),
        decimal(row, "cost"),
        decimal(row, "quantity"),
        text(row, "unit"),
        tags_in(row.get("tags")),
        False,
    )
