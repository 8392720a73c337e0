"""What every store must do. A store's own test module inherits `StoreContract` and supplies two fixtures:

- `empty_store`: a function that returns an open, empty store each time it is called (and may close the one before);
- `address`: where another process or thread opens the store that `empty_store` gave last.

    class TestSqlite(StoreContract): ...
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graph.store import GraphStore
from tests.contracts.store_durability import DurabilityContract
from tests.contracts.store_graph import GraphContract
from tests.contracts.store_guards import AudienceContract, HostileContract, LimitsContract, PurgeContract
from tests.contracts.store_search import SearchContract
from tests.contracts.store_time import TimeContract


class MeaningContract(
    TimeContract, GraphContract, SearchContract, AudienceContract, LimitsContract, HostileContract, PurgeContract
):
    """What a store's answers mean; holds for a store in memory too."""

    @pytest.fixture
    def store(self, empty_store: Callable[[], GraphStore]) -> GraphStore:
        return empty_store()


class StoreContract(MeaningContract, DurabilityContract):
    """The whole contract."""
