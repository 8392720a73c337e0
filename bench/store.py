"""Speed of the stores on a synthetic graph, side by side.

    python -m bench.store [--scale 0.05] [--neo4j bolt://localhost:7687 --user neo4j --password …]

At scale 1: 100k entities (a fifth of them changed later), 500k relations, 100k passages, 20k vectors of 384 dimensions, names
for a quarter of the entities, facts under five labels of which the reader holds three. Batches of 5,000 facts. Reads are made
with a fixed seed, the past ones at a moment when nine tenths of the facts held.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

from bench.repositories import machine
from graph.clock import DAY, Instant
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, FactBatch, Passage, Relation, Snapshot, ref
from graph.store import ChangeQuery, GraphStore, Limits, View
from graph.stores import open_store

LABELS = (PUBLIC, "ops", "fin", "eu", "us")
READER = frozenset({PUBLIC, "ops", "eu"})
START: Instant = 18_000 * DAY
BATCH = 5_000
DIMENSIONS = 384
EMBEDDER = "synthetic"
STRUCTURE = ("DEPENDS_ON", "CONTAINS")
_TYPES = [f"aws_type_{i}" for i in range(60)]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    blocks: int
    commits: int
    accounts: int
    structure: int
    changes: int
    passages: int
    vectors: int
    queries: int

    @classmethod
    def at(cls, scale: float, queries: int) -> Size:
        """The sizes at a scale."""
        full = (68_000, 30_000, 2_000, 400_000, 70_000, 100_000, 20_000)
        blocks, commits, accounts, structure, changes, passages, vectors = (max(20, int(scale * n)) for n in full)
        return cls(blocks, commits, accounts, structure, changes, passages, vectors, queries)


@dataclass(slots=True)
class Measured:
    """What one store did: (what, facts per second) and (what, p50 ms, p95 ms, mean items)."""

    name: str
    loads: dict[str, float] = field(default_factory=dict[str, float])
    reads: dict[str, tuple[float, float, float]] = field(default_factory=dict[str, tuple[float, float, float]])


class World:
    """The facts, made anew and equal each time they are asked for."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.blocks = [ref("Block", "bench", str(i)) for i in range(size.blocks)]
        self.commits = [ref("Commit", f"{i:040x}") for i in range(size.commits)]
        self.accounts = [ref("Account", "bench", str(i)) for i in range(size.accounts)]
        rng = random.Random(4)
        self.words = [f"word{i}" for i in range(8_000)]
        self.weights = [1 / (i + 8) for i in range(len(self.words))]
        self.texts = [self._text(rng, i) for i in range(size.passages)]

    def entities(self) -> Iterator[Assertion]:
        """Every block, commit and account once."""
        rng = random.Random(1)
        for i, one in enumerate(self.blocks):
            type_ = rng.choice(_TYPES)
            attributes = {f"a{k}": rng.randrange(100) for k in range(6)}
            properties = {"type": type_, "name": f"n{i}", "address": f"{type_}.n{i}", "path": f"m{i % 900}/main.tf"}
            yield self._said(rng, Entity(one, {**properties, "attributes": attributes}), self._moment(rng), i)
        for i, one in enumerate(self.commits):
            yield self._said(rng, Entity(one, {"title": f"Change {i}", "short": one.id[:7]}), START, i)
        for i, one in enumerate(self.accounts):
            yield self._said(rng, Entity(one, {"system": "git", "email": f"p{i}@example.org"}), START, i)

    def relations(self) -> Iterator[Assertion]:
        """The structure between blocks: near each other, some hubs; a tenth ended."""
        rng = random.Random(2)
        for i in range(self.size.structure):
            a = rng.randrange(self.size.blocks)
            b = (
                rng.randrange(max(1, self.size.blocks // 500))
                if i % 40 == 0
                else (a + rng.randrange(1, 400)) % self.size.blocks
            )
            fact = Relation(STRUCTURE[i % 5 == 0], self.blocks[a], self.blocks[b], {"via": [f"a{i % 6}"]})
            at = self._moment(rng)
            yield self._said(rng, fact, at, i, at + 200 * DAY if i % 10 == 0 else None)

    def changes(self) -> Iterator[Assertion]:
        """Who changed what, and by whom."""
        rng = random.Random(3)
        per_commit = max(1, self.size.changes // self.size.commits)
        for i, commit in enumerate(self.commits):
            at = START + 1_000 * DAY * i // self.size.commits
            yield self._said(rng, Relation("AUTHORED_BY", commit, rng.choice(self.accounts), {}), at, i)
            for target in rng.sample(self.blocks, min(per_commit, len(self.blocks))):
                before, after = ({"state": "value", "value": rng.randrange(100)} for _ in "ba")
                attributes = [{"path": f"a{rng.randrange(6)}", "before": before, "after": after}]
                fact = Relation("CHANGED", commit, target, {"effect": "updated", "attributes": attributes})
                yield self._said(rng, fact, at, i)

    def names(self) -> Iterator[Assertion]:
        """A name for every fourth block."""
        rng = random.Random(5)
        for i in range(0, self.size.blocks, 4):
            name = f"module.m{i % 900}.{rng.choice(_TYPES)}.n{i}"
            yield self._said(rng, Alias(self.blocks[i], "address", name), START, i)

    def passages(self) -> Iterator[Assertion]:
        """The texts, spread over the commits."""
        rng = random.Random(6)
        for i, text in enumerate(self.texts):
            owner = self.commits[i % len(self.commits)]
            yield self._said(rng, Passage(owner, f"s{i // len(self.commits)}", text), self._moment(rng), i)

    def later_versions(self) -> Iterator[Assertion]:
        """A newer version of every fifth block."""
        rng = random.Random(7)
        for i in range(0, self.size.blocks, 5):
            fact = Entity(self.blocks[i], {"type": _TYPES[i % 60], "name": f"n{i}", "attributes": {"a0": "new"}})
            yield self._said(rng, fact, START + 1_500 * DAY, i, label=None)

    def late(self) -> Iterator[Assertion]:
        """Facts about known relations from before what is known."""
        for one in islice(self.relations(), 0, None, 5):
            yield Assertion(one.fact, START - DAY, START - DAY, one.locator, label=one.label)

    def vectors(self) -> Iterator[tuple[str, list[float]]]:
        """Random unit vectors for the first texts."""
        import numpy as np

        matrix = np.random.default_rng(8).normal(size=(self.size.vectors, DIMENSIONS))
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        for text, vector in zip(self.texts, matrix.tolist(), strict=False):
            yield Passage(self.commits[0], "", text).content_hash, vector

    def _text(self, rng: random.Random, i: int) -> str:
        words = " ".join(rng.choices(self.words, self.weights, k=rng.randrange(6, 40)))
        return f"{words} {_TYPES[i % 60]}.n{rng.randrange(self.size.blocks)}"

    def _moment(self, rng: random.Random) -> Instant:
        return START + rng.randrange(1_000) * DAY

    def _said(
        self,
        rng: random.Random,
        fact: Entity | Relation | Alias | Passage,
        at: Instant,
        line: int,
        until: Instant | None = None,
        label: str | None = "",
    ) -> Assertion:
        chosen = rng.choice(LABELS[1:]) if label == "" and rng.random() < 0.2 else PUBLIC
        return Assertion(fact, at, at, f"bench/repository@{line:040x}:main.tf#L{line}", until, label=chosen)


def measure(name: str, store: GraphStore, world: World) -> Measured:
    """Load the world and ask it."""
    measured = Measured(name)
    ids = count()

    def load(what: str, facts: Callable[[], Iterator[Assertion]]) -> None:
        all_of_it = list(facts())
        started = time.perf_counter()
        for start in range(0, len(all_of_it), BATCH):
            part = all_of_it[start : start + BATCH]
            store.apply(FactBatch(f"{what}-{next(ids)}", "git", "bench/repository", "bench/1", part))
        measured.loads[what] = len(all_of_it) / (time.perf_counter() - started)

    for what, facts in (
        ("entities", world.entities),
        ("relations", world.relations),
        ("changes", world.changes),
        ("names", world.names),
        ("passages", world.passages),
        ("later versions", world.later_versions),
        ("late facts", world.late),
        ("known facts again", lambda: islice(world.relations(), 50_000)),
    ):
        load(what, facts)
    _load_snapshots(measured, store, world)
    started = time.perf_counter()
    store.put_vectors(EMBEDDER, world.vectors())
    measured.loads["vectors"] = world.size.vectors / (time.perf_counter() - started)
    _ask(measured, store, world)
    return measured


def _load_snapshots(measured: Measured, store: GraphStore, world: World) -> None:
    """A complete snapshot of 30k keys, then the same again with a hundredth gone."""
    keys = [EntityRef(f"Resource:{i}") for i in range(min(30_000, world.size.blocks))]
    for generation, gone in ((1, 0), (2, 100)):
        at = START + generation * DAY
        kept = [one for i, one in enumerate(keys) if not gone or i % gone]
        facts = [Assertion(Entity(one, {"name": one}), at, at, "state") for one in kept]
        started = time.perf_counter()
        store.apply(
            FactBatch(f"snapshot-{generation}", "state", "s", "bench/1", facts, snapshot=Snapshot(at, generation))
        )
        what = "first snapshot, 30k keys" if generation == 1 else "next snapshot, 30k keys"
        measured.loads[what] = len(kept) / (time.perf_counter() - started)


def _ask(measured: Measured, store: GraphStore, world: World) -> None:
    rng = random.Random(9)
    limits = Limits(rows=10_000, deadline_s=60.0)
    ten = Limits(rows=10, deadline_s=60.0)
    now, past = View(audience=READER), View(START + 900 * DAY, audience=READER)
    vector = [rng.gauss(0, 1) for _ in range(DIMENSIONS)]

    def any_block() -> EntityRef:
        return rng.choice(world.blocks)

    def hops(n: int) -> int:
        return len(store.subgraph([any_block()], n, past, limits, types=STRUCTURE).distance)

    def text(words: int) -> int:
        return len(store.search_text(" ".join(rng.choices(world.words, world.weights, k=words)), now, ten).items)

    def window() -> ChangeQuery:
        since = START + rng.randrange(1_000) * DAY
        return ChangeQuery(since=since, until=since + 7 * DAY)

    size = world.size
    questions: list[tuple[str, Callable[[], int]]] = [
        ("entity, now", lambda: int(store.entity(any_block(), now) is not None)),
        ("entity, past", lambda: int(store.entity(any_block(), past) is not None)),
        ("1 hop, past", lambda: hops(1)),
        ("2 hops, past", lambda: hops(2)),
        ("3 hops, past", lambda: hops(3)),
        ("changes, 20 targets", lambda: len(store.changes(ChangeQuery(rng.sample(world.blocks, 20)), now, limits).items)),
        ("changes, newest 10 in a week", lambda: len(store.changes(window(), now, ten).items)),
        ("changes by a person, newest 10", lambda: len(store.changes(ChangeQuery(by=[rng.choice(world.accounts)]), now, ten).items)),
        ("select by address", lambda: len(store.select("Block", {"name": [f"n{rng.randrange(size.blocks)}"]}, now, ten).items)),
        ("name by two words", lambda: len(store.search_names((f"n{4 * rng.randrange(size.blocks // 4)}", "module"), now, ten).items)),
        ("text, 4 common words", lambda: text(4)),
        ("text, an identifier", lambda: len(store.search_text(f"{rng.choice(_TYPES)}.n{rng.randrange(size.blocks)}", now, ten).items)),
        ("vector, nearest 10", lambda: len(store.search_vector(EMBEDDER, [v + rng.random() for v in vector], now, ten).items)),
    ]  # fmt: skip
    for what, question in questions:
        question()
        times: list[float] = []
        items: list[int] = []
        for _ in range(size.queries):
            started = time.perf_counter()
            items.append(question())
            times.append((time.perf_counter() - started) * 1_000)
        times.sort()
        p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
        measured.reads[what] = (statistics.median(times), p95, statistics.mean(items))


def table(measured: Sequence[Measured]) -> Iterator[str]:
    """The figures as Markdown."""
    names = [one.name for one in measured]
    yield f"| facts/s | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for what in measured[0].loads:
        yield f"| {what} | {' | '.join(f'{one.loads[what]:,.0f}' for one in measured)} |"
    yield ""
    yield f"| read, p50 / p95 ms | {' | '.join(names)} | items |"
    yield f"|---|{'---|' * len(names)}---|"
    for what, (_, _, items) in measured[0].reads.items():
        cells = (f"{p50:.2f} / {p95:.2f}" for p50, p95, _ in (one.reads[what] for one in measured))
        yield f"| {what} | {' | '.join(cells)} | {items:,.0f} |"


def main() -> None:
    """Run, print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--queries", type=int, default=100, help="how often each read is made")
    parser.add_argument("--neo4j", metavar="URI", help="an empty Neo4j to measure too")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--database")
    options = parser.parse_args()
    world = World(Size.at(options.scale, options.queries))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.db"
        with open_store(f"sqlite:///{file}") as store:
            measured = [measure("SQLite", store, world)]
            size_mb = sum(part.stat().st_size for part in Path(folder).iterdir()) / 1e6
    if options.neo4j:
        with open_store(
            options.neo4j, user=options.user, password=options.password, database=options.database
        ) as store:
            measured.append(measure("Neo4j", store, world))
    size = world.size
    print(
        f"{size.blocks + size.commits + size.accounts:,} entities, {size.structure + size.changes + size.commits:,} relations, "
        f"{size.passages:,} passages, {size.vectors:,} vectors; SQLite file {size_mb:,.0f} MB; {machine()}\n"
    )
    print("\n".join(table(measured)))


if __name__ == "__main__":
    main()
