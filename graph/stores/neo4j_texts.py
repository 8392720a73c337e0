"""Passages on their way in: each different text of a timeline gets a number, postings, and its label's statistics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from graph.bm25 import ENTRY, passage_terms
from graph.merge import Row
from graph.rows import TimelineKey
from graph.stores import cypher
from graph.stores.neo4j_connection import Transaction, batched
from graph.stores.neo4j_rows import node_key, version_values

PART = 1_024
"""Numbers a part of a posting list covers, so that a word that stands everywhere rewrites a few kilobytes."""
ROWS = 5_000


def posting_term(label: int, token: str) -> str:
    """What a token's postings under a label (by its number) are found by."""
    return f"{label}\x1f{token}"


class NewTexts:
    """The texts that one transaction adds."""

    def __init__(self, transaction: Transaction, last_number: int, last_label: int) -> None:
        self._transaction = transaction
        self.last_number = last_number
        self.last_label = last_label
        self._firsts: dict[str, tuple[bytes, int]] = {}
        self._entries: dict[tuple[str, int], list[bytes]] = defaultdict(list)
        self._statistics: dict[str, list[int]] = {}
        self._labels: dict[str, int] = {}

    def new(self, label: str, body: bytes, *, first: str = "") -> list[object]:
        """Number a text and index it: [number, content hash, text]. `first` is the new timeline whose first text it is."""
        number = self._index(label, body)
        if first:
            self._firsts[first] = (body, number)
        return [number, content_hash(body), body.decode()]

    def of_new(self, timeline: str) -> dict[bytes, int]:
        """The texts that a timeline made in this transaction has so far."""
        return dict([self._firsts[timeline]]) if timeline in self._firsts else {}

    def add(
        self, said: Sequence[tuple[int, TimelineKey, Row, Mapping[bytes, int] | None]]
    ) -> tuple[list[list[object]], list[list[object]]]:
        """Rows for `cypher.NEW_TEXT_VERSIONS` and `OLD_TEXT_VERSIONS`.

        Args:
            said: (timeline, its key, row, numbers of the texts it is known to have). It may have others.
        """
        numbers: dict[tuple[int, bytes], int] = {}
        asked: dict[tuple[int, bytes], list[object]] = {}
        for timeline, _, row, texts in said:
            if texts and row.body in texts:
                numbers[(timeline, row.body)] = texts[row.body]
            elif (timeline, row.body) not in asked:  # one text may be said at several times of one batch
                asked[(timeline, row.body)] = [len(asked), timeline, content_hash(row.body)]
        places = list(asked)
        for some in batched(list(asked.values()), ROWS):
            for place, number in self._transaction.rows(cypher.KNOWN_TEXTS, rows=some):
                numbers[places[int(place)]] = number
        new: list[list[object]] = []
        old: list[list[object]] = []
        for timeline, key, row, _ in said:
            values = [timeline, *version_values(row, with_body=False)]
            number = numbers.get((timeline, row.body))
            if number is None:
                text = self.new(key.label, row.body)
                numbers[(timeline, row.body)] = self.last_number
                new.append([*values, *text])
            else:
                old.append([*values, number])
        return new, old

    def flush(self) -> None:
        """Write postings and statistics."""
        if not self._statistics:
            return
        self._transaction.run(
            cypher.COUNT_TEXTS,
            rows=[
                [node_key(label), label if node_key(label) != label else None, self._labels[label], passages, tokens]
                for label, (passages, tokens) in self._statistics.items()
            ],
        )
        keys = sorted(self._entries)
        for some in batched(keys, ROWS):
            asked = [[place, *key] for place, key in enumerate(some)]
            rows = self._transaction.rows(cypher.READ_POSTINGS, rows=asked)
            before = {int(place): bytes(entries) for place, entries in rows}
            self._transaction.run(
                cypher.WRITE_POSTINGS,
                rows=[[*key, before.get(place, b"") + b"".join(self._entries[key])] for place, key in enumerate(some)],
            )

    def _index(self, label: str, body: bytes) -> int:
        self.last_number += 1
        number = self.last_number
        text = body.decode()
        if not self._labels:
            self._labels = {label: number for label, number, _, _ in self._transaction.rows(cypher.LABELS)}
        if label not in self._labels:
            self.last_label += 1
            self._labels[label] = self.last_label
        counts, length = passage_terms(text)
        label_number, part = self._labels[label], number // PART
        for token, count in counts.items():
            self._entries[(posting_term(label_number, token), part)].append(ENTRY.pack(number, count, length))
        statistics = self._statistics.setdefault(label, [0, 0])
        statistics[0] += 1
        statistics[1] += length
        return number


def content_hash(body: bytes) -> str:
    """As `graph.model.Passage.content_hash`."""
    return blake2b(body, digest_size=16).hexdigest()
