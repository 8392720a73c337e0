"""Did the parts between what was changed and what shows the symptom tell of trouble after the change?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.checks.alarms import alarms
from agent.checks.around import Around
from agent.checks.arrivals import arrivals, began_at
from agent.checks.onset import first_seen
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, clock, found, listed, nothing
from agent.evidence import inline, text_of
from agent.incident import Suspect
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import Limits, Provenance

if TYPE_CHECKING:
    from agent.scene import Scene

FIRST = 0.9
"""A part on the way failed after the change: the chain from cause to symptom is seen."""
EACH_MORE = 0.3
MOST = 1.5
QUIET = -0.3
"""Parts on the way that are watched told of nothing; rules are made for some failures only."""
BEFORE = -0.4
"""A part on the way had been failing before the change already."""
TELLING = frozenset(
    {
        "OOMKilling", "OOMKilled", "SystemOOM", "Evicted", "FailedScheduling", "BackOff", "CrashLoopBackOff", "Unhealthy", "Failed",
        "FailedMount", "FailedAttachVolume", "FailedCreate", "FailedCreatePodSandBox", "ImagePullBackOff", "ErrImagePull", "NodeNotReady",
        "InsufficientMemory", "InsufficientCPU", "FailedGetResourceMetric", "FailedRescale", "NotTriggerScaleUp", "NetworkNotReady",
        "DeadlineExceeded", "BackoffLimitExceeded", "SyncLoadBalancerFailed", "CannotStartContainerError", "FailedBinding", "ProvisioningFailed",
    }
)  # fmt: skip
"""Reasons of cluster events that tell of trouble, whatever their type says."""
_TOLERANCE: Instant = 2 * MINUTE
_ROWS = 4_000


@dataclass(frozen=True, slots=True)
class _Sign:
    at: Instant
    what: str
    part: EntityRef
    said: Provenance
    name: str = ""
    """Of the alert's own service, where it names one."""
    over_at: Instant | None = None


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    around = Around(scene)
    ways = {s.key: _way(s, around) for s in suspects}
    parts = frozenset(r for some in ways.values() for r in some)
    events = _events(scene, parts)
    carried = arrivals(scene, suspects)
    findings: dict[EntityRef, Finding] = {}
    for one in suspects:
        start = began_at(one, scene.symptom.environment, carried)
        findings[one.key] = _judged(scene, one, start, ways[one.key], events)
    return findings


def _way(one: Suspect, around: Around) -> frozenset[EntityRef]:
    """Every ref of what was changed and of what lies between it and the anchors, these left out."""
    return around.way(one.place) if one.place is not None and one.place.distance > 0 else frozenset()


def _judged(scene: Scene, one: Suspect, start: Instant, way: frozenset[EntityRef], events: Sequence[_Sign]) -> Finding:
    if one.place is None:
        return nothing("No path to what shows the symptom is known, so there is nothing between.", one.said[:1])
    if not way:
        return nothing("Nothing lies between what it changed and what shows the symptom.", one.said[:1])
    symptom = scene.symptom
    known = alarms(scene.store, scene.view)
    own = {a.ref for a in symptom.anchors}
    about = [a for a in known.about(way) if a.in_environment(symptom.environment) and a.signal.ref not in own]
    signs = [e for e in events if e.part in way]
    signs += [
        _Sign(
            a.at,
            inline(a.signal.label, 80),
            min(a.about & way),
            a.signal.said,
            inline(a.signal.service, 60),
            a.signal.ended_at,
        )
        for a in about
    ]
    near = symptom.at
    after = _once(s for s in signs if start - _TOLERANCE <= s.at <= near)
    if after:
        weight = min(FIRST + EACH_MORE * (len({s.part for s in after}) - 1), MOST)
        told = listed(f"{s.what} of {_named(scene, s)} at {clock(s.at, near)}" for s in after)
        lead = f"After it took effect at {clock(start, near)}, parts on the way to the symptom told of trouble"
        return found(weight, f"{lead}: {told}.", [s.said for s in after])
    still = _once(s for s in signs if s.at < start - _TOLERANCE and (s.over_at is None or s.over_at > start) and s.name)
    if still:
        first = still[0]
        reason = f"{first.what} of {_named(scene, first)} on the way to the symptom had been firing since {clock(first.at, near)}, before it took effect."
        return found(BEFORE, reason, [first.said])
    if known.watched(way):
        watched = sorted({_label(scene, r) for a in about for r in a.about & way})
        told = listed(watched) or "the parts on the way"
        return found(
            QUIET,
            f"{told} on the way to the symptom, which {'has' if len(watched) == 1 else 'have'} alerts, told of no trouble after it.",
            [a.signal.said for a in about],
        )
    return nothing("No alert or event of the parts on the way to the symptom is known.", one.said[:1])


def _once(signs: Iterable[_Sign]) -> list[_Sign]:
    """The first of each sort and part, oldest first."""
    first: dict[tuple[EntityRef, str], _Sign] = {}
    for sign in sorted(signs, key=lambda s: (s.at, s.part, s.what)):
        first.setdefault((sign.part, sign.what), sign)
    return list(first.values())


def _events(scene: Scene, parts: frozenset[EntityRef]) -> list[_Sign]:
    """Telling cluster events about these parts: two reads."""
    if not parts:
        return []
    edges = scene.store.neighbours(
        sorted(parts), scene.view, Limits(rows=_ROWS), types=("ABOUT",), direction="in"
    ).items
    about = {e.src: e.dst for e in edges if e.src.kind == "ClusterEvent"}
    if not about:
        return []
    signs: list[_Sign] = []
    for event in scene.store.entities(sorted(about), scene.view):
        reason = text_of(event.properties, "reason")
        if reason not in TELLING:
            continue
        seen = first_seen(event.properties)
        at = seen if seen is not None else min(s.valid_from for s in event.statements)
        signs.append(_Sign(at, f"the event {inline(reason, 40)}", about[event.ref], event.statements[0].provenance))
    return signs


def _named(scene: Scene, sign: _Sign) -> str:
    return sign.name or _label(scene, sign.part)


def _label(scene: Scene, ref: EntityRef) -> str:
    place = scene.surroundings.places.get(ref)
    return inline(place.label, 60) if place is not None else "a part"


CHECK = Asking("between", "whether the parts in between told of trouble after it", 1.0, 0.4, _weigh)
