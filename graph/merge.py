"""What one timeline says after new statements arrived. Pure: rows in, rows out; every store writes only the difference.

A *timeline* is what one source and scope say of one fact under one label. It is a sequence of *points*: at each
`valid_from` one statement that is present, absent, or withdrawn. What holds at a moment is what the last point before it
says, unless its stated end has passed; withdrawn points are looked through.

A complete snapshot is a point on every timeline of its source and scope. Where it only repeats what the timeline says
anyway it is not stored: the ledger of snapshots (`Mark`) implies it. The invariant behind that: *where a mark has no
row, the snapshot said what holds just before it*. A change in front of such a mark therefore first writes the old state
down at the mark, so that the change ends there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from graph.clock import Instant

OPEN: Instant = 2**63 - 1
"""The end of what has no end, and the superseding record of what is current. The largest integer SQLite and Neo4j hold."""

ABSENT, PRESENT, WITHDRAWN = 0, 1, 2
"""What a point says: the fact does not hold, it holds, or the statement was taken back and its predecessor goes on."""

JOINS_PREVIOUS, JOINS_NEXT = 1, 2
"""Bits of `Row.joined`: the row that ends where this one begins, or begins where this one ends, has the same content."""


class Row(NamedTuple):
    """A point of a timeline, as stored (beside its timeline and its two record numbers).

    Attributes:
        valid_from: where the point stands.
        valid_to: until when it holds: the stated end or the next point, whichever is first; `OPEN` for neither.
            Points that are absent or withdrawn hold nothing: theirs equals `valid_from`.
        state: PRESENT, ABSENT or WITHDRAWN.
        body: the content in its canonical bytes (`graph.rows`).
        observed_at, locator, url, extractor: provenance, beside the timeline's source and scope.
        stated_end: the end the statement itself gave, `OPEN` when it gave none.
        stated: False for what only a complete snapshot implies.
        joined: JOINS_PREVIOUS | JOINS_NEXT. A read that shows intervals coalesces across these; rows without a bit are
            maximal intervals as they stand.
    """

    valid_from: Instant
    valid_to: Instant
    state: int
    body: bytes
    observed_at: Instant
    locator: str
    url: str | None
    extractor: str
    stated_end: Instant = OPEN
    stated: bool = True
    joined: int = 0


class Mark(NamedTuple):
    """A complete snapshot in the ledger of a source and scope. `locator` and `extractor` are the provenance of what it implies."""

    taken_at: Instant
    locator: str
    extractor: str


def mark(source: str, scope: str, taken_at: Instant, generation: int, extractor: str) -> Mark:
    """The mark of a snapshot; the same on every store."""
    return Mark(taken_at, f"{source}:{scope}#snapshot-{generation}", extractor)


def merge(
    rows: Sequence[Row], marks: Sequence[Mark], statements: Sequence[Row], snapshot: Mark | None = None
) -> list[Row]:
    """The timeline's rows after a batch, in order of `valid_from`.

    Args:
        rows: the current rows in order of `valid_from`. All of them, or those from the last point before the earliest
            statement (or snapshot) on that is not withdrawn; earlier ones cannot change.
        marks: the complete snapshots of the timeline's source and scope known before this batch, in order.
        statements: what the batch says of this timeline; WITHDRAWN ones take back what stands at their `valid_from`.
        snapshot: given when the batch is a complete snapshot: then `statements` are all it says of this timeline, which
            may be nothing.

    Of two statements with the same `valid_from` the later observed wins, then the stated one over the implied, then the
    greater digest, then the greater locator. A withdrawal yields only to a later observation than the one it took back.
    A snapshot that repeats what is known at its `valid_from` writes nothing, however much later it was observed.
    """
    if not rows and snapshot is None and len(statements) == 1:
        only = statements[0]
        if only.state != WITHDRAWN and (not marks or marks[-1].taken_at < only.valid_from):
            return [only]
    if snapshot is None and len(statements) == 1 and _is_known(statements[0], rows):
        return list(rows)
    timeline = _Timeline(rows, marks)
    for statement in statements:
        if statement.state == WITHDRAWN:
            timeline.withdraw(statement.valid_from)
    at_snapshot = snapshot.taken_at if snapshot is not None else None
    for statement in sorted((s for s in statements if s.state != WITHDRAWN), key=_by_valid_from):
        if statement.valid_from != at_snapshot:
            timeline.put(statement, seen_again=snapshot is not None)
    if snapshot is not None:
        timeline.put_snapshot(_said_at(snapshot, statements))
    return timeline.rows()


def difference(before: Sequence[Row], after: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Which rows of `before` are superseded, and which of `after` are to be written.

    Every superseded row has a written one at its `valid_from`: points change, they never vanish.
    """
    if not before:
        return [], list(after)
    old = {row.valid_from: row for row in before}
    written = [row for row in after if old.get(row.valid_from) != row]
    gone = [old[row.valid_from] for row in written if row.valid_from in old]
    return gone, written


