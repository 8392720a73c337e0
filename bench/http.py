"""How `lore serve` bears many askers: a closed loop of clients, each asking again as soon as it was answered.

    python -m bench.http DIRECTORY [--clients 200] [--seconds 20] [--workers 0] [--fresh] [--write-every 0]

DIRECTORY is a built and ingested company (`make demo` makes `.demo`). The questions name what is in it, in several wordings each, drawn at
random with a fixed seed. `--fresh` makes every question another text, so that no answer that is kept helps. `--write-every` commits something
to the store that often, which ends the life of every answer kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from bench.repositories import machine
from graph.clock import SECOND
from graph.model import Assertion, Entity, FactBatch, ref
from graph.store import GraphStore, Limits, View
from graph.stores import open_store

SERVICE = (
    "who owns {}?",
    "which team owns {}?",
    "who is on call for {}?",
    "who is responsible for the {} service?",
    "what depends on {}?",
    "what does {} depend on?",
    "what changed in {} since 2026-10-01?",
    "when was {} last deployed?",
)
BLOCK = (
    "who changed {}?",
    "who last changed {}?",
    "who touched {} last?",
    "when was {} changed?",
    "why was {} changed?",
    "who approved the change of {}?",
)
INCIDENT = ("what caused incident #{}?", "who resolved incident #{}?")


def questions(store: GraphStore) -> list[str]:
    """Questions that name things of the store, sorted."""
    view, limits = View(), Limits(rows=10_000)
    services = sorted(
        {str(e.properties["name"]) for e in store.select("Service", {}, view, limits).items if "name" in e.properties}
    )
    blocks = sorted(
        {f"{e.properties['address']} in {e.properties['path']}" for e in store.select("Block", {}, view, limits).items}
    )
    found = [w.format(s) for s in services for w in SERVICE]
    found += [w.format(b) for b in blocks for w in BLOCK]
    found += [w.format(n) for n in (29, 30, 31, 32) for w in INCIDENT]
    return found


@dataclass
class Measured:
    """What a loop of clients saw."""

    milliseconds: list[float] = field(default_factory=list[float])
    errors: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    def row(self) -> str:
        """count, throughput, p50, p95, p99, worst, errors."""
        ordered = sorted(self.milliseconds) or [0.0]
        at = [ordered[min(len(ordered) - 1, int(q * len(ordered)))] for q in (0.5, 0.95, 0.99)]
        told = " | ".join(f"{one:.0f}" for one in (*at, ordered[-1]))
        return f"{len(ordered)} | {len(ordered) / self.seconds:.0f} | {told} | {len(self.errors)}"


async def client(port: int, asked: list[str], number: int, until: float, fresh: bool, seen: Measured) -> None:
    """One client on one connection."""
    rng = random.Random(number)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.monotonic() < until:
        count += 1
        text = rng.choice(asked)
        if fresh:  # blanks mean nothing to a question, and make it another one
            text += "".join(" \t"[int(bit)] for bit in f"{number * 100_000 + count:032b}")
        body = json.dumps({"question": text}).encode()
        head = f"POST /api/v1/ask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        started = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
        told = await reader.readexactly(length)
        seen.milliseconds.append((time.perf_counter() - started) * 1000)
        if not answer.startswith(b"HTTP/1.1 200") or not told.startswith(b'{"schema":"lore.answer/1"'):
            seen.errors.append(f"{answer[:40]!r} {told[:200]!r}")
    writer.close()


async def loop(port: int, asked: list[str], clients: int, seconds: float, *, fresh: bool) -> Measured:
    """All clients for a while."""
    seen = Measured()
    started = time.monotonic()
    await asyncio.gather(*(client(port, asked, i, started + seconds, fresh, seen) for i in range(clients)))
    seen.seconds = time.monotonic() - started
    return seen


def write_now_and_then(store_url: str, every_s: float, until: float) -> None:
    """Commit a small fact again and again."""
    with open_store(store_url) as store:
        number = 0
        while time.monotonic() < until:
            time.sleep(every_s)
            number += 1
            at = int(time.time()) * SECOND
            fact = Entity(ref("Document", "bench", str(number)), {"title": f"bench {number}"})
            store.apply(
                FactBatch(f"bench-{time.time_ns()}", "bench", "bench", "bench/1", [Assertion(fact, at, at, "bench")])
            )


def cpu_s(root: int) -> float:
    """CPU seconds of a process and those below it, so far: what other work on the machine does not change."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == root or int(fields[1]) == root:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--questions", type=int, default=0, help="only so many different ones; 0 for all")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warm-seconds", type=float, default=5, help="asked before, and not counted")
    parser.add_argument("--workers", type=int, default=0, help="processes that answer")
    parser.add_argument("--fresh", action="store_true", help="no question twice")
    parser.add_argument("--write-every", type=float, default=0, help="seconds between commits; 0 for none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "lore.db"
        url = f"sqlite:///{database}"
        with open_store(f"sqlite:///{(options.directory / 'lore.db').resolve()}") as store:
            asked = questions(store)
        if options.questions:
            asked = random.Random(0).sample(asked, min(options.questions, len(asked)))
        import sqlite3

        with sqlite3.connect(options.directory / "lore.db") as source, sqlite3.connect(database) as target:
            source.backup(target)
        port = 18_999
        env = {**os.environ, "LORE_STORE": url, "LORE_EMBEDDER": "none", "XDG_DATA_HOME": scratch}  # noqa: TID251
        command = ["lore", "serve", "--port", str(port), "--reconcile-seconds", "0", "--workers", str(options.workers)]
        code = f"import sys; sys.argv = {command!r}; from api.cli import main; main()"
        server = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).read()
                    break
                except OSError:
                    time.sleep(0.1)
            print(f"{machine()}; load {os.getloadavg()[0]:.1f}; {len(asked)} questions, {options.clients} clients")
            if options.warm_seconds:
                warm = asyncio.run(loop(port, asked, options.clients, options.warm_seconds, fresh=options.fresh))
                print(f"first {options.warm_seconds:.0f} s | {warm.row()}")
            if options.write_every:
                from threading import Thread

                until = time.monotonic() + options.seconds
                Thread(target=write_now_and_then, args=(url, options.write_every, until), daemon=True).start()
            before = cpu_s(server.pid)
            seen = asyncio.run(loop(port, asked, options.clients, options.seconds, fresh=options.fresh))
            spent = cpu_s(server.pid) - before
        finally:
            server.terminate()
            server.wait(20)
    print("| workers | fresh | write every s | answers | per s | p50 ms | p95 | p99 | worst | errors |")
    print(f"| {options.workers} | {options.fresh} | {options.write_every} | {seen.row()} |")
    print(
        f"server CPU {spent * 1000 / max(1, len(seen.milliseconds)):.2f} ms an answer; mean {statistics.mean(seen.milliseconds or [0]):.0f} ms; load after {os.getloadavg()[0]:.1f}"
    )
    for error in seen.errors[:3]:
        print(error)


if __name__ == "__main__":
    main()
