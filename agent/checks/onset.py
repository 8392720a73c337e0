"""When the symptom began, as well as it is known, and how long a cause of its sort takes to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.checks.alarms import Alarm, alarms, alike
from agent.checks.around import Around
from agent.checks.weighing import HOUR, MINUTE
from agent.evidence import inline
from agent.incident import Symptom, SymptomClass
from agent.shipments import moment
from agent.signals import Signal, signals
from agent.times import read_times
from graph.clock import DAY, Instant
from graph.store import Provenance

if TYPE_CHECKING:
    from agent.scene import Scene

_TEXT_CHARS = 2_000
_SAME: Instant = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class Onset:
    """When the symptom began.

    Attributes:
        at: the moment; when it was detected, if nothing tells of an earlier one.
        what: what tells so, as part of a sentence: 'the alert CheckoutErrors fired'.
        firm: an alert or the symptom's own words tell so.
        name: the alert's rule.
    """

    at: Instant
    what: str
    firm: bool
    name: str = ""
    said: Provenance | None = None


def onset(scene: Scene) -> Onset:
    """When the symptom began: its alert's start, else the time that its text names, else when it was detected.

    Of a time told and an alert's the earlier counts, unless the alert is much older: then it is about something else, too.
    """
    symptom = scene.symptom
    told = _told(symptom)
    first = _first_alert(scene)
    if first is not None and (told is None or told - _SAME <= first.started_at <= told):
        kind = "incident" if first.is_incident else "alert"
        return Onset(first.started_at, f"the {kind} {inline(first.label, 80)} began", True, first.name, first.said)
    if told is not None:
        return Onset(told, "the symptom is told to have begun", True)
    return Onset(symptom.at, "the symptom was detected", False)


def _first_alert(scene: Scene) -> Signal | None:
    """The first to fire of the alerts that the symptom is about as surely as about any."""
    symptom = scene.symptom
    sure = {a.ref: a.confidence for a in symptom.anchors if a.ref.kind in ("Alert", "Incident")}
    if not sure:
        return None
    best = max(sure.values())
    known = signals(scene.store, scene.view).all
    fits = [s for s in known if sure.get(s.ref, 0.0) >= best - 0.15 and s.ref in sure and s.started_at <= symptom.at]
    return min(fits, key=lambda s: (s.started_at, s.ref), default=None)


def _told(symptom: Symptom) -> Instant | None:
    """The clock time in 'since 14:02'; a date alone names no onset."""
    times = read_times(symptom.text[:_TEXT_CHARS], symptom.at)
    at = times.since if times.since is not None else times.at
    if at is None or at % DAY == 0 or not symptom.at - DAY <= at <= symptom.at:
        return None
    return at


def anchored_names(scene: Scene) -> frozenset[str]:
    """The rules of the alerts that the symptom is anchored by."""
    refs = {a.ref for a in scene.symptom.anchors if a.ref.kind == "Alert"}
    found = (s for s in signals(scene.store, scene.view).all if s.ref in refs) if refs else ()
    return frozenset(s.name for s in found) - {""}


def own_alarms(scene: Scene) -> list[Alarm]:
    """Alerts about what the symptom is about, of its environment and of its sort, oldest first."""
    names = anchored_names(scene)
    found = alarms(scene.store, scene.view).about(Around(scene).own)
    symptom = scene.symptom
    return [
        a
        for a in found
        if a.at <= symptom.at and a.in_environment(symptom.environment) and alike(a.signal, symptom, names)
    ]


# -- how long a cause takes to show


@dataclass(frozen=True, slots=True)
class Lag:
    """Within `usual` most causes show, within `most` nearly all."""

    usual: Instant
    most: Instant


_PROMPT = Lag(15 * MINUTE, 3 * HOUR)
"""What is refused is refused as soon as the change is in effect; rules wait some minutes before they fire."""
_SOON = Lag(45 * MINUTE, 12 * HOUR)
"""Caches, sessions and names live for their time, load must come."""
_SLOW = Lag(24 * HOUR, 7 * DAY)
"""What fills up or adds up."""
_UNKNOWN = Lag(2 * HOUR, 3 * DAY)

LAGS: Mapping[SymptomClass, Lag] = {
    "errors": _PROMPT,
    "refused": _PROMPT,
    "access_denied": _PROMPT,
    "authentication": _SOON,
    "tls": _PROMPT,
    "timeouts": _SOON,
    "latency": _SOON,
    "dns": _SOON,
    "unavailable": _PROMPT,
    "crash_loop": _PROMPT,
    "build": _PROMPT,
    "throttled": _SOON,
    "unscheduled": _SOON,
    "cpu": _SOON,
    "oom": _SLOW,
    "disk": _SLOW,
    "data": _SLOW,
    "cost": Lag(3 * DAY, 31 * DAY),
    "queue_lag": _SLOW,
    "connections": _SLOW,
}
"""How long each class of symptom takes from what caused it."""


def lag_of(symptom: Symptom) -> Lag:
    """The lag of the symptom's classes: the longest of those that were read about as surely as the surest."""
    if not symptom.classes:
        return _UNKNOWN
    best = max(c.confidence for c in symptom.classes)
    sure = [LAGS[c.name] for c in symptom.classes if c.confidence >= best - 0.2]
    return max(sure, key=lambda lag: (lag.most, lag.usual))


def first_seen(properties: Mapping[str, object]) -> Instant | None:
    """When an event of a cluster was first seen."""
    value = properties.get("first_seen_at")
    return moment(value) if isinstance(value, str) else None
