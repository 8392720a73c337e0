"""Entities by their indexed properties, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic

from graph.model import EntityRef, Value
from graph.rows import encode_value
from graph.store import EntityView, Limits, Page
from graph.stores.sqlite_postings import REF_ENTRY, posting, property_field
from graph.stores.sqlite_read import Reading
from graph.stores.sqlite_symbols import FIELD, KIND
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
    done = set[EntityRef]()
    late = False
    for asked in _candidates(reading, kind, where):
        if late := monotonic() >= until:
            break
        for view, properties in _things(reading, kind, asked, done):
            if all(name in properties and encode_value(properties[name]) in values for name, values in wanted.items()):
                found.append(view)
        if len(found) > limits.rows and (not where or not reading.has_joins):
            # Joined with a later ref a thing may come early, but none comes later than its own.
            last = max(asked)
            if sum(view.ref <= last for view in found) > limits.rows:
                break
    found.sort(key=lambda view: view.ref)
    return Page(tuple(found[: limits.rows]), late or len(found) > limits.rows)


def aggregate(reading: Reading, kind: str, by: str, limits: Limits) -> Page[tuple[Value, int]]:
    """How many visible things of a kind have each value of a property; those that lack it are not counted."""
    check_indexed(kind, [by])
    until = monotonic() + limits.deadline_s
    counts = Counter[bytes]()
    values: dict[bytes, Value] = {}
    done = set[EntityRef]()
    cut = False
    for asked in _candidates(reading, kind, {}):
        if monotonic() >= until:
            cut = True
            break
        for _, properties in _things(reading, kind, asked, done):
            if by in properties:
                key = encode_value(properties[by])
                values.setdefault(key, properties[by])
                counts[key] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].decode()))
    return Page(tuple((values[key], count) for key, count in ordered[: limits.rows]), cut or len(ordered) > limits.rows)


def _candidates(reading: Reading, kind: str, where: Mapping[str, Sequence[Value]]) -> Iterator[Mapping[EntityRef, int]]:
    """Refs that may match, with their numbers, in order and in lists: those that ever had one of the values of the rarest property."""
    if not where:
        yield from _of_kind(reading, kind)
        return
    lists = [
        b"".join(_listed(reading, property_field(kind, name), value_term(value)) for value in values)
        for name, values in where.items()
    ]
    found = reading.refs({number for (number,) in REF_ENTRY.iter_unpack(min(lists, key=len))})
    ordered = sorted((ref, number) for number, ref in found.items())
    for start in range(0, len(ordered), _BATCH):
        yield dict(ordered[start : start + _BATCH])


def _of_kind(reading: Reading, kind: str) -> Iterator[Mapping[EntityRef, int]]:
    """All refs of a kind, read from their index no further than asked for."""
    if reading.symbols.id(reading.connection, KIND, kind) is None:
        return
    last, end = f"{kind}:", f"{kind};"  # `;` follows `:`
    while rows := reading.connection.execute(
        "SELECT ref, id FROM ref WHERE ref>? AND ref<? ORDER BY ref LIMIT ?", (last, end, _BATCH)
    ).fetchall():
        yield {EntityRef(text): number for text, number in rows}
        last = rows[-1][0]


def _listed(reading: Reading, field: str, term: str) -> bytes:
    number = reading.symbols.id(reading.connection, FIELD, field)
    return posting(reading.connection, number, term) if number is not None else b""


def _things(
    reading: Reading, kind: str, asked: Mapping[EntityRef, int], done: set[EntityRef]
) -> Iterator[tuple[EntityView, Mapping[str, Value]]]:
    """Views of the visible things of these refs but those done, with the properties merged over refs of the kind."""
    for _, view in sorted(reading.entity_views(asked).items()):
        if len(view.statements) == 1 and view.ref == view.statements[0].ref:
            of_kind = view.statements
            least = view.ref
        else:
            of_kind = [one for one in view.statements if one.ref.kind == kind]
            if not of_kind:
                continue
            least = min(one.ref for one in of_kind)
        if least not in done:
            done.add(least)
            same = least == view.ref
            yield (view if same else EntityView(least, view.refs, view.properties, view.statements)), merged(of_kind)
