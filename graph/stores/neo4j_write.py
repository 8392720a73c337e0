"""Writing a batch into Neo4j: the clock's lock, the timelines it touches, merge, and only the difference back, in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from graph.clock import Instant
from graph.errors import BatchRefused
from graph.merge import JOINS_PREVIOUS, OPEN, PRESENT, Mark, Row, difference, mark, merge
from graph.model import FactBatch
from graph.rows import PASSAGE, RELATION, Prepared, TimelineKey, batch_digest, check_generation
from graph.store import Receipt
from graph.stores import cypher
from graph.stores.neo4j_connection import Transaction, batched
from graph.stores.neo4j_rows import (
    CHANGED,
    FORMS,
    JOINING,
    RELATIONSHIPS,
    node_key,
    row,
    scope_key,
    timeline_id,
    timeline_terms,
    version_values,
)
from graph.stores.neo4j_texts import NewTexts
from graph.stores.neo4j_tombstones import without_purged

ROWS = 5_000
"""Rows a query writes or looks up at once."""


class _Ledgers(NamedTuple):
    """The state before the batch."""

    record: int
    scopes: int
    texts: int
    labels: int
    salt: bytes
    at: Instant | None
    batch_record: int | None
    batch_digest: str | None
    batch_attempt: str | None
    batch_rows: int | None
    published: int
    scope: int | None
    purged: bool


class _Stored(NamedTuple):
    """A timeline as it is stored: its node, and its current rows with theirs."""

    node: int
    rows: list[Row]
    nodes: dict[Instant, int]
    texts: dict[bytes, int]


def apply(transaction: Transaction, batch: FactBatch, prepared: Prepared, now: Instant, attempt: str) -> Receipt:
    """Store a prepared batch inside the open transaction. Raises `BatchRefused`.

    `attempt` names this call: when its first try was committed but the answer was lost, the second one recognises it.
    """
    transaction.run(cypher.LOCK_CLOCK)
    source_scope = scope_key(batch.source, batch.scope)
    ledgers = _Ledgers(*transaction.rows(cypher.READ_LEDGERS, batch=node_key(batch.id), scope=source_scope)[0])
    digest = batch_digest(prepared).hex()
    if ledgers.batch_record is not None:
        if ledgers.batch_digest != digest:
            raise BatchRefused(
                f"Batch {batch.id} of {batch.source} {batch.scope} was applied before with other facts.",
                "This is a defect of the source: a batch id names its content.",
            )
        if ledgers.published < ledgers.batch_record:  # whoever wrote it did not come to publish it
            transaction.run(cypher.PUBLISH, record=ledgers.record)
        ours = ledgers.batch_attempt == attempt
        return Receipt(ledgers.batch_record, applied=ours, rows_written=(ledgers.batch_rows or 0) if ours else 0)
    snapshots = transaction.rows(cypher.READ_SNAPSHOTS, scope=ledgers.scope) if ledgers.scope is not None else []
    check_generation(batch, [(at, generation) for at, generation, _ in snapshots])
    marks = [mark(batch.source, batch.scope, at, generation, extractor) for at, generation, extractor in snapshots]
    statements = prepared.statements
    if ledgers.purged:
        statements = without_purged(transaction, ledgers.salt, statements, batch.source, batch.scope)
    write = _Write(transaction, batch, ledgers, marks, prepared.mark)
    write.facts(statements)
    write.flush()
    at = max(now, ledgers.at if ledgers.at is not None else now)
    snapshot = batch.snapshot
    known = snapshot is None or any(known_at == snapshot.taken_at for known_at, _, _ in snapshots)
    transaction.run(
        cypher.WRITE_LEDGERS,
        record=write.record,
        scopes=max(ledgers.scopes, write.scope),
        texts=write.texts.last_number,
        labels=write.texts.last_label,
        at=at,
        batch=node_key(batch.id),
        long=batch.id if node_key(batch.id) != batch.id else None,
        digest=digest,
        attempt=attempt,
        rows=write.written,
        scope=source_scope,
        source=batch.source,
        name=batch.scope,
        number=write.scope,
        extractor=batch.extractor,
        cursor=batch.cursor,
        fresh_until=batch.fresh_until,
        quarantined=[[place, item.locator, item.reason] for place, item in enumerate(prepared.quarantined)],
        snapshots=[] if snapshot is None or known else [[snapshot.taken_at, snapshot.generation, batch.extractor]],
    )
    return Receipt(write.record, applied=True, rows_written=write.written)


class _Write:
    """The facts of one batch on their way into the graph."""

    def __init__(
        self,
        transaction: Transaction,
        batch: FactBatch,
        ledgers: _Ledgers,
        marks: Sequence[Mark],
        snapshot: Mark | None,
    ) -> None:
        self.transaction = transaction
        self.batch = batch
        self.record = ledgers.record + 1
        self.scope = ledgers.scope if ledgers.scope is not None else ledgers.scopes + 1
        self.texts = NewTexts(transaction, ledgers.texts, ledgers.labels)
        self.written = 0
        self._known_scope = ledgers.scope is not None
        self._marks = marks
        self._snapshot = snapshot
        self._fresh: list[tuple[TimelineKey, str, list[Row]]] = []
        self._superseded: list[int] = []
        self._terms: list[tuple[int, list[str]]] = []
        self._plain: list[list[object]] = []
        self._changes: list[list[object]] = []
        self._said: list[tuple[int, TimelineKey, Row, Mapping[bytes, int] | None]] = []

    def facts(self, statements: Mapping[TimelineKey, Sequence[Row]]) -> None:
        """Merge the batch's statements, and for a snapshot what it leaves out, timeline by timeline."""
        source, scope = self.batch.source, self.batch.scope
        found = [(key, timeline_id(key, source, scope), rows) for key, rows in statements.items()]
        stored = self._load({tid: (key, rows) for key, tid, rows in found}) if self._known_scope else {}
        for key, tid, rows in found:
            if tid in stored:
                self._change(key, stored[tid], rows)
            elif after := merge((), self._marks, rows, self._snapshot):
                self._fresh.append((key, tid, after))
        if self._snapshot is not None and self._known_scope:
            self._end_the_rest({tid for _, tid, _ in found}, self._snapshot)

    def flush(self) -> None:
        """Write everything."""
        self._write_fresh()
        run = self.transaction.run
        for versions in batched(self._superseded, ROWS):
            run(cypher.SUPERSEDE, versions=versions, record=self.record)
        new_texts, old_texts = self.texts.add(self._said)
        for text, rows in (
            (cypher.NEW_VERSIONS, self._plain),
            (cypher.NEW_CHANGES, self._changes),
            (cypher.NEW_TEXT_VERSIONS, new_texts),
            (cypher.OLD_TEXT_VERSIONS, old_texts),
        ):
            for some in batched(rows, ROWS):
                run(text, rows=some, record=self.record)
        for terms in batched(self._terms, ROWS):
            run(cypher.ADD_TERMS, rows=terms)
        self.texts.flush()

    # -- what is there

    def _load(self, wanted: Mapping[str, tuple[TimelineKey, Sequence[Row]]]) -> dict[str, _Stored]:
        """Stored timelines by id, with the current rows that can matter."""
        bodies: list[list[object]] = []
        texts: list[list[object]] = []
        for tid, (key, rows) in wanted.items():
            earliest = min((one.valid_from for one in rows), default=OPEN)
            if self._snapshot is not None:
                earliest = min(earliest, self._snapshot.taken_at)
            (texts if key.form == PASSAGE else bodies).append([tid, tid, earliest])
        stored: dict[str, _Stored] = {}
        for query, rows in ((cypher.LOAD, bodies), (cypher.LOAD_TEXTS, texts)):
            for some in batched(rows, ROWS):
                for tid, timeline, version, number, *values in self.transaction.rows(query, wanted=some):
                    one = stored.get(tid)
                    if one is None:
                        one = stored[tid] = _Stored(timeline, [], {}, {})
                    if version is not None:
                        point = row(values)
                        one.rows.append(point)
                        one.nodes[point.valid_from] = version
                        if number is not None:
                            one.texts[point.body] = number
        for one in stored.values():
            one.rows.sort(key=_valid_from)
        return stored

    def _change(self, key: TimelineKey, stored: _Stored, statements: Sequence[Row]) -> None:
        after = merge(stored.rows, self._marks, statements, self._snapshot)
        gone, written = difference(stored.rows, after)
        self._superseded.extend(stored.nodes[one.valid_from] for one in gone)
        if written:
            known = {one.body for one in stored.rows}
            words = list(dict.fromkeys(timeline_terms(key, [one for one in written if one.body not in known])))
            if words and key.form != RELATION:
                self._terms.append((stored.node, words))
            self._put(key, stored.node, written, stored.texts)

    def _end_the_rest(self, met: Collection[str], snapshot: Mark) -> None:
        """What holds at the snapshot and is not in it ends there."""
        holding = self.transaction.rows(cypher.REST_OF_SCOPE, scope=self.scope, at=snapshot.taken_at)
        rest = [tid for (tid,) in holding if tid not in met]
        keys: dict[str, tuple[TimelineKey, Sequence[Row]]] = {}
        for some in batched(rest, ROWS):
            for tid, *parts in self.transaction.rows(cypher.TIMELINE_KEYS, tids=some):
                keys[tid] = (timeline_key(parts), ())
        for tid, stored in self._load(keys).items():
            self._change(keys[tid][0], stored, ())

    # -- what is new

    def _put(self, key: TimelineKey, node: int, rows: Sequence[Row], texts: Mapping[bytes, int] | None) -> None:
        """Queue rows for a timeline that is there; `texts` are those it is known to have, None when it is new."""
        self.written += len(rows)
        for one in rows:
            sort = _sort(key, one)
            if sort == "text":
                self._said.append((node, key, one, texts))
            else:
                (self._changes if sort == "change" else self._plain).append([node, *version_values(one)])

    def _write_fresh(self) -> None:
        """Make new timelines with their first versions, and queue the others."""
        refs = self._refs()
        rows: dict[str, list[list[object]]] = defaultdict(list)
        more: dict[str, tuple[TimelineKey, list[Row]]] = {}
        joined = set[int]()
        for key, tid, after in self._fresh:
            first, near = after[0], refs[key.ref]
            sort = _sort(key, first)
            text: list[object] = [None, None, None]
            if sort == "text":
                text = self.texts.new(key.label, first.body, first=tid)
            if key.form == RELATION:
                relationship = "SAME_SRC" if key.type in JOINING else "SRC"
                far = refs[key.other]
                rest: list[object] = [far, key.discriminator or None]
                if key.type in JOINING:
                    joined.update((near, far))
            else:
                relationship = RELATIONSHIPS[key.form]
                rest = [key.other or None, " ".join(dict.fromkeys(timeline_terms(key, after))) or None]
            if len(after) > 1:
                more[tid] = (key, after[1:])
            values = version_values(first, with_body=sort != "text")
            rows[cypher.new_timelines(relationship, sort)].append(
                [tid, *values, *text, key.label, key.type or None, near, *rest, len(after) > 1]
            )
            self.written += 1
        for query, all_rows in rows.items():
            for some in batched(all_rows, ROWS):
                for tid, node in self.transaction.rows(query, rows=some, scope=self.scope, record=self.record):
                    key, others = more[tid]
                    self._put(key, node, others, self.texts.of_new(tid))
        if joined:
            self.transaction.run(cypher.MARK_JOINED, refs=sorted(joined))

    def _refs(self) -> dict[str, int]:
        """The nodes of all refs that new timelines need; made where they are missing."""
        texts = list(
            dict.fromkeys(
                text
                for key, _, _ in self._fresh
                for text in ((key.ref, key.other) if key.form == RELATION else (key.ref,))
            )
        )
        refs: dict[str, int] = {}
        for some in batched(texts, ROWS):
            found = self.transaction.rows(cypher.FIND_REFS, refs=[node_key(text) for text in some])
            refs.update({some[int(place)]: int(node) for place, node in found})
        new = [text for text in texts if text not in refs]
        for some in batched(new, ROWS):
            made = self.transaction.rows(cypher.NEW_REFS, refs=[node_key(text) for text in some])
            refs.update({some[int(place)]: int(node) for place, node in made})
        long = [[refs[text], text] for text in new if node_key(text) != text]
        if long:
            self.transaction.run(cypher.NAME_LONG_REFS, rows=long)
        return refs


def timeline_key(parts: Sequence[Any]) -> TimelineKey:
    """A timeline's key from (relationship, ref, type, other, discriminator, label)."""
    relationship, ref, type_, other, discriminator, label = parts
    return TimelineKey(FORMS[relationship], ref, type_ or "", other or "", discriminator or "", label)


def _sort(key: TimelineKey, one: Row) -> str:
    """Of what sort a version is, for `cypher.new_timelines`."""
    if key.form == PASSAGE and one.body:
        return "text"
    begins = one.state == PRESENT and not one.joined & JOINS_PREVIOUS
    return "change" if key.form == RELATION and key.type == CHANGED and begins else "plain"


def _valid_from(one: Row) -> Instant:
    return one.valid_from
