"""Types and names of everything that suspects touched, for checks that judge what was done: one read for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.evidence import inline, text_of
from agent.incident import Suspect
from agent.touches import MAX_VIEWS
from graph.lexicon import former, thing
from graph.model import EntityRef

if TYPE_CHECKING:
    from agent.scene import Scene

_FORMER = 40
"""How many things that no longer exist are looked up: one read each."""


@dataclass(frozen=True, slots=True)
class Described:
    """Resource types and names by ref."""

    types: Mapping[EntityRef, str]
    labels: Mapping[EntityRef, str]


def described(scene: Scene, suspects: Sequence[Suspect]) -> Described:
    """What these suspects touched; of what no longer exists, as it last was, the first few."""
    wanted = {v.target for s in suspects for v in s.views[:MAX_VIEWS]} | {s.target for s in suspects if s.target}
    refs = sorted(wanted)
    types: dict[EntityRef, str] = {}
    labels: dict[EntityRef, str] = {}
    for entity in scene.store.entities(refs, scene.view) if refs else ():
        type_ = text_of(entity.properties, "type") if entity.kind in ("Block", "Resource", "Credential") else ""
        label = inline(thing(entity).label, 120)
        for ref in (entity.ref, *(r for r in entity.refs if r in wanted)):
            types[ref], labels[ref] = type_, label
    gone = sorted(
        {
            v.target
            for s in suspects
            for v in s.views[:MAX_VIEWS]
            if v.target not in labels
            and v.properties.get("effect") == "deleted"
            and v.target.kind in ("Block", "Resource")
        }
    )
    for ref in gone[:_FORMER]:
        last = former(scene.store, ref, scene.view)
        if last is not None:
            types[ref], labels[ref] = last.text("type"), inline(last.label, 120)
    return Described(types, labels)
