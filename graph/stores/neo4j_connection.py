"""The connection to a Neo4j server: sessions, retries, and what its errors mean to a caller."""

# ruff: noqa: TID251 - the one module that imports the driver
from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from secrets import token_bytes
from time import monotonic, sleep
from typing import Any, LiteralString, TypeVar, cast

import neo4j
from neo4j import Driver, GraphDatabase, NotificationMinimumSeverity, Query, Session
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
)

from graph.errors import GraphError, StoreFull, StoreIncompatible, StoreUnavailable
from graph.schema import SCHEMA_VERSION
from graph.stores import cypher, url_without_password

T = TypeVar("T")
Rows = list[list[Any]]

CONNECTION_TIMEOUT_S = 3.0
ACQUISITION_TIMEOUT_S = 5.0
RETRY_WRITES_S = 12.0
"""How long a write is tried again after a lost connection: about what a restart takes."""
PUBLISH_TIMEOUT_S = 2.0
OLDEST_SERVER = (5, 15)


class Transaction:
    """An open write transaction."""

    def __init__(self, transaction: neo4j.Transaction) -> None:
        self._transaction = transaction

    def rows(self, text: str, **parameters: object) -> Rows:
        """Run a query to its end and return its rows."""
        result = self._transaction.run(cast(LiteralString, text), parameters)
        return [record.values() for record in result]

    def run(self, text: str, **parameters: object) -> None:
        """Run a query that returns nothing."""
        self._transaction.run(cast(LiteralString, text), parameters).consume()


