"""How well causes are found in generated organisations.

`python -m bench.outages SEED DIRECTORY` writes one world: everything that its systems would export, `lore.yaml`, and `outages.json` with the labels.
`python -m bench.outages --seeds 0-99 [--jobs 2]` writes, ingests and investigates many, each outage as of its detection, and prints for each kind of
cause how often the first (the first three) named were right, beside simple baselines; how often it abstained where nothing could be found, and where
something could; steps, seconds and calibration; and what memory of earlier outages did. Intervals are 95%, by a bootstrap over worlds.

Rates of right answers are over outages whose cause is in the data. "right" counts the first cause whatever the verdict; "found" only with the verdict
`cause_found`. Seeds 0-99 are for development, 100-399 for what is reported.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol, cast

from msgspec.structs import replace as with_settings

from bench.world.outage_baselines import ranks
from bench.world.outage_judge import FOUND, Json, Judge, Outcome
from bench.world.outages import OutageWorld, write_outages
from bench.world.seeds import read_seeds

if TYPE_CHECKING:
    from graph.store import GraphStore
    from ingest.aws_client import Aws

BOOTSTRAPS = 1000
BASELINES = ("newest in prod", "newest on the service", "BM25")
KINDS = ("config", "deploy", "manual", "expiry", "quota", "external")


class Investigated(Protocol):
    """What an investigation gives."""

    def to_json(self) -> str | bytes:
        """`lore.investigation/1`."""
        ...


class Investigate(Protocol):
    """The engine: what caused this symptom, as of `at`?"""

    def __call__(self, store: GraphStore, symptom: str, *, at: int, audience: frozenset[str]) -> Investigated:
        """Investigate."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a world. `without`: its repeated and misleading outages, investigated before any post-mortem was read."""

    outcomes: list[Outcome]
    without: list[Outcome]
    troubles: list[str]
    written_s: float
    ingested_s: float


def run_world(seed: int, directory: Path, investigate: Investigate | None = None, *, memory: bool = True) -> Result:
    """Write, ingest and investigate a world."""
    from api.settings import load
    from api.wiring import Engine

    began = time.perf_counter()
    world = write_outages(seed, directory)
    written = time.perf_counter()
    if investigate is None:
        from agent.investigate import investigate as engine_investigate  # pyright: ignore

        investigate = cast("Investigate", engine_investigate)
    settings = with_settings(load(directory / "lore.yaml"), store=f"sqlite:///{directory.resolve()}/lore.db", embedder="none")  # fmt: skip
    with Engine(settings) as engine:
        sources, reports = engine.usable_sources()
        past = [s for s in sources if s.name == "documents"]
        reports = [*reports, *engine.ingest(s for s in sources if s.name != "documents")]
        apply_quotas(engine.store, directory / "quotas.json", world.ran.tale.start)
        paused = time.perf_counter()
        told = [label for label in world.labels if label["repeat_of"] or label["wrong_memory_of"]] if memory else []
        without = list(_investigated(world, told, engine.store, settings.audience, investigate))
        resumed = time.perf_counter()
        if memory:
            reports += engine.ingest(past)
        ingested = time.perf_counter() - resumed + paused - written
        outcomes = list(_investigated(world, world.labels, engine.store, settings.audience, investigate))
    troubles = [f"seed {seed} {report.source}: {report.error}" for report in reports if report.error]
    return Result(outcomes, without, troubles, written - began, ingested)


def _investigated(
    world: OutageWorld, labels: Sequence[Json], store: GraphStore, audience: frozenset[str], investigate: Investigate
) -> Iterator[Outcome]:
    from graph.clock import instant

    judge = Judge(store, audience)
    outages = {o.id: o for o in world.ran.tale.outages}
    for label in labels:
        began = time.perf_counter()
        at = instant(str(label["detected_at"]))
        found = cast("Json", json.loads(investigate(store, str(label["symptom"]), at=at, audience=audience).to_json()))
        seconds = time.perf_counter() - began
        causes = cast("list[Json]", found.get("causes") or [])
        first: Json = causes[0] if causes else dict[str, object]()
        yield Outcome(
            seed=world.seed, id=str(label["id"]), kind=str(label["kind"]), symptom=str(label["symptom"]), observable=bool(label["observable"]),
            rank=judge.rank(label, found), verdict=str(found.get("verdict")), probability=_number(first.get("probability")),
            confidence=_number(found.get("confidence")), steps=int(_number(cast("Json", found.get("tree") or dict[str, object]()).get("steps"))), seconds=seconds,
            repeat=bool(label["repeat_of"]), wrong_memory=bool(label["wrong_memory_of"]), distracted_by=judge.distractor(label, first),
            baselines=ranks(world.ran, outages[str(label["id"])], world.missing), shown=_shown(label, causes, found, world.missing),
        )  # fmt: skip


