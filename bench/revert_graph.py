"""The same questions asked of an ingested store, by the whole investigator: what is lost, or won, between git and an answer.

Each case is asked of a view that ends just before its revert, so the revert and what came after it are not seen, though the store holds
them. `Answered.prior` is what the odds say before any check, `Answered.whole` what the search says after its last step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.incident import Suspect
from agent.investigate import Options, plant, propose, search
from agent.odds import Weights, by_regime, prior_odds, text_regime, weights
from agent.past import past_changes
from agent.prior import Model
from agent.recall import Recollection
from agent.scene import Scene
from agent.surroundings import surroundings
from agent.symptoms import read_symptom
from agent.tree import Tree
from bench.conditional_logit import Vector, softmax
from bench.repositories import ingest_git
from bench.revert_cases import WINDOW, Label, build_cases
from bench.revert_measured import without_culprit
from bench.revert_metrics import Ranked
from bench.revert_vectors import KeptEmbedder
from graph.clock import SECOND
from graph.model import PUBLIC, EntityRef
from graph.store import GraphStore, View
from graph.stores import open_store

_MESSAGE_CHARS = 1_500


@dataclass(frozen=True, slots=True)
class Answered:
    """One case, answered twice: before any check and after the last.

    Attributes:
        prior, whole: probabilities among the suspects. A culprit that nothing proposed stands behind all, with probability 0.
        none: probability of "none of these" before and after.
        placed: whether the graph told where any suspect lies, so that the odds were not those of words and age.
        past_s: what reading the past took.
    """

    id: str
    prior: Ranked
    whole: Ranked
    none: tuple[float, float]
    placed: bool
    steps: int
    past_s: float
    elapsed_s: float


def open_stores(labels: Sequence[Label], paths: Mapping[str, Path], folder: Path) -> Iterator[tuple[str, GraphStore]]:
    """Each repository's store, ingested into `folder` when it is not there yet."""
    folder.mkdir(exist_ok=True)
    for repo in sorted({label.repo for label in labels if label.repo in paths}):
        head = next(label.head for label in labels if label.repo == repo)
        kept = folder / f"store-{head}.db"
        if not kept.exists():
            part = kept.with_suffix(".part")  # an interrupted ingest must not pass for a whole one
            for left in folder.glob(part.name + "*"):
                left.unlink()
            done = ingest_git(paths[repo], repo, head, part)
            part.rename(kept)
            print(f"# {repo}: ingested in {done.elapsed_s:.0f} s", flush=True)
        with open_store(f"sqlite:///{kept}") as store:
            yield repo, store


def moments(labels: Sequence[Label], path: Path) -> dict[str, int]:
    """By case: a moment to ask its symptom at whose window is like its own, and does not hold the culprit (seconds)."""
    cases = [case for case in build_cases(list(labels), path) if case.right is not None and len(case.candidates) > 2]
    found = {case.label.id: without_culprit(case, cases) for case in cases}
    return {id_: other.asked.at // SECOND for id_, other in found.items() if other is not None}


def answer(
    store: GraphStore, label: Label, model: Model | None, embedder: KeptEmbedder | None, trained: Weights | None = None
) -> Answered:
    """The investigator on one case, from the store alone; as `agent.investigate.run`, with the tree kept."""
    started = time.perf_counter()
    at = label.detected_s * SECOND - 1
    view = View(at, store.record(None), frozenset({PUBLIC}))
    read = read_symptom(store, view, label.symptom, at, window_s=WINDOW // SECOND, environment="")
    scene = Scene(store, view, read, surroundings(store, view, read.anchors, read.environment))
    suspects = propose(scene)
    begun = time.perf_counter()
    past = past_changes(scene, suspects)
    past_s = time.perf_counter() - begun
    trained = trained or weights()
    odds = prior_odds(read, suspects, past, {}, meaning(scene, suspects, embedder), trained, model)
    tree = plant(scene, suspects, odds)
    placed = not text_regime(suspects)
    before = _ranked(label, suspects, odds.by_key, odds.none)
    # Nothing is remembered here: a fresh store knows no incident.
    search(tree, scene, Options(seconds=None), by_regime(trained, suspects), Recollection(), started, None)
    after = _ranked(label, suspects, _after(tree), tree.none)
    return Answered(
        label.id,
        before[0],
        after[0],
        (before[1], after[1]),
        placed,
        len(tree.path),
        past_s,
        time.perf_counter() - started,
    )


def elsewhen(label: Label, at_s: int) -> Label:
    """The same symptom, asked at another moment."""
    return replace(label, detected_s=at_s)


def meaning(scene: Scene, suspects: Sequence[Suspect], embedder: KeptEmbedder | None) -> dict[EntityRef, float]:
    """Likeness by meaning as `agent.dense.likeness` has it, with vectors made for the window's texts only."""
    if embedder is None or not suspects:
        return {}
    texts: dict[EntityRef, str] = {}
    for hit in scene.store.passages(sorted({r for s in suspects for r in (s.key, *s.also)}), scene.view):
        if hit.ref.kind in ("Commit", "PullRequest"):
            texts.setdefault(hit.ref, hit.text[:_MESSAGE_CHARS])
    if not texts:
        return {}
    vector = embedder.embed([scene.symptom.text])[0]
    cosine = dict(zip(texts, (embedder.embed(list(texts.values())) @ vector).tolist(), strict=True))
    found: dict[EntityRef, float] = {}
    for one in suspects:
        scores = [cosine[r] for r in (one.key, *one.also) if r in cosine]
        if scores:
            found[one.key] = round(max(scores), 6)
    return found


def _after(tree: Tree) -> dict[EntityRef, float]:
    return {leaf.suspect.key: leaf.odds for leaf in tree.leaves}


def _ranked(
    label: Label, suspects: Sequence[Suspect], by_key: Mapping[EntityRef, float], none: float
) -> tuple[Ranked, float]:
    # Newest first: among equals the newer stands before.
    changes = sorted((s for s in suspects if s.change is not None), key=lambda s: (-s.at, s.key))
    accepted = {f"Commit:{sha}" for sha in label.accept}
    right = next((i for i, s in enumerate(changes) if not accepted.isdisjoint({s.key, *s.also})), len(changes))
    odds = np.array([by_key[s.key] for s in changes])
    shares: Vector = softmax(odds) if len(odds) else odds
    shares = np.append(shares, 0.0) if right == len(changes) else shares
    everything = np.array([*by_key.values(), none])
    return Ranked(shares, right), float(softmax(everything)[-1])
