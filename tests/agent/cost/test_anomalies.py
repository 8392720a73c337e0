"""Jumps of daily amounts: found once, where they begin, and not where nothing jumped."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent.cost.anomalies import Rules, jumps, shifts
from bench.cost_anomalies import measure

FIRST = date(2026, 3, 2)  # a Monday
RULES = Rules(least=1.0)


def series(days: int, *, level: float = 100.0, weekend: float = 1.0, growth: float = 0.0) -> list[float]:
    """Amounts with a small regular ripple, that no generator of random numbers is needed for."""
    found: list[float] = []
    for i in range(days):
        rest = weekend if (FIRST + timedelta(days=i)).weekday() >= 5 else 1.0
        found.append(level * (1 + growth * i) * rest * (1 + 0.01 * ((i * 7919) % 5 - 2)))
    return found


def test_a_quiet_a_weekly_and_a_growing_series_have_no_jump() -> None:
    for values in (
        series(120),
        series(120, weekend=0.4),
        series(120, growth=0.01),
        series(120, weekend=0.6, growth=0.004),
    ):
        assert shifts(values, FIRST, RULES) == ()


def test_days_of_rest_that_cost_nothing_are_no_jumps_and_a_day_on_is() -> None:
    values = series(120, weekend=0.0)
    assert shifts(values, FIRST, RULES) == ()
    values[70:] = [v * 2 for v in values[70:]]
    (step,) = shifts(values, FIRST, RULES)
    assert (step.first, step.end) == (70, None)
    values = series(120, weekend=0.0)
    values[89] = 80.0  # a Saturday
    assert [(s.first, s.end) for s in shifts(values, FIRST, RULES)] == [(89, 90)]


def test_a_step_that_stays_is_told_once_with_both_levels() -> None:
    values = series(120, weekend=0.5)
    values[70:] = [v * 1.6 for v in values[70:]]
    (found,) = shifts(values, FIRST, RULES)
    assert (found.first, found.end) == (70, None)
    assert found.actual / found.expected == pytest.approx(1.6, rel=0.05)


def test_a_spike_ends_and_going_back_is_no_jump_of_its_own() -> None:
    values = series(120)
    values[80] = 300.0
    values[81] = 290.0
    (found,) = shifts(values, FIRST, RULES)
    assert (found.first, found.end) == (80, 82)


def test_a_spike_does_not_hide_the_one_after_it() -> None:
    values = series(120)
    values[80] = values[86] = 250.0
    assert [s.first for s in shifts(values, FIRST, RULES)] == [80, 86]


def test_what_comes_on_every_first_of_a_month_is_no_jump_and_a_new_amount_is_one() -> None:
    values = series(150)
    firsts = [i for i in range(150) if (FIRST + timedelta(days=i)).day == 1]
    for i in firsts:
        values[i] += 400
    assert shifts(values, FIRST, RULES) == ()
    values[firsts[-1]] += 900
    assert [s.first for s in shifts(values, FIRST, RULES)] == [firsts[-1]]


def test_what_is_new_and_what_vanishes_is_told() -> None:
    new = [0.0] * 60 + series(60)
    gone = series(60) + [0.0] * 60
    assert [(s.first, s.end, round(s.expected)) for s in shifts(new, FIRST, RULES)] == [(60, None, 0)]
    assert [(s.first, s.end, round(s.actual)) for s in shifts(gone, FIRST, RULES)] == [(60, None, 0)]


def test_cents_are_no_jump() -> None:
    values = [0.10] * 60 + [0.30] * 60
    assert shifts(values, FIRST, Rules(least=0.5)) == ()
    assert len(shifts(values, FIRST, Rules(least=0.1))) == 1


def test_too_little_history_tells_nothing() -> None:
    assert shifts([1.0, 1.0, 50.0], FIRST, RULES) == ()


def test_a_jump_is_told_at_the_most_special_level_that_explains_it() -> None:
    calm, bigger = series(120), series(120)
    bigger[70:] = [v * 2 for v in bigger[70:]]
    both = [a + b for a, b in zip(calm, bigger, strict=True)]
    found = jumps(
        {("ec2",): both, ("ec2", "prod"): both, ("ec2", "prod", "i-1"): bigger, ("ec2", "prod", "i-2"): calm},
        FIRST,
        RULES,
    )
    assert [(f.key, f.shift.first) for f in found] == [(("ec2", "prod", "i-1"), 70)]


def test_a_jump_of_many_parts_is_one_of_the_whole() -> None:
    parts = {("ec2", "prod", f"i-{n}"): series(120) for n in range(8)}
    for values in parts.values():
        values[70:] = [v * 1.5 for v in values[70:]]
    whole = [sum(v) for v in zip(*parts.values(), strict=True)]
    found = jumps({("ec2",): whole, ("ec2", "prod"): whole, **parts}, FIRST, RULES)
    assert [(f.key, f.shift.first) for f in found] == [(("ec2", "prod"), 70)]


def test_parts_that_jump_against_each_other_are_told_though_their_whole_did_not() -> None:
    up, down = series(120), series(120)
    up[70:] = [v + 60 for v in up[70:]]
    down[70:] = [v - 60 for v in down[70:]]
    whole = [a + b for a, b in zip(up, down, strict=True)]
    found = jumps({("s3",): whole, ("s3", "prod"): up, ("s3", "dev"): down}, FIRST, RULES)
    assert [f.key for f in found] == [("s3", "dev"), ("s3", "prod")]


def test_the_goal_holds_on_generated_series() -> None:
    found = measure(25)
    for (kind, size), (there, hits, false) in found.items():
        if size >= 0.5:
            assert hits >= 0.95 * there, (kind, size)
        assert false / 25 <= 0.2, (kind, size)
    quiet = [false for (_, size), (_, _, false) in found.items() if not size]
    assert max(quiet) / 25 <= 0.08
