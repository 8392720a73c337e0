"""Which attributes differ between two versions of a block.

Elements of a list path (`ingress[0]`, `ingress[1]`) are first paired by likeness, so that a block inserted in front, or
another order, does not show every element as changed. Paths of the result are those of the new version; what is gone keeps
its old path unless that path is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from graph.model import Value
from ingest.sources.git.blocks import AttributeChange

Attributes = Mapping[str, Value]
_Lists = dict[str, dict[int, dict[str, Value]]]

_INDEX = re.compile(r"\[(\d+)\]")
_ENCODE = msgspec.json.Encoder(order="deterministic").encode
_MAX_PAIRS = 4_000
"""Lists whose product of lengths exceeds this are paired by position."""


def same_value(one: Value, other: Value) -> bool:
    """Whether two values are the same JSON: `1`, `true` and `1.0` are three."""
    if one.__class__ is other.__class__ and isinstance(one, (str, bool, int)):
        return one == other
    return one.__class__ is other.__class__ and one == other and _ENCODE(one) == _ENCODE(other)


def attribute_changes(before: Attributes, after: Attributes) -> tuple[AttributeChange, ...]:
    """The paths that differ, in the new version's order, what is gone last. Empty when only order differs."""
    if not any("[" in path for path in before) and not any("[" in path for path in after):
        return _differences(before, after)
    return _differences(_renumbered(before, after), after)


def raw_changes(before: Attributes, after: Attributes) -> tuple[AttributeChange, ...]:
    """The same, with every list element compared to the one at its own position."""
    return _differences(before, after)


def all_added(attributes: Attributes) -> tuple[AttributeChange, ...]:
    """Every attribute, as of a new block."""
    return tuple(AttributeChange(path, None, (value,)) for path, value in attributes.items())


def all_removed(attributes: Attributes) -> tuple[AttributeChange, ...]:
    """Every attribute, as of a block that is gone."""
    return tuple(AttributeChange(path, (value,), None) for path, value in attributes.items())


def _differences(before: Attributes, after: Attributes) -> tuple[AttributeChange, ...]:
    changes = [
        AttributeChange(path, (before[path],) if path in before else None, (value,))
        for path, value in after.items()
        if path not in before or not same_value(before[path], value)
    ]
    changes.extend(AttributeChange(path, (value,), None) for path, value in before.items() if path not in after)
    return tuple(changes)


def _renumbered(before: Attributes, after: Attributes) -> Attributes:
    """`before` with its list elements at the positions of the elements of `after` that they are most like."""
    old_lists, new_lists = _lists(before), _lists(after)
    renumbered = {
        _as_element(path, after, new_lists): value for path, value in before.items() if not _INDEX.search(path)
    }
    for prefix, old_elements in old_lists.items():
        new_elements = new_lists.get(prefix, {})
        if not new_elements and len(old_elements) == 1 and any(path.startswith(prefix + ".") for path in after):
            inner = {f"{prefix}{rest}": value for rest, value in next(iter(old_elements.values())).items()}
            renumbered.update(_renumbered(inner, after))
            continue
        position = _pairing(old_elements, new_elements)
        free = max([*new_elements, *position.values(), -1]) + 1
        for index, element in old_elements.items():
            at = position.get(index)
            if at is None:
                at = index if index not in new_elements else free
                free += at == free
            inner = _renumbered(element, new_elements[at]) if at in new_elements else element
            for rest, value in inner.items():
                renumbered[f"{prefix}[{at}]{rest}"] = value
    return renumbered


def _as_element(path: str, after: Attributes, new_lists: _Lists) -> str:
    """The path of a map's entry when the new version has that map as a list of one element; else the path."""
    if path in after:
        return path
    for prefix, elements in new_lists.items():
        if path.startswith(prefix + ".") and len(elements) == 1 and 0 in elements:
            return f"{prefix}[0]{path[len(prefix) :]}"
    return path


def _lists(attributes: Attributes) -> _Lists:
    """Path before the first index -> index -> what stands under it, by the rest of the path."""
    lists: _Lists = {}
    for path, value in attributes.items():
        found = _INDEX.search(path)
        if found is not None:
            element = lists.setdefault(path[: found.start()], {}).setdefault(int(found[1]), {})
            element[path[found.end() :]] = value
    return lists


def _pairing(old: dict[int, dict[str, Value]], new: dict[int, dict[str, Value]]) -> dict[int, int]:
    """Old index -> new index: equal elements first, then the most alike, then what is left in order."""
    if len(old) * len(new) > _MAX_PAIRS:
        return {index: index for index in old if index in new}
    paired: dict[int, int] = {}
    free = set(new)
    for index, element in old.items():
        if index in free and _alike(element, new[index]) == 1.0:
            paired[index] = index
            free.discard(index)
    ranked = sorted(
        (-_alike(element, new[at]), abs(index - at), index, at)
        for index, element in old.items()
        if index not in paired
        for at in free
    )
    for _, _, index, at in ranked:
        if index not in paired and at in free:
            paired[index] = at
            free.discard(at)
    return paired


def _alike(one: dict[str, Value], other: dict[str, Value]) -> float:
    """The share of paths, of both, that hold the same value."""
    same = sum(1 for path, value in one.items() if path in other and same_value(value, other[path]))
    return 2 * same / (len(one) + len(other)) if one or other else 1.0
