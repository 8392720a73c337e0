"""Somebody else's outage: a third party that the symptom, or an alert of the same hour, names and that is nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.evidence import inline
from agent.incident import Suspect
from agent.named_service import service_names
from agent.scene import Scene
from graph.model import ref
from graph.text import name_tokens

NAME = "external"
_CALLS = re.compile(
    r"\b(?:calls?|requests?|connections?|responses?|replies|answers?|errors?|timeouts?|webhooks?|callbacks?)(?:\s+\w+){0,2}\s+(?:to|at|from|by|of|with)\s+(?:the\s+)?(?P<name>[A-Z][\w.-]{2,40})"
)
_OUTSIDE = re.compile(
    r"\b(?P<name>(?:third[- ]party|external|payment|mail|sms|identity|map|upstream) (?:provider|vendor|partner|service|api|gateway))\b",
    re.I,
)
_DOWN = re.compile(
    r"(?P<name>[A-Z][\w.-]{2,40})(?:'s)? (?:is|are|seems?|looks?|api|status page)\b[^.]{0,40}\b(?:down|outage|incident|degraded)"
)


def propose(scene: Scene) -> Sequence[Suspect]:
    """At most one, the first name that is told and that is no thing of ours."""
    text = scene.symptom.text
    ours = {" ".join(name_tokens(name)) for name in service_names(scene.store, scene.view)}
    ours |= {" ".join(name_tokens(a.label)) for a in scene.symptom.anchors if a.ref.kind not in ("Alert", "Incident")}
    for pattern in (_CALLS, _DOWN, _OUTSIDE):
        for found in pattern.finditer(text):
            name = inline(found["name"], 60)
            if " ".join(name_tokens(name)) in ours or _known(scene, name):
                continue
            key = ref("External", name.casefold())
            return (
                Suspect(
                    key=key,
                    kind="external",
                    change=None,
                    target=key,
                    at=scene.symptom.at,
                    at_means="noticed",
                    title=f"an outage of {name}, which is nothing of ours",
                    found_by=NAME,
                    text=name,
                    mechanism=f"{name} fails, and what calls it with it",
                    properties={"name": name},
                ),
            )
    return ()


def _known(scene: Scene, name: str) -> bool:
    from graph.store import Limits

    return bool(scene.store.resolve_alias(name, scene.view, Limits(rows=1)).items)
