"""The SQLite file: its layout, its connections, and what its errors mean to a caller.

Layout, in short: a `ref`, `name` or `symbol` is a text that got a number once. A `timeline` is a row of numbers, a
`version` a point on it (`graph.merge.Row`). `passage` and `body` hold long content once. `posting` is the one index of
words, `change` the index of `CHANGED` by time; both only supply candidates.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from time import monotonic, sleep

from graph.errors import GraphError, StoreFull, StoreIncompatible, StoreUnavailable
from graph.merge import OPEN
from graph.schema import SCHEMA_VERSION

APPLICATION_ID = 0x6C6F7265
"""`lore`, in the file's header."""

ENTITY_TYPE, CHANGED_TYPE = 1, 2
"""Symbols that every store has from the start."""

BUSY_TIMEOUT_S = 5.0
CACHE_KIB = 32 * 1024
CHECKPOINT_PAGES = 4_000

LAYOUT = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE symbol(id INTEGER PRIMARY KEY, sort TEXT NOT NULL, text TEXT NOT NULL, UNIQUE(sort, text));
CREATE TABLE scope(id INTEGER PRIMARY KEY, source TEXT NOT NULL, scope TEXT NOT NULL, cursor TEXT, fresh_until INTEGER,
  last_applied_at INTEGER NOT NULL, batches INTEGER NOT NULL, quarantined INTEGER NOT NULL,
  snapshots INTEGER NOT NULL DEFAULT 0, UNIQUE(source, scope));
CREATE TABLE record(number INTEGER PRIMARY KEY, at INTEGER NOT NULL, batch TEXT NOT NULL UNIQUE, digest BLOB NOT NULL,
  scope INTEGER NOT NULL, extractor INTEGER NOT NULL);
CREATE TABLE snapshot(scope INTEGER, taken_at INTEGER, generation INTEGER NOT NULL, extractor INTEGER NOT NULL,
  record INTEGER NOT NULL, PRIMARY KEY(scope, taken_at)) WITHOUT ROWID;
CREATE TABLE quarantine(id INTEGER PRIMARY KEY, record INTEGER NOT NULL, scope INTEGER NOT NULL, locator TEXT NOT NULL,
  reason TEXT NOT NULL);
