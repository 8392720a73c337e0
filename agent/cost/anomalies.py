"""Days from which something costs more, or less, than its season explains. Pure: series in, jumps out.

A series is compared with what its own recent past says: its level and trend, the share of each weekday, and what is charged on the first
of a month. Medians and MADs, so that a spike of last week does not hide the one of today. After a step that stays, the new level is the
past: each jump is told once.

Robust scale: https://en.wikipedia.org/wiki/Median_absolute_deviation · trend: https://en.wikipedia.org/wiki/Theil–Sen_estimator
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median

_HISTORY = 42
"""Days of the past that count."""
_ENOUGH = 10
"""So many days must be known before anything is a jump."""
_TREND_FROM = 21
_STAYS = 4
"""A step has lasted so many days, or to the end of what is known; what ends earlier is a spike."""
_DEVIATIONS = 5.0
_SHARE = 0.15
"""The least share of the level that counts as a jump, however quiet the series is."""
_SIGMA = 1.4826
_SETTLED = 10
"""After so many days on another level, that is the level."""
_STILL = 0.5
"""A day still belongs to a jump from this share of what made it one."""
_SOON = 14
"""A step that goes back within so many days was a burst: going back is not told by itself."""
_REST = 0.03
"""A weekday that costs less than this share of the dearest one is a day of rest."""
_DAYS_OFF_APART = 9
_MERGED_DAYS = 3
"""A step that is reached over so many days is one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a jump: at least so much a day, and so many deviations, and such a share of the level."""

    least: float = 1.0
    deviations: float = _DEVIATIONS
    share: float = _SHARE


@dataclass(frozen=True, slots=True)
class Shift:
    """A jump of one series. `first` and `end` are places in it, `first <= i < end`; `end` is None while it lasts.

    `expected` and `actual` are a day's amounts: the medians over the days of the shift.
    """

    first: int
    end: int | None
    expected: float
    actual: float

    @property
    def delta(self) -> float:
        """How much more a day."""
        return self.actual - self.expected


def shifts(values: Sequence[float], first_day: date, rules: Rules | None = None) -> tuple[Shift, ...]:
    """The jumps of a series of daily amounts, in order; days without a charge are 0."""
    rules = rules or Rules()
    if len(values) <= _ENOUGH or max(values) - min(values) < rules.least:
        return ()
    season = _weekdays(values, first_day)
    weight = [season[(first_day + timedelta(days=i)).weekday()] for i in range(len(values))]
    monthly = _first_of_month(values, weight, first_day)
    plain = [v - monthly[i] for i, v in enumerate(values)]
    active = [i for i, w in enumerate(weight) if w]
    found = [
        replace(s, first=active[s.first], end=None if s.end is None else active[s.end])
        for s in _walk([plain[i] / weight[i] for i in active], [weight[i] for i in active], rules)
    ]
    return tuple(_merged(sorted([*found, *_on_days_off(plain, weight, rules)], key=lambda s: s.first), rules))


def _on_days_off(plain: Sequence[float], weight: Sequence[float], rules: Rules) -> list[Shift]:
    """Weekdays that cost nothing, and then did: once, also where it goes on for weeks."""
    found: list[Shift] = []
    last = -_DAYS_OFF_APART
    level = median([v for v, w in zip(plain, weight, strict=True) if w] or [0.0])
    for i, (value, share) in enumerate(zip(plain, weight, strict=True)):
        if share or value <= max(rules.least, 0.25 * level):
            continue
        if i - last >= _DAYS_OFF_APART:
            found.append(Shift(i, i + 1, 0.0, value))
        last = i
    return found


# -- the season


def _weekdays(values: Sequence[float], first_day: date) -> list[float]:
    """By weekday: its share of an average day that costs something; 0 for days of rest. 1 for all where three weeks are not known."""
    if len(values) < 21:
        return [1.0] * 7
    ratios: list[list[float]] = [[] for _ in range(7)]
    for i in range(3, len(values) - 3):
        middle = sum(values[i - 3 : i + 4]) / 7  # a whole week: every weekday once
        week = sorted(values[i - 3 : i + 4])
        if middle > 0 and week[3] > 0 and week[5] < 4 * week[3]:  # not a week with a jump in it
            ratios[(first_day.weekday() + i) % 7].append(values[i] / middle)
    if any(len(r) < 2 for r in ratios):
        return [1.0] * 7
    found = [median(r) for r in ratios]
    rests = [f < _REST * max(found) for f in found]
    if max(found) <= 0 or sum(rests) > 3:
        return [1.0] * 7
    mean = sum(f for f, rest in zip(found, rests, strict=True) if not rest) / (7 - sum(rests))
    return [0.0 if rest else f / mean for f, rest in zip(found, rests, strict=True)]


def _first_of_month(values: Sequence[float], weight: Sequence[float], first_day: date) -> list[float]:
    """What is charged on the first of a month beside the usual: subscriptions, support, taxes. 0 where it does not come again.

    The first that is known is taken as usual, and every later one as far as it is like one of those before it.
    """
    extra = [0.0] * len(values)
    known: list[float] = []
    for i, value in enumerate(values):
        if (first_day + timedelta(days=i)).day != 1:
            continue
        near = range(max(i - 7, 0), min(i + 8, len(values)))
        around = [values[j] / weight[j] for j in near if j != i and weight[j]]
        if not around:
            continue
        level = median(around)
        over = value - level * weight[i]
        spread = _SIGMA * median([abs(a - level) for a in around])
        if over <= max(4 * spread, 0.15 * abs(level)):
            continue
        if not known and i < 31:
            extra[i] = over
        elif known:
            usual = min(known, key=lambda k: (abs(over - k), k))
            # Within a third of a former one it is that charge; what is beyond shows.
            extra[i] = over if abs(over - usual) <= 0.35 * usual else min(usual, over)
        known.append(over)
    return extra


# -- the walk


def _walk(flat: Sequence[float], weight: Sequence[float], rules: Rules) -> list[Shift]:
    found: list[Shift] = []
    regime: list[tuple[int, float]] = []
    i = 0
    while i < len(flat):
        if len(regime) < (_STAYS if found else _ENOUGH):
            regime.append((i, flat[i]))
            i += 1
            continue
        expected, scale = _expected(regime, i)
        limit = max(rules.deviations * scale, rules.share * abs(expected), rules.least / max(weight[i], 0.05))
        if abs(flat[i] - expected) <= limit:
            regime.append((i, flat[i]))
            i += 1
            continue
        side = 1 if flat[i] > expected else -1
        end = i
        while end < min(len(flat), i + _SETTLED) and (flat[end] - expected) * side > limit * _STILL:
            end += 1
        actual = median(flat[i:end])
        lasts = end == len(flat) or end - i >= _STAYS
        _note(found, Shift(i, None if lasts else end, expected, actual), limit)
        if lasts:  # what stays is the past of what comes
            regime = [(j, flat[j]) for j in range(i, end)]
        i = end
    return found


def _note(found: list[Shift], shift: Shift, limit: float) -> None:
    """Add a jump. One that goes back to where the one before came from ends that: within two weeks it is not told by itself."""
    last = found[-1] if found else None
    if last is not None and last.end is None and (shift.delta > 0) != (last.delta > 0):
        back = abs(shift.actual - last.expected) <= max(limit, 0.3 * abs(last.delta))
        if back:
            found[-1] = replace(last, end=shift.first)
            if shift.end is None and shift.first - last.first <= _SOON:
                return
    found.append(shift)


def _expected(regime: Sequence[tuple[int, float]], at: int) -> tuple[float, float]:
    """What a day should cost by the days before it, and how far days usually are from that."""
    recent = regime[-_HISTORY:]
    values = [v for _, v in recent]
    if len(recent) >= _TREND_FROM:
        slope = _slope(recent)
        level = median([v - slope * i for i, v in recent])
        residuals = [v - level - slope * i for i, v in recent]
        expected = level + slope * at
    else:
        expected = median(values)
        residuals = [v - expected for v in values]
    scale = _SIGMA * median([abs(r) for r in residuals])
    if len(recent) < 14:  # so few days tell little of how far they vary
        scale = max(scale, 0.05 * abs(expected))
    return max(expected, 0.0) if min(values) >= 0 else expected, scale


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """Theil and Sen's slope over pairs half the window apart: as robust, and linear in work."""
    half = len(points) // 2
    return median([(points[k + half][1] - points[k][1]) / (points[k + half][0] - points[k][0]) for k in range(half)])


