"""Speed of a digest: a year of the bundled company, as `lore digest` makes it.

    python -m bench.digest [--runs 5]

Builds the company and reads it into a new store; then times, run by run in a new process, the digest without
and with the changes behind the bill's jumps looked for, and each rendering.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.digest.window import Window
from api.charts import pngs
from api.digest_html import digest_html
from api.digest_markdown import digest_markdown
from api.digest_slack import digest_messages
from api.digest_text import digest_text
from api.settings import Settings
from api.wiring import Engine
from examples.build import build
from graph.clock import DAY, instant

UNTIL = instant("2026-10-30")
YEAR = Window(UNTIL - 365 * DAY, UNTIL, UNTIL - 730 * DAY)


def one(store: str, directory: str) -> dict[str, float]:
    """Seconds of each part, in this process."""
    settings = Settings(store=store, embedder="none", data_directory=Path(directory))
    told: dict[str, float] = {}

    def timed(name: str, started: float) -> None:
        told[name] = round(time.perf_counter() - started, 3)

    def of_cpu(name: str, started: float) -> None:
        told[name] = round(time.process_time() - started, 3)

    with Engine(settings) as engine:  # with all that has to be imported
        started, cpu = time.perf_counter(), time.process_time()
        digest = engine.digests.of("monthly", YEAR)
        timed("year, everything", started)
        of_cpu("year, everything, CPU seconds", cpu)
    with Engine(settings) as engine:
        started = time.perf_counter()
        engine.digests.of("monthly", YEAR, explain=False)
        timed("year, bill not explained", started)
    started = time.perf_counter()
    pictures = pngs([c for s in digest.sections for c in s.charts])
    timed("charts as PNG", started)
    started = time.perf_counter()
    for text in (digest_text(digest), digest_markdown(digest), digest_html(digest, pictures), digest_messages(digest)):
        del text
    timed("text, Markdown, HTML and Slack", started)
    told["lines"] = sum(len(s.items) + s.more for s in digest.sections)
    told["citations"] = len(digest.citations)
    told["uncited lines"] = sum(1 for s in digest.sections for i in s.items if not i.citations)
    return told


def measured(directory: Path, runs: int) -> dict[str, list[float]]:
    """Each part's seconds, run by run; what an explained bill keeps in the store is left behind by working on a copy."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LORE_", "NEO4J_"))}  # noqa: TID251 - what a shell hands on
    environ |= {"XDG_DATA_HOME": str(directory / "xdg"), "LORE_EMBEDDER": "none"}
    ingest = [sys.executable, "-m", "api.cli", "ingest", "--config", str(directory / "lore.yaml")]
    subprocess.run(ingest, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[str, list[float]] = {}
    for number in range(runs):
        copy = directory / f"run-{number}.db"
        copy.write_bytes((directory / "lore.db").read_bytes())
        command = [
            sys.executable,
            "-m",
            "bench.digest",
            "--one",
            f"sqlite:///{copy}",
            "--data",
            str(directory / "data"),
        ]
        done = subprocess.run(command, check=True, env=environ, capture_output=True, text=True)
        for name, value in json.loads(done.stdout.splitlines()[-1]).items():
            found.setdefault(name, []).append(float(value))
        copy.unlink()
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    parser.add_argument("--data", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments.one, arguments.data)))
        return
    with tempfile.TemporaryDirectory() as directory:
        build(Path(directory))
        for name, values in measured(Path(directory), arguments.runs).items():
            print(f"{name:32} {statistics.median(values):8g}   {min(values):g} to {max(values):g}")


if __name__ == "__main__":
    main()
