"""From a source into a real store: order, retries, failures, processes, kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from graph.clock import Instant
from graph.errors import BatchRefused, StoreUnavailable
from graph.model import (
    Alias,
    Assertion,
    Entity,
    EntityRef,
    FactBatch,
    Passage,
    Quarantined,
    Relation,
    Snapshot,
    Value,
    Withdrawal,
    ref,
)
from graph.store import GraphStore, Receipt
from graph.stores import open_store
from ingest.batch_wire import decode, encode
from ingest.extraction import Processes, extract
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sync import Progress, Retry, SyncReport, sync, sync_all

NOW: Instant = 1_750_000_000_000_000
KEY = b"k" * 16
CHILDREN: Sequence[Processes] = ("none", "fork", "spawn")


def numbered(i: int, scope: str = "s", facts: int = 3) -> FactBatch:
    commit = ref("Commit", f"{i:040x}")
    assertions = [Assertion(Entity(commit, {"title": f"commit {i}"}), i + 1, i + 1, f"here@{i}")]
    assertions += [Assertion(Alias(commit, "hash", f"{i}-{n}"), i + 1, i + 1, f"here@{i}") for n in range(facts - 1)]
    return FactBatch(
        id=f"{scope}-{i}",
        source="numbers",
        scope=scope,
        extractor="numbers/1",
        assertions=assertions,
        cursor=str(i + 1),
    )


@dataclass
class Numbers:
    """Yields `count` batches. `troubles`: before which batch what is raised, once each."""

    count: int
    scope: str = "s"
    troubles: dict[int, list[Exception]] = field(default_factory=dict[int, list[Exception]])
    pace_s: float = 0.0
    name: str = "numbers"
    kill_at: int | None = None

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        for i in range(int(cursor or 0), self.count):
            if self.troubles.get(i):
                raise self.troubles[i].pop(0)
            if self.kill_at == i:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.pace_s)
            yield numbered(i, self.scope)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{tmp_path / 'lore.db'}") as opened:
        yield opened


class Sleeps:
    """Notes how long was waited, without waiting."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


def titles(store: GraphStore) -> int:
    return store.status().entities.get("Commit", 0)


@pytest.mark.parametrize("processes", CHILDREN)
def test_everything_is_stored_and_a_second_sync_finds_nothing_new(store: GraphStore, processes: Processes) -> None:
    seen: list[Progress] = []
    report = sync(store, Numbers(4), NOW, KEY, seen.append, processes=processes)
    assert report.error is None
    assert (report.batches, report.assertions, report.changes, report.applied) == (4, 12, 4, 4)
    assert [p.batches for p in seen] == [1, 2, 3, 4]
    assert seen[-1].elapsed_s > 0
    assert titles(store) == 4
    assert sync(store, Numbers(4), NOW, KEY, processes=processes).batches == 0


@pytest.mark.parametrize("processes", ["none", "fork"])
def test_a_source_that_cannot_be_reached_is_tried_again_from_the_cursor(
    store: GraphStore, processes: Processes
) -> None:
    sleeps = Sleeps()
    # In a forked child the list that is popped is the child's own: there one trouble happens at every try.
    troubles: dict[int, list[Exception]] = {2: [SourceUnavailable("busy", "later", retry_after_s=7.0)]}
    source = Numbers(4, troubles=troubles)
    report = sync(store, source, NOW, KEY, retry=Retry(attempts=3, sleep=sleeps), processes=processes)
    assert titles(store) == (4 if processes == "none" else 2)
    assert sleeps.waited[0] >= 7.0
    if processes == "none":
        assert report.error is None
        assert report.retries == 1
        assert report.batches == 4, "nothing was read twice"
    else:
        assert isinstance(report.error, SourceUnavailable)
        assert (str(report.error), report.error.hint, report.error.retry_after_s) == ("busy", "later", 7.0)


def test_waits_grow_and_end(store: GraphStore) -> None:
    sleeps = Sleeps()
    source = Numbers(1, troubles={0: [SourceUnavailable("busy", "later") for _ in range(9)]})
    report = sync(store, source, NOW, KEY, retry=Retry(attempts=4, first_s=1.0, sleep=sleeps), processes="none")
    assert isinstance(report.error, SourceUnavailable)
    assert len(sleeps.waited) == 3
    assert 0.75 <= sleeps.waited[0] <= 1.25
    assert 3.0 <= sleeps.waited[2] <= 5.0


