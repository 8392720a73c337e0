"""Which deployment or apply brought a suspect to the symptom's environment, and when that began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.cached import PerView
from agent.checks.weighing import refs_of
from agent.incident import Suspect
from agent.shipments import Shipment, shipments
from graph.clock import SECOND, Instant
from graph.model import EntityRef
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.scene import Scene

_EQUAL: Instant = 120 * SECOND


def _index(store: GraphStore, view: View) -> dict[EntityRef, Shipment]:
    return {ref: s for s in shipments(store, view).all for ref in s.refs}


shipments_by_ref = PerView(_index)
"""Every deployment and apply of a view, by each of its refs; kept while nothing new is recorded."""


def arrived_at(suspect: Suspect, environment: str) -> Instant | None:
    """When it took effect in this environment; in any, when none is given. None when it is not known to have."""
    if environment:
        return suspect.reached.get(environment)
    return min(suspect.reached.values(), default=None)


def arrivals(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, Shipment]:
    """By suspect's key: what carried it to the symptom's environment. Reads nothing but the deployments of the view."""
    shipped = scene.reach.shipments
    by_ref = shipments_by_ref(scene.store, scene.view)
    environment = scene.symptom.environment
    found: dict[EntityRef, Shipment] = {}
    for suspect in suspects:
        at = arrived_at(suspect, environment)
        own = {by_ref[r].ref: by_ref[r] for r in refs_of(suspect) if r in by_ref}
        fits = [s for s in own.values() if s.took_effect and (not environment or s.environment == environment)]
        if (
            not fits
            and at is not None
            and suspect.change is not None
            and suspect.change.kind in ("Commit", "PullRequest")
        ):
            fits = [
                s
                for s in shipped.between(at - _EQUAL, at + _EQUAL + 1)
                if s.took_effect
                and (not environment or s.environment == environment)
                and (not suspect.repository or s.repository in (suspect.repository, ""))
            ]
        if fits:
            near = at if at is not None else suspect.at
            found[suspect.key] = min(fits, key=lambda s: (abs(s.at - near), s.ref))
    return found


def began_at(suspect: Suspect, environment: str, by: Mapping[EntityRef, Shipment]) -> Instant:
    """The earliest moment at which it can have had an effect there: when what carried it began."""
    at = arrived_at(suspect, environment)
    effect = at if at is not None else suspect.at
    carrier = by.get(suspect.key)
    return min(effect, carrier.started_at) if carrier is not None else effect
