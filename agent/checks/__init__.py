"""The checks: what can be asked of a suspect. To add one, write its file with a `CHECK` and name it here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from agent.scene import Check

NAMES = (
    "time_order",
    "applied",
    "path",
    "attribute_fit",
    "cosmetic_only",
    "expiry",
    "limit",
    "between",
    "victims",
    "by_hand",
    "recovered",
    "elsewhere",
    "earlier_same",
    "said",
    "metric_shift",
    "where",
    "logs",
    "sources",
)
"""The module of each check, in the order in which they are told."""


@cache
def checks() -> tuple[Check, ...]:
    """Every check, in the order of `NAMES`. Their modules are imported by the first call."""
    return tuple(cast("Check", import_module(f"agent.checks.{name}").CHECK) for name in NAMES)
