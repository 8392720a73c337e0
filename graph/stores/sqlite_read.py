"""What one read sees of a SQLite store: visibility in SQL, joined things, statements, edges."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from time import monotonic

import msgspec

from graph.clock import Instant
from graph.labels import readable
from graph.merge import OPEN, Row, coalesce
from graph.model import EntityRef
from graph.rows import ALIAS, RELATION, decode_properties
from graph.schema import JOINING
from graph.store import Direction, EntityView, Provenance, RelationView, Statement, View
from graph.stores.sqlite_file import ENTITY_TYPE
from graph.stores.sqlite_symbols import KIND, LABEL, Symbols
from graph.traverse import Hop, relation_order
from graph.views import entity_view, relation_view, statement

ROW = "v.valid_from, v.valid_to, v.flags, v.observed_at, v.locator, v.url, v.extractor, coalesce(b.data, v.body), v.timeline"
"""The columns of a version that `Reading.row` takes, body last but one."""
ROW_WITHOUT_BODY = ROW.replace("coalesce(b.data, v.body)", "NULL")

_ONE_BY_ONE = 8
"""So few refs are looked up one by one."""
_Columns = tuple[Instant, Instant, int, Instant, str, str | None, int, bytes | None, int]


class Catalogue:
    """Small tables that only grow, cached for a store: symbols, and the source and scope behind their number."""

    def __init__(self) -> None:
        self.symbols = Symbols()
        self._scopes: dict[int, tuple[str, str]] = {}

    def scope(self, connection: sqlite3.Connection, number: int) -> tuple[str, str]:
        """(source, scope) of a scope's number."""
        if number not in self._scopes:
            for known, source, scope in connection.execute("SELECT id, source, scope FROM scope"):
                self._scopes[known] = (source, scope)
        return self._scopes[number]