def coalesce(rows: Iterable[Row]) -> list[Row]:
    """The maximal intervals of equal content among a timeline's rows (in order), each with its first row's provenance."""
    spans: list[Row] = []
    last: Row | None = None
    for row in rows:
        if row.state != PRESENT or row.valid_to <= row.valid_from:
            continue
        if last is not None and last.valid_to == row.valid_from and last.body == row.body:
            last = spans[-1] = last._replace(valid_to=row.valid_to)
        else:
            last = row
            spans.append(row)
    return spans


def digest(row: Row) -> bytes:
    """Digest of what a row says, for ties."""
    return blake2b(b"%d %d " % (row.state, row.stated_end) + row.body, digest_size=16).digest()


def outranks(new: Row, old: Row) -> bool:
    """Whether a statement replaces another one with the same `valid_from`, whichever arrived first."""
    if new.observed_at != old.observed_at:
        return new.observed_at > old.observed_at
    if old.state == WITHDRAWN:
        return False
    if new.stated != old.stated:
        return new.stated
    new_digest, old_digest = digest(new), digest(old)
    if new_digest != old_digest:
        return new_digest > old_digest
    return (new.locator, new.url or "") > (old.locator, old.url or "")


def _by_valid_from(row: Row) -> Instant:
    return row.valid_from


def _is_known(statement: Row, rows: Sequence[Row]) -> bool:
    """Whether a row is exactly this statement, delivered again."""
    for row in rows:
        if row.valid_from == statement.valid_from:
            return (
                row.body == statement.body
                and row.observed_at == statement.observed_at
                and row.state == statement.state != WITHDRAWN
                and row.stated
                and row.stated_end == statement.stated_end
                and row.locator == statement.locator
                and row.url == statement.url
            )
    return False


def _said_at(snapshot: Mark, statements: Sequence[Row]) -> Row:
    """The point a snapshot sets on a timeline: what its own statements say holds at its moment."""
    said: Row | None = None
    for row in statements:
        if row.state == WITHDRAWN or row.valid_from > snapshot.taken_at:
            continue
        if (
            said is None
            or row.valid_from > said.valid_from
            or (row.valid_from == said.valid_from and outranks(row, said))
        ):
            said = row
    if said is not None and said.valid_from == snapshot.taken_at:
        return said
    holds = said is not None and said.state == PRESENT and said.stated_end > snapshot.taken_at
    return _implied(snapshot, said if holds else None)


def _implied(mark: Mark, holding: Row | None) -> Row:
    """What a snapshot implies on a timeline where `holding` (or nothing) is said to hold."""
    at = mark.taken_at
    if holding is None:
        return Row(at, at, ABSENT, b"", at, mark.locator, None, mark.extractor, OPEN, False)
    end = holding.stated_end
    return Row(at, end, PRESENT, holding.body, at, mark.locator, None, mark.extractor, end, False)


def _says_the_same(one: Row, other: Row) -> bool:
    return one.state == other.state and one.stated and other.stated and _same_content(one, other)


