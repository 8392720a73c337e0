"""The same questions with candidates read from an ingested store, as the investigator reads them: what is lost on the way.

Each case is asked of a view that ends just before its revert, so the revert and what came after it are not seen, though the store holds
them. The answer is the investigator's prior; no check is asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.dense import likeness
from agent.investigate import propose
from agent.odds import prior_odds
from agent.past import past_changes
from agent.scene import Scene
from agent.surroundings import surroundings
from agent.symptoms import read_symptom
from bench.conditional_logit import softmax
from bench.repositories import ingest_git
from bench.revert_cases import WINDOW, Label, cache_folder
from bench.revert_metrics import Ranked
from graph.clock import SECOND
from graph.embeddings import Embedder
from graph.model import PUBLIC
from graph.store import GraphStore, View
from graph.stores import open_store


def from_store(
    labels: Sequence[Label], paths: dict[str, Path], embedder: Embedder | None = None
) -> dict[str, list[Ranked]]:
    """By repository: the answers. A culprit that no generator proposed stands behind all that were, with probability 0."""
    found: dict[str, list[Ranked]] = {}
    for repo in sorted({label.repo for label in labels if label.repo in paths}):
        own = [label for label in labels if label.repo == repo]
        kept = cache_folder() / f"store-{own[0].head}.db"
        if not kept.exists():
            part = kept.with_suffix(".part")  # an interrupted ingest must not pass for a whole one
            for left in cache_folder().glob(part.name + "*"):
                left.unlink()
            done = ingest_git(paths[repo], repo, own[0].head, part)
            part.rename(kept)
            print(f"# {repo}: ingested in {done.elapsed_s:.0f} s", flush=True)
        with open_store(f"sqlite:///{kept}") as store:
            started = time.perf_counter()
            found[repo] = [answer(store, label, embedder) for label in own]
            print(f"# {repo}: {(time.perf_counter() - started) / len(own):.2f} s a case", flush=True)
    return found


def answer(store: GraphStore, label: Label, embedder: Embedder | None) -> Ranked:
    """The investigator's prior for one case, from the store alone."""
    at = label.detected_s * SECOND - 1
    view = View(at, store.record(None), frozenset({PUBLIC}))
    read = read_symptom(store, view, label.symptom, at, window_s=WINDOW // SECOND, environment="")
    scene = Scene(store, view, read, surroundings(store, view, read.anchors, read.environment))
    suspects = sorted(propose(scene), key=lambda s: (-s.at, s.key))
    odds = prior_odds(read, suspects, past_changes(scene, suspects), {}, likeness(scene, suspects, embedder))
    accepted = {f"Commit:{sha}" for sha in label.accept}
    right = next((i for i, s in enumerate(suspects) if not accepted.isdisjoint({s.key, *s.also})), len(suspects))
    shares = softmax(np.array([*(odds.by_key[s.key] for s in suspects), odds.none]))[:-1]
    return Ranked(np.append(shares, 0.0) if right == len(suspects) else shares, right)
