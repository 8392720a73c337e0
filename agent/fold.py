"""One intent, told once: what a commit brought about (an apply, a state version, the calls it made) is told with the commit.

The history of a thing that code declares holds commits, state versions and audit events. Who asks who changed it means the commit,
or the hand that went around it; the rest is how it got there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.doors import Door, doors
from agent.lineage import COSMETIC, Lineage, effect
from graph.clock import DAY, Instant
from graph.model import EntityRef
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, View

_SOON = DAY // 24
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
    calls = _Calls(store, view)
    for change in lineage.changes:
        if _is_intent(change, known):
            continue
        intent = _intent_of(change, intents, groups)
        if intent is None or intent.change.kind == "Commit":
            call = calls.before(change)
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
    return Folded(Lineage(tuple(_without_repeats(ordered)), lineage.cut), told, known)


def _is_intent(change: ChangeView, known: Mapping[Key, Door]) -> bool:
    if change.change.kind == "StateVersion":
        return False
    door = known.get((change.change, change.target))
    return door is None or door.by_hand


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
        if same and intent.at <= change.at and change.at - intent.at <= _patience(intent):
            return intent
    return None


def _patience(intent: ChangeView) -> Instant:
    return _LATE if intent.change.kind == "Commit" else _SOON


def _without_repeats(ordered: Sequence[ChangeView]) -> list[ChangeView]:
    """Unexplained calls of one apply on one thing together make one change: a state version stands for the calls beside it."""
    kept: list[ChangeView] = []
    for change in ordered:
        beside = kept[-1] if kept else None
        if (
            beside is not None
            and {beside.change.kind, change.change.kind} == {"StateVersion", "AuditEvent"}
            and beside.at - change.at <= _SOON
            and change.change.kind == "AuditEvent"
        ):
            continue
        kept.append(change)
    return kept
