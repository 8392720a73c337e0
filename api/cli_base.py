"""What every command shares: how it prints, and how it opens the engine."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.errors import UsageError
from api.wiring import Engine

ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="lore.yaml to use", show_default=False)]

NoModelOption = Annotated[
    bool, typer.Option("--no-model", help="ask no language model, also when the settings name one")
]


def engine(config: Path | None) -> Engine:
    """The engine of a configuration file, or of the environment."""
    from api.settings import load

    return Engine(load(config))


def moment(option: str, text: str | None) -> int | None:
    """A time as typed.

    Raises:
        UsageError: it is not one.
    """
    if text is None:
        return None
    from graph.clock import instant

    try:
        return instant(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a time", "write it like 2026-03-04 or 2026-03-04T14:05:00Z"
        ) from None


def fewer_collections_for_good() -> None:
    """Collect cycles less often: an answer makes many small objects and few cycles, and a third of its time went into looking for them."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def write(text: str) -> None:
    """To standard output, with a line break at the end."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """To standard error."""
    print(text, file=sys.stderr)
