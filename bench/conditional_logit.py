"""Fitting: a conditional logit over alternatives, and a plain logit, both with an L2 penalty, by Newton's method. Only numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def fit_choice(alternatives: Sequence[Matrix], chosen: Sequence[int], penalty: float, steps: int = 40) -> Vector:
    """Weights that make the chosen rows likely: `sum log softmax(x @ w)[chosen] - penalty / 2 * |w|²` at its maximum."""
    size = alternatives[0].shape[1]
    weights = np.zeros(size)
    value = _loss(alternatives, chosen, weights, penalty)
    for _ in range(steps):
        slope, curve = -penalty * weights, penalty * np.eye(size)
        for rows, index in zip(alternatives, chosen, strict=True):
            shares = softmax(rows @ weights)
            mean = shares @ rows
            slope += rows[index] - mean
            curve += (rows * shares[:, None]).T @ rows - np.outer(mean, mean)
        step = np.linalg.solve(curve, slope)
        length, new = 1.0, value
        while length > 1e-6:
            new = _loss(alternatives, chosen, weights + length * step, penalty)
            if new <= value:
                break
            length /= 2
        weights = weights + length * step
        if value - new < 1e-9:
            break
        value = new
    return weights


def fit_logit(rows: Matrix, yes: Vector, penalty: float, steps: int = 40) -> Vector:
    """Weights of a plain logit; the first column is the constant and is not penalised."""
    weights = np.zeros(rows.shape[1])
    penalties = np.full(rows.shape[1], penalty)
    penalties[0] = 1e-6
    for _ in range(steps):
        shares = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (yes - shares) - penalties * weights
        curve = (rows * (shares * (1 - shares))[:, None]).T @ rows + np.diag(penalties)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return weights


def softmax(scores: Vector) -> Vector:
    """Shares of the scores."""
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def spread(alternatives: Sequence[Matrix]) -> Vector:
    """The standard deviation of each column within its question, at least a trifle."""
    return np.concatenate([rows - rows.mean(axis=0) for rows in alternatives]).std(axis=0) + 1e-9


def _loss(alternatives: Sequence[Matrix], chosen: Sequence[int], weights: Vector, penalty: float) -> float:
    total = 0.5 * penalty * float(weights @ weights)
    for rows, index in zip(alternatives, chosen, strict=True):
        scores = rows @ weights
        most = float(scores.max())
        total += most + float(np.log(np.exp(scores - most).sum())) - float(scores[index])
    return total
