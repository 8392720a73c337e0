"""Changes: `CHANGED` relations by target, by actor and by time, newest first, read no further than asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from operator import itemgetter
from time import monotonic

from graph.clock import Instant
from graph.merge import JOINS_NEXT, OPEN
from graph.model import EntityRef
from graph.rows import RELATION, decode_properties
from graph.schema import ACTOR_RELATIONS
from graph.store import ChangeQuery, ChangeView, Limits, Page, Provenance
from graph.stores.sqlite_file import CHANGED_TYPE
from graph.stores.sqlite_read import ROW, Reading, numbers

_FEW = 2_000
"""Up to so many change entities, their own edges are read; beyond, the timeline of all changes."""

_Candidate = tuple[Instant, int]
"""(at, timeline)"""


_Order = tuple[Instant, str, str, tuple[str, str, str, str]]
"""Where a change stands in the list: (-at, change, target, rest)."""


def changes(reading: Reading, query: ChangeQuery, limits: Limits) -> Page[ChangeView]:
    """The visible changes that meet the query, newest first. One item per source that states it."""
    until = monotonic() + limits.deadline_s
    found: list[tuple[_Order, ChangeView]] = []
    cut = False
    for candidates in _batches(_candidates(reading, query), min(2 * limits.rows + 16, 1_000)):
        if monotonic() >= until:
            cut = True
            break
        found.extend(sorted(_views(reading, query, candidates), key=itemgetter(0)))
        if len(found) > limits.rows:
            break
    return Page(tuple(view for _, view in found[: limits.rows]), cut or len(found) > limits.rows)


def _batches(candidates: Iterator[_Candidate], first: int) -> Iterator[list[_Candidate]]:
    """Candidates in lists that never part equal times."""
    batch: list[_Candidate] = []
    wanted = first
    for candidate in candidates:
        if len(batch) >= wanted and candidate[0] != batch[-1][0]:
            yield batch
            batch, wanted = [], min(4 * wanted, 1_000)
        batch.append(candidate)
    if batch:
        yield batch


def _candidates(reading: Reading, query: ChangeQuery) -> Iterator[_Candidate]:
    """Where a change may be found, newest first, each once."""
    since = query.since if query.since is not None else -OPEN
    until = query.until if query.until is not None else OPEN
    if reading.view.as_of is not None:
        until = min(until, reading.view.as_of + 1)
    made = _made_by(reading, query)
    execute = reading.connection.execute
    if query.targets is not None:
        groups = reading.groups(set(reading.ids(query.targets).values()))
        targets = {number for group in groups.values() for number in group}
        rows = execute(
            "SELECT c.at, c.timeline, c.change FROM json_each(?) n CROSS JOIN change c INDEXED BY change_target"
            " WHERE c.target=n.value AND c.at>=? AND c.at<? ORDER BY c.at DESC",
            (numbers(targets), since, until),
        )
    elif made is not None and len(made) <= _FEW:
        rows = execute(
            "SELECT c.at, c.timeline, c.change FROM json_each(?) n CROSS JOIN timeline t CROSS JOIN change c"
            f" INDEXED BY change_target WHERE t.src=n.value AND t.type={CHANGED_TYPE} AND t.dst>0 AND c.target=t.dst"
            " AND c.at>=? AND c.at<? AND c.timeline=t.id ORDER BY c.at DESC",
            (numbers(made), since, until),
        )
    else:
        rows = execute("SELECT at, timeline, change FROM change WHERE at>=? AND at<? ORDER BY at DESC", (since, until))
    seen: _Candidate | None = None
    for at, timeline, change in rows:
        if (made is None or change in made) and (at, timeline) != seen:
            seen = (at, timeline)
            yield seen


def _made_by(reading: Reading, query: ChangeQuery) -> set[int] | None:
    """The numbers of the change entities the query restricts to; None when it does not."""
    made: set[int] | None = None
    if query.changes is not None:
        groups = reading.groups(set(reading.ids(query.changes).values()))
        made = {number for group in groups.values() for number in group}
    if query.by is not None:
        theirs = _by(reading, query.by)
        made = theirs if made is None else made & theirs
    return made


def _by(reading: Reading, actors: Iterable[EntityRef]) -> set[int]:
    """Change entities with a visible actor relation to one of these, and what they are joined with."""
    groups = reading.groups(set(reading.ids(actors).values()))
    members = {number for group in groups.values() for number in group}
    rows = reading.select(
        "SELECT DISTINCT t.src FROM json_each(?3) n CROSS JOIN timeline t CROSS JOIN version v WHERE t.dst=n.value"
        f" AND t.dst!=0 AND t.type IN {reading.types(RELATION, ACTOR_RELATIONS)} AND {reading.permitted}"
        f" AND v.timeline=t.id AND {reading.visible}",
        numbers(members),
    )
    made = {number for (number,) in rows}
    return {number for group in reading.groups(made).values() for number in group}


def _views(
    reading: Reading, query: ChangeQuery, candidates: Collection[_Candidate]
) -> Iterator[tuple[_Order, ChangeView]]:
    """Those of the candidates that are visible and meet the query."""
    wanted = frozenset(candidates)
    as_of = reading.view.as_of
    if query.target_kinds is None:
        kinds = ""
    elif query.target_kinds:
        kinds = f" AND {reading.kinds(query.target_kinds, 'd')}"
    else:
        return
    rows = reading.select(
        f"SELECT t.src, s.ref, d.ref, t.extra, t.label, t.scope, {ROW} FROM json_each(?3) n CROSS JOIN timeline t"
        " CROSS JOIN version v CROSS JOIN ref s CROSS JOIN ref d LEFT JOIN body b ON b.id=v.body"
        f" WHERE t.id=n.value AND {reading.permitted} AND v.timeline=t.id AND {reading.known} AND v.flags>>3&1=0"
        f" AND (v.valid_to>?2 OR v.flags>>3={JOINS_NEXT}) AND s.id=t.src AND d.id=t.dst{kinds}",
        numbers({timeline for _, timeline in candidates}),
    ).fetchall()
    visible = reading.visible_things(reading.groups({row[0] for row in rows}))
    scopes, text = reading.catalogue.scope, reading.symbols.text
    connection, moment = reading.connection, reading.moment
    for change, change_ref, target_ref, extra, label, scope, *columns in rows:
        at, valid_to, flags, observed, locator, url, extractor, body, timeline = columns
        if (at, timeline) not in wanted or change not in visible:
            continue
        if flags >> 3:
            whole = reading.row(tuple(columns))
            at, valid_to, _, body, observed, locator, url, told = whole[:8]
        else:
            told = text(connection, extractor)
        if valid_to <= moment or (as_of is not None and at > as_of):
            continue
        properties = decode_properties(body or b"")
        if query.effects is not None and properties.get("effect") not in query.effects:
            continue
        source, of = scopes(connection, scope)
        may_read = text(connection, label)
        said = Provenance(source, of, locator, observed, url, told)
        view = ChangeView(EntityRef(change_ref), EntityRef(target_ref), at, properties, said, may_read)
        yield (-at, change_ref, target_ref, (extra, source, of, may_read)), view
