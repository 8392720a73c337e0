"""The timeline of an incident: the cause and its way, other changes near it, alerts, messages that matter, and the detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.chain import Chain, Said, chain_around
from agent.culprit import Culprit, deployed, did, door, joined_refs, sentence
from agent.evidence import Citations, inline, text_of
from agent.incident import Suspect
from agent.investigation import Moment
from agent.narrative import best_messages
from agent.scene import Scene
from agent.shipments import moment
from agent.signals import Signal, signals
from graph.clock import DAY, SECOND, Instant, rfc3339
from graph.model import EntityRef
from graph.store import Limits

MOST = 15
_ALERTS = 4
_MESSAGES = 3
_OTHERS = 4
_QUOTED = 160
_NEAR_HOURS: Instant = 12 * 3_600 * SECOND
_NEAR_DAYS: Instant = 3 * DAY
_TWICE_WITHIN: Instant = 15 * 60 * SECOND
"""Alerts and incidents of one name that begin within so long are one, as several systems tell it."""
_ALERTS_BEFORE: Instant = 6 * 3_600 * SECOND
"""Alerts from so long before the cause on are told."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line and how much it matters; of lines with the same words the first is kept."""

    rank: int
    at: Instant
    what: str
    citations: tuple[str, ...]
    sort: str


