"""Incidents of a view, each once: what an on-call tool says of it and its write-up are one; with their causes as stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.cached import PerView
from agent.signals import Signal, signals
from graph.clock import SECOND, Instant
from graph.model import EntityRef
from graph.store import GraphStore, Limits, Provenance, RelationView, View

_SAME_WITHIN: Instant = 2 * 3_600 * SECOND
_LIMITS = Limits(rows=50_000, deadline_s=20.0)


@dataclass(frozen=True, slots=True)
class Told:
    """An incident under all its refs. `causes` are the changes that are stated to have caused it, `said` where each telling can be read."""

    refs: tuple[EntityRef, ...]
    title: str
    number: str
    service: str
    environment: str
    severity: str
    started_at: Instant
    ended_at: Instant | None
    cause: str
    fix: str
    said: tuple[Provenance, ...]
    causes: tuple[RelationView, ...] = ()

    @property
    def label(self) -> str:
        """What to call it."""
        return f"#{self.number} “{self.title}”" if self.number else f"“{self.title}”"


def _read(store: GraphStore, view: View) -> tuple[Told, ...]:
    found = [s for s in signals(store, view).all if s.is_incident]
    if not found:
        return ()
    edges = store.neighbours([s.ref for s in found], view, _LIMITS, types=("CAUSED_BY", "MENTIONS"), direction="out")
    linked = {(e.src, e.dst) for e in edges.items if e.type == "MENTIONS" and e.dst.kind == "Incident"}
    causes: dict[EntityRef, list[RelationView]] = {}
    for edge in edges.items:
        if edge.type == "CAUSED_BY":
            causes.setdefault(edge.src, []).append(edge)
    groups: list[list[Signal]] = []
    for one in found:
        home = next((g for g in groups if any(_same(one, other, linked) for other in g)), None)
        groups.append([one]) if home is None else home.append(one)
    told = [_told(g, [c for s in g for c in causes.get(s.ref, ())]) for g in groups]
    return tuple(sorted(told, key=lambda t: (t.started_at, t.refs)))


incidents = PerView(_read)
"""All incidents that are visible in a view, oldest first."""


def _same(a: Signal, b: Signal, linked: set[tuple[EntityRef, EntityRef]]) -> bool:
    if (a.ref, b.ref) in linked or (b.ref, a.ref) in linked:
        return abs(a.started_at - b.started_at) <= 12 * _SAME_WITHIN
    # One tool opens two incidents only for two things; a write-up is of one that a tool opened.
    if a.by_hindsight == b.by_hindsight or abs(a.started_at - b.started_at) > _SAME_WITHIN:
        return False
    return not a.service or not b.service or a.service == b.service


def _told(group: Sequence[Signal], causes: Sequence[RelationView]) -> Told:
    """The tool's own times before those of a write-up, which are rounded; the write-up's words before the tool's."""
    first = min(group, key=lambda s: (s.by_hindsight, s.started_at, s.ref))
    words = sorted(group, key=lambda s: (not s.by_hindsight, s.ref))
    ends = [s.ended_at for s in (first, *group) if s.ended_at is not None]
    unique = {(c.type, c.dst): c for c in causes}
    return Told(
        refs=tuple(sorted(s.ref for s in group)),
        title=first.title or first.label,
        number=next((n for s in group if (n := s.number)), ""),
        service=next((s.service for s in (first, *group) if s.service), ""),
        environment=next((s.environment for s in (first, *group) if s.environment), ""),
        severity=next((s.severity for s in words if s.severity), ""),
        started_at=first.started_at,
        ended_at=ends[0] if ends else None,
        cause=next((s.cause for s in words if s.cause), ""),
        fix=next((s.fix for s in words if s.fix), ""),
        said=tuple(s.said for s in sorted(group, key=lambda s: (s.by_hindsight, s.ref))),
        causes=tuple(unique[k] for k in sorted(unique)),
    )
