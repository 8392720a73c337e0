"""The prior over candidate changes: which of them a symptom's words, the changes' ages and the repository's past speak for."""

from agent.prior.candidate import Asked, Candidate, Corpus, PastChange, PastChanges
from agent.prior.explain import Contribution
from agent.prior.logit import Model, Scored, score, shipped_model
from agent.prior.undone import Later, linked

__all__ = [
    "Asked",
    "Candidate",
    "Contribution",
    "Corpus",
    "Later",
    "Model",
    "PastChange",
    "PastChanges",
    "Scored",
    "linked",
    "score",
    "shipped_model",
]
