"""How well jumps of a bill are found: series with planted steps and spikes beside season, growth, noise and monthly charges.

`python -m bench.cost_anomalies [--series 200]`. Goal: of steps and spikes of 30 % and more at least 95 % found within a day, at most one
false jump in 20 series of half a year where nothing was planted, and of what is told beside jumps of 30 % and more at least 90 % right. "step
down" of 30 % divides by 1.3: a fall of 23 %.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass
from datetime import date

from agent.cost.anomalies import Rules, shifts

DAYS = 180
FIRST = date(2026, 3, 3)
SIZES = (0.0, 0.2, 0.3, 0.5, 1.0, 3.0)
KINDS = ("step", "spike", "step down")


@dataclass(frozen=True, slots=True)
class Planted:
    """A series, and where in it a jump was planted (None: nowhere)."""

    values: tuple[float, ...]
    at: int | None


def planted(seed: int, kind: str, size: float) -> Planted:
    """A series of half a year: 20 to 400 a day, weekdays (some rest at weekends), growth up to half as much again, noise of 2 to 5 %, some with a monthly charge."""
    rng = random.Random(seed)
    level = math.exp(rng.uniform(math.log(20), math.log(400)))
    growth = rng.uniform(-0.1, 0.5) / DAYS
    weekend = rng.choice((1.0, 1.0, 0.9, 0.7, 0.5, 0.0))
    noise = rng.uniform(0.02, 0.05)
    monthly = rng.choice((0.0, 0.0, 1.5 * level))
    at = rng.randrange(60, DAYS - 20) if size else None
    while at is not None and not weekend and date.fromordinal(FIRST.toordinal() + at).weekday() >= 5:
        at += 1  # half as much again of nothing is nothing
    values: list[float] = []
    for i in range(DAYS):
        day = date.fromordinal(FIRST.toordinal() + i)
        value = level * (1 + growth * i) * (weekend if day.weekday() >= 5 else 1.0)
        if at is not None:
            if (kind == "step" and i >= at) or (kind == "spike" and at <= i < at + 1 + seed % 2):
                value *= 1 + size
            elif kind == "step down" and i >= at:
                value /= 1 + size
        value *= math.exp(rng.gauss(0, noise))
        values.append(value + (monthly if day.day == 1 else 0.0))
    return Planted(tuple(values), at)


def measure(series: int) -> dict[tuple[str, float], tuple[int, int, int]]:
    """By kind and size: series with a jump, jumps found within a day, and jumps told that are none."""
    found: dict[tuple[str, float], tuple[int, int, int]] = {}
    for kind in KINDS:
        for size in SIZES:
            hits = false = 0
            for seed in range(series):
                one = planted(seed * 7 + 1, kind, size)
                told = shifts(one.values, FIRST, Rules(least=1.0))
                right = [s for s in told if one.at is not None and abs(s.first - one.at) <= 1]
                # The day on which a spike ends is no jump of its own, and is not told.
                hits += bool(right)
                false += len(told) - bool(right)
            found[kind, size] = (series if size else 0, hits, false)
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200)
    series = parser.parse_args().series
    print("| jump | size | found | false jumps a series |")
    print("|---|---|---|---|")
    hits = told = 0
    for (kind, size), (there, right, false) in measure(series).items():
        share = f"{right / there:.1%}" if there else "–"
        print(f"| {kind if size else 'none'} | {size:.0%} | {share} | {false / series:.3f} |")
        if size >= 0.3:
            hits, told = hits + right, told + right + false
    print(f"\nprecision of jumps of 30 % and more: {hits / told:.1%}")


if __name__ == "__main__":
    main()
