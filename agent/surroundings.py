"""Where things lie, seen from the symptom: what the anchors depend on, and what depends on them, as of then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from typing import Literal

from agent.evidence import text_of
from agent.incident import Anchor, Place
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import GraphStore, Limits, View
from graph.text import contains_in_order, name_tokens

MAX_COST = 4.0
_ROWS = 6_000
_FAN_OUT = 400
"""Relations of one step that are followed; beyond that a thing is a hub (an account, a region) that tells nothing."""

_UPSTREAM: Mapping[tuple[str, bool], float] = {
    # (relation, along its direction) -> cost of a step towards what can break the symptom's thing
    ("DEPENDS_ON", True): 1.0,
    ("RUNS_ON", True): 0.5,
    ("BUILT_FROM", True): 0.0,
    ("DECLARES", False): 0.0,
    ("DECLARES", True): 0.5,
    ("CONFIGURES", False): 0.5,
    ("CONTAINS", True): 0.5,
    ("CONTAINS", False): 1.0,
    ("PART_OF", True): 0.5,
    ("ABOUT", True): 0.0,
    ("PROVIDES", False): 0.0,
}
_DOWNSTREAM: Mapping[tuple[str, bool], float] = {
    ("DEPENDS_ON", False): 1.5,
    ("RUNS_ON", False): 1.0,
}
_WITHIN = 0.5
"""A step between two things of infrastructure: one service is usually many of them."""
_ATTACHED = 0.75
_MOST_PLACES = 1_500
"""Beyond so many the nearest are enough, and the surroundings say that they were cut."""
_NAMED = 0.5
_NAMED_WITHIN = 2.0
_NAMED_MOST = 120
_NAMED_SERVICES = 24
"""Of so many services, the nearest, the instances are sought by name."""
_ATTACHED_FAN_OUT = 40
_INFRASTRUCTURE = frozenset({"Resource", "Block"})
_NO_PLACE = frozenset(
    {
        "Team",
        "Person",
        "Account",
        "Channel",
        "Thread",
        "Message",
        "Environment",
        "CloudAccount",
        "Commit",
        "PullRequest",
    }
)


@dataclass(frozen=True)
class Surroundings:
    """Places by ref; every joined ref of a thing is a key. `cut`: there is more than was read."""

    places: Mapping[EntityRef, Place]
    cut: bool = False

    @cached_property
    def service_names(self) -> frozenset[str]:
        """Names of services, lower case."""
        return frozenset(self.services)

    @cached_property
    def services(self) -> Mapping[str, Place]:
        """Services by name, lower case."""
        found: dict[str, Place] = {}
        for ref, place in sorted(self.places.items()):
            if ref.kind == "Service":
                found.setdefault(place.label.casefold(), place)
        return found

    def of(self, refs: Iterable[EntityRef]) -> Place | None:
        """The nearest place of any of these."""
        found = [p for r in refs if (p := self.places.get(r)) is not None]
        return min(found, key=lambda p: (p.distance, p.direction != "upstream", p.ref)) if found else None


def surroundings(store: GraphStore, view: View, anchors: Sequence[Anchor], environment: str = "") -> Surroundings:
    """The places around these anchors: first everything upstream, nearest first, then what depends on the anchors themselves.

    Args:
        environment: where the symptom shows; instances that run in another one are left out. Empty keeps all.
    """
    walk = _Walk(store, view, environment)
    starts = [a for a in anchors if a.ref.kind not in _NO_PLACE]
    walk.spread([(0.0, a.ref, ()) for a in starts], _UPSTREAM, "upstream")
    ours = [p.ref for p in walk.nearest() if p.distance == 0]
    walk.spread([(0.0, ref, ()) for ref in ours], _DOWNSTREAM, "downstream")
    return Surroundings(walk.places, walk.cut)


class _Walk:
    """A walk in order of cost; things are read and expanded ring by ring, so that each ring costs two reads."""

    def __init__(self, store: GraphStore, view: View, environment: str) -> None:
        self._store = store
        self._view = view
        self._environment = environment
        self.places: dict[EntityRef, Place] = {}
        self.cut = False
        self._named = 0

    def nearest(self) -> list[Place]:
        """Every place once."""
        return sorted({p.ref: p for p in self.places.values()}.values(), key=lambda p: (p.distance, p.ref))

    def spread(
        self,
        starts: Iterable[tuple[float, EntityRef, tuple[EntityRef, ...]]],
        costs: Mapping[tuple[str, bool], float],
        direction: Literal["upstream", "downstream"],
    ) -> None:
        """Go on from the starts; what is known to lie nearer stays as it is."""
        ahead: list[tuple[float, EntityRef, tuple[EntityRef, ...]]] = sorted(starts)
        expanded: set[EntityRef] = set()
        while ahead:
            if len(expanded) >= _MOST_PLACES:
                self.cut = True
                break
            cost = ahead[0][0]
            ring: dict[EntityRef, tuple[EntityRef, ...]] = {}
            while ahead and ahead[0][0] <= cost + 1e-9:
                _, ref, via = heappop(ahead)
                if ref not in expanded:
                    ring.setdefault(ref, via)
            reached = self._settle(ring, cost, direction)
            expanded.update(ring)
            expanded.update(r for refs in reached.values() for r in refs)
            if reached:
                onwards = [*self._onwards(reached, ring, costs)]
                if costs is _UPSTREAM and cost <= _NAMED_WITHIN:
                    onwards += self._named_after(reached, ring)
                for step_cost, ref, via in onwards:
                    if cost + step_cost <= MAX_COST and ref not in expanded:
                        heappush(ahead, (cost + step_cost, ref, via))

    def _settle(
        self, ring: Mapping[EntityRef, tuple[EntityRef, ...]], cost: float, direction: Literal["upstream", "downstream"]
    ) -> dict[EntityRef, tuple[EntityRef, ...]]:
        """Give the things of a ring their places; by the ref that led there, all refs of those that are gone on from."""
        reached: dict[EntityRef, tuple[EntityRef, ...]] = {}
        refs = sorted(ring)
        for seen in self._store.entities(refs, self._view):
            elsewhere = text_of(seen.properties, "environment")
            if self._environment and elsewhere and elsewhere != self._environment and cost > 0:
                continue
            reached[seen.ref] = seen.refs
            known = next((self.places[r] for r in seen.refs if r in self.places), None)
            if known is not None and known.distance <= cost:
                continue
            where = "same" if cost == 0 and direction == "upstream" else direction
            place = Place(seen.ref, thing(seen).label, cost, where, ring[seen.ref])
            for ref in seen.refs:
                self.places[ref] = place
        return reached

    def _onwards(
        self,
        reached: Mapping[EntityRef, tuple[EntityRef, ...]],
        ring: Mapping[EntityRef, tuple[EntityRef, ...]],
        costs: Mapping[tuple[str, bool], float],
    ) -> Iterable[tuple[float, EntityRef, tuple[EntityRef, ...]]]:
        by_ref = {r: led for led, refs in reached.items() for r in refs}
        types = sorted({t for t, _ in costs})
        page = self._store.neighbours(sorted(reached), self._view, Limits(rows=_ROWS), types=types)
        self.cut = self.cut or page.cut
        fans = Counter(
            (end, edge.type, forward) for edge in page.items for end, forward in ((edge.src, True), (edge.dst, False))
        )
        for edge in page.items:
            for end, far, forward in ((edge.src, edge.dst, True), (edge.dst, edge.src, False)):
                led = by_ref.get(end)
                if led is None or far.kind in _NO_PLACE:
                    continue
                cost = costs.get((edge.type, forward))
                if cost is None and (edge.type, forward) == ("DEPENDS_ON", False) and costs is _UPSTREAM:
                    # A rule of a group, a record of a load balancer: what is attached to a thing of infrastructure changes it.
                    cost = _ATTACHED if end.kind in _INFRASTRUCTURE and far.kind in _INFRASTRUCTURE else None
                elif edge.type == "DEPENDS_ON" and forward and {end.kind, far.kind} <= _INFRASTRUCTURE:
                    cost = _WITHIN
                limit = _ATTACHED_FAN_OUT if cost == _ATTACHED and not forward else _FAN_OUT
                if cost is None or fans[end, edge.type, forward] > limit:
                    continue
                yield cost, far, (*ring[led], far)

    def _named_after(
        self, reached: Mapping[EntityRef, tuple[EntityRef, ...]], ring: Mapping[EntityRef, tuple[EntityRef, ...]]
    ) -> Iterable[tuple[float, EntityRef, tuple[EntityRef, ...]]]:
        """Things of infrastructure that bear a service's name: which of them a service runs on is often said by nothing else."""
        services = sorted(r for r in reached if r.kind == "Service")
        for led in services[: max(_NAMED_SERVICES - self._named, 0)]:
            self._named += 1
            tokens = name_tokens(self.places[led].label)
            if not tokens:
                continue
            page = self._store.search_names(tokens, self._view, Limits(rows=_NAMED_MOST), kinds=sorted(_INFRASTRUCTURE))
            for ref in sorted({a.ref for a in page.items if contains_in_order(name_tokens(a.name), tokens)}):
                yield _NAMED, ref, (*ring[led], ref)
