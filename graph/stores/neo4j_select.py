"""Entities by their indexed properties, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic

from graph.model import EntityRef, Value
from graph.rows import encode_value
from graph.store import EntityView, Limits, Page
from graph.stores.neo4j_read import Reading
from graph.stores.neo4j_rows import property_term
from graph.terms import check_indexed, value_term
from graph.views import merged

_BATCH = 1_000
_FEW = 2_000
_CLAUSES = 500
"""Alternatives in one query; Lucene takes 1,024."""


def select(reading: Reading, kind: str, where: Mapping[str, Sequence[Value]], limits: Limits) -> Page[EntityView]:
    """Joined things with a ref of this kind whose properties, merged over its refs of this kind, have these values.

    A thing is listed once, under the least of its refs of this kind, in order of ref. Raises `ValueError`.
    """
    check_indexed(kind, where)
    wanted = {name: {encode_value(value) for value in values} for name, values in where.items()}
    until = monotonic() + limits.deadline_s
    candidates = _candidates(reading, kind, where)
    in_order = not reading.any_joined(candidates.values())
    found: list[EntityView] = []
    late = False
    for things in _things(reading, kind, candidates, min(limits.rows + 1, _BATCH)):
        if late := monotonic() >= until:
            break
        for view, properties in things:
            if all(name in properties and encode_value(properties[name]) in values for name, values in wanted.items()):
                found.append(view)
        if len(found) > limits.rows and in_order:
            break
    found.sort(key=lambda view: view.ref)
    return Page(tuple(found[: limits.rows]), late or len(found) > limits.rows)


def aggregate(reading: Reading, kind: str, by: str, limits: Limits) -> Page[tuple[Value, int]]:
    """How many visible things of a kind have each value of a property; those that lack it are not counted."""
    check_indexed(kind, [by])
    until = monotonic() + limits.deadline_s
    counts = Counter[bytes]()
    values: dict[bytes, Value] = {}
    cut = False
    for things in _things(reading, kind, _candidates(reading, kind, {}), _BATCH):
        if monotonic() >= until:
            cut = True
            break
        for _, properties in things:
            if by in properties:
                key = encode_value(properties[by])
                values.setdefault(key, properties[by])
                counts[key] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].decode()))
    return Page(tuple((values[key], count) for key, count in ordered[: limits.rows]), cut or len(ordered) > limits.rows)


def _candidates(reading: Reading, kind: str, where: Mapping[str, Sequence[Value]]) -> dict[EntityRef, int]:
    """Refs that may match: those that ever had one of the values of one property, the rarest if it is rare."""
    if not where:
        return reading.of_kind(kind)
    queries = [
        [" ".join(some) for some in _parts([property_term(kind, name, value_term(value)) for value in values])]
        for name, values in where.items()
    ]
    if any(not parts for parts in queries):
        return {}
    for parts in queries if len(queries) > 1 else ():
        if len(parts) == 1 and len(found := reading.by_terms(parts[0], _FEW)) < _FEW:
            return found
    return {ref: number for part in queries[0] for ref, number in reading.by_terms(part).items()}


def _parts(terms: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(terms), _CLAUSES):
        yield terms[start : start + _CLAUSES]


def _things(
    reading: Reading, kind: str, candidates: Mapping[EntityRef, int], first: int
) -> Iterator[list[tuple[EntityView, Mapping[str, Value]]]]:
    """Views of the visible things of these refs, each once, with the properties merged over refs of the kind."""
    done = set[EntityRef]()
    ordered = sorted(candidates)
    start, size = 0, first
    while start < len(ordered):
        asked = {ref: candidates[ref] for ref in ordered[start : start + size]}
        start, size = start + size, _BATCH
        things: list[tuple[EntityView, Mapping[str, Value]]] = []
        for _, view in sorted(reading.entity_views(asked).items()):
            of_kind = [one for one in view.statements if one.ref.kind == kind]
            if not of_kind:
                continue
            least = min(one.ref for one in of_kind)
            if least not in done:
                done.add(least)
                things.append((EntityView(least, view.refs, view.properties, view.statements), merged(of_kind)))
        yield things