class Connection:
    """A server and one of its databases. Thread-safe.

    Reads are single queries: every one carries the record it sees, so that no transaction around several is needed.
    """

    def __init__(self, url: str, user: str | None, password: str | None, database: str | None) -> None:
        self.url = url
        self.shown = f"Neo4j at {url_without_password(url)}"
        self._database = database
        self._closed = False
        auth = (user or "neo4j", password) if password is not None else None
        with self.translated():
            # The driver's own retries are not used: they wait too long for a server that is not there.
            self._driver: Driver = GraphDatabase.driver(  # pyright: ignore[reportUnknownMemberType]
                url,
                auth=auth,
                notifications_min_severity=NotificationMinimumSeverity.OFF,
                connection_timeout=CONNECTION_TIMEOUT_S,
                connection_acquisition_timeout=ACQUISITION_TIMEOUT_S,
                user_agent="infralore",
            )
        self._bookmarks = GraphDatabase.bookmark_manager()
        try:
            self._prepare()
        except BaseException:
            self._driver.close()
            raise

    def read(self, text: str, parameters: Mapping[str, object], timeout_s: float | None = None) -> Rows:
        """The rows of one query. With a timeout the server gives up after it: `TimeUp`."""
        query = Query(cast(LiteralString, text), timeout=timeout_s)
        with self.translated():
            try:
                return self._read(query, parameters)
            except (DriverError, Neo4jError) as error:
                if not error.is_retryable() or self._closed:
                    raise
                return self._read(query, parameters)  # a pooled connection that died since: a fresh one may do

    def write(self, work: Callable[[Transaction], T], *, again: bool = True, timeout_s: float | None = None) -> T:
        """Run `work` in a transaction and commit. With `again` it is repeated when the connection was lost: it must be idempotent."""
        until = monotonic() + (RETRY_WRITES_S if again else 0.0)
        pause_s = 0.1
        with self.translated():
            while True:
                try:
                    with (
                        self._session(neo4j.WRITE_ACCESS) as session,
                        session.begin_transaction(timeout=timeout_s) as transaction,
                    ):
                        result = work(Transaction(transaction))
                        transaction.commit()
                    return result
                except (DriverError, Neo4jError) as error:
                    if not _passes(error) or self._closed or monotonic() + pause_s > until:
                        raise
                sleep(pause_s)
                pause_s = min(pause_s * 2, 2.0)

    def define(self, text: str, **parameters: object) -> None:
        """Run one schema statement, or one write that may be repeated, by itself."""
        self.write(lambda transaction: transaction.run(text, **parameters))

    def published(self) -> int:
        """The last record that readers see.

        A writer publishes a record after its commit has come to its end: while one is applied, parts of it can be seen.
        When it was killed in between, the next one to ask publishes; it first waits for the lock of whoever writes now.
        """
        record, published = self.read(cypher.GAP, {})[0]
        if published < record:
            with suppress(TimeUp):
                self.write(_publish, timeout_s=PUBLISH_TIMEOUT_S)
            published = self.read(cypher.GAP, {})[0][1]
        return int(published)

    def close(self) -> None:
        """Close all connections. Further calls raise `StoreUnavailable`."""
        self._closed = True
        self._driver.close()

    def _read(self, query: Query, parameters: Mapping[str, object]) -> Rows:
        with self._session(neo4j.READ_ACCESS) as session:
            return [record.values() for record in session.run(query, dict(parameters))]

    def _session(self, access: str) -> Session:
        if self._closed:
            raise StoreUnavailable(f"{self.shown} is closed.", "Open the store again.")
        return self._driver.session(  # pyright: ignore[reportUnknownMemberType]
            database=self._database,
            default_access_mode=access,
            fetch_size=-1,
            bookmark_manager=self._bookmarks,
        )

    # -- opening

    def _prepare(self) -> None:
        """Check who is there; lay the store out when the database has none."""
        with self.translated():
            self._check_version(self._driver.get_server_info().agent)  # pyright: ignore[reportUnknownMemberType]
        if not self._is_laid_out():
            there = {name for (name,) in self.read(cypher.SCHEMA_NAMES, {})}
            for name, statement in cypher.SCHEMA.items():
                if name not in there:
                    self.define(statement)
            self.define(cypher.CREATE_CLOCK, schema_version=SCHEMA_VERSION, salt=token_bytes(16))
            self.read(cypher.AWAIT_INDEXES, {})
            self._is_laid_out()

    def _is_laid_out(self) -> bool:
        rows = self.read(cypher.READ_CLOCK, {})
        if not rows:
            return False
        version = rows[0][0]
        if version != SCHEMA_VERSION:
            raise StoreIncompatible(
                f"{self.shown} was written by a newer infralore (layout {version}, this one knows {SCHEMA_VERSION}).",
                "Upgrade infralore, or name another database in NEO4J_DATABASE.",
            )
        return True

    def _check_version(self, agent: str) -> None:
        found = re.fullmatch(r"Neo4j/(\d+)\.(\d+).*", agent)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_SERVER:
            wanted = ".".join(map(str, OLDEST_SERVER))
            raise StoreIncompatible(f"{self.shown} is {agent}; {wanted} or newer is needed.", "Run Neo4j 5.26 LTS.")

    # -- errors

    @contextmanager
    def translated(self) -> Generator[None]:
        """Turn the driver's errors into the store's."""
        try:
            yield
        except (DriverError, Neo4jError) as error:
            raise self._meaning(error) from error
        except (OSError, ValueError) as error:
            if isinstance(error, UnicodeError):
                raise
            raise StoreUnavailable(f"{self.shown} cannot be used: {_first_line(error)}.", _CHECK_URL) from error

    def _meaning(self, error: DriverError | Neo4jError) -> GraphError:
        if self._closed:
            return StoreUnavailable(f"{self.shown} is closed.", "Open the store again.")
        if isinstance(error, AuthError):
            return StoreUnavailable(
                f"{self.shown} does not accept this user and password.",
                "Check NEO4J_USERNAME and NEO4J_PASSWORD.",
            )
        if isinstance(error, ConfigurationError):
            return StoreIncompatible(f"{self.shown} cannot be addressed: {_first_line(error)}.", _CHECK_URL)
        if isinstance(error, ServiceUnavailable | DriverError):
            return StoreUnavailable(
                f"{self.shown} cannot be reached, or the connection was lost.",
                "Start it (docker compose up neo4j) or correct NEO4J_URI, then run it again: nothing is half done.",
            )
        code, message = error.code or "", error.message or ""
        if "TransactionTimedOut" in code:
            return TimeUp(f"{self.shown} did not finish in time.", "Ask for less, or again when it is less busy.")
        if _is_out_of_memory(code):
            return StoreFull(
                f"{self.shown} has not enough memory for this.",
                "Raise server.memory.heap.max_size and dbms.memory.transaction.total.max, then run it again.",
            )
        if "No space left" in message or "disk" in message.lower():
            return StoreFull(
                f"There is no room to write in {self.shown}.", "Free some space and run it again; nothing is half done."
            )
        if "ProcedureCallFailed" in code:
            return ProcedureFailed(f"{self.shown} cannot use one of its indexes just now.", "Try again in a minute.")
        if "DatabaseNotFound" in code:
            return StoreUnavailable(
                f"{self.shown} has no database {self._database}.", "Correct NEO4J_DATABASE, or create it."
            )
        if isinstance(error, ClientError) and ("Security" in code or "Forbidden" in code):
            return StoreUnavailable(f"{self.shown} does not allow this: {code}.", "Use a user that may write.")
        return StoreUnavailable(f"{self.shown} cannot be used just now ({code or type(error).__name__}).", "Try again.")


def _passes(error: DriverError | Neo4jError) -> bool:
    """Whether trying again may help; after an answer that was lost it must be tried to know."""
    if isinstance(error, Neo4jError):
        return error.is_retryable() and not _is_out_of_memory(error.code or "")
    return error.is_retryable() or isinstance(error, IncompleteCommit)


def _is_out_of_memory(code: str) -> bool:
    return "OutOfMemory" in code or "MemoryPool" in code


class TimeUp(StoreUnavailable):
    """A query took longer than its caller allows."""


class ProcedureFailed(StoreUnavailable):
    """An index is not there, or not filled yet."""


def _publish(transaction: Transaction) -> None:
    transaction.run(cypher.LOCK_CLOCK)
    transaction.run(cypher.PUBLISH_ALL)


_CHECK_URL = "Correct NEO4J_URI; it looks like neo4j://host:7687."


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def batched(rows: Sequence[T], size: int) -> Generator[Sequence[T]]:
    """The rows in runs of at most `size`."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