def test_a_server_that_asks_for_an_hour_is_not_waited_for(store: GraphStore) -> None:
    sleeps = Sleeps()
    source = Numbers(1, troubles={0: [SourceUnavailable("rate limit", "later", retry_after_s=3600.0)]})
    assert isinstance(
        sync(store, source, NOW, KEY, retry=Retry(sleep=sleeps), processes="none").error, SourceUnavailable
    )
    assert sleeps.waited == []


class Stubborn:
    """A store whose `apply` fails before or after it has stored; everything else is the real one."""

    def __init__(self, inner: GraphStore, before: list[Exception], after: list[Exception]) -> None:
        self._inner, self._before, self._after = inner, before, after

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def apply(self, batch: FactBatch) -> Receipt:
        if self._before:
            raise self._before.pop(0)
        receipt = self._inner.apply(batch)
        if self._after:
            raise self._after.pop(0)
        return receipt


def test_a_store_that_is_locked_is_tried_again_with_the_same_batch(store: GraphStore) -> None:
    stubborn = Stubborn(store, [StoreUnavailable("locked", "wait")], [StoreUnavailable("restarted", "wait")])
    report = sync(stubborn, Numbers(3), NOW, KEY, retry=Retry(sleep=Sleeps()), processes="none")  # type: ignore[arg-type]
    assert report.error is None
    assert (report.batches, report.applied, report.retries) == (3, 2, 2)
    assert titles(store) == 3


def test_a_batch_that_the_store_refuses_ends_the_sync_and_what_was_before_stays(store: GraphStore) -> None:
    class Refusing(Numbers):
        def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
            yield numbered(0)
            yield FactBatch("a", self.name, "t", "x", snapshot=Snapshot(100, 2))
            yield FactBatch("b", self.name, "t", "x", snapshot=Snapshot(50, 3))

    report = sync(store, Refusing(0), NOW, KEY, processes="fork")
    assert isinstance(report.error, BatchRefused)
    assert report.batches == 2
    assert titles(store) == 1


def test_one_source_that_fails_leaves_the_others_alone(store: GraphStore) -> None:
    sources = [
        Numbers(2, "a"),
        Numbers(2, "b", {1: [SourceDataInvalid("cannot be read", "mend it")]}),
        Numbers(2, "c", {0: [KeyError("a defect")]}),
        Numbers(2, "d"),
    ]
    reports = sync_all(store, sources, NOW, KEY, retry=Retry(attempts=1))
    assert [type(r.error) for r in reports] in (
        [type(None), SourceDataInvalid, RuntimeError, type(None)],
        [type(None), SourceDataInvalid, KeyError, type(None)],
    )
    assert [r.scope for r in reports] == ["a", "b", "c", "d"]
    assert [r.batches for r in reports] == [2, 1, 0, 2]


def test_a_defect_in_the_child_is_raised_with_its_traceback(store: GraphStore) -> None:
    with pytest.raises(RuntimeError, match="KeyError") as caught:
        sync(store, Numbers(1, troubles={0: [KeyError("oh")]}), NOW, KEY, processes="fork")
    assert "in pull" in caught.value.__notes__[0]


def test_a_child_that_is_killed_is_reported_and_the_next_sync_goes_on(store: GraphStore) -> None:
    report = sync(store, Numbers(4, kill_at=2), NOW, KEY, retry=Retry(attempts=1), processes="fork")
    assert isinstance(report.error, SourceUnavailable)
    assert "-9" in str(report.error)
    assert report.error.hint
    assert titles(store) == 2
    assert sync(store, Numbers(4), NOW, KEY, processes="fork").batches == 2
    assert titles(store) == 4


def test_reading_and_storing_overlap(store: GraphStore) -> None:
    class Slow(Stubborn):
        def apply(self, batch: FactBatch) -> Receipt:
            time.sleep(0.1)
            return super().apply(batch)

    def elapsed(processes: Processes, scope: str) -> float:
        slow = Slow(store, [], [])
        return sync(slow, Numbers(8, scope, pace_s=0.1), NOW, KEY, processes=processes).elapsed_s  # type: ignore[arg-type]

    assert elapsed("fork", "a") < 0.8 * elapsed("none", "b")


