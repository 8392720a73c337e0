"""Full text over visible passages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from graph.bm25 import best, query_terms
from graph.model import EntityRef
from graph.rows import PASSAGE, decode_text
from graph.store import Limits, Page, TextHit
from graph.stores.sqlite_postings import TEXT_ENTRY, entries, posting, size_bytes
from graph.stores.sqlite_read import ROW, Reading, numbers
from graph.views import provenance

_COLUMNS = f"p.id, r.ref, y.text, p.text, t.label, t.scope, {ROW.replace('coalesce(b.data, v.body)', 'p.text')}"
Found = tuple[EntityRef, str, str, str, str, TextHit]
"""A hit with what equal scores are ordered by: (ref, slot, source, scope, label, hit)."""


def search_text(reading: Reading, query: str, limits: Limits, kinds: Sequence[str]) -> Page[TextHit]:
    """BM25 over the passages the audience may read; those that hold in the view are returned, best first."""
    labels = sorted(reading.labels)
    connection = reading.connection
    passages, tokens = connection.execute(
        "SELECT coalesce(sum(s.passages), 0), coalesce(sum(s.tokens), 0) FROM json_each(?) n CROSS JOIN text_statistics s"
        " WHERE s.label=n.value",
        (numbers(labels),),
    ).fetchone()
    try:
        terms = [_Term(connection, labels, term) for term in query_terms(query)]
    except UnicodeEncodeError:  # no stored text is like that
        return Page(())
    return first_hits(reading, best(terms, passages, tokens, limits.rows + 1), limits, kinds)


def passages(reading: Reading, refs: Iterable[int]) -> tuple[TextHit, ...]:
    """Every visible passage of these refs, ordered by (ref, slot)."""
    rows = reading.select(
        f"SELECT {_COLUMNS} FROM json_each(?3) n CROSS JOIN timeline t CROSS JOIN symbol y CROSS JOIN version v"
        f" CROSS JOIN passage p CROSS JOIN ref r WHERE t.src=n.value AND {reading.permitted} AND y.id=t.type"
        f" AND y.sort='{PASSAGE}' AND v.timeline=t.id AND {reading.visible} AND p.id=v.body AND r.id=t.src",
        numbers(refs),
    ).fetchall()
    found = _found(reading, rows, {})
    return tuple(hit[5] for hit in sorted((hit for hits in found.values() for hit in hits), key=lambda hit: hit[:5]))


class _Term:
    """The postings of a term in the readable labels (`graph.bm25.TermPostings`)."""

    def __init__(self, connection: sqlite3.Connection, labels: Sequence[int], term: str) -> None:
        self._connection = connection
        self._term = term
        sizes = [(label, size_bytes(connection, label, term)) for label in labels]
        self._labels = [label for label, size in sizes if size]
        self.holding = sum(size for _, size in sizes) // TEXT_ENTRY.size

    def all(self) -> bytes:
        """Every entry."""
        return b"".join(posting(self._connection, label, self._term) for label in self._labels)

    def of(self, passages: Sequence[int]) -> bytes:
        """The entries of these passages only."""
        return b"".join(entries(self._connection, label, self._term, passages) for label in self._labels)


def first_hits(
    reading: Reading, groups: Iterable[tuple[float, list[int]]], limits: Limits, kinds: Sequence[str]
) -> Page[TextHit]:
    """The first hits in the view of passages by descending score; equal scores by (ref, slot)."""
    until = monotonic() + limits.deadline_s
    hits: list[TextHit] = []
    for batch in _batched(groups, limits.rows + 1):
        if monotonic() >= until:
            return Page(tuple(hits[: limits.rows]), cut=True)
        found = _read(reading, batch, kinds)
        for _, ids in batch:
            tied = sorted((hit for number in ids for hit in found.get(number, ())), key=lambda hit: hit[:5])
            hits.extend(hit[5] for hit in tied)
        if len(hits) > limits.rows:
            break
    return Page(tuple(hits[: limits.rows]), len(hits) > limits.rows)


def _batched(groups: Iterable[tuple[float, list[int]]], wanted: int) -> Iterator[list[tuple[float, list[int]]]]:
    batch: list[tuple[float, list[int]]] = []
    size = 0
    for score, ids in groups:
        batch.append((score, ids))
        size += len(ids)
        if size >= wanted:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read(reading: Reading, batch: Sequence[tuple[float, list[int]]], kinds: Sequence[str]) -> dict[int, list[Found]]:
    """Visible hits by passage number."""
    scores = {number: score for score, ids in batch for number in ids}
    rows = reading.select(
        f"SELECT {_COLUMNS} FROM json_each(?3) n CROSS JOIN passage p CROSS JOIN timeline t CROSS JOIN version v CROSS JOIN ref r"
        f" CROSS JOIN symbol y WHERE p.id=n.value AND t.id=p.timeline AND {reading.permitted}"
        f" AND v.timeline=t.id AND v.body=p.id AND {reading.visible} AND r.id=t.src AND {reading.kinds(kinds)}"
        " AND y.id=t.type",
        numbers(scores),
    ).fetchall()
    return _found(reading, rows, scores)


def _found(reading: Reading, rows: Sequence[tuple[Any, ...]], scores: Mapping[int, float]) -> dict[int, list[Found]]:
    """Hits by passage number, of rows of `_COLUMNS`; without a score theirs is 1."""
    found: dict[int, list[Found]] = {}
    seen = set[tuple[int, int]]()
    for number, ref, slot, text, label, scope, *columns in rows:
        row = reading.row(tuple(columns), passage=True)
        if (number, row.valid_from) in seen:
            continue
        seen.add((number, row.valid_from))
        source, of = reading.catalogue.scope(reading.connection, scope)
        hit = TextHit(
            EntityRef(ref),
            slot,
            decode_text(text),
            scores.get(number, 1.0),
            row.valid_from,
            provenance(row, source, of),
        )
        found.setdefault(number, []).append((hit.ref, slot, source, of, reading.label(label), hit))
    return found
