"""What a shift is: robust, with a direction, and blind to what comes after."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.metric_shift import BAND, Z_LIMIT, baseline_of, shift, shift_of
from graph.clock import SECOND, Instant
from graph.observations import METRIC_CLASSES, MetricClass, Seen, Series

MINUTE: Instant = 60 * SECOND
AT: Instant = 60 * MINUTE
UNTIL: Instant = 90 * MINUTE
Line = list[tuple[Instant, float]]


def line(before: float, after: float, noise: float = 0.0, start: int = 0, minutes: int = 90) -> Line:
    random = Random("shift")
    return [
        (i * MINUTE, (before if i * MINUTE < AT else after) + random.uniform(-noise, noise))
        for i in range(start, minutes)
    ]


def test_a_jump_is_a_shift_and_its_onset_is_the_change() -> None:
    found = shift(line(0.1, 0.5, noise=0.01), "latency", AT, UNTIL)
    assert found is not None
    assert found.badness == found.z > 10
    assert found.onset == AT
    assert found.before == pytest.approx(0.1, abs=0.01)
    assert found.after == pytest.approx(0.5, abs=0.01)
    assert (found.baseline.points, found.baseline_s, found.after_points) == (60, 59 * 60, 30)


def test_noise_is_no_shift() -> None:
    found = shift(line(0.1, 0.1, noise=0.03), "latency", AT, UNTIL)
    assert found is not None
    assert abs(found.z) < 1
    assert found.onset is None


@pytest.mark.parametrize(
    ("metric", "before", "after", "bad"),
    [
        ("errors", 0.0, 0.2, True),
        ("errors", 0.2, 0.0, False),
        ("availability", 1.0, 0.9, True),
        ("availability", 0.9, 1.0, False),
        ("traffic", 100.0, 10.0, True),
        ("traffic", 10.0, 100.0, True),
        ("memory", 1e9, 4e9, True),
        ("memory", 4e9, 1e9, False),
        ("connections", 50.0, 0.0, True),
    ],
)
def test_each_class_has_a_direction_in_which_it_gets_worse(
    metric: MetricClass, before: float, after: float, bad: bool
) -> None:
    found = shift(line(before, after), metric, AT, UNTIL)
    assert found is not None
    assert (found.badness > BAND) is bad
    assert (found.onset is not None) is bad
    assert (found.z > 0) is (after > before)


def test_a_series_may_say_its_own_direction() -> None:
    free = Series("db", "free", (), "By", "down", tuple(line(1e9, 1e8)), Seen("files", "x", None, 0))
    found = shift_of(free, "disk", AT, UNTIL)
    assert found is not None
    assert found.z < 0 < found.badness
    turned = shift_of(replace(free, worse="up"), "disk", AT, UNTIL)
    assert turned is not None
    assert turned.badness < 0


@pytest.mark.parametrize(
    ("metric", "before", "after"),
    [("latency", 0.2, 0.201), ("errors", 0.0, 0.0005), ("availability", 1.0, 0.9995), ("memory", 1e9, 1.01e9)],
)
def test_a_constant_series_that_moves_a_hair_did_not_shift(metric: MetricClass, before: float, after: float) -> None:
    found = shift(line(before, after), metric, AT, UNTIL)
    assert found is not None
    assert abs(found.z) < 1
    assert found.onset is None


def test_spikes_in_the_baseline_move_nothing() -> None:
    points = line(0.1, 0.5, noise=0.01)
    spiked = [(t, 50.0 if i % 7 == 3 and t < AT else v) for i, (t, v) in enumerate(points)]
    plain, odd = shift(points, "latency", AT, UNTIL), shift(spiked, "latency", AT, UNTIL)
    assert plain is not None
    assert odd is not None
    assert odd.before == pytest.approx(plain.before, abs=0.005)
    assert odd.badness > 10


def test_an_onset_before_the_change_is_told() -> None:
    points = [(t, 0.5 if t >= AT - 5 * MINUTE else 0.1) for t, _ in line(0, 0)]
    found = shift(points, "latency", AT, UNTIL)
    assert found is not None
    assert found.onset == AT - 5 * MINUTE


def test_a_spike_that_passes_is_no_onset_and_a_late_one_is() -> None:
    quiet = line(0.1, 0.1)
    once = [(t, 9.0 if t == AT + 3 * MINUTE else v) for t, v in quiet]
    late = [(t, 9.0 if t >= AT + 20 * MINUTE else v) for t, v in quiet]
    earlier = [(t, 9.0 if t in (5 * MINUTE, 6 * MINUTE) else v) for t, v in quiet]
    onsets = [found.onset for p in (once, late, earlier) if (found := shift(p, "latency", AT, UNTIL)) is not None]
    assert onsets == [None, AT + 20 * MINUTE, None]


def test_too_little_on_one_side_says_nothing() -> None:
    assert shift(line(0.1, 0.5, start=56), "latency", AT, UNTIL) is None
    assert shift(line(0.1, 0.5, start=55), "latency", AT, UNTIL) is not None
    assert shift(line(0.1, 0.5, minutes=60), "latency", AT, UNTIL) is None
    assert shift([], "latency", AT, UNTIL) is None
    assert shift(line(0.1, 0.5), "latency", AT, AT) is None


def test_z_has_a_limit() -> None:
    found = shift(line(0.0, 1e12), "errors", AT, UNTIL)
    assert found is not None
    assert found.z == Z_LIMIT


_VALUES = st.floats(-1e6, 1e6)
_POINTS = st.lists(
    st.tuples(st.integers(0, 120).map(lambda i: i * MINUTE), _VALUES), max_size=60, unique_by=lambda p: p[0]
)


@given(_POINTS, st.lists(_VALUES, min_size=1, max_size=20), st.sampled_from(METRIC_CLASSES), st.randoms())
def test_no_window_leak_and_no_order(points: Line, later: list[float], metric: MetricClass, random: Random) -> None:
    """What comes at or after `until` changes nothing, what comes at or after the change not the baseline, the order nothing at all."""
    known = [(t, v) for t, v in points if t < UNTIL]
    found = shift(known, metric, AT, UNTIL)
    mixed = [*known, *((UNTIL + i * MINUTE, v) for i, v in enumerate(later))]
    random.shuffle(mixed)
    assert shift(mixed, metric, AT, UNTIL) == found
    after = [(AT + i * MINUTE, v) for i, v in enumerate(later)]
    before = [(t, v) for t, v in points if t < AT]
    assert baseline_of([*before, *after], metric, AT) == baseline_of(before, metric, AT)
    if found is not None:
        assert found.baseline == baseline_of(before, metric, AT)
        assert found.baseline.spread > 0
