"""Writing a batch into SQLite: numbers for texts, merge per timeline, and the difference in as few statements as possible."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from graph.bm25 import ENTRY, passage_terms
from graph.clock import Instant
from graph.errors import BatchRefused
from graph.merge import JOINS_PREVIOUS, OPEN, PRESENT, WITHDRAWN, Mark, Row, difference, mark, merge
from graph.model import FactBatch
from graph.rows import (
    ALIAS,
    ENTITY,
    PASSAGE,
    RELATION,
    Prepared,
    TimelineKey,
    batch_digest,
    check_generation,
)
from graph.store import Receipt
from graph.stores.sqlite_file import CHANGED_TYPE, ENTITY_TYPE, SqliteFile
from graph.stores.sqlite_postings import (
    EVERY,
    NAME_ENTRY,
    NAME_FIELD,
    REF_ENTRY,
    Postings,
    every_field,
    property_field,
)
from graph.stores.sqlite_symbols import EXTRACTOR, FIELD, KIND, LABEL, NewSymbols, Symbols
from graph.stores.sqlite_tombstones import Tombstones
from graph.terms import body_terms, name_terms

_REMEMBERED = 50_000
"""Refs whose numbers are remembered between batches."""

INLINE_BYTES = 512
"""Longer bodies are kept once in `body`: closing a version then copies a number, and versions stay on their page."""


class Writer:
    """Applies batches, and remembers the numbers of refs between them."""

    def __init__(self, file: SqliteFile, symbols: Symbols) -> None:
        self._file = file
        self._symbols = symbols
        self._refs: dict[str, int] = {}
        self._purges = 0

    def apply(self, batch: FactBatch, prepared: Prepared, now: Instant) -> Receipt:
        """Store a prepared batch in one transaction. Raises `BatchRefused`; then nothing was stored."""
        digest = batch_digest(prepared)
        with self._file.writing() as connection:
            known = connection.execute("SELECT number, digest FROM record WHERE batch=?", (batch.id,)).fetchone()
            if known is not None:
                if known[1] != digest:
                    raise BatchRefused(
                        f"Batch {batch.id} of {batch.source} {batch.scope} was applied before with other facts.",
                        "This is a defect of the source: a batch id names its content.",
                    )
                return Receipt(known[0], applied=False, rows_written=0)
            purges: int = connection.execute("SELECT count(*) FROM purge").fetchone()[0]
            refs = self._refs if purges == self._purges else {}  # a purge, maybe another process's, frees numbers
            write = _Write(connection, NewSymbols(self._symbols, connection), batch, prepared, now, digest, refs)
            receipt = write.run()
        self._refs = write.refs if len(refs) + len(write.refs) > _REMEMBERED else {**refs, **write.refs}
        self._purges = purges
        return receipt


@dataclass(slots=True)
class _Pending:
    """Rows to insert, table by table."""

    refs: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    names: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])
    timelines: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    versions: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    superseded: list[tuple[int, int, Instant]] = field(default_factory=list[tuple[int, int, Instant]])
    bodies: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    passages: list[tuple[int, int, bytes, bytes]] = field(default_factory=list[tuple[int, int, bytes, bytes]])
    changes: list[tuple[Instant, int, int, int]] = field(default_factory=list[tuple[Instant, int, int, int]])


class _Write:
    """One batch on its way into the tables."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        symbols: NewSymbols,
        batch: FactBatch,
        prepared: Prepared,
        now: Instant,
        digest: bytes,
        known_refs: Mapping[str, int],
    ) -> None:
        self.connection = connection
        self.symbols = symbols
        self.batch = batch
        self.prepared = prepared
        self.now = now
        self.digest = digest
        self.number = self._next("record", "number")
        self.pending = _Pending()
        self.postings = Postings(connection)
        self.known_refs = known_refs
        self.refs: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self.types: dict[str, int] = {}
        self.extractors: dict[str, int] = {}
        self.extractor_texts: dict[int, str] = {}
        self.new_refs_from = self._next("ref", "id")
        self.next_timeline = self._next("timeline", "id")
        self.next_body = self._next("body", "id")
        self.next_passage = self._next("passage", "id")
        self.next_name = self._next("name", "id")
        self.names: dict[str, int] = {}
        self.text_statistics: dict[int, list[int]] = {}

    def run(self) -> Receipt:
        """Merge and write everything; returns the receipt."""
        scope, snapshots = self._scope()
        marks = self._marks(scope)
        self._check_snapshot(scope)
        self._facts(scope, marks, tracked=snapshots or self.prepared.mark is not None)
        self._flush()
        self._ledgers(scope)
        return Receipt(self.number, applied=True, rows_written=len(self.pending.versions))

    # -- ledgers

    def _scope(self) -> tuple[int, bool]:
        batch = self.batch
        row = self.connection.execute(
            "SELECT id, snapshots FROM scope WHERE source=? AND scope=?", (batch.source, batch.scope)
        ).fetchone()
        if row is None:
            row = self.connection.execute(
                "INSERT INTO scope(source, scope, last_applied_at, batches, quarantined) VALUES (?,?,0,0,0)"
                " RETURNING id, snapshots",
                (batch.source, batch.scope),
            ).fetchone()
        scope: int = row[0]
        if self.prepared.mark is not None and not row[1]:
            self.connection.execute("INSERT INTO scoped SELECT scope, id FROM timeline WHERE scope=?", (scope,))
            self.connection.execute("UPDATE scope SET snapshots=1 WHERE id=?", (scope,))
        return scope, bool(row[1])

    def _marks(self, scope: int) -> list[Mark]:
        rows = self.connection.execute(
            "SELECT s.taken_at, s.generation, x.text FROM snapshot s JOIN symbol x ON x.id = s.extractor"
            " WHERE s.scope=? ORDER BY s.taken_at",
            (scope,),
        )
        return [mark(self.batch.source, self.batch.scope, at, generation, text) for at, generation, text in rows]

    def _check_snapshot(self, scope: int) -> None:
        if self.batch.snapshot is not None:
            ledger = self.connection.execute("SELECT taken_at, generation FROM snapshot WHERE scope=?", (scope,))
            check_generation(self.batch, ledger.fetchall())

    def _ledgers(self, scope: int) -> None:
        batch, execute = self.batch, self.connection.execute
        extractor = self.symbols.id(EXTRACTOR, batch.extractor)
        before: int = execute("SELECT coalesce(max(at), ?) FROM record", (self.now,)).fetchone()[0]
        at = max(self.now, before)
        execute(
            "INSERT INTO record(number, at, batch, digest, scope, extractor) VALUES (?,?,?,?,?,?)",
            (self.number, at, batch.id, self.digest, scope, extractor),
        )
        execute(
            "UPDATE scope SET cursor=coalesce(?, cursor), fresh_until=max(coalesce(?, fresh_until), coalesce(fresh_until, ?)),"
            " last_applied_at=?, batches=batches+1, quarantined=quarantined+? WHERE id=?",
            (batch.cursor, batch.fresh_until, batch.fresh_until, at, len(self.prepared.quarantined), scope),
        )
        if batch.snapshot is not None:
            execute(
                "INSERT OR IGNORE INTO snapshot VALUES (?,?,?,?,?)",
                (scope, batch.snapshot.taken_at, batch.snapshot.generation, extractor, self.number),
            )
        self.connection.executemany(
            "INSERT INTO quarantine(record, scope, locator, reason) VALUES (?,?,?,?)",
            [(self.number, scope, item.locator, item.reason) for item in self.prepared.quarantined],
        )
        execute("UPDATE meta SET value=value+1 WHERE key='generation'")

    # -- facts

    def _facts(self, scope: int, marks: Sequence[Mark], *, tracked: bool) -> None:
        snapshot = self.prepared.mark
        statements = self.prepared.statements
        tombstones = Tombstones(self.connection)
        if tombstones.any():
            statements = {
                key: rows
                for key, rows in statements.items()
                if not tombstones.hit(key, self.batch.source, self.batch.scope)
            }
        self._find_refs(statements)
        self._find_names(statements)
        plain = not marks and snapshot is None
        fresh: list[tuple[tuple[int, int, int, int, int, str], TimelineKey, list[Row]]] = []
        met: list[int] = []
        for key, rows in statements.items():
            numbers = self._numbers(key, scope)
            timeline = self._find_timeline(numbers)
            if timeline is None:
                fresh.append((numbers, key, rows))
            else:
                met.append(timeline)
                self._change(timeline, numbers, key, rows, marks, snapshot)
        fresh.sort(key=_numbers)
        for numbers, key, rows in fresh:
            if plain and len(rows) == 1 and rows[0].state != WITHDRAWN:
                after = rows
            else:
                after = merge((), marks, rows, snapshot)
                if not after:
                    continue
            timeline = self.next_timeline
            self.next_timeline += 1
            self.pending.timelines.append((timeline, *numbers))
            met.append(timeline)
            self._write(timeline, numbers, key, after, {}, new=True)
        if snapshot is not None:
            self._end_the_rest(scope, met, marks, snapshot)
        if tracked:
            self._track(scope, fresh_only=self.pending.timelines)

    def _end_the_rest(self, scope: int, met: Iterable[int], marks: Sequence[Mark], snapshot: Mark) -> None:
        """What holds at the snapshot and is not in it ends there, and what was said of that very moment may lose to it."""
        seen = set(met)
        at = snapshot.taken_at
        rest = self.connection.execute(
            "SELECT DISTINCT s.timeline FROM scoped s CROSS JOIN version v ON v.timeline=s.timeline"
            " WHERE s.scope=? AND v.superseded_at=? AND (v.valid_from=? OR v.valid_from<? AND v.valid_to>?)",
            (scope, OPEN, at, at, at),
        ).fetchall()
        for (timeline,) in rest:
            if timeline in seen:
                continue
            numbers, key = self._read_timeline(timeline)
            self._change(timeline, numbers, key, (), marks, snapshot)

    def _change(
        self,
        timeline: int,
        numbers: tuple[int, int, int, int, int, str],
        key: TimelineKey,
        statements: Sequence[Row],
        marks: Sequence[Mark],
        snapshot: Mark | None,
    ) -> None:
        earliest = min((row.valid_from for row in statements), default=OPEN)
        if snapshot is not None:
            earliest = min(earliest, snapshot.taken_at)
        before, stored = self._load(timeline, key.form, earliest)
        after = merge(before, marks, statements, snapshot)
        gone, written = difference(before, after)
        for row in gone:
            self.pending.superseded.append((self.number, timeline, row.valid_from))
        if written:
            self._write(timeline, numbers, key, written, stored, new=False)

    def _load(self, timeline: int, form: str, earliest: Instant) -> tuple[list[Row], dict[bytes, object]]:
        """The current rows from the last point before `earliest` on that says something."""
        table = "passage" if form == PASSAGE else "body"
        rows = self.connection.execute(_LOAD[table], (timeline, timeline, earliest, OPEN, OPEN)).fetchall()
        current: list[Row] = []
        extractors = self.extractor_texts
        stored: dict[bytes, object] = {}
        for at, valid_to, flags, end, observed, locator, url, extractor, kept, data in rows:
            body: bytes = data if data is not None else (kept or b"")
            text = extractors.get(extractor)
            if text is None:
                text = extractors[extractor] = self._symbol_text(extractor)
            stated_end = OPEN if end is None else end
            stated, joined = bool(flags & 4), flags >> 3
            current.append(Row(at, valid_to, flags & 3, body, observed, locator, url, text, stated_end, stated, joined))
            if body:
                stored[body] = kept
        return current, stored

    def _write(
        self,
        timeline: int,
        numbers: tuple[int, int, int, int, int, str],
        key: TimelineKey,
        rows: Sequence[Row],
        stored: dict[bytes, object],
        *,
        new: bool,
    ) -> None:
        """Queue rows of a timeline with their bodies and index entries. `stored` are the bodies it is known to have."""
        pending, number, form = self.pending, self.number, key.form
        for row in rows:
            at, valid_to, state, body, observed_at, locator, url, extractor_text, stated_end, stated, joined = row
            kept: object
            if not body:
                kept = None
            elif body in stored:
                kept = stored[body]
            elif form == PASSAGE:
                kept = stored[body] = self._keep_passage(timeline, numbers[3], body, new=new)
            else:
                kept = stored[body] = self._keep_body(body)
                if form == ENTITY:
                    self._index_properties(key.ref, numbers[0], body)
            if numbers[1] == CHANGED_TYPE and state == PRESENT and not joined & JOINS_PREVIOUS:
                pending.changes.append((at, timeline, numbers[0], numbers[2]))
            extractor = self.extractors.get(extractor_text)
            if extractor is None:
                extractor = self.extractors[extractor_text] = self.symbols.id(EXTRACTOR, extractor_text)
            flags = state | (4 if stated else 0) | joined << 3
            end = None if stated_end == OPEN else stated_end
            pending.versions.append(
                (timeline, at, number, valid_to, flags, end, observed_at, extractor, locator, url, kept)
            )

    def _keep_body(self, body: bytes) -> object:
        if len(body) <= INLINE_BYTES:
            return body
        number = self.next_body
        self.next_body += 1
        self.pending.bodies.append((number, body))
        return number

    def _keep_passage(self, timeline: int, label: int, body: bytes, *, new: bool) -> int:
        """The number of a text of this timeline; indexed when it is new."""
        digest = blake2b(body, digest_size=16).digest()
        if not new:
            row = self.connection.execute(
                "SELECT id FROM passage WHERE timeline=? AND hash=?", (timeline, digest)
            ).fetchone()
            if row is not None:
                known: int = row[0]
                return known
        number = self.next_passage
        self.next_passage += 1
        self.pending.passages.append((number, timeline, digest, body))
        counts, length = passage_terms(body.decode())
        add, pack = self.postings.add, ENTRY.pack
        for token, count in counts.items():
            add(label, token, number, pack(number, count, length))
        statistics = self.text_statistics.setdefault(label, [0, 0])
        statistics[0] += 1
        statistics[1] += length
        return number

    def _index_properties(self, ref: str, number: int, body: bytes) -> None:
        kind = ref.partition(":")[0]
        entry = REF_ENTRY.pack(number)
        for name, term in body_terms(kind, body):
            self.postings.add_once(self.symbols.id(FIELD, property_field(kind, name)), term, number, entry)

    # -- numbers

    def _numbers(self, key: TimelineKey, scope: int) -> tuple[int, int, int, int, int, str]:
        """(src, type, dst, label, scope, extra) of a timeline."""
        form, ref, type_text, other, discriminator, label_text = key
        label = self.labels.get(label_text)
        if label is None:
            label = self.labels[label_text] = self.symbols.id(LABEL, label_text)
        src = self.refs[ref]
        if form == ENTITY:
            return (src, ENTITY_TYPE, 0, label, scope, "")
        type_ = self.types.get(form + type_text)
        if type_ is None:
            type_ = self.types[form + type_text] = self.symbols.id(form, type_text)
        if form == RELATION:
            return (src, type_, self.refs[other], label, scope, discriminator)
        if form == ALIAS:
            return (src, type_, -self.names[other], label, scope, "")
        return (src, type_, 0, label, scope, "")

    def _find_timeline(self, numbers: tuple[int, int, int, int, int, str]) -> int | None:
        if numbers[0] >= self.new_refs_from:
            return None
        row = self.connection.execute(
            "SELECT id FROM timeline WHERE src=? AND type=? AND dst=? AND label=? AND scope=? AND extra=?", numbers
        ).fetchone()
        return row[0] if row is not None else None

    def _read_timeline(self, timeline: int) -> tuple[tuple[int, int, int, int, int, str], TimelineKey]:
        """A stored timeline's numbers and key."""
        src, type_, dst, label, scope, extra, ref, form, type_text, other, name, label_text = self.connection.execute(
            "SELECT t.src, t.type, t.dst, t.label, t.scope, t.extra, r.ref, y.sort, y.text, o.ref, n.name, l.text"
            " FROM timeline t JOIN ref r ON r.id=t.src JOIN symbol y ON y.id=t.type JOIN symbol l ON l.id=t.label"
            " LEFT JOIN ref o ON o.id=t.dst LEFT JOIN name n ON n.id=-t.dst WHERE t.id=?",
            (timeline,),
        ).fetchone()
        key = TimelineKey(form, ref, type_text, other or name or "", extra, label_text)
        return (src, type_, dst, label, scope, extra), key

    def _find_refs(self, keys: Iterable[TimelineKey]) -> None:
        wanted: dict[str, None] = {}
        for key in keys:
            wanted[key.ref] = None
            if key.form == RELATION:
                wanted[key.other] = None
        find = self.connection.execute
        refs = self.refs
        unknown: list[str] = []
        known_refs = self.known_refs
        for text in wanted:
            known = known_refs.get(text)
            if known is not None:
                refs[text] = known
            elif (row := find("SELECT id FROM ref WHERE ref=?", (text,)).fetchone()) is not None:
                refs[text] = row[0]
            else:
                unknown.append(text)
        unknown.sort()
        for number, text in enumerate(unknown, self.new_refs_from):
            refs[text] = number
            kind = text.partition(":")[0]
            self.pending.refs.append((number, self.symbols.id(KIND, kind), text))
            self.postings.add(self.symbols.id(FIELD, every_field(kind)), EVERY, number, REF_ENTRY.pack(number))

    def _find_names(self, keys: Iterable[TimelineKey]) -> None:
        find = self.connection.execute
        field_ = self.symbols.id(FIELD, NAME_FIELD)
        for key in keys:
            name = key.other
            if key.form != ALIAS or name in self.names:
                continue
            folded = name.casefold()
            row = find("SELECT id FROM name WHERE folded=? AND name=?", (folded, name)).fetchone()
            if row is not None:
                self.names[name] = row[0]
                continue
            number = self.names[name] = self.next_name
            self.next_name += 1
            self.pending.names.append((number, folded, name))
            entry = NAME_ENTRY.pack(number, len(name))
            for token in name_terms(name):
                self.postings.add(field_, token, number, entry)

    def _symbol_text(self, number: int) -> str:
        text: str = self.connection.execute("SELECT text FROM symbol WHERE id=?", (number,)).fetchone()[0]
        return text

    def _next(self, table: str, column: str) -> int:
        highest: Any = self.connection.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()[0]
        return int(highest) + 1

    # -- out

    def _track(self, scope: int, fresh_only: Sequence[tuple[object, ...]]) -> None:
        self.connection.executemany("INSERT INTO scoped VALUES (?,?)", [(scope, row[0]) for row in fresh_only])

    def _flush(self) -> None:
        pending, many = self.pending, self.connection.executemany
        many("INSERT INTO ref VALUES (?,?,?)", pending.refs)
        many("INSERT INTO name VALUES (?,?,?)", sorted(pending.names, key=_text_of))
        many("INSERT INTO timeline VALUES (?,?,?,?,?,?,?)", pending.timelines)
        many(
            f"UPDATE version SET superseded_at=? WHERE timeline=? AND valid_from=? AND superseded_at={OPEN}",
            pending.superseded,
        )
        many("INSERT INTO body VALUES (?,?)", pending.bodies)
        many("INSERT INTO passage VALUES (?,?,?,?)", pending.passages)
        many(
            "INSERT INTO version(timeline, valid_from, recorded_at, valid_to, flags, stated_end, observed_at, extractor,"
            " locator, url, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            pending.versions,
        )
        pending.changes.sort()
        many("INSERT OR IGNORE INTO change VALUES (?,?,?,?)", pending.changes)
        many(
            "INSERT INTO text_statistics VALUES (?,?,?) ON CONFLICT(label) DO UPDATE SET"
            " passages=passages+excluded.passages, tokens=tokens+excluded.tokens",
            [(label, passages, tokens) for label, (passages, tokens) in self.text_statistics.items()],
        )
        self.postings.flush()


def _numbers(
    item: tuple[tuple[int, int, int, int, int, str], TimelineKey, list[Row]],
) -> tuple[int, int, int, int, int, str]:
    return item[0]


def _text_of(row: tuple[int, object, str]) -> str:
    return row[2]


_LOAD = {
    table: "SELECT v.valid_from, v.valid_to, v.flags, v.stated_end, v.observed_at, v.locator, v.url, v.extractor,"
    f" v.body, b.{column} FROM version v LEFT JOIN {table} b ON b.id=v.body"
    " WHERE v.timeline=? AND v.valid_from >= coalesce((SELECT max(p.valid_from) FROM version p WHERE p.timeline=?"
    f" AND p.valid_from<? AND p.superseded_at=? AND p.flags&3!={WITHDRAWN}), -{OPEN}) AND v.superseded_at=?"
    " ORDER BY v.valid_from"
    for table, column in (("body", "data"), ("passage", "text"))
}