CREATE TABLE purge(id INTEGER PRIMARY KEY, reason TEXT NOT NULL, versions INTEGER NOT NULL);
CREATE TABLE tombstone(digest BLOB PRIMARY KEY, purge INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE ref(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, ref TEXT NOT NULL UNIQUE);
CREATE TABLE name(id INTEGER PRIMARY KEY, folded TEXT NOT NULL, name TEXT NOT NULL, UNIQUE(folded, name));
CREATE TABLE timeline(id INTEGER PRIMARY KEY, src INTEGER NOT NULL, type INTEGER NOT NULL, dst INTEGER NOT NULL,
  label INTEGER NOT NULL, scope INTEGER NOT NULL, extra TEXT NOT NULL, UNIQUE(src, type, dst, label, scope, extra));
CREATE INDEX timeline_dst ON timeline(dst, type, src, label, scope, extra) WHERE dst != 0;
CREATE TABLE scoped(scope INTEGER, timeline INTEGER, PRIMARY KEY(scope, timeline)) WITHOUT ROWID;
CREATE TABLE version(timeline INTEGER, valid_from INTEGER, recorded_at INTEGER, valid_to INTEGER NOT NULL,
  superseded_at INTEGER NOT NULL DEFAULT {OPEN}, flags INTEGER NOT NULL, stated_end INTEGER, observed_at INTEGER NOT NULL,
  extractor INTEGER NOT NULL, locator TEXT NOT NULL, url TEXT, body,
  PRIMARY KEY(timeline, valid_from, recorded_at)) WITHOUT ROWID;
CREATE TABLE body(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE passage(id INTEGER PRIMARY KEY, timeline INTEGER NOT NULL, hash BLOB NOT NULL, text BLOB NOT NULL,
  UNIQUE(timeline, hash));
CREATE INDEX passage_hash ON passage(hash);
CREATE TABLE change(at INTEGER, timeline INTEGER, change INTEGER NOT NULL, target INTEGER NOT NULL,
  PRIMARY KEY(at, timeline)) WITHOUT ROWID;
CREATE INDEX change_target ON change(target, at, change);
CREATE TABLE posting(field INTEGER, term TEXT, part INTEGER, entries BLOB NOT NULL, PRIMARY KEY(field, term, part))
  WITHOUT ROWID;
CREATE TABLE text_statistics(label INTEGER PRIMARY KEY, passages INTEGER NOT NULL, tokens INTEGER NOT NULL);
CREATE TABLE vector(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, data BLOB NOT NULL);

INSERT INTO symbol VALUES ({ENTITY_TYPE}, 'e', ''), ({CHANGED_TYPE}, 'r', 'CHANGED');
INSERT INTO meta VALUES ('salt', randomblob(16)), ('generation', 0);
"""


class SqliteFile:
    """Connections to one database, handed out one per use: many readers at once, one writer.

    A store in memory has a single connection, and everything on it takes turns.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.shown = str(path) if path is not None else "the store in memory"
        self._idle: list[sqlite3.Connection] = []
        self._lock = Lock()
        self._turn = RLock()
        self._closed = False
        self._memory: sqlite3.Connection | None = None
        with self.translated():
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._connect()
            try:
                self._prepare_patiently(connection)
            except BaseException:
                connection.close()
                raise
        if path is None:
            self._memory = connection
        else:
            self._idle.append(connection)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A connection inside a read transaction: everything read belongs to one moment."""
        with self.translated(), self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A connection inside the write transaction; committed at the end, rolled back on any error."""
        with self.translated():
            if not self._turn.acquire(timeout=BUSY_TIMEOUT_S):
                raise self._locked()
            try:
                with self._connection() as connection:
                    connection.execute("BEGIN IMMEDIATE")
                    try:
                        yield connection
                    except BaseException:
                        connection.rollback()
                        raise
                    try:
                        connection.commit()
                    except BaseException:
                        connection.rollback()
                        raise
            finally:
                self._turn.release()

    @contextmanager
    def outside(self) -> Generator[sqlite3.Connection]:
        """A connection outside any transaction, for pragmas."""
        with self.translated(), self._connection() as connection:
            yield connection

    def close(self) -> None:
        """Close every idle connection, and those in use when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._memory is not None:
            with self._turn:
                self._memory.close()

    @contextmanager
    def translated(self) -> Generator[None]:
        """Turn SQLite's errors into the store's."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._meaning(error) from error
        except OSError as error:
            raise StoreUnavailable(
                f"{self.shown} cannot be opened: {error.strerror}.", "Check the path and its permissions."
            ) from error

    @contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        if self._memory is not None:
            with self._turn:
                self._check_open()
                yield self._memory
            return
        with self._lock:
            self._check_open()
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._closed and not connection.in_transaction
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self.shown} is closed.", "Open the store again.")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            ":memory:" if self.path is None else self.path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        return connection

    def _prepare_patiently(self, connection: sqlite3.Connection) -> None:
        """Switching a new file to WAL does not wait for a lock by itself: two that open it at once need another try."""
        until = monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                return self._prepare(connection)
            except sqlite3.OperationalError as error:
                connection.rollback()
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                sleep(0.02)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Check what is in the file; lay it out when it is new."""
        if self._is_ours(connection):
            return
        connection.execute("PRAGMA page_size=8192")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        if not self._is_ours(connection):  # another process may have been faster
            for statement in LAYOUT.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.commit()

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether the file is laid out; False when it is empty. Raises `StoreIncompatible` for anything else."""
        tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            return False
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise StoreIncompatible(
                f"{self.shown} is a database of another program.",
                "Name another file in LORE_STORE; this one was not touched.",
            )
        if version != SCHEMA_VERSION:
            raise StoreIncompatible(
                f"{self.shown} was written by a newer infralore (layout {version}, this one knows {SCHEMA_VERSION}).",
                "Upgrade infralore, or name another file in LORE_STORE.",
            )
        return True

    def _meaning(self, error: sqlite3.Error) -> GraphError:
        code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self._locked()
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._no_room()):
            return StoreFull(
                f"There is no room to write {self.shown}.", "Free some space and run it again; nothing is half done."
            )
        if code == sqlite3.SQLITE_NOTADB:
            return StoreIncompatible(
                f"{self.shown} is not a database.", "Name another file in LORE_STORE; this one was not touched."
            )
        if code == sqlite3.SQLITE_CORRUPT:
            return StoreIncompatible(
                f"{self.shown} is damaged.", "Restore it from a backup, or remove it and ingest again."
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
            return StoreUnavailable(
                f"{self.shown} may not be written.", "Check the permissions of the file and its folder."
            )
        if code == sqlite3.SQLITE_CANTOPEN:
            return StoreUnavailable(f"{self.shown} cannot be opened.", "Check the path and its permissions.")
        return StoreUnavailable(f"{self.shown} cannot be used: {error}.", "Try again; if it stays, check the disk.")

    def _locked(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.shown} is locked by another writer.", "Wait until the other ingest has ended, then run it again."
        )

    def _no_room(self) -> bool:
        return self.path is not None and shutil.disk_usage(self.path.parent).free < 1024 * 1024