def _merged(found: Sequence[Shift], rules: Rules) -> list[Shift]:
    """Steps up a stair within a few days are one."""
    merged: list[Shift] = []
    for one in found:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.end is None
            and one.first - last.first <= _MERGED_DAYS + _STAYS
            and (one.delta > 0) == (last.delta > 0)
        ):
            merged[-1] = Shift(last.first, one.end, last.expected, one.actual)
        else:
            merged.append(one)
    return [s for s in merged if abs(s.delta) >= rules.least]


# -- several levels


Key = tuple[str, ...]
"""What a series is of, from the general to the special: `(AmazonEC2,)`, `(AmazonEC2, prod)`, `(AmazonEC2, prod, i-0123)`."""


@dataclass(frozen=True, slots=True)
class Found:
    """A jump of a key."""

    key: Key
    shift: Shift


_EXPLAINS = 0.7
_MOST_PARTS = 3
_APART_DAYS = 1


def jumps(series: Mapping[Key, Sequence[float]], first_day: date, rules: Rules | None = None) -> tuple[Found, ...]:
    """The jumps of many series, each told once, at the most special level that explains it.

    A jump is that of its parts where up to three of them jump the same way at the same time and make up 70 % of it; where more parts do,
    or none, it is the whole that jumped, and its parts are not told again.

    Args:
        series: by key, every one from `first_day` on; a key's parts are the keys that are one longer and begin with it.
    """
    rules = rules or Rules()
    parts: dict[Key, list[Key]] = {}
    for key in sorted(series):
        if len(key) > 1:
            parts.setdefault(key[:-1], []).append(key)
    of = {key: shifts(series[key], first_day, rules) for key in series}
    told: list[Found] = []
    taken: set[tuple[Key, int]] = set()
    for key in sorted(series, key=lambda k: (len(k), k)):
        for shift in of[key]:
            if (key, shift.first) in taken:
                continue
            _tell(key, shift, parts, of, told, taken)
    return tuple(sorted(told, key=lambda f: (f.shift.first, f.key)))


