"""Killed at random moments and resumed, every source must leave the same graph: `python -m bench.kills --seed 3 --kills 50`.

For each source of a generated organisation, and for the sources that it has none of on their contract's recordings, a process that
syncs into a store is sent SIGKILL at a moment drawn uniformly from the measured duration of a whole sync. Another one goes on from
there (every third is killed as well), and at the end the canonical dump is compared with that of an uninterrupted sync. The ledgers of
batches and of freshness are left out of it, because they count pulls; facts, snapshots, quarantine, purges and cursors are compared.

`midway` counts the kills that left a part of the batches stored: a source that delivers a single batch has none. An organisation's
files are small beside the sizes of batches, so `--batch 60` lowers those sizes and gives every source several. `--neo4j URL` (or
NEO4J_URI through `python -m tests.neo4j_server run -- …`) uses that server, which is emptied each time, in place of SQLite files.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Protocol, cast

from api.settings import load
from api.wiring import Engine
from bench.repositories import machine
from bench.worlds import write_world
from graph.clock import Instant, instant
from graph.store import GraphStore
from graph.stores import open_store
from ingest.source import Source
from ingest.sync import Retry, sync
from tests.contracts.source_contract import facts_of
from tests.neo4j_server import Target

NOW: Instant = instant("2026-06-01T00:00:00Z")
KEY = b"0123456789abcdef"
RECORDINGS = (
    "tests.ingest.gitlab.test_gitlab:TestSeveralProjectsInADirectory",
    "tests.ingest.terraform_plan.test_terraform_plan:TestContract",
    "tests.ingest.pulumi.test_pulumi:TestContract",
    "tests.ingest.cloudformation.test_files:TestTheContract",
    "tests.ingest.gcp.test_gcp:TestContract",
    "tests.ingest.azure.test_azure:TestContract",
)
"""Contracts of the sources that no generated organisation has."""
SIZES = (
    ("ingest.sources.git.batches", "BATCH_ASSERTIONS"),
    ("ingest.sources.slack.batching", "BATCH_ASSERTIONS"),
    ("ingest.sources.deployments.batching", "BATCH_ASSERTIONS"),
    ("ingest.sources.alerts.stated", "MAX_ASSERTIONS"),
    ("ingest.sources.forge.statements", "MAX_ASSERTIONS"),
    ("ingest.sources.gcp.export_pull", "MAX_ASSERTIONS"),
    ("ingest.sources.cloudtrail.batches", "_FULL"),
    ("ingest.sources.cloudtrail.batches", "_OVERFULL"),
    ("ingest.sources.aws.config_files", "_BATCH"),
    ("ingest.sources.cloudformation.batches", "_BATCH"),
)
"""Where sources say how many assertions they put into a batch."""
AGAIN = 1 / 3
"""How many of the processes that go on are killed as well."""


class _Recorded(Protocol):
    def recorded(self, directory: Path) -> Source: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is. `empty` makes it a new one."""

    open: Callable[[], GraphStore]
    empty: Callable[[], None]


@dataclass(slots=True)
class Result:
    """What became of one source. `different`: other facts; `renumbered`: the same facts under other numbers of the record clock."""

    name: str
    batches: int
    whole_s: float
    kills: int = 0
    midway: int = 0
    different: int = 0
    renumbered: int = 0
    failed: list[str] = field(default_factory=list[str])
    example: str = ""

    @property
    def sound(self) -> bool:
        """Whether every interrupted sync ended as the uninterrupted one."""
        return not (self.different or self.renumbered or self.failed)


def world_sources(directory: Path) -> Iterator[tuple[str, Source]]:
    """The sources that a world's `lore.yaml` names, with what to call them."""
    settings = load(directory / "lore.yaml", {"XDG_DATA_HOME": str(directory / "data")})
    engine = Engine(settings)
    for entry in settings.sources:
        for name, given in entry.items():
            source = engine.source(name, given)
            yield f"{name} {source.scope}", source


def recorded_sources(directory: Path, recordings: Sequence[str] = RECORDINGS) -> Iterator[tuple[str, Source]]:
    """Sources on what their contract tests read."""
    for path in recordings:
        module, _, contract = path.partition(":")
        place = directory / module.rpartition(".")[2]
        place.mkdir(parents=True)
        source = cast("type[_Recorded]", getattr(import_module(module), contract))().recorded(place)
        yield f"{source.name} (recording)", source


def sqlite_place(directory: Path) -> Place:
    """A SQLite file below this directory."""
    path = directory / "killed.db"

    def empty() -> None:
        for file in directory.glob("killed.db*"):
            file.unlink()

    return Place(lambda: open_store(f"sqlite:///{path}"), empty)


def neo4j_place(target: Target) -> Place:
    """A server's database."""
    return Place(lambda: open_store(target.uri, user=target.user, password=target.password), target.wipe)


def lower_sizes(assertions: int) -> None:
    """Let the sources of this process deliver batches of about so many assertions."""
    for module, name in SIZES:
        found = import_module(module)
        if not isinstance(getattr(found, name), int):
            raise SystemExit(f"{module}.{name} is no number any more")
        setattr(found, name, assertions)


