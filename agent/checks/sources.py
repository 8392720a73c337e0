"""How far had the sources been read? It weighs nothing: what was not read can tell neither for nor against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.cached import PerView
from agent.checks.weighing import HOUR, Asking, Findings, clock, listed, nothing, span
from agent.incident import Suspect
from agent.investigation import Coverage
from agent.memory_facts import ScopeRead
from graph.clock import DAY, Instant, rfc3339

if TYPE_CHECKING:
    from agent.scene import Scene

INVENTORIES = frozenset(
    {
        "terraform_state", "terraform_plan", "pulumi", "cloudformation", "aws", "azure", "gcp", "kubernetes", "catalog", "documents",
        "secrets",
    }
)  # fmt: skip
"""Sources that are looked at from time to time: what they told yesterday mostly holds. All others tell events as they happen."""
OURS = frozenset({"identity", "people", "investigator"})
"""What is worked out from other sources is as fresh as these."""
EVENTS_STALE: Instant = HOUR
INVENTORY_STALE: Instant = DAY


_scopes = PerView(
    lambda store, _: tuple(ScopeRead(source=s.source, scope=s.scope, fresh_until=s.fresh_until) for s in store.scopes())
)
"""How far each source and scope was read; asked for once a record."""


def scopes_read(scene: Scene) -> tuple[ScopeRead, ...]:
    """How far each source and scope had been read when the investigation was run; our own conclusions are none of them."""
    known = _scopes(scene.store, scene.view) if scene.scopes is None else scene.scopes
    return tuple(sorted((s for s in known if s.source not in OURS), key=lambda s: (s.source, s.scope)))


def coverage(scene: Scene) -> tuple[Coverage, ...]:
    """How far each source and scope had been read, by name. Times after the symptom are given as the symptom's.

    `stale` ends more than an hour before the symptom (a day, of inventories); `unavailable` was never read to an end. The store keeps no
    freshness of earlier records, so what it says now is recorded with an investigation, and a replay goes by that.
    """
    at = scene.symptom.at
    return tuple(
        Coverage(
            source=name,
            fresh_until=rfc3339(min(fresh, at)) if fresh is not None else None,
            status="unavailable" if fresh is None else "stale" if _is_stale(source, fresh, at) else "ok",
        )
        for name, source, fresh in _rows(scene)
    )


def _rows(scene: Scene) -> list[tuple[str, str, Instant | None]]:
    """Name, source and freshness of each scope that was read as a whole; of a source of which none was, of its scopes without their parts."""
    by_source: dict[str, list[ScopeRead]] = {}
    for one in scopes_read(scene):
        by_source.setdefault(one.source, []).append(one)
    rows: dict[str, tuple[str, Instant | None]] = {}
    for source, scopes in by_source.items():
        # Parts of a scope (`scope#part`, a repository of an organisation) state no freshness of their own.
        whole = [(s.scope, s.fresh_until) for s in scopes if s.fresh_until is not None]
        for scope, fresh in whole or [(s.scope.partition("#")[0], None) for s in scopes]:
            rows[f"{source}:{scope}" if scope else source] = (source, fresh)
    return [(name, source, fresh) for name, (source, fresh) in sorted(rows.items())]


def _is_stale(source: str, fresh: Instant, at: Instant) -> bool:
    return fresh < at - (INVENTORY_STALE if source in INVENTORIES else EVENTS_STALE)


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    at = scene.symptom.at
    rows = _rows(scene)
    dated = sorted((fresh, name, source) for name, source, fresh in rows if fresh is not None)
    late = [
        f"{name} ends {span(at - fresh)} before ({clock(fresh, at)})"
        for fresh, name, source in dated
        if _is_stale(source, fresh, at)
    ]
    never = [name for name, _, fresh in rows if fresh is None]
    told = "; ".join(x for x in (listed(late), f"{listed(never)} never came to an end" if never else "") if x)
    if told:
        finding = nothing(f"Not everything could be seen: {told}.")
    elif rows:
        finding = nothing("Every source was read up to the symptom.")
    else:
        finding = nothing("No source says how far it was read.")
    return {s.key: finding for s in suspects}


CHECK = Asking("sources", "how far the sources were read", 0.5, 0.0, _weigh)