def _tell(
    key: Key,
    shift: Shift,
    parts: Mapping[Key, Sequence[Key]],
    of: Mapping[Key, Sequence[Shift]],
    told: list[Found],
    taken: set[tuple[Key, int]],
) -> None:
    same = [(p, s) for p in parts.get(key, ()) for s in of[p] if (p, s.first) not in taken and _together(s, shift)]
    same.sort(key=lambda ps: (-abs(ps[1].delta), ps[0]))
    chosen = _fewest(same, shift)
    for part, own in same:
        taken.add((part, own.first))
    if chosen:
        for part, own in chosen:
            _tell(part, own, parts, of, told, taken)
        return
    told.append(Found(key, shift))
    _silence(same, parts, of, taken)


def _fewest(same: Sequence[tuple[Key, Shift]], shift: Shift) -> list[tuple[Key, Shift]]:
    """The fewest parts, largest first, that make up the jump; none where that takes too many."""
    total = 0.0
    chosen: list[tuple[Key, Shift]] = []
    for part, own in same[:_MOST_PARTS]:
        chosen.append((part, own))
        total += abs(own.delta)
        if total >= _EXPLAINS * abs(shift.delta):
            return chosen
    return []


def _silence(
    same: Sequence[tuple[Key, Shift]],
    parts: Mapping[Key, Sequence[Key]],
    of: Mapping[Key, Sequence[Shift]],
    taken: set[tuple[Key, int]],
) -> None:
    """What is told of the whole is not told of its parts, nor of theirs."""
    for part, own in same:
        below = [(p, s) for p in parts.get(part, ()) for s in of[p] if _together(s, own)]
        taken.update((p, s.first) for p, s in below)
        _silence(below, parts, of, taken)


def _together(one: Shift, other: Shift) -> bool:
    return abs(one.first - other.first) <= _APART_DAYS and (one.delta > 0) == (other.delta > 0)
