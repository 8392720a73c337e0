"""Walks over joined things: what lies within some hops, and the shortest paths. A store supplies one hop at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from graph.model import EntityRef
from graph.store import Direction, Limits, Page, RelationView, Subgraph


@dataclass(frozen=True, slots=True)
class Hop:
    """The edges at a set of joined things.

    Attributes:
        relations: visible ones, each once, in order of (type, src, dst, discriminator).
        groups: for both ends of every relation, all refs that are the same thing.
        cut: whether a deadline ended the reading early.
    """

    relations: tuple[RelationView, ...]
    groups: Mapping[EntityRef, tuple[EntityRef, ...]]
    cut: bool = False


Expand = Callable[[Collection[EntityRef], float], Hop]
"""One hop from these refs (whole groups), reading no longer than until the given `time.monotonic()`."""


def relation_order(relation: RelationView) -> tuple[str, str, str, str]:
    """The order in which relations are listed."""
    return (relation.type, relation.src, relation.dst, relation.discriminator)


def subgraph(start: Iterable[EntityRef], hops: int, expand: Expand, limits: Limits) -> Subgraph:
    """What lies within `hops` of these refs (whole groups): distances, and the relations that were walked.

    Relations between two things that are both `hops` away are not walked. When a cap is hit, what is nearest is kept.
    """
    until = monotonic() + limits.deadline_s
    distance = dict.fromkeys(start, 0)
    relations: dict[tuple[str, str, str, str], RelationView] = {}
    frontier: Collection[EntityRef] = tuple(distance)
    for hop in range(1, hops + 1):
        if not frontier:
            break
        if monotonic() >= until:
            return _subgraph(distance, relations, cut=True)
        step = expand(frontier, until)
        following: dict[EntityRef, int] = {}
        for relation in step.relations:
            key = relation_order(relation)
            if key in relations:
                continue
            if len(relations) >= limits.rows:
                return _subgraph(distance | following, relations, cut=True)
            relations[key] = relation
            for end in (relation.src, relation.dst):
                if end not in distance and end not in following:
                    following.update(dict.fromkeys(step.groups[end], hop))
        distance.update(following)
        if step.cut:
            return _subgraph(distance, relations, cut=True)
        frontier = tuple(following)
    return _subgraph(distance, relations, cut=False)


def shortest_paths(
    src: Collection[EntityRef],
    dst: Collection[EntityRef],
    max_hops: int,
    direction: Direction,
    expand: Expand,
    limits: Limits,
) -> Page[tuple[RelationView, ...]]:
    """All paths of the least length between two things (whole groups), in order of their edges; none for a thing and itself."""
    until = monotonic() + limits.deadline_s
    goal = frozenset(dst)
    thing: dict[EntityRef, EntityRef] = {}  # every ref met -> the ref that stands for its group
    _stand_for(thing, tuple(src))
    start = thing[next(iter(src))] if src else None
    if start is None or not goal or goal & frozenset(src):
        return Page(())
    distance = {start: 0}
    arriving: dict[EntityRef, list[tuple[EntityRef, RelationView]]] = {}
    frontier: Collection[EntityRef] = tuple(src)
    found = False
    for hop in range(1, max_hops + 1):
        if not frontier or found:
            break
        if monotonic() >= until:
            return Page((), cut=True)
        step = expand(frontier, until)
        if step.cut:
            return Page((), cut=True)
        following: dict[EntityRef, None] = {}
        for relation in step.relations:
            for end in (relation.src, relation.dst):
                if end not in thing:
                    _stand_for(thing, step.groups[end])
            for near, far in _ways(relation, direction):
                a, b = thing[near], thing[far]
                if distance.get(a) != hop - 1 or distance.get(b, hop) != hop:
                    continue
                if b not in distance:
                    distance[b] = hop
                    following.update(dict.fromkeys(step.groups[far]))
                arriving.setdefault(b, []).append((a, relation))
                found = found or far in goal
        frontier = tuple(following)
    if not found:
        return Page(())
    end = next(thing[ref] for ref in goal if thing.get(ref) in distance)
    return _listed(_backwards(end, start, arriving), limits, until)


def _subgraph(
    distance: Mapping[EntityRef, int], relations: Mapping[tuple[str, str, str, str], RelationView], *, cut: bool
) -> Subgraph:
    return Subgraph(distance, tuple(relations[key] for key in sorted(relations)), cut)


def _stand_for(thing: dict[EntityRef, EntityRef], group: tuple[EntityRef, ...]) -> None:
    if group:
        least = min(group)
        for ref in group:
            thing[ref] = least


def _ways(relation: RelationView, direction: Direction) -> Iterator[tuple[EntityRef, EntityRef]]:
    if direction != "in":
        yield relation.src, relation.dst
    if direction != "out":
        yield relation.dst, relation.src


def _backwards(
    end: EntityRef, start: EntityRef, arriving: Mapping[EntityRef, list[tuple[EntityRef, RelationView]]]
) -> Iterator[tuple[RelationView, ...]]:
    if end == start:
        yield ()
        return
    for near, relation in arriving[end]:
        for head in _backwards(near, start, arriving):
            yield (*head, relation)


def _listed(paths: Iterator[tuple[RelationView, ...]], limits: Limits, until: float) -> Page[tuple[RelationView, ...]]:
    """The first paths in order of their edges. Reads at most a hundred times the cap before it sorts."""
    collected: list[tuple[RelationView, ...]] = []
    ceiling = 100 * max(limits.rows, 1)
    exhausted = True
    for path in paths:
        if len(collected) >= ceiling or monotonic() >= until:
            exhausted = False
            break
        collected.append(path)
    collected.sort(key=lambda path: [relation_order(relation) for relation in path])
    return Page(tuple(collected[: limits.rows]), cut=not exhausted or len(collected) > limits.rows)
