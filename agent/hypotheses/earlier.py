"""Changes just outside the window, to what lies near the symptom: slow failures (a leak, a disk that fills) begin long before they show."""

from __future__ import annotations

from collections.abc import Sequence

from agent.incident import Suspect
from agent.scene import Scene
from agent.suspects import suspects_between

NAME = "earlier"
_SLOW = frozenset({"oom", "disk", "queue_lag", "connections", "cost", "data", "cpu", "crash_loop"})
_TIMES = 3
"""How many windows further back."""
_NEAR = 1.0


def propose(scene: Scene) -> Sequence[Suspect]:
    """Changes of the windows before, when the symptom is of a slow kind, to what the symptom is about or depends on directly."""
    symptom = scene.symptom
    if not _SLOW & set(symptom.class_names) or not scene.surroundings.places:
        return ()
    window = symptom.at - symptom.since
    places = {p.ref: p for p in scene.surroundings.places.values()}.values()
    near = [p for p in places if p.distance <= _NEAR and p.direction != "downstream"]
    return suspects_between(scene, symptom.since - _TIMES * window, symptom.since - 1, NAME, near)
