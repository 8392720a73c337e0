"""Full text and vectors over visible passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from graph.bm25 import query_terms, ranked
from graph.cosine import check_stamp, nearest, pack_vector
from graph.labels import readable
from graph.model import EntityRef
from graph.store import Limits, Page, TextHit
from graph.stores import cypher
from graph.stores.neo4j_connection import Connection, ProcedureFailed, TimeUp, Transaction, batched
from graph.stores.neo4j_read import Reading, storable
from graph.stores.neo4j_texts import posting_term
from graph.views import provenance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEW_VECTORS = 200
"""Up to so many vectors, all are compared; beyond, the server's index is asked first."""
MOST_NEAREST = 1_000
"""Most neighbours the index is asked for."""
VECTORS_AT_ONCE = 500

_Found = tuple[EntityRef, str, str, str, str, TextHit]
"""A hit with what equal scores are ordered by: (ref, slot, source, scope, label, hit)."""


def search_text(reading: Reading, query: str, limits: Limits, kinds: Sequence[str]) -> Page[TextHit]:
    """BM25 over the passages the audience may read; those that hold in the view are returned, best first."""
    labels = {label: statistics for label, *statistics in reading.rows(cypher.LABELS)}
    chosen = sorted(labels[label] for label in readable(labels, reading.view.audience))
    passages, tokens = sum(one[1] for one in chosen), sum(one[2] for one in chosen)
    terms = [term for term in query_terms(query) if storable(term)]
    keys = [posting_term(number, term) for term in terms for number, _, _ in chosen]
    parts: dict[str, list[tuple[int, bytes]]] = {key: [] for key in keys}
    try:
        for key, part, entries in reading.rows(cypher.POSTINGS_OF, until=monotonic() + limits.deadline_s, terms=keys):
            parts[key].append((part, entries))
    except TimeUp:
        return Page((), cut=True)
    lists = [
        b"".join(entries for number, _, _ in chosen for _, entries in sorted(parts[posting_term(number, term)]))
        for term in terms
    ]
    return _first_hits(reading, ranked(lists, passages, tokens), limits, kinds)


def passages(reading: Reading, refs: Sequence[EntityRef]) -> tuple[TextHit, ...]:
    """Every visible passage of these (joined) refs, ordered by (ref, slot)."""
    rows = reading.rows(cypher.PASSAGES_OF, ids=list(reading.members(refs)))
    found = _read(reading, {number: 1.0 for (number,) in rows}, ())
    return tuple(hit[5] for hit in sorted((hit for hits in found.values() for hit in hits), key=lambda hit: hit[:5]))


def _first_hits(
    reading: Reading, groups: Iterable[tuple[float, list[int]]], limits: Limits, kinds: Sequence[str]
) -> Page[TextHit]:
    """The first hits in the view of passages by descending score; equal scores by (ref, slot)."""
    until = monotonic() + limits.deadline_s
    hits: list[TextHit] = []
    for batch in _batched(groups, limits.rows + 1):
        if monotonic() >= until:
            return Page(tuple(hits[: limits.rows]), cut=True)
        found = _read(reading, {number: score for score, numbers in batch for number in numbers}, kinds)
        for _, numbers in batch:
            tied = sorted((hit for number in numbers for hit in found.get(number, ())), key=lambda hit: hit[:5])
            hits.extend(hit[5] for hit in tied)
        if len(hits) > limits.rows:
            break
    return Page(tuple(hits[: limits.rows]), len(hits) > limits.rows)


def _batched(groups: Iterable[tuple[float, list[int]]], wanted: int) -> Iterator[list[tuple[float, list[int]]]]:
    batch: list[tuple[float, list[int]]] = []
    size = 0
    for score, numbers in groups:
        batch.append((score, numbers))
        size += len(numbers)
        if size >= wanted:
            yield batch
            batch, size, wanted = [], 0, max(wanted, 500)
    if batch:
        yield batch


def _read(reading: Reading, scores: Mapping[int, float], kinds: Sequence[str]) -> dict[int, list[_Found]]:
    """Visible hits by passage number."""
    rows = reading.rows(cypher.HITS_BY_NUMBER, keys=list(scores))
    reading.prefetch((timeline, values) for _, _, _, _, _, timeline, *values in rows)
    found: dict[int, list[_Found]] = {}
    seen = set[tuple[int, int]]()
    for number, ref_text, slot, label, scope, timeline, *values in rows:
        ref = EntityRef(ref_text)
        if kinds and ref.kind not in kinds:
            continue
        row = reading.row(timeline, values)
        if (number, row.valid_from) in seen:
            continue
        seen.add((number, row.valid_from))
        source, of = reading.scopes[scope]
        slot = slot or ""
        hit = TextHit(ref, slot, values[3] or "", scores[number], row.valid_from, provenance(row, source, of))
        found.setdefault(number, []).append((ref, slot, source, of, label, hit))
    return found


# -- vectors


