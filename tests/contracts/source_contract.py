"""What every source must keep. A source's tests subclass `SourceContract` and supply recordings; pytest runs the inherited tests.

`recorded` opens the source on a recording that holds `CANARY` wherever a secret may stand. `broken` opens it on inputs that cannot be
read at all.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from graph.clock import Instant, instant
from graph.model import Entity, FactBatch, Relation
from graph.schema import KINDS, RELATIONS
from graph.store import GraphStore
from graph.stores import open_store
from ingest.extraction import extract
from ingest.source import Source, SourceError
from ingest.sync import Retry, sync

CANARY = "canary-Zx9" + "Qw7Lk2Vb"
"""Planted where a secret stands. It has no shape of its own: only its place gives it away."""

NOW: Instant = instant("2026-06-01T00:00:00Z")
KEY = b"0123456789abcdef"


def fresh_store(directory: Path, name: str) -> GraphStore:
    """An empty store."""
    return open_store(f"sqlite:///{directory / f'{name}.db'}")


def redacted(source: Source, cursor: str | None, now: Instant = NOW) -> list[FactBatch]:
    """The batches of a pull as a store would get them."""
    with closing(extract(source, cursor, now, KEY, "none")) as batches:
        return list(batches)


def stored(directory: Path, name: str, batches: Sequence[FactBatch]) -> list[str]:
    """The dump of a store that got these batches."""
    with fresh_store(directory, name) as store:
        for batch in batches:
            store.apply(batch)
        return list(store.dump())


class SourceContract:
    """The tests. Inherit, and say how to open the source."""

    @abstractmethod
    def recorded(self, directory: Path) -> Source:
        """The source on a recording, made below `directory` the same each time."""

    @abstractmethod
    def broken(self, directory: Path) -> Iterator[Source]:
        """The source on inputs that cannot be read at all."""

    def test_the_same_input_gives_the_same_batches_and_ids(self, tmp_path: Path) -> None:
        first = redacted(self.recorded(tmp_path), None)
        again = redacted(self.recorded(tmp_path), None)
        assert first
        assert [b.id for b in first] == [b.id for b in again]
        assert first == again

    def test_every_batch_names_the_source_and_only_the_last_cursor_counts(self, tmp_path: Path) -> None:
        source = self.recorded(tmp_path)
        batches = redacted(source, None)
        assert {b.source for b in batches} == {source.name}
        assert [b for b in batches if b.scope == source.scope and b.cursor], "a cursor is kept under the source's scope"
        assert not [b for b in batches if b.scope != source.scope and b.cursor]
        assert len({b.id for b in batches}) == len(batches)

    def test_a_pull_that_stops_after_any_batch_and_goes_on_gives_the_same_graph(self, tmp_path: Path) -> None:
        source = self.recorded(tmp_path)
        whole = stored(tmp_path, "whole", redacted(source, None))
        for stop in range(1, len(redacted(source, None))):
            with fresh_store(tmp_path, f"stopped-{stop}") as store:
                for batch in redacted(source, None)[:stop]:
                    store.apply(batch)
                for batch in redacted(source, store.cursor(source.name, source.scope)):
                    store.apply(batch)
                assert facts_of(list(store.dump())) == facts_of(whole), f"stopped after batch {stop}"

    def test_a_pull_of_unchanged_input_states_nothing_new(self, tmp_path: Path) -> None:
        source = self.recorded(tmp_path)
        with fresh_store(tmp_path, "twice") as store:
            assert sync(store, source, NOW, KEY, processes="none").error is None
            before = facts_of(list(store.dump()))
            assert before
            cursor = store.cursor(source.name, source.scope)
            again = redacted(source, cursor, NOW + 1_000_000)
            assert len(again) <= 1
            assert all(not b.assertions and not b.withdrawals and b.snapshot is None for b in again)
            sync(store, source, NOW + 1_000_000, KEY, processes="none")
            assert facts_of(list(store.dump())) == before

    def test_reading_in_a_process_of_its_own_gives_the_same_graph(self, tmp_path: Path) -> None:
        source = self.recorded(tmp_path)
        with fresh_store(tmp_path, "here") as here, fresh_store(tmp_path, "forked") as forked:
            assert sync(here, source, NOW, KEY, processes="none").error is None
            assert sync(forked, source, NOW, KEY, processes="fork").error is None
            assert list(here.dump()) == list(forked.dump())

    def test_a_planted_secret_appears_nowhere(self, tmp_path: Path) -> None:
        source = self.recorded(tmp_path / "recording")
        batches = redacted(source, None)
        assert CANARY not in repr(batches)
        (tmp_path / "store").mkdir()
        with fresh_store(tmp_path / "store", "canary") as store:
            sync(store, source, NOW, KEY, processes="none")
            assert CANARY not in "\n".join(store.dump())
        for file in (tmp_path / "store").iterdir():
            assert CANARY.encode() not in file.read_bytes(), file.name

    def test_input_that_cannot_be_read_gives_one_sentence_and_a_remedy(self, tmp_path: Path) -> None:
        tried = 0
        for source in self.broken(tmp_path):
            tried += 1
            with pytest.raises(SourceError) as caught:
                list(source.pull(None, NOW))
            message = str(caught.value)
            assert message
            assert "\n" not in message
            assert "Traceback" not in message
            assert caught.value.hint, message
            with fresh_store(tmp_path, f"broken-{tried}") as store:
                report = sync(store, source, NOW, KEY, retry=Retry(attempts=1), processes="none")
                assert report.error is not None
        assert tried

    def test_what_it_states_is_described_in_the_schema(self, tmp_path: Path) -> None:
        for batch in redacted(self.recorded(tmp_path), None):
            for assertion in batch.assertions:
                match assertion.fact:
                    case Entity(ref, properties):
                        assert set(properties) <= {p.name for p in KINDS[ref.kind].properties}, ref
                    case Relation(type=type_, properties=properties):
                        assert set(properties) <= {p.name for p in RELATIONS[type_].properties}, type_
                    case _:
                        pass
                assert assertion.locator


def facts_of(dump: Sequence[str]) -> list[str]:
    """A dump without the ledgers of batches and of freshness, which differ by how often was pulled."""
    return [line for line in dump if json.loads(line)["line"] not in ("batch", "scope")]