class Reading:
    """One read transaction under one view.

    SQL that this class makes has its parameters in this order: `?1` the record, `?2` the moment, then the query's own.
    Numbers of labels and types stand in the text: they are ours, never a caller's words.
    """

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue, view: View, now: Instant) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self.symbols = catalogue.symbols
        self.view = view
        self.record = view.known_at if view.known_at is not None else OPEN - 1
        self.moment = view.as_of if view.as_of is not None else now
        self.labels = self._readable_labels()
        self._ids: dict[str, int] = {}
        self._refs: dict[int, EntityRef] = {}

    # -- conditions

    @property
    def visible(self) -> str:
        """SQL: version `v` is known and holds."""
        holds = "v.valid_from<=?2 AND v.valid_to>?2" if self.view.as_of is not None else "v.valid_to>?2"
        return f"{self.known} AND {holds}"

    known = "v.recorded_at<=?1 AND v.superseded_at>?1 AND v.flags&3=1"
    """SQL: version `v` is known and says that something holds."""

    @property
    def permitted(self) -> str:
        """SQL: timeline `t` may be read."""
        return f"t.label IN ({','.join(map(str, sorted(self.labels)))})"

    def types(self, form: str, names: Collection[str]) -> str:
        """SQL: a list of the numbers of these types; unknown ones are left out."""
        numbers = (self.symbols.id(self.connection, form, name) for name in names)
        return f"({','.join(str(number) for number in numbers if number is not None)})"

    def kinds(self, names: Collection[str], of: str = "r") -> str:
        """SQL: the ref `of` is of one of these kinds; always true when there are none."""
        if not names:
            return "1"
        numbers = (self.symbols.id(self.connection, KIND, name) for name in names)
        return f"{of}.kind IN ({','.join(str(number) for number in numbers if number is not None)})"

    def select(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        """Run a query with the record and the moment before its own parameters."""
        return self.connection.execute(sql, (self.record, self.moment, *parameters))

    # -- numbers and texts

    def ids(self, refs: Iterable[EntityRef]) -> dict[EntityRef, int]:
        """Numbers of refs; unknown ones are left out."""
        found: dict[EntityRef, int] = {}
        refs = tuple(refs)
        sought = self._find_all(refs) if len(refs) > _ONE_BY_ONE else frozenset[EntityRef]()
        for ref in refs:
            number = self._ids.get(ref)
            if number is None and ref not in sought:
                number = self._find(ref)
            if number is not None:
                found[ref] = number
        return found

    def refs(self, ids: Iterable[int]) -> dict[int, EntityRef]:
        """Refs by number."""
        wanted = set(ids)
        missing = wanted - self._refs.keys()
        if missing:
            for number, text in self.connection.execute(
                "SELECT r.id, r.ref FROM json_each(?) n CROSS JOIN ref r ON r.id=n.value", (numbers(missing),)
            ):
                self._refs[number] = EntityRef(text)
                self._ids[text] = number
        return {number: self._refs[number] for number in wanted if number in self._refs}

    def _find(self, ref: EntityRef) -> int | None:
        try:
            row = self.connection.execute("SELECT id FROM ref WHERE ref=?", (str(ref),)).fetchone()
        except UnicodeEncodeError:  # no stored text is like that
            return None
        if row is None:
            return None
        number: int = row[0]
        self._ids[str(ref)] = number
        self._refs[number] = ref
        return number

    def _find_all(self, refs: Iterable[EntityRef]) -> frozenset[EntityRef]:
        """Look many up at once; those that were sought, found or not. What is no plain text is left to `_find`."""
        sought = frozenset(ref for ref in refs if ref not in self._ids and "\0" not in ref)
        try:
            array = msgspec.json.encode([str(ref) for ref in sought])
        except UnicodeEncodeError:
            return frozenset()
        for number, text in self.connection.execute(
            "SELECT r.id, r.ref FROM json_each(?) n CROSS JOIN ref r WHERE r.ref=n.value", (array.decode(),)
        ):
            self._ids[text] = number
            self._refs[number] = EntityRef(text)
        return sought

    def label(self, number: int) -> str:
        """A label's text."""
        return self.symbols.text(self.connection, number)

    # -- rows

    def row(self, columns: _Columns, *, passage: bool = False) -> Row:
        """The maximal interval that a version (columns `ROW`) belongs to, with its first version's provenance."""
        at, valid_to, flags, observed, locator, url, extractor, body, timeline = columns
        if flags >> 3:
            for span in self.spans(timeline, passage=passage):
                if span.valid_from <= at < span.valid_to:
                    return span
        return Row(
            at, valid_to, flags & 3, body or b"", observed, locator, url, self.symbols.text(self.connection, extractor)
        )

    def spans(self, timeline: int, *, passage: bool = False) -> list[Row]:
        """All maximal intervals of a timeline (of a passage or not) as known."""
        table, column = ("passage", "text") if passage else ("body", "data")
        rows = self.connection.execute(
            f"SELECT v.valid_from, v.valid_to, v.flags, v.observed_at, v.locator, v.url, v.extractor,"
            f" coalesce(b.{column}, v.body) FROM version v LEFT JOIN {table} b ON b.id=v.body"
            f" WHERE v.timeline=?2 AND {self.known} ORDER BY v.valid_from",
            (self.record, timeline),
        )
        text = self.symbols.text
        return coalesce(
            Row(at, valid_to, flags & 3, body or b"", observed, locator, url, text(self.connection, extractor))
            for at, valid_to, flags, observed, locator, url, extractor, body in rows
        )

    def statement(self, ref: EntityRef, columns: _Columns, label: int, scope: int) -> Statement:
        """What a version of a timeline (not of a passage) states."""
        at, valid_to, flags, observed, locator, url, extractor, body, _ = columns
        if flags >> 3:
            return self.stated_by(ref, self.row(columns), label, scope)
        source, of = self.catalogue.scope(self.connection, scope)
        text = self.symbols.text
        return Statement(
            ref,
            decode_properties(body or b""),
            at,
            None if valid_to == OPEN else valid_to,
            text(self.connection, label),
            Provenance(source, of, locator, observed, url, text(self.connection, extractor)),
        )

    def stated_by(self, ref: EntityRef, row: Row, label: int, scope: int) -> Statement:
        """What a row states, in the name of its source and scope."""
        source, of = self.catalogue.scope(self.connection, scope)
        return statement(ref, row, source, of, self.label(label))

    # -- joined things

    @property
    def has_joins(self) -> bool:
        """Whether anything was ever joined."""
        return self.symbols.id(self.connection, RELATION, "SAME_AS") is not None

    def groups(self, ids: Collection[int]) -> dict[int, tuple[int, ...]]:
        """For each number those of all refs of the same thing, itself included, in ascending order."""
        same = self.symbols.id(self.connection, RELATION, "SAME_AS")
        if same is None:
            return {number: (number,) for number in ids}
        beside: dict[int, set[int]] = {}
        met = set[int]()
        frontier = set(ids)
        while frontier:
            for one, other in self._joins(frontier, same):
                beside.setdefault(one, set()).add(other)
                beside.setdefault(other, set()).add(one)
            met |= frontier
            frontier = beside.keys() - met
        done: dict[int, tuple[int, ...]] = {}
        for number in ids:
            if number not in done:
                group = tuple(sorted(_reachable(number, beside)))
                done.update(dict.fromkeys(group, group))
        return {number: done[number] for number in ids}

    def _joins(self, ids: Collection[int], same: int) -> set[tuple[int, int]]:
        """The pairs that are joined and not split, in ascending order each."""
        joined = {_pair(*ends) for ends in self._pairs(ids, same)}
        split = self.symbols.id(self.connection, RELATION, "NOT_SAME_AS")
        if joined and split is not None:
            joined -= {_pair(*ends) for ends in self._pairs(ids, split)}
        return joined

    def _pairs(self, ids: Iterable[int], type_: int) -> Iterator[tuple[int, int]]:
        """Both ends of the visible relations of a type at these refs."""
        array = numbers(ids)
        conditions = f"{self.permitted} AND {self.visible}"
        yield from self.select(
            "SELECT t.src, t.dst FROM json_each(?3) n CROSS JOIN timeline t CROSS JOIN version v"
            f" WHERE t.src=n.value AND t.type={type_} AND t.dst>0 AND v.timeline=t.id AND {conditions}",
            array,
        )
        yield from self.select(
            "SELECT t.src, t.dst FROM json_each(?3) n CROSS JOIN timeline t CROSS JOIN version v"
            f" WHERE t.dst=n.value AND t.dst!=0 AND t.type={type_} AND v.timeline=t.id AND {conditions}",
            array,
        )

    def stated(self, ids: Iterable[int]) -> set[int]:
        """Those numbers of which a visible entity statement exists."""
        rows = self.select(
            "SELECT DISTINCT t.src FROM json_each(?3) n CROSS JOIN timeline t CROSS JOIN version v"
            f" WHERE t.src=n.value AND t.type={ENTITY_TYPE} AND {self.permitted} AND v.timeline=t.id AND {self.visible}",
            numbers(ids),
        )
        return {number for (number,) in rows}

    def visible_things(self, groups: Mapping[int, tuple[int, ...]]) -> set[int]:
        """Those keys of `groups` whose joined thing is visible."""
        stated = self.stated({number for group in groups.values() for number in group})
        return {number for number, group in groups.items() if not stated.isdisjoint(group)}

    def entity_views(self, asked: Mapping[EntityRef, int]) -> dict[EntityRef, EntityView]:
        """Views of refs by number; what is not visible is left out."""
        groups = self.groups(set(asked.values()))
        members = {number for group in groups.values() for number in group}
        statements = self.entity_statements(members)
        texts = self.refs(members) if len(members) > len(asked) else {number: ref for ref, number in asked.items()}
        views: dict[EntityRef, EntityView] = {}
        for ref, number in asked.items():
            group = groups[number]
            found = [one for member in group for one in statements.get(member, ())]
            if found:
                views[ref] = entity_view(ref, [texts[member] for member in group], found)
        return views

    def entity_statements(self, ids: Iterable[int]) -> dict[int, list[Statement]]:
        """The visible statements about each entity."""
        statements: dict[int, list[Statement]] = {}
        for number, ref, label, scope, *columns in self.select(
            f"SELECT t.src, r.ref, t.label, t.scope, {ROW} FROM json_each(?3) n CROSS JOIN timeline t"
            f" CROSS JOIN version v CROSS JOIN ref r LEFT JOIN body b ON b.id=v.body"
            f" WHERE t.src=n.value AND t.type={ENTITY_TYPE} AND {self.permitted} AND v.timeline=t.id AND {self.visible}"
            " AND r.id=t.src",
            numbers(ids),
        ).fetchall():
            statements.setdefault(number, []).append(self.statement(EntityRef(ref), tuple(columns), label, scope))
        return statements

    # -- edges

    def hop(self, near: Collection[int], types: Collection[str], direction: Direction, until: float) -> Hop:
        """The visible edges at these things (numbers of whole groups)."""
        facts, cut = self._edge_facts(near, types, direction, until)
        ends = {end for (_, src, dst, _) in facts for end in (src, dst)}
        groups = self.groups(ends)
        visible = self.visible_things(groups)
        inside = frozenset(near)
        texts = self.refs({number for group in groups.values() for number in group})
        relations: list[RelationView] = []
        kept = set[int]()
        for (type_, src, dst, extra), versions in facts.items():
            outward = direction != "in" and src in inside and dst in visible
            inward = direction != "out" and dst in inside and src in visible
            if not (outward or inward):
                continue
            a, b = texts[src], texts[dst]
            statements = [self.statement(a, columns, label, scope) for label, scope, columns in versions]
            name = self.symbols.text(self.connection, type_)
            relations.append(relation_view(name, a, b, extra, statements))
            kept.update((src, dst))
        relations.sort(key=relation_order)
        by_ref = {texts[number]: tuple(texts[member] for member in groups[number]) for number in kept}
        return Hop(tuple(relations), by_ref, cut)

    def _edge_facts(
        self, near: Collection[int], types: Collection[str], direction: Direction, until: float
    ) -> tuple[dict[tuple[int, int, int, str], list[tuple[int, int, _Columns]]], bool]:
        """Visible relation versions by (type, src, dst, discriminator), each as (label, scope, columns)."""
        facts: dict[tuple[int, int, int, str], list[tuple[int, int, _Columns]]] = {}
        of_type = f"t.type {'' if types else 'NOT '}IN {self.types(RELATION, types or JOINING)}"
        inside = frozenset(near)
        array = numbers(near)
        for way, condition in (("out", "t.src=n.value AND t.dst>0"), ("in", "t.dst=n.value AND t.dst!=0")):
            if direction not in (way, "both"):
                continue
            cursor = self.select(
                f"SELECT t.type, t.src, t.dst, t.extra, t.label, t.scope, {ROW} FROM json_each(?3) n"
                " CROSS JOIN timeline t CROSS JOIN version v LEFT JOIN body b ON b.id=v.body"
                f" WHERE {condition} AND {of_type} AND {self.permitted} AND v.timeline=t.id AND {self.visible}",
                array,
            )
            while rows := cursor.fetchmany(1_000):
                for type_, src, dst, extra, label, scope, *columns in rows:
                    if way == "out" or direction == "in" or src not in inside:  # else the way out has found it
                        facts.setdefault((type_, src, dst, extra), []).append((label, scope, tuple(columns)))
                if monotonic() >= until:
                    return facts, True
        return facts, False

    def _readable_labels(self) -> frozenset[int]:
        labels = self.symbols.all(self.connection, LABEL)
        permitted = readable(labels, self.view.audience)
        return frozenset(number for label, number in labels.items() if label in permitted)


def numbers(ids: Iterable[int]) -> str:
    """A JSON array of numbers, for `json_each`."""
    return f"[{','.join(map(str, ids))}]"


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one <= other else (other, one)


def _reachable(start: int, beside: Mapping[int, set[int]]) -> set[int]:
    reached = {start}
    frontier = [start]
    while frontier:
        for other in beside.get(frontier.pop(), ()):
            if other not in reached:
                reached.add(other)
                frontier.append(other)
    return reached


def alias_types(reading: Reading, schemes: Sequence[str]) -> str:
    """SQL: timeline `t` is an alias, of one of these schemes when there are some."""
    if schemes:
        return f"t.type IN {reading.types(ALIAS, schemes)}"
    return "t.dst<0"