def put_vectors(connection: Connection, embedder: str, vectors: Sequence[tuple[str, Sequence[float]]]) -> None:
    """Store vectors, all or none, and the index they are found by. Raises `EmbedderMismatch` and `ValueError`."""
    rows = [[bytes.fromhex(key).hex(), pack_vector(vector), list(map(float, vector))] for key, vector in vectors]
    dimension = len(vectors[0][1]) if vectors else None

    def write(transaction: Transaction) -> None:
        transaction.run(cypher.LOCK_CLOCK)
        stamped = _stamped(transaction.rows(cypher.STAMP)[0])
        check_stamp(stamped, embedder, None)
        for _, vector in vectors:
            check_stamp(stamped or (embedder, dimension or 0), embedder, len(vector))
        if stamped is None and dimension is not None:
            transaction.run(cypher.SET_STAMP, embedder=embedder, dimension=dimension)
        for some in batched(rows, VECTORS_AT_ONCE):
            transaction.run(cypher.WRITE_VECTORS, rows=some)

    connection.write(write)
    if dimension is not None:
        _ensure_index(connection, dimension)


def _ensure_index(connection: Connection, dimension: int) -> None:
    """Make the server's index of vectors, where there is none of this dimension yet."""
    there = connection.read(cypher.VECTOR_INDEX_DIMENSION, {})
    if there == [[dimension]]:
        return
    if there:
        connection.define(cypher.DROP_VECTOR_INDEX)  # of another store that this database held
    options = {
        "indexConfig": {
            "vector.dimensions": dimension,
            "vector.similarity_function": "cosine",
            "vector.quantization.enabled": False,
        }
    }
    connection.define(cypher.VECTOR_INDEX, options=options)
    connection.read(cypher.AWAIT_INDEXES, {})


def stamp_of(connection: Connection) -> tuple[str, int] | None:
    """(embedder, dimension) of the store's vectors, None before the first."""
    return _stamped(connection.read(cypher.STAMP, {})[0])


def _stamped(row: Sequence[object]) -> tuple[str, int] | None:
    embedder, dimension, *_ = row
    return (embedder, dimension) if isinstance(embedder, str) and isinstance(dimension, int) else None


class Vectors:
    """The vectors of one store in memory, for reads that the server's index cannot serve. Shared by all threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()
        self._generation = -1
        self._places: dict[str, int] = {}
        self._matrix: NDArray[np.float32] | None = None

    def search(
        self, reading: Reading, embedder: str, vector: Sequence[float], limits: Limits, kinds: Sequence[str]
    ) -> Page[TextHit]:
        """The passages in the view by cosine. Raises `EmbedderMismatch`."""
        row = self._connection.read(cypher.STAMP, {})[0]
        stamped = _stamped(row)
        check_stamp(stamped, embedder, len(vector))
        if stamped is None:
            return Page(())
        reading.pin(row[2])
        generation, count = row[4], row[5]
        chosen = [kind for kind in kinds if storable(kind)] if kinds else None
        try:
            until = monotonic() + limits.deadline_s
            if count > FEW_VECTORS and limits.rows * 4 < MOST_NEAREST and any(vector):
                found = self._indexed(reading, vector, limits.rows, chosen, until)
                if found is not None and len(found[1]) > limits.rows:
                    return _first_hits(reading, nearest(*found, vector, limits.rows + 1), limits, kinds)
            matrix, numbers, rows = self._all(reading, stamped[1], generation, chosen, until)
        except TimeUp:
            return Page((), cut=True)
        return _first_hits(reading, nearest(matrix, numbers, vector, limits.rows + 1, rows), limits, kinds)

    def _indexed(
        self, reading: Reading, vector: Sequence[float], rows: int, kinds: list[str] | None, until: float
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
        """Vectors and passage numbers of what is visible among the nearest by the server's index; None when it is not ready."""
        import numpy as np

        count = min(max(8 * (rows + 1), 100), MOST_NEAREST)
        query = list(map(float, vector))
        try:
            found = reading.rows(cypher.NEAREST, until=until, count=count, vector=query, kinds=kinds)
        except ProcedureFailed:
            return None
        matrix = np.frombuffer(b"".join(data for _, _, data in found), dtype="<f4").reshape(-1, len(vector))
        return matrix, np.array([number for number, _, _ in found], dtype=np.int64)

    def _all(
        self, reading: Reading, dimension: int, generation: int, kinds: list[str] | None, until: float
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """All vectors, and of all that is visible the passage numbers and their rows."""
        import numpy as np

        places, matrix = self._loaded(dimension, generation)
        found = [
            (number, places[key])
            for number, key in reading.rows(cypher.VISIBLE_VECTORS, until=until, kinds=kinds)
            if key in places
        ]
        rows = np.array([place for _, place in found], dtype=np.int64)
        return matrix, np.array([number for number, _ in found], dtype=np.int64), rows

    def _loaded(self, dimension: int, generation: int) -> tuple[dict[str, int], NDArray[np.float32]]:
        import numpy as np

        with self._lock:
            if self._matrix is None or self._generation != generation:
                rows = self._connection.read(cypher.ALL_VECTORS, {})
                self._places = {key: place for place, (key, _) in enumerate(rows)}
                self._matrix = np.frombuffer(b"".join(data for _, data in rows), dtype="<f4").reshape(-1, dimension)
                self._generation = generation
            return self._places, self._matrix


def missing_vectors(reading: Reading, limits: Limits) -> Page[tuple[str, str]]:
    """(content hash, text) of current passages without a vector, newest first."""
    rows = reading.rows(cypher.MISSING_VECTORS, rows=min(limits.rows, 10**9) + 1)
    found = tuple((str(key), str(text)) for key, text in rows)
    return Page(found[: limits.rows], len(found) > limits.rows)
