"""Changes: `CHANGED` relations by target, by actor and by time, newest first, read no further than asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from graph.clock import Instant
from graph.merge import OPEN
from graph.model import EntityRef
from graph.rows import decode_properties
from graph.schema import ACTOR_RELATIONS
from graph.store import ChangeQuery, ChangeView, Limits, Page
from graph.stores import cypher
from graph.stores.neo4j_connection import Rows, TimeUp
from graph.stores.neo4j_read import Reading
from graph.views import provenance

_FEW = 2_000
"""Up to so many change entities, their own edges are read; beyond, the changes of the whole time."""
_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class _Found:
    """A change and what it is ordered by beside its time."""

    view: ChangeView
    rest: tuple[str, str, str, str]

    @property
    def key(self) -> tuple[Instant, str, str, tuple[str, str, str, str]]:
        return (-self.view.at, self.view.change, self.view.target, self.rest)


def changes(reading: Reading, query: ChangeQuery, limits: Limits) -> Page[ChangeView]:
    """The visible changes that meet the query, newest first. One item per source that states it."""
    until = monotonic() + limits.deadline_s
    found: list[_Found] = []
    cut = False
    try:
        for rows in _Candidates(reading, query, until).batches(min(limits.rows + 1, _SIZE)):
            found.extend(_views(reading, query, rows))
            if len(found) > limits.rows:
                break
    except TimeUp:
        cut = True
    found.sort(key=lambda one: one.key)
    return Page(tuple(one.view for one in found[: limits.rows]), cut or len(found) > limits.rows)


class _Candidates:
    """Versions where a change begins, newest first, in batches that never part equal times."""

    def __init__(self, reading: Reading, query: ChangeQuery, until: float) -> None:
        self._reading = reading
        self._until = until
        self._since = query.since if query.since is not None else -OPEN
        self._before = query.until if query.until is not None else OPEN
        if reading.view.as_of is not None:
            self._before = min(self._before, reading.view.as_of + 1)
        self._made = _made_by(reading, query)
        self._targets = list(reading.members(query.targets)) if query.targets is not None else None

    def batches(self, size: int) -> Iterator[Rows]:
        """Batches of about `size` and then more."""
        before = min(max(self._before, -OPEN), OPEN)
        while True:
            rows = self._read(self._since, before, size)
            if len(rows) < size:
                yield self._wanted(rows)
                return
            last: Instant = rows[-1][_AT]
            rows = [row for row in rows if row[_AT] != last]
            yield self._wanted(rows + self._read(last, last + 1, OPEN))
            before, size = last, _SIZE

    def _read(self, since: Instant, before: Instant, size: int) -> Rows:
        window = {"since": max(since, -OPEN), "before": before, "rows": size}
        if self._targets is not None:
            return self._reading.rows(cypher.CHANGES_BY_TARGET, until=self._until, targets=self._targets, **window)
        if self._made is not None and len(self._made) <= _FEW:
            return self._reading.rows(cypher.CHANGES_BY_CHANGE, until=self._until, changes=list(self._made), **window)
        return self._reading.rows(cypher.CHANGES_BY_TIME, until=self._until, **window)

    def _wanted(self, rows: Rows) -> Rows:
        return rows if self._made is None else [row for row in rows if row[0] in self._made]


_AT = 9
"""Where `valid_from` stands in a row of the queries for changes."""


def _made_by(reading: Reading, query: ChangeQuery) -> set[int] | None:
    """The numbers of the change entities the query restricts to; None when it does not."""
    made = reading.members(query.changes) if query.changes is not None else None
    if query.by is not None:
        theirs = _by(reading, query.by)
        made = theirs if made is None else made & theirs
    return made


def _by(reading: Reading, actors: Iterable[EntityRef]) -> set[int]:
    """Change entities with a visible actor relation to one of these, and what they are joined with."""
    rows = reading.rows(cypher.MADE_BY, ids=list(reading.members(actors)), types=list(ACTOR_RELATIONS))
    for row in rows:
        reading.meet(*row)
    groups = reading.groups({row[0] for row in rows})
    return {number for group in groups.values() for number in group}


def _views(reading: Reading, query: ChangeQuery, rows: Sequence[Sequence[Any]]) -> Iterator[_Found]:
    """Those of the candidates that are visible and meet the query."""
    for row in rows:
        reading.meet(*row[:3])
    reading.prefetch((row[8], row[_AT:]) for row in rows)
    groups = reading.groups({row[0] for row in rows if row[2]})
    visible = {row[0] for row in rows if row[3]} | reading.visible_things(groups)
    as_of = reading.view.as_of
    for change, change_ref, _, _, target_ref, discriminator, label, scope, timeline, *values in rows:
        target = EntityRef(target_ref)
        if change not in visible or (query.target_kinds is not None and target.kind not in query.target_kinds):
            continue
        row = reading.row(timeline, values)
        if row.valid_to <= reading.moment or (as_of is not None and row.valid_from > as_of):
            continue
        properties = decode_properties(row.body)
        if query.effects is not None and properties.get("effect") not in query.effects:
            continue
        source, of = reading.scopes[scope]
        said = provenance(row, source, of)
        view = ChangeView(EntityRef(change_ref), target, row.valid_from, properties, said, label)
        yield _Found(view, (discriminator or "", source, of, label))
