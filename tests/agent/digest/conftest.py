"""An empty company on a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.stores import open_store
from tests.agent.digest.week import Company


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Collects facts; `company.apply()` stores them."""
    with open_store(f"sqlite:///{tmp_path}/lore.db") as store:
        yield Company(store)
