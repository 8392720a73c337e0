"""Mentions without a name: "the LB rule", "security groups in terraform/shop", "the docs-rs bucket" mean all such things there.

What no longer exists belongs to them as well: who deleted it changed it last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from graph.clock import Instant
from graph.lexicon import Lexicon, Thing, lexicon, thing
from graph.matching import place_penalty
from graph.mention import Reading
from graph.store import GraphStore, Limits, View

MAX_GROUP = 5_000
"""The largest group that is read."""

THERE = 0.02
"""Place penalty up to which a thing lies in the place that was said."""
ABOUT = 0.1
"""Place penalty up to which the words of the place are at least part of its name."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What is of one rank: resource types, block types, entity kinds."""

    types: frozenset[str]
    block_types: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def holds(self, found: Thing) -> bool:
        """Whether a thing is of this sort."""
        return (
            found.text("type") in self.types
            or found.text("block_type") in self.block_types
            or found.ref.kind in self.kinds
        )


@dataclass(frozen=True, slots=True)
class Group:
    """All things of a type in a place. `reading`, `paths`, `sort` and `near` say what was understood."""

    things: tuple[Thing, ...]
    reading: Reading
    paths: tuple[str, ...]
    sort: Sort
    near: float
    cut: bool = False


def by_name_as_place(read: Iterable[Reading]) -> list[Reading]:
    """Typed readings whose name is taken for where or what for: "the docs-rs bucket" is a bucket of docs-rs."""
    return [
        replace(r, name=(), place=(*r.name, *r.place), inside=False) for r in read if r.typed and r.name and not r.bent
    ]


def find_group(
    store: GraphStore, view: View, known: Lexicon, read: Sequence[Reading], paths: tuple[str, ...], near: float
) -> Group | None:
    """The group of the first nameless reading that holds anything; earlier ranks of its type words win.

    What no longer exists is looked for only where nothing exists; `gone_since` tells the rest.
    """
    for reading in read:
        if reading.name or not reading.typed or reading.bent:
            continue
        for sort in _sorts(reading, known, store, view):
            live, cut = _live(store, view, sort)
            placed = tuple(t for t in live if place_penalty(t, reading.place, paths) <= near)
            if not placed:
                gone = (t for t in known.dead(store, view) if sort.holds(t))
                placed = tuple(t for t in gone if place_penalty(t, reading.place, paths) <= near)
            # A lookup of a thing is not the thing, unless nothing else is there.
            placed = tuple(t for t in placed if t.text("block_type") != "data") or placed
            if placed:
                return Group(placed, reading, paths, sort, near, cut)
    return None


def gone_since(store: GraphStore, view: View, group: Group, since: Instant) -> tuple[Thing, ...]:
    """At least what belonged to the group and was deleted at `since` or later."""
    return tuple(
        t
        for t in lexicon(store, view).dead_since(store, view, since)
        if group.sort.holds(t)
        and (t.text("block_type") != "data" or group.things[0].text("block_type") == "data")
        and place_penalty(t, group.reading.place, group.paths) <= group.near
    )


def _sorts(reading: Reading, known: Lexicon, store: GraphStore, view: View) -> Iterable[Sort]:
    """What is meant, rank by rank; types that the words spell belong to the first."""
    spelled = reading.types
    for number, rank in enumerate(reading.ranks):
        meant = known.of_rank(rank)
        if not meant and not rank.block_types and not rank.kinds and not (number == 0 and spelled):
            # Nothing of it exists; it may have existed.
            meant = known.of_rank(rank, known.types_with_dead(store, view))
        if number == 0 and spelled and not meant & spelled:
            yield Sort(spelled)
        yield Sort(meant | spelled if number == 0 and meant & spelled else meant, rank.block_types, rank.kinds)
    if spelled and not reading.ranks:
        yield Sort(spelled)


def _live(store: GraphStore, view: View, sort: Sort) -> tuple[list[Thing], bool]:
    found: list[Thing] = []
    cut = False
    selections: list[tuple[str, dict[str, list[str]]]] = []
    if sort.types:
        selections += [("Block", {"type": sorted(sort.types)}), ("Resource", {"type": sorted(sort.types)})]
    if sort.block_types:
        selections.append(("Block", {"block_type": sorted(sort.block_types)}))
    selections += [(kind, {}) for kind in sorted(sort.kinds)]
    for kind, where in selections:
        page = store.select(kind, where, view, Limits(rows=MAX_GROUP))
        cut = cut or page.cut
        found.extend(thing(entity) for entity in page.items)
    return found, cut
