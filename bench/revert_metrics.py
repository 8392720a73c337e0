"""Figures of a ranking with probabilities: how high the right one stands, how honest the probabilities are, how sure both are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One question, answered: each candidate's probability, newest first, and which is right."""

    probabilities: Vector
    right: int

    @property
    def rank(self) -> int:
        """Of the right one, from 1; among equals the newer stands before."""
        own = self.probabilities[self.right]
        above = int((self.probabilities > own).sum())
        return 1 + above + int((self.probabilities[: self.right] == own).sum())


def interval(values: Vector, seed: int = 0) -> tuple[float, float]:
    """95% bootstrap interval of the mean."""
    if not len(values):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def share(values: Vector) -> str:
    """Mean and interval, for a table."""
    if not len(values):
        return "–"
    low, high = interval(values)
    return f"{values.mean():.3f} ({low:.2f}–{high:.2f})"


def ranking(answers: Sequence[Ranked]) -> tuple[Vector, Vector, Vector]:
    """By question: right at the top, right among five, reciprocal rank."""
    ranks = np.array([answer.rank for answer in answers], float)
    return (ranks <= 1).astype(float), (ranks <= 5).astype(float), 1.0 / ranks


def log_losses(answers: Sequence[Ranked]) -> Vector:
    """By question: minus the log of the right one's probability (at least 1e-12)."""
    return np.array([-np.log(max(1e-12, float(a.probabilities[a.right]))) for a in answers])


def brier_scores(answers: Sequence[Ranked]) -> Vector:
    """By question: summed squared distance of the probabilities to the truth, 0 to 2."""
    found: list[float] = []
    for answer in answers:
        truth = np.zeros(len(answer.probabilities))
        truth[answer.right] = 1.0
        found.append(float(((answer.probabilities - truth) ** 2).sum()))
    return np.array(found)


def calibration_error(tops: Vector, hits: Vector, bins: int = 8) -> float:
    """Expected calibration error of the first answer, in bins of equal count."""
    order = np.argsort(tops, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return float(sum(len(p) * abs(tops[p].mean() - hits[p].mean()) for p in parts) / len(order))


def calibration(answers: Sequence[Ranked], seed: int = 0) -> tuple[float, float, float]:
    """The error, and mean and 95% quantile of what it would be by chance if every probability were true."""
    tops = np.array([float(a.probabilities.max()) for a in answers])
    hits = np.array([float(a.rank == 1) for a in answers])
    rng = np.random.default_rng(seed)
    null = [calibration_error(tops, (rng.random(len(tops)) < tops).astype(float)) for _ in range(500)]
    return calibration_error(tops, hits), float(np.mean(null)), float(np.quantile(null, 0.95))


def sure(answers: Sequence[Ranked], least: float = 0.8) -> tuple[int, int]:
    """How many first answers have at least this probability, and how many of those are right."""
    rows = [a for a in answers if float(a.probabilities.max()) >= least]
    return len(rows), sum(a.rank == 1 for a in rows)


def area(yes: Vector, no: Vector) -> float:
    """Area under the ROC curve: how often a score of `yes` is above one of `no`, ties half."""
    return float((yes[:, None] > no[None, :]).mean() + 0.5 * (yes[:, None] == no[None, :]).mean())


def risk_coverage(confidence: Vector, hits: Vector) -> list[tuple[float, float]]:
    """(share answered, share wrong among those) when only the surest tenth, two tenths … are answered."""
    order = np.argsort(-confidence, kind="stable")
    points: list[tuple[float, float]] = []
    for tenth in range(1, 11):
        some = order[: max(1, round(len(order) * tenth / 10))]
        points.append((len(some) / len(order), 1.0 - float(hits[some].mean())))
    return points


def paired(ours: Vector, theirs: Vector, seed: int = 0) -> tuple[float, float, float, float]:
    """Mean difference, its 95% interval, and the share of resamples in which ours is no better."""
    differences = ours - theirs
    low, high = interval(differences, seed)
    rng = np.random.default_rng(seed)
    means = differences[rng.integers(0, len(differences), (RESAMPLES, len(differences)))].mean(axis=1)
    return float(differences.mean()), low, high, float((means <= 0).mean())
