"""Did it run out before the symptom, does the failing part use it, and was it renewed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agent.checks.onset import onset
from agent.checks.weighing import MINUTE, Asking, Finding, Findings, clock, found, listed, nothing, span
from agent.evidence import inline, text_of
from agent.incident import Suspect
from agent.shipments import moment
from graph.clock import Instant
from graph.model import EntityRef
from graph.store import EntityView, Limits
from graph.text import name_tokens

if TYPE_CHECKING:
    from agent.scene import Scene

NAMED = 2.2
"""The symptom or its alert names the very thing that ran out: hardly chance."""
IN_USE = 1.4
"""What fails, or what it directly depends on, uses it."""
FARTHER = 0.6
UNTIED = -0.9
"""Nothing ties it to what fails: much that nobody uses any more runs out unnoticed."""
RENEWED = -2.5
"""There was a valid one of the same name by then; that it was not installed everywhere is the rest."""
NOT_YET = -4.0
_SLACK: Instant = 10 * MINUTE
"""Clients whose clock is fast refuse some minutes early."""
_ROWS = 2_000


def _weigh(scene: Scene, suspects: Sequence[Suspect]) -> Findings:
    asked = [s for s in suspects if s.kind == "expiry"]
    others = nothing("It is nothing that runs out.")
    findings: dict[EntityRef, Finding] = {s.key: others for s in suspects}
    targets = sorted({s.target for s in asked if s.target is not None})
    if not targets:
        return findings
    known = {r: e for e in scene.store.entities(targets, scene.view) for r in e.refs}
    names = sorted({n for s in asked if (n := _name(s, known))})
    page = scene.store.select("Credential", {"name": list(names)}, scene.view, Limits(rows=_ROWS)) if names else None
    alike: dict[str, list[EntityView]] = {}
    for one in page.items if page is not None else ():
        alike.setdefault(text_of(one.properties, "name"), []).append(one)
    began = onset(scene).at
    for one in asked:
        findings[one.key] = _judged(scene, one, known, alike.get(_name(one, known), ()), began)
    return findings


def _judged(
    scene: Scene, one: Suspect, known: Mapping[EntityRef, EntityView], alike: Sequence[EntityView], began: Instant
) -> Finding:
    near = scene.symptom.at
    entity = known.get(one.target) if one.target is not None else None
    told = moment(text_of(entity.properties, "expires_at")) if entity is not None else None
    expires = told if told is not None else one.at
    name = inline(_name(one, known) or one.title, 80)
    said = [*(s.provenance for s in entity.statements[:2])] if entity is not None else list(one.said[:1])
    if expires > began + _SLACK:
        when = "and so was valid" if expires > near else f"{span(expires - began)} after the symptom began"
        return found(NOT_YET, f"{name} expires at {clock(expires, near)}, {when}.", said)
    newer = _renewal(one, alike, near, entity)
    if newer is not None:
        valid = moment(text_of(newer.properties, "expires_at"))
        until = f" and is valid until {clock(valid, near)}" if valid is not None else ""
        reason = f"{name} expired at {clock(expires, near)}, but another of that name was there by then{until}."
        return found(RENEWED, reason, [*said, *(s.provenance for s in newer.statements[:1])])
    expired = f"{name} expired at {clock(expires, near)}, {span(began - expires)} before the symptom"
    named = _named(scene, one, entity)
    if named:
        return found(NAMED, f"{expired}, and {listed(named)} is what the symptom names.", said)
    place = one.place
    if place is not None:
        label = inline(place.label, 80)
        if place.direction == "downstream":
            return found(0.0, f"{expired}; {label}, which depends on what fails, uses it.", said)
        weight = IN_USE if place.distance <= 1 else FARTHER
        return found(weight, f"{expired}, and {label} uses it.", said)
    if not scene.surroundings.places:
        return nothing(f"{expired}; whether what fails uses it is not known.", said)
    return found(UNTIED, f"{expired}, but nothing ties it to what shows the symptom.", said)


def _renewal(one: Suspect, alike: Sequence[EntityView], at: Instant, entity: EntityView | None) -> EntityView | None:
    """Another credential of the same name and sort that was valid at the time."""
    own = {*(entity.refs if entity is not None else ()), one.key, *([one.target] if one.target is not None else [])}
    sort = text_of(entity.properties, "type") if entity is not None else ""
    for other in sorted(alike, key=lambda e: e.ref):
        expires = moment(text_of(other.properties, "expires_at"))
        same = not sort or text_of(other.properties, "type") in (sort, "")
        if other.ref not in own and same and expires is not None and expires > at:
            return other
    return None


def _named(scene: Scene, one: Suspect, entity: EntityView | None) -> list[str]:
    """Names of it that stand in the symptom's text as a whole."""
    text = scene.symptom.text.casefold()
    words = f" {' '.join(name_tokens(text))} "
    domains = entity.properties.get("domains") if entity is not None else None
    listed_ = [d for d in domains if isinstance(d, str)] if isinstance(domains, list | tuple) else []
    names = dict.fromkeys(
        [one.properties.get("name", ""), text_of(entity.properties, "name") if entity else "", *listed_]
    )
    found_: list[str] = []
    for name in names:
        plain = name.casefold().removeprefix("*.")
        # A single plain word ("default") would be found in any text.
        whole = len(name_tokens(plain)) > 1 and f" {' '.join(name_tokens(plain))} " in words
        if plain and whole:
            found_.append(inline(name, 80))
    return found_


def _name(one: Suspect, known: Mapping[EntityRef, EntityView]) -> str:
    entity = known.get(one.target) if one.target is not None else None
    return (text_of(entity.properties, "name") if entity is not None else "") or one.properties.get("name", "")


CHECK = Asking("expiry", "whether it had run out, unrenewed, where it is used", 1.0, 0.9, _weigh, frozenset({"expiry"}))