def apply_quotas(store: GraphStore, path: Path, since: datetime) -> None:
    """Put the recorded answers of Service Quotas into the graph, as the aws source states live ones."""
    from graph.clock import from_datetime
    from graph.model import Assertion, FactBatch
    from ingest.sources.aws.quotas import quota_facts
    from ingest.sources.aws.table import Place

    told = cast("Mapping[str, str]", json.loads(path.read_text()))
    answers = cast("Mapping[str, Json]", told["answers"])
    recorded = cast("Aws", _Recorded(answers))
    place, at = Place(told["account_id"], told["region"]), from_datetime(since)
    rows = [Assertion(f, at, at, where) for service in answers for where, f in quota_facts(recorded, service, place)]
    store.apply(FactBatch("recorded quotas", "aws", told["account_id"], "quotas/1", rows))


@dataclass(frozen=True, slots=True)
class _Recorded:
    """AWS as far as it was recorded: quotas."""

    answers: Mapping[str, Json]

    def pages(self, service: str, operation: str, region: str = "", **parameters: object) -> Iterator[Json]:
        """The recorded page of a service's quotas."""
        del service, operation, region
        yield self.answers[str(parameters["ServiceCode"])]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _shown(label: Json, causes: Sequence[Json], found: Json, missing: frozenset[str]) -> str:
    lines = [
        f"{label['id']} {label['kind']}/{label['mechanism']} {label['symptom_class']} hops {label['hops']} lag {label['lag_s']} s, without {', '.join(sorted(missing)) or 'nothing'}",
        f"  {label['symptom']} (at {label['detected_at']})",
        f"  true: {json.dumps(label['cause'])[:500]}",
        f"  path: {label['path']} {found.get('verdict')} {found.get('confidence')} unnamed {found.get('unnamed')}",
    ]  # fmt: skip
    for cause in causes[:3]:
        change, mechanism = json.dumps(cause.get("change")), str(cause.get("mechanism"))[:140]
        lines += [
            f"  - {_number(cause.get('probability')):.2f} {cause.get('kind')} {change} {cause.get('target')}: {mechanism}"
        ]
    return "\n".join(lines)


# figures


def interval(by_seed: Mapping[int, Sequence[float]]) -> tuple[float, float, float]:
    """Mean over all, and the 95% interval by drawing whole worlds."""
    seeds = sorted(by_seed)
    everything = [v for seed in seeds for v in by_seed[seed]]
    if not everything:
        return 0.0, 0.0, 0.0
    random, means = Random("bootstrap"), list[float]()
    sums = {seed: (sum(by_seed[seed]), len(by_seed[seed])) for seed in seeds}
    for _ in range(BOOTSTRAPS):
        drawn = [sums[random.choice(seeds)] for _ in seeds]
        count = sum(n for _, n in drawn)
        means.append(sum(s for s, _ in drawn) / count if count else 0.0)
    means.sort()
    return sum(everything) / len(everything), means[int(0.025 * BOOTSTRAPS)], means[int(0.975 * BOOTSTRAPS) - 1]


def _figure(outcomes: Sequence[Outcome], value: Callable[[Outcome], float]) -> str:
    if not outcomes:
        return f"{'-':>21}"
    by_seed: dict[int, list[float]] = defaultdict(list)
    for outcome in outcomes:
        by_seed[outcome.seed].append(value(outcome))
    return "{:7.3f} ({:.2f}-{:.2f})".format(*interval(by_seed)).rjust(21)


def _at_most(rank: int, most: int) -> float:
    return float(1 <= rank <= most)


