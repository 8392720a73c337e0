"""Whether alerts followed an earlier change of the same part: what earlier changes and changes elsewhere teach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm, alarms
from agent.checks.weighing import HOUR, MINUTE
from graph.clock import Instant
from graph.model import EntityRef

if TYPE_CHECKING:
    from agent.scene import Scene

WITHIN: Instant = 2 * HOUR
"""How soon after an earlier change an alert is taken to have followed from it; what comes later has other reasons more often."""
_TOLERANCE: Instant = 2 * MINUTE


def followed(
    scene: Scene, parts: Iterable[EntityRef], at: Instant, environment: str, *, until: Instant | None = None
) -> list[Alarm]:
    """Alerts about these parts that began soon after a moment, and by `until`."""
    last = at + WITHIN if until is None else min(at + WITHIN, until)
    about = alarms(scene.store, scene.view).about(parts)
    return [a for a in about if at - _TOLERANCE <= a.at <= last and a.in_environment(environment)]


def watched_at(scene: Scene, parts: Iterable[EntityRef], at: Instant, environment: str) -> bool:
    """Whether trouble with these parts at a moment would have been seen: an alert of theirs is known from before or from soon after."""
    known = alarms(scene.store, scene.view)
    if not known.all or (known.cut and at < known.all[0].at):
        return False
    return any(a.in_environment(environment) and a.at <= at + WITHIN for a in known.about(parts))