def timeline(
    scene: Scene, cause: Culprit | None, others: Sequence[Suspect], citations: Citations
) -> tuple[tuple[Moment, ...], bool]:
    """At most `MOST` lines in order of time, each cited, and whether some were left out. `others`: the next suspects, likeliest first."""
    symptom = scene.symptom
    lines = [_Line(0, symptom.at, f"Detected: {inline(symptom.text, 160)}", _said_of(scene, citations), "detected")]
    if cause is not None:
        lines += _cause(scene, cause, citations)
    found = alerts_near(scene, cause.suspect.at if cause else symptom.since)
    for rank, one in enumerate(found[:_ALERTS]):
        where = f" ({', '.join(inline(p, 60) for p in (one.service, one.environment) if p)})" if one.service else ""
        what = f"{'Incident' if one.is_incident else 'Alert'} {inline(one.label, 100)}{where} began"
        lines.append(_Line(2 + rank // 2, one.started_at, what, (citations.cite(one.said),), "alert"))
    for rank, message in enumerate(_messages(scene, cause, found[:_ALERTS])):
        where = f" in #{inline(message.channel.lstrip('#'), 60)}" if message.channel else ""
        what = f"{inline(message.name, 60)}{where}: “{inline(message.text, _QUOTED)}”"
        lines.append(_Line(3 + rank, message.at, what, (citations.cite(message.said),), "message"))
    own = {cause.suspect.key} if cause else set[EntityRef]()
    near = [s for s in others if s.key not in own and s.said and _is_near(s, symptom.at)]
    for rank, suspect in enumerate(near[:_OTHERS]):
        what = f"Also {suspect.at_means or 'happened'}: {sentence(suspect.title, 140)}"
        lines.append(_Line(4 + rank, suspect.at, what, (citations.cite(suspect.said[0]),), "change"))
    kept = _kept(lines)
    ordered = sorted(kept[:MOST], key=lambda line: (line.at, line.sort == "detected", line.rank, line.what))
    moments = tuple(
        Moment(at=rfc3339(line.at), what=line.what, citations=line.citations, sort=line.sort) for line in ordered
    )
    return moments, len(kept) > MOST


def _is_near(suspect: Suspect, at: Instant) -> bool:
    """Whether another change is worth a line: of the hours before, or of days before when it lies near the symptom."""
    length = _NEAR_DAYS if suspect.place is not None else _NEAR_HOURS
    return at - length <= suspect.at <= at


def _kept(lines: Sequence[_Line]) -> list[_Line]:
    """The lines by how much they matter, each told once."""
    seen: set[tuple[Instant, str]] = set()
    kept: list[_Line] = []
    for line in sorted(lines, key=lambda line: (line.rank, line.at, line.what)):
        if (line.at, line.what) not in seen:
            seen.add((line.at, line.what))
            kept.append(line)
    return kept


def _said_of(scene: Scene, citations: Citations) -> tuple[str, ...]:
    """Where the symptom can be read, when an anchor was read from a source."""
    said = next((a.said for a in scene.symptom.anchors if a.said is not None), None)
    return (citations.cite(said),) if said is not None else ()


def _cause(scene: Scene, cause: Culprit, citations: Citations) -> list[_Line]:
    """The cause and its way to where it took effect."""
    suspect = cause.suspect
    cites = cause.main.citations if cause.main else tuple(citations.cite(s) for s in suspect.said[:1])
    lines: list[_Line] = []
    for request in cause.chain.requests[:1]:
        created = moment(text_of(request.properties, "created_at"))
        number, title = request.properties.get("number"), text_of(request.properties, "title")
        if created is not None:
            what = f"Pull request #{number} “{inline(title, 100)}” opened"
            lines.append(_Line(3, created, what, (citations.cite(request.statements[0].provenance),), "request"))
    lines += [
        _Line(3, step.at, f"Approved by {inline(step.name, 60)}", (citations.cite(step.said),), "request")
        for step in cause.chain.approvals[-1:]
    ]
    by = inline(cause.by, 80)
    who = f"{by} {did(cause)}" if by else did(cause)[:1].upper() + did(cause)[1:]
    if suspect.change is None:
        lines.append(_Line(0, suspect.at, f"{sentence(suspect.title)} {suspect.at_means}".strip(), cites, suspect.kind))
        return [line for line in lines if line.at <= scene.symptom.at]
    came = suspect.merged_at if suspect.change.kind == "Commit" and suspect.merged_at is not None else None
    way = f" (#{cause.request.number})" if cause.request else f", {door(cause)}" if door(cause) else ""
    if came is not None and came != suspect.at:
        lines.append(_Line(1, came, f"{who}{way}", cites, "change"))
        arrived = f"It was {suspect.at_means or 'in effect'}"
        if cause.environment:
            arrived += (
                f" {'in' if suspect.at_means not in ('deployed', 'applied') else 'to'} {inline(cause.environment, 40)}"
            )
        carried = [s for s in cause.arrivals if s.at == suspect.at]
        cites = tuple(citations.cite(s.said) for s in carried[:1]) or cites
        lines.append(_Line(0, suspect.at, arrived, cites, "arrived"))
    else:
        lines.append(_Line(0, suspect.at, f"{who}{way}", cites, "change"))
    for one in cause.arrivals:
        if one.at != suspect.at and one.at <= scene.symptom.at:
            text = deployed(one)
            what = f"{text[:1].upper()}{text[1:]}"
            lines.append(_Line(2, one.at, what, (citations.cite(one.said),), "arrived"))
    return [line for line in lines if line.at <= scene.symptom.at]


def alerts_near(scene: Scene, cause_at: Instant) -> list[Signal]:
    """Alerts and incidents between shortly before the cause and the detection that are about what lies near the symptom; nearest first."""
    symptom = scene.symptom
    since = max(min(cause_at, symptom.at) - _ALERTS_BEFORE, symptom.since - _ALERTS_BEFORE)
    found = [
        s
        for s in signals(scene.store, scene.view).between(since, symptom.at + 1)
        if not s.by_hindsight
        if not s.environment or not symptom.environment or s.environment == symptom.environment
    ]
    if not found:
        return []
    anchors = {a.ref for a in symptom.anchors}
    edges = scene.store.neighbours(
        sorted({s.ref for s in found}), scene.view, Limits(rows=2_000), types=("ABOUT",), direction="out"
    ).items
    about: dict[EntityRef, list[EntityRef]] = {}
    for edge in edges:
        about.setdefault(edge.src, []).append(edge.dst)
    names = {p.label: p.distance for p in scene.surroundings.places.values() if p.ref.kind == "Service"}

    def distance(one: Signal) -> float:
        if one.ref in anchors:
            return -1.0
        place = scene.surroundings.of(about.get(one.ref, ()))
        return min(place.distance if place is not None else 99.0, names.get(one.service, 99.0))

    near = [(distance(s), s) for s in found]
    ordered = sorted(near, key=lambda p: (p[0], abs(symptom.at - p[1].started_at), p[1].ref))
    return _once([s for d, s in ordered if d < 99.0])


def _once(found: Sequence[Signal]) -> list[Signal]:
    kept: list[Signal] = []
    for one in found:
        twin = (k for k in kept if k.label.casefold() == one.label.casefold() and k.is_incident == one.is_incident)
        if not any(abs(k.started_at - one.started_at) <= _TWICE_WITHIN for k in twin):
            kept.append(one)
    return kept


def _messages(scene: Scene, cause: Culprit | None, alerts: Sequence[Signal]) -> list[Said]:
    """The messages that say most about the cause, and of what was said about the alerts."""
    found: list[Said] = []
    if cause is not None and cause.said:
        found += best_messages(Chain(messages=cause.said), 2, before=scene.symptom.at)
    if alerts:
        refs = sorted({r for refs in joined_refs(scene, [a.ref for a in alerts]).values() for r in refs})
        talk = [m for m in chain_around(scene.store, scene.view, refs).messages if m.at <= scene.symptom.at]
        if talk:
            found += best_messages(Chain(messages=tuple(talk)), _MESSAGES - min(len(found), 2))
    return list({m.ref: m for m in found}.values())[:_MESSAGES]
