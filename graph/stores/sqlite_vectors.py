"""Vectors by content hash, and the nearest among visible passages; the matrix is kept between reads while nothing changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from graph.cosine import check_stamp, nearest, pack_vector
from graph.store import Limits, Page, TextHit
from graph.stores.sqlite_read import Reading
from graph.stores.sqlite_symbols import KIND
from graph.stores.sqlite_text import first_hits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def stamp(connection: sqlite3.Connection) -> tuple[str, int] | None:
    """(embedder, dimension) of the store's vectors, None before the first."""
    rows = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('embedder', 'dimension')").fetchall())
    return (rows["embedder"], rows["dimension"]) if "embedder" in rows else None


def put_vectors(connection: sqlite3.Connection, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
    """Store vectors inside the open write transaction."""
    stamped = stamp(connection)
    check_stamp(stamped, embedder, None)
    rows: list[tuple[bytes, bytes]] = []
    for content_hash, vector in vectors:
        dimension = len(vector)
        check_stamp(stamped, embedder, dimension)
        if stamped is None:
            stamped = (embedder, dimension)
            connection.executemany("INSERT INTO meta VALUES (?,?)", [("embedder", embedder), ("dimension", dimension)])
        rows.append((bytes.fromhex(content_hash), pack_vector(vector)))
    rows.sort()
    connection.executemany(
        "INSERT INTO vector(hash, data) VALUES (?,?) ON CONFLICT(hash) DO UPDATE SET data=excluded.data", rows
    )
    connection.execute("UPDATE meta SET value=value+1 WHERE key='generation'")


class Vectors:
    """The vectors of one store in memory, shared by all threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._generation = -1
        self._loaded: _Loaded | None = None

    def search(
        self, reading: Reading, embedder: str, vector: Sequence[float], limits: Limits, kinds: Sequence[str]
    ) -> Page[TextHit]:
        """The passages in the view by cosine. Raises `EmbedderMismatch`."""
        stamped = stamp(reading.connection)
        check_stamp(stamped, embedder, len(vector))
        if stamped is None:
            return Page(())
        loaded = self._current(reading.connection, stamped[1])
        rows, passages = loaded.candidates(reading, kinds)
        hits = nearest(loaded.matrix, passages, vector, limits.rows + 1, rows)
        return first_hits(reading, hits, limits, kinds)

    def _current(self, connection: sqlite3.Connection, dimension: int) -> _Loaded:
        generation: int = connection.execute("SELECT value FROM meta WHERE key='generation'").fetchone()[0]
        with self._lock:
            if self._loaded is None or self._generation != generation:
                self._loaded = _Loaded(connection, dimension)
                self._generation = generation
            return self._loaded


class _Loaded:
    """Every version of every passage that has a vector, column by column."""

    def __init__(self, connection: sqlite3.Connection, dimension: int) -> None:
        import numpy as np

        numbers: dict[int, int] = {}
        blobs: list[bytes] = []
        for number, data in connection.execute("SELECT id, data FROM vector ORDER BY id"):
            numbers[number] = len(blobs)
            blobs.append(data)
        self.matrix: NDArray[np.float32] = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, dimension)
        rows = connection.execute(
            "SELECT x.id, p.id, t.label, r.kind, v.valid_from, v.valid_to, v.recorded_at, v.superseded_at"
            " FROM vector x CROSS JOIN passage p CROSS JOIN timeline t CROSS JOIN ref r CROSS JOIN version v"
            " WHERE p.hash=x.hash AND t.id=p.timeline AND r.id=t.src AND v.timeline=p.timeline AND v.body=p.id"
            " AND v.flags&3=1 ORDER BY x.id, p.id"
        ).fetchall()
        table = np.array(rows, dtype=np.int64).reshape(-1, 8)
        self.row = np.array([numbers[int(number)] for number in table[:, 0]], dtype=np.int64)
        self.passage, self.label, self.kind = table[:, 1], table[:, 2], table[:, 3]
        self.valid_from, self.valid_to = table[:, 4], table[:, 5]
        self.recorded_at, self.superseded_at = table[:, 6], table[:, 7]

    def candidates(self, reading: Reading, kinds: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the matrix and passage numbers of what the reader sees, each passage once."""
        import numpy as np

        seen = (self.recorded_at <= reading.record) & (self.superseded_at > reading.record)
        seen &= self.valid_to > reading.moment
        if reading.view.as_of is not None:
            seen &= self.valid_from <= reading.moment
        seen &= np.isin(self.label, np.array(sorted(reading.labels), dtype=np.int64))
        if kinds:
            known = [reading.symbols.id(reading.connection, KIND, kind) for kind in kinds]
            seen &= np.isin(self.kind, np.array([number for number in known if number is not None], dtype=np.int64))
        rows, passages = self.row[seen], self.passage[seen]
        if len(passages) > 1:
            first = np.ones(len(passages), dtype=bool)
            first[1:] = passages[1:] != passages[:-1]
            rows, passages = rows[first], passages[first]
        return rows, passages
