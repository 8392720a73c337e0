"""Names: exact, by their words, and all the words there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from time import monotonic

from graph.merge import OPEN
from graph.model import EntityRef
from graph.store import AliasView, Limits, Page
from graph.stores import cypher
from graph.stores.neo4j_connection import Rows, TimeUp
from graph.stores.neo4j_read import Reading, storable
from graph.stores.neo4j_rows import folded_term, name_term
from graph.terms import name_terms


def resolve_alias(
    reading: Reading, name: str, limits: Limits, schemes: Sequence[str], kinds: Sequence[str]
) -> Page[AliasView]:
    """Visible aliases with this name, case folded, by (ref, scheme, name)."""
    if not storable(name):
        return Page(())
    try:
        aliases = _with_terms(reading, [folded_term(name)], limits, schemes, kinds)
    except TimeUp:
        return Page((), cut=True)
    folded = name.casefold()
    found = sorted((alias for alias in aliases if alias.name.casefold() == folded), key=_by_ref)
    return Page(tuple(found[: limits.rows]), len(found) > limits.rows)


def aliases(reading: Reading, refs: Iterable[EntityRef]) -> tuple[AliasView, ...]:
    """All visible names of these joined things, by (ref, scheme, name)."""
    rows = reading.rows(cypher.ALIASES, ids=list(reading.members(refs)))
    return tuple(sorted(_merged(reading, rows), key=_by_ref))


def search_names(
    reading: Reading, tokens: Sequence[str], limits: Limits, kinds: Sequence[str], schemes: Sequence[str]
) -> Page[AliasView]:
    """Visible aliases whose name holds all the tokens: shortest name first, then by (name, ref, scheme)."""
    wanted = set(tokens)
    if not wanted or not all(map(storable, wanted)):
        return Page(())
    try:
        aliases = _with_terms(reading, [name_term(token) for token in sorted(wanted)], limits, schemes, kinds)
    except TimeUp:
        return Page((), cut=True)
    found = sorted((alias for alias in aliases if wanted <= name_terms(alias.name)), key=_shortest_first)
    return Page(tuple(found[: limits.rows]), len(found) > limits.rows)


def vocabulary(reading: Reading, kinds: Sequence[str]) -> dict[str, int]:
    """Every token of visible names with the number of different names that hold it."""
    counts = Counter[str]()
    for (name,) in reading.rows(cypher.ALL_NAMES, kinds=[kind for kind in kinds if storable(kind)] if kinds else None):
        counts.update(name_terms(name))
    return dict(counts)


def _with_terms(
    reading: Reading, terms: Sequence[str], limits: Limits, schemes: Sequence[str], kinds: Sequence[str]
) -> Iterable[AliasView]:
    """Visible aliases that have all these index terms."""
    rows = reading.rows(
        cypher.ALIASES_BY_TERMS,
        until=monotonic() + limits.deadline_s,
        query=" ".join(f"+{term}" for term in terms),
        schemes=[scheme for scheme in schemes if storable(scheme)] if schemes else None,
    )
    if kinds:
        rows = [row for row in rows if EntityRef(row[0]).kind in kinds]
    return _merged(reading, rows)


def _merged(reading: Reading, rows: Rows) -> Iterator[AliasView]:
    """One alias per (ref, scheme, name): what the preferred source says of its time."""
    reading.prefetch((timeline, values) for _, _, _, _, timeline, *values in rows)
    best: dict[tuple[str, str, str], tuple[tuple[int, str, str], AliasView]] = {}
    for ref, scheme, name, scope, timeline, *values in rows:
        row = reading.row(timeline, values)
        valid_to = None if row.valid_to == OPEN else row.valid_to
        alias = AliasView(EntityRef(ref), scheme, name, row.valid_from, valid_to)
        preference = (-row.valid_from, *reading.scopes[scope])
        key = (alias.ref, alias.scheme, alias.name)
        if key not in best or preference < best[key][0]:
            best[key] = (preference, alias)
    for _, alias in best.values():
        yield alias


def _by_ref(alias: AliasView) -> tuple[str, str, str]:
    return (alias.ref, alias.scheme, alias.name)


def _shortest_first(alias: AliasView) -> tuple[int, str, str, str]:
    return (len(alias.name), alias.name, alias.ref, alias.scheme)
