"""Where the benchmarks find repositories, and how they ingest one."""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from graph.clock import SECOND
from graph.stores import open_store
from ingest.sources.git.source import GitSettings, GitSource
from ingest.sync import sync


def add_repository_option(parser: argparse.ArgumentParser) -> None:
    """`--repo owner/name=PATH`, repeatable."""
    parser.add_argument(
        "--repo", action="append", default=[], metavar="OWNER/NAME=PATH", help="a git repository, bare or not"
    )


def repositories(values: list[str]) -> dict[str, Path]:
    """Name to path, from the option's values."""
    found: dict[str, Path] = {}
    for value in values:
        name, _, path = value.partition("=")
        if not path or not Path(path).is_dir():
            raise SystemExit(f"--repo wants OWNER/NAME=PATH of an existing directory, not {value!r}")
        found[name] = Path(path)
    return found


@dataclass(frozen=True, slots=True)
class Ingested:
    """A repository in a store file, and how long that took."""

    store: Path
    elapsed_s: float


def ingest_git(path: Path, name: str, rev: str, store_path: Path) -> Ingested:
    """Ingest one repository at `rev` into a fresh SQLite file, in this process's way of doing it (`ingest.sync`)."""
    started = time.perf_counter()
    with open_store(f"sqlite:///{store_path}") as store:
        report = sync(
            store, GitSource(GitSettings(path=str(path), rev=rev, name=name)), int(time.time()) * SECOND, b"bench"
        )
    if report.error is not None:
        raise report.error
    return Ingested(store_path, time.perf_counter() - started)


def head(path: Path) -> str:
    """The repository's HEAD commit."""
    return subprocess.run(
        ["git", "-C", str(path), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def machine() -> str:
    """A line about the machine, without its name."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown CPU",
    )
    return f"{os.cpu_count()} cores, {model}"
