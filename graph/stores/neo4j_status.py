"""What a Neo4j store holds: counts and freshness, and the canonical dump."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import groupby

from graph.canonical import Recorded, fact_lines, line
from graph.merge import OPEN
from graph.schema import SCHEMA_VERSION
from graph.store import QuarantineRow, ScopeStatus, StoreStatus
from graph.stores import cypher
from graph.stores.neo4j_connection import Connection, batched
from graph.stores.neo4j_read import Reading, Scopes
from graph.stores.neo4j_rows import row
from graph.stores.neo4j_write import timeline_key

TIMELINES = 5_000
"""Timelines a dump reads at once."""


def status(connection: Connection, reading: Reading, quarantine_rows: int) -> StoreStatus:
    """Counts over what is current and public, and the ledgers. The server does not tell a database's size."""
    embedder, _, record, _, _, vectors = connection.read(cypher.STAMP, {})[0]
    passages, backlog = reading.rows(cypher.COUNT_PASSAGES)[0]
    wanted = {"record": record, "rows": min(max(quarantine_rows, 0), 10**9)}
    return StoreStatus(
        record=record,
        schema_version=SCHEMA_VERSION,
        entities=_counts(reading, cypher.COUNT_ENTITIES),
        relations=_counts(reading, cypher.COUNT_RELATIONS),
        passages=passages,
        vectors=vectors,
        backlog=backlog,
        embedder=embedder,
        scopes=scopes(connection),
        quarantine=tuple(QuarantineRow(*values) for values in connection.read(cypher.QUARANTINE, wanted)),
        size_bytes=None,
    )


def scopes(connection: Connection) -> tuple[ScopeStatus, ...]:
    """What is known of each source and scope, by (source, scope)."""
    return tuple(ScopeStatus(*values) for values in connection.read(cypher.SCOPE_STATUS, {}))


def dump(connection: Connection, scopes: Scopes, record: int) -> Iterator[str]:
    """The lines of the canonical dump up to a record, not yet sorted."""
    at = {"record": record}
    for number, batch, source, scope, extractor in connection.read(cypher.DUMP_BATCHES, at):
        yield line("batch", record=number, id=batch, source=source, scope=scope, extractor=extractor)
    for source, scope, cursor, fresh_until in connection.read(cypher.DUMP_SCOPES, {}):
        yield line("scope", source=source, scope=scope, cursor=cursor, fresh_until=fresh_until)
    for source, scope, taken_at, generation in connection.read(cypher.DUMP_SNAPSHOTS, at):
        yield line("snapshot", source=source, scope=scope, taken_at=taken_at, generation=generation)
    for source, scope, locator, reason, number in connection.read(cypher.QUARANTINE, at | {"rows": 10**9}):
        yield line("quarantine", record=number, source=source, scope=scope, locator=locator, reason=reason)
    for number, reason in connection.read(cypher.DUMP_PURGES, {}):
        yield line("purge", number=number, reason=reason)
    yield from _vector_lines(connection)
    timelines = [number for (number,) in connection.read(cypher.DUMP_TIMELINES, {})]
    for some in batched(timelines, TIMELINES):
        rows = connection.read(cypher.DUMP_VERSIONS, at | {"timelines": some})
        for _, group in groupby(rows, key=lambda values: values[0]):
            versions = list(group)
            source, scope = scopes[versions[0][1]]
            recorded = [
                Recorded(row(values), since, OPEN if until is None or until > record else until)
                for _, _, _, _, _, _, _, _, since, until, *values in versions
            ]
            yield from fact_lines(timeline_key(versions[0][2:8]), source, scope, recorded)


def _counts(reading: Reading, text: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in reading.rows(text)}


def _vector_lines(connection: Connection) -> Iterator[str]:
    embedder, dimension, *_ = connection.read(cypher.STAMP, {})[0]
    if embedder is not None:
        yield line("embedder", embedder=embedder, dimension=dimension)
    for content_hash, data in connection.read(cypher.ALL_VECTORS, {}):
        yield line("vector", content_hash=content_hash, digest=blake2b(data, digest_size=16).hexdigest())
