"""Who is on call for what failed, as of then; else who owns it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.chain import person_name
from agent.evidence import inline
from agent.scene import Scene
from graph.model import EntityRef
from graph.store import EntityView, Limits, RelationView

MOST = 5
_SERVICES = 5
_ROWS = 500


def on_call(scene: Scene) -> tuple[str, ...]:
    """Names of whoever is on call for the symptom's service, nearest first; of its owners, marked so, when nobody is known to be on call."""
    wanted = _about(scene)
    if not wanted:
        return ()
    page = scene.store.neighbours(wanted, scene.view, Limits(rows=_ROWS), types=("ON_CALL_FOR", "OWNED_BY"))
    owned = [e for e in page.items if e.type == "OWNED_BY" and e.src in wanted]
    direct = [e for e in page.items if e.type == "ON_CALL_FOR" and e.dst in wanted]
    teams = sorted({e.dst for e in owned if e.dst.kind == "Team"})
    by_team = (
        scene.store.neighbours(teams, scene.view, Limits(rows=_ROWS), types=("ON_CALL_FOR",), direction="in").items
        if teams
        else ()
    )
    ends = sorted({e.src for e in (*direct, *by_team)} | {e.dst for e in owned})
    people = {r: e for e in scene.store.entities(ends, scene.view) for r in e.refs} if ends else {}
    order = {ref: i for i, ref in enumerate(wanted)}
    first = sorted(direct, key=lambda e: (order[e.dst], _level(e), e.src))
    team_order = {e.dst: order[e.src] for e in sorted(owned, key=lambda e: -order[e.src])}
    then = sorted(by_team, key=lambda e: (team_order.get(e.dst, 99), _level(e), e.src))
    names = _names((e.src for e in (*first, *then)), people)
    if names:
        return names[:MOST]
    owners = _names((e.dst for e in sorted(owned, key=lambda e: (order[e.src], e.dst))), people)
    return tuple(f"{name} (owner)" for name in owners[:MOST])


def _about(scene: Scene) -> list[EntityRef]:
    """The services that the symptom is about or that lie nearest to it, each under all its refs; else its other anchors."""
    places = scene.surroundings.places
    services = sorted(
        {p.ref: p for p in places.values() if p.ref.kind == "Service" and p.distance < 1}.values(),
        key=lambda p: (p.distance, p.ref),
    )
    anchors = [a.ref for a in scene.symptom.anchors]
    nearest = [r for r in anchors if r.kind == "Service"] + [p.ref for p in services]
    chosen: Sequence[EntityRef] = list(dict.fromkeys(nearest))[:_SERVICES] or anchors[:_SERVICES]
    seen = {e.ref: e for e in scene.store.entities(list(chosen), scene.view)} if chosen else {}
    return list(dict.fromkeys(r for c in chosen for r in ((c, *seen[c].refs) if c in seen else (c,))))


def _level(edge: RelationView) -> tuple[int, str]:
    told = edge.properties.get("level")
    return (told if isinstance(told, int) else 0, str(told or ""))


def _names(refs: Iterable[EntityRef], people: dict[EntityRef, EntityView]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(inline(person_name(people[r]), 80) for r in refs if r in people))
