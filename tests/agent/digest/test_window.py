"""Which time a digest is about."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from agent.digest.window import window_before
from graph.clock import instant, rfc3339

LISBON = ZoneInfo("Europe/Lisbon")


def test_a_week_runs_from_monday_to_monday() -> None:
    found = window_before("weekly", instant("2026-11-18T12:00:00Z"))
    assert (rfc3339(found.since), rfc3339(found.until)) == ("2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z")
    assert rfc3339(found.before) == "2026-11-02T00:00:00Z"


def test_at_its_end_a_period_has_ended() -> None:
    assert rfc3339(window_before("weekly", instant("2026-11-16")).until) == "2026-11-16T00:00:00Z"
    assert rfc3339(window_before("daily", instant("2026-11-16T23:59:59Z")).until) == "2026-11-16T00:00:00Z"


def test_a_month_is_a_calendar_month() -> None:
    found = window_before("monthly", instant("2026-03-31T12:00:00Z"))
    assert (rfc3339(found.since), rfc3339(found.until)) == ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")
    assert rfc3339(found.before) == "2026-01-01T00:00:00Z"
    assert rfc3339(window_before("monthly", instant("2026-01-15")).since) == "2025-12-01T00:00:00Z"


def test_days_are_those_of_the_time_zone_also_where_a_week_has_an_hour_more_or_less() -> None:
    spring = window_before("weekly", instant("2026-03-30T12:00:00Z"), LISBON)
    assert (rfc3339(spring.since), rfc3339(spring.until)) == ("2026-03-23T00:00:00Z", "2026-03-29T23:00:00Z")
    autumn = window_before("weekly", instant("2026-10-26T12:00:00Z"), LISBON)
    assert (rfc3339(autumn.since), rfc3339(autumn.until)) == ("2026-10-18T23:00:00Z", "2026-10-26T00:00:00Z")
