"""Times in words: "since monday", "last week", "between 1 May and 2024-06-01 10:00", relative to a given now, in UTC.

An expression means an interval: "yesterday" is a whole day, "2024-05-01 10:00" a minute. What it does to a question depends
on the word before it: since, before, on, between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from graph.clock import DAY, SECOND, Instant, from_datetime

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "couple": 2, "few": 3, "several": 5, "twelve": 12,
}  # fmt: skip
_UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
_SHORT_UNITS = {
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "d": "day",
    "w": "week",
    "min": "minute",
    "mins": "minute",
    "m": "month",
    "y": "year",
}
_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?(?:[t_](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(z|[+-]\d{2}:?\d{2})?)?",
    re.I,
)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(z)?|(\d{1,2})(am|pm)", re.I)
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?", re.I)
_COMPACT = re.compile(r"(\d{1,5})(h|hrs?|d|w|mins?|m|y)", re.I)
_WORD = re.compile(r"\S+")
_STRIP = "\"'`“”‘’«»,;?!()[]"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, `start <= t < end`. `exact` when a time of day was given, or "now"; `dateless` when nothing told its day."""

    start: Instant
    end: Instant
    exact: bool = False
    dateless: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """What a text says of time, and the text without it.

    Attributes:
        rest: the text without the time expressions.
        since, until: the window, `since <= t < until`.
        at: the moment: the end of a day, month … named with on, at or in; the minute itself when a time of day was given.
    """

    rest: str
    since: Instant | None = None
    until: Instant | None = None
    at: Instant | None = None


def read_times(text: str, now: Instant) -> Times:
    """Find the time expressions in a text. Words that only might be times (`may`, `second`) need a sign of it to count."""
    words = [(m.start(), m.end(), m.group().strip(_STRIP).rstrip(".:").casefold()) for m in _WORD.finditer(text)]
    reader = _Reader([w for _, _, w in words], now)
    since = until = at = None
    cut: list[tuple[int, int]] = []
    i = 0
    while i < len(words):
        found = reader.clause(i)
        if found is None:
            i += 1
            continue
        since = found.since if found.since is not None else since
        until = found.until if found.until is not None else until
        at = found.at if found.at is not None else at
        cut.append((words[i][0], words[found.stop - 1][1]))
        i = found.stop
    rest: list[str] = []
    position = 0
    for start, end in cut:
        rest.append(text[position:start])
        position = end
    rest.append(text[position:])
    return Times(" ".join(" ".join(rest).split()) if cut else text, since, until, at)


@dataclass(frozen=True, slots=True)
class _Clause:
    stop: int
    since: Instant | None = None
    until: Instant | None = None
    at: Instant | None = None


