"""Entities by their indexed properties, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic

from graph.model import EntityRef, Value
from graph.rows import encode_value
from graph.store import EntityView, Limits, Page
from graph.stores.sqlite_postings import EVERY, REF_ENTRY, every_field, posting, property_field
from graph.stores.sqlite_read import Reading
from graph.stores.sqlite_symbols import FIELD
from graph.terms import check_indexed, value_term
from graph.views import merged

_BATCH = 500


def select(reading: Reading, kind: str, where: Mapping[str, Sequence[Value]], limits: Limits) -> Page[EntityView]:
    """Joined things with a ref of this kind whose properties, merged over its refs of this kind, have these values.

    A thing is listed once, under the least of its refs of this kind, in order of ref. Raises `ValueError`.
    """
    check_indexed(kind, where)
    wanted = {name: {encode_value(value) for value in values} for name, values in where.items()}
    until = monotonic() + limits.deadline_s
    found: list[EntityView] = []
    late = False
    for things in _things(reading, kind, _candidates(reading, kind, where)):
        if late := monotonic() >= until:
            break
        for view, properties in things:
            if all(name in properties and encode_value(properties[name]) in values for name, values in wanted.items()):
                found.append(view)
        if len(found) > limits.rows and not reading.has_joins:
            break  # without joins things come in order of ref
    found.sort(key=lambda view: view.ref)
    return Page(tuple(found[: limits.rows]), late or len(found) > limits.rows)


def aggregate(reading: Reading, kind: str, by: str, limits: Limits) -> Page[tuple[Value, int]]:
    """How many visible things of a kind have each value of a property; those that lack it are not counted."""
    check_indexed(kind, [by])
    until = monotonic() + limits.deadline_s
    counts = Counter[bytes]()
    values: dict[bytes, Value] = {}
    cut = False
    for things in _things(reading, kind, _candidates(reading, kind, {})):
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


def _candidates(reading: Reading, kind: str, where: Mapping[str, Sequence[Value]]) -> list[int]:
    """Numbers of refs that may match, in order of ref: those that ever had one of the values of the rarest property."""
    if where:
        lists = [
            b"".join(_listed(reading, property_field(kind, name), value_term(value)) for value in values)
            for name, values in where.items()
        ]
        data = min(lists, key=len)
    else:
        data = _listed(reading, every_field(kind), EVERY)
    ids = {number for (number,) in REF_ENTRY.iter_unpack(data)}
    texts = reading.refs(ids)
    return sorted(texts, key=texts.__getitem__)


def _listed(reading: Reading, field: str, term: str) -> bytes:
    number = reading.symbols.id(reading.connection, FIELD, field)
    return posting(reading.connection, number, term) if number is not None else b""


def _things(
    reading: Reading, kind: str, candidates: Sequence[int]
) -> Iterator[list[tuple[EntityView, Mapping[str, Value]]]]:
    """Views of the visible things of these refs, each once, with the properties merged over refs of the kind."""
    done = set[EntityRef]()
    for start in range(0, len(candidates), _BATCH):
        asked = {ref: number for number, ref in reading.refs(candidates[start : start + _BATCH]).items()}
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
