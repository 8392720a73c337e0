"""One intent, told once: what a commit brought about (an apply, a state version, the calls it made) is told with the commit.

The history of a thing that code declares holds commits, state versions and audit events. Who asks who changed it means the commit,
or the hand that went around it; the rest is how it got there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.doors import Door, doors, environment_of
from agent.lineage import COSMETIC, Lineage, effect
from agent.reach import Reach
from agent.shipments import Shipment
from graph.clock import DAY, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, View
from graph.text import name_tokens

_SOON = DAY // 24
_MARGIN: Instant = DAY // 96
_MARK = re.compile(r"[\w./:-]{5,200}")
_PATH = re.compile(r"[\[\].\"]+")
_LATE = 14 * DAY
Key = tuple[EntityRef, EntityRef]


@dataclass(frozen=True, slots=True)
class Folded:
    """A history without what only carried something out.

    Attributes:
        lineage: commits, deployments and what was done by hand, newest first; a state version or call only when nothing explains it.
        carried: what each of these brought about, by (change, target), oldest first.
        doors: of the audit events.
    """

    lineage: Lineage
    carried: Mapping[Key, tuple[ChangeView, ...]] = field(default_factory=dict[Key, tuple[ChangeView, ...]])
    doors: Mapping[Key, Door] = field(default_factory=dict[Key, Door])


def fold(store: GraphStore, view: View, lineage: Lineage) -> Folded:
    """Fold state versions and explained events into the commits or hands that they carried out."""
    if all(c.change.kind in ("Commit", "PullRequest") for c in lineage.changes):
        return Folded(lineage)
    known = doors(store, view, lineage.changes)
    groups = _groups(store, view, lineage.changes)
    intents = [c for c in lineage.changes if _is_intent(c, known)]
    kept: list[ChangeView] = list(intents)
    carried: dict[Key, list[ChangeView]] = {}
    calls, applied = _Calls(store, view), _Applied(store, view, known)
    for change in lineage.changes:
        if _is_intent(change, known):
            continue
        intent = _intent_of(change, intents, groups)
        if intent is None or (intent.change.kind == "Commit" and not _shares(intent, change)):
            call = applied.cause(change) or calls.before(change)
            if call is not None and (intent is None or call.at > intent.at):
                intent = call
                if call not in kept:
                    kept.append(call)
        if intent is None:
            kept.append(change)
        else:
            carried.setdefault((intent.change, intent.target), []).append(change)
    ordered = sorted(kept, key=lambda c: (-c.at, c.change, c.target))
    told = {key: tuple(sorted(some, key=lambda c: (c.at, c.change))) for key, some in carried.items()}
    return Folded(Lineage(tuple(_without_repeats(ordered, known, groups)), lineage.cut), told, known)


def _is_intent(change: ChangeView, known: Mapping[Key, Door]) -> bool:
    if change.change.kind == "StateVersion":
        return False
    door = known.get((change.change, change.target))
    return door is None or door.by_hand


class _Applied:
    """Changes of code that an apply carried: of a variable's value, of a module's argument, what the instance's own code does not show."""

    def __init__(self, store: GraphStore, view: View, known: Mapping[Key, Door]) -> None:
        self._known = known
        self._reach = Reach(store, view)
        self._carried: dict[EntityRef, list[ChangeView]] = {}
        self._store, self._view = store, view
        self._environments: dict[EntityRef, str] = {}

    def cause(self, change: ChangeView) -> ChangeView | None:
        """Of what the apply behind a change carried: what set the same value or is called alike; the only one there is."""
        one = self._apply(change)
        if one is None:
            return None
        if one.ref not in self._carried:
            self._carried[one.ref] = [
                c for c in self._reach.carried(one) if effect(c) not in COSMETIC and c.target.kind == "Block"
            ]
        found = self._carried[one.ref]
        values = {value for _, value in _attributes(change) if value}
        words = {w for path, _ in _attributes(change) for w in name_tokens(path)}
        marks = _marks(values)
        told = [
            c for c in found if (own := {value for _, value in _attributes(c) if value}) & values or _marks(own) & marks
        ]
        alike = [c for c in told if words & set(name_tokens(" ".join(p for p, _ in _attributes(c)) + " " + _label(c)))]
        # How many instances there are is said by a number elsewhere; of one commit alone that is sure enough.
        alone = len({c.change for c in found}) == 1 and effect(change) in ("created", "deleted")
        chosen = alike or told or (found if alone else [])
        return max(chosen, key=lambda c: (c.at, c.change, c.target), default=None)

    def _apply(self, change: ChangeView) -> Shipment | None:
        door = self._known.get((change.change, change.target))
        if door is not None and door.explained_by is not None:
            found = next((s for s in self._reach.shipments.all if door.explained_by in s.refs), None)
            if found is not None:
                return found
        where = self._environment(change.target)
        around = [
            s
            for s in self._reach.shipments.all
            if s.is_apply
            and s.took_effect
            and s.started_at - _MARGIN <= change.at <= s.at + _MARGIN
            and (not where or s.environment == where)
        ]
        return min(around, key=lambda s: (abs(s.at - change.at), s.ref), default=None)

    def _environment(self, instance: EntityRef) -> str:
        if instance not in self._environments:
            found = self._store.entity(instance, self._view)
            self._environments[instance] = environment_of(found) if found is not None else ""
        return self._environments[instance]


