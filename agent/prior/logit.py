"""A conditional logit over candidate changes with "none of these": what a symptom's words and the changes' ages make of them.

The log odds of a candidate are a weighted sum of its features; only differences between candidates of one window count. Whether any of
them is the cause is a second, plain logit on the question as a whole. Coefficients are trained by `bench/train_prior.py`, on public
repositories, and checked in with the command that made them. (McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, fsum, log

import msgspec

from agent.prior.candidate import Asked, Candidate, Corpus
from agent.prior.explain import Contribution, contributions
from agent.prior.features import Features, measure
from graph.model import EntityRef

_LEAST = 1e-9


class Coefficients(msgspec.Struct, frozen=True, kw_only=True):
    """One trained model. `choice` is of the candidates' features; `none` of the whole question's, with its `constant`."""

    choice: dict[str, float]
    none: dict[str, float]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What is checked in.

    `declared` are coefficients of the graph's features, which git histories cannot teach: set by hand, and said to be.
    `log_odds_none` moves the answer "none of these" where the share of such questions is another than in training.
    """

    with_dense: Coefficients
    without_dense: Coefficients
    declared: dict[str, float]
    log_odds_none: float = 0.0
    command: str = ""
    trained_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """The answer of the prior. The posterior is the softmax over `log_odds` and `none_log_odds` together.

    Attributes:
        log_odds: by candidate in their order, relative to "none of these".
        none_log_odds: of "none of these"; always 0.
        contributions: by candidate: what speaks for and against it beside the window's average, the weightiest first.
    """

    log_odds: tuple[float, ...]
    none_log_odds: float
    contributions: tuple[tuple[Contribution, ...], ...]

    def probabilities(self) -> tuple[float, ...]:
        """By candidate; what is missing to 1 is "none of these"."""
        most = max((*self.log_odds, self.none_log_odds))
        weights = [exp(one - most) for one in self.log_odds]
        total = sum(weights) + exp(self.none_log_odds - most)
        return tuple(weight / total for weight in weights)


@cache
def shipped_model() -> Model:
    """The checked-in coefficients."""
    return msgspec.json.decode(files("agent.prior").joinpath("coefficients.json").read_bytes(), type=Model)


def score(
    asked: Asked,
    candidates: Sequence[Candidate],
    corpus: Corpus,
    model: Model | None = None,
    dense: Mapping[EntityRef, float] | None = None,
) -> Scored:
    """Log odds of each candidate, in their order, with their reasons.

    Args:
        asked: the symptom.
        candidates: changes that took effect before it, in any order.
        corpus: changes before them.
        model: the shipped one when None.
        dense: cosine of each candidate's text to the symptom, by ref; empty or None when there is no embedder.
    """
    if not candidates:
        return Scored((), 0.0, ())
    return score_features(measure(asked, candidates, corpus, dense), model or shipped_model(), asked.text)


def score_features(features: Features, model: Model, symptom: str = "") -> Scored:
    """As `score`, on what was measured; `symptom` only spells the words of the reasons."""
    trained = model.with_dense if features.dense else model.without_dense
    choice = {**trained.choice, **model.declared}
    sums = [sum(weight * row.get(name, 0.0) for name, weight in choice.items()) for row in features.rows]
    none = none_log_odds(features, sums, trained.none) + model.log_odds_none
    base = _log_sum(sums) + none
    return Scored(tuple(one - base for one in sums), 0.0, contributions(features, choice, symptom))


def question(features: Features, sums: Sequence[float]) -> dict[str, float]:
    """The question as a whole: the features of "none of these"."""
    ordered = sorted(sums, reverse=True)
    total = _log_sum(sums)
    shares = [exp(one - total) for one in ordered]
    return {
        "constant": 1.0,
        **features.whole,
        "top_log_odds": log(max(_LEAST, shares[0])) - log(max(_LEAST, 1.0 - shares[0])),
        "entropy": -fsum(share * log(max(_LEAST, share)) for share in shares),
        "words_sum": total,
    }


def none_log_odds(features: Features, sums: Sequence[float], coefficients: Mapping[str, float]) -> float:
    """Log odds of "none of these" against all candidates together."""
    values = question(features, sums)
    return sum(weight * values.get(name, 0.0) for name, weight in coefficients.items())


def _log_sum(values: Sequence[float]) -> float:
    most = max(values)
    return most + log(fsum(exp(value - most) for value in values))
