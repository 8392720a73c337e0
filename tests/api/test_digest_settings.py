"""When configured digests are due, also where clocks change, and what settings are refused."""

from __future__ import annotations

import pytest

from api.digest_settings import Planned, named, read_digests
from api.errors import SettingsError
from graph.clock import instant, rfc3339

BASE = {"name": "weekly", "to": "#ops"}


def planned(**more: object) -> Planned:
    return read_digests([{**BASE, **more}])[0]


def due(one: Planned, now: str) -> tuple[str, str, str]:
    found = one.latest(instant(now))
    return rfc3339(found.at), rfc3339(found.window.since), rfc3339(found.window.until)


def test_a_weekly_digest_is_of_the_week_that_ended_before_its_day() -> None:
    one = planned(at="Mon 08:00")
    assert due(one, "2026-11-16T08:00:00Z") == ("2026-11-16T08:00:00Z", "2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z")
    assert due(one, "2026-11-16T07:59:59Z")[0] == "2026-11-09T08:00:00Z"
    assert rfc3339(one.next(instant("2026-11-16T08:00:00Z")).at) == "2026-11-23T08:00:00Z"


def test_daily_and_monthly_ones_are_of_the_day_and_the_month_before() -> None:
    assert due(planned(period="daily", at="07:30"), "2026-11-16T12:00:00Z") == (
        "2026-11-16T07:30:00Z",
        "2026-11-15T00:00:00Z",
        "2026-11-16T00:00:00Z",
    )
    assert due(planned(period="monthly", at="3 09:00"), "2026-11-16T12:00:00Z") == (
        "2026-11-03T09:00:00Z",
        "2026-10-01T00:00:00Z",
        "2026-11-01T00:00:00Z",
    )


def test_due_is_by_the_clock_on_the_wall_of_its_time_zone() -> None:
    one = planned(at="Mon 08:00", timezone="America/New_York")
    assert due(one, "2026-07-07T00:00:00Z")[0] == "2026-07-06T12:00:00Z"
    assert due(one, "2026-12-08T00:00:00Z")[0] == "2026-12-07T13:00:00Z"


@pytest.mark.parametrize(
    ("at", "day", "expected"),
    [
        ("01:30", "2026-03-29", "2026-03-29T01:30:00Z"),  # Lisbon leaves 01:00 to 02:00 out
        ("01:30", "2026-10-25", "2026-10-25T00:30:00Z"),  # and has it twice: the first
    ],
)
def test_an_hour_that_is_left_out_or_comes_twice_makes_one_digest(at: str, day: str, expected: str) -> None:
    one = planned(period="daily", at=at, timezone="Europe/Lisbon")
    start = instant(f"{day}T00:00:00Z") - 3_600_000_000
    seen = {one.latest(start + minute * 60_000_000).window.until for minute in range(0, 27 * 60, 5)}
    times = [rfc3339(one.latest(start + minute * 60_000_000).at) for minute in range(0, 27 * 60, 5)]
    assert expected in times
    assert len([t for t in dict.fromkeys(times) if t.startswith(day)]) == 1
    assert len(seen) <= 3


def test_every_day_of_a_year_is_due_once() -> None:
    one = planned(period="daily", at="02:30", timezone="America/Sao_Paulo")
    at, seen = instant("2026-01-01T12:00:00Z"), list[int]()
    while at < instant("2027-01-01T00:00:00Z"):
        at = one.next(at).at
        seen.append(one.latest(at).window.until)
    assert len(seen) == len(set(seen)) == 365


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "Mon 25:00"}, {"at": "Noday 08:00"}, {"at": "31 08:00", "period": "monthly"}, {"at": "Mon 08:00", "period": "daily"},
        {"timezone": "Mars/Olympus"}, {"timezone": "../etc/passwd"}, {"to": ""}, {"to": "a@b, nobody"}, {"name": "a:b"}, {"period": "hourly"}, {"colour": "red"},
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_refused_with_a_remedy(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as told:
        planned(**wrong)
    assert told.value.hint


def test_names_are_unique_and_an_unknown_one_lists_them() -> None:
    with pytest.raises(SettingsError):
        read_digests([BASE, BASE])
    with pytest.raises(SettingsError) as told:
        named(read_digests([BASE]), "monthly")
    assert "weekly" in told.value.hint


def test_an_address_goes_by_mail_and_a_channel_by_slack() -> None:
    assert planned(to="ops@acme.example, dev@acme.example").is_mail
    assert not planned(to="#ops").is_mail
    assert not planned(to="@U0123456").is_mail
