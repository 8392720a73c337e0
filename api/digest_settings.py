"""`digests:` of lore.yaml: what is written when, for whom, and where it goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from agent.digest.model import Period
from agent.digest.window import Window, window_until
from api.errors import SettingsError
from graph.clock import SECOND, Instant, from_datetime
from graph.model import PUBLIC

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AT = re.compile(r"(?:(?P<day>[A-Za-z]{3,9}|\d{1,2})\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_MAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")


class _Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    period: Period = "weekly"
    at: str = ""
    timezone: str = "UTC"
    to: str = ""
    team: str = ""
    audience: tuple[str, ...] = (PUBLIC,)


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that is to be sent: when, and the window it is about. `key` names it for ever."""

    at: Instant
    end: date
    window: Window


@dataclass(frozen=True, slots=True)
class Planned:
    """One configured digest.

    Attributes:
        day: of the week (0 is Monday) or of the month; 0 for a daily one.
        hour, minute: by the clock on the wall of `zone`.
        to: `#channel`, a channel's or person's id on Slack, or a mail address; several with commas.
        audience: labels that everybody there holds: nothing else is told.
    """

    name: str
    period: Period
    day: int
    hour: int
    minute: int
    zone: ZoneInfo
    to: str
    team: str
    audience: frozenset[str]

    @property
    def is_mail(self) -> bool:
        """Whether it goes by mail."""
        return "@" in self.to and not self.to.startswith("@")

    def latest(self, now: Instant) -> Due:
        """The last one that was due at this moment or before. One a day, week or month, whatever the clock on the wall did.

        A time that a change of the clock leaves out is taken as if the clock had not been changed (02:30 becomes 03:30); one that comes
        twice is the first (PEP 495).
        """
        today = datetime.fromtimestamp(now // SECOND, tz=self.zone).date() + timedelta(days=1)
        while True:
            if self._is_day(today):
                at = self._at(today)
                if at <= now:
                    return Due(at, self._end(today), window_until(self.period, self._end(today), self.zone))
            today -= timedelta(days=1)

    def next(self, now: Instant) -> Due:
        """The first one that is due after this moment."""
        day = datetime.fromtimestamp(now // SECOND, tz=self.zone).date() - timedelta(days=1)
        while not (self._is_day(day) and self._at(day) > now):
            day += timedelta(days=1)
        return Due(self._at(day), self._end(day), window_until(self.period, self._end(day), self.zone))

    def _is_day(self, day: date) -> bool:
        if self.period == "daily":
            return True
        return day.weekday() == self.day if self.period == "weekly" else day.day == self.day

    def _at(self, day: date) -> Instant:
        return from_datetime(datetime.combine(day, time(self.hour, self.minute), tzinfo=self.zone).astimezone(UTC))

    def _end(self, day: date) -> date:
        """The day with which the window ends: a month's with the first."""
        return day.replace(day=1) if self.period == "monthly" else day


def read_digests(given: Iterable[Mapping[str, object]]) -> tuple[Planned, ...]:
    """The configured digests, in their order.

    Raises:
        SettingsError: one of them cannot be meant.
    """
    found = [_planned(one, number) for number, one in enumerate(given, 1)]
    names = [p.name for p in found]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise SettingsError(f"digests: there are two called {twice!r}", "give each a name of its own")
    return tuple(found)


def named(planned: Sequence[Planned], name: str) -> Planned:
    """The one of this name. Raises `SettingsError`."""
    found = next((p for p in planned if p.name == name), None)
    if found is None:
        known = ", ".join(p.name for p in planned)
        raise SettingsError(
            f"there is no digest called {name[:60]!r}",
            f"lore.yaml has {known}"
            if known
            else "write one under `digests:` in lore.yaml; docs/digests.md has an example",
        )
    return found


def _planned(given: Mapping[str, object], number: int) -> Planned:
    where = f"digests, number {number}"
    try:
        one = msgspec.convert(given, _Given)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {error}", "docs/digests.md lists what it may hold") from None
    where = f"digests.{one.name}"
    if not _NAME.fullmatch(one.name):
        raise SettingsError(f"{where}: a name is letters, digits, dots and dashes", "call it like weekly-platform")
    if not one.to.strip() or (
        ("@" in one.to and not one.to.startswith("@"))
        and not all(_MAIL.fullmatch(a.strip()) for a in one.to.split(","))
    ):
        raise SettingsError(
            f"{where}: `to` is no channel and no mail address", 'write it like "#ops" or ops@acme.example'
        )
    try:
        zone = ZoneInfo(one.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            f"{where}: there is no time zone {one.timezone[:60]!r}", "write it like Europe/Lisbon, or UTC"
        ) from None
    day, hour, minute = _when(one, where)
    return Planned(one.name, one.period, day, hour, minute, zone, one.to.strip(), one.team, frozenset(one.audience))


def _when(one: _Given, where: str) -> tuple[int, int, int]:
    usual = {"daily": "08:00", "weekly": "Mon 08:00", "monthly": "1 08:00"}[one.period]
    found = _AT.fullmatch((one.at or usual).strip())
    told = found["day"] or "" if found else ""
    hour, minute = (int(found["hour"]), int(found["minute"])) if found else (24, 0)
    day = _day(one.period, told)
    if day is None or hour > 23 or minute > 59:
        raise SettingsError(
            f"{where}: `at: {one.at[:40]}` is no time of a {one.period} digest", f'write it like "{usual}"'
        )
    return day, hour, minute


def _day(period: Period, told: str) -> int | None:
    if period == "daily":
        return 0 if not told else None
    if period == "weekly":
        return next((i for i, name in enumerate(DAYS) if told.casefold().startswith(name)), None)
    return int(told) if told.isdigit() and 1 <= int(told) <= 28 else None
