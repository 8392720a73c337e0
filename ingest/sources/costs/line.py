"""A line of a bill, whatever cloud wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal, TypeAlias, cast

import msgspec

Row: TypeAlias = Mapping[str, object]
"""The columns of a row that a dialect asked for, by the dialect's names; what is empty is left out or empty text."""
LineType: TypeAlias = Literal["usage", "tax", "credit", "refund", "fee", "commitment", "discount"]

_KEY = re.compile(r"[^a-z0-9]+")
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
MOST = Decimal(10) ** 15
"""No line of a bill is dearer; a number beyond is a broken one."""


class LineInvalid(ValueError):
    """A row is no line of a bill. `str(error)` says why and holds nothing of its content."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One charge.

    Attributes:
        payer: who gets the bill: payer account, billing account. A month of a payer is replaced as a whole.
        month: the bill's month, `2026-10`; `day` lies in it.
        line_type: what sort of charge; taxes, credits and refunds are never mixed into usage.
        tags: key (as `tag_key` writes it) -> value.
        estimated: the bill of the month is not final.
    """

    provider: str
    payer: str
    account: str
    service: str
    usage_type: str
    region: str
    resource_id: str
    line_type: LineType
    currency: str
    month: str
    day: str
    amount: Decimal
    quantity: Decimal
    unit: str
    tags: Mapping[str, str]
    estimated: bool


@lru_cache(maxsize=4_096)
def tag_key(told: str) -> str:
    """A tag's key as it is compared: `user:Cost-Center` is `cost_center`.

    >>> tag_key("user:Cost-Center")
    'cost_center'
    """
    key = _KEY.sub("_", told.strip().lower()).strip("_")
    return key.removeprefix("user_") or key


def text(row: Row, name: str) -> str:
    """A column as text, empty when it is not there."""
    value = row.get(name)
    return value if type(value) is str else "" if value is None else str(value)


def decimal(row: Row, name: str) -> Decimal:
    """A column as a number; nothing is 0. Raises `LineInvalid`."""
    value = row.get(name)
    if value is None or value == "":
        return Decimal(0)
    try:
        found = value if isinstance(value, Decimal) else Decimal(str(value).strip() or "0")
    except InvalidOperation:
        raise LineInvalid("an amount is no number") from None
    if not found.is_finite() or abs(found) > MOST:
        raise LineInvalid("an amount is no number")
    return found


@lru_cache(maxsize=4_096)
def day(told: str) -> str:
    """The day of a time as bills write it: ISO 8601, `MM/DD/YYYY` or `YYYYMMDD`. Raises `LineInvalid`."""
    if (m := _ISO_DAY.match(told)) is not None:
        year, month, date = m[1], m[2], m[3]
    elif (m := _US_DAY.match(told)) is not None:
        year, month, date = m[3], m[1].zfill(2), m[2].zfill(2)
    elif (m := _COMPACT_DAY.match(told)) is not None:
        year, month, date = m[1], m[2], m[3]
    else:
        raise LineInvalid("its day is no date")
    if not (1 <= int(month) <= 12 and 1 <= int(date) <= 31):
        raise LineInvalid("its day is no date")
    return f"{year}-{month}-{date}"


def within(day_: str, month: str) -> str:
    """The day, or the nearest day of the bill's month: a charge of another month that this bill brings is put to its edge."""
    if day_[:7] == month:
        return day_
    return f"{month}-01" if day_ < month else f"{month}-{last_day(month):02d}"


@lru_cache(maxsize=1_024)
def last_day(month: str) -> int:
    """How many days a month has. Raises `LineInvalid`."""
    from calendar import monthrange

    try:
        return monthrange(int(month[:4]), int(month[5:7]))[1]
    except (ValueError, IndexError):
        raise LineInvalid("its month is no month") from None


def tags_in(value: object) -> dict[str, str]:
    """Tags as a map, pairs, `{key, value}` objects, or JSON text of these (Azure's without its braces)."""
    if isinstance(value, str):
        value = _parsed(value)
    found: dict[str, str] = {}
    if isinstance(value, dict):
        for key, one in cast("dict[object, object]", value).items():
            _put(found, key, one)
    elif isinstance(value, (list, tuple)):
        for one in cast("list[object]", value):
            if isinstance(one, dict):
                pair = cast("dict[str, object]", one)
                _put(found, pair.get("key"), pair.get("value"))
            elif isinstance(one, (list, tuple)):
                parts = cast("list[object]", one)
                if len(parts) == 2:
                    _put(found, parts[0], parts[1])
    return found


def _put(into: dict[str, str], key: object, value: object) -> None:
    if isinstance(key, str) and isinstance(value, (str, int, float, bool)) and str(value).strip():
        into.setdefault(tag_key(key), str(value).strip()[:200])


def _parsed(told: str) -> object:
    told = told.strip()
    if not told:
        return None
    if told[0] not in "{[":
        told = "{" + told + "}"
    try:
        return msgspec.json.decode(told)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
