"""One at a time: processes and threads of this host that would write the same thing outward take turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from api.errors import SettingsError

WAIT_S = 120.0
"""Longer than a write takes with all its time-outs."""


@contextmanager
def locked(directory: Path, name: str, wait_s: float = WAIT_S) -> Generator[bool]:
    """Hold the lock of this name; False when it could not be had in time.

    An empty SQLite file that is locked as a whole: it works on every system, and a killed process lets go of it.

    Raises:
        SettingsError: there is no place for it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(directory / f"{name}.lock", timeout=wait_s, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(f"{directory} cannot be used: {error}", "make it a directory that can be written") from None
    try:
        try:
            database.execute("BEGIN EXCLUSIVE")
            mine = True
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise SettingsError(
                    f"{directory} cannot be used: {error}", "make it a directory that can be written"
                ) from None
            mine = False
        yield mine
    finally:
        database.close()
