"""Amounts of money: read from decimal text, told, and held against each other. What is added up stays exact."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

ZERO = Decimal(0)


def amount(told: object) -> Decimal:
    """Decimal text as a number; nothing for what is none."""
    try:
        found = Decimal(str(told))
    except InvalidOperation:
        return ZERO
    return found if found.is_finite() else ZERO


def plain(amount: Decimal, places: int = 2) -> str:
    """An amount as text: so many decimal places, more where it would be nothing.

    >>> plain(Decimal("31.456")), plain(Decimal("0.00042")), plain(Decimal(0))
    ('31.46', '0.00042', '0.00')
    """
    shown = amount.quantize(Decimal(1).scaleb(-places))
    if amount and not shown:
        return f"{amount.normalize():f}" if len(f"{amount.normalize():f}") < 14 else f"{amount:.2e}"
    return f"{shown:f}"


def money(told: str, currency: str) -> str:
    """For a sentence: cents only of what is small.

    >>> money("12345.6", "USD"), money("31.4", "USD")
    ('12,346 USD', '31.40 USD')
    """
    value = amount(told)
    return f"{value:,.0f} {currency}" if abs(value) >= 1_000 else f"{value:,.2f} {currency}"


def compared(now: Decimal, before: Decimal, *, same: str = "the same as") -> str:
    """Words between an amount and the one before it; `same` where they hardly differ.

    >>> compared(Decimal(110), Decimal(100)), compared(Decimal(5), Decimal(0))
    ('10.0% more than', 'new since')
    """
    if not before:
        return "nothing in" if not now else "new since"
    percent = (now - before) / abs(before) * 100
    if abs(percent) < Decimal("0.05"):
        return same
    return f"{abs(percent):.1f}% {'more' if percent > 0 else 'less'} than"
