"""What depends on what was changed, for many changes at once: a failure there reaches these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.incident import Suspect
from graph.model import EntityRef
from graph.store import Limits

if TYPE_CHECKING:
    from agent.scene import Scene

_FAILS_WITH: Mapping[str, str] = {
    # relation -> the end whose failure reaches the other one
    "DEPENDS_ON": "dst",
    "RUNS_ON": "dst",
    "CONTAINS": "dst",
    "BUILT_FROM": "dst",
    "DECLARES": "src",
    "CONFIGURES": "src",
}
_TYPES = tuple(sorted(_FAILS_WITH))
_HOPS = 3
_ROWS = 2_000
_HUB = 40
"""Something that so many depend on (an account, a base module) tells nothing about one change."""
_COMPONENTS = frozenset({"Service", "Resource"})


def dependents(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, frozenset[EntityRef]]:
    """By suspect's key: services and resources that depend on what it touched, without that itself; every joined ref of each.

    At most `_HOPS` links away; two reads a link for all suspects together.
    """
    starts = {s.key: _starts(scene, s) for s in suspects}
    joined: dict[EntityRef, tuple[EntityRef, ...]] = {}
    reached: dict[EntityRef, set[EntityRef]] = {}
    ring = _joined(scene, {r for some in starts.values() for r in some}, joined)
    for _ in range(_HOPS):
        if not ring:
            break
        page = scene.store.neighbours(ring, scene.view, Limits(rows=_ROWS), types=_TYPES)
        hits: dict[EntityRef, set[EntityRef]] = {}
        inside = frozenset(ring)
        for edge in page.items:
            broken, hit = (edge.dst, edge.src) if _FAILS_WITH[edge.type] == "dst" else (edge.src, edge.dst)
            if broken in inside:
                hits.setdefault(broken, set()).add(hit)
        hits = {broken: some for broken, some in hits.items() if len(some) <= _HUB}
        for broken, some in hits.items():
            reached.setdefault(broken, set()).update(some)
        ring = _joined(scene, {h for some in hits.values() for h in some} - joined.keys(), joined)
    return {key: _closure(some, reached, joined) for key, some in starts.items()}


def _joined(scene: Scene, refs: set[EntityRef], joined: dict[EntityRef, tuple[EntityRef, ...]]) -> list[EntityRef]:
    """Every ref of these things, in order; `joined` learns them."""
    if not refs:
        return []
    fresh = {r: e.refs for e in scene.store.entities(sorted(refs), scene.view) for r in e.refs}
    joined.update(fresh)
    return sorted(fresh)


def _starts(scene: Scene, suspect: Suspect) -> list[EntityRef]:
    refs = {v.target for v in suspect.views}
    if suspect.target is not None:
        refs.add(suspect.target)
    if suspect.place is not None and (suspect.place.distance > 0 or not refs):
        refs.add(suspect.place.ref)
    return sorted(r for r in refs if r.kind not in ("File", "Directory", "Repository", "Environment"))


def _closure(
    starts: Sequence[EntityRef],
    reached: Mapping[EntityRef, set[EntityRef]],
    joined: Mapping[EntityRef, tuple[EntityRef, ...]],
) -> frozenset[EntityRef]:
    own = {r for s in starts for r in joined.get(s, (s,))}
    found = set(own)
    ring = set(own)
    for _ in range(_HOPS):
        hits = {h for r in ring for h in reached.get(r, ())}
        ring = {j for h in hits for j in joined.get(h, (h,))} - found
        found |= ring
    return frozenset(r for r in found - own if r.kind in _COMPONENTS)
