"""Is there a way by which what was changed can reach what shows the symptom, and in which direction?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from agent.checks.around import Around
from agent.checks.weighing import Asking, Finding, Findings, found, nothing
from agent.evidence import inline
from agent.incident import Place, Suspect
from agent.surroundings import Surroundings
from graph.model import EntityRef
from graph.store import Limits, Provenance

if TYPE_CHECKING:
    from agent.scene import Scene

SAME = 1.1
"""Changed where it shows: about three in ten causes, one in ten of all changes in a window."""
UPSTREAM = 0.9
"""At one link; each further link takes about a third of it."""
PER_LINK = 0.3
LEAST_UPSTREAM = 0.15
DOWNSTREAM_NEAR = -0.1
"""What depends on the failing part can break it by its load, and seldom does."""
DOWNSTREAM_FAR = -0.4
NO_PATH = -0.9
"""The surroundings are well known and hold no way; relations that no source tells are the rest."""
WELL_KNOWN = 4
"""From so many things around the anchors on, a missing path means something."""
_TELLING = frozenset({"Alert", "Incident"})
_MOST_STEPS = 400
_ROWS = 4_000
_TYPES = ("DEPENDS_ON", "RUNS_ON", "DECLARES", "CONFIGURES", "CONTAINS", "BUILT_FROM", "PROVIDES")


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    around = scene.surroundings
    if not around.places:
        missing = "Nothing that the symptom names is known, so no path to it can be sought."
        return {s.key: nothing(missing) for s in suspects}
    edges = _edges(scene, [s.place for s in suspects if s.place is not None])
    own = sorted(Around(scene).own)
    return {s.key: _judged(scene, s, edges, own) for s in suspects}


def _judged(
    scene: Scene, one: Suspect, edges: Mapping[frozenset[EntityRef], Provenance], own: Sequence[EntityRef]
) -> Finding:
    around = scene.surroundings
    anchor = _anchor(scene)
    place = one.place
    if place is None and one.change is None:
        return nothing("Of a condition that nothing ties to what shows the symptom no path can be told.", one.said[:1])
    if place is None:
        what = f"what {anchor} depends on, and what depends on it, does not hold what was changed"
        if around.cut:
            return found(0.0, f"As far as was read, {what}.", one.said[:1])
        if len({p.ref for p in islice(around.places.values(), 200)}) < WELL_KNOWN:
            return nothing(f"Too little is known of what {anchor} depends on to miss a path.", one.said[:1])
        return found(NO_PATH, f"There is no dependency path: {what}.", one.said[:1])
    label = inline(place.label, 80)
    steps = _route(around, place)
    said = _told(own, steps, edges)
    route = " → ".join(_names(around, steps, anchor, label))
    if place.direction == "same" or place.distance <= 0:
        return found(SAME, f"It changed {label}, which is what shows the symptom.", [*one.said[:2]])
    if place.direction == "upstream":
        weight = max(UPSTREAM - PER_LINK * max(place.distance - 1, 0.0), LEAST_UPSTREAM)
        return found(weight, f"{anchor} depends on {label}, which it changed ({route}).", [*said, *one.said[:1]])
    weight = DOWNSTREAM_NEAR if place.distance <= 1.5 else DOWNSTREAM_FAR
    return found(
        weight,
        f"It changed {label}, which depends on {anchor} and not the other way round ({route}).",
        [*said, *one.said[:1]],
    )


def _anchor(scene: Scene) -> str:
    named = [a for a in scene.symptom.anchors if a.ref in scene.surroundings.places]
    # An alert depends on nothing; what it is about does.
    best = max(named, key=lambda a: (a.ref.kind not in _TELLING, a.confidence, a.ref), default=None)
    return inline(best.label, 80) if best is not None else "what shows the symptom"


def _route(around: Surroundings, place: Place) -> list[EntityRef]:
    """From the anchor's own things to the changed one, each step once."""
    steps = list(dict.fromkeys([*place.via, place.ref]))
    known = around.places
    return [s for s in steps if s not in known or s == place.ref or known[s].ref != place.ref]


def _names(around: Surroundings, steps: Sequence[EntityRef], anchor: str, label: str) -> list[str]:
    names = [anchor, *(inline(p.label, 60) for s in steps[:-1] if (p := around.places.get(s)) is not None), label]
    return [n for i, n in enumerate(names) if i == 0 or names[i - 1] != n]


def _told(
    own: Sequence[EntityRef], steps: Sequence[EntityRef], edges: Mapping[frozenset[EntityRef], Provenance]
) -> list[Provenance]:
    """Where each link of a route can be read, the anchor's own first."""
    first = next((p for a in own if (p := edges.get(frozenset((a, steps[0])))) is not None), None)
    links = [edges.get(frozenset(pair)) for pair in pairwise(steps)]
    return [p for p in (first, *links) if p is not None]


def _edges(scene: Scene, places: Sequence[Place]) -> dict[frozenset[EntityRef], Provenance]:
    """Where the links of the routes can be read: one read for all of them."""
    steps = sorted({s for p in places for s in (*p.via, p.ref)})[:_MOST_STEPS]
    if not steps:
        return {}
    edges = scene.store.neighbours(steps, scene.view, Limits(rows=_ROWS), types=_TYPES).items
    known: dict[frozenset[EntityRef], Provenance] = {}
    places_of = scene.surroundings.places
    for edge in edges:
        said = min(edge.statements, key=lambda s: (s.valid_from, s.provenance.source, s.provenance.locator)).provenance
        ends = [{end, places_of[end].ref} if end in places_of else {end} for end in (edge.src, edge.dst)]
        for a in sorted(ends[0]):
            for b in sorted(ends[1]):
                known.setdefault(frozenset((a, b)), said)
    return known


CHECK = Asking("path", "whether what was changed can reach what shows the symptom", 0.5, 0.5, _weigh)
