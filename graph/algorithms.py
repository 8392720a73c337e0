"""Graph questions on an extracted subgraph: what a failure reaches, along which routes, and what matters most.

Three functions are pure and work on a `Subgraph`: `reach`, `routes`, `importance`. `blast_radius`, `dependencies` and
`dependency_paths` fetch the subgraph first. Results are bounded and say when they were cut; equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice, pairwise
from typing import Literal, Protocol, cast

from graph.model import EntityRef
from graph.store import GraphStore, Limits, RelationView, Subgraph, View

MAX_HOPS = 12
"""Dependency chains longer than this are cut; real ones have fewer than ten links."""

DAMPING = 0.85
"""Of PageRank: the chance to walk on instead of starting again (https://networkx.org/documentation/stable/reference/algorithms/link_analysis.html)."""

Against = Literal["src", "dst"]

FAILS_WITH: Mapping[str, Against] = {"DEPENDS_ON": "dst", "CONTAINS": "dst", "DECLARES": "src"}
"""Relation type -> the end whose failure reaches the other end. A container fails with its content, an instance with its code."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Something reached, how many links away, and one shortest chain of relations to it, from the start on."""

    ref: EntityRef
    distance: int
    path: tuple[RelationView, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What was reached, nearest first, then by ref; the starts are left out. `cut`: there is more than this."""

    items: tuple[Reached, ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Routes:
    """Chains of relations from one thing to another, shortest first. `cut`: there are more than these."""

    items: tuple[tuple[RelationView, ...], ...]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entity and its share of the walk; all shares of one ranking add up to 1."""

    ref: EntityRef
    score: float


class _DiGraph(Protocol):
    """The part of a networkx directed graph that is used; the package ships no types."""

    def add_edge(self, u: EntityRef, v: EntityRef, *, relation: RelationView) -> None: ...
    def add_nodes_from(self, nodes: Iterable[EntityRef]) -> None: ...
    def has_edge(self, u: EntityRef, v: EntityRef) -> bool: ...
    def get_edge_data(self, u: EntityRef, v: EntityRef) -> Mapping[str, RelationView]: ...
    def __contains__(self, node: EntityRef) -> bool: ...


class _NetworkX(Protocol):
    class NetworkXNoPath(Exception): ...

    def DiGraph(self) -> _DiGraph: ...

    def multi_source_dijkstra(
        self, graph: _DiGraph, sources: Sequence[EntityRef], *, cutoff: float | None, weight: Callable[..., int]
    ) -> tuple[Mapping[EntityRef, int], Mapping[EntityRef, list[EntityRef]]]: ...

    def shortest_simple_paths(
        self, graph: _DiGraph, source: EntityRef, target: EntityRef
    ) -> Iterator[list[EntityRef]]: ...


def reach(
    subgraph: Subgraph,
    starts: Sequence[EntityRef],
    *,
    towards: Literal["dependents", "dependencies"] = "dependents",
    max_hops: int = MAX_HOPS,
    max_items: int = 1_000,
) -> Reach:
    """Everything that fails with the starts (`dependents`), or whose failure they would feel (`dependencies`).

    Follows the relations that `FAILS_WITH` names, transitively; cycles are harmless.
    """
    networkx = _networkx()
    graph = _directed(subgraph.relations, towards)
    sources = sorted({start for start in starts if start in graph})
    if not sources:
        return Reach((), subgraph.cut)
    # one hop more than wanted, here and below, to know whether the hops cut anything
    distances, chains = networkx.multi_source_dijkstra(graph, sources, cutoff=max_hops + 1, weight=_one)
    found = sorted((distance, ref) for ref, distance in distances.items() if 0 < distance <= max_hops)
    items = tuple(Reached(ref, distance, _along(graph, chains[ref])) for distance, ref in found[:max_items])
    cut = subgraph.cut or len(found) > max_items or max(distances.values()) > max_hops
    return Reach(items, cut)


def routes(
    subgraph: Subgraph,
    src: EntityRef,
    dst: EntityRef,
    *,
    towards: Literal["dependents", "dependencies"] = "dependencies",
    max_paths: int = 10,
) -> Routes:
    """How `src` depends on `dst` (or, towards `dependents`, how a failure of `src` reaches `dst`): loop-free chains.

    Parallel relations between the same two count as one link. Longer chains are listed as well, after shorter ones.
    """
    networkx = _networkx()
    graph = _directed(subgraph.relations, towards)
    if src == dst or src not in graph or dst not in graph:
        return Routes((), subgraph.cut)
    try:
        chains = list(islice(networkx.shortest_simple_paths(graph, src, dst), max_paths + 1))
    except networkx.NetworkXNoPath:
        return Routes((), subgraph.cut)
    return Routes(tuple(_along(graph, chain) for chain in chains[:max_paths]), subgraph.cut or len(chains) > max_paths)


def importance(
    subgraph: Subgraph,
    seeds: Mapping[EntityRef, float],
    *,
    max_items: int = 100,
    weights: Mapping[str, float] | None = None,
) -> tuple[Ranked, ...]:
    """Personalised PageRank over the subgraph, relations walked both ways: what lies close to the seeds, by many routes.

    Args:
        subgraph: where the walk goes.
        seeds: where it starts, with their shares; need not add up to 1, those of no positive weight are ignored.
        max_items: how many are returned, best first, ties by ref.
        weights: relation type -> how readily it is followed; 1 for types that are not listed.
    """
    # networkx.pagerank needs scipy, 85 MB that nothing else uses; this is the same power iteration on a sparse list
    start = {ref: weight for ref, weight in seeds.items() if weight > 0}
    if not start:
        return ()
    links = _links(subgraph.relations, weights or {})
    nodes = sorted({*links, *start, *subgraph.distance})
    total = sum(start[ref] for ref in sorted(start))
    restart = {ref: start.get(ref, 0.0) / total for ref in nodes}
    share = restart
    for _ in range(100):
        following = {ref: (1 - DAMPING) * restart[ref] for ref in nodes}
        for ref in nodes:
            out = links.get(ref)
            # a node without relations hands its share back to the seeds
            for other, part in (out or restart).items():
                following[other] += DAMPING * share[ref] * part
        moved = sum(abs(following[ref] - share[ref]) for ref in nodes)
        share = following
        if moved < 1e-8:
            break
    ranked = sorted(((-score, ref) for ref, score in share.items()))
    return tuple(Ranked(ref, -score) for score, ref in ranked[:max_items])


def blast_radius(
    store: GraphStore, refs: Sequence[EntityRef], view: View, limits: Limits, *, max_hops: int = MAX_HOPS
) -> Reach:
    """What fails with these: what depends on them, what contains them, and the instances of all that code."""
    starts = _joined(store, refs, view)
    code = store.subgraph(starts, max_hops + 1, view, limits, types=("DEPENDS_ON", "CONTAINS"), direction="in")
    declared = store.neighbours(
        [*starts, *(ref for ref in sorted(code.distance) if ref not in starts)],
        view,
        limits,
        types=("DECLARES",),
        direction="out",
    )
    instances = sorted({relation.dst for relation in declared.items})
    running = (
        store.subgraph(instances, max_hops + 1, view, limits, types=("DEPENDS_ON",), direction="in")
        if instances
        else Subgraph({}, ())
    )
    whole = Subgraph(
        {**running.distance, **code.distance},
        (*code.relations, *declared.items, *running.relations),
        code.cut or declared.cut or running.cut,
    )
    return reach(whole, starts, max_hops=max_hops, max_items=limits.rows)


def dependencies(
    store: GraphStore, refs: Sequence[EntityRef], view: View, limits: Limits, *, max_hops: int = MAX_HOPS
) -> Reach:
    """What these need: what they refer to, what they contain, transitively."""
    starts = _joined(store, refs, view)
    needed = store.subgraph(starts, max_hops + 1, view, limits, types=("DEPENDS_ON", "CONTAINS"), direction="out")
    return reach(needed, starts, towards="dependencies", max_hops=max_hops, max_items=limits.rows)


def dependency_paths(
    store: GraphStore,
    src: EntityRef,
    dst: EntityRef,
    view: View,
    limits: Limits,
    *,
    max_hops: int = MAX_HOPS,
    max_paths: int = 10,
) -> Routes:
    """The chains by which `src` depends on `dst`, shortest first. `limits` bound the part of the graph that is searched."""
    needed = store.subgraph([src], max_hops, view, limits, types=("DEPENDS_ON", "CONTAINS"), direction="out")
    return routes(needed, src, dst, max_paths=max_paths)


def _networkx() -> _NetworkX:
    return cast("_NetworkX", import_module("networkx"))  # when needed: it takes 0.2 s


def _directed(relations: Sequence[RelationView], towards: Literal["dependents", "dependencies"]) -> _DiGraph:
    """The relations of `FAILS_WITH` as edges in the direction asked for; of parallel ones the first by (type, discriminator)."""
    graph = _networkx().DiGraph()
    for relation in sorted(relations, key=_order):
        if relation.type not in FAILS_WITH:
            continue
        cause, effect = relation.src, relation.dst
        if FAILS_WITH[relation.type] == "dst":
            cause, effect = effect, cause
        u, v = (cause, effect) if towards == "dependents" else (effect, cause)
        if not graph.has_edge(u, v):
            graph.add_edge(u, v, relation=relation)
    return graph


def _order(relation: RelationView) -> tuple[str, str, str, str]:
    return relation.type, relation.src, relation.dst, relation.discriminator


def _one(*_edge: object) -> int:
    return 1


def _along(graph: _DiGraph, chain: Sequence[EntityRef]) -> tuple[RelationView, ...]:
    return tuple(graph.get_edge_data(u, v)["relation"] for u, v in pairwise(chain))


def _links(relations: Sequence[RelationView], weights: Mapping[str, float]) -> dict[EntityRef, dict[EntityRef, float]]:
    """For each node the chance to walk to each of its neighbours."""
    links: dict[EntityRef, dict[EntityRef, float]] = {}
    for relation in sorted(relations, key=_order):
        weight = weights.get(relation.type, 1.0)
        if relation.src == relation.dst or weight <= 0:
            continue
        for here, there in ((relation.src, relation.dst), (relation.dst, relation.src)):
            out = links.setdefault(here, {})
            out[there] = out.get(there, 0.0) + weight
    return {here: {there: w / sum(out.values()) for there, w in out.items()} for here, out in links.items()}


def _joined(store: GraphStore, refs: Sequence[EntityRef], view: View) -> list[EntityRef]:
    """The refs, with those that are joined to them."""
    joined = dict.fromkeys(refs)
    for entity in store.entities(refs, view):
        joined.update(dict.fromkeys(entity.refs))
    return list(joined)
