"""The canonical dump: what a store holds as sorted JSON lines, equal for equal batches whatever the store.

A fact line is a rectangle in the two clocks: over `from`–`to` in the world and `known_from`–`known_to` on the record clock
this timeline said this. Rectangles are maximal: how a store cuts them into rows does not show. Wall-clock times are left
out; record numbers are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from graph.merge import OPEN, Row, coalesce
from graph.rows import PASSAGE, TimelineKey, decode_text


class Recorded(NamedTuple):
    """A stored row with its two record numbers; `superseded_at` is `OPEN` for a current one."""

    row: Row
    recorded_at: int
    superseded_at: int


def line(kind: str, **fields: object) -> str:
    """One line of the dump."""
    return _ENCODER.encode({"line": kind, **fields}).decode()


def fact_lines(key: TimelineKey, source: str, scope: str, rows: Sequence[Recorded]) -> Iterator[str]:
    """The lines of one timeline from all its rows, superseded ones too."""
    for span, known_from, known_to in rectangles(rows):
        body: object = None
        if span.body:
            body = decode_text(span.body) if key.form == PASSAGE else msgspec.Raw(span.body)
        yield line(
            "fact",
            fact=key.fact_key,
            source=source,
            scope=scope,
            label=key.label,
            **{"from": span.valid_from},
            to=None if span.valid_to == OPEN else span.valid_to,
            known_from=known_from,
            known_to=None if known_to == OPEN else known_to,
            body=body,
            observed_at=span.observed_at,
            locator=span.locator,
            url=span.url,
            extractor=span.extractor,
        )


def rectangles(rows: Sequence[Recorded]) -> Iterator[tuple[Row, int, int]]:
    """(coalesced interval, known from, known to) of a timeline. Only what differs between records is looked at again."""
    shown: dict[tuple[object, ...], tuple[Row, int]] = {}
    for record in sorted({r.recorded_at for r in rows} | {r.superseded_at for r in rows} - {OPEN}):
        live = sorted(
            (r.row for r in rows if r.recorded_at <= record < r.superseded_at), key=lambda row: row.valid_from
        )
        now = {_shown(span): span for span in coalesce(live)}
        for identity in [identity for identity in shown if identity not in now]:
            span, since = shown.pop(identity)
            yield span, since, record
        for identity, span in now.items():
            shown.setdefault(identity, (span, record))
    for span, since in shown.values():
        yield span, since, OPEN


def sorted_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a whole dump in their order."""
    return iter(sorted(lines))


def _shown(span: Row) -> tuple[object, ...]:
    return (span.valid_from, span.valid_to, span.body, span.observed_at, span.locator, span.url, span.extractor)


_ENCODER = msgspec.json.Encoder(order="sorted")
