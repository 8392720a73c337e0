"""The place of something that only its name connects with the symptom's surroundings."""

from __future__ import annotations

from collections.abc import Sequence

from agent.incident import Place
from agent.scene import Scene
from graph.text import contains_in_order, name_tokens


def named_place(scene: Scene, names: Sequence[str]) -> Place | None:
    """The nearest service whose name stands in one of these names, or the anchor that the symptom's own words name so."""
    best: Place | None = None
    for name in names:
        tokens = name_tokens(name)
        for service, place in scene.surroundings.services.items():
            own = name_tokens(service)
            if (
                own
                and contains_in_order(tokens, own)
                and (best is None or (place.distance, place.ref) < (best.distance, best.ref))
            ):
                best = place
        if name and len(name) > 3 and name.casefold() in scene.symptom.text.casefold() and best is None:
            anchors = scene.symptom.anchors
            best = scene.surroundings.of([a.ref for a in anchors[:1]]) if anchors else None
    return best