def _marks(values: Iterable[str]) -> frozenset[str]:
    """The parts of values that are told alike wherever they are told: addresses, ranges, versions, names with signs in them."""
    return frozenset(
        part.strip("./:-")
        for value in values
        for part in _MARK.findall(value)
        if any(c.isdigit() for c in part) and not part.isalnum()
    )


def _label(change: ChangeView) -> str:
    return str(change.properties.get("path") or "")


class _Calls:
    """Commits that changed the arguments of the module calls around an instance: what the module's own code does not show."""

    def __init__(self, store: GraphStore, view: View) -> None:
        self._store = store
        self._view = view
        self._around: dict[EntityRef, tuple[EntityRef, ...]] = {}
        self._commits: dict[EntityRef, tuple[ChangeView, ...]] = {}

    def before(self, change: ChangeView) -> ChangeView | None:
        """The newest such commit some time before a change of an instance."""
        found = [
            c
            for block in self._blocks(change.target)
            for c in self._changes(block)
            if c.at <= change.at and change.at - c.at <= _LATE
        ]
        return max(found, key=lambda c: (c.at, c.change), default=None)

    def _blocks(self, instance: EntityRef) -> tuple[EntityRef, ...]:
        if instance not in self._around:
            edges = self._store.neighbours(
                [instance], self._view, Limits(rows=20), types=("CONFIGURES",), direction="in"
            ).items
            self._around[instance] = tuple(sorted({e.src for e in edges}))
        return self._around[instance]

    def _changes(self, block: EntityRef) -> tuple[ChangeView, ...]:
        if block not in self._commits:
            page = self._store.changes(ChangeQuery(targets=[block]), self._view, Limits(rows=200))
            self._commits[block] = tuple(
                c for c in page.items if c.change.kind == "Commit" and effect(c) not in COSMETIC
            )
        return self._commits[block]


def _groups(store: GraphStore, view: View, changes: Sequence[ChangeView]) -> dict[EntityRef, EntityRef]:
    """One name for each instance, whatever each source calls it; code is no instance and has none."""
    refs = sorted({c.target for c in changes if c.target.kind == "Resource"})
    return {ref: thing.refs[0] for thing in store.entities(refs, view) for ref in thing.refs}


def _intent_of(
    change: ChangeView, intents: Sequence[ChangeView], groups: Mapping[EntityRef, EntityRef]
) -> ChangeView | None:
    """The newest intent before it: a commit to the code some time before, or a hand on the same instance just before.

    `intents` are newest first.
    """
    own = groups.get(change.target)
    for intent in intents:
        same = intent.target not in groups or groups[intent.target] == own
        if not same or intent.at > change.at:
            continue
        if intent.change.kind == "AuditEvent" and change.at - intent.at > _SOON:
            # A hand went between: what was done then is no longer the code before it being carried out.
            return None
        if change.at - intent.at <= _patience(intent) or (intent.change.kind == "Commit" and _shares(intent, change)):
            return intent
    return None


def _shares(intent: ChangeView, change: ChangeView) -> bool:
    """Whether both set an attribute of the same name to the same value: then one carried the other out, however much later."""
    told, found = dict(_last_names(intent)), dict(_last_names(change))
    return any(value and found.get(name) == value for name, value in told.items())


def _last_names(change: ChangeView) -> list[tuple[str, str]]:
    """The last named part of each attribute path that a change touched, with the new value."""
    return [
        (part, value)
        for path, value in _attributes(change)
        for part in [p for p in _PATH.split(path.casefold()) if p and not p.isdigit()][-1:]
    ]


def _attributes(change: ChangeView) -> list[tuple[str, str]]:
    """The attribute paths that a change touched, each with its new value as text."""
    listed = change.properties.get("attributes")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    found: list[tuple[str, str]] = []
    for one in listed:
        if isinstance(one, Mapping) and isinstance(path := one.get("path"), str):
            after = one.get("after")
            value = after.get("value") if isinstance(after, Mapping) else None
            found.append((path, "" if value is None else str(value).casefold()))
    return found


def _patience(intent: ChangeView) -> Instant:
    return _LATE if intent.change.kind == "Commit" else _SOON


def _without_repeats(
    ordered: Sequence[ChangeView], known: Mapping[Key, Door], groups: Mapping[EntityRef, EntityRef]
) -> list[ChangeView]:
    """What one apply did to one thing told once: by its calls, which say who, and not by the state version that recorded them."""
    calls = [
        c
        for c in ordered
        if c.change.kind == "AuditEvent" and (d := known.get((c.change, c.target))) is not None and not d.by_hand
    ]
    kept: list[ChangeView] = []
    for change in ordered:
        same = groups.get(change.target, change.target)
        if change.change.kind == "StateVersion" and any(
            groups.get(c.target, c.target) == same and 0 <= change.at - c.at <= _SOON for c in calls
        ):
            continue
        kept.append(change)
    return kept
