"""Tests that need an optional package skip without it, and say so; with REQUIRE_LLM_EXTRAS=1 that is a failure."""

from __future__ import annotations

import os
from importlib import import_module

import pytest


def need(package: str, extra: str) -> None:
    """Skip, or fail, unless the package is installed."""
    if os.environ.get("REQUIRE_LLM_EXTRAS") == "1":  # noqa: TID251 - only tests ask
        import_module(package)
    else:
        pytest.importorskip(package, reason=f"the extra {extra} is not installed")
