"""The store contract: typed operations over facts, never a query language.

Every read takes a `View` (as of when in the world, as known when, by whom) and, where it can grow, `Limits`; it returns a
`Page` that says whether it was cut. A read sees the *joined* thing: `SAME_AS` relations visible in the view join refs, unless a visible
`NOT_SAME_AS` splits the very two that one joins; and
statements of all sources are kept apart and merged (`merged` prefers the newest `valid_from`, then the source name).
The tests in `tests/contracts/store_contract.py` are this contract's executable form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

from graph.clock import Instant
from graph.model import PUBLIC, EntityRef, FactBatch, Properties, Value

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """Which facts a read sees.

    Attributes:
        as_of: the moment in the world; None is "now": every fact with an open end, and those whose end lies ahead of the wall clock.
        known_at: number of the last record (one per applied batch) that is visible; None is the last committed one.
        audience: the labels the reader holds, judged now. `public` must be among them to see public facts.
    """

    as_of: Instant | None = None
    known_at: int | None = None
    audience: frozenset[str] = frozenset({PUBLIC})


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of a read. When one is hit the page says `cut`."""

    rows: int = 1_000
    deadline_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in the operation's order, and whether a cap cut the list."""

    items: tuple[T, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a statement comes from."""

    source: str
    scope: str
    locator: str
    observed_at: Instant
    url: str | None = None
    extractor: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One source's version of a fact: what it says, over which time, who may read it. `ref` is the ref the source spoke of."""

    ref: EntityRef
    properties: Properties
    valid_from: Instant
    valid_to: Instant | None
    label: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class EntityView:
    """A joined thing: its statements by source, and their merge. `refs` are the joined refs, sorted; `ref` is the one asked for."""

    ref: EntityRef
    refs: tuple[EntityRef, ...]
    properties: Properties
    statements: tuple[Statement, ...]

    @property
    def kind(self) -> str:
        """The entity kind."""
        return self.ref.kind


@dataclass(frozen=True, slots=True)
class RelationView:
    """An edge as seen: merged properties, and each source's statement."""

    type: str
    src: EntityRef
    dst: EntityRef
    discriminator: str
    properties: Properties
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A `CHANGED` relation: `change` (a commit, an audit event …) touched `target` at `at` (its `valid_from`).

    `properties` holds `effect` and `attributes` as `graph.schema` describes them.
    """

    change: EntityRef
    target: EntityRef
    at: Instant
    properties: Properties
    provenance: Provenance
    label: str


@dataclass(frozen=True, slots=True)
class AliasView:
    """A name that holds in the view."""

    ref: EntityRef
    scheme: str
    name: str
    valid_from: Instant
    valid_to: Instant | None


@dataclass(frozen=True, slots=True)
class TextHit:
    """A passage found. `score` is BM25 for text, cosine for vectors; higher is better; ties are in order of (ref, slot)."""

    ref: EntityRef
    slot: str
    text: str
    score: float
    valid_from: Instant
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Entities reached with their distance in hops, and the relations among them."""

    distance: Mapping[EntityRef, int]
    relations: tuple[RelationView, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes. All given conditions must hold.

    Attributes:
        targets: changes to any of these (joined refs included); None means any target.
        since, until: `since <= at < until`.
        by: changes whose `AUTHORED_BY` (and the other `schema.ACTOR_RELATIONS`) leads to one of these accounts or persons.
        changes: only these change entities.
        effects: only these effects.
        target_kinds: only targets of these kinds.
    """

    targets: Sequence[EntityRef] | None = None
    since: Instant | None = None
    until: Instant | None = None
    by: Sequence[EntityRef] | None = None
    changes: Sequence[EntityRef] | None = None
    effects: frozenset[str] | None = None
    target_kinds: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an `apply` did. `record` is its number on the record clock; `applied` is False when the batch id was known."""

    record: int
    applied: bool
    rows_written: int


@dataclass(frozen=True, slots=True)
class ScopeStatus:
    """What is known of one source and scope."""

    source: str
    scope: str
    cursor: str | None
    last_applied_at: Instant
    fresh_until: Instant | None
    batches: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """An item of the quarantine."""

    source: str
    scope: str
    locator: str
    reason: str
    record: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Counts over what is current and visible to everybody; `backlog` is passages without a vector of the stamped embedder."""

    record: int
    schema_version: int
    entities: Mapping[str, int]
    relations: Mapping[str, int]
    passages: int
    vectors: int
    backlog: int
    embedder: str | None
    scopes: tuple[ScopeStatus, ...]
    quarantine: tuple[QuarantineRow, ...]
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class PurgeSelector:
    """What to destroy: everything said of these refs, these exact fact keys, and/or everything one source and scope said."""

    refs: Sequence[EntityRef] = ()
    fact_keys: Sequence[str] = ()
    source: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class PurgeReceipt:
    """How many versions were destroyed, and what the store could not destroy by itself (Neo4j's transaction logs)."""

    versions: int
    remains: str = ""


Direction = Literal["out", "in", "both"]


class GraphStore(Protocol):
    """A store of facts. Open it through `graph.stores.open_store(url)`; it is a context manager.

    Raises, in any operation: `StoreUnavailable`, `StoreFull`, `StoreIncompatible`.
    """

    # -- writing

    def apply(self, batch: FactBatch) -> Receipt:
        """Store facts, ledgers and cursor in one transaction. Raises `BatchRefused`; then nothing was stored."""
        ...

    def put_vectors(self, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        """Store unit vectors by content hash. The first call stamps the store with `embedder` and the dimension.

        Raises `EmbedderMismatch` for any other embedder or dimension.
        """
        ...

    def purge(self, selector: PurgeSelector, reason: str) -> PurgeReceipt:
        """Destroy content everywhere (versions, indexes, vectors) and leave a tombstone that also stops later arrivals."""
        ...

    # -- ledgers

    def cursor(self, source: str, scope: str) -> str | None:
        """The cursor stored with the last batch of this source and scope that had one."""
        ...

    def labels(self) -> frozenset[str]:
        """Every label that any fact was ever stored with, single ones only (`a+b` gives both): the audience that sees everything."""
        ...

    def record(self, at: Instant | None = None) -> int:
        """The number of the last record, or of the last one recorded at or before `at` (0 before the first)."""
        ...

    def status(self, quarantine_rows: int = 20) -> StoreStatus:
        """Counts, freshness, backlog and the newest quarantine rows."""
        ...

    def scopes(self) -> tuple[ScopeStatus, ...]:
        """The scopes of `status` alone, by (source, scope): cheap, whatever the store holds."""
        ...

    def dump(self) -> Iterator[str]:
        """The canonical dump: JSON lines, sorted, equal for equal batches on every store; wall-clock times left out."""
        ...

    # -- entities and names

    def entity(self, ref: EntityRef, view: View) -> EntityView | None:
        """The joined entity, or None when nothing visible is said of it."""
        ...

    def entities(self, refs: Sequence[EntityRef], view: View) -> tuple[EntityView, ...]:
        """Several at once, in the order asked for; the unknown are left out."""
        ...

    def select(self, kind: str, where: Mapping[str, Sequence[Value]], view: View, limits: Limits) -> Page[EntityView]:
        """Entities of a kind whose *indexed* properties (`graph.schema`) equal one of the given values each, by ref.

        Raises `ValueError` for a property that the schema does not index.
        """
        ...

    def resolve_alias(
        self, name: str, view: View, limits: Limits, *, schemes: Sequence[str] = (), kinds: Sequence[str] = ()
    ) -> Page[AliasView]:
        """Entities with exactly this name (case folded), of these schemes and kinds when given; ordered by (ref, scheme)."""
        ...

    def aliases(self, refs: Sequence[EntityRef], view: View) -> tuple[AliasView, ...]:
        """All names of these (joined) entities, ordered by (ref, scheme, name)."""
        ...

    def search_names(
        self,
        tokens: Sequence[str],
        view: View,
        limits: Limits,
        *,
        kinds: Sequence[str] = (),
        schemes: Sequence[str] = (),
    ) -> Page[AliasView]:
        """Names that hold *all* the tokens (tokens as made by `graph.text.name_tokens`), shortest name first, then by (name, ref)."""
        ...

    def name_vocabulary(self, view: View, *, kinds: Sequence[str] = ()) -> Mapping[str, int]:
        """Every token of visible names with how many names hold it: what misspellings are corrected against. May be cached per record."""
        ...

    def history(self, ref: EntityRef, view: View, limits: Limits) -> Page[Statement]:
        """Every version of the entity's statements that overlaps (-inf, as_of], newest first; adjacent equal content coalesced."""
        ...

    # -- relations

    def changes(self, query: ChangeQuery, view: View, limits: Limits) -> Page[ChangeView]:
        """Changes newest first (`at` descending, then change ref, then target ref)."""
        ...

    def neighbours(
        self,
        refs: Sequence[EntityRef],
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> Page[RelationView]:
        """Edges at these (joined) entities, ordered by (type, src, dst, discriminator). An edge whose far end is not visible is not either."""
        ...

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
        ...

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
        """Shortest paths (all of the minimal length), each as its edges in order; `limits.rows` caps the paths."""
        ...

    def aggregate(self, kind: str, by: str, view: View, limits: Limits) -> Page[tuple[Value, int]]:
        """How many visible entities of a kind per value of one indexed property; most first, then by value's JSON text."""
        ...

    # -- text and vectors

    def passages(self, refs: Sequence[EntityRef], view: View) -> tuple[TextHit, ...]:
        """The texts of these (joined) entities, ordered by (ref, slot); their score is 1."""
        ...

    def search_text(self, query: str, view: View, limits: Limits, *, kinds: Sequence[str] = ()) -> Page[TextHit]:
        """BM25 over visible passages; statistics are those of the passages this audience may see."""
        ...

    def search_vector(
        self, embedder: str, vector: Sequence[float], view: View, limits: Limits, *, kinds: Sequence[str] = ()
    ) -> Page[TextHit]:
        """Cosine over visible passages that have a vector. Raises `EmbedderMismatch`."""
        ...

    def missing_vectors(self, embedder: str, limits: Limits) -> Page[tuple[str, str]]:
        """(content hash, text) of current passages that have no vector, newest `valid_from` first."""
        ...

    # -- lifetime

    def close(self) -> None:
        """Release everything. Further calls raise `StoreUnavailable`."""
        ...

    def __enter__(self) -> GraphStore: ...

    def __exit__(self, *exc: object) -> None: ...


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """How a store was opened, without credentials, for messages."""

    url: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])
