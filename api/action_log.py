"""The audit log of outward writes: an entry before and an entry after, in a file that only grows.

SQLite (`actions.db` in the data directory), synced to the disk at each entry. Triggers forbid to change or remove one; each holds the digest of
the one before, so that what was changed behind the triggers' back shows (`verify`). Texts are stored without secrets, payloads only as digests.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias, cast

from api.errors import SettingsError
from graph.clock import Instant, instant, rfc3339
from ingest.redact import redact_text

State: TypeAlias = Literal["intended", "done", "already", "dry_run", "refused", "failed", "unknown"]
"""`intended` stands before the write; all others end an attempt. `unknown`: it was cut off where nobody can tell whether it was written."""

LOG_NAME = "actions.db"
"""In the data directory."""

FIRST = "0" * 64
"""What the first entry holds as the digest of the one before it."""

_MOST_CHARS = 500
_SCHEMA = """
CREATE TABLE IF NOT EXISTS actions (
  number INTEGER PRIMARY KEY, at TEXT NOT NULL, attempt TEXT NOT NULL, state TEXT NOT NULL, thing TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL,
  requested_by TEXT NOT NULL, reason TEXT NOT NULL, granted_by TEXT NOT NULL,
  id TEXT NOT NULL, url TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS actions_thing ON actions (thing, number);
CREATE TRIGGER IF NOT EXISTS actions_no_update BEFORE UPDATE ON actions BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER IF NOT EXISTS actions_no_delete BEFORE DELETE ON actions BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER IF NOT EXISTS actions_append BEFORE INSERT ON actions
  WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM actions)
  BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
"""
_COLUMNS = "number, at, attempt, state, thing, action, target, key, payload, requested_by, reason, granted_by, id, url, detail, previous, digest"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        number: 1, 2, 3 … without a gap.
        at: RFC 3339, UTC.
        attempt: the same for the entry before a write and the one after it.
        thing: digest of action, target and key: what is written once.
        payload: digest of what was to be written.
        granted_by: by what right: `yes:…` or `grant:…`; empty for a dry run.
        id, url: of what was written.
        previous: digest of the entry before.
        digest: of this entry, `previous` included.
    """

    at: str
    attempt: str
    state: State
    thing: str
    action: str
    target: str
    key: str
    payload: str
    requested_by: str = ""
    reason: str = ""
    granted_by: str = ""
    id: str = ""
    url: str = ""
    detail: str = ""
    number: int = 0
    previous: str = ""
    digest: str = ""

    def clean(self) -> Entry:
        """The same in single short lines without secrets."""
        return replace(
            self,
            **{
                name: _clean(getattr(self, name))
                for name in ("target", "key", "requested_by", "reason", "granted_by", "id", "url", "detail")
            },
        )

    def computed(self) -> str:
        """The digest that belongs to what the entry says."""
        said = [getattr(self, name) for name in _COLUMNS.split(", ")[:-1]]
        return sha256(json.dumps(said, ensure_ascii=True).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the chain found: how many entries, the digest of the last, and the first one that is not as it was written."""

    entries: int
    head: str
    broken_at: int | None = None
    problem: str = ""


def thing_of(action: str, target: str, key: str) -> str:
    """Digest of what is written once."""
    return sha256("\x1f".join((action, target, key)).encode("utf-8", "surrogatepass")).hexdigest()


class ActionLog:
    """The log in a file that several threads and processes share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Entry) -> Entry:
        """Add an entry and sync it to the disk; returns it as stored, numbered and chained.

        Raises:
            SettingsError: the file cannot be written; then nothing may be written outward either.
        """
        clean = entry.clean()
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            last = database.execute("SELECT number, digest FROM actions ORDER BY number DESC LIMIT 1").fetchone()
            number, previous = (int(last[0]), str(last[1])) if last else (0, FIRST)
            stored = replace(clean, number=number + 1, previous=previous)
            stored = replace(stored, digest=stored.computed())
            values = [getattr(stored, name) for name in _COLUMNS.split(", ")]
            marks = ", ".join("?" * len(values))
            database.execute(f"INSERT INTO actions ({_COLUMNS}) VALUES ({marks})", values)
            database.execute("COMMIT")
            return stored

    def entries(self, since: Instant | None = None) -> list[Entry]:
        """All entries at or after this time, oldest first; none when nothing was ever written."""
        found = self._select("", ())
        return [e for e in found if since is None or instant(e.at) >= since]

    def of(self, thing: str) -> list[Entry]:
        """The entries of one thing, oldest first."""
        return self._select("WHERE thing = ?", (thing,))

    def verify(self, head: str = "") -> Checked:
        """Whether every entry is as it was written and none is missing; `head`: a digest noted earlier that must still be among them.

        Who can write the file can also write a whole new chain, or cut its end: only a head that was noted elsewhere shows that.
        """
        previous, seen = FIRST, not head
        found = self._select("", ())
        for i, entry in enumerate(found, 1):
            if entry.number != i:
                return Checked(len(found), previous, i, f"entry {i} is missing")
            if entry.previous != previous:
                return Checked(len(found), previous, i, f"entry {i} does not follow the entry before it")
            if entry.computed() != entry.digest:
                return Checked(len(found), previous, i, f"entry {i} is not as it was written")
            previous = entry.digest
            seen = seen or previous == head
        if not seen:
            return Checked(
                len(found),
                previous,
                len(found) + 1,
                "the digest given is of no entry: the log's end was cut off or replaced",
            )
        return Checked(len(found), previous)

    def _select(self, where: str, values: Sequence[str]) -> list[Entry]:
        if not self.path.exists():
            return []
        with self._opened() as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM actions {where} ORDER BY number", values).fetchall()
        return [_entry(cast("Sequence[str | int]", row)) for row in rows]

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        try:
            new = not self.path.exists()
            if new:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            database = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            try:
                database.execute(
                    "PRAGMA synchronous=EXTRA"
                )  # the directory too: a journal that comes back would take an entry back
                if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'actions_append'").fetchone():
                    database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
                yield database
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(
                f"the audit log {self.path} cannot be used: {error}",
                "nothing is written outward without it: make the file writable, or set XDG_DATA_HOME to a directory that is",
            ) from None


def unfinished(entries: Sequence[Entry], *, failed: bool = False) -> tuple[Entry, ...]:
    """Of entries of one thing, those before a write of which nobody knows how it ended; with `failed`, those that failed on the way too."""
    ends = ("done", "already", "refused") if failed else ("done", "already", "refused", "failed")
    settled = {e.attempt for e in entries if e.state in ends}
    return tuple(e for e in entries if e.state == "intended" and e.attempt not in settled)


def stamp(at: Instant) -> str:
    """A time as the log holds it, with its microseconds."""
    return f"{rfc3339(at)[:-1]}.{at % 1_000_000:06d}Z"


def _clean(text: str) -> str:
    told = " ".join(redact_text(text).split())
    return told if len(told) <= _MOST_CHARS else told[: _MOST_CHARS - 1] + "…"


def _entry(row: Sequence[str | int]) -> Entry:
    named = dict(zip(_COLUMNS.split(", "), row, strict=True))
    texts = {name: str(value) for name, value in named.items() if name not in ("number", "state")}
    return Entry(number=int(named["number"]), state=cast("State", named["state"]), **texts)
