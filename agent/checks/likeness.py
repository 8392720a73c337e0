"""Earlier changes like a suspect: of the same thing and attribute, or of the same attribute to the same value elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from agent.checks.weighing import refs_of
from agent.incident import Suspect
from graph.clock import DAY, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, View

if TYPE_CHECKING:
    from agent.scene import Scene

BACK: Instant = 365 * DAY
"""How far back earlier changes of the same thing are looked for."""
ELSEWHERE_BACK: Instant = 14 * DAY
"""How far back the same change elsewhere is."""
MOST_EARLIER = 12
"""Of earlier changes the newest; the configuration around older ones was another."""
_ROWS = 3_000
_MOST_TARGETS = 1_500
_COMMON = 20
"""A value that so many changes set (a size, a tag) makes none of them the same change as another."""
_DULL = frozenset({"format_only", "moved"})
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Read:
    """A change and what it says of attributes: path -> value after as JSON, empty where that is not told."""

    view: ChangeView
    values: Mapping[str, str]

    @property
    def paths(self) -> frozenset[str]:
        """The attribute paths that it touched."""
        return frozenset(self.values)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier change of the same target, and the attribute paths that both touched (empty where attributes are not told)."""

    view: ChangeView
    shared: tuple[str, ...]


def earlier_changes(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, tuple[Earlier, ...]]:
    """By suspect's key: earlier changes of what it touched, of the same attributes where these are told; newest first, at most `MOST_EARLIER`.

    Different names of one change (the audit event of an apply and its state version) may both be there.
    """
    targets = tuple(sorted({v.target for s in suspects for v in s.views})[:_MOST_TARGETS])
    if not targets:
        return {}
    query = ChangeQuery(targets=targets, since=scene.symptom.since - BACK, until=scene.symptom.at)
    by_target: dict[EntityRef, list[Read]] = {}
    for one in _read(scene, query):
        if one.view.properties.get("effect") not in _DULL:
            by_target.setdefault(one.view.target, []).append(one)
    return {s.key: _earlier(s, by_target) for s in suspects}


def _earlier(suspect: Suspect, by_target: Mapping[EntityRef, Sequence[Read]]) -> tuple[Earlier, ...]:
    own = frozenset(refs_of(suspect)) | {v.change for v in suspect.views}
    began = min((v.at for v in suspect.views), default=suspect.at)
    found: dict[EntityRef, Earlier] = {}
    for target in sorted({v.target for v in suspect.views}):
        paths = frozenset(path for v in suspect.views if v.target == target for path in _values(v))
        fits = 0
        for past in by_target.get(target, ()):
            view = past.view
            if not began - BACK <= view.at < began or view.change in own or view.properties.get("effect") == "created":
                continue
            shared = paths & past.paths
            if (paths or past.paths) and not shared:
                continue
            found.setdefault(view.change, Earlier(view, tuple(sorted(shared))))
            fits += 1
            if fits >= MOST_EARLIER:
                break
    ordered = sorted(found.values(), key=lambda e: (-e.view.at, e.view.change))
    return tuple(ordered[:MOST_EARLIER])


def undone_later(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, tuple[ChangeView, ...]]:
    """By suspect's key: later changes that set every attribute which it changed on a thing back to what it was; oldest first."""
    targets = tuple(sorted({v.target for s in suspects for v in s.views})[:_MOST_TARGETS])
    if not targets:
        return {}
    by_target: dict[EntityRef, list[Read]] = {}
    query = ChangeQuery(targets=targets, since=scene.symptom.since - BACK, until=scene.symptom.at)
    for one in _read(scene, query):
        by_target.setdefault(one.view.target, []).append(one)
    return {s.key: _undone(s, by_target) for s in suspects}


def _undone(suspect: Suspect, by_target: Mapping[EntityRef, Sequence[Read]]) -> tuple[ChangeView, ...]:
    own = frozenset(refs_of(suspect)) | {v.change for v in suspect.views}
    found: dict[tuple[Instant, EntityRef], ChangeView] = {}
    for view in suspect.views:
        before, after = _values(view, "before"), _values(view)
        turned = {p: was for p, was in before.items() if was and after.get(p, "") != was}
        if not turned or len(turned) < len(after):
            continue  # what it was is not told of all
        for later in by_target.get(view.target, ()):
            one = later.view
            if one.at > view.at and one.change not in own and all(later.values.get(p) == v for p, v in turned.items()):
                found[one.at, one.change] = one
    return tuple(v for _, v in sorted(found.items()))


def same_elsewhere(scene: Scene, suspects: Sequence[Suspect]) -> dict[EntityRef, tuple[ChangeView, ...]]:
    """By suspect's key: earlier changes of another thing that set the same attribute to the same value, newest first."""
    wanted = {s.key: {pair for v in s.views for pair in _values(v).items() if pair[1]} for s in suspects}
    if not any(wanted.values()):
        return {}
    query = ChangeQuery(
        since=scene.symptom.since - ELSEWHERE_BACK,
        until=scene.symptom.at,
        effects=frozenset({"updated", "created"}),
        target_kinds=frozenset({"Resource", "Service", "Block"}),
    )
    by_pair: dict[tuple[str, str], list[ChangeView]] = {}
    for one in _read(scene, query):
        for pair in one.values.items():
            if pair[1]:
                by_pair.setdefault(pair, []).append(one.view)
    twins: dict[EntityRef, tuple[ChangeView, ...]] = {}
    for one in suspects:
        own = frozenset(refs_of(one)) | {v.change for v in one.views}
        touched = {v.target for v in one.views}
        telling = [some for pair in sorted(wanted[one.key]) if len(some := by_pair.get(pair, [])) <= _COMMON]
        fits = {
            (-v.at, v.change, v.target): v
            for some in telling
            for v in some
            if one.at - ELSEWHERE_BACK <= v.at < one.at and v.change not in own and v.target not in touched
        }
        twins[one.key] = tuple(v for _, v in sorted(fits.items())[:MOST_EARLIER])
    return twins


# -- reading


_lock = Lock()
_kept: WeakKeyDictionary[GraphStore, dict[tuple[View, str], tuple[Read, ...]]] = WeakKeyDictionary()


def _read(scene: Scene, query: ChangeQuery) -> tuple[Read, ...]:
    """The changes of a query, newest first; the last few queries are kept, for several checks ask the same of the same suspects."""
    key = (scene.view, repr(query))
    keep = scene.view.known_at is not None  # else the next record changes the answer
    with _lock:
        known = _kept.setdefault(scene.store, {})
        if keep and key in known:
            return known[key]
    page = scene.store.changes(query, scene.view, Limits(rows=_ROWS))
    read = tuple(Read(v, _values(v)) for v in page.items)
    if keep:
        with _lock:
            while len(known) >= _KEPT:
                del known[next(iter(known))]
            known[key] = read
    return read


def _values(view: ChangeView, side: str = "after") -> dict[str, str]:
    """Attribute path -> value after (or `before`) as JSON, empty where it is not told."""
    listed = view.properties.get("attributes")
    found: dict[str, str] = {}
    for one in listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ():
        if not isinstance(one, Mapping):
            continue
        path, after = one.get("path"), one.get(side)
        if isinstance(path, str):
            told = isinstance(after, Mapping) and after.get("state") == "value"
            value = after.get("value") if told and isinstance(after, Mapping) else None
            found[path] = json.dumps(value, sort_keys=True, default=str) if told else ""
    return found