def _same_content(one: Row | None, other: Row | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.body == other.body and one.stated_end == other.stated_end


class _Timeline:
    """The points of one timeline while statements are put on it."""

    def __init__(self, rows: Sequence[Row], marks: Sequence[Mark]) -> None:
        self._first = rows[0] if rows else None
        self._points = {row.valid_from: row for row in rows}
        self._times = [row.valid_from for row in rows]
        self._marks = marks

    def put(self, new: Row, *, seen_again: bool = False) -> None:
        """Set a point, unless what stands there (or is implied there) outranks it.

        `seen_again`: a later observation of the same is not written, because a mark already implies it.
        """
        old = self._standing(new.valid_from)
        if old is None or (outranks(new, old) and not (seen_again and _says_the_same(new, old))):
            self._set(new)

    def put_snapshot(self, said: Row) -> None:
        """Set the point of a complete snapshot, unless it only repeats what the timeline says anyway."""
        at = said.valid_from
        if self._standing(at) is not None:
            self.put(said)
        elif not _same_content(self._carried(at), said if said.state == PRESENT else None):
            self._set(said)

    def withdraw(self, at: Instant) -> None:
        """Look through what stands here from now on; nothing to do where nothing stands."""
        old = self._standing(at)
        if old is not None and old.state != WITHDRAWN:
            self._set(old._replace(state=WITHDRAWN, valid_to=at, body=b"", stated_end=OPEN, stated=True))

    def rows(self) -> list[Row]:
        """The rows with their ends and join bits."""
        rows: list[Row] = []
        following: Row | None = None
        for at in reversed(self._times):
            row = self._points[at]
            if row.state == PRESENT:
                valid_to = row.stated_end
                joins_next = 0
                if following is not None and following.valid_from <= valid_to:
                    valid_to = following.valid_from
                    joins_next = JOINS_NEXT if following.state == PRESENT and following.body == row.body else 0
                joined = joins_next | (row.joined & JOINS_PREVIOUS if row is self._first else 0)
                if valid_to != row.valid_to or joined != row.joined:
                    row = row._replace(valid_to=valid_to, joined=joined)
                if joins_next:
                    later = rows[self._last_present]
                    rows[self._last_present] = later._replace(joined=later.joined | JOINS_PREVIOUS)
                self._last_present = len(rows)
            if row.state != WITHDRAWN:
                following = row
            rows.append(row)
        rows.reverse()
        return rows

    _last_present = 0

    def _standing(self, at: Instant) -> Row | None:
        """The point at this moment: the stored one, or the one a mark implies."""
        row = self._points.get(at)
        if row is None and self._marks and self._marks[-1].taken_at >= at:
            index = bisect_left(self._marks, at, key=_taken_at)
            if self._marks[index].taken_at == at:
                row = _implied(self._marks[index], self._carried(at))
        return row

    def _carried(self, at: Instant) -> Row | None:
        """What the points before a moment say holds at it."""
        index = bisect_left(self._times, at) - 1
        while index >= 0:
            row = self._points[self._times[index]]
            if row.state != WITHDRAWN:
                return row if row.state == PRESENT and row.stated_end > at else None
            index -= 1
        return None

    def _set(self, new: Row) -> None:
        implied = self._next_implied(new.valid_from)
        before = self._carried(implied.taken_at) if implied is not None else None
        if new.valid_from not in self._points:
            insort(self._times, new.valid_from)
        self._points[new.valid_from] = new
        if implied is not None and not _same_content(before, self._carried(implied.taken_at)):
            insort(self._times, implied.taken_at)
            self._points[implied.taken_at] = _implied(implied, before)

    def _next_implied(self, at: Instant) -> Mark | None:
        """The first mark after a moment that has no row, if no point that says something stands before it."""
        if not self._marks or self._marks[-1].taken_at <= at:
            return None
        index = bisect_right(self._times, at)
        while index < len(self._times) and self._points[self._times[index]].state == WITHDRAWN:
            index += 1
        following = self._times[index] if index < len(self._times) else OPEN
        for index in range(bisect_right(self._marks, at, key=_taken_at), len(self._marks)):
            mark = self._marks[index]
            if mark.taken_at >= following:
                return None
            if mark.taken_at not in self._points:
                return mark
        return None


def _taken_at(mark: Mark) -> Instant:
    return mark.taken_at
