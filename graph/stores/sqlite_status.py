"""What a SQLite store holds: counts and freshness, and the canonical dump."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby

from graph.canonical import Recorded, fact_lines, line
from graph.merge import OPEN, Row
from graph.model import PUBLIC
from graph.rows import RELATION, TimelineKey
from graph.schema import SCHEMA_VERSION
from graph.store import QuarantineRow, ScopeStatus, StoreStatus
from graph.stores.sqlite_file import ENTITY_TYPE
from graph.stores.sqlite_read import Reading
from graph.stores.sqlite_symbols import LABEL
from graph.stores.sqlite_vectors import stamp


def status(reading: Reading, quarantine_rows: int, size_bytes: int | None) -> StoreStatus:
    """Counts over what is current and public, and the ledgers."""
    connection = reading.connection
    entities: dict[str, int] = {}
    relations: dict[str, int] = {}
    passages = backlog = 0
    public = reading.symbols.id(connection, LABEL, PUBLIC)
    stamped = stamp(connection)
    if public is not None:
        current = f"t.label={public} AND v.timeline=t.id AND {reading.visible}"
        entities = _counted(
            reading,
            "SELECT k.text, count(DISTINCT t.src) FROM timeline t CROSS JOIN version v CROSS JOIN ref r CROSS JOIN symbol k"
            f" WHERE t.type={ENTITY_TYPE} AND {current} AND r.id=t.src AND k.id=r.kind GROUP BY k.text ORDER BY k.text",
        )
        relations = _counted(
            reading,
            "SELECT y.text, count(*) FROM (SELECT DISTINCT t.src, t.type, t.dst, t.extra FROM timeline t"
            f" CROSS JOIN version v WHERE t.dst>0 AND {current}) f CROSS JOIN symbol y"
            f" WHERE y.id=f.type AND y.sort='{RELATION}' GROUP BY y.text ORDER BY y.text",
        )
        passages, backlog = reading.select(
            "SELECT count(DISTINCT p.id), count(DISTINCT CASE WHEN x.id IS NULL THEN p.hash END) FROM passage p"
            " CROSS JOIN timeline t CROSS JOIN version v LEFT JOIN vector x ON x.hash=p.hash"
            f" WHERE t.id=p.timeline AND v.body=p.id AND {current}"
        ).fetchone()
    return StoreStatus(
        record=connection.execute("SELECT coalesce(max(number), 0) FROM record").fetchone()[0],
        schema_version=SCHEMA_VERSION,
        entities=entities,
        relations=relations,
        passages=passages,
        vectors=connection.execute("SELECT count(*) FROM vector").fetchone()[0],
        backlog=backlog,
        embedder=stamped[0] if stamped is not None else None,
        scopes=tuple(scopes(connection)),
        quarantine=tuple(_quarantine(connection, quarantine_rows)),
        size_bytes=size_bytes,
    )


def dump(connection: sqlite3.Connection) -> Iterator[str]:
    """The lines of the canonical dump, not yet sorted."""
    yield from _ledger_lines(connection)
    yield from _vector_lines(connection)
    rows = connection.execute(
        "SELECT v.timeline, y.sort, r.ref, y.text, coalesce(o.ref, n.name, ''), t.extra, l.text, c.source, c.scope,"
        " v.recorded_at, v.superseded_at, v.valid_from, v.valid_to, v.flags, v.observed_at, v.locator, v.url, x.text,"
        " CASE WHEN y.sort='p' THEN p.text ELSE coalesce(b.data, v.body) END"
        " FROM timeline t CROSS JOIN version v CROSS JOIN ref r CROSS JOIN symbol y CROSS JOIN symbol l CROSS JOIN scope c"
        " CROSS JOIN symbol x LEFT JOIN ref o ON o.id=t.dst LEFT JOIN name n ON n.id=-t.dst"
        " LEFT JOIN body b ON b.id=v.body LEFT JOIN passage p ON p.id=v.body"
        " WHERE v.timeline=t.id AND r.id=t.src AND y.id=t.type AND l.id=t.label AND c.id=t.scope AND x.id=v.extractor"
        " ORDER BY t.id"
    )
    for _, group in groupby(rows, key=lambda row: row[0]):
        versions = list(group)
        _, form, ref, type_, other, extra, label, source, scope = versions[0][:9]
        key = TimelineKey(form, ref, type_, other, extra, label)
        recorded = [
            Recorded(Row(at, valid_to, flags & 3, body or b"", observed, locator, url, extractor), since, until)
            for *_, since, until, at, valid_to, flags, observed, locator, url, extractor, body in versions
        ]
        yield from fact_lines(key, source, scope, recorded)


def _ledger_lines(connection: sqlite3.Connection) -> Iterator[str]:
    for number, batch, source, scope, extractor in connection.execute(
        "SELECT r.number, r.batch, c.source, c.scope, x.text FROM record r JOIN scope c ON c.id=r.scope"
        " JOIN symbol x ON x.id=r.extractor"
    ):
        yield line("batch", record=number, id=batch, source=source, scope=scope, extractor=extractor)
    for source, scope, cursor, fresh_until in connection.execute(
        "SELECT source, scope, cursor, fresh_until FROM scope"
    ):
        yield line("scope", source=source, scope=scope, cursor=cursor, fresh_until=fresh_until)
    for source, scope, taken_at, generation in connection.execute(
        "SELECT c.source, c.scope, s.taken_at, s.generation FROM snapshot s JOIN scope c ON c.id=s.scope"
    ):
        yield line("snapshot", source=source, scope=scope, taken_at=taken_at, generation=generation)
    for record, source, scope, locator, reason in connection.execute(
        "SELECT q.record, c.source, c.scope, q.locator, q.reason FROM quarantine q JOIN scope c ON c.id=q.scope"
    ):
        yield line("quarantine", record=record, source=source, scope=scope, locator=locator, reason=reason)
    for number, reason in connection.execute("SELECT id, reason FROM purge"):
        yield line("purge", number=number, reason=reason)


def _vector_lines(connection: sqlite3.Connection) -> Iterator[str]:
    stamped = stamp(connection)
    if stamped is not None:
        yield line("embedder", embedder=stamped[0], dimension=stamped[1])
    for content_hash, data in connection.execute("SELECT hash, data FROM vector"):
        yield line("vector", content_hash=content_hash.hex(), digest=blake2b(data, digest_size=16).hexdigest())


def _counted(reading: Reading, sql: str) -> dict[str, int]:
    return dict(reading.select(sql).fetchall())


def scopes(connection: sqlite3.Connection) -> Iterator[ScopeStatus]:
    """What is known of each source and scope, by (source, scope)."""
    for source, scope, cursor, applied, fresh, batches, quarantined in connection.execute(
        "SELECT source, scope, cursor, last_applied_at, fresh_until, batches, quarantined FROM scope WHERE batches>0"
        " ORDER BY source, scope"
    ):
        yield ScopeStatus(source, scope, cursor, applied, fresh, batches, quarantined)


def _quarantine(connection: sqlite3.Connection, rows: int) -> Iterator[QuarantineRow]:
    for source, scope, locator, reason, record in connection.execute(
        "SELECT c.source, c.scope, q.locator, q.reason, q.record FROM quarantine q JOIN scope c ON c.id=q.scope"
        " ORDER BY q.id DESC LIMIT ?",
        (min(max(rows, 0), OPEN),),
    ):
        yield QuarantineRow(source, scope, locator, reason, record)
