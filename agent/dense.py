"""Likeness by meaning between a symptom and what changes say, from vectors that the store has already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.incident import Suspect
from agent.scene import Scene
from graph.errors import EmbedderMismatch
from graph.model import EntityRef
from graph.store import Limits

if TYPE_CHECKING:
    from graph.embeddings import Embedder

_HITS = 3_000
_KINDS = ("Commit", "PullRequest")


def likeness(scene: Scene, suspects: Sequence[Suspect], embedder: Embedder | None) -> Mapping[EntityRef, float]:
    """Cosine by suspect's key, the best of its texts; what has no vector yet is left out, and nothing waits for one."""
    if embedder is None or not suspects or not scene.symptom.text.strip():
        return {}
    from graph.embeddings import EmbedderUnavailable

    try:
        vector = embedder.embed([scene.symptom.text])[0]
        hits = scene.store.search_vector(
            embedder.id, vector.tolist(), scene.view, Limits(rows=_HITS), kinds=_KINDS
        ).items
    except (EmbedderMismatch, EmbedderUnavailable):
        scene.notes.append(
            "texts were compared by words only: the embedder is not at hand, or not the one of the store"
        )
        return {}
    by_ref: dict[EntityRef, float] = {}
    for hit in hits:
        by_ref[hit.ref] = max(by_ref.get(hit.ref, -1.0), hit.score)
    found: dict[EntityRef, float] = {}
    for suspect in suspects:
        scores = [by_ref[r] for r in (suspect.key, *suspect.also) if r in by_ref]
        if scores:
            found[suspect.key] = round(max(scores), 6)
    return found
