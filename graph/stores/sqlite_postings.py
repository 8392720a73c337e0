"""The one index of words: which refs have a property's value, which names and which passages hold a token.

A posting list is cut into parts by the number it lists (`PART` numbers each), so that adding to a word that stands
everywhere rewrites a few kilobytes. Entries are packed and only ever appended; `remove` is for purge. A list may name what
is not visible or no longer true: readers look at each hit again in their view.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from struct import Struct
from typing import Any

from graph.bm25 import ENTRY

REF_ENTRY = Struct("<I")
"""A ref that had a property's value at some time."""
NAME_ENTRY = Struct("<IH")
"""A name that holds a token, and its length in characters."""
TEXT_ENTRY = ENTRY
"""A passage that holds a token (`graph.bm25`). The field of texts is their label's symbol."""

PART = 2_048
EVERY = ""
"""The term under which all refs of a kind are listed."""
NAME_FIELD = "name"


def property_field(kind: str, name: str) -> str:
    """The field of a property's values."""
    return f"p\x1f{kind}\x1f{name}"


def every_field(kind: str) -> str:
    """The field of all refs of a kind."""
    return f"k\x1f{kind}"


class Postings:
    """Entries that a write transaction adds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._added: dict[tuple[int, str, int], list[bytes]] = {}
        self._once = set[tuple[int, str, int]]()

    def add(self, field: int, term: str, number: int, entry: bytes) -> None:
        """List `number` under a term."""
        key = (field, term, number // PART)
        entries = self._added.get(key)
        if entries is None:
            self._added[key] = [entry]
        else:
            entries.append(entry)

    def add_once(self, field: int, term: str, number: int, entry: bytes) -> None:
        """List `number` under a term unless this transaction did."""
        key = (field, term, number)
        if key not in self._once:
            self._once.add(key)
            self.add(field, term, number, entry)

    def flush(self) -> None:
        """Write what was added, in key order."""
        self._connection.executemany(
            "INSERT INTO posting VALUES (?,?,?,?) ON CONFLICT(field, term, part)"
            " DO UPDATE SET entries=CAST(entries || excluded.entries AS BLOB)",
            [(*key, b"".join(entries)) for key, entries in sorted(self._added.items())],
        )
        self._added.clear()


def posting(connection: sqlite3.Connection, field: int, term: str) -> bytes:
    """All entries of a term in a field."""
    rows: list[tuple[bytes]] = connection.execute(
        "SELECT entries FROM posting WHERE field=? AND term=? ORDER BY part", (field, term)
    ).fetchall()
    return rows[0][0] if len(rows) == 1 else b"".join(row[0] for row in rows)


def size_bytes(connection: sqlite3.Connection, field: int, term: str) -> int:
    """How long a term's list is."""
    size: int = connection.execute(
        "SELECT coalesce(sum(length(entries)), 0) FROM posting WHERE field=? AND term=?", (field, term)
    ).fetchone()[0]
    return size


def entries(connection: sqlite3.Connection, field: int, term: str, passages: Sequence[int]) -> bytes:
    """The entries of these passages in a term's list of texts; lists ascend, so each is found by bisection."""
    parts: dict[int, list[int]] = {}
    for passage in passages:
        parts.setdefault(passage // PART, []).append(passage)
    found: list[bytes] = []
    for part, wanted in sorted(parts.items()):
        row = connection.execute(
            "SELECT entries FROM posting WHERE field=? AND term=? AND part=?", (field, term, part)
        ).fetchone()
        if row is None:
            continue
        listed = _Listed(row[0])
        for passage in sorted(wanted):
            at = bisect_left(listed, passage)
            if at < len(listed) and listed[at] == passage:
                found.append(listed.entry(at))
    return b"".join(found)


class _Listed(Sequence[int]):
    """The passages of one part of a list of texts."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data) // TEXT_ENTRY.size

    def __getitem__(self, index: Any) -> Any:
        return TEXT_ENTRY.unpack_from(self._data, index * TEXT_ENTRY.size)[0]

    def entry(self, index: int) -> bytes:
        """The packed entry at an index."""
        return self._data[index * TEXT_ENTRY.size : (index + 1) * TEXT_ENTRY.size]


def remove(connection: sqlite3.Connection, field: int, term: str, number: int, entry: Struct) -> None:
    """Take a number out of a term's list; the term itself goes with its last entry."""
    key = (field, term, number // PART)
    row = connection.execute("SELECT entries FROM posting WHERE field=? AND term=? AND part=?", key).fetchone()
    if row is None:
        return
    data: bytes = row[0]
    kept = b"".join(
        data[at : at + entry.size] for at in range(0, len(data), entry.size) if entry.unpack_from(data, at)[0] != number
    )
    if not kept:
        connection.execute("DELETE FROM posting WHERE field=? AND term=? AND part=?", key)
    elif len(kept) != len(data):
        connection.execute("UPDATE posting SET entries=? WHERE field=? AND term=? AND part=?", (kept, *key))
