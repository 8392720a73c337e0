from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.times import read_times
from graph.clock import EARLIEST, LATEST, instant, rfc3339

NOW = instant("2024-05-15T12:00:00")  # a Wednesday


def window(text: str) -> tuple[str | None, str | None]:
    times = read_times(text, NOW)
    return (
        rfc3339(times.since) if times.since is not None else None,
        rfc3339(times.until) if times.until is not None else None,
    )


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("what changed today", "2024-05-15T00:00:00Z", "2024-05-16T00:00:00Z"),
        ("what changed yesterday", "2024-05-14T00:00:00Z", "2024-05-15T00:00:00Z"),
        ("what changed last week", "2024-05-06T00:00:00Z", "2024-05-13T00:00:00Z"),
        ("what changed this week", "2024-05-13T00:00:00Z", "2024-05-20T00:00:00Z"),
        ("what changed last month", "2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z"),
        ("what changed last year", "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("what changed since monday", "2024-05-13T00:00:00Z", None),
        ("what changed since wednesday", "2024-05-08T00:00:00Z", None),
        ("what changed before march", None, "2024-03-01T00:00:00Z"),
        ("what changed after 2024-05-01", "2024-05-02T00:00:00Z", None),
        ("what changed until 2024-05-01", None, "2024-05-02T00:00:00Z"),
        ("what changed in december", "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("what changed in 2023", "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("what changed in 2023-02", "2023-02-01T00:00:00Z", "2023-03-01T00:00:00Z"),
        ("between 1 May and 3 May 2024", "2024-05-01T00:00:00Z", "2024-05-04T00:00:00Z"),
        ("from 2024-01-01 to 2024-01-31", "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"),
        ("on May 1st, 2023", "2023-05-01T00:00:00Z", "2023-05-02T00:00:00Z"),
        ("3 days ago", "2024-05-12T00:00:00Z", "2024-05-13T00:00:00Z"),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00Z", "2024-05-01T08:01:00Z"),
        ("yesterday at 10:30", "2024-05-14T10:30:00Z", "2024-05-14T10:31:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
    ],
)
def test_times_in_words_become_a_window(text: str, since: str | None, until: str | None) -> None:
    assert window(text) == (since, until)


@pytest.mark.parametrize("text", ["past 24h", "last 24 hours", "in the past 24 hours", "over the last 24 hours"])
def test_a_stretch_up_to_now_begins_that_long_ago(text: str) -> None:
    times = read_times(text, NOW)
    assert times.since == instant("2024-05-14T12:00:00")
    assert times.until is not None
    assert times.until > NOW


@pytest.mark.parametrize(
    "text",
    [
        "who changed the last resort rule",
        "who changed aws_lb.may",
        "who changed the monday.com webhook",
        "who changed rule 2024",
        "who may change it",
        "who changed the second bucket",
        "2023-02-30",
        "0000-00-00",
        "5 million years ago",
        "",
    ],
)
def test_what_only_looks_like_a_time_is_left_in_the_text(text: str) -> None:
    times = read_times(text, NOW)
    assert (times.rest, times.since, times.until, times.at) == (text, None, None, None)


def test_the_words_of_a_time_are_taken_out_of_the_text() -> None:
    assert read_times("what changed since last monday in terraform/dns", NOW).rest == "what changed in terraform/dns"


def test_a_day_means_its_end_and_a_minute_itself_when_a_moment_is_asked_for() -> None:
    assert read_times("on 2024-05-01", NOW).at == instant("2024-05-02") - 1
    assert read_times("at 2024-05-01 10:00", NOW).at == instant("2024-05-01T10:00:00")


def test_a_day_that_is_not_over_means_now() -> None:
    assert read_times("today", NOW).at == NOW


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_times(text, NOW)


@given(st.sampled_from(["last {} years", "{} months ago", "since {} weeks ago"]), st.integers(0, 10**9))
def test_absurd_numbers_stay_within_what_has_a_date(wording: str, number: int) -> None:
    times = read_times(wording.format(number), NOW)
    for moment in (times.since, times.until):
        assert moment is None or EARLIEST <= moment <= LATEST
