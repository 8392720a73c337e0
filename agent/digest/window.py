"""Which time a digest is about: the day, the week or the month that ended last, by the calendar of a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from agent.digest.model import Period
from graph.clock import SECOND, Instant, from_datetime

_MONDAY = 0


@dataclass(frozen=True, slots=True)
class Window:
    """`since <= t < until`, and `before`: where the equally long window before it begins."""

    since: Instant
    until: Instant
    before: Instant


def window_before(period: Period, at: Instant, zone: tzinfo = UTC) -> Window:
    """The last whole day, week (from Monday) or calendar month that had ended at this moment, in the time zone."""
    today = datetime.fromtimestamp(at // SECOND, tz=zone).date()
    return window_until(period, _begin(period, today), zone)


def window_until(period: Period, end: date, zone: tzinfo = UTC) -> Window:
    """The window that ends with the midnight at which this day begins."""
    since = _back(period, end)
    return Window(midnight(since, zone), midnight(end, zone), midnight(_back(period, since), zone))


def midnight(day: date, zone: tzinfo) -> Instant:
    """When a day begins in a time zone. Where the clock is put forward at midnight, it begins with the first moment that there is."""
    return from_datetime(datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC))


def _begin(period: Period, day: date) -> date:
    if period == "daily":
        return day
    return day - timedelta(days=(day.weekday() - _MONDAY) % 7) if period == "weekly" else day.replace(day=1)


def _back(period: Period, day: date) -> date:
    if period == "monthly":
        first = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
        return first if day.day == 1 else first.replace(day=min(day.day, 28))
    return day - timedelta(days=1 if period == "daily" else 7)
