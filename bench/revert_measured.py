"""Cases as features, kept under the temporary directory for as long as the code that measures them stays the same."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from agent.prior import PastChanges
from agent.prior.features import Features, measure
from bench.conditional_logit import Matrix
from bench.revert_cases import WINDOW, Case, Label, build_cases, cache_folder
from bench.revert_vectors import KeptEmbedder
from graph.model import EntityRef

_MESSAGE_CHARS = 1_500
_AFTER_MEASURING = frozenset({"logit.py", "explain.py", "undone.py", "__init__.py"})


@dataclass(frozen=True, slots=True)
class Measured:
    """A question in numbers. `right` is None when the culprit is not among the candidates; newest first.

    `hard`: no word of the culprit's title is in the symptom, and the culprit is not the newest.
    """

    id: str
    repo: str
    features: Features
    right: int | None
    hard: bool = False

    def matrix(self, names: Sequence[str]) -> Matrix:
        """A row for each candidate."""
        return np.array([[row.get(name, 0.0) for name in names] for row in self.features.rows], float)


def measured(
    labels: Sequence[Label], paths: dict[str, Path], *, matched: bool = False, cap: int | None = None
) -> dict[str, list[Measured]]:
    """By repository: its cases, and with `matched` each symptom asked in its neighbour's window, without its culprit."""
    found: dict[str, list[Measured]] = {}
    embedder = KeptEmbedder()
    for repo in sorted({label.repo for label in labels if label.repo in paths}):
        own = [label for label in labels if label.repo == repo][:cap]
        kept = cache_folder() / f"measured-{_key(own, matched=matched)}.pickle"
        if kept.exists():
            found[repo] = pickle.loads(kept.read_bytes())
            continue
        cases = [case for case in build_cases(own, paths[repo]) if case.right is not None and len(case.candidates) > 2]
        if matched:
            cases = [other for case in cases if (other := without_culprit(case, cases)) is not None]
        found[repo] = [_measure(case, embedder) for case in cases]
        embedder.save()
        kept.write_bytes(pickle.dumps(found[repo]))
        print(f"# {repo}: {len(found[repo])} cases measured", flush=True)
    return found


def without_culprit(case: Case, cases: Sequence[Case]) -> Case | None:
    """The symptom asked at the moment of the case nearest in time whose window does not hold the culprit.

    So windows with and without the culprit are alike in all: how many changes, how old the newest, how busy the week.
    """
    assert case.right is not None
    culprit = case.candidates[case.right]
    others = [
        other
        for other in cases
        if other is not case
        and all(candidate.ref != culprit.ref for candidate in other.candidates)
        and abs(other.asked.at - case.asked.at) > WINDOW // 7
    ]
    if not others:
        return None
    nearest = min(others, key=lambda other: (abs(other.asked.at - case.asked.at), other.label.id))
    return replace(nearest, label=case.label, asked=replace(case.asked, at=nearest.asked.at), right=None)


def _measure(case: Case, embedder: KeptEmbedder) -> Measured:
    texts = [candidate.message[:_MESSAGE_CHARS] for candidate in case.candidates]
    vector = embedder.embed([case.asked.text])[0]
    cosines = embedder.embed(texts) @ vector
    dense: dict[EntityRef, float] = {
        candidate.ref: float(cosine) for candidate, cosine in zip(case.candidates, cosines, strict=True)
    }
    features = measure(case.asked, case.candidates, PastChanges(case.past), dense)
    hard = case.right is not None and case.right > 0 and not _shares_title(case)
    return Measured(case.label.id, case.label.repo, features, case.right, hard)


def _shares_title(case: Case) -> bool:
    from agent.prior.words import words

    assert case.right is not None
    return not set(words(case.candidates[case.right].title)).isdisjoint(words(case.asked.text))


def _key(labels: Sequence[Label], *, matched: bool) -> str:
    digest = blake2b(digest_size=12)
    for label in labels:
        digest.update(f"{label.id}|{label.head}|{label.symptom}|{label.before}|{matched}".encode())
    folder = Path(measure.__code__.co_filename).parent
    for file in sorted(folder.glob("*.py")):
        if file.name not in _AFTER_MEASURING:
            digest.update(file.read_bytes())
    for file in (Path(__file__), Path(__file__).with_name("revert_cases.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