def _baseline(outcome: Outcome, name: str) -> int:
    return (outcome.baselines or {}).get(name, 0)


def calibration_error(outcomes: Sequence[Outcome], bins: int = 10) -> float:
    """Expected calibration error of the first cause's probability, over bins of equal width."""
    groups: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[min(int(outcome.probability * bins), bins - 1)].append(outcome)
    gaps = (abs(sum(o.probability for o in g) - sum(o.rank == 1 for o in g)) for g in groups.values())
    return sum(gaps) / len(outcomes) if outcomes else 0.0


def summary(outcomes: Sequence[Outcome], without: Sequence[Outcome] = ()) -> str:
    """The tables."""
    visible = [o for o in outcomes if o.observable]
    changes = [o for o in visible if o.kind in ("config", "deploy", "manual")]
    columns = ("right", "found", "top-3", "MRR", "abstained")
    lines = ["cause in the data" + " " * 7 + f"{'asked':>7}" + "".join(f"{c:>21}" for c in columns)]
    for name, rows in [*((k, [o for o in visible if o.kind == k]) for k in KINDS[:-1]), ("all", visible)]:
        figures = (
            _figure(rows, lambda o: _at_most(o.rank, 1)), _figure(rows, lambda o: float(o.rank == 1 and not o.abstained)), _figure(rows, lambda o: _at_most(o.rank, 3)),
            _figure(rows, lambda o: 1 / o.rank if o.rank else 0.0), _figure(rows, lambda o: float(o.abstained)),
        )  # fmt: skip
        lines.append(f"{name:<24}{len(rows):>7}{''.join(figures)}")
    lines += ["", f"baselines on the {len(changes)} that a change caused" + " " * 2 + "".join(f"{c:>21}" for c in ("top-1", "top-3", "MRR"))]  # fmt: skip
    for name in ("this", *BASELINES):

        def rank(o: Outcome, name: str = name) -> int:
            return o.rank if name == "this" else _baseline(o, name)

        lines.append(f"{name:<42}" + _figure(changes, lambda o: _at_most(rank(o), 1)) + _figure(changes, lambda o: _at_most(rank(o), 3)) + _figure(changes, lambda o: 1 / rank(o) if rank(o) else 0.0))  # fmt: skip
    lines += ["", f"{'nothing to be found':<24}{'asked':>7}{'abstained':>21}"]
    hidden = [o for o in outcomes if not o.observable and o.kind != "external"]
    for name, rows in (("external", [o for o in outcomes if o.kind == "external"]), ("cause in no source", hidden)):
        lines.append(f"{name:<24}{len(rows):>7}{_figure(rows, lambda o: float(o.abstained))}")
    wrong = [o for o in outcomes if o.verdict == FOUND and o.rank != 1]
    blamed: dict[str, int] = defaultdict(int)
    for outcome in wrong:
        blamed[outcome.distracted_by or "something else"] += 1
    said = ", ".join(f"{how} {n}" for how, n in sorted(blamed.items(), key=lambda b: (-b[1], b[0]))) or "nothing"
    lines += ["", f"wrongly blamed: {said}"]
    lines.append(f"steps {_figure(outcomes, lambda o: float(o.steps)).strip()}, at most {max((o.steps for o in outcomes), default=0)}; seconds {_figure(outcomes, lambda o: o.seconds).strip()}, at most {max((o.seconds for o in outcomes), default=0.0):.2f}")  # fmt: skip
    by_seed: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_seed[outcome.seed].append(outcome)
    lines.append(f"expected calibration error {calibration_error(outcomes):.3f} ({_spread(by_seed)})")
    return "\n".join([*lines, *_memory(outcomes, without)])


def _spread(by_seed: Mapping[int, Sequence[Outcome]]) -> str:
    random, seeds, found = Random("calibration"), sorted(by_seed), list[float]()
    for _ in range(200 if seeds else 0):
        found.append(calibration_error([o for _ in seeds for o in by_seed[random.choice(seeds)]]))
    found.sort()
    return f"{found[5]:.3f}-{found[194]:.3f}" if found else "-"


