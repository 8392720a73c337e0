"""Changes that took effect, or were merged, in the window before the symptom."""

from __future__ import annotations

from collections.abc import Sequence

from agent.incident import Suspect
from agent.scene import Scene
from agent.suspects import suspects_between

NAME = "changes"


def propose(scene: Scene) -> Sequence[Suspect]:
    """Every change of the window, near or far: what no path is known to is weighed as such, not left out."""
    return suspects_between(scene, scene.symptom.since, scene.symptom.at, NAME)
