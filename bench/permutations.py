"""Webhooks in any order, twice and late, must give the same graph: `python -m bench.permutations --seeds 0-9 --each 100`.

For each seed deliveries of an organisation (`bench.world_deliveries`), all or `--most` of them in runs of neighbours, which tell of the
same things, are applied once in order and one at a time. Then, again and
again, all of them and half of them a second time are shuffled, cut into chunks of random size as the inbox is worked off
(`api.deliveries.together`), and the current graph is compared: every fact with its world times, content, label, locator and time of
observation. What depends on arrival by its nature is left out: superseded rows, record numbers, ledgers of batches and of purges. A permutation that
differs is reduced to few deliveries that still differ, which are printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from api.deliveries import together
from api.signatures import SENDERS
from bench.repositories import machine
from bench.world_deliveries import Hook, counts, hooks_of, settings_of
from bench.worlds import write_world
from graph.clock import Instant, instant
from graph.errors import BatchRefused
from graph.model import FactBatch
from graph.stores import open_store
from ingest.redact import redact_batch
from ingest.registry import webhook_reader
from ingest.sync import erase

NOW: Instant = instant("2026-06-01T00:00:00Z")
KEY = b"0123456789abcdef"
Read = tuple[Hook, Sequence[FactBatch]]
"""A delivery and what its reader made of it: that depends on the delivery alone, so it is read once."""


def read_all(hooks: Sequence[Hook], settings: dict[str, dict[str, object]]) -> list[Read]:
    """The deliveries with their batches, without secrets; those that say nothing are left out."""
    found: list[Read] = []
    for hook in hooks:
        reader = webhook_reader(SENDERS[hook.sender].source)
        assert reader is not None
        batches = [redact_batch(b, KEY) for b in reader(hook.delivery, settings.get(hook.sender, {}))]
        if batches:
            found.append((hook, batches))
    return found


def graph_after(chunks: Sequence[Sequence[Read]]) -> list[str]:
    """The current facts of a store that took these chunks, one after the other; a refused batch is told after them."""
    refused: list[str] = []
    with open_store("sqlite://:memory:") as store:
        for chunk in chunks:
            for batch in together([batch for _, batches in chunk for batch in batches]):
                if batch.erased:
                    erase(store, batch)
                try:
                    store.apply(batch)
                except BatchRefused as error:
                    refused.append(str(error))
        return [*current(list(store.dump())), *refused]


def current(dump: Sequence[str]) -> list[str]:
    """The facts of a dump that hold on the record clock, without when they were recorded."""
    found: list[str] = []
    for line in dump:
        fields = json.loads(line)
        if fields["line"] == "fact" and fields["known_to"] is None:
            found.append(json.dumps({k: v for k, v in fields.items() if k not in ("known_from", "known_to")}))
    return sorted(found)


def some(reads: Sequence[Read], most: int, random: Random, run: int = 25) -> list[Read]:
    """About so many deliveries in their order, in runs of neighbours; all for 0."""
    starts = range(0, len(reads), run)
    if not most or len(reads) <= most:
        return list(reads)
    return [read for start in sorted(random.sample(starts, max(1, most // run))) for read in reads[start : start + run]]


def shuffled(reads: Sequence[Read], random: Random) -> list[list[Read]]:
    """All of them in a random order, every second one twice, in chunks of a random size."""
    order = [*reads, *random.sample(list(reads), len(reads) // 2)]
    random.shuffle(order)
    size = random.choice((1, 7, 50, 500)) if len(order) < 200 else random.choice((20, 100, 500))
    return [order[i : i + size] for i in range(0, len(order), size)]


def in_order(chunks: Sequence[Sequence[Read]], reads: Sequence[Read]) -> list[list[Read]]:
    """The same deliveries once each, in their first order, one at a time."""
    held = {hook.delivery.id for chunk in chunks for hook, _ in chunk}
    return [[read] for read in reads if read[0].delivery.id in held]


def reduced(chunks: Sequence[Sequence[Read]], reads: Sequence[Read]) -> list[list[Read]]:
    """A smaller permutation that still differs from the same deliveries in order; ends when leaving out any more makes them equal."""
    left = [list(chunk) for chunk in chunks]

    def differs(tried: Sequence[Sequence[Read]]) -> bool:
        return graph_after(in_order(tried, reads)) != graph_after(tried)

    ones = [[one] for chunk in left for one in chunk]
    if differs(ones):
        left = ones
    step = max(1, sum(map(len, left)) // 2)
    while True:
        items = [(i, j) for i, chunk in enumerate(left) for j in range(len(chunk))]
        smaller = None
        for start in range(0, len(items), step):
            out = set(items[start : start + step])
            tried = [[r for j, r in enumerate(chunk) if (i, j) not in out] for i, chunk in enumerate(left)]
            tried = [chunk for chunk in tried if chunk]
            if tried and differs(tried):
                smaller = tried
                break
        if smaller is not None:
            left = smaller
            step = min(step, max(1, sum(map(len, left)) // 2))
        elif step == 1:
            return left
        else:
            step //= 2


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-9", help="as 3 or 0-9")
    parser.add_argument("--each", type=int, default=100, help="permutations of each seed")
    parser.add_argument("--most", type=int, default=0, help="about so many deliveries of each seed; 0 for all")
    parser.add_argument("--sender", action="append", default=[], help="only this sender's; repeatable")
    options = parser.parse_args()
    low, _, high = str(options.seeds).partition("-")
    print(f"{machine()}\n\n| seed | deliveries | facts | permutations | different | s |\n|---|---|---|---|---|---|")
    different = 0
    for seed in range(int(low), int(high or low) + 1):
        different += _seed(seed, options.each, options.most, frozenset(options.sender))
    sys.exit(1 if different else 0)


def _seed(seed: int, each: int, most: int, senders: frozenset[str]) -> int:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="permutations-") as scratch:
        world = write_world(seed, Path(scratch) / "world")
        hooks = [h for h in hooks_of(Path(scratch) / "world", NOW) if not senders or h.sender in senders]
        reads = read_all(hooks, settings_of(world.organisation))
    random = Random(f"permutations {seed}")
    reads = some(reads, most, random)
    expected = graph_after([[one] for one in reads])
    wrong: list[list[list[Read]]] = []
    for _ in range(each):
        chunks = shuffled(reads, random)
        if graph_after(chunks) != expected:
            wrong.append(chunks)
    told = ", ".join(f"{n} {sender}" for sender, n in counts([hook for hook, _ in reads]).items())
    taken = time.perf_counter() - started
    print(f"| {seed} | {len(reads)}: {told} | {len(expected)} | {each} | {len(wrong)} | {taken:.0f} |", flush=True)
    if wrong:
        _show(wrong[0], reads)
    return len(wrong)


def _show(chunks: Sequence[Sequence[Read]], reads: Sequence[Read]) -> None:
    print("  the least that still differs:")
    least = reduced(chunks, reads)
    for number, chunk in enumerate(least):
        for hook, _ in chunk:
            print(f"  chunk {number} {hook.sender} {hook.delivery.event} {hook.delivery.body.decode()[:1500]}")
    other = graph_after(in_order(least, reads))
    for line in sorted(set(graph_after(least)) ^ set(other))[:6]:
        print(f"    {line[:700]}")


if __name__ == "__main__":
    main()
