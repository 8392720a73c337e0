"""The surroundings, by component: looked at once for all suspects of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.incident import Place, Suspect
from graph.model import EntityRef, ref

if TYPE_CHECKING:
    from agent.scene import Scene

_TELLING = frozenset({"Alert", "Incident", "Environment"})


class Around:
    """Every ref of each place, and of what the symptom is about.

    Attributes:
        own: every ref of what the symptom is about.
    """

    def __init__(self, scene: Scene) -> None:
        places = scene.surroundings.places
        self._places = places
        self._refs: dict[EntityRef, list[EntityRef]] = {}
        for one, place in places.items():
            self._refs.setdefault(place.ref, []).append(one)
        named = {a.ref for a in scene.symptom.anchors}
        near = {r for r, p in places.items() if p.distance <= 0}
        self.own = frozenset(r for r in named | near if r.kind not in _TELLING)

    def refs(self, place: Place) -> frozenset[EntityRef]:
        """Every ref of a place."""
        return frozenset((place.ref, *self._refs.get(place.ref, ())))

    def way(self, place: Place) -> frozenset[EntityRef]:
        """Every ref of a place and of what lies between it and what the symptom is about, without the latter."""
        steps = {self._places[r].ref if r in self._places else r for r in (*place.via, place.ref)}
        refs = {r for s in steps for r in (s, *self._refs.get(s, ()))}
        return frozenset(refs.union(place.via)) - self.own

    def parts(self, suspect: Suspect) -> frozenset[EntityRef]:
        """What the symptom is about and what the suspect touched: where an alert would tell of trouble with such a change."""
        refs: set[EntityRef] = {suspect.target} if suspect.target is not None else set()
        if suspect.place is not None:
            refs |= self.refs(suspect.place)
        if suspect.service:
            refs.add(ref("Service", suspect.service))
        return frozenset(refs) | self.own
