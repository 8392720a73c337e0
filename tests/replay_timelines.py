"""The meaning of timelines, written as plainly as possible: every batch is replayed, every snapshot is a point everywhere.

This is the oracle that stores are compared with, so it shares no code with `graph.merge` and takes no short cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from graph.clock import EARLIEST, LATEST
from graph.model import Alias, Assertion, Entity, FactBatch, Passage, Relation
from graph.rows import encode_value

FOREVER = 2**63 - 1

Timeline = tuple[str, str, str, str]
"""(fact key, source, scope, label)"""


@dataclass(frozen=True)
class Point:
    at: int
    state: str  # present, absent, withdrawn
    body: bytes
    end: int
    observed_at: int
    locator: str
    url: str | None
    extractor: str
    stated: bool


@dataclass(frozen=True)
class Span:
    """A maximal interval of equal content, with its first point's provenance."""

    valid_from: int
    valid_to: int
    body: bytes
    observed_at: int
    locator: str
    url: str | None
    extractor: str


Points = dict[int, Point]


def replay(batches: Iterable[FactBatch]) -> dict[Timeline, Points]:
    """All timelines after these batches."""
    timelines: dict[Timeline, Points] = {}
    snapshots: dict[tuple[str, str], list[Point]] = {}
    for batch in batches:
        _apply(timelines, snapshots.setdefault((batch.source, batch.scope), []), batch)
    return timelines


def spans(points: Points) -> list[Span]:
    found: list[Span] = []
    said = [points[at] for at in sorted(points) if points[at].state != "withdrawn"]
    for index, point in enumerate(said):
        if point.state != "present":
            continue
        following = said[index + 1].at if index + 1 < len(said) else FOREVER
        end = min(point.end, following)
        if found and found[-1].valid_to == point.at and found[-1].body == point.body:
            found[-1] = replace(found[-1], valid_to=end)
        else:
            found.append(Span(point.at, end, point.body, point.observed_at, point.locator, point.url, point.extractor))
    return found


def body(assertion: Assertion) -> bytes:
    fact = assertion.fact
    if isinstance(fact, Entity | Relation):
        return encode_value(fact.properties)
    return fact.text.encode() if isinstance(fact, Passage) else b""


def flaw(assertion: Assertion) -> bool:
    """Whether the assertion must be quarantined."""
    fact = assertion.fact
    names = [assertion.locator, assertion.label, assertion.url or ""]
    if isinstance(fact, Relation):
        names += [fact.type, fact.src, fact.dst, fact.discriminator]
    elif isinstance(fact, Alias):
        names += [fact.ref, fact.scheme, fact.name]
    else:
        names += [fact.ref, fact.slot if isinstance(fact, Passage) else ""]
    if any("\0" in name or len(name) > 4096 or _broken(name) for name in names):
        return True
    times = [assertion.valid_from, assertion.observed_at]
    if assertion.present and assertion.valid_to is not None:
        times.append(assertion.valid_to)
        if assertion.valid_to <= assertion.valid_from:
            return True
    if not all(EARLIEST <= at <= LATEST for at in times):
        return True
    if isinstance(fact, Passage) and "\0" in fact.text:
        return True
    try:
        body(assertion)
    except ValueError:
        return True
    return False


def _broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _apply(timelines: dict[Timeline, Points], snapshots: list[Point], batch: FactBatch) -> None:
    said: dict[Timeline, list[Point]] = {}
    for assertion in batch.assertions:
        if not flaw(assertion):
            key = (assertion.fact.key, batch.source, batch.scope, assertion.label)
            said.setdefault(key, []).append(_point(assertion, batch.extractor))
    withdrawn: dict[Timeline, list[int]] = {}
    for withdrawal in batch.withdrawals:
        key = (withdrawal.fact_key, batch.source, batch.scope, withdrawal.label)
        withdrawn.setdefault(key, []).append(withdrawal.valid_from)
    for key in [*said, *withdrawn]:
        if key not in timelines:  # what earlier snapshots did not hold was absent in them
            timelines[key] = {point.at: point for point in snapshots}
    for key, times in withdrawn.items():
        for at in times:
            old = timelines[key].get(at)
            if old is not None and old.state != "withdrawn":
                timelines[key][at] = replace(old, state="withdrawn", body=b"", end=FOREVER, stated=True)
    taken_at = batch.snapshot.taken_at if batch.snapshot is not None else None
    for key, points in said.items():
        for point in sorted(points, key=lambda point: point.at):
            if point.at != taken_at:
                _put(timelines[key], point, repeats_are_implied=taken_at is not None)
    if batch.snapshot is not None:
        implied = Point(
            batch.snapshot.taken_at,
            "absent",
            b"",
            FOREVER,
            batch.snapshot.taken_at,
            f"{batch.source}:{batch.scope}#snapshot-{batch.snapshot.generation}",
            None,
            batch.extractor,
            False,
        )
        for key, points in timelines.items():
            if key[1:3] == (batch.source, batch.scope):
                _put_snapshot(points, said.get(key, []), implied)
        if all(point.at != implied.at for point in snapshots):
            snapshots.append(implied)


def _point(assertion: Assertion, extractor: str) -> Point:
    present = assertion.present
    end = assertion.valid_to if present and assertion.valid_to is not None else FOREVER
    return Point(
        assertion.valid_from,
        "present" if present else "absent",
        body(assertion) if present else b"",
        end,
        assertion.observed_at,
        assertion.locator,
        assertion.url,
        extractor,
        True,
    )


def _put(points: Points, point: Point, *, repeats_are_implied: bool = False) -> None:
    old = points.get(point.at)
    if old is None:
        points[point.at] = point
        return
    same = (old.state, old.body, old.end) == (point.state, point.body, point.end)
    if repeats_are_implied and same and old.stated:
        return
    if _beats(point, old):
        points[point.at] = point


def _put_snapshot(points: Points, said: Sequence[Point], implied: Point) -> None:
    at = implied.at
    claim: Point | None = None
    for point in said:
        later = claim is None or point.at > claim.at or (point.at == claim.at and _beats(point, claim))
        if point.at <= at and later:
            claim = point
    if claim is None or (claim.at < at and not _holds(claim, at)):
        new = implied
    elif claim.at < at:
        new = replace(implied, state="present", body=claim.body, end=claim.end)
    else:
        new = claim
    before = _before(points, at)
    if at not in points and _content(before) == _content(new):
        content = before or implied
        points[at] = replace(implied, state=content.state, body=content.body, end=content.end)
    else:
        _put(points, new)


def _before(points: Points, at: int) -> Point | None:
    earlier = [moment for moment in points if moment < at and points[moment].state != "withdrawn"]
    point = points[max(earlier)] if earlier else None
    return point if point is not None and _holds(point, at) else None


def _holds(point: Point, at: int) -> bool:
    return point.state == "present" and point.end > at


def _content(point: Point | None) -> tuple[bytes, int] | None:
    return (point.body, point.end) if point is not None and point.state == "present" else None


def _beats(new: Point, old: Point) -> bool:
    if new.observed_at != old.observed_at:
        return new.observed_at > old.observed_at
    if old.state == "withdrawn":
        return False
    return (new.stated, _digest(new), new.locator, new.url or "") > (
        old.stated,
        _digest(old),
        old.locator,
        old.url or "",
    )


def _digest(point: Point) -> bytes:
    state = {"absent": 0, "present": 1, "withdrawn": 2}[point.state]
    return blake2b(f"{state} {point.end} ".encode() + point.body, digest_size=16).digest()
