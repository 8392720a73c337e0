"""SQLite keeps the store contract, in a file and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from graph.store import GraphStore
from graph.stores import open_store
from tests.contracts.store_contract import StoreContract
from tests.contracts.store_durability import Address


class TestSqliteFile(StoreContract):
    @pytest.fixture
    def address(self, tmp_path: Path) -> Address:
        return Address(f"sqlite:///{tmp_path / 'lore.db'}")

    @pytest.fixture
    def empty_store(self, tmp_path: Path, address: Address) -> Iterator[Callable[[], GraphStore]]:
        with ExitStack() as stack:

            def empty() -> GraphStore:
                stack.close()
                for file in tmp_path.glob("lore.db*"):
                    file.unlink()
                return stack.enter_context(open_store(address.url))

            yield empty
