"""The demo: write the bundled company, ingest it, ask three questions. `python -m examples.demo DIRECTORY`."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from pathlib import Path

from msgspec.structs import replace

from api.render import answer_text, report_text
from api.settings import load
from api.wiring import Engine
from examples.build import build

QUESTIONS = (
    "who changed the LB rule?",
    "why was the security group rule edge_https changed?",
    "what was the database_class of module.data in prod on 2025-03-01?",
)


def run(directory: Path, store: str | None, embedder: str | None, record: Path | None) -> None:
    """Build, ingest, ask; print what a user would type and see. `record` also writes the answers as JSON lines."""
    started = time.perf_counter()
    build(directory)
    config = directory / "lore.yaml"
    settings = load(config)
    settings = replace(
        settings, store=store or f"sqlite:///{directory.resolve()}/lore.db", embedder=embedder or settings.embedder
    )
    shown = f"--config {shlex.quote(str(config))}"
    print(f"Tealeaf, a fictional tea shop: two years of Terraform, services and deploys, written to {directory}\n")
    with Engine(settings) as engine:
        print(f"$ lore ingest {shown}")
        for report in engine.ingest(engine.configured_sources()):
            print(report_text(report))
            if report.error:
                raise SystemExit(1)
        print(f"embedded {engine.embed(60)} texts\n")
        answers: list[str] = []
        for question in QUESTIONS:
            print(f"$ lore ask {shlex.quote(question)} {shown}")
            answer = engine.ask(question)
            print(answer_text(answer) + "\n")
            answers.append(answer.to_json())
    if record:
        record.write_text(
            "".join(json.dumps(json.loads(answer), sort_keys=True) + "\n" for answer in answers), encoding="utf-8"
        )
    print(f'done in {time.perf_counter() - started:.1f} s; ask your own: {Path(".venv/bin/lore")} ask {shown} "…"')


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--store", help="a store's URL; default: a SQLite file in the directory")
    parser.add_argument("--embedder", help="onnx, sentence-transformers or none")
    parser.add_argument("--record", type=Path, help="also write the answers to this file, as JSON lines")
    options = parser.parse_args()
    run(options.directory, options.store, options.embedder, options.record)


if __name__ == "__main__":
    main()
