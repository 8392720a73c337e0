"""What only a file can be: locked, full, foreign, newer, damaged, read-only; and that nothing of a purge stays in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.errors import GraphError, StoreFull, StoreIncompatible, StoreUnavailable
from graph.schema import SCHEMA_VERSION
from graph.store import GraphStore, PurgeSelector
from graph.stores import open_store, sqlite_file
from tests.contracts.facts import NOW, alias, batch, block, entity, passage, relation, says

A = block("a")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lore.db"


@pytest.fixture
def store(path: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{path}") as store:
        yield store


def _sound(error: GraphError) -> bool:
    """One sentence for a user, and a remedy."""
    return str(error).endswith(".") and "\n" not in str(error) and bool(error.hint)


def test_a_new_file_is_made_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "lore.db"
    with open_store(f"sqlite:///{path}") as store:
        store.apply(batch(says(entity(A), 1)))
    assert path.stat().st_size > 0


def test_a_store_in_memory_is_gone_when_closed() -> None:
    with open_store("sqlite://:memory:") as store:
        store.apply(batch(says(entity(A), 1)))
        assert store.entity(A, NOW) is not None
    with open_store("sqlite://:memory:") as store:
        assert store.entity(A, NOW) is None


def test_a_locked_database_is_unavailable_after_a_while_and_nothing_is_half_done(
    store: GraphStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.2)
    store.apply(batch(says(entity(A), 1)))
    before = list(store.dump())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_store(f"sqlite:///{path}") as second:
        with pytest.raises(StoreUnavailable) as caught:
            second.apply(batch(says(entity(block("b")), 1)))
        assert _sound(caught.value)
        assert second.entity(A, NOW) is not None, "readers are not locked out"
        other.rollback()
        other.close()
        assert list(second.dump()) == before
        second.apply(batch(says(entity(block("b")), 1)))


def test_a_full_disk_stores_nothing_of_the_batch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(f"sqlite:///{path}") as store:
        store.apply(batch(says(entity(A), 1)))
        before = list(store.dump())
    connect = sqlite3.connect

    def on_a_small_disk(database: str, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(database, **options)
        connection.execute("PRAGMA max_page_count=60")
        return connection

    monkeypatch.setattr(sqlite3, "connect", on_a_small_disk)
    with open_store(f"sqlite:///{path}") as store:
        many = [says(entity(block(str(i)), name="x" * 300), 1) for i in range(5_000)]
        with pytest.raises(StoreFull) as caught:
            store.apply(batch(*many))
        assert _sound(caught.value)
        assert list(store.dump()) == before
        store.apply(batch(says(entity(block("b")), 1)))


def test_a_database_of_a_newer_layout_is_refused_and_not_touched(store: GraphStore, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreIncompatible, match="newer") as caught:
        open_store(f"sqlite:///{path}")
    assert _sound(caught.value)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_not_touched(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE theirs(x)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreIncompatible) as caught:
        open_store(f"sqlite:///{path}")
    assert _sound(caught.value)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_touched(path: Path) -> None:
    path.write_text('resource "aws_lb" "main" {}\n' * 100)
    before = path.read_bytes()
    with pytest.raises(StoreIncompatible) as caught:
        open_store(f"sqlite:///{path}")
    assert _sound(caught.value)
    assert path.read_bytes() == before


def test_a_damaged_database_is_named_as_such(store: GraphStore, path: Path) -> None:
    store.apply(batch(*(says(entity(block(str(i)), name="x" * 50), 1) for i in range(2_000))))
    store.close()
    data = bytearray(path.read_bytes())
    data[8192 * 4 :] = b"\xff" * (len(data) - 8192 * 4)
    path.write_bytes(data)
    with pytest.raises(StoreIncompatible) as caught, open_store(f"sqlite:///{path}") as damaged:
        list(damaged.dump())
    assert _sound(caught.value)


def test_a_folder_in_place_of_the_file_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(f"sqlite:///{tmp_path}")
    assert _sound(caught.value)


def test_an_unknown_kind_of_store_is_refused_without_showing_a_password() -> None:
    with pytest.raises(StoreIncompatible) as caught:
        open_store("mysql://me:secret@host/db")
    assert "secret" not in str(caught.value)
    assert _sound(caught.value)


def test_nothing_of_what_was_purged_stays_in_the_files(store: GraphStore, path: Path) -> None:
    secret = "hunter2correcthorse"
    store.apply(
        batch(
            says(entity(A, name=secret, attributes={"long": secret * 100}), 1),
            says(alias(A, f"aws_lb.{secret}"), 1),
            says(passage(A, f"the password is {secret}"), 1),
            says(relation("DEPENDS_ON", A, block("b"), note=secret), 1, locator=secret, url=secret),
            *(says(entity(block(str(i)), name=f"x{i}"), 1) for i in range(200)),
        )
    )
    store.apply(batch(says(entity(A, name="rotated"), 5)))
    receipt = store.purge(PurgeSelector(refs=[A]), "leaked")
    assert receipt.remains == ""
    files = [file.read_bytes() for file in path.parent.iterdir()]
    assert len(files) >= 1
    assert not any(secret.encode() in data for data in files)


def test_an_unlucky_reader_keeps_the_log_and_the_receipt_says_so(
    store: GraphStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.apply(batch(says(entity(A), 1)))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM version").fetchone()
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.1)
    with open_store(f"sqlite:///{path}") as second:
        assert second.purge(PurgeSelector(refs=[A]), "leaked").remains
    reader.close()
