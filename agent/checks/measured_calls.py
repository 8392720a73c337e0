"""Who depends on whom around a symptom: calls that traces saw, and what the graph has of dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from agent.checks.measured import DEADLINE_S, MEASURED, NAMES, note_unseen
from agent.checks.weighing import HOUR
from agent.metric_rank import MAX_HOPS
from graph.clock import Instant
from graph.observations import EdgeQuery
from graph.store import Limits, Provenance

if TYPE_CHECKING:
    from agent.observations import Observations
    from agent.scene import Scene

_LENGTH: Instant = 3 * HOUR
"""Calls of so long before the symptom; some backends answer for six hours at most."""
_ROWS = 6_000


@dataclass(frozen=True, slots=True)
class Calls:
    """Who depends on whom, by name.

    Attributes:
        of: caller -> callees, sorted; calls that were seen and dependencies that are known, together.
        reached: callees of what the symptom is about that lie on a way told by surroundings alone.
        beyond: names that calls lead to from what the symptom is about, nearest first, and that the graph does not know.
        said: a seen call -> where it can be read.
    """

    of: Mapping[str, Sequence[str]]
    reached: Sequence[str]
    beyond: Sequence[str]
    said: Mapping[tuple[str, str], Provenance]

    def seen_from(self, target: str) -> Mapping[str, Sequence[str]]:
        """The same with `target` at its head: all that the symptom is about is that part's."""
        return {**self.of, target: sorted({*self.of.get(target, ()), *self.reached} - {target})}


def calls_around(scene: Scene, observations: Observations, ours: Sequence[str], names: Sequence[str]) -> Calls:
    """What these names call and depend on, as of the symptom."""
    by_name = {n.casefold(): n for n in reversed(names)}
    found: dict[str, set[str]] = {}
    said: dict[tuple[str, str], Provenance] = {}
    until = scene.symptom.at
    answer = observations.edges(EdgeQuery(since=until - _LENGTH, until=until, deadline_s=DEADLINE_S))
    note_unseen(scene, "the service graph", answer)
    for edge in answer.edges:
        caller, callee = (by_name.get(n.casefold(), n) for n in (edge.caller, edge.callee))
        if caller != callee:
            found.setdefault(caller, set()).add(callee)
            seen = edge.seen
            told = Provenance(seen.source, caller, seen.locator, seen.observed_at, seen.url)
            said.setdefault((caller, callee), told)
    beyond = [n for n in _reachable(found, ours) if n.casefold() not in by_name]
    reached = _declared(scene, ours, by_name, found)
    return Calls({n: sorted(c) for n, c in sorted(found.items())}, reached, tuple(beyond[:NAMES]), said)


def _declared(
    scene: Scene, ours: Sequence[str], by_name: Mapping[str, str], found: dict[str, set[str]]
) -> tuple[str, ...]:
    """Add what the graph has, in one read; what of it follows directly on what the symptom is about, and the rest of that."""
    places = {
        ref: place
        for ref, place in scene.surroundings.places.items()
        if ref.kind in MEASURED and place.direction != "downstream" and place.label.casefold() in by_name
    }
    labels = {ref: by_name[place.label.casefold()] for ref, place in places.items()}
    page = scene.store.neighbours(
        sorted(places), scene.view, Limits(rows=_ROWS), types=("DEPENDS_ON", "RUNS_ON"), direction="out"
    )
    for edge in page.items:
        caller, callee = labels.get(edge.src), labels.get(edge.dst)
        if caller is not None and callee is not None and caller != callee:
            found.setdefault(caller, set()).add(callee)
    first = set(ours)
    for ref, place in places.items():
        way = [labels[r] for r in (*place.via, ref) if r in labels and labels[r] not in ours]
        first.update(way[:1])
        for caller, callee in pairwise(way):
            if caller != callee:
                found.setdefault(caller, set()).add(callee)
    return tuple(sorted(first))


def _reachable(calls: Mapping[str, set[str]], ours: Sequence[str]) -> list[str]:
    """Everything that calls lead to, nearest first."""
    order = dict.fromkeys(ours)
    edge = list(ours)
    for _ in range(MAX_HOPS):
        edge = [c for c in dict.fromkeys(c for n in edge for c in sorted(calls.get(n, ()))) if c not in order]
        order.update(dict.fromkeys(edge))
    return list(order)
