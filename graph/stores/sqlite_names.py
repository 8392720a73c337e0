"""Names: exact, by their words, and all the words there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from time import monotonic

from graph.merge import OPEN
from graph.model import EntityRef
from graph.store import AliasView, Limits, Page
from graph.stores.sqlite_postings import NAME_ENTRY, NAME_FIELD, posting
from graph.stores.sqlite_read import ROW_WITHOUT_BODY, Reading, alias_types, numbers
from graph.stores.sqlite_symbols import FIELD
from graph.terms import name_terms


def resolve_alias(
    reading: Reading, name: str, limits: Limits, schemes: Sequence[str], kinds: Sequence[str]
) -> Page[AliasView]:
    """Visible aliases with this name, case folded, by (ref, scheme, name)."""
    try:
        ids = reading.connection.execute("SELECT id FROM name WHERE folded=?", (name.casefold(),)).fetchall()
    except UnicodeEncodeError:
        return Page(())
    until = monotonic() + limits.deadline_s
    found = sorted(_named(reading, (number for (number,) in ids), schemes, kinds), key=_by_ref)
    return Page(tuple(found[: limits.rows]), len(found) > limits.rows or monotonic() >= until)


def aliases(reading: Reading, refs: Iterable[EntityRef]) -> tuple[AliasView, ...]:
    """All visible names of these joined things, by (ref, scheme, name)."""
    groups = reading.groups(set(reading.ids(refs).values()))
    members = {number for group in groups.values() for number in group}
    rows = reading.select(
        f"SELECT r.ref, y.text, m.name, t.scope, {ROW_WITHOUT_BODY} FROM json_each(?3) n CROSS JOIN timeline t"
        " CROSS JOIN version v CROSS JOIN ref r CROSS JOIN symbol y CROSS JOIN name m"
        f" WHERE t.src=n.value AND t.dst<0 AND {reading.permitted} AND v.timeline=t.id AND {reading.visible}"
        " AND r.id=t.src AND y.id=t.type AND m.id=-t.dst",
        numbers(members),
    )
    return tuple(sorted(_merged(reading, rows), key=_by_ref))


def search_names(
    reading: Reading, tokens: Sequence[str], limits: Limits, kinds: Sequence[str], schemes: Sequence[str]
) -> Page[AliasView]:
    """Visible aliases whose name holds all the tokens: shortest name first, then by (name, ref, scheme)."""
    until = monotonic() + limits.deadline_s
    found: list[AliasView] = []
    for ids in _by_length(_holding(reading, tokens), limits.rows + 1):
        if monotonic() >= until:
            return Page(tuple(found[: limits.rows]), cut=True)
        found.extend(sorted(_named(reading, ids, schemes, kinds), key=_shortest_first))
        if len(found) > limits.rows:
            break
    return Page(tuple(found[: limits.rows]), len(found) > limits.rows)


def vocabulary(reading: Reading, kinds: Sequence[str]) -> dict[str, int]:
    """Every token of visible names with the number of different names that hold it."""
    rows = reading.select(
        "SELECT m.name FROM name m WHERE EXISTS (SELECT 1 FROM timeline t CROSS JOIN version v CROSS JOIN ref r"
        f" WHERE t.dst=-m.id AND t.dst!=0 AND {reading.permitted} AND v.timeline=t.id AND {reading.visible}"
        f" AND r.id=t.src AND {reading.kinds(kinds)})"
    )
    counts = Counter[str]()
    for (name,) in rows:
        counts.update(name_terms(name))
    return dict(counts)


def _holding(reading: Reading, tokens: Sequence[str]) -> list[tuple[int, int]]:
    """(length, number) of all names that hold all the tokens, shortest first."""
    field = reading.symbols.id(reading.connection, FIELD, NAME_FIELD)
    if field is None or not tokens:
        return []
    try:
        lists = sorted((posting(reading.connection, field, token) for token in set(tokens)), key=len)
    except UnicodeEncodeError:
        return []
    held = dict(NAME_ENTRY.iter_unpack(lists[0]))
    for data in lists[1:]:
        if not held:
            break
        others = {number for number, _ in NAME_ENTRY.iter_unpack(data)}
        held = {number: length for number, length in held.items() if number in others}
    return sorted((length, number) for number, length in held.items())


def _by_length(names: list[tuple[int, int]], wanted: int) -> Iterator[list[int]]:
    """Names' numbers in lists of about `wanted` that never part equal lengths."""
    batch: list[int] = []
    for _, group in groupby(names, key=lambda name: name[0]):
        batch.extend(number for _, number in group)
        if len(batch) >= wanted:
            yield batch
            batch = []
    if batch:
        yield batch


def _named(reading: Reading, ids: Iterable[int], schemes: Sequence[str], kinds: Sequence[str]) -> Iterator[AliasView]:
    """Visible aliases with names of these numbers."""
    rows = reading.select(
        f"SELECT r.ref, y.text, m.name, t.scope, {ROW_WITHOUT_BODY} FROM json_each(?3) n CROSS JOIN timeline t"
        " CROSS JOIN version v CROSS JOIN ref r CROSS JOIN symbol y CROSS JOIN name m"
        f" WHERE t.dst=-n.value AND t.dst!=0 AND {alias_types(reading, schemes)} AND {reading.permitted}"
        f" AND v.timeline=t.id AND {reading.visible} AND r.id=t.src AND {reading.kinds(kinds)} AND y.id=t.type"
        " AND m.id=n.value",
        numbers(ids),
    )
    yield from _merged(reading, rows)


def _merged(reading: Reading, rows: Iterable[tuple[object, ...]]) -> Iterator[AliasView]:
    """One alias per (ref, scheme, name): what the preferred source says of its time."""
    best: dict[tuple[str, str, str], tuple[tuple[int, str, str], AliasView]] = {}
    for ref, scheme, name, scope, *columns in list(rows):
        row = reading.row(tuple(columns))  # pyright: ignore[reportArgumentType]
        alias = AliasView(
            EntityRef(str(ref)), str(scheme), str(name), row.valid_from, None if row.valid_to == OPEN else row.valid_to
        )
        source, of = reading.catalogue.scope(reading.connection, int(str(scope)))
        preference = (-row.valid_from, source, of)
        key = (alias.ref, alias.scheme, alias.name)
        if key not in best or preference < best[key][0]:
            best[key] = (preference, alias)
    for _, alias in best.values():
        yield alias


def _by_ref(alias: AliasView) -> tuple[str, str, str]:
    return (alias.ref, alias.scheme, alias.name)


def _shortest_first(alias: AliasView) -> tuple[int, str, str, str]:
    return (len(alias.name), alias.name, alias.ref, alias.scheme)
