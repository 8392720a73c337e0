"""What earlier changes say about the files that the suspects touch: the repository's own words for its parts."""

from __future__ import annotations

from collections.abc import Sequence

from agent.evidence import text_of
from agent.incident import Suspect
from agent.prior import PastChange, PastChanges
from agent.scene import Scene
from graph.model import EntityRef
from graph.store import ChangeQuery, Limits

MOST_ROWS = 6_000
_MOST_CHARS = 1_500


def past_changes(scene: Scene, suspects: Sequence[Suspect]) -> PastChanges:
    """Changes of code from before the window, in the repositories of the suspects, newest first."""
    repositories = {s.repository for s in suspects if s.repository}
    if not repositories:
        return PastChanges()
    query = ChangeQuery(until=scene.symptom.since, target_kinds=frozenset({"File"}))
    page = scene.store.changes(query, scene.view, Limits(rows=MOST_ROWS))
    paths: dict[EntityRef, dict[str, None]] = {}
    at: dict[EntityRef, int] = {}
    for view in page.items:
        if view.change.kind != "Commit" or view.provenance.scope not in repositories:
            continue
        via = text_of(view.properties, "via")
        key = EntityRef(f"Commit:{via}") if via else view.change
        paths.setdefault(key, {})[text_of(view.properties, "path")] = None
        at.setdefault(key, view.at)
    texts: dict[EntityRef, str] = {}
    for hit in scene.store.passages(sorted(paths), scene.view):
        texts.setdefault(hit.ref, hit.text[:_MOST_CHARS])
    ordered = sorted(paths, key=lambda k: (-at[k], k))
    return PastChanges(tuple(PastChange(at[k], texts.get(k, ""), tuple(paths[k])) for k in ordered))
