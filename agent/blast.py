"""Who else depends on what the cause touched: code, instances, the services on them, and the services that need those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.culprit import change_kind
from agent.evidence import Citations, inline, text_of
from agent.incident import Suspect
from agent.investigation import Affected
from agent.named_service import service_names
from agent.scene import Scene
from graph.algorithms import blast_radius
from graph.lexicon import thing
from graph.model import EntityRef
from graph.store import Limits, RelationView
from graph.text import name_tokens

MOST = 25
_ROWS = 800
_HOPS = 4
_NEAREST = 300
"""So many of what is reached are looked at further: what runs there, and what it is called."""
_STARTS = frozenset({"Block", "Resource", "Service", "Module", "Credential", "Quota"})
_SERVICES_FIRST = 15
"""Of a list that is cut, so many places are kept for services."""

_Hit = tuple[int, RelationView | None]


def affected(scene: Scene, suspect: Suspect, citations: Citations) -> tuple[tuple[Affected, ...], bool]:
    """What depends on the thing that changed, nearest first, at most `MOST` with services before the rest, and whether some were left out.

    `distance` counts links from the thing that changed; the thing itself, under any of its names, is left out.
    """
    starts = _starts(scene, suspect)
    if not starts:
        return (), False
    hits, cut = _reached(scene, starts)
    seen = {r: e for e in scene.store.entities(sorted({*hits, *starts}), scene.view) for r in (e.ref, *e.refs)}
    own = {r for start in starts if start in seen for r in seen[start].refs} | set(starts)
    own_labels = {(thing(seen[r]).label) for r in starts if r in seen}
    told: dict[tuple[str, ...], tuple[int, EntityRef, RelationView | None]] = {}
    for ref, (distance, relation) in sorted(hits.items(), key=lambda p: (p[1][0], p[0])):
        if ref in own or ref not in seen or ref.kind == "Module":
            continue
        told.setdefault(seen[ref].refs, (distance, ref, relation))
    named: dict[tuple[str, str], tuple[int, EntityRef, RelationView | None]] = {}
    for distance, ref, relation in told.values():
        label = thing(seen[ref]).label
        # A block and its only instance have one name: once is enough for a reader.
        if label not in own_labels or ref.kind == "Service":
            known = next((k for k in (("Block", label), ("Resource", label)) if k in named), None)
            named.setdefault(
                known if known and ref.kind in ("Block", "Resource") else (ref.kind, label), (distance, ref, relation)
            )
    ordered = sorted(named.items(), key=lambda p: (p[1][0], p[0][0] != "Service", p[0][1], p[1][1]))
    services = [p for p in ordered if p[0][0] == "Service"][:_SERVICES_FIRST]
    chosen = {p[1][1] for p in [*services, *(p for p in ordered if p not in services)][:MOST]}
    items = tuple(
        Affected(
            ref=str(ref),
            label=inline(label, 160),
            kind=ref.kind,
            distance=distance,
            citations=(citations.cite(relation.statements[0].provenance),) if relation is not None else (),
        )
        for (_, label), (distance, ref, relation) in ordered
        if ref in chosen
    )
    return items, cut or len(ordered) > len(items)


def _starts(scene: Scene, suspect: Suspect) -> list[EntityRef]:
    """The thing that changed near the symptom, and the component that it belongs to."""
    own = [v.target for v in suspect.views if v.change.kind == change_kind(suspect) and v.target.kind in _STARTS]
    near = [v for v in own if scene.surroundings.of([v]) is not None] or own
    some = [suspect.target, suspect.place.ref if suspect.place is not None else None, *near[:10]]
    if suspect.service:
        page = scene.store.select("Service", {"name": [suspect.service]}, scene.view, Limits(rows=1))
        some += [e.ref for e in page.items]
    return list(dict.fromkeys(r for r in some if r is not None and r.kind in _STARTS))


def _reached(scene: Scene, starts: Sequence[EntityRef]) -> tuple[Mapping[EntityRef, _Hit], bool]:
    """Distance and last link by ref: what fails with the starts, the services that run on any of it, and what needs those."""
    store, view = scene.store, scene.view
    first = blast_radius(store, starts, view, Limits(rows=_ROWS), max_hops=_HOPS)
    hits: dict[EntityRef, _Hit] = {r.ref: (r.distance, r.path[-1] if r.path else None) for r in first.items[:_NEAREST]}
    cut = first.cut or len(first.items) > _NEAREST
    distance = {**dict.fromkeys(starts, 0), **{r: d for r, (d, _) in hits.items()}}
    joined = {r: e.ref for e in store.entities(sorted(distance), view) for r in e.refs}
    edges = store.neighbours(
        sorted({*distance, *joined}), view, Limits(rows=_ROWS), types=("RUNS_ON", "ABOUT"), direction="both"
    )
    cut = cut or edges.cut
    running: dict[EntityRef, _Hit] = {}
    for edge in edges.items:
        # A service fails with what it runs on, whatever a certificate is about with the certificate.
        cause, effect = (edge.dst, edge.src) if edge.type == "RUNS_ON" else (edge.src, edge.dst)
        base = distance.get(cause, distance.get(joined.get(cause, cause)))
        if base is None or effect in distance or (edge.type == "ABOUT" and cause.kind != "Credential"):
            continue
        option = (base + 1, edge)
        if effect not in running or option[0] < running[effect][0]:
            running[effect] = option
    hits |= running
    for ref, hit in _named_after(scene, [*starts, *hits]).items():
        if ref not in hits:
            running[ref] = (distance.get(hit, hits.get(hit, (1, None))[0]) + 1, None)
            hits[ref] = running[ref]
    services = sorted(r for r in running if r.kind in ("Service", "Resource"))
    if services:
        further = blast_radius(store, services, view, Limits(rows=_ROWS), max_hops=_HOPS)
        cut = cut or further.cut
        nearest = min(running[r][0] for r in services)
        for one in further.items[:_NEAREST]:
            start = one.path[0] if one.path else None
            base = nearest
            if start is not None:
                base = next((running[e][0] for e in (start.dst, start.src) if e in running), nearest)
            if one.ref not in distance and one.ref not in hits:
                hits[one.ref] = (base + one.distance, one.path[-1] if one.path else None)
    return hits, cut


def _named_after(scene: Scene, refs: Sequence[EntityRef]) -> dict[EntityRef, EntityRef]:
    """Services by whose name something among these is called (`aws_lb_listener_rule.payments`), with what is called so, the nearest."""
    by_tokens = {tuple(name_tokens(name)): name for name in sorted(service_names(scene.store, scene.view))}
    real = [r for r in dict.fromkeys(refs) if r.kind in ("Resource", "Block")]
    called: dict[str, EntityRef] = {}
    for one in scene.store.entities(real, scene.view):
        own = thing(one).label.rpartition(".")[2].partition("[")[0]
        name = by_tokens.get(tuple(name_tokens(own))) if own else None
        if name is not None:
            called.setdefault(name, one.ref)
    if not called:
        return {}
    services = scene.store.select("Service", {"name": sorted(called)}, scene.view, Limits(rows=_ROWS)).items
    return {e.ref: called[name] for e in services if (name := text_of(e.properties, "name")) in called}
