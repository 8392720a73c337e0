"""Texts that got a number: labels, types, kinds, extractors and index fields."""

from __future__ import annotations

import sqlite3

LABEL, KIND, EXTRACTOR, FIELD = "l", "k", "x", "f"
"""Sorts of symbols, beside the fact forms of `graph.rows`, whose symbols are types."""


class Symbols:
    """The committed symbols, cached: they are few and never change."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}
        self._texts: dict[int, str] = {}
        self._newest = 0

    def id(self, connection: sqlite3.Connection, sort: str, text: str) -> int | None:
        """The number of a text, or None when it has none. Not for a transaction that adds symbols."""
        found = self._ids.get((sort, text))
        if found is None:
            self._load(connection)
            found = self._ids.get((sort, text))
        return found

    def text(self, connection: sqlite3.Connection, number: int) -> str:
        """The text of a number."""
        text = self._texts.get(number)
        if text is None:
            self._load(connection)
            text = self._texts[number]
        return text

    def all(self, connection: sqlite3.Connection, sort: str) -> dict[str, int]:
        """All texts of a sort with their numbers."""
        self._load(connection)
        return {text: number for (of, text), number in self._ids.copy().items() if of == sort}

    def known(self, sort: str, text: str) -> int | None:
        """The number of a text if it is in the cache."""
        return self._ids.get((sort, text))

    def _load(self, connection: sqlite3.Connection) -> None:
        newest = self._newest
        for number, sort, text in connection.execute("SELECT id, sort, text FROM symbol WHERE id > ?", (newest,)):
            self._texts[number] = text
            self._ids[(sort, text)] = number
            newest = max(newest, number)
        self._newest = newest


class NewSymbols:
    """The symbols that an open write transaction uses and adds; forgotten when it is rolled back."""

    def __init__(self, committed: Symbols, connection: sqlite3.Connection) -> None:
        self._committed = committed
        self._connection = connection
        self._own: dict[tuple[str, str], int] = {}

    def id(self, sort: str, text: str) -> int:
        """The number of a text; a new one if it had none."""
        number = self._own.get((sort, text))
        if number is None:
            number = self._committed.known(sort, text) or self._stored(sort, text)
            self._own[(sort, text)] = number
        return number

    def _stored(self, sort: str, text: str) -> int:
        row = self._connection.execute("SELECT id FROM symbol WHERE sort=? AND text=?", (sort, text)).fetchone()
        if row is None:
            row = self._connection.execute(
                "INSERT INTO symbol(sort, text) VALUES (?, ?) RETURNING id", (sort, text)
            ).fetchone()
        number: int = row[0]
        return number
