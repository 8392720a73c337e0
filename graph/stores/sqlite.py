"""The embedded store: one SQLite file, many readers and one writer at a time, from any thread and process."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from graph.canonical import sorted_lines
from graph.clock import Instant
from graph.cosine import check_stamp
from graph.labels import single_labels
from graph.merge import OPEN, PRESENT
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
from graph.stores import sqlite_changes, sqlite_names, sqlite_purge, sqlite_select, sqlite_status, sqlite_text
from graph.stores.sqlite_file import ENTITY_TYPE, SqliteFile
from graph.stores.sqlite_read import Catalogue, Reading, numbers
from graph.stores.sqlite_symbols import LABEL
from graph.stores.sqlite_vectors import Vectors, put_vectors, stamp
from graph.stores.sqlite_write import Writer
from graph.traverse import Expand, Hop, shortest_paths, subgraph


class SqliteStore:
    """`graph.store.GraphStore` in a SQLite file, or in memory when `path` is None."""

    def __init__(self, path: Path | None = None, clock: Callable[[], Instant] | None = None) -> None:
        self._clock = clock or _wall_clock
        self._file = SqliteFile(path)
        self._catalogue = Catalogue()
        self._writer = Writer(self._file, self._catalogue.symbols)
        self._vectors = Vectors()
        self._vocabularies: dict[object, Mapping[str, int]] = {}
        self._lock = Lock()

    # -- writing

    def apply(self, batch: FactBatch) -> Receipt:
        """Store facts, ledgers and cursor in one transaction. Raises `BatchRefused`; then nothing was stored."""
        return self._writer.apply(batch, prepare(batch), self._clock())

    def put_vectors(self, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        """Store unit vectors by content hash. Raises `EmbedderMismatch`, and `ValueError` for what is no vector."""
        vectors = list(vectors)
        with self._file.writing() as connection:
            put_vectors(connection, embedder, vectors)

    def purge(self, selector: PurgeSelector, reason: str) -> PurgeReceipt:
        """Destroy content everywhere and leave a tombstone that also stops later arrivals."""
        with self._file.writing() as connection:
            versions = sqlite_purge.purge(connection, self._catalogue.symbols, selector, reason)
        with self._lock:
            self._vocabularies.clear()
        with self._file.outside() as connection:
            busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        remains = "The write-ahead log keeps old pages until its readers are done; purge again then." if busy else ""
        return PurgeReceipt(versions, remains)

    # -- ledgers

    def cursor(self, source: str, scope: str) -> str | None:
        """The cursor stored with the last batch of this source and scope that had one."""
        with self._file.reading() as connection:
            try:
                row = connection.execute(
                    "SELECT cursor FROM scope WHERE source=? AND scope=?", (source, scope)
                ).fetchone()
            except UnicodeEncodeError:  # no stored text is like that
                return None
        return row[0] if row is not None else None

    def labels(self) -> frozenset[str]:
        """Every label that any fact was ever stored with, single ones only."""
        with self._file.reading() as connection:
            return single_labels(self._catalogue.symbols.all(connection, LABEL))

    def record(self, at: Instant | None = None) -> int:
        """The number of the last record, or of the last one recorded at or before `at` (0 before the first)."""
        with self._file.reading() as connection:
            found: int = connection.execute(
                "SELECT coalesce(max(number), 0) FROM record WHERE ?1 IS NULL OR at<=?1", (at,)
            ).fetchone()[0]
        return found

    def status(self, quarantine_rows: int = 20) -> StoreStatus:
        """Counts, freshness, backlog and the newest quarantine rows."""
        with self._reading(View()) as reading:
            pages, page_bytes = (
                int(reading.connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size")
            )
            size = pages * page_bytes if self._file.path is not None else None
            return sqlite_status.status(reading, quarantine_rows, size)

    def scopes(self) -> tuple[ScopeStatus, ...]:
        """The scopes of `status` alone, by (source, scope)."""
        with self._file.reading() as connection:
            return tuple(sqlite_status.scopes(connection))

    def dump(self) -> Iterator[str]:
        """The canonical dump (`graph.canonical`)."""
        with self._file.reading() as connection:
            return sorted_lines(sqlite_status.dump(connection))

    # -- entities and names

    def entity(self, ref: EntityRef, view: View) -> EntityView | None:
        """The joined entity, or None when no entity statement about it is visible."""
        with self._reading(view) as reading:
            return reading.entity_views(reading.ids([ref])).get(ref)

    def entities(self, refs: Sequence[EntityRef], view: View) -> tuple[EntityView, ...]:
        """Several at once, in the order asked for; the unknown are left out."""
        with self._reading(view) as reading:
            views = reading.entity_views(reading.ids(refs))
        return tuple(views[ref] for ref in refs if ref in views)

    def select(self, kind: str, where: Mapping[str, Sequence[Value]], view: View, limits: Limits) -> Page[EntityView]:
        """Joined things of a kind by their indexed properties, in order of ref. Raises `ValueError`."""
        with self._reading(view) as reading:
            return sqlite_select.select(reading, kind, where, limits)

    def resolve_alias(
        self, name: str, view: View, limits: Limits, *, schemes: Sequence[str] = (), kinds: Sequence[str] = ()
    ) -> Page[AliasView]:
        """Entities with exactly this name (case folded), in order of (ref, scheme)."""
        with self._reading(view) as reading:
            return sqlite_names.resolve_alias(reading, name, limits, schemes, kinds)

    def aliases(self, refs: Sequence[EntityRef], view: View) -> tuple[AliasView, ...]:
        """All names of these (joined) entities, in order of (ref, scheme, name)."""
        with self._reading(view) as reading:
            return sqlite_names.aliases(reading, refs)

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
        with self._reading(view) as reading:
            return sqlite_names.search_names(reading, tokens, limits, kinds, schemes)

    def name_vocabulary(self, view: View, *, kinds: Sequence[str] = ()) -> Mapping[str, int]:
        """Every token of visible names with how many names hold it; cached until something is written."""
        with self._reading(view) as reading:
            generation = reading.connection.execute("SELECT value FROM meta WHERE key='generation'").fetchone()[0]
            key = (generation, view.as_of, view.known_at, reading.labels, frozenset(kinds))
            with self._lock:
                known = self._vocabularies.get(key)
            if known is not None:
                return known
            words = sqlite_names.vocabulary(reading, kinds)
        with self._lock:
            if len(self._vocabularies) >= 16:
                self._vocabularies.clear()
            self._vocabularies[key] = words
        return words

    def history(self, ref: EntityRef, view: View, limits: Limits) -> Page[Statement]:
        """Every version of the entity's statements that began by `as_of`, newest first, equal content coalesced."""
        with self._reading(view) as reading:
            statements = list(_history(reading, ref))
        statements.sort(
            key=lambda one: (-one.valid_from, one.provenance.source, one.provenance.scope, one.label, one.ref)
        )
        return Page(tuple(statements[: limits.rows]), len(statements) > limits.rows)

    # -- relations

    def changes(self, query: ChangeQuery, view: View, limits: Limits) -> Page[ChangeView]:
        """Changes newest first (`at` descending, then change ref, then target ref)."""
        with self._reading(view) as reading:
            return sqlite_changes.changes(reading, query, limits)

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
        with self._reading(view) as reading:
            hop = reading.hop(_members(reading, refs), types, direction, until)
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
        with self._reading(view) as reading:
            start = {*refs, *reading.refs(_members(reading, refs)).values()}
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
        with self._reading(view) as reading:
            ends = [{ref, *reading.refs(_members(reading, [ref])).values()} for ref in (src, dst)]
            expand = _expand(reading, types, direction)
            return shortest_paths(ends[0], ends[1], max_hops, direction, expand, limits)

    def aggregate(self, kind: str, by: str, view: View, limits: Limits) -> Page[tuple[Value, int]]:
        """How many visible things of a kind per value of one indexed property, most first. Raises `ValueError`."""
        with self._reading(view) as reading:
            return sqlite_select.aggregate(reading, kind, by, limits)

    # -- text and vectors

    def passages(self, refs: Sequence[EntityRef], view: View) -> tuple[TextHit, ...]:
        """The texts of these (joined) entities, ordered by (ref, slot); their score is 1."""
        with self._reading(view) as reading:
            return sqlite_text.passages(reading, _members(reading, refs))

    def search_text(self, query: str, view: View, limits: Limits, *, kinds: Sequence[str] = ()) -> Page[TextHit]:
        """BM25 over visible passages (`graph.bm25`)."""
        with self._reading(view) as reading:
            return sqlite_text.search_text(reading, query, limits, kinds)

    def search_vector(
        self, embedder: str, vector: Sequence[float], view: View, limits: Limits, *, kinds: Sequence[str] = ()
    ) -> Page[TextHit]:
        """Cosine over visible passages that have a vector. Raises `EmbedderMismatch`."""
        with self._reading(view) as reading:
            return self._vectors.search(reading, embedder, vector, limits, kinds)

    def missing_vectors(self, embedder: str, limits: Limits) -> Page[tuple[str, str]]:
        """(content hash, text) of current passages without a vector, newest first. Raises `EmbedderMismatch`."""
        with self._reading(View()) as reading:
            check_stamp(stamp(reading.connection), embedder, None)
            rows = reading.select(
                "SELECT p.hash, p.text, max(v.valid_from) AS newest FROM passage p CROSS JOIN version v"
                " WHERE NOT EXISTS (SELECT 1 FROM vector x WHERE x.hash=p.hash) AND v.timeline=p.timeline"
                f" AND v.body=p.id AND {reading.visible} GROUP BY p.hash ORDER BY newest DESC, p.hash LIMIT ?3",
                min(limits.rows, OPEN - 1) + 1,
            ).fetchall()
        found = tuple((digest.hex(), text.decode()) for digest, text, _ in rows)
        return Page(found[: limits.rows], len(found) > limits.rows)

    # -- lifetime

    def close(self) -> None:
        """Release everything. Further calls raise `StoreUnavailable`."""
        self._file.close()

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _reading(self, view: View) -> Generator[Reading]:
        with self._file.reading() as connection:
            yield Reading(connection, self._catalogue, view, self._clock())


