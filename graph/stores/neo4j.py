"""The store on a Neo4j server (5.26), for many readers and writers; a cluster by `neo4j://`. Layout: `cypher`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from uuid import uuid4

from graph.canonical import sorted_lines
from graph.clock import Instant
from graph.cosine import check_stamp
from graph.labels import single_labels
from graph.merge import OPEN
from graph.model import EntityRef, FactBatch, Value
from graph.rows import prepare
from graph.store import (
    AliasView,
    ChangeQuery,
    ChangeView,
    Direction,
    EntityView,
    Limits,
    Page,
    PurgeReceipt,
    PurgeSelector,
    Receipt,
    RelationView,
    ScopeStatus,
    Statement,
    StoreStatus,
    Subgraph,
    TextHit,
    View,
)
from graph.stores import cypher, neo4j_changes, neo4j_names, neo4j_purge, neo4j_select, neo4j_status, neo4j_text
from graph.stores.neo4j_connection import Connection
from graph.stores.neo4j_read import Reading, Scopes, storable
from graph.stores.neo4j_rows import scope_key
from graph.stores.neo4j_write import apply
from graph.traverse import Expand, Hop, shortest_paths, subgraph


class Neo4jStore:
    """`graph.store.GraphStore` in a database of a Neo4j server. Beside its own labels (`Lore…`) it touches nothing.

    Args:
        url: `neo4j://host:7687`, `bolt://…` or their encrypted variants.
        user, password: None for a server without authentication.
        database: None for the server's default.

    Raises:
        StoreUnavailable: it cannot be reached, or refuses user and password.
        StoreIncompatible: it is too old, or a newer infralore wrote the store.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        database: str | None = None,
        clock: Callable[[], Instant] | None = None,
    ) -> None:
        self._clock = clock or _wall_clock
        self._connection = Connection(url, user, password, database)
        self._scopes = Scopes(self._connection)
        self._vectors = neo4j_text.Vectors(self._connection)
        self._vocabularies: dict[object, Mapping[str, int]] = {}
        self._lock = Lock()

    # -- writing

    def apply(self, batch: FactBatch) -> Receipt:
        """Store facts, ledgers and cursor in one transaction. Raises `BatchRefused`; then nothing was stored."""
        prepared = prepare(batch)
        attempt = uuid4().hex
        receipt = self._connection.write(
            lambda transaction: apply(transaction, batch, prepared, self._clock(), attempt)
        )
        if receipt.applied:
            self._connection.define(cypher.PUBLISH, record=receipt.record)
        return receipt

    def put_vectors(self, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        """Store unit vectors by content hash. Raises `EmbedderMismatch`, and `ValueError` for what is no vector."""
        neo4j_text.put_vectors(self._connection, embedder, list(vectors))

    def purge(self, selector: PurgeSelector, reason: str) -> PurgeReceipt:
        """Destroy content everywhere but in the server's transaction logs; a tombstone also stops later arrivals."""
        receipt = neo4j_purge.purge(self._connection, selector, reason)
        with self._lock:
            self._vocabularies.clear()
        return receipt

    # -- ledgers

    def cursor(self, source: str, scope: str) -> str | None:
        """The cursor stored with the last batch of this source and scope that had one."""
        if not (storable(source) and storable(scope)):
            return None
        self._connection.published()
        rows = self._connection.read(cypher.CURSOR, {"scope": scope_key(source, scope)})
        return rows[0][0] if rows else None

    def labels(self) -> frozenset[str]:
        """Every label that any fact was ever stored with, single ones only."""
        return single_labels(label for (label,) in self._connection.read(cypher.ALL_LABELS, {}))

    def record(self, at: Instant | None = None) -> int:
        """The number of the last record, or of the last one recorded at or before `at` (0 before the first)."""
        if at is None:
            return self._connection.published()
        rows = self._connection.read(cypher.RECORD_AT, {"at": min(max(at, -OPEN), OPEN)})
        return rows[0][0] if rows else 0

    def status(self, quarantine_rows: int = 20) -> StoreStatus:
        """Counts, freshness, backlog and the newest quarantine rows."""
        return neo4j_status.status(self._connection, self._reading(View()), quarantine_rows)

    def scopes(self) -> tuple[ScopeStatus, ...]:
        """The scopes of `status` alone, by (source, scope)."""
        return neo4j_status.scopes(self._connection)

    def dump(self) -> Iterator[str]:
        """The canonical dump (`graph.canonical`)."""
        return sorted_lines(neo4j_status.dump(self._connection, self._scopes, self.record()))

    # -- entities and names

    def entity(self, ref: EntityRef, view: View) -> EntityView | None:
        """The joined entity, or None when no entity statement about it is visible."""
        reading = self._reading(view)
        return reading.entity_views(reading.ids([ref])).get(ref)

    def entities(self, refs: Sequence[EntityRef], view: View) -> tuple[EntityView, ...]:
        """Several at once, in the order asked for; the unknown are left out."""
        reading = self._reading(view)
        views = reading.entity_views(reading.ids(refs))
        return tuple(views[ref] for ref in refs if ref in views)

    def select(self, kind: str, where: Mapping[str, Sequence[Value]], view: View, limits: Limits) -> Page[EntityView]:
        """Joined things of a kind by their indexed properties, in order of ref. Raises `ValueError`."""
        return neo4j_select.select(self._reading(view), kind, where, limits)

    def resolve_alias(
        self, name: str, view: View, limits: Limits, *, schemes: Sequence[str] = (), kinds: Sequence[str] = ()
    ) -> Page[AliasView]:
        """Entities with exactly this name (case folded), in order of (ref, scheme)."""
        return neo4j_names.resolve_alias(self._reading(view), name, limits, schemes, kinds)

    def aliases(self, refs: Sequence[EntityRef], view: View) -> tuple[AliasView, ...]:
        """All names of these (joined) entities, in order of (ref, scheme, name)."""
        return neo4j_names.aliases(self._reading(view), refs)

    def search_names(
        self,
        tokens: Sequence[str],
        view: View,
        limits: Limits,
        *,
        kinds: Sequence[str] = (),
        schemes: Sequence[str] = (),
    ) -> Page[AliasView]:
        """Names that hold all the tokens, shortest first; none for no tokens."""
        return neo4j_names.search_names(self._reading(view), tokens, limits, kinds, schemes)

    def name_vocabulary(self, view: View, *, kinds: Sequence[str] = ()) -> Mapping[str, int]:
        """Every token of visible names with how many names hold it; cached until something is written."""
        reading = self._reading(view)
        key = (reading.purges, reading.record, view.as_of, view.audience, frozenset(kinds))
        with self._lock:
            known = self._vocabularies.get(key)
        if known is not None:
            return known
        words = neo4j_names.vocabulary(reading, kinds)
        with self._lock:
            if len(self._vocabularies) >= 16:
                self._vocabularies.clear()
            self._vocabularies[key] = words
        return words

    def history(self, ref: EntityRef, view: View, limits: Limits) -> Page[Statement]:
        """Every version of the entity's statements that began by `as_of`, newest first, equal content coalesced."""
        statements = list(_history(self._reading(view), ref))
        statements.sort(
            key=lambda one: (-one.valid_from, one.provenance.source, one.provenance.scope, one.label, one.ref)
        )
        return Page(tuple(statements[: limits.rows]), len(statements) > limits.rows)

    # -- relations

    def changes(self, query: ChangeQuery, view: View, limits: Limits) -> Page[ChangeView]:
        """Changes newest first (`at` descending, then change ref, then target ref)."""
        return neo4j_changes.changes(self._reading(view), query, limits)

    def neighbours(
        self,
        refs: Sequence[EntityRef],
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> Page[RelationView]:
        """Edges at these (joined) entities. `SAME_AS`, which joins, is listed only when `types` names it."""
        until = time.monotonic() + limits.deadline_s
        reading = self._reading(view)
        hop = reading.hop(reading.members(refs), types, direction, until)
        return Page(hop.relations[: limits.rows], hop.cut or len(hop.relations) > limits.rows)

    def subgraph(
        self,
        refs: Sequence[EntityRef],
        hops: int,
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> Subgraph:
        """Everything within `hops`; `limits.rows` caps the relations."""
        reading = self._reading(view)
        start = {*refs, *(reading.text(number) for number in reading.members(refs))}
        return subgraph(sorted(start), hops, _expand(reading, types, direction), limits)

    def paths(
        self,
        src: EntityRef,
        dst: EntityRef,
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        max_hops: int = 6,
        direction: Direction = "both",
    ) -> Page[tuple[RelationView, ...]]:
        """All shortest paths, each as its edges in order; `limits.rows` caps the paths."""
        reading = self._reading(view)
        ends = [tuple(reading.text(number) for number in reading.members([ref])) for ref in (src, dst)]
        return shortest_paths(ends[0], ends[1], max_hops, direction, _expand(reading, types, direction), limits)

    def aggregate(self, kind: str, by: str, view: View, limits: Limits) -> Page[tuple[Value, int]]:
        """How many visible things of a kind per value of one indexed property, most first. Raises `ValueError`."""
        return neo4j_select.aggregate(self._reading(view), kind, by, limits)

    # -- text and vectors

    def passages(self, refs: Sequence[EntityRef], view: View) -> tuple[TextHit, ...]:
        """The texts of these (joined) entities, ordered by (ref, slot); their score is 1."""
        return neo4j_text.passages(self._reading(view), refs)

    def search_text(self, query: str, view: View, limits: Limits, *, kinds: Sequence[str] = ()) -> Page[TextHit]:
        """BM25 over visible passages (`graph.bm25`)."""
        return neo4j_text.search_text(self._reading(view), query, limits, kinds)

    def search_vector(
        self, embedder: str, vector: Sequence[float], view: View, limits: Limits, *, kinds: Sequence[str] = ()
    ) -> Page[TextHit]:
        """Cosine over visible passages that have a vector: the server's index first, all of them where it falls short."""
        return self._vectors.search(self._reading(view), embedder, vector, limits, kinds)

    def missing_vectors(self, embedder: str, limits: Limits) -> Page[tuple[str, str]]:
        """(content hash, text) of current passages without a vector, newest first. Raises `EmbedderMismatch`."""
        check_stamp(neo4j_text.stamp_of(self._connection), embedder, None)
        return neo4j_text.missing_vectors(self._reading(View()), limits)

    # -- lifetime

    def close(self) -> None:
        """Release everything. Further calls raise `StoreUnavailable`."""
        self._connection.close()

    def __enter__(self) -> Neo4jStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _reading(self, view: View) -> Reading:
        return Reading(self._connection, self._scopes, view, self._clock())


def _wall_clock() -> Instant:
    return time.time_ns() // 1_000


def _expand(reading: Reading, types: Sequence[str], direction: Direction) -> Expand:
    def expand(refs: Iterable[EntityRef], until: float) -> Hop:
        return reading.hop(reading.numbers(refs), types, direction, until)

    return expand


def _history(reading: Reading, ref: EntityRef) -> Iterator[Statement]:
    rows = reading.rows(cypher.ENTITY_TIMELINES, ids=list(reading.members([ref])))
    timelines = {timeline: (number, label, scope) for number, label, scope, timeline in rows}
    for timeline, (number, label, scope) in timelines.items():
        for span in reading.spans(timelines)[timeline]:
            if reading.view.as_of is None or span.valid_from <= reading.view.as_of:
                yield reading.span_statement(number, label, scope, span)
