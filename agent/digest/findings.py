"""Findings that scans stored (drift, waste), as of moments: which are new, still open, gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agent.digest.model import Severity
from agent.evidence import text_of
from agent.shipments import moment
from graph.clock import DAY, Instant
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Limits, Provenance, View

_LIMITS = Limits(rows=50_000, deadline_s=20.0)
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""The worst first."""
_ORDER: Mapping[str, int] = {severity: i for i, severity in enumerate(SEVERITIES)}
_LOOKS = 6
"""So many times between a window's begin and end are looked at for what came and went within it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One finding as stored. `opened_at` is when a scan saw it first; `citations` is the JSON of what `result` cites."""

    ref: EntityRef
    finding_id: str
    kind: str
    state: str
    severity: str
    environment: str
    title: str
    opened_at: Instant
    result: str
    citations: str
    currency: str
    said: Provenance

    def age_days(self, at: Instant) -> float:
        """Days since it was seen first."""
        return max(0, at - self.opened_at) / DAY


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one type in a window: `new` are open at its end and were not at its begin, `old` are at both, `gone` no more at its end."""

    new: tuple[Kept, ...]
    old: tuple[Kept, ...]
    gone: tuple[Kept, ...]
    at_begin: tuple[Kept, ...]

    @property
    def open(self) -> tuple[Kept, ...]:
        """Those that are open at the window's end."""
        return (*self.new, *self.old)


def findings(store: GraphStore, view: View, type_: str, since: Instant, until: Instant) -> Findings:
    """Findings of a type (drift, waste, risk) in a window. What came and went between two looks is not seen."""
    end = _at(store, view, type_)
    begin = _at(store, replace(view, as_of=since - 1), type_)
    between: dict[EntityRef, Kept] = {}
    step = (until - since) // (_LOOKS + 1)
    for i in range(1, _LOOKS + 1):
        between |= _at(store, replace(view, as_of=since + i * step), type_)
    gone = {r: k for r, k in {**between, **begin}.items() if r not in end}
    return Findings(
        new=_ordered(k for r, k in end.items() if r not in begin),
        old=_ordered(k for r, k in end.items() if r in begin),
        gone=_ordered(gone.values()),
        at_begin=_ordered(begin.values()),
    )


def _at(store: GraphStore, view: View, type_: str) -> dict[EntityRef, Kept]:
    return {e.ref: _kept(e) for e in store.select("Finding", {"type": [type_]}, view, _LIMITS).items}


def _ordered(some: Iterable[Kept]) -> tuple[Kept, ...]:
    return tuple(sorted(some, key=lambda k: (_ORDER.get(k.severity, len(_ORDER)), k.environment, k.title, k.ref)))


def _kept(entity: EntityView) -> Kept:
    said = entity.properties
    first = min(entity.statements, key=lambda s: (s.valid_from, s.provenance.source))
    newest = max(entity.statements, key=lambda s: (s.valid_from, s.provenance.observed_at))
    opened = moment(text_of(said, "first_seen_at"))
    return Kept(
        ref=entity.ref,
        finding_id=text_of(said, "finding_id"),
        kind=text_of(said, "kind"),
        state=text_of(said, "state"),
        severity=text_of(said, "severity"),
        environment=text_of(said, "environment"),
        title=text_of(said, "title"),
        opened_at=opened if opened is not None else first.valid_from,
        result=text_of(said, "result"),
        citations=text_of(said, "citations"),
        currency=text_of(said, "currency"),
        said=newest.provenance,
    )
