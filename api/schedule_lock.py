"""A lock that every worker on one job database shares, and that a killed process lets go of.

On PostgreSQL an advisory lock of a session (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS); beside a SQLite database
a file of this host.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from api.action_lock import locked

_POLL_S = 0.5


class LockBusy(RuntimeError):
    """Somebody else held it all the time."""


@contextmanager
def held(database: str, directory: Path, name: str, *, wait_s: float, must: bool = True) -> Generator[bool]:
    """Hold the lock of this name; False when it could not be had in time.

    Args:
        database: URL of the job database.
        directory: where lock files are, when that is SQLite.
        must: raise instead.

    Raises:
        LockBusy: it could not be had in time.
    """
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    if database.startswith("sqlite"):
        with locked(directory, f"schedule-{digest.hex()}", wait_s) as mine:
            yield _checked(mine, name, must=must)
        return
    import psycopg

    key = int.from_bytes(digest, "big", signed=True)
    plain = database.replace("+psycopg://", "://", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        until = time.monotonic() + wait_s
        while True:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
            mine = row is not None and row[0] is True
            if mine or time.monotonic() >= until:
                break
            time.sleep(_POLL_S)
        yield _checked(mine, name, must=must)


def _checked(mine: bool, name: str, *, must: bool) -> bool:
    if must and not mine:
        raise LockBusy(f"another worker holds {name}")
    return mine
