"""`lore gateway` and what belongs to it."""

from __future__ import annotations

import typer


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    del app
