"""Writes into README.md what the bundled company's incident gives: `python -m examples.readme`. The section's first block of text is replaced."""

from __future__ import annotations

import tempfile
from pathlib import Path

from msgspec.structs import replace

from agent.investigate import Options
from api.investigation_text import investigation_text
from api.investigations import Asked
from api.settings import load
from api.wiring import Engine
from examples.build import build
from examples.demo import INCIDENT, INVESTIGATE, PAGED_AT
from graph.clock import instant

README = Path(__file__).parents[1] / "README.md"
_HEADING, _FENCE, _END = "\n## In an incident\n", "```text\n", "\n```"
_SHOWN = ("Hypotheses", "Root cause", "Do now")
"""The parts of an investigation that are shown, besides its first lines."""


def excerpt(text: str) -> str:
    """The first lines of an investigation and a few of its parts; `…` stands for what is left out."""
    first, *parts = text.rstrip("\n").split("\n\n")
    kept = [first]
    for part in parts:
        if part.startswith(_SHOWN):
            kept.append(part)
        elif kept[-1] != "…":
            kept.append("…")
    return "\n\n".join([f"$ {INVESTIGATE}\n{kept[0]}", *kept[1:]])


def section(readme: str) -> str:
    """What the README shows now."""
    return readme.split(_HEADING, 1)[1].split(_FENCE, 1)[1].split(_END, 1)[0]


def main() -> None:
    """Build the company, investigate, write."""
    with tempfile.TemporaryDirectory() as directory:
        build(Path(directory))
        settings = load(Path(directory) / "lore.yaml")
        settings = replace(settings, store=f"sqlite:///{directory}/lore.db", embedder="none")
        with Engine(settings) as engine:
            engine.ingest(engine.configured_sources())
            asked = Asked(INCIDENT.symptom, instant(PAGED_AT), Options())
            text = investigation_text(engine.investigations.start(asked), tree=True)
    readme = README.read_text(encoding="utf-8")
    README.write_text(readme.replace(section(readme), excerpt(text)), encoding="utf-8")


if __name__ == "__main__":
    main()
