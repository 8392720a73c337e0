"""What one read sees of a Neo4j store: joined things, statements, edges.

Each query carries the record, the moment and the audience. Nodes of refs go by their number within a read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from time import monotonic
from typing import Any

from graph.clock import Instant
from graph.merge import OPEN, Row, coalesce
from graph.model import EntityRef
from graph.store import Direction, EntityView, RelationView, Statement, View
from graph.stores import cypher
from graph.stores.neo4j_connection import Connection, Rows, TimeUp
from graph.stores.neo4j_rows import JOINING, SAME_AS, node_key, row
from graph.traverse import Hop, relation_order
from graph.views import entity_view, relation_view, statement

_NEAR: Mapping[Direction, tuple[str, str]] = {
    "out": ("SRC", "DST"),
    "in": ("DST", "SRC"),
    "both": ("SRC|DST", "SRC|DST"),
}


class Scopes:
    """Source and scope behind their number. They never change, so that they are read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[int, tuple[str, str]] = {}
        self._lock = Lock()

    def __getitem__(self, number: int) -> tuple[str, str]:
        if number not in self._known:
            rows = self._connection.read(cypher.SCOPES, {})
            with self._lock:
                self._known.update({number: (source, scope) for number, source, scope in rows})
        return self._known[number]


class Reading:
    """One read under one view."""

    def __init__(self, connection: Connection, scopes: Scopes, view: View, now: Instant) -> None:
        self.scopes = scopes
        self.view = view
        self.moment = view.as_of if view.as_of is not None else now
        self._connection = connection
        self._record = view.known_at
        self._texts: dict[int, EntityRef] = {}
        self._numbers: dict[EntityRef, int] = {}
        self._groups: dict[int, tuple[int, ...]] = {}
        self._joined = set[int]()
        self._spans: dict[int, list[Row]] = {}

    @cached_property
    def purges(self) -> int:
        """How often anything was purged."""
        record, purges = self._connection.read(cypher.PIN, {})[0]
        self.pin(record)
        return int(purges)

    @property
    def record(self) -> int:
        """The last record this read sees, the same for all its queries."""
        if self._record is None:
            self.pin(self._connection.read(cypher.PIN, {})[0][0])
        assert self._record is not None
        return self._record

    def rows(self, text: str, *, until: float | None = None, **parameters: object) -> Rows:
        """Run a query with the view's parameters beside its own. Raises `TimeUp` at the given `time.monotonic()`."""
        timeout_s = None
        if until is not None:
            timeout_s = until - monotonic()
            if timeout_s <= 0:
                raise TimeUp("The query did not begin in time.")
            timeout_s = min(max(timeout_s, 0.001), 1e6)
        return self._connection.read(text, self._view_parameters | parameters, timeout_s)

    @cached_property
    def _view_parameters(self) -> dict[str, object]:
        as_of = self.view.as_of
        return {
            "known": _fitting(self.record),
            "moment": _fitting(self.moment),
            "latest": _fitting(as_of) if as_of is not None else OPEN,
            "labels": [label for label in self.view.audience if "+" not in label and _storable(label)],
        }

    def pin(self, record: int) -> None:
        """Take this as the last record, unless the view or an earlier query said which."""
        if self._record is None:
            self._record = record

    # -- refs

    def ids(self, refs: Iterable[EntityRef]) -> dict[EntityRef, int]:
        """Numbers of refs; unknown ones are left out."""
        keys = [node_key(ref) for ref in dict.fromkeys(refs) if _storable(ref)]
        if self._record is None:
            found = self._connection.read(cypher.PIN_AND_REFS, {"refs": keys})
            self.pin(found[0][0])
            return self._met(rest for _, *rest in found if rest[0] is not None)
        return self._met(self._connection.read(cypher.REFS, {"refs": keys})) if keys else {}

    def of_kind(self, kind: str) -> dict[EntityRef, int]:
        """All refs of a kind."""
        if not _storable(kind):
            return {}
        rows = self._connection.read(cypher.REFS_OF_KIND, {"prefix": f"{kind}:"[:900]})
        return {ref: number for ref, number in self._met(rows).items() if ref.kind == kind}

    def by_terms(self, query: str, rows: int | None = None) -> dict[EntityRef, int]:
        """Refs of entities with these index terms, `rows` of them when given."""
        return self._met(
            self._connection.read(cypher.by_terms(limited=rows is not None), {"query": query, "rows": rows})
        )

    def numbers(self, refs: Iterable[EntityRef]) -> set[int]:
        """Numbers of those refs that this read met."""
        return {self._numbers[ref] for ref in refs if ref in self._numbers}

    def text(self, number: int) -> EntityRef:
        """The ref of a number that this read met."""
        return self._texts[number]

    def any_joined(self, numbers: Collection[int]) -> bool:
        """Whether any of these was ever joined with another."""
        return not self._joined.isdisjoint(numbers)

    def _met(self, rows: Iterable[Sequence[Any]]) -> dict[EntityRef, int]:
        """Remember refs from (number, ref, joined)."""
        return {self.meet(*row): row[0] for row in rows}

    def meet(self, number: int, text: str, joined: bool | None) -> EntityRef:
        """Remember a ref that a query returned."""
        ref = self._texts[number] = EntityRef(text)
        self._numbers[ref] = number
        if joined:
            self._joined.add(number)
        return ref

    # -- rows

    def row(self, timeline: int, values: Sequence[Any]) -> Row:
        """The maximal interval that a version (columns `cypher.ROW`) belongs to, with its first version's provenance."""
        one = row(values)
        if one.joined:
            for span in self.spans([timeline])[timeline]:
                if span.valid_from <= one.valid_from < span.valid_to:
                    return span
        return one

    def spans(self, timelines: Collection[int]) -> Mapping[int, list[Row]]:
        """All maximal intervals of timelines as known."""
        missing = [number for number in timelines if number not in self._spans]
        if missing:
            found: dict[int, list[Row]] = {number: [] for number in missing}
            for number, *values in self.rows(cypher.SPANS, timelines=missing):
                found[number].append(row(values))
            self._spans.update({number: coalesce(rows) for number, rows in found.items()})
        return self._spans

    def prefetch(self, versions: Iterable[tuple[int, Sequence[Any]]]) -> None:
        """Read at once the intervals that `row` will need for these (timeline, values)."""
        joined = {timeline for timeline, values in versions if values[-1]}
        if joined:
            self.spans(joined)

    def statement(self, ref: EntityRef, label: str, scope: int, timeline: int, values: Sequence[Any]) -> Statement:
        """What a version of a timeline states."""
        source, of = self.scopes[scope]
        return statement(ref, self.row(timeline, values), source, of, label)

    def span_statement(self, number: int, label: str, scope: int, span: Row) -> Statement:
        """What a timeline about this ref states over an interval."""
        source, of = self.scopes[scope]
        return statement(self._texts[number], span, source, of, label)

    # -- joined things

    def groups(self, ids: Collection[int]) -> dict[int, tuple[int, ...]]:
        """For each number those of all refs of the same thing, itself included, in ascending order."""
        beside: dict[int, set[int]] = {}
        met = set[int]()
        frontier = self._joined.intersection(ids) - self._groups.keys()
        while frontier:
            rows = self.rows(cypher.JOINS, ids=list(frontier))
            split = {frozenset((one, other)) for one, other, _, type_ in rows if type_ != SAME_AS}
            for one, other, text, type_ in rows:
                if type_ != SAME_AS or frozenset((one, other)) in split:
                    continue
                self.meet(other, text, True)
                beside.setdefault(one, set()).add(other)
                beside.setdefault(other, set()).add(one)
            met |= frontier
            frontier = beside.keys() - met
        for number in met:
            if number not in self._groups:
                group = tuple(sorted(_reachable(number, beside)))
                self._groups.update(dict.fromkeys(group, group))
        return {number: self._groups.get(number, (number,)) for number in ids}

    def members(self, refs: Iterable[EntityRef]) -> set[int]:
        """Numbers of these refs and all they are joined with."""
        groups = self.groups(set(self.ids(refs).values()))
        return {number for group in groups.values() for number in group}

    def visible_things(self, groups: Mapping[int, tuple[int, ...]]) -> set[int]:
        """Those keys of `groups` whose joined thing is visible."""
        members = {number for group in groups.values() for number in group}
        stated = {number for (number,) in self.rows(cypher.STATED, ids=list(members))} if members else set[int]()
        return {number for number, group in groups.items() if not stated.isdisjoint(group)}

    def entity_views(self, asked: Mapping[EntityRef, int]) -> dict[EntityRef, EntityView]:
        """Views of refs by number; what is not visible is left out."""
        if not asked:
            return {}
        groups = self.groups(set(asked.values()))
        members = {number for group in groups.values() for number in group}
        statements: dict[int, list[Statement]] = {}
        rows = self.rows(cypher.ENTITY_STATEMENTS, ids=list(members))
        self.prefetch((timeline, values) for _, _, _, timeline, *values in rows)
        for number, label, scope, timeline, *values in rows:
            one = self.statement(self._texts[number], label, scope, timeline, values)
            statements.setdefault(number, []).append(one)
        views: dict[EntityRef, EntityView] = {}
        for ref, number in asked.items():
            found = [one for member in groups[number] for one in statements.get(member, ())]
            if found:
                views[ref] = entity_view(ref, [self._texts[member] for member in groups[number]], found)
        return views

    # -- edges

    def hop(self, near: Collection[int], types: Sequence[str], direction: Direction, until: float) -> Hop:
        """The visible edges at these things (numbers of whole groups)."""
        try:
            rows = self._edges(near, types, direction, until)
        except TimeUp:
            return Hop((), {}, cut=True)
        self.prefetch((timeline, values) for _, _, _, _, _, _, _, _, _, _, timeline, *values in rows)
        far = {number: stated for _, _, number, _, _, stated, *_ in rows}
        groups = self.groups({*far, *(number for number, *_ in rows)})
        joined = {number: groups[number] for number in far if len(groups[number]) > 1}
        visible = {number for number, stated in far.items() if stated} | self.visible_things(joined)
        facts: dict[tuple[str, int, int, str], dict[tuple[int, Instant], Statement]] = {}
        for number, outward, other, _, _, _, type_, discriminator, label, scope, timeline, *values in rows:
            if other not in visible:
                continue
            src, dst = (number, other) if outward else (other, number)
            versions = facts.setdefault((type_, src, dst, discriminator or ""), {})
            if (timeline, values[0]) not in versions:
                versions[(timeline, values[0])] = self.statement(self._texts[src], label, scope, timeline, values)
        relations: list[RelationView] = []
        by_ref: dict[EntityRef, tuple[EntityRef, ...]] = {}
        for (type_, src, dst, discriminator), versions in facts.items():
            a, b = self._texts[src], self._texts[dst]
            relations.append(relation_view(type_, a, b, discriminator, list(versions.values())))
            for ref, number in ((a, src), (b, dst)):
                by_ref[ref] = tuple(self._texts[member] for member in groups[number])
        relations.sort(key=relation_order)
        return Hop(tuple(relations), by_ref)

    def _edges(self, near: Collection[int], types: Sequence[str], direction: Direction, until: float) -> Rows:
        """Rows of `cypher.edges`; refs they name are met."""
        if not near:
            return []
        ends = _NEAR[direction]
        if not JOINING.isdisjoint(types):
            ends = tuple("|".join(f"{end}|SAME_{end}" for end in one.split("|")) for one in ends)
        wanted = [name for name in types if _storable(name)]
        query = cypher.edges(*ends, typed=bool(types))
        rows = self.rows(query, until=until, ids=list(near), types=wanted)
        for _, _, number, text, joined, *_ in rows:
            self.meet(number, text, joined)
        return rows


def _reachable(start: int, beside: Mapping[int, set[int]]) -> set[int]:
    reached = {start}
    frontier = [start]
    while frontier:
        for other in beside.get(frontier.pop(), ()):
            if other not in reached:
                reached.add(other)
                frontier.append(other)
    return reached


def _storable(text: str) -> bool:
    """Whether a text can be sent: not so with a lone surrogate, which no stored text has."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


storable = _storable


def _fitting(number: int) -> int:
    """The nearest number that fits 64 bits."""
    return min(max(number, -OPEN), OPEN)