class _Reader:
    """Recursive descent over words. Each method takes a position and returns what stands there, or None."""

    def __init__(self, words: list[str], now: Instant) -> None:
        self.words = words
        self.now = now
        self.today = datetime.fromtimestamp(now // SECOND, UTC)

    def word(self, i: int) -> str:
        return self.words[i] if i < len(self.words) else ""

    def clause(self, i: int) -> _Clause | None:
        """A preposition with its time, or a time that needs none."""
        word = self.word(i)
        if word in {"between", "from"}:
            first = self.time(i + 1, bare=True)
            if first and self.word(first[1]) in {"and", "to", "until", "till", "-", "–"}:
                second = self.time(first[1] + 1, bare=True)
                if second and first[0].dateless:  # "between 14:00 and 15:00 on 4 March": the date is that of both
                    first = (self._on_day_of(first[0], second[0]), first[1])
                elif second and second[0].dateless:
                    second = (self._on_day_of(second[0], first[0]), second[1])
                if second:
                    end = second[0].start if second[0].exact and first[0].exact else second[0].end
                    return _Clause(second[1], first[0].start, end, end - 1)
            if first and word == "from":
                return _Clause(first[1], first[0].start, first[0].end, self._moment(first[0]))
            return None
        if word in {"since", "after"}:
            found = self.time(i + 1, bare=True)
            if not found:
                return None
            start = found[0].end if word == "after" and not found[0].exact else found[0].start
            return _Clause(found[1], since=start)
        if word in {"before", "until", "till"}:
            found = self.time(i + 1, bare=True)
            if not found:
                return None
            end = found[0].end if word != "before" and not found[0].exact else found[0].start
            return _Clause(found[1], until=end, at=end - 1)
        if word == "as" and self.word(i + 1) == "of":
            found = self.time(i + 2, bare=True)
            return _Clause(found[1], found[0].start, found[0].end, self._moment(found[0])) if found else None
        if word in {"on", "at", "in", "during", "within", "over", "for", "around", "of"}:
            found = self.time(i + 1, bare=word in {"on", "at", "in", "during"})
            return _Clause(found[1], found[0].start, found[0].end, self._moment(found[0])) if found else None
        found = self.time(i, bare=False)
        if found and found[0] == Interval(self.now, self.now + 1, exact=True):
            return _Clause(found[1], at=self.now)  # "now" is a moment and no window
        return _Clause(found[1], found[0].start, found[0].end, self._moment(found[0])) if found else None

    def _moment(self, interval: Interval) -> Instant:
        return interval.start if interval.exact else min(interval.end - 1, max(self.now, interval.start))

    def time(self, i: int, *, bare: bool) -> tuple[Interval, int] | None:
        """A time expression and where it stops. `bare`: a preposition stands before it, so that a year or a month's name counts."""
        if self.word(i) == "the" and (found := self.time(i + 1, bare=bare)):
            return found
        found = self._relative(i) or self._ago(i) or self._date(i, bare=bare) or self._weekday(i, bare=bare)
        return found or (self._clock(i) if bare else None)

    # -- relative to now

    def _relative(self, i: int) -> tuple[Interval, int] | None:
        word = self.word(i)
        midnight = self.today.replace(hour=0, minute=0, second=0, microsecond=0)
        if word in {"now", "right"} and (word == "now" or self.word(i + 1) == "now"):
            return Interval(self.now, self.now + 1, exact=True), i + (1 if word == "now" else 2)
        if word in {"today", "yesterday", "tonight"}:
            start = midnight - timedelta(days=word == "yesterday")
            return self._with_clock(_span(start, start + timedelta(days=1)), i + 1)
        if word == "day" and self.words[i + 1 : i + 3] == ["before", "yesterday"]:
            start = midnight - timedelta(days=2)
            return self._with_clock(_span(start, start + timedelta(days=1)), i + 3)
        if word == "this" and self.word(i + 1) in {"morning", "afternoon", "evening"}:
            return _span(midnight, midnight + timedelta(days=1)), i + 2
        if word == "last" and self.word(i + 1) == "night":
            return _span(midnight - timedelta(hours=6), midnight + timedelta(hours=6)), i + 2
        if word in {"this", "last", "past", "previous", "recent"}:
            return self._this_or_last(word, i + 1)
        return None

    def _this_or_last(self, which: str, i: int) -> tuple[Interval, int] | None:
        day = _weekday(self.word(i))
        if day is not None and which != "recent":
            return self._with_clock(self._latest_weekday(day), i + 1)
        counted = self._count(i)
        if counted and which != "this":
            count, unit, stop = counted
            return Interval(self._back(count, unit), self.now + 1), stop
        unit = _unit(self.word(i))
        if unit is None or which == "recent" or (unit == "second" and which != "past"):
            return None
        if which == "past" or unit in {"second", "minute", "hour"}:
            return Interval(self._back(1, unit), self.now + 1), i + 1
        return self._calendar(unit, 0 if which == "this" else -1), i + 1

    def _ago(self, i: int) -> tuple[Interval, int] | None:
        counted = self._count(i)
        if not counted or self.word(counted[2]) not in {"ago", "back"}:
            return None
        count, unit, stop = counted
        start = self._back(count, unit)
        if unit in {"second", "minute", "hour"}:
            return Interval(start, self.now + 1, exact=True), stop + 1
        day = datetime.fromtimestamp(start // SECOND, UTC).replace(hour=0, minute=0, second=0)
        return _span(day, day + timedelta(days=1)), stop + 1

    def _count(self, i: int) -> tuple[int, str, int] | None:
        """A number and a unit: `3 days`, `a couple of weeks`, `24h`."""
        if compact := _COMPACT.fullmatch(self.word(i)):
            return int(compact[1]), _SHORT_UNITS[compact[2].casefold()], i + 1
        if self.word(i) == "a" and self.word(i + 1) in {"couple", "few"}:
            i += 1
        word = self.word(i)
        number = int(word) if word.isascii() and word.isdigit() and len(word) <= 5 else _NUMBERS.get(word)
        if number is None:
            return None
        stop = i + 2 if self.word(i + 1) == "of" else i + 1
        unit = _unit(self.word(stop)) or _SHORT_UNITS.get(self.word(stop))
        return (number, unit, stop + 1) if unit else None

    def _back(self, count: int, unit: str) -> Instant:
        if unit in {"month", "quarter", "year"}:
            months = count * {"month": 1, "quarter": 3, "year": 12}[unit]
            return from_datetime(_add_months(self.today, -months))
        seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}[unit]
        return max(self.now - count * seconds * SECOND, from_datetime(datetime(1970, 1, 1, tzinfo=UTC)))

    def _calendar(self, unit: str, offset: int) -> Interval:
        day = self.today.replace(hour=0, minute=0, second=0, microsecond=0)
        if unit == "day":
            return _span(day + timedelta(days=offset), day + timedelta(days=offset + 1))
        if unit == "week":
            monday = day - timedelta(days=day.weekday()) + timedelta(weeks=offset)
            return _span(monday, monday + timedelta(weeks=1))
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        first = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        start = _add_months(first, offset * months)
        return _span(start, _add_months(start, months))

    # -- dates

    def _date(self, i: int, *, bare: bool) -> tuple[Interval, int] | None:
        if iso := _ISO.fullmatch(self.word(i)):
            interval = _iso(iso)
            if interval is None:
                return None
            return (interval, i + 1) if interval.exact or not iso[3] else self._with_clock(interval, i + 1)
        month = _month(self.word(i))
        if month:
            day = _ORDINAL.fullmatch(self.word(i + 1))
            if day and 1 <= int(day[1]) <= 31:
                year, stop = self._year(i + 2)
                return self._day(year, month, int(day[1]), stop)
            year, stop = self._year(i + 1)
            return self._month_of(year, month, stop) if year or (bare and len(self.word(i)) > 2) else None
        if (day := _ORDINAL.fullmatch(self.word(i))) and 1 <= int(day[1]) <= 31:
            at = i + 2 if self.word(i + 1) == "of" else i + 1
            if month := _month(self.word(at)):
                year, stop = self._year(at + 1)
                return self._day(year, month, int(day[1]), stop)
        year, stop = self._year(i) if bare else (None, i)
        if year:
            return _span(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)), stop
        return None

    def _year(self, i: int) -> tuple[int | None, int]:
        word = self.word(i)
        if len(word) == 4 and word.isascii() and word.isdigit() and 1990 <= int(word) <= 2100:
            return int(word), i + 1
        return None, i

    def _day(self, year: int | None, month: int, day: int, stop: int) -> tuple[Interval, int] | None:
        try:
            start = datetime(year or self.today.year, month, day, tzinfo=UTC)
        except ValueError:
            return None
        if year is None and start > self.today:
            start = _add_months(start, -12)
        return self._with_clock(_span(start, start + timedelta(days=1)), stop)

    def _month_of(self, year: int | None, month: int, stop: int) -> tuple[Interval, int]:
        start = datetime(year or self.today.year, month, 1, tzinfo=UTC)
        if year is None and start > self.today:
            start = _add_months(start, -12)
        return _span(start, _add_months(start, 1)), stop

    def _weekday(self, i: int, *, bare: bool) -> tuple[Interval, int] | None:
        day = _weekday(self.word(i))
        if day is None or (not bare and len(self.word(i)) < 6):
            return None
        return self._with_clock(self._latest_weekday(day), i + 1)

    def _latest_weekday(self, day: int) -> Interval:
        """The last such day before today."""
        midnight = self.today.replace(hour=0, minute=0, second=0, microsecond=0)
        start = midnight - timedelta(days=(midnight.weekday() - day - 1) % 7 + 1)
        return _span(start, start + timedelta(days=1))

    def _clock(self, i: int) -> tuple[Interval, int] | None:
        """A time of day by itself: of the day that follows ("14:02 on 4 March"), else the last one that is not ahead."""
        found = _CLOCK.fullmatch(self.word(i))
        of_day = _seconds_of_day(found) if found else None
        if of_day is None:
            return None
        stop = i + 2 if self.word(i + 1) in {"utc", "gmt", "z"} else i + 1
        day = self._relative(stop) or self._date(stop, bare=True) or self._weekday(stop, bare=True)
        if day is None and self.word(stop) in {"on", "of"}:
            day = self._date(stop + 1, bare=True) or self._weekday(stop + 1, bare=True)
        midnight = from_datetime(self.today.replace(hour=0, minute=0, second=0, microsecond=0))
        start = (day[0].start if day else midnight) + of_day * SECOND
        if day is None and start > self.now:
            start -= DAY
        return Interval(start, start + 60 * SECOND, exact=True, dateless=day is None), day[1] if day else stop

    def _on_day_of(self, clock: Interval, other: Interval) -> Interval:
        """The same time of day on another's day."""
        start = other.start // DAY * DAY + clock.start % DAY
        return Interval(start, start + 60 * SECOND, exact=True)

    def _with_clock(self, interval: Interval, stop: int) -> tuple[Interval, int]:
        """A day may be followed by a time of day, `at 10:30 UTC`."""
        at = stop + 1 if self.word(stop) == "at" else stop
        found = _CLOCK.fullmatch(self.word(at))
        if not found:
            return interval, stop
        of_day = _seconds_of_day(found)
        if of_day is None:
            return interval, stop
        start = interval.start + of_day * SECOND
        after = at + 2 if self.word(at + 1) in {"utc", "gmt", "z"} else at + 1
        return Interval(start, start + 60 * SECOND, exact=True), after