def _memory(outcomes: Sequence[Outcome], without: Sequence[Outcome]) -> list[str]:
    if not without:
        return []
    after = {(o.seed, o.id): o for o in outcomes}
    lines = ["", f"{'memory':<24}{'asked':>7}{'right without':>21}{'right with':>21}{'steps without':>24}{'steps with':>24}{'worse by > 1 rank':>20}"]  # fmt: skip
    for name, before in (("the same again", [o for o in without if o.repeat]), ("alike, another cause", [o for o in without if o.wrong_memory])):  # fmt: skip
        later = [after[o.seed, o.id] for o in before]
        seen = [(a, b) for a, b in zip(before, later, strict=True) if a.observable]
        worse = sum((b.rank or 11) - (a.rank or 11) > 1 for a, b in seen)
        one, two = [a for a, _ in seen], [b for _, b in seen]
        lines.append(
            f"{name:<24}{len(before):>7}{_figure(one, lambda o: _at_most(o.rank, 1))}{_figure(two, lambda o: _at_most(o.rank, 1))}"
            f"{_figure(before, lambda o: float(o.steps)):>24}{_figure(later, lambda o: float(o.steps)):>24}{worse:>20}"
        )
        quiet = [(a, b) for a, b in zip(before, later, strict=True) if a.kind == "external"]
        if quiet:
            lines.append(f"  of these external {len(quiet)}: abstained {sum(a.abstained for a, _ in quiet)} without, {sum(b.abstained for _, b in quiet)} with")  # fmt: skip
    return lines


# the command line


def _one(seed: int, memory: bool) -> Result:
    with tempfile.TemporaryDirectory(prefix="outages-") as directory:
        return run_world(seed, Path(directory), memory=memory)


def _results(seeds: Sequence[int], memory: bool, jobs: int) -> Iterator[Result]:
    if jobs < 2:
        yield from (_one(seed, memory) for seed in seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_one, seeds, [memory] * len(seeds))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int, nargs="?", help="write this seed's world")
    parser.add_argument("directory", type=Path, nargs="?")
    parser.add_argument("--seeds", type=read_seeds, help="as 0-99 or 3,5,8-11")
    parser.add_argument("--jobs", type=int, default=1, help="worlds at once")
    parser.add_argument("--without-memory", action="store_true", help="never read a post-mortem")
    parser.add_argument("--show-failures", type=int, default=0, metavar="N")
    parser.add_argument("--kind", choices=KINDS, help="show failures of this kind only")
    parser.add_argument("--dump", type=Path, help="write each outcome to this file, as JSON lines")
    options = parser.parse_args()
    if not options.seeds:
        if options.seed is None or options.directory is None:
            parser.error("give SEED and DIRECTORY, or --seeds")
        world = write_outages(options.seed, options.directory)
        print(f"{len(world.labels)} outages, {len(world.ran.tale.changes)} pull requests, {len(world.ran.deploys)} deploys and applies; without {', '.join(sorted(world.missing)) or 'nothing'}")  # fmt: skip
        return
    outcomes: list[Outcome] = []
    without: list[Outcome] = []
    written, ingested, started = 0.0, 0.0, time.monotonic()
    for done, result in enumerate(_results(options.seeds, not options.without_memory, options.jobs), 1):
        outcomes += result.outcomes
        without += result.without
        written, ingested = written + result.written_s, ingested + result.ingested_s
        for trouble in result.troubles:
            print(trouble, file=sys.stderr)
        if done % 10 == 0 or done == len(options.seeds):
            right = sum(o.rank == 1 for o in outcomes if o.observable)
            print(f"{done}/{len(options.seeds)} worlds, {right}/{sum(o.observable for o in outcomes)} right, {time.monotonic() - started:.0f} s", file=sys.stderr)  # fmt: skip
    failed = [o for o in outcomes if (o.rank != 1 or o.abstained if o.observable else not o.abstained)]
    for outcome in [o for o in failed if options.kind in (None, o.kind)][: options.show_failures]:
        print(f"seed {outcome.seed} {outcome.shown}\n")
    if options.dump:
        options.dump.write_text("".join(json.dumps(asdict(o)) + "\n" for o in outcomes), encoding="utf-8")
    print(summary(outcomes, without))
    count = len(options.seeds)
    print(f"a world is written in {written / count:.1f} s and ingested in {ingested / count:.1f} s")


if __name__ == "__main__":
    main()
