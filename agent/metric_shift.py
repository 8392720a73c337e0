"""Did a metric change at a change? A robust z of the window after against the one before, and when it left its band.

Pure functions on points. The centre is the median and the spread the median absolute deviation (scaled to a standard deviation), so that a
spike in the baseline moves neither; floors keep a constant series from calling noise a shift. Seasons are ignored: the baseline says how
long it is (`baseline_s`), and one shorter than a day knows nothing of mornings. There is no leak: no point at or after the change is in
the baseline, and none at or after `until` is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from graph.clock import SECOND, Instant
from graph.observations import WORSE, MetricClass, Series, Worse

Points = Sequence[tuple[Instant, float]]
"""Times with values, in any order."""

MAD_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution times this is its standard deviation."""
RELATIVE_FLOOR = 0.05
"""The spread is taken for at least this share of the median: five hundredths more latency is no incident. Not for availability, whose
median is near one whatever happens."""
ABSOLUTE_FLOORS: Mapping[MetricClass, float] = {
    "latency": 0.001,
    "errors": 0.002,
    "availability": 0.002,
    "traffic": 0.1,
    "saturation": 0.01,
    "queue": 1.0,
    "memory": 0.001,
    "cpu": 0.01,
    "disk": 0.001,
    "connections": 1.0,
}
"""Least spread in the unit of the class (seconds, share, per second, count), for series whose median is near zero."""
MIN_BASELINE = 5
"""Fewer points before the change say nothing of what is usual."""
BAND = 4.0
"""Spreads around the median that are still usual."""
Z_LIMIT = 1_000.0
"""A larger z says no more."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was usual: from `points` points over `length_s` seconds. `spread` is after the floors and never zero."""

    centre: float
    spread: float
    points: int
    length_s: float

    def z(self, value: float) -> float:
        """How many spreads a value is above the centre."""
        return min(max((value - self.centre) / self.spread, -Z_LIMIT), Z_LIMIT)


@dataclass(frozen=True, slots=True)
class Shift:
    """One metric around a change.

    Attributes:
        z: spreads by which the median after differs from the median before; positive is upwards.
        badness: the same in the direction in which this metric gets worse: positive is worse, negative better.
        before, after: the two medians.
        baseline: what it was measured against.
        after_points: points after the change and before `until`.
        onset: when it left its band for good: the first of the points outside on its worse side that last into the time after the change.
            It may lie before the change, which then did not cause it. None when it stayed within, or left it only for a moment.
    """

    z: float
    badness: float
    before: float
    after: float
    baseline: Baseline
    after_points: int
    onset: Instant | None

    @property
    def baseline_s(self) -> float:
        """How long the baseline is, in seconds."""
        return self.baseline.length_s


def baseline_of(points: Points, metric: MetricClass, before: Instant) -> Baseline | None:
    """What was usual before a moment; None with fewer than `MIN_BASELINE` points. Points at or after it do not count."""
    past = sorted((at, value) for at, value in points if at < before)
    if len(past) < MIN_BASELINE:
        return None
    values = [value for _, value in past]
    centre = median(values)
    spread = MAD_TO_SIGMA * median(abs(v - centre) for v in values)
    relative = 0.0 if metric == "availability" else RELATIVE_FLOOR * abs(centre)
    floor = max(relative, ABSOLUTE_FLOORS[metric])
    return Baseline(centre, max(spread, floor), len(values), (past[-1][0] - past[0][0]) / SECOND)


def shift(
    points: Points, metric: MetricClass, at: Instant, until: Instant, *, worse: Worse | None = None, lasting: int = 2
) -> Shift | None:
    """The metric before `at` against the metric in `at <= t < until`.

    Args:
        points: of one series.
        metric: its class, for the floors and, without `worse`, the direction.
        at: the change.
        until: nothing at or after it is read.
        worse: which way is worse, when this series differs from its class (free disk space).
        lasting: consecutive points outside the band that make an onset; fewer when there are fewer points after the change.

    Returns:
        None when there is not enough on one of the two sides to say anything.
    """
    known = sorted((t, v) for t, v in points if t < until)
    usual = baseline_of(known, metric, at)
    following = [v for t, v in known if t >= at]
    if usual is None or not following:
        return None
    way = worse or WORSE[metric]
    after = median(following)
    z = usual.z(after)
    onset = _onset(known, usual, way, at, min(lasting, len(following)))
    return Shift(z, badness(z, way), usual.centre, after, usual, len(following), onset)


def shift_of(series: Series, metric: MetricClass, at: Instant, until: Instant) -> Shift | None:
    """`shift` of a series as an adapter gave it."""
    return shift(series.points, metric, at, until, worse=series.worse)


def badness(z: float, worse: Worse) -> float:
    """A z in the direction in which the metric gets worse."""
    return abs(z) if worse == "either" else z if worse == "up" else -z


def _onset(known: Points, usual: Baseline, worse: Worse, at: Instant, lasting: int) -> Instant | None:
    began: Instant | None = None
    run = 0
    for t, value in known:
        if badness(usual.z(value), worse) <= BAND:
            began, run = None, 0
            continue
        began = t if began is None else began
        run += 1
        if run >= lasting and t >= at:
            return began
    return None
