"""The models that the bench compares: features, and how they are fitted; baselines beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.prior.logit import question
from bench.conditional_logit import Vector, fit_choice, fit_logit, softmax, spread
from bench.revert_measured import Measured
from bench.revert_metrics import Ranked

TEXT = ("age_here", "rank", "gap", "words", "soft", "message", "followed", "spoken_of", "words_z", "risk", "undone")
"""What the model without vectors is of."""
FULL = (*TEXT, "dense", "dense_age")
"""And with them. Chosen by leaving one repository out among the mined ones, see docs/adr/0012."""
SMALL = ("rank", "gap", "words", "dense", "dense_age")
"""The small logit of before: age, BM25 over message, paths and lines, meaning, and meaning by age."""
NONE = (
    "best_words",
    "words_margin",
    "best_rarest",
    "best_title",
    "best_dense",
    "dense_margin",
    "covered",
    "symptom_words",
    "symptom_rarity",
    "count",
    "newest",
    "top_log_odds",
    "entropy",
    "words_sum",
)
PENALTY = 2.0

Answering = Callable[[Measured], Ranked]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights by feature, on the features' own scale."""

    weights: Mapping[str, float]

    def scores(self, one: Measured) -> Vector:
        """Log odds of the candidates against each other."""
        names = list(self.weights)
        return one.matrix(names) @ np.array([self.weights[name] for name in names])

    def answer(self, one: Measured) -> Ranked:
        """Probabilities among the candidates, of a question whose culprit is one of them."""
        assert one.right is not None
        return Ranked(softmax(self.scores(one)), one.right)


def fit(cases: Sequence[Measured], names: Sequence[str], penalty: float = PENALTY) -> Fitted:
    """The conditional logit on these features."""
    rows = [one.matrix(names) for one in cases]
    scale = spread(rows)
    chosen = [one.right for one in cases if one.right is not None]
    weights = fit_choice([part / scale for part in rows], chosen, penalty) / scale
    return Fitted(dict(zip(names, weights.tolist(), strict=True)))


def reciprocal_fusion(one: Measured) -> Ranked:
    """Reciprocal rank fusion of recency and BM25: no probabilities, a ranking."""
    assert one.right is not None
    rank, words = one.matrix(["rank"])[:, 0], one.matrix(["words"])[:, 0]
    by_words = np.array([float((words > value).sum()) + (float((words == value).sum()) - 1) / 2 for value in words])
    fused = 1.0 / (60.0 + np.round(np.exp(rank))) + 1.0 / (61.0 + by_words)
    return Ranked(fused / fused.sum(), one.right)


@dataclass(frozen=True, slots=True)
class NoneModel:
    """Whether any candidate is the cause. `weights` on the features' own scale, with `constant`."""

    weights: Mapping[str, float]

    def score(self, choice: Fitted, one: Measured) -> float:
        """Log odds of "none of these"."""
        values = question(one.features, choice.scores(one).tolist())
        return sum(weight * values.get(name, 0.0) for name, weight in self.weights.items())


def fit_none(
    choice: Fitted,
    present: Sequence[Measured],
    absent: Sequence[Measured],
    names: Sequence[str] = NONE,
    penalty: float = 5.0,
) -> NoneModel:
    """The logit of "none of these", from each symptom with and without its culprit."""
    cases = [*present, *absent]
    values = [question(one.features, choice.scores(one).tolist()) for one in cases]
    rows = np.array([[value.get(name, 0.0) for name in names] for value in values])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    yes = np.array([0.0] * len(present) + [1.0] * len(absent))
    with_constant = np.column_stack([np.ones(len(rows)), (rows - mean) / scale])
    weights = fit_logit(with_constant, yes, penalty)
    own = weights[1:] / scale
    constant = float(weights[0] - (own * mean).sum())
    return NoneModel({"constant": constant, **dict(zip(names, own.tolist(), strict=True))})
