"""Lines of AWS's Cost and Usage Report, the old one and Data Exports' CUR 2.0: the same columns, spelled in two ways.

Columns: https://docs.aws.amazon.com/cur/latest/userguide/data-dictionary.html and
https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial

from ingest.sources.costs.line import Line, LineInvalid, LineType, Row, day, decimal, tag_key, tags_in, text, within

NEEDS = frozenset({"line_item_usage_start_date", "line_item_unblended_cost", "line_item_product_code"})
_WANTED = NEEDS | {
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "bill_invoice_id",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_usage_type",
    "line_item_resource_id",
    "line_item_usage_amount",
    "line_item_currency_code",
    "line_item_net_unblended_cost",
    "product_region",
    "product_region_code",
    "pricing_unit",
    "reservation_effective_cost",
    "reservation_reservation_a_r_n",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "resource_tags",
}
_UPPER = re.compile(r"(?<!^)(?=[A-Z])")
_TAG = "resource_tags_"
_TYPES: dict[str, LineType] = {
    "Usage": "usage",
    "DiscountedUsage": "usage",
    "SavingsPlanCoveredUsage": "usage",
    "Tax": "tax",
    "Credit": "credit",
    "Refund": "refund",
    "Fee": "fee",
    "RIFee": "commitment",
    "SavingsPlanNegation": "commitment",
    "SavingsPlanRecurringFee": "commitment",
    "SavingsPlanUpfrontFee": "commitment",
}
"""Their types of line by ours; every other one (EdpDiscount, BundledDiscount …) is a discount."""


def column(told: str) -> str:
    """Our name of a column: CUR 2.0's, also of the old report's `lineItem/UsageStartDate`.

    >>> column("lineItem/UsageStartDate"), column("resourceTags/user:environment")
    ('line_item_usage_start_date', 'resource_tags_user:environment')
    """
    head, slash, rest = told.partition("/")
    if not slash:
        return told
    if head == "resourceTags":
        return _TAG + rest
    return f"{_UPPER.sub('_', head).lower()}_{_UPPER.sub('_', rest).lower()}"


def wanted(columns: Sequence[str]) -> list[str]:
    """Of these columns (as `column` names them) those that are read."""
    return [c for c in columns if c in _WANTED or c.startswith(_TAG)]


def reader(columns: Sequence[str]) -> Callable[[Row, str], Iterator[Line]]:
    """What reads the rows of a file with these columns, as `wanted` gives them."""
    tags = [
        (c, tag_key(c.removeprefix(_TAG))) for c in columns if c.startswith(_TAG) and not c.startswith(_TAG + "aws")
    ]
    return partial(_lines, tags)


def _lines(tag_columns: Sequence[tuple[str, str]], row: Row, basis: str) -> Iterator[Line]:
    """The line of a row. Raises `LineInvalid`."""
    began = day(text(row, "line_item_usage_start_date"))
    period = text(row, "bill_billing_period_start_date")
    month = day(period)[:7] if period else began[:7]
    kind = text(row, "line_item_line_item_type") or "Usage"
    service = text(row, "line_item_product_code")
    if not service:
        raise LineInvalid("it names no product")
    account = text(row, "line_item_usage_account_id") or text(row, "bill_payer_account_id")
    tags = tags_in(told) if (told := row.get("resource_tags")) else {}
    for name, key in tag_columns:
        value = row.get(name)
        if isinstance(value, str) and value:
            tags.setdefault(key, value.strip()[:200])
    yield Line(
        "aws",
        text(row, "bill_payer_account_id") or account,
        account,
        service,
        text(row, "line_item_usage_type"),
        text(row, "product_region_code") or text(row, "product_region"),
        text(row, "line_item_resource_id"),
        _TYPES.get(kind, "discount"),
        text(row, "line_item_currency_code") or "USD",
        month,
        within(began, month),
        _amount(row, kind, basis),
        decimal(row, "line_item_usage_amount"),
        text(row, "pricing_unit"),
        tags,
        not text(row, "bill_invoice_id"),
    )


def _amount(row: Row, kind: str, basis: str) -> Decimal:
    """What a line costs on a basis. Amortized as AWS defines it:
    https://docs.aws.amazon.com/cur/latest/userguide/amortized-costs.html
    """
    if basis == "unblended":
        return decimal(row, "line_item_unblended_cost")
    net = basis == "net"
    if net:
        own = "line_item_net_unblended_cost" if row.get("line_item_net_unblended_cost") not in (None, "") else ""
        return decimal(row, own or "line_item_unblended_cost")
    if kind == "SavingsPlanCoveredUsage":
        return decimal(row, "savings_plan_savings_plan_effective_cost")
    if kind == "SavingsPlanRecurringFee":
        return decimal(row, "savings_plan_total_commitment_to_date") - decimal(row, "savings_plan_used_commitment")
    if kind in ("SavingsPlanNegation", "SavingsPlanUpfrontFee"):
        return Decimal(0)
    if kind == "DiscountedUsage":
        return decimal(row, "reservation_effective_cost")
    if kind == "RIFee":
        return decimal(row, "reservation_unused_amortized_upfront_fee_for_billing_period") + decimal(
            row, "reservation_unused_recurring_fee"
        )
    if kind == "Fee" and text(row, "reservation_reservation_a_r_n"):
        return Decimal(0)
    return decimal(row, "line_item_unblended_cost")