def test_the_child_waits_for_a_slow_store_and_does_not_fill_the_memory(store: GraphStore, tmp_path: Path) -> None:
    counter = tmp_path / "made"

    class Large(Numbers):
        def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
            for i in range(50):
                counter.write_text(str(i + 1))
                text = "x" * 200_000
                yield FactBatch(
                    str(i), self.name, "s", "x", [Assertion(Passage(ref("Thread", str(i)), "body", text), 1, 1, "l")]
                )

    with closing(extract(Large(0), None, NOW, KEY, "fork")) as batches:
        next(batches)
        time.sleep(0.5)
        assert int(counter.read_text()) < 12
    time.sleep(0.1)
    assert int(counter.read_text()) < 12, "closed early, the child is stopped"


def test_a_small_pull_in_a_child_costs_little(store: GraphStore) -> None:
    best = min(_timed(lambda: sync(store, Numbers(0), NOW, KEY, processes="fork")) for _ in range(5))
    assert best < 0.3  # a new interpreter takes longer than that, a fork a few hundredths


def _timed(action: Callable[[], SyncReport]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def test_an_error_shows_no_login(store: GraphStore) -> None:
    error = SourceDataInvalid("https://app:hunter2hunter2@host/ is gone", "open https://app:hunter2hunter2@host/")
    report = sync(store, Numbers(1, troubles={0: [error]}), NOW, KEY, processes="none")
    assert isinstance(report.error, SourceDataInvalid)
    assert "hunter2" not in str(report.error) + report.error.hint


KILLED = """
import sys
from pathlib import Path
from graph.stores import open_store
from ingest.sync import sync
from tests.ingest.test_sync import KEY, NOW, Numbers
with open_store("sqlite:///" + sys.argv[1]) as store:
    sync(store, Numbers(400, pace_s=0.01), NOW, KEY, lambda p: print(p.batches, flush=True), processes="fork")
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_in_the_middle_nothing_is_half_done_and_the_next_run_finishes(
    signal_number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "killed.db"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 7:
            process.send_signal(signal_number)
            break
    process.wait(20)
    process.stdout.close()
    with open_store(f"sqlite:///{path}") as store:
        cursor = int(store.cursor("numbers", "s") or 0)
        assert 7 <= cursor < 400
        assert titles(store) == cursor
        assert sync(store, Numbers(400), NOW, KEY, processes="fork").error is None
        assert titles(store) == 400
        with open_store(f"sqlite:///{tmp_path / 'straight.db'}") as straight:
            sync(straight, Numbers(400), NOW, KEY, processes="none")
            assert list(store.dump()) == list(straight.dump())


# -- the bytes between the processes


def test_a_batch_comes_out_of_the_pipe_as_it_went_in() -> None:
    thing = ref("Block", "r", "d", "a")
    properties: Mapping[str, Value] = {"a": [1, 2.5, None, True, "x"], "b": {"c": ["\ud800", "é", "\0"]}, "big": 2**80}
    batch = FactBatch(
        id="i",
        source="s",
        scope="c",
        extractor="e",
        assertions=[
            Assertion(Entity(thing, properties), 1, 2, "l"),
            Assertion(
                Relation("CHANGED", thing, thing, {}, "d"),
                -1,
                2,
                "l",
                valid_to=9,
                present=False,
                label="a+b",
                url="https://x",
            ),
            Assertion(Alias(thing, "arn", "n"), 1, 2, "l"),
            Assertion(Passage(thing, "body", "t"), 1, 2, "l"),
        ],
        withdrawals=[Withdrawal("k", 3, "a")],
        snapshot=Snapshot(4, 5),
        cursor="{}",
        fresh_until=6,
        quarantined=[Quarantined("l", "r")],
    )
    again = decode(encode(batch))
    assert again == batch
    assert isinstance(again.assertions[0].fact, Entity)
    assert isinstance(again.assertions[0].fact.ref, EntityRef)
    assert decode(encode(FactBatch("i", "s", "c", "e"))) == FactBatch("i", "s", "c", "e", [], [], quarantined=[])


def test_mappings_and_texts_of_other_classes_go_through_the_pipe_too() -> None:
    class Text(str):
        __slots__ = ()

    strange = Entity(ref("A", "b"), MappingProxyType({"a": Text("x"), "b": (Text("y"), MappingProxyType({"c": 1}))}))
    [again] = decode(encode(FactBatch("i", "s", "c", "e", [Assertion(strange, 1, 1, Text("l"))]))).assertions
    assert isinstance(again.fact, Entity)
    assert again.fact.properties == {"a": "x", "b": ("y", {"c": 1})}