def torture(name: str, source: Source, place: Place, kills: int, random: Random) -> Result:
    """Kill syncs of this source until so many kills have landed, each resumed to its end, and compare."""
    place.empty()
    batches = _whole(source, place)
    expected = _dump(place, source)
    durations: list[float] = []
    for _ in range(3):
        place.empty()
        started = time.perf_counter()
        _must_end(_start(source, place))
        durations.append(time.perf_counter() - started)
    result = Result(name, batches, statistics.median(durations))
    attempts = 0
    while result.kills < kills and attempts < 4 * kills + 20:
        attempts += 1
        place.empty()
        if _killed(source, place, random.uniform(0, result.whole_s)):
            _count(result, place)
        while random.random() < AGAIN:
            if _killed(source, place, random.uniform(0, result.whole_s)):
                _count(result, place)
        try:
            _must_end(_start(source, place))
        except RuntimeError as error:
            result.failed.append(str(error))
            continue
        _compare(result, expected, _dump(place, source))
    return result


def _count(result: Result, place: Place) -> None:
    result.kills += 1
    with place.open() as store:
        stored = store.record()
    result.midway += 0 < stored < result.batches


def _whole(source: Source, place: Place) -> int:
    """Sync in this process; how many batches the store took."""
    with place.open() as store:
        report = sync(store, source, NOW, KEY, processes="none")
        if report.error is not None:
            raise SystemExit(f"{source.name} cannot be read: {report.error}")
        return store.record()


def _start(source: Source, place: Place) -> int:
    """Sync in a forked process, in a process group that it shares only with the process that reads the source. Returns its id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 3
    try:
        os.setpgid(0, 0)
        with place.open() as store:
            # A killed writer's lock on a server is noticed a moment later: that is waited for, like in production.
            report = sync(store, source, NOW, KEY, retry=Retry())
        if report.error is not None:
            print(f"{source.name}: {report.error}", file=sys.stderr)
        status = 0 if report.error is None else 2
    finally:
        os._exit(status)


def _killed(source: Source, place: Place, after_s: float) -> bool:
    """Start a sync and kill it; False when it had ended before."""
    pid = _start(source, place)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    _gone(pid)
    return os.WIFSIGNALED(status)


def _must_end(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"a resumed sync ended with status {os.waitstatus_to_exitcode(status)}")


def _gone(group: int, patience_s: float = 10.0) -> None:
    """Wait for the process that read the source: nobody tells it, its pipe breaks.

    Raises:
        RuntimeError: it is still there.
    """
    until = time.monotonic() + patience_s
    while any(_in_group(group)):
        if time.monotonic() > until:
            raise RuntimeError("the process that read the source outlived the one that was killed")
        time.sleep(0.005)


def _in_group(group: int) -> Iterator[str]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(") ")
        except OSError:
            continue
        state, _, in_group = rest.split()[:3]
        if int(in_group) == group and state not in "ZX":
            yield stat.parent.name


def _dump(place: Place, source: Source) -> list[str]:
    with place.open() as store:
        return [*facts_of(list(store.dump())), f"cursor {store.cursor(source.name, source.scope)}"]


def _compare(result: Result, expected: Sequence[str], found: Sequence[str]) -> None:
    if found == expected:
        return
    if _without_record(found) == _without_record(expected):
        result.renumbered += 1
        return
    result.different += 1
    only = sorted(set(found) ^ set(expected))
    result.example = result.example or only[0][:600]


def _without_record(dump: Sequence[str]) -> list[str]:
    def plain(line: str) -> str:
        if not line.startswith("{"):
            return line
        fields: Mapping[str, object] = json.loads(line)
        return json.dumps({k: v for k, v in fields.items() if k not in ("known_from", "known_to", "record", "number")})

    return sorted(map(plain, dump))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3, help="of the organisation and of the moments")
    parser.add_argument("--kills", type=int, default=50, help="for each source")
    parser.add_argument("--batch", type=int, default=0, help="assertions a batch, instead of what each source takes")
    parser.add_argument("--only", action="append", default=[], help="only sources of this registered name; repeatable")
    parser.add_argument("--neo4j", default=os.environ.get("NEO4J_URI", ""))  # noqa: TID251
    options = parser.parse_args()
    only: frozenset[str] = frozenset(options.only)
    environ = os.environ  # noqa: TID251
    if options.batch:
        lower_sizes(options.batch)
    print(
        f"{machine()}; world {options.seed}; {'Neo4j' if options.neo4j else 'SQLite'}; batches of {options.batch or 'their own'} assertions\n\n"
        "| source | batches | whole sync s | kills | midway | other facts | other record numbers | not resumed |\n|---|---|---|---|---|---|---|---|"
    )
    sound = True
    with tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        directory = Path(scratch)
        write_world(options.seed, directory / "world")
        (directory / "store").mkdir()
        if options.neo4j:
            place = neo4j_place(
                Target(options.neo4j, environ.get("NEO4J_USERNAME", "neo4j"), environ.get("NEO4J_PASSWORD", ""))
            )
        else:
            place = sqlite_place(directory / "store")
        for name, source in (*world_sources(directory / "world"), *recorded_sources(directory / "recordings")):
            if only and source.name not in only:
                continue
            one = torture(name, source, place, options.kills, Random(f"kills {options.seed} {name}"))
            sound = sound and one.sound
            print(
                f"| {one.name} | {one.batches} | {one.whole_s:.2f} | {one.kills} | {one.midway} | {one.different} | {one.renumbered} | {len(one.failed)} |",
                flush=True,
            )
            if one.example:
                print(f"  {one.example}", flush=True)
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