def _seconds_of_day(clock: re.Match[str]) -> int | None:
    hour, minute, second = (
        (int(clock[1]), int(clock[2]), int(clock[3] or 0))
        if clock[1]
        else (int(clock[5]) % 12 + (12 if clock[6].casefold() == "pm" else 0), 0, 0)
    )
    return None if hour > 23 or minute > 59 or second > 59 else hour * 3600 + minute * 60 + second


def _iso(found: re.Match[str]) -> Interval | None:
    year, month, day, hour, minute, second, zone = found.groups()
    try:
        if not day:
            start = datetime(int(year), int(month), 1, tzinfo=UTC)
            return _span(start, _add_months(start, 1))
        start = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
        if zone and zone.casefold() != "z":
            sign = -1 if zone[0] == "-" else 1
            start -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        if hour is None:
            return _span(start, start + timedelta(days=1))
        at = from_datetime(start)
        return Interval(at, at + 60 * SECOND, exact=True)
    except (ValueError, OverflowError):
        return None


def _span(start: datetime, end: datetime) -> Interval:
    return Interval(from_datetime(start), from_datetime(end))


def _add_months(moment: datetime, months: int) -> datetime:
    index = max(moment.year * 12 + moment.month - 1 + months, 12)
    year, month = divmod(index, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=min(year, 9999), month=month + 1, day=day)
        except ValueError:
            continue
    return moment


def _month(word: str) -> int | None:
    if len(word) < 3:
        return None
    for number, name in enumerate(MONTHS, 1):
        if word == name or word == name[:3] or (word == "sept" and number == 9):
            return number
    return None


def _weekday(word: str) -> int | None:
    for number, name in enumerate(_DAYS):
        if len(word) >= 3 and (word == name or (word in {name[:3], "tues", "thur", "thurs"} and name.startswith(word))):
            return number
    return None


def _unit(word: str) -> str | None:
    word = word.removesuffix("s")
    return word if word in _UNITS else None
