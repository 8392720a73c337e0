"""Alerts by what they are about, and whether one is of the symptom's sort."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.cached import PerView
from agent.incident import Symptom, SymptomClass
from agent.signals import Signal, signals
from agent.symptom_words import read_classes
from graph.clock import Instant
from graph.model import EntityRef, ref
from graph.store import GraphStore, Limits, View

_MOST = 5_000
_ROWS = 30_000
_CHARS = 400
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert's firing with every ref of what it is about."""

    signal: Signal
    about: frozenset[EntityRef]

    @property
    def at(self) -> Instant:
        """When it began."""
        return self.signal.started_at

    def fires_at(self, at: Instant) -> bool:
        """Whether it was firing at this moment."""
        return self.at <= at and (self.signal.ended_at is None or self.signal.ended_at > at)

    def in_environment(self, environment: str) -> bool:
        """Whether it can be of this environment: it is, or one of the two is not known."""
        return not environment or self.signal.environment in (environment, "")


class Alarms:
    """The newest alerts of a view, oldest first. `cut`: there are older ones."""

    def __init__(self, found: Sequence[Alarm], *, cut: bool = False) -> None:
        self.all = tuple(sorted(found, key=lambda a: (a.at, a.signal.ref)))
        self.cut = cut

    @cached_property
    def environments(self) -> frozenset[str]:
        """Environments of which any alert is known."""
        return frozenset(a.signal.environment for a in self.all) - {""}

    @cached_property
    def _by_ref(self) -> dict[EntityRef, list[int]]:
        found: dict[EntityRef, list[int]] = {}
        for i, alarm in enumerate(self.all):
            for about in sorted(alarm.about):
                found.setdefault(about, []).append(i)
        return found

    def about(self, refs: Iterable[EntityRef]) -> list[Alarm]:
        """Those about any of these, oldest first."""
        chosen = sorted({i for r in refs for i in self._by_ref.get(r, ())})
        return [self.all[i] for i in chosen]

    def watched(self, refs: Collection[EntityRef]) -> bool:
        """Whether any alert about these is known, at any time."""
        return any(r in self._by_ref for r in refs)


def _read(store: GraphStore, view: View) -> Alarms:
    fired = [s for s in signals(store, view).all if not s.is_incident]
    newest = fired[-_MOST:]
    refs = [s.ref for s in newest]
    edges = (
        store.neighbours(refs, view, Limits(rows=_ROWS, deadline_s=10.0), types=("ABOUT",), direction="out").items
        if refs
        else ()
    )
    about: dict[EntityRef, set[EntityRef]] = {}
    for edge in edges:
        if edge.dst.kind != "Environment":
            about.setdefault(edge.src, set()).add(edge.dst)
    joined = {
        r: e.refs for e in store.entities(sorted({r for some in about.values() for r in some}), view) for r in e.refs
    }
    return Alarms([Alarm(s, _about(s, about.get(s.ref, ()), joined)) for s in newest], cut=len(fired) > len(newest))


def _about(
    signal: Signal, told: Iterable[EntityRef], joined: dict[EntityRef, tuple[EntityRef, ...]]
) -> frozenset[EntityRef]:
    named = (ref("Service", signal.service),) if signal.service else ()
    return frozenset(r for end in (*told, *named) for r in (end, *joined.get(end, ())))


alarms = PerView(_read)
"""The alerts of a view with what they are about; kept while nothing new is recorded."""


def sorts_of(signal: Signal) -> frozenset[SymptomClass]:
    """The classes of symptom that an alert's name and summary tell."""
    return frozenset(c.name for c in read_classes(f"{signal.name} {signal.title}"[:_CHARS]) if c.confidence >= _SURE)


def alike(signal: Signal, symptom: Symptom, anchored: Collection[str] = ()) -> bool:
    """Whether an alert is of the symptom's sort: of the same rule as one that it is anchored by, or of one of its classes."""
    if signal.name and signal.name in anchored:
        return True
    return not sorts_of(signal).isdisjoint(symptom.class_names)
