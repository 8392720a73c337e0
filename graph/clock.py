"""Instants. Inside infralore a time is an `int`: microseconds since the Unix epoch, UTC.

Integers compare, index and serialise alike in Python, SQLite and Neo4j; text appears only at the edges.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z."""

SECOND: Instant = 1_000_000
DAY: Instant = 86_400 * SECOND
EARLIEST: Instant = -62_135_596_800 * SECOND
"""0001-01-01T00:00:00Z, the smallest instant that has a text form."""
LATEST: Instant = 253_402_300_799 * SECOND
"""9999-12-31T23:59:59Z, the largest whole second that has a text form."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str) -> Instant:
    """Parse RFC 3339 / ISO 8601 text. A date alone means its midnight, a time without zone means UTC.

    Raises:
        ValueError: the text is not a time, or lies outside years 1 to 9999.
    """
    return from_datetime(datetime.fromisoformat(text.strip()))


def from_datetime(moment: datetime) -> Instant:
    """The instant of a datetime; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def rfc3339(at: Instant) -> str:
    """The instant as RFC 3339 in UTC, whole seconds; instants outside years 1 to 9999 are clamped."""
    seconds = min(max(at, EARLIEST), LATEST) // SECOND
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z" if moment.year >= 1000 else f"{moment.year:04d}{moment:-%m-%dT%H:%M:%S}Z"
