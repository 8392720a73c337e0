"""Investigations as kept: the whole result and everything it was run with, so that it can be gone through again offline and to the byte."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import msgspec

from agent.evidence import text_of
from agent.investigation import Cause, Investigation
from agent.memory_facts import (
    INVESTIGATIONS,
    PART_CHARS,
    CauseRefs,
    InvestigationInputs,
    batch,
    investigation_locator,
    investigation_ref,
    learning_ref,
    recording_ref,
    storable,
    without_time,
)
from graph.clock import instant
from graph.errors import GraphError
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Relation
from graph.store import GraphStore, View


class NotRemembered(GraphError):
    """What was to be remembered, recalled or taken back is not there, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An investigation as stored: its result, what it was run with, and who may read it."""

    ref: EntityRef
    result: Investigation
    inputs: InvestigationInputs
    label: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two investigations differ: a path in the JSON, and what stands there, as JSON; empty where nothing does."""

    path: str
    before: str
    after: str


def investigation_facts(investigation: Investigation, inputs: InvestigationInputs, label: str) -> FactBatch:
    """The facts that keep an investigation. The same one again gives the same batch, however long it took.

    Args:
        label: all labels that what it cites needs (`memory_facts.joined_label`).
    """
    this = investigation_ref(investigation.id)
    result = without_time(investigation)
    at = instant(investigation.as_of or investigation.detected_at)
    first = investigation.causes[0] if investigation.causes else None
    facts: list[Fact] = [
        Entity(
            this,
            {
                "investigation_id": investigation.id,
                "symptom": storable(investigation.symptom),
                "detected_at": investigation.detected_at,
                "environment": investigation.environment,
                "verdict": investigation.verdict,
                "confidence": investigation.confidence,
                "title": storable(investigation.symptom[:200]),
                "suspect": storable(first.label or first.mechanism) if first is not None else "",
                "result": result.to_json(),
            },
        ),
        Alias(this, "id", investigation.id),
        *_recording(investigation.id, this, inputs),
    ]
    facts += [
        Relation("INVESTIGATES", this, EntityRef(a.ref), {"label": a.label, "how": a.how, "confidence": a.confidence})
        for a in investigation.anchors
        if ":" in a.ref
    ]
    by_rank = {c.rank: c for c in inputs.causes}
    for cause in investigation.causes:
        told = {"rank": cause.rank, "probability": cause.probability, "kind": cause.kind, "mechanism": cause.mechanism}
        refs = by_rank.get(cause.rank) or refs_of(cause)
        for role, end in (("change", refs.change), ("target", refs.target)):
            if end and ":" in end:
                facts.append(Relation("SUSPECTS", this, EntityRef(end), {**told, "role": role}, str(cause.rank)))
    facts += [
        Relation("RECALLED", this, _remembered_ref(s.id), {"similarity": s.similarity, "used": s.used})
        for s in investigation.similar_incidents
    ]
    unique = {fact.key: fact for fact in facts}
    locator = investigation_locator(investigation.id)
    return batch(INVESTIGATIONS, [Assertion(f, at, at, locator, label=label) for f in unique.values()])


def stored(store: GraphStore, view: View, investigation_id: str) -> Stored:
    """An investigation that was kept.

    Raises:
        NotRemembered: none of this id is visible, or it was kept only in part.
    """
    this = investigation_ref(investigation_id)
    entity = store.entity(this, View(None, view.known_at, view.audience))
    text = text_of(entity.properties, "result") if entity is not None else ""
    if entity is None or not text:
        raise NotRemembered(
            f"no investigation {investigation_id[:80]!r} is known",
            "give the id that `lore investigate` printed (inv_…); it must have been stored, and be visible to you",
        )
    try:
        return Stored(
            this, Investigation.from_json(text), _inputs(store, view, investigation_id), entity.statements[0].label
        )
    except (ValueError, msgspec.DecodeError):
        raise NotRemembered(
            f"the investigation {investigation_id[:80]} was stored by another version",
            "run it again with the same symptom and --at",
        ) from None


def replay_inputs(store: GraphStore, view: View, investigation_id: str) -> InvestigationInputs:
    """What an investigation was run with. Raises `NotRemembered`."""
    return stored(store, view, investigation_id).inputs


def same_tree(a: Investigation, b: Investigation) -> tuple[Difference, ...]:
    """Where two investigations differ, but for how long they took; empty when they are equal to the byte."""
    before, after = without_time(a).to_json(), without_time(b).to_json()
    if before == after:
        return ()
    found = list(_differences("", msgspec.json.decode(before), msgspec.json.decode(after)))
    return tuple(found) or (Difference("", before, after),)


def refs_of(cause: Cause) -> CauseRefs:
    """As far as the contract's names tell: a commit's id is its ref."""
    change = f"Commit:{cause.change.id}" if cause.change is not None and cause.change.kind == "commit" else None
    target = cause.target if ":" in cause.target else None
    return CauseRefs(rank=cause.rank, key=change or target or "", change=change, target=target)


def _recording(investigation_id: str, this: EntityRef, inputs: InvestigationInputs) -> Iterable[Fact]:
    text = inputs.to_json()
    parts = [text[i : i + PART_CHARS] for i in range(0, len(text), PART_CHARS)]
    for number, part in enumerate(parts):
        end = recording_ref(investigation_id, number)
        yield Entity(end, {"investigation_id": investigation_id, "part": number, "parts": len(parts), "text": part})
        yield Relation("RECORDED", this, end, {})


def _inputs(store: GraphStore, view: View, investigation_id: str) -> InvestigationInputs:
    now = View(None, view.known_at, view.audience)
    first = store.entity(recording_ref(investigation_id, 0), now)
    parts = first.properties.get("parts") if first is not None else 0
    refs = [recording_ref(investigation_id, n) for n in range(parts if isinstance(parts, int) else 0)]
    return InvestigationInputs.from_json("".join(text_of(e.properties, "text") for e in store.entities(refs, now)))


def _remembered_ref(of: str) -> EntityRef:
    return EntityRef(of) if ":" in of else learning_ref(of)


def _differences(path: str, a: object, b: object) -> Iterable[Difference]:
    one, other = _children(a), _children(b)
    if one is None or other is None or type(a) is not type(b):
        if type(a) is not type(b) or a != b:
            yield Difference(path, _text(a), _text(b))
        return
    for key in (*one, *(k for k in other if k not in one)):
        inner = f"{path}{key}".lstrip(".")
        if key not in one or key not in other:
            yield Difference(inner, _text(one[key]) if key in one else "", _text(other[key]) if key in other else "")
        else:
            yield from _differences(inner, one[key], other[key])


def _children(of: object) -> dict[str, object] | None:
    """What an object or a list holds, by how it is written behind its path; None for anything else."""
    if isinstance(of, dict):
        return {f".{key}": value for key, value in cast("dict[str, object]", of).items()}
    if isinstance(of, list):
        return {f"[{i}]": value for i, value in enumerate(cast("list[object]", of))}
    return None


def _text(of: object) -> str:
    return msgspec.json.encode(of).decode()
