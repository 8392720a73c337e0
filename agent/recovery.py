"""A revert of a suspect, merged, and the alert's end after it: reason enough to ask a person, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from agent.evidence import text_of
from agent.investigation import Investigation
from agent.memory_facts import CauseRefs
from agent.memory_shape import names_of
from agent.shipments import moment
from agent.signals import Signal, signals
from graph.clock import SECOND, Instant, instant, rfc3339
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Limits, View

_HOUR: Instant = 3_600 * SECOND
_RECOVERS_WITHIN: Instant = 12 * _HOUR
"""An alert that ends later than so long after the revert ended for another reason."""
_STARTED_BEFORE: Instant = 2 * _HOUR
_STARTED_AFTER: Instant = _HOUR // 2
_ROWS = Limits(rows=2_000, deadline_s=10.0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """A cause was reverted, and everything that had fired ended after that. `labels`: of what says so."""

    reverted_by: EntityRef
    reverted_at: Instant
    recovered_at: Instant
    words: str
    labels: tuple[str, ...]


def recovery_of(store: GraphStore, view: View, result: Investigation, cause: CauseRefs) -> Recovery | None:
    """The recovery after the merged revert of a cause; None when it was not reverted, nothing fired, or something fires on."""
    now = View(None, view.known_at, view.audience)
    asked = [EntityRef(r) for r in (cause.change, *cause.also) if r]
    names = sorted({r for known in names_of(store, now, asked).values() for r in known if r.kind == "Commit"})
    edges = store.neighbours(names, now, _ROWS, types=("REVERTS",), direction="in").items if names else ()
    detected = instant(result.detected_at)
    fired = _fired(store, now, result, detected)
    ends = [s.ended_at for s in fired]
    if not fired or not edges or any(end is None for end in ends):
        return None
    recovered = max(end for end in ends if end is not None)
    for revert in store.entities(sorted({e.src for e in edges}), now):
        landed = _landed(revert)
        if detected < landed <= recovered <= landed + _RECOVERS_WITHIN:
            names_ = ", ".join(sorted({s.label for s in fired})[:3])
            words = f"reverted by {revert.ref.id[:12]} at {rfc3339(landed)}; {names_} ended at {rfc3339(recovered)}"
            signal_views = store.entities([s.ref for s in fired], now)
            labels = {s.label for e in (revert, *signal_views) for s in e.statements}
            return Recovery(revert.ref, landed, recovered, words, tuple(sorted(labels)))
    return None


def _fired(store: GraphStore, view: View, result: Investigation, detected: Instant) -> tuple[Signal, ...]:
    """The alerts and incidents that the symptom is about; else those of its services that began about then."""
    named = {a.ref for a in result.anchors}
    known = signals(store, view).between(detected - 24 * _HOUR, detected + _STARTED_AFTER)
    about = tuple(s for s in known if s.ref in named)
    if about:
        return about
    services = {a.label.casefold() for a in result.anchors if a.ref.startswith("Service:")}
    return tuple(
        s
        for s in known
        if s.started_at >= detected - _STARTED_BEFORE
        and s.service.casefold() in services
        and (not s.environment or not result.environment or s.environment == result.environment)
    )


def _landed(commit: EntityView) -> Instant:
    """When it came to the mainline."""
    told = moment(text_of(commit.properties, "merged_at"))
    return told if told is not None else min(s.valid_from for s in commit.statements)
