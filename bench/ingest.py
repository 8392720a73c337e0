"""Ingest speed beside git's own: `lore ingest git` against `git log -p -U0` of *.tf plus `git log --raw`, in one run.

    python -m bench.ingest --repo rust-lang/simpleinfra=PATH … [--runs 3]

Each run times, in turn, the two git commands and a whole `lore ingest git` process (start-up included) into a fresh SQLite
file, then the same again on the unchanged repository. Embedding is left out (LORE_EMBEDDER=none). The ratio is per run;
median and range are printed. Peak memory is the largest resident set of the process and of each of its children.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.repositories import add_repository_option, machine, repositories

RAW = ("log", "--raw")
PATCH = ("log", "-p", "-U0", "--no-renames", "--", "*.tf")


@dataclass(frozen=True, slots=True)
class Run:
    """Wall seconds of one round."""

    raw_s: float
    patch_s: float
    ingest_s: float
    again_s: float
    peak_mib: float
    db_mib: float


def git_seconds(path: Path, arguments: tuple[str, ...]) -> float:
    """Wall time of a git command whose output is read and thrown away."""
    started = time.perf_counter()
    subprocess.run(
        ["git", "-C", str(path), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - started


def ingest_seconds(path: Path, name: str, db: Path) -> tuple[float, float]:
    """Wall time of the command line, and the peak resident set (MiB) of the largest process in it."""
    env = {**os.environ, "LORE_STORE": f"sqlite:///{db}", "LORE_EMBEDDER": "none"}  # noqa: TID251
    code = (
        "import resource,sys,os;"
        "from api.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), file=sys.stderr)"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "ingest", "git", str(path), "--name", name],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"lore ingest failed on {name}: {done.stderr[-500:]}")
    return elapsed, int(done.stderr.strip().splitlines()[-1]) / 1024


def one_run(path: Path, name: str) -> Run:
    """All timings once, in a fresh store."""
    with tempfile.TemporaryDirectory() as scratch:
        db = Path(scratch) / "lore.db"
        raw = git_seconds(path, RAW)
        patch = git_seconds(path, PATCH)
        ingest, peak = ingest_seconds(path, name, db)
        size = sum(f.stat().st_size for f in Path(scratch).iterdir()) / 2**20
        again, _ = ingest_seconds(path, name, db)
        return Run(raw, patch, ingest, again, peak, size)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    add_repository_option(parser)
    options = parser.parse_args()
    print(f"{machine()}; median of {options.runs} (min–max)\n")
    print(
        "| repository | commits | git log --raw s | git log -p *.tf s | ingest s | ÷ (both) | ÷ raw | unchanged s | peak MiB | store MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, path in repositories(options.repo).items():
        commits = subprocess.run(
            ["git", "-C", str(path), "rev-list", "--count", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        runs = [one_run(path, name) for _ in range(options.runs)]
        ratios = [r.ingest_s / (r.raw_s + r.patch_s) for r in runs]

        def middle(values: list[float], digits: int = 2) -> str:
            return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"

        print(
            f"| {name} | {commits} | {middle([r.raw_s for r in runs])} | {middle([r.patch_s for r in runs])} | {middle([r.ingest_s for r in runs])} | **{middle(ratios, 1)}** | {middle([r.ingest_s / r.raw_s for r in runs], 1)}"
            f" | {middle([r.again_s for r in runs])} | {middle([r.peak_mib for r in runs], 0)} | {middle([r.db_mib for r in runs], 0)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
