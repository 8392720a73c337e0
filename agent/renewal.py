"""What is not taken back but renewed or raised: expired certificates and keys, quotas that are used up."""

from __future__ import annotations

import re
import shlex
from typing import Final

from agent.evidence import Citations, inline, text_of
from agent.incident import Suspect
from agent.investigation import Rollback
from agent.scene import Scene
from graph.model import Properties

NOTHING: Final[Properties] = {}
_NAME = re.compile(r"[\w.:/@+-]{1,200}")


def renewal(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback:
    """How an expired certificate, key or secret is made anew."""
    entity = scene.store.entity(suspect.target, scene.view) if suspect.target is not None else None
    said = entity.properties if entity is not None else NOTHING
    name = inline(text_of(said, "name") or suspect.title, 120)
    kind = text_of(said, "type").replace("_", " ")
    cites = tuple(citations.cite(s) for s in suspect.said[:2])
    if kind in ("access key", "secret"):
        text = f"create a new {kind} in place of {name} and give it to what uses it"
    else:
        text = f"renew {name}" + (f" ({inline(kind, 40)})" if kind else "") + " and load it where it is served"
    issuer = text_of(said, "issuer")
    by = f"it was issued by {inline(issuer, 80)}" if issuer else "nothing is taken back by renewing it"
    return Rollback(command=text, safe=True, why=by, citations=cites)


def increase(scene: Scene, suspect: Suspect, citations: Citations) -> Rollback:
    """How a quota is raised, with the command where the quota's codes are known."""
    entity = scene.store.entity(suspect.target, scene.view) if suspect.target is not None else None
    said = entity.properties if entity is not None else NOTHING
    service, code, value = text_of(said, "service"), text_of(said, "code"), said.get("value")
    name = inline(text_of(said, "name") or suspect.title, 120)
    cites = tuple(citations.cite(s) for s in suspect.said[:2])
    if said.get("adjustable") is False:
        return Rollback(
            command="", safe=False, why=f"{name} cannot be raised; use less of it, or another account", citations=cites
        )
    if _NAME.fullmatch(service) and _NAME.fullmatch(code) and isinstance(value, int | float) and value > 0:
        wanted = int(value * 1.5 + 0.999)
        command = f"aws service-quotas request-service-quota-increase --service-code {shlex.quote(service)} --quota-code {shlex.quote(code)} --desired-value {wanted}"
        region = text_of(said, "region")
        if _NAME.fullmatch(region):
            command += f" --region {shlex.quote(region)}"
    else:
        command = f"request an increase of {name}"
    return Rollback(
        command=command,
        safe=True,
        why="raising a limit takes nothing back; it may take hours to be granted",
        citations=cites,
    )
