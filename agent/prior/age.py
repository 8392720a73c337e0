"""How old the changes are that get undone in this repository: learnt from what was undone before the window.

Some teams take back what they did minutes ago, others what has been out for a week. Which it is, the repository's own history tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from agent.prior.candidate import PastChange
from graph.clock import DAY, Instant

_EDGES = (1, 2, 3, 5, 9, 17, 33, 65)
"""First rank of each class of ranks; the last is open."""
_CENTRES = (1.0, 2.0, 3.5, 6.5, 12.5, 24.5, 48.5, 96.0)
_BEFOREHAND = (0.30, 0.15, 0.15, 0.13, 0.11, 0.08, 0.05, 0.03)
"""Shares before anything is known, worth as much as `_STRENGTH` observations."""
_STRENGTH = 5.0
_MOST = 150
_LONGEST_CHANGES = 400
_WITHIN = 7 * DAY


def undone_in_time(past: Sequence[PastChange], at: Instant) -> list[PastChange]:
    """Past changes that were taken back within a week, as far as was known at `at`; in their order."""
    return [p for p in past if p.undone_at is not None and p.undone_at < at and 0 <= p.undone_at - p.at <= _WITHIN]


def age_scores(count: int, past: Sequence[PastChange], at: Instant) -> list[float]:
    """The log density of being undone at each rank by age, newest first, for `count` changes."""
    shares = list(_BEFOREHAND)
    seen = [0] * len(_EDGES)
    for one in [p.undone_after for p in undone_in_time(past, at) if 0 < p.undone_after < _LONGEST_CHANGES][:_MOST]:
        seen[max(i for i, edge in enumerate(_EDGES) if edge <= one)] += 1
    total = sum(seen) + _STRENGTH
    shares = [(n + _STRENGTH * share) / total for n, share in zip(seen, _BEFOREHAND, strict=True)]
    widths = [after - edge for edge, after in zip(_EDGES, (*_EDGES[1:], 2 * _EDGES[-1]), strict=True)]
    logs = [log(share / width) for share, width in zip(shares, widths, strict=True)]
    return [_between(log(rank), logs) for rank in range(1, count + 1)]


def _between(position: float, logs: Sequence[float]) -> float:
    """Linear between the centres of the classes, level beyond the last."""
    for i in range(1, len(_CENTRES)):
        low, high = log(_CENTRES[i - 1]), log(_CENTRES[i])
        if position <= high:
            share = (position - low) / (high - low)
            return logs[i - 1] + share * (logs[i] - logs[i - 1])
    return logs[-1]


def typical_age(past: Sequence[PastChange], at: Instant) -> tuple[int, int]:
    """How many undone changes are known, and the median number of changes after which they were undone (0 for none)."""
    known = sorted(p.undone_after for p in undone_in_time(past, at)[:_MOST])
    return len(known), known[len(known) // 2] if known else 0
