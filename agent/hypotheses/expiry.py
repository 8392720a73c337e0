"""Certificates, keys and secrets that ran out shortly before the symptom."""

from __future__ import annotations

from collections.abc import Sequence

from agent.evidence import text_of
from agent.hypotheses.nearness import named_place
from agent.incident import Suspect
from agent.scene import Scene
from agent.shipments import moment
from graph.clock import DAY, SECOND, Instant
from graph.store import EntityView, Limits

NAME = "expiry"
_BACK: Instant = 3 * DAY
_SLACK: Instant = 10 * 60 * SECOND
"""Clients with a fast clock refuse a certificate some minutes early."""
_ROWS = 20_000
_WORDS = {
    "certificate": "certificate",
    "tls_secret": "certificate",
    "access_key": "access key",
    "secret": "secret",
}


def propose(scene: Scene) -> Sequence[Suspect]:
    """What expired within three days before the symptom and was not renewed under the same name."""
    at = scene.symptom.at
    credentials = scene.store.select("Credential", {}, scene.view, Limits(rows=_ROWS)).items
    latest: dict[tuple[str, str], Instant] = {}
    expiring: list[tuple[EntityView, Instant]] = []
    for one in credentials:
        expires = moment(text_of(one.properties, "expires_at"))
        if expires is None:
            continue
        name = (text_of(one.properties, "type"), text_of(one.properties, "name"))
        latest[name] = max(latest.get(name, expires), expires)
        if at - _BACK <= expires <= at + _SLACK:
            expiring.append((one, expires))
    found: list[Suspect] = []
    for one, expires in expiring:
        sort, name = text_of(one.properties, "type"), text_of(one.properties, "name")
        if latest[sort, name] > at + _SLACK:
            continue
        domains = one.properties.get("domains")
        names = [name, *(d for d in domains if isinstance(d, str))] if isinstance(domains, list | tuple) else [name]
        newest = max(one.statements, key=lambda s: (s.valid_from, s.provenance.source))
        found.append(
            Suspect(
                key=one.ref,
                kind="expiry",
                change=None,
                target=one.ref,
                at=min(expires, at),
                at_means="expired",
                title=f"{_WORDS.get(sort, sort or 'credential')} {name} expired",
                found_by=NAME,
                place=scene.surroundings.of(one.refs) or named_place(scene, names),
                text=" ".join(dict.fromkeys(names)),
                mechanism=f"the {_WORDS.get(sort, sort or 'credential')} of {name} is no longer valid, so that whoever checks it refuses",
                properties={"type": sort, "name": name},
                said=(newest.provenance,),
            )
        )
    return found