def _wall_clock() -> Instant:
    return time.time_ns() // 1_000


def _members(reading: Reading, refs: Sequence[EntityRef]) -> set[int]:
    """Numbers of these refs and all they are joined with."""
    groups = reading.groups(set(reading.ids(refs).values()))
    return {number for group in groups.values() for number in group}


def _expand(reading: Reading, types: Sequence[str], direction: Direction) -> Expand:
    def expand(refs: Iterable[EntityRef], until: float) -> Hop:
        return reading.hop(set(reading.ids(refs).values()), types, direction, until)

    return expand


def _history(reading: Reading, ref: EntityRef) -> Iterator[Statement]:
    rows = reading.select(
        "SELECT t.id, r.ref, t.label, t.scope FROM json_each(?3) n CROSS JOIN timeline t CROSS JOIN ref r"
        f" WHERE t.src=n.value AND t.type={ENTITY_TYPE} AND {reading.permitted} AND r.id=t.src",
        numbers(_members(reading, [ref])),
    ).fetchall()
    as_of = reading.view.as_of
    for timeline, text, label, scope in rows:
        for span in reading.spans(timeline):
            if span.state == PRESENT and (as_of is None or span.valid_from <= as_of):
                yield reading.stated_by(EntityRef(text), span, label, scope)
