"""The shape of a cause in the graph: what sort of thing was touched, how, and where that lies from the symptom; and how alike two shapes are.

No words of a title or message are part of it, so that nobody is suspected, or spared, for what a change says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import sqrt

from agent.evidence import text_of
from agent.memory_facts import Shape
from graph.lexicon import former
from graph.model import EntityRef, Value
from graph.store import ChangeQuery, ChangeView, EntityView, GraphStore, Limits, View
from graph.text import name_tokens

_ROWS = Limits(rows=20_000, deadline_s=10.0)
_CHANGES = frozenset({"Commit", "PullRequest", "Deployment"})
_SAME_CHANGE = ("MERGED_AS", "PART_OF", "DEPLOYS")
_MOST_TARGETS = 40
"""Of a change that touches more, the first ones (by ref) stand for all."""
_MOST_FORMER = 20
_INDEX = re.compile(r"\[[^\]]*\]|\.\d+(?=\.|$)")
_WAY = ("DEPENDS_ON", "RUNS_ON", "BUILT_FROM", "DECLARES", "CONFIGURES", "CONTAINS", "ABOUT", "PROVIDES")
_UPSTREAM = frozenset({"DEPENDS_ON>", "RUNS_ON>", "ABOUT>", "BUILT_FROM>"})
_DOWNSTREAM = frozenset({"<DEPENDS_ON", "<RUNS_ON"})
_MAX_HOPS = 4
_KIN: Mapping[frozenset[str], float] = {frozenset({"change", "manual"}): 0.7}
"""How alike causes of two different kinds can be at most."""
_HOW = 0.3
"""How much of a likeness hangs on how things were touched, and not on what was."""
_FILES = 0.8
_ONLY = "value"
"""The attribute that a key without any is told by: all keys have it, so it says nothing."""
_PLACES = frozenset({"File", "Directory", "Module", "Repository"})
"""Kinds that say where something was changed, and not what."""


def names_of(store: GraphStore, view: View, changes: Iterable[EntityRef]) -> dict[EntityRef, tuple[EntityRef, ...]]:
    """Each change -> all its names: a commit's pull request and what that was merged as, a deployment's commit. Two reads for all."""
    names = {change: {change} for change in sorted(set(changes))}
    for _ in range(2):
        asked = sorted({r for known in names.values() for r in known if r.kind in _CHANGES})
        if not asked:
            break
        edges = store.neighbours(asked, view, _ROWS, types=_SAME_CHANGE).items
        beside: dict[EntityRef, set[EntityRef]] = {}
        for edge in edges:
            if edge.src.kind in _CHANGES and edge.dst.kind in _CHANGES:
                beside.setdefault(edge.src, set()).add(edge.dst)
                if edge.type != "DEPLOYS":
                    beside.setdefault(edge.dst, set()).add(edge.src)
        for known in names.values():
            known |= {far for r in tuple(known) for far in beside.get(r, ())}
    return {change: (change, *sorted(known - {change})) for change, known in names.items()}


def changes_of(store: GraphStore, view: View, names: Iterable[EntityRef]) -> dict[EntityRef, list[ChangeView]]:
    """What each of these change entities touched. One read for all."""
    asked = sorted(set(names))
    found: dict[EntityRef, list[ChangeView]] = {}
    for one in store.changes(ChangeQuery(changes=asked), view, _ROWS).items if asked else ():
        found.setdefault(one.change, []).append(one)
    return found


@dataclass(slots=True)
class Things:
    """Entities of a view, read in one go; of what no longer exists, how it last was."""

    store: GraphStore
    view: View
    by_ref: dict[EntityRef, EntityView] = field(default_factory=dict[EntityRef, EntityView])
    _read: set[EntityRef] = field(default_factory=set[EntityRef])
    _types: dict[EntityRef, str] = field(default_factory=dict[EntityRef, str])
    _formers: int = 0

    def read(self, refs: Iterable[EntityRef]) -> None:
        """Read those not yet read."""
        asked = sorted(set(refs) - self._read)
        self._read |= set(asked)
        for entity in self.store.entities(asked, self.view) if asked else ():
            for one in (entity.ref, *entity.refs):
                self.by_ref[one] = entity

    def joined(self, ref: EntityRef) -> tuple[EntityRef, ...]:
        """Every ref of the thing; the ref alone when nothing is known of it."""
        entity = self.by_ref.get(ref)
        return (ref, *(r for r in entity.refs if r != ref)) if entity is not None else (ref,)

    def lives(self, ref: EntityRef) -> bool:
        """Whether it exists in the view."""
        return ref in self.by_ref

    def type(self, ref: EntityRef) -> str:
        """Its resource type; of a key, a variable and the like which one it is; else its kind."""
        if ref not in self._types:
            entity = self.by_ref.get(ref)
            properties = entity.properties if entity is not None else self._former(ref)
            block = ":".join(n for key in ("block_type", "name") if (n := text_of(properties, key)))
            self._types[ref] = text_of(properties, "type") or block or ref.kind
        return self._types[ref]

    def _former(self, ref: EntityRef) -> Mapping[str, Value]:
        if self._formers >= _MOST_FORMER or ref.kind not in ("Block", "Resource", "Credential"):
            return {}
        self._formers += 1
        last = former(self.store, ref, self.view)
        return last.properties if last is not None else {}


def targets_of(
    views: Iterable[ChangeView],
    target: EntityRef | None = None,
    *,
    most: int = _MOST_TARGETS,
    first: frozenset[EntityRef] = frozenset(),
) -> tuple[EntityRef, ...]:
    """What was touched, at most so many, each once: the named target, then those that come `first`, then by ref."""
    others = sorted({v.target for v in views if v.target != target}, key=lambda r: (r not in first, r))
    return tuple([*([target] if target is not None else []), *others][:most])


def shape_of(
    things: Things,
    change: EntityRef | None,
    views: Sequence[ChangeView],
    touched: Sequence[EntityRef],
    *,
    paths: Iterable[str] = (),
    direction: str = "",
    way: tuple[str, ...] = (),
) -> Shape:
    """The shape of what touched these things (`targets_of`). `things` must have read them."""
    of = set(touched)
    views = [v for v in views if v.target in of][: 2 * _MOST_TARGETS]
    named = {text_of(v.properties, "path") for v in views} | set(paths)
    return Shape(
        change=change.kind if change is not None else "",
        kinds=tuple(sorted({r.kind for r in touched})),
        types=tuple(sorted({things.type(r) for r in touched if r.kind not in _PLACES})),
        effects=tuple(sorted({e for v in views if (e := text_of(v.properties, "effect"))})),
        attributes=tuple(sorted({a for v in views for a in _attributes(v.properties)})),
        places=tuple(sorted({w for p in sorted(named)[:_MOST_TARGETS] for w in name_tokens(p)})),
        way=way,
        direction=direction,
    )


def way_between(
    store: GraphStore, view: View, starts: Sequence[EntityRef], ends: Sequence[EntityRef]
) -> tuple[tuple[str, ...], str]:
    """Relation types of the shortest way from the first of these things that has one, and its direction; empty when there is none."""
    best: tuple[str, ...] | None = None
    for start in starts[:3]:
        for end in ends[:3]:
            if start == end:
                return (), "same"
            page = store.paths(start, end, view, Limits(rows=1), types=_WAY, max_hops=_MAX_HOPS)
            if not page.items:
                continue
            way: list[str] = []
            at = {start, *_joined(store, view, start)}
            for edge in page.items[0]:
                along = edge.src in at
                way.append(f"{edge.type}>" if along else f"<{edge.type}")
                far = edge.dst if along else edge.src
                at = {far, *_joined(store, view, far)}
            if best is None or len(way) < len(best):
                best = tuple(way)
    if best is None:
        return (), ""
    up = sum(step in _UPSTREAM for step in best)
    down = sum(step in _DOWNSTREAM for step in best)
    return best, "upstream" if up > down else "downstream" if down > up else "same"


def _joined(store: GraphStore, view: View, ref: EntityRef) -> tuple[EntityRef, ...]:
    entity = store.entity(ref, view)
    return entity.refs if entity is not None else ()


def likeness(known_kind: str, known: Shape, kind: str, shape: Shape) -> float:
    """How alike two shapes are, 0 to 1. What one of them does not tell does not count; of other things, or attributes, there is no likeness."""
    kin = 1.0 if known_kind == kind else _KIN.get(frozenset({known_kind, kind}), 0.0)
    if not kin:
        return 0.0
    places = _cosine(known.places, shape.places)
    what = _mean((1.0, _cosine(known.types, shape.types)), (1.0, _cosine(known.attributes, shape.attributes)))
    if what is None:  # files of code: where they stand is all that tells them apart
        what = places * _FILES if places is not None else 0.0
    how = _mean(
        (1.0, _cosine(known.effects, shape.effects)),
        (1.5, places),
        (0.5, _same(known.change, shape.change)),
        (0.5, _same(known.direction, shape.direction)),
    )
    return kin * what * (1.0 - _HOW + _HOW * (how if how is not None else 1.0))


@lru_cache(maxsize=65_536)
def attribute_name(path: str) -> str:
    """An attribute's path without indices: `ingress[0].cidr_blocks` and `ingress[1].cidr_blocks` are one.

    >>> attribute_name('ingress[0].cidr_blocks'), attribute_name('rules.3.port')
    ('ingress.cidr_blocks', 'rules.port')
    """
    return _INDEX.sub("", path).casefold()


def _attributes(properties: Mapping[str, Value]) -> Iterable[str]:
    told = properties.get("attributes")
    if isinstance(told, Sequence) and not isinstance(told, str):
        for one in told:
            path = one.get("path") if isinstance(one, Mapping) else None
            if isinstance(path, str) and path != _ONLY:
                yield attribute_name(path)


def _cosine(a: tuple[str, ...], b: tuple[str, ...]) -> float | None:
    if not a or not b:
        return None
    one, other = _set(a), _set(b)
    return len(one & other) / sqrt(len(one) * len(other))


@lru_cache(maxsize=16_384)
def _set(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(words)


def _mean(*parts: tuple[float, float | None]) -> float | None:
    told = [(weight, value) for weight, value in parts if value is not None]
    return sum(weight * value for weight, value in told) / sum(weight for weight, _ in told) if told else None


def _same(a: str, b: str) -> float | None:
    return None if not a or not b else float(a == b)
