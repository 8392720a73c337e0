"""The store contract: several writers, a killed writer, a reopened store. These tests start processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from graph.model import FactBatch
from graph.store import GraphStore, Limits
from graph.stores import open_store
from tests.contracts.facts import NOW, at, batch, block, denies, entity, passage, relation, says
from tests.replay_store import ReplayStore

ROOT = Path(__file__).resolve().parents[2]
A = block("a")


@dataclass(frozen=True)
class Address:
    """Where a store is, for another process."""

    url: str
    user: str | None = None
    password: str | None = None
    database: str | None = None

    def open(self) -> GraphStore:
        return open_store(self.url, user=self.user, password=self.password, database=self.database)


def work(writer: str, batches: int) -> list[FactBatch]:
    """What a writing process applies: every writer touches the same timeline, and some of its own."""
    work: list[FactBatch] = []
    for number in range(batches):
        moment = 10 + 7 * number % 50
        work.append(
            batch(
                says(entity(A, name=f"{writer}{number}"), moment, seen=number),
                *(says(entity(block(f"{writer}-{number}-{i}"), name="x"), number) for i in range(40)),
                says(relation("DEPENDS_ON", A, block(f"{writer}-{number}-0")), number),
                says(passage(A, f"words of {writer} {number}", slot=writer), number),
                denies(entity(block(f"{writer}-{number - 1}-1")), number + 1),
                source="shared",
                scope="one",
                id=f"{writer}-{number}",
                cursor=f"{writer}-{number}",
            )
        )
    return work


class DurabilityContract:
    def test_a_reopened_store_holds_what_was_stored(
        self, address: Address, empty_store: Callable[[], GraphStore]
    ) -> None:
        with empty_store() as store:
            store.apply(batch(says(entity(A, name="x"), 1), cursor="c"))
            before = list(store.dump())
        with address.open() as again:
            assert list(again.dump()) == before
            assert again.cursor("git", "org/name") == "c"
            assert again.entity(A, NOW) is not None

    def test_a_reader_sees_whole_batches_while_another_writes(self, address: Address, store: GraphStore) -> None:
        pair = (block("left"), block("right"))
        stop = threading.Event()
        torn: list[object] = []

        def read() -> None:
            with address.open() as reader:
                while not stop.is_set():
                    names = [one.properties["name"] for one in reader.entities(pair, NOW)]
                    if names and (len(names) != 2 or names[0] != names[1]):
                        torn.append(names)

        reading = threading.Thread(target=read)
        reading.start()
        try:
            for number in range(20):
                store.apply(batch(*(says(entity(one, name=str(number)), number) for one in pair)))
        finally:
            stop.set()
            reading.join()
        assert torn == []

    def test_one_store_serves_several_threads(self, store: GraphStore) -> None:
        failures: list[BaseException] = []

        def write(writer: str) -> None:
            try:
                for one in work(writer, 4):
                    store.apply(one)
                    assert store.entity(A, NOW) is not None
                    store.search_text("words", NOW, Limits(rows=3))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert store.record() == 12
        _assert_same_as_its_replay(store, [one for number in range(3) for one in work(f"t{number}", 4)])

    def test_two_processes_that_write_at_once_leave_what_one_after_the_other_leaves(
        self, address: Address, store: GraphStore
    ) -> None:
        writers = [_start(address, name, 8) for name in ("left", "right")]
        for writer in writers:
            _, errors = writer.communicate(timeout=120)
            assert writer.returncode == 0, errors
        assert store.record() == 16
        _assert_same_as_its_replay(store, work("left", 8) + work("right", 8))

    @pytest.mark.parametrize("commits", [0, 1, 3, 5])
    def test_a_killed_writer_leaves_whole_batches_and_can_be_resumed(
        self, address: Address, store: GraphStore, commits: int
    ) -> None:
        writer = _start(address, "killed", 6)
        assert writer.stdout is not None
        for _ in range(commits):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        stored = store.record()
        assert stored >= commits
        _assert_same_as_its_replay(store, work("killed", 6))
        assert store.cursor("shared", "one") == (f"killed-{stored - 1}" if stored else None)
        again = _start(address, "killed", 6)
        _, errors = again.communicate(timeout=120)
        assert again.returncode == 0, errors
        assert store.record() == 6
        _assert_same_as_its_replay(store, work("killed", 6))
        assert store.entity(A, at(40)) is not None


def _assert_same_as_its_replay(store: GraphStore, batches: list[FactBatch]) -> None:
    """The store holds what replaying its batches in the order of its own records gives."""
    ids = {one.id: one for one in batches}
    lines = list(store.dump())
    records = sorted((line["record"], line["id"]) for line in map(json.loads, lines) if line["line"] == "batch")
    oracle = ReplayStore()
    for _, id_ in records:
        oracle.apply(ids[id_])
    assert lines == list(oracle.dump())


def _start(address: Address, writer: str, batches: int) -> subprocess.Popen[str]:
    arguments = json.dumps({"address": asdict(address), "writer": writer, "batches": batches})
    return subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.store_durability", arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _main() -> None:
    arguments = json.loads(sys.argv[1])
    with Address(**arguments["address"]).open() as store:
        for one in work(arguments["writer"], arguments["batches"]):
            print(store.apply(one).record, flush=True)


if __name__ == "__main__":
    _main()
