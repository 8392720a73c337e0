"""How long an investigation takes on a large graph: `python -m bench.investigate [--store URL] [--repeats N]`.

100,000 entities (services, instances, blocks, files), their dependencies, two years of commits and deployments, and 300 changes in the seven days before
each symptom. Nothing is asked of a language model or of a network. Prints p50 and p95 of the
time taken, by the clock and of the processor (which other work on the machine touches less), the cost of a cold first one, and the steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from agent.investigate import Options, investigate
from api.cli_base import fewer_collections_for_good
from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Relation, ref
from graph.store import GraphStore
from graph.stores import open_store

NOW = instant("2026-03-04T14:05:00")
SERVICES = 400
INSTANCES = 60_000
BLOCKS = 25_000
FILES = 12_000
OLD_COMMITS = 8_000
NEW_COMMITS = 160
NEW_EVENTS = 60
DEPLOYMENTS = 4_000
REPOSITORY = "acme/services"
CODE = "acme/infra"
_SYMPTOMS = (
    "{s} returns 502 since 14:02",
    "p95 latency of {s} tripled",
    "{s}: connection refused to its database",
    "pods of {s} are OOMKilled",
    "{s} gets AccessDenied from S3",
    "timeouts from {s} in prod",
)
_WORDS = [
    "raise",
    "lower",
    "timeout",
    "pool",
    "retry",
    "limit",
    "cache",
    "replicas",
    "memory",
    "image",
    "health",
    "path",
    "rule",
    "group",
    "policy",
    "bucket",
    "queue",
    "index",
    "listener",
    "weight",
]


def fill(store: GraphStore, seed: int = 1) -> list[str]:
    """Write the graph; the names of its services."""
    random = Random(seed)
    names = [f"{a}-{b}" for a in _FIRST for b in _SECOND][:SERVICES]
    batches: dict[str, list[Assertion]] = {REPOSITORY: [], CODE: []}
    number = 0

    def flush() -> None:
        nonlocal number
        for scope, batch in batches.items():
            number += 1
            store.apply(FactBatch(f"bench-{number}", "bench", scope, "bench/1", tuple(batch), fresh_until=NOW))
            batch.clear()

    for fact, at in _facts(random, names):
        scope = (
            CODE if isinstance(fact, Relation) and fact.type == "CHANGED" and fact.dst.kind == "Block" else REPOSITORY
        )
        batches[scope].append(Assertion(fact, at, at, f"{scope}:bench"))
        if len(batches[REPOSITORY]) >= 20_000:
            flush()
    flush()
    return names


_FIRST = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "iris",
    "juniper",
    "kestrel",
    "larch",
    "maple",
    "nectar",
    "opal",
    "pine",
    "quartz",
    "raven",
    "sable",
    "tulip",
]
_SECOND = [
    "api",
    "worker",
    "gateway",
    "store",
    "ledger",
    "mailer",
    "search",
    "feed",
    "auth",
    "cart",
    "billing",
    "catalog",
    "stock",
    "router",
    "profile",
    "session",
    "report",
    "image",
    "export",
    "sync",
]
_START = NOW - 730 * DAY


def _facts(random: Random, names: list[str]) -> Iterator[tuple[Fact, Instant]]:
    services = [ref("Service", "service", n) for n in names]
    prod = ref("Environment", "prod")
    yield Entity(prod, {"name": "prod"}), _START
    for one, name in zip(services, names, strict=True):
        yield Entity(one, {"name": name}), _START
        yield Alias(one, "name", name), _START
        for other in random.sample(services, 3):
            if other != one:
                yield Relation("DEPENDS_ON", one, other, {}), _START
    instances: list[EntityRef] = []
    for i in range(INSTANCES):
        owner = i % len(names)
        sort = random.choice(
            ("aws_lb_target_group", "aws_security_group", "aws_db_instance", "aws_sqs_queue", "aws_iam_role")
        )
        this = ref("Resource", "bench", str(i))
        address = f"{sort}.{names[owner].replace('-', '_')}_{i}"
        yield Entity(this, {"type": sort, "address": address, "name": address, "environment": "prod"}), _START
        yield Alias(this, "address", address), _START
        if i % 4 == 0:
            yield Relation("RUNS_ON", services[owner], this, {"rule": "tag"}), _START
        if instances:
            yield Relation("DEPENDS_ON", this, random.choice(instances[-400:]), {"via": "id"}), _START
        instances.append(this)
    blocks: list[EntityRef] = []
    for i in range(BLOCKS):
        this = ref("Block", REPOSITORY, str(i))
        path = f"terraform/{names[i % len(names)]}/main_{i % 7}.tf"
        yield (
            Entity(
                this,
                {
                    "repository": REPOSITORY,
                    "path": path,
                    "block_type": "resource",
                    "type": "aws_sqs_queue",
                    "name": f"b{i}",
                    "address": f"aws_sqs_queue.b{i}",
                },
            ),
            _START,
        )
        yield Relation("DECLARES", this, instances[i], {}), _START
        blocks.append(this)
    files = [ref("File", REPOSITORY, str(i)) for i in range(FILES)]
    for i, this in enumerate(files):
        yield Entity(this, {"repository": REPOSITORY, "path": _path(names, i)}), _START
    yield from _commits(random, names, blocks, files)
    yield from _deployments(random, names, services)
    yield from _events(random, instances)


def _path(names: list[str], i: int) -> str:
    return f"services/{names[i % len(names)]}/config_{i // len(names)}.yaml"


def _commits(
    random: Random, names: list[str], blocks: list[EntityRef], files: list[EntityRef]
) -> Iterator[tuple[Fact, Instant]]:
    total = OLD_COMMITS + NEW_COMMITS
    for i in range(total):
        new = i >= OLD_COMMITS
        at = NOW - random.randint(300, 7 * 86_400) * SECOND if new else _START + i * 722 * DAY // OLD_COMMITS
        this = EntityRef(f"Commit:{i:040x}")
        j = random.randrange(len(files))
        title = f"{random.choice(_WORDS).title()} {random.choice(_WORDS)} of {names[j % len(names)]}"
        yield (
            Entity(
                this,
                {
                    "repository": REPOSITORY,
                    "title": title,
                    "short": f"{i:07x}",
                    "position": i,
                    "mainline": f"{i:040x}",
                    "merged_at": rfc3339(at),
                    "authored_at": rfc3339(at),
                },
            ),
            at,
        )
        yield (
            Passage(
                this,
                "message",
                f"{title}\n\nBecause the {random.choice(_WORDS)} was too {random.choice(('high', 'low'))}.",
            ),
            at,
        )
        yield (
            Relation(
                "CHANGED",
                this,
                files[j],
                {
                    "effect": "updated",
                    "path": _path(names, j),
                    "added": f"{random.choice(_WORDS)}: {random.randint(1, 99)}",
                    "removed": f"{random.choice(_WORDS)}: {random.randint(1, 99)}",
                },
            ),
            at,
        )
        if i % 2:
            block = random.choice(blocks)
            this = EntityRef(f"Commit:{i + (1 << 40):040x}")
            yield (
                Entity(
                    this,
                    {
                        "repository": CODE,
                        "title": title,
                        "short": f"{i:07x}",
                        "position": i,
                        "mainline": this.id,
                        "merged_at": rfc3339(at),
                        "authored_at": rfc3339(at),
                    },
                ),
                at,
            )
            change = {
                "path": random.choice(_WORDS),
                "before": {"state": "value", "value": 1},
                "after": {"state": "value", "value": 2},
            }
            yield (
                Relation(
                    "CHANGED", this, block, {"effect": "updated", "path": "terraform/x.tf", "attributes": [change]}
                ),
                at,
            )


def _deployments(random: Random, names: list[str], services: list[EntityRef]) -> Iterator[tuple[Fact, Instant]]:
    for i in range(DEPLOYMENTS):
        at = _START + (i + 1) * 730 * DAY // (DEPLOYMENTS + 1)
        this = ref("Deployment", "bench", str(i))
        s = random.randrange(len(names))
        commit = min(OLD_COMMITS + NEW_COMMITS - 1, i * (OLD_COMMITS + NEW_COMMITS) // DEPLOYMENTS)
        yield (
            Entity(
                this,
                {
                    "service": names[s],
                    "environment": "prod",
                    "version": f"1.{i}",
                    "commit": f"{commit:040x}",
                    "repository": REPOSITORY,
                    "action": "deploy",
                    "outcome": "succeeded",
                    "started_at": rfc3339(at - 60 * SECOND),
                    "finished_at": rfc3339(at),
                    "deployment_id": f"d{i}",
                    "title": f"{names[s]} 1.{i} to prod",
                },
            ),
            at,
        )
        yield Relation("CHANGED", this, services[s], {"effect": "updated"}), at


def _events(random: Random, instances: list[EntityRef]) -> Iterator[tuple[Fact, Instant]]:
    for i in range(NEW_EVENTS):
        at = NOW - random.randint(300, 7 * 86_400) * SECOND
        this = ref("AuditEvent", "bench", str(i))
        yield (
            Entity(
                this,
                {
                    "action": "ec2:AuthorizeSecurityGroupIngress",
                    "event_id": f"e{i}",
                    "title": "AuthorizeSecurityGroupIngress",
                    "via": "console",
                },
            ),
            at,
        )
        yield Relation("CHANGED", this, random.choice(instances), {"effect": "updated"}), at


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--store", help="a store's URL, empty or filled by this before; default: a SQLite file that is thrown away"
    )
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--profile", action="store_true", help="profile the repeats and print where the time goes")
    options = parser.parse_args()
    fewer_collections_for_good()
    with (
        tempfile.TemporaryDirectory() as directory,
        open_store(options.store or f"sqlite:///{Path(directory) / 'bench.db'}") as store,
    ):
        names = [f"{a}-{b}" for a in _FIRST for b in _SECOND][:SERVICES]
        if store.record() == 0:
            started = time.perf_counter()
            names = fill(store)
            print(
                f"filled in {time.perf_counter() - started:.0f} s: {sum(store.status(0).entities.values()):,} entities"
            )
        measure(store, names, options.repeats, profile=options.profile)


def measure(store: GraphStore, names: list[str], repeats: int, *, profile: bool) -> None:
    """Investigate different symptoms at different moments and print how long each took."""
    random = Random(7)
    took: list[float] = []
    used: list[float] = []
    steps: list[int] = []
    profiler = None
    for i in range(repeats + 1):
        symptom = random.choice(_SYMPTOMS).format(s=random.choice(names))
        at = NOW - random.randint(0, 3_600) * SECOND
        if profile and i == 1:
            import cProfile

            profiler = cProfile.Profile()
            profiler.enable()
        started, working = time.perf_counter(), time.process_time()
        found = investigate(store, symptom, at=at, options=Options(seconds=None))
        took.append(time.perf_counter() - started)
        used.append(time.process_time() - working)
        steps.append(found.tree.steps)
    if profiler is not None:
        import pstats

        profiler.disable()
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    for what, some in (("", took), (" of processor time", used)):
        warm = sorted(some[1:]) or some
        print(
            f"first {some[0]:.2f} s{what}; then p50 {warm[len(warm) // 2]:.2f} s, p95 {warm[int(len(warm) * 0.95)]:.2f} s, slowest {warm[-1]:.2f} s"
        )
    print(f"steps p50 {sorted(steps)[len(steps) // 2]}, most {max(steps)}")


if __name__ == "__main__":
    main()
