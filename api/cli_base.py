"""What every command shares: how it prints, and how it opens the engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.wiring import Engine

ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="lore.yaml to use", show_default=False)]


def engine(config: Path | None) -> Engine:
    """The engine of a configuration file, or of the environment."""
    from api.settings import load

    return Engine(load(config))


def write(text: str) -> None:
    """To standard output, with a line break at the end."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """To standard error."""
    print(text, file=sys.stderr)
