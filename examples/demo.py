"""The demo: write the bundled company, ingest everything that its systems tell, ask a few questions, investigate an incident, look for drift.

`python -m examples.demo DIRECTORY`
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
from pathlib import Path

from msgspec.structs import replace

from agent.investigate import Options
from api.cost_text import bill_text
from api.drift_text import report_text as report_of_drift
from api.investigation_text import investigation_text
from api.investigations import Asked
from api.render import answer_text, report_text
from api.settings import load
from api.verify import configured, verify
from api.wiring import Engine, redact_key, wall_clock
from examples.build import build
from examples.incidents import incidents
from graph.clock import instant

QUESTIONS = {
    "who changed the LB rule?": "the code, by line",
    "why was the LB rule changed?": "commit, pull request, conversation, apply and audit event of one change",
    "what went out to prod before 14:30 on 2026-05-19?": "by when it reached prod, and not by when it was merged",
    "what caused incident #31?": "the alert, what was written about it afterwards, and the change behind it",
    "what was changed by hand in prod since 2026-05-01?": "calls in the audit log that no apply explains",
}
"""What is asked, and what the answer shows."""
INCIDENT = incidents()[1]
"""What is investigated, with what was known when somebody was paged."""
PAGED_AT = f"{INCIDENT.paged_at:%Y-%m-%dT%H:%M:%SZ}"
INVESTIGATE = f"lore investigate {shlex.quote(INCIDENT.symptom)} --at {PAGED_AT} --tree"
DEARER = ("2025-04-01", "2025-05-01")
"""The month whose bill is told."""
NEXT = {
    'ask "…"': "your own question; `chat` for a conversation",
    "digest weekly --until 2026-05-25": "what a team should know of a week",
    "serve": "then open http://127.0.0.1:8480/docs",
}
"""What to try then, and what it shows."""
_EMBEDDING_S = 2.0
_WIDTH = 100


def run(directory: Path, store: str | None, embedder: str | None, record: Path | None) -> None:
    """Build, ingest, ask, investigate; print what a user would type and see. `record` also writes the answers as JSON lines."""
    started = time.perf_counter()
    build(directory)
    config = directory / "lore.yaml"
    settings = load(config)
    settings = replace(
        settings, store=store or f"sqlite:///{directory.resolve()}/lore.db", embedder=embedder or settings.embedder
    )
    shown = f"--config {shlex.quote(str(config))}"
    print(f"Tealeaf, a fictional tea shop: what its systems would export after two years, written to {directory}\n")
    with Engine(settings) as engine:
        print(f"$ lore ingest {shown}")
        for report in engine.ingest(engine.configured_sources()):
            print(report_text(report))
            if report.error:
                raise SystemExit(1)
        if settings.embedder != "none":
            print(
                f"embedded the {engine.embed(_EMBEDDING_S)} newest texts; `lore embed` does the rest, and no answer waits for it"
            )
        print()
        answers: list[str] = []
        for question, shows in QUESTIONS.items():
            print(f"# {shows}")
            print(f"$ lore ask {shlex.quote(question)} {shown}")
            answer = engine.ask(question)
            print(answer_text(answer) + "\n")
            answers.append(answer.to_json())
        investigate(engine, shown)
        operate(engine, shown)
    if record:
        record.write_text(
            "".join(json.dumps(json.loads(answer), sort_keys=True) + "\n" for answer in answers), encoding="utf-8"
        )
    print(f"done in {time.perf_counter() - started:.1f} s; go on with:")
    commands = [f".venv/bin/lore {command} {shown}" for command in NEXT]
    for command, shows in zip(commands, NEXT.values(), strict=True):
        print(f"  {command.ljust(max(map(len, commands)))}  {shows}")


def investigate(engine: Engine, shown: str) -> None:
    """From an alert to its cause, what to do now and what to do later; the same again; and whether each citation still stands.

    Raises:
        SystemExit: the replay differs, or a citation does not resolve.
    """
    print("# from an alert to its cause, as on the day: nothing that was known or done later is seen")
    print(f"$ {INVESTIGATE} {shown}")
    found = engine.investigations.start(Asked(INCIDENT.symptom, instant(PAGED_AT), Options()))
    print(investigation_text(found, tree=True) + "\n")

    print("# the same tree again, offline, from what was stored")
    print(f"$ lore replay {found.id} {shown}")
    _, differences = engine.investigations.replay(found.id)
    print(f"{found.id}: {'differs' if differences else 'the same, byte for byte'}\n")

    print("# each citation read again where it was found")
    print(f"$ lore verify {found.id} {shown}")
    key = redact_key(engine.settings.data_directory)
    seen = engine.observations()
    read = verify(engine.store, found, configured(engine), now=wall_clock(), redact_key=key, observations=seen)
    stands = sum(one.status == "resolves" for one in read)
    print(f"{stands} of {len(read)} citations resolve\n")
    if differences or stands < len(read):
        raise SystemExit(1)


def operate(engine: Engine, shown: str) -> None:
    """Where the code and the clouds differ and who did it; what became dearer and by which change."""
    print("# what is not as the code wants it, who did it and what was said about it")
    print(f"$ lore drift {shown}")
    print(report_of_drift(engine.drifts.scan(), _WIDTH) + "\n")

    print("# a month's bill: the jump in it, and the change behind that")
    print(f"$ lore cost report --since {DEARER[0]} --until {DEARER[1]} {shown}")
    print(bill_text(engine.costs.report(instant(DEARER[0]), instant(DEARER[1])), _WIDTH) + "\n")


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
