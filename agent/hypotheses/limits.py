"""Quotas that are used up, and places that are full, as inventories, cluster events and earlier alerts tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.evidence import number_of, text_of
from agent.hypotheses.nearness import named_place
from agent.incident import Place, Suspect
from agent.scene import Scene
from agent.shipments import moment
from agent.signals import signals
from graph.clock import DAY, Instant, rfc3339
from graph.model import EntityRef
from graph.store import EntityView, Limits
from graph.text import name_tokens

NAME = "limits"
_USED_UP = 0.9
_BACK: Instant = DAY
_ROWS = 20_000
_FULL_EVENTS = frozenset(
    {
        "FailedScheduling",
        "FailedCreate",
        "Evicted",
        "FreeDiskSpaceFailed",
        "NodeHasDiskPressure",
        "EvictionThresholdMet",
        "FailedMount",
        "FailedBinding",
        "ProvisioningFailed",
        "NotTriggerScaleUp",
        "OutOfmemory",
        "OutOfcpu",
        "OutOfpods",
        "FailedGetResourceMetric",
    }
)
_LIMIT_WORDS = re.compile(
    r"\b(?:quota|limit(?:s|ed)?|exhaust\w*|exceed\w*|too many|max(?:imum)?|no (?:free|space|capacity)|full|filling|insufficient|out of|saturat\w*|throttl\w*|"
    r"capacity|used up|at (?:9\d|100) ?%|low|near(?:ing|ly)?|headroom|remaining|pressure|free (?:storage|memory|space|disk))\b|(?:quota|limit|exhaust|exceed|full|capacity|throttl|saturat)",
    re.I,
)


def propose(scene: Scene) -> Sequence[Suspect]:
    """Used-up quotas, cluster events of things that found no place, and alerts of the last day that speak of a limit."""
    return [*_quotas(scene), *_events(scene), *_alerts(scene)]


def _quotas(scene: Scene) -> list[Suspect]:
    found: list[Suspect] = []
    for one in scene.store.select("Quota", {}, scene.view, Limits(rows=_ROWS)).items:
        limit, used = number_of(one.properties.get("value")), number_of(one.properties.get("usage"))
        if limit is None or used is None or limit <= 0 or used / limit < _USED_UP:
            continue
        name = text_of(one.properties, "name") or text_of(one.properties, "code")
        service = text_of(one.properties, "service")
        newest = max(one.statements, key=lambda s: (s.valid_from, s.provenance.source))
        found.append(
            Suspect(
                key=one.ref,
                kind="quota",
                change=None,
                target=one.ref,
                at=min(
                    s.valid_from for s in one.statements if s.properties.get("usage") == one.properties.get("usage")
                ),
                at_means="reached",
                title=f"quota {name} of {service}: {used:g} of {limit:g} used".replace(" of :", ":"),
                found_by=NAME,
                place=scene.surroundings.of(one.refs) or named_place(scene, [name, service]),
                text=f"{name} {service} quota limit",
                mechanism=f"{used:g} of {limit:g} of the quota “{name}” are used, so that what needs more is refused",
                properties={"usage": f"{used:g}", "value": f"{limit:g}", "name": name, "service": service},
                said=(newest.provenance,),
            )
        )
    return found


def _events(scene: Scene) -> list[Suspect]:
    since, at = scene.symptom.at - _BACK, scene.symptom.at
    events = scene.store.select("ClusterEvent", {"type": ["Warning"]}, scene.view, Limits(rows=_ROWS)).items
    recent = [
        e
        for e in events
        if since <= (moment(text_of(e.properties, "last_seen_at")) or at) <= at
        and (text_of(e.properties, "reason") in _FULL_EVENTS or _LIMIT_WORDS.search(text_of(e.properties, "message")))
    ]
    about = _about(scene, recent)
    return [
        _condition(scene, e, "capacity", text_of(e.properties, "reason"), text_of(e.properties, "message"),
                   moment(text_of(e.properties, "first_seen_at")) or at, about.get(e.ref))
        for e in recent
    ]  # fmt: skip


def _alerts(scene: Scene) -> list[Suspect]:
    symptom = scene.symptom
    own = {a.ref for a in symptom.anchors}
    near = [
        s
        for s in signals(scene.store, scene.view).between(symptom.at - _BACK, symptom.at + 1)
        if not s.is_incident
        and (not s.environment or not symptom.environment or s.environment == symptom.environment)
        and (s.ended_at is None or s.ended_at > symptom.at)
    ]
    entities = {e.ref: e for e in scene.store.entities([s.ref for s in near], scene.view)}
    telling = [
        (s, e)
        for s in near
        if (e := entities.get(s.ref)) is not None
        and _LIMIT_WORDS.search(
            f"{s.name} {' '.join(name_tokens(s.name))} {s.title} {text_of(e.properties, 'description')}"
        )
    ]
    about = _about(scene, [e for _, e in telling])
    found: list[Suspect] = []
    for one, entity in telling:
        place = about.get(entity.ref) or scene.surroundings.services.get(one.service.casefold())
        text = f"{one.title} {text_of(entity.properties, 'description')}"
        suspect = _condition(scene, entity, "quota" if re.search("quota", f"{one.name} {text}", re.I) else "capacity", one.name, text, one.started_at, place)  # fmt: skip
        if entity.ref in own and place is not None and place.distance == 0:
            # The symptom's own alert, told as its cause: it is what happened, and seldom why.
            suspect = replace(suspect, properties={**suspect.properties, "told": "1"})
        if entity.ref not in own or place is not None:
            found.append(suspect)
    return found


def _condition(
    scene: Scene, entity: EntityView, kind: str, name: str, text: str, at: Instant, place: Place | None
) -> Suspect:
    newest = max(entity.statements, key=lambda s: (s.valid_from, s.provenance.source))
    label = place.label if place is not None else ""
    return Suspect(
        key=entity.ref,
        kind="quota" if kind == "quota" else "capacity",
        change=None,
        target=place.ref if place is not None else entity.ref,
        at=min(at, scene.symptom.at),
        at_means="reached",
        title=f"{name}{f' at {label}' if label else ''}",
        found_by=NAME,
        place=place,
        text=text[:2_000],
        mechanism=f"{label or 'a part'} was at its limit since {rfc3339(at)[11:16]} UTC ({name})",
        properties={"name": name},
        said=(newest.provenance,),
    )


def _about(scene: Scene, entities: Sequence[EntityView]) -> dict[EntityRef, Place]:
    """The nearest place that each of these is about."""
    refs = [e.ref for e in entities]
    if not refs:
        return {}
    found: dict[EntityRef, Place] = {}
    page = scene.store.neighbours(refs, scene.view, Limits(rows=_ROWS), types=("ABOUT",), direction="out")
    for edge in page.items:
        place = scene.surroundings.of([edge.dst])
        known = found.get(edge.src)
        if place is not None and (known is None or (place.distance, place.ref) < (known.distance, known.ref)):
            found[edge.src] = place
    return found
