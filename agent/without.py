"""The graph as it would be without some of its sources: what if nobody had read Slack? A store for reading, over another one.

What a hidden source states is not there: its statements, its texts, its changes and relations, and the things that it alone speaks of, with
their names. What it says of a thing that others speak of too is left out of the merge, and joins that it alone states join nothing. Names carry
no source, so a name stays while anything else is known of its ref; statistics of text search still count the hidden texts; what was derived
by infralore itself (people joined over several sources) stays. A split that only a hidden source states still splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn, TypeVar

from graph import traverse
from graph.clock import Instant
from graph.errors import GraphError
from graph.model import EntityRef, FactBatch, Value
from graph.rows import encode_value
from graph.schema import JOINING
from graph.store import (
    AliasView,
    ChangeQuery,
    ChangeView,
    Direction,
    EntityView,
    GraphStore,
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
from graph.terms import check_indexed
from graph.views import entity_view, merged, preferred, relation_view

_ALL = Limits(rows=1_000_000, deadline_s=60.0)
"""What a filter needs whole: cut, it would tell less than there is."""
_MOST_ROWS = 1_000_000
T = TypeVar("T")


class Without:
    """A `GraphStore` for reading that hides what these sources (`slack`, `cloudtrail` …) state. Closing it leaves the other open."""

    def __init__(self, store: GraphStore, sources: Iterable[str]) -> None:
        self._store = store
        self.sources = frozenset(sources)

    # -- writing: not here

    def apply(self, batch: FactBatch) -> Receipt:
        """Raises `GraphError`."""
        _only_reading()

    def put_vectors(self, embedder: str, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
        """Raises `GraphError`."""
        _only_reading()

    def purge(self, selector: PurgeSelector, reason: str) -> PurgeReceipt:
        """Raises `GraphError`."""
        _only_reading()

    def dump(self) -> Iterator[str]:
        """Raises `GraphError`: a dump is of what is stored."""
        _only_reading()

    # -- ledgers

    def cursor(self, source: str, scope: str) -> str | None:
        """The cursor; of a hidden source none."""
        return None if source in self.sources else self._store.cursor(source, scope)

    def labels(self) -> frozenset[str]:
        """The other store's."""
        return self._store.labels()

    def record(self, at: Instant | None = None) -> int:
        """The other store's."""
        return self._store.record(at)

    def status(self, quarantine_rows: int = 20) -> StoreStatus:
        """The other store's, without the scopes of what is hidden; counts are of everything."""
        status = self._store.status(quarantine_rows)
        return replace(
            status,
            scopes=tuple(s for s in status.scopes if s.source not in self.sources),
            quarantine=tuple(q for q in status.quarantine if q.source not in self.sources),
        )

    def scopes(self) -> tuple[ScopeStatus, ...]:
        """The other store's, without those of what is hidden."""
        return tuple(s for s in self._store.scopes() if s.source not in self.sources)

    # -- entities and names

    def entity(self, ref: EntityRef, view: View) -> EntityView | None:
        """The joined entity as the other sources state it."""
        return next(iter(self.entities([ref], view)), None)

    def entities(self, refs: Sequence[EntityRef], view: View) -> tuple[EntityView, ...]:
        """Several at once; what only hidden sources state is left out."""
        found = self._store.entities(refs, view)
        groups = self._groups(found, view)
        seen = (self._entity(e, e.ref, groups) for e in found)
        return tuple(e for e in seen if e is not None)

    def select(self, kind: str, where: Mapping[str, Sequence[Value]], view: View, limits: Limits) -> Page[EntityView]:
        """Entities of a kind by what the other sources state of them."""
        check_indexed(kind, where)
        wanted = {name: {encode_value(value) for value in values} for name, values in where.items()}
        everything, cut = self._of_kind(kind, view, limits)
        found = [
            e
            for e in everything
            if all(n in (p := _of(e, kind)) and encode_value(p[n]) in values for n, values in wanted.items())
        ]
        return Page(tuple(found[: limits.rows]), cut or len(found) > limits.rows)

    def resolve_alias(
        self, name: str, view: View, limits: Limits, *, schemes: Sequence[str] = (), kinds: Sequence[str] = ()
    ) -> Page[AliasView]:
        """Entities of this name of which another source speaks."""
        return self._filled(
            limits,
            lambda more: self._store.resolve_alias(name, view, more, schemes=schemes, kinds=kinds),
            lambda some: self._named(some, view),
        )

    def aliases(self, refs: Sequence[EntityRef], view: View) -> tuple[AliasView, ...]:
        """Names of these entities."""
        ours = self._joined(refs, view)
        known = {r for e in self._store.entities(refs, view) for r in e.refs}
        found = self._named(self._store.aliases(refs, view), view)
        return tuple(a for a in found if a.ref in ours or a.ref not in known)

    def search_names(
        self,
        tokens: Sequence[str],
        view: View,
        limits: Limits,
        *,
        kinds: Sequence[str] = (),
        schemes: Sequence[str] = (),
    ) -> Page[AliasView]:
        """Names that hold all the tokens, of what another source speaks of."""
        return self._filled(
            limits,
            lambda more: self._store.search_names(tokens, view, more, kinds=kinds, schemes=schemes),
            lambda some: self._named(some, view),
        )

    def name_vocabulary(self, view: View, *, kinds: Sequence[str] = ()) -> Mapping[str, int]:
        """The other store's: a word of it may lead to nothing here."""
        return self._store.name_vocabulary(view, kinds=kinds)

    def history(self, ref: EntityRef, view: View, limits: Limits) -> Page[Statement]:
        """Versions that the other sources state."""
        entity = self._store.entity(ref, view)
        group = self._groups([entity], view).get(ref, frozenset({ref})) if entity is not None else None
        return self._filled(
            limits,
            lambda more: self._store.history(ref, view, more),
            lambda some: [s for s in self._stated(some) if group is None or s.ref in group],
        )

    # -- relations

    def changes(self, query: ChangeQuery, view: View, limits: Limits) -> Page[ChangeView]:
        """Changes that the other sources state."""
        targets = self._joined(query.targets, view) if query.targets is not None else None

        def kept(some: Sequence[ChangeView]) -> Sequence[ChangeView]:
            told = [c for c in some if c.provenance.source not in self.sources]
            told = [c for c in told if targets is None or c.target in targets]
            seen = self._seen((c.change for c in told), view)
            return [c for c in told if c.change in seen]

        return self._filled(limits, lambda more: self._store.changes(query, view, more), kept)

    def neighbours(
        self,
        refs: Sequence[EntityRef],
        view: View,
        limits: Limits,
        *,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> Page[RelationView]:
        """Edges that the other sources state, between things of which they speak."""
        ours = self._joined(refs, view)

        def kept(some: Sequence[RelationView]) -> Sequence[RelationView]:
            told = [e for r in some if (e := self._relation(r)) is not None]
            seen = self._seen((end for e in told for end in (e.src, e.dst)), view)
            return [
                e
                for e in told
                if (direction != "in" and e.src in ours and e.dst in seen)
                or (direction != "out" and e.dst in ours and e.src in seen)
            ]

        return self._filled(
            limits, lambda more: self._store.neighbours(refs, view, more, types=types, direction=direction), kept
        )

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
        """Everything within `hops` by what the other sources state."""
        start = sorted(self._joined(refs, view))
        return traverse.subgraph(start, hops, self._expand(view, types, direction), limits)

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
        """Shortest paths by what the other sources state."""
        ends = [tuple(sorted(self._joined([r], view))) for r in (src, dst)]
        expand = self._expand(view, types, direction)
        return traverse.shortest_paths(ends[0], ends[1], max_hops, direction, expand, limits)

    def aggregate(self, kind: str, by: str, view: View, limits: Limits) -> Page[tuple[Value, int]]:
        """Counts of what the other sources speak of."""
        check_indexed(kind, [by])
        counts = Counter[bytes]()
        values: dict[bytes, Value] = {}
        everything, cut = self._of_kind(kind, view, limits)
        for entity in everything:
            properties = _of(entity, kind)
            if by in properties:
                key = encode_value(properties[by])
                values.setdefault(key, properties[by])
                counts[key] += 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].decode()))
        return Page(tuple((values[k], n) for k, n in ordered[: limits.rows]), cut or len(ordered) > limits.rows)

    # -- text and vectors

    def passages(self, refs: Sequence[EntityRef], view: View) -> tuple[TextHit, ...]:
        """Texts of the other sources."""
        ours = self._joined(refs, view)
        return tuple(h for h in self._texts(self._store.passages(refs, view)) if h.ref in ours)

    def search_text(self, query: str, view: View, limits: Limits, *, kinds: Sequence[str] = ()) -> Page[TextHit]:
        """BM25 over texts of the other sources; statistics are of all."""
        return self._filled(limits, lambda more: self._store.search_text(query, view, more, kinds=kinds), self._texts)

    def search_vector(
        self, embedder: str, vector: Sequence[float], view: View, limits: Limits, *, kinds: Sequence[str] = ()
    ) -> Page[TextHit]:
        """Cosine over texts of the other sources."""
        return self._filled(
            limits, lambda more: self._store.search_vector(embedder, vector, view, more, kinds=kinds), self._texts
        )

    def missing_vectors(self, embedder: str, limits: Limits) -> Page[tuple[str, str]]:
        """The other store's."""
        return self._store.missing_vectors(embedder, limits)

    # -- lifetime

    def close(self) -> None:
        """Nothing: whoever opened the other store closes it."""

    def __enter__(self) -> Without:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    # -- what remains

    def _stated(self, statements: Iterable[Statement]) -> list[Statement]:
        return [s for s in statements if s.provenance.source not in self.sources]

    def _texts(self, hits: Sequence[TextHit]) -> list[TextHit]:
        return [h for h in hits if h.provenance.source not in self.sources]

    def _relation(self, relation: RelationView) -> RelationView | None:
        kept = self._stated(relation.statements)
        if len(kept) == len(relation.statements):
            return relation
        if not kept:
            return None
        return relation_view(relation.type, relation.src, relation.dst, relation.discriminator, kept)

    def _entity(
        self, entity: EntityView, ref: EntityRef, groups: Mapping[EntityRef, frozenset[EntityRef]]
    ) -> EntityView | None:
        """The entity as one of its refs, of what is left."""
        group = groups.get(ref, frozenset(entity.refs))
        kept = [s for s in self._stated(entity.statements) if s.ref in group]
        if not kept:
            return None
        whole = ref == entity.ref and len(kept) == len(entity.statements) and len(group) == len(entity.refs)
        return entity if whole else entity_view(ref, group, kept)

    def _groups(self, found: Iterable[EntityView], view: View) -> dict[EntityRef, frozenset[EntityRef]]:
        """What is still joined with each ref of the joined ones among these."""
        several = sorted({r for e in found if len(e.refs) > 1 for r in e.refs})
        if not several:
            return {}
        edges = self._store.neighbours(several, view, _ALL, types=JOINING).items
        apart = {frozenset((e.src, e.dst)) for e in edges if e.type == "NOT_SAME_AS"}
        group = {r: {r} for r in several}
        for edge in edges:
            pair = frozenset((edge.src, edge.dst))
            if edge.type != "SAME_AS" or pair in apart or not self._stated(edge.statements) or not pair <= group.keys():
                continue
            one, other = group[edge.src], group[edge.dst]
            if one is not other:
                one |= other
                for r in other:
                    group[r] = one
        return {r: frozenset(members) for r, members in group.items()}

    def _seen(self, refs: Iterable[EntityRef], view: View) -> frozenset[EntityRef]:
        """Those of which something is left."""
        return frozenset(e.ref for e in self.entities(sorted(set(refs)), view))

    def _joined(self, refs: Sequence[EntityRef], view: View) -> frozenset[EntityRef]:
        """These refs and all that is still joined with them; what the other store joins besides is not among them."""
        found = self._store.entities(refs, view)
        groups = self._groups(found, view)
        joined = {r for ref in refs for r in groups.get(ref, ())}
        return frozenset({*refs, *joined})

    def _named(self, aliases: Sequence[AliasView], view: View) -> list[AliasView]:
        """Names but those of refs of which only hidden sources speak."""
        hidden, told = set[EntityRef](), set[EntityRef]()
        for entity in self._store.entities(sorted({a.ref for a in aliases}), view):
            for s in entity.statements:
                (hidden if s.provenance.source in self.sources else told).add(s.ref)
        return [a for a in aliases if a.ref in told or a.ref not in hidden]

    def _of_kind(self, kind: str, view: View, limits: Limits) -> tuple[list[EntityView], bool]:
        """Everything of a kind that is left, each under the least of its refs of the kind, in order of ref."""
        page = self._store.select(kind, {}, view, replace(limits, rows=_MOST_ROWS))
        groups = self._groups(page.items, view)
        found: dict[EntityRef, EntityView] = {}
        for entity in page.items:
            spoken = sorted({s.ref for s in self._stated(entity.statements) if s.ref.kind == kind})
            for ref in spoken:
                group = groups.get(ref, frozenset(entity.refs))
                least = next(r for r in spoken if r in group)
                if least not in found and (seen := self._entity(entity, least, groups)) is not None:
                    found[least] = seen
        return [found[r] for r in sorted(found)], page.cut

    def _expand(self, view: View, types: Sequence[str], direction: Direction) -> traverse.Expand:
        def expand(refs: Collection[EntityRef], until: float) -> traverse.Hop:
            del until
            page = self.neighbours(sorted(refs), view, _ALL, types=types, direction=direction)
            ends = sorted({end for e in page.items for end in (e.src, e.dst)})
            groups = {e.ref: e.refs for e in self.entities(ends, view)}
            return traverse.Hop(page.items, {end: groups.get(end, (end,)) for end in ends}, page.cut)

        return expand

    def _filled(
        self, limits: Limits, read: Callable[[Limits], Page[T]], keep: Callable[[Sequence[T]], Sequence[T]]
    ) -> Page[T]:
        """As many rows as asked for of what is kept: read on until there are enough, or no more."""
        rows = limits.rows
        while True:
            page = read(replace(limits, rows=rows))
            kept = keep(page.items)
            if not page.cut or len(kept) > limits.rows or len(page.items) < rows or rows >= _MOST_ROWS:
                return Page(tuple(kept[: limits.rows]), page.cut or len(kept) > limits.rows)
            rows = min(rows * 4 + 16, _MOST_ROWS)


def _of(entity: EntityView, kind: str) -> Mapping[str, Value]:
    """Properties merged over the refs of one kind."""
    return merged(preferred(s for s in entity.statements if s.ref.kind == kind))


def _only_reading() -> NoReturn:
    raise GraphError("A graph without some of its sources can only be read.", "Write to the store itself.")


def hidden_sources(what_if: str) -> frozenset[str]:
    """The sources that `without:slack,cloudtrail` names.

    Raises:
        ValueError: it says something else.
    """
    verb, colon, names = what_if.partition(":")
    found = frozenset(n for part in names.split(",") if (n := part.strip()))
    if verb.strip() != "without" or not colon or not found:
        raise ValueError("what-if takes without:SOURCE, or several joined by commas")
    return found
