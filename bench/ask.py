"""Speed of `lore ask`: warm in process, beside `git log -L … -1` on the same blocks, and cold on the command line.

    python -m bench.ask --repo rust-lang/simpleinfra=PATH … [--questions 100]

Questions are "who changed ADDRESS in PATH?" about blocks and files drawn at random (fixed seed) from what exists at HEAD. What
counts is the growth from a repository of thousands of commits to one of tens of thousands.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent.ask import ask
from bench.repositories import add_repository_option, head, ingest_git, machine, repositories
from graph.clock import SECOND
from graph.store import GraphStore, Limits, View
from graph.stores import open_store

LINES = re.compile(r":(?P<path>[^:]+)#L(?P<start>\d+)-L(?P<end>\d+)$")


def sample(store: GraphStore, count: int) -> list[tuple[str, str, str]]:
    """(address, path, locator) of `count` live blocks."""
    blocks = store.select("Block", {}, View(), Limits(rows=200_000, deadline_s=60)).items
    rng = random.Random(0)
    chosen = rng.sample(blocks, min(count, len(blocks)))
    return [
        (str(b.properties["address"]), str(b.properties["path"]), b.statements[0].provenance.locator) for b in chosen
    ]


def timed_ms(work: Callable[[], object]) -> float:
    """Wall milliseconds of a call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def quantiles(values: list[float]) -> str:
    """p50 / p95."""
    ordered = sorted(values)
    return f"{statistics.median(ordered):.1f} / {ordered[int(0.95 * (len(ordered) - 1))]:.1f}"


def git_log_l(path: Path, file: str, address: str) -> None:
    """`git log -L` over the block's lines at HEAD, found by its last name, newest commit only."""
    name = re.escape(address.split(".")[-1])
    subprocess.run(
        ["git", "-C", str(path), "log", "-1", "-s", f"-L/{name}/,+5:{file}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def cold_ms(db: Path, question: str, runs: int) -> tuple[float, float]:
    """Median wall time of `lore ask` as a process, and of `python -c pass`."""
    env = {**os.environ, "LORE_STORE": f"sqlite:///{db}"}  # noqa: TID251
    code = "from api.cli import main; main()"
    asked = [
        timed_ms(
            lambda: subprocess.run(
                [sys.executable, "-c", code, "ask", question], env=env, capture_output=True, check=True
            )
        )
        for _ in range(runs)
    ]
    empty = [
        timed_ms(lambda: subprocess.run([sys.executable, "-c", "pass"], capture_output=True, check=True))
        for _ in range(runs)
    ]
    return statistics.median(asked), statistics.median(empty)


def measured(name: str, path: Path, questions: int, git_questions: int) -> str:
    """A row of the table for one repository."""
    now = int(time.time()) * SECOND
    with tempfile.TemporaryDirectory() as scratch:
        db = Path(scratch) / "lore.db"
        ingest_git(path, name, head(path), db)
        with open_store(f"sqlite:///{db}") as store:

            def asked(question: str) -> float:
                return timed_ms(lambda: ask(store, question, now=now))

            blocks = sample(store, questions)
            counts = store.status().entities
            asked("who changed the load balancer?")
            exact = [asked(f"who last changed {address} in {file}?") for address, file, _ in blocks]
            places = sorted({str(Path(file).parent) for _, file, _ in blocks})
            nameless = [asked(f"who changed the security group in {place}?") for place in places]
        git = [timed_ms(lambda a=a, f=f: git_log_l(path, f, a)) for a, f, _ in blocks[:git_questions]]
        cold, empty = cold_ms(db, f"who last changed {blocks[0][0]} in {blocks[0][1]}?", 5)
    return (
        f"| {name} | {counts.get('Commit', 0):,} | {counts.get('Block', 0):,} | {quantiles(exact)} | {quantiles(nameless)}"
        f" | {quantiles(git)} | {cold:.0f} | {empty:.0f} |"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--git-questions", type=int, default=20, help="how many of them `git log -L` is timed on")
    add_repository_option(parser)
    options = parser.parse_args()
    print(f"{machine()}\n")
    print(
        "| repository | commits | blocks | ask p50 / p95 ms | nameless p50 / p95 ms | git log -L p50 / p95 ms | cold ask ms | python -c pass ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, path in repositories(options.repo).items():
        print(measured(name, path, options.questions, options.git_questions), flush=True)


if __name__ == "__main__":
    main()
