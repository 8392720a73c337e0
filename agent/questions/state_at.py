"""What something was at a time: its attributes as they stood."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.context import Context, match, named
from agent.evidence import inline, shown
from agent.model import Answer, EntityItem
from agent.phrasing import listing
from agent.questions.owner import item
from agent.target import Target, find_target, not_found
from graph.clock import rfc3339
from graph.lexicon import Thing, things
from graph.model import Value
from graph.store import View
from graph.text import name_tokens

_TOLD = 6
_CONFIGURED = ("Block", "Resource")


def answer(context: Context) -> Answer:
    """The attributes asked for, or all of them, as they were at the moment asked about."""
    question = context.question
    view = context.view
    moment = question.at if question.at is not None else question.until
    if moment is not None:
        moment = min(moment, context.as_of) if context.as_of is not None else moment
        view = View(moment, context.view.known_at, context.view.audience)
    target = find_target(context, question.mention, view=view, places=False)
    if target is None or (target.sort == "thing" and not target.thing.live):
        return _absent(context, moment, target)
    return answer_about(context, target, view, moment)


def answer_about(context: Context, target: Target, view: View, moment: int | None) -> Answer:
    """The same for a target that was found in the view of that moment."""
    wanted = target.attribute or context.question.attribute
    members = target.things[:5]
    instances = things(context.store, [r for r in target.refs if r not in {t.ref for t in target.things}][:20], view)
    when = f"On {_moment(moment)}" if moment is not None else "Now"
    sentences: list[str] = []
    entities: list[EntityItem] = []
    for found in [*members, *instances]:
        cited = context.citations.cite_thing(found)
        told = _attributes(found, wanted)
        entities.append(msgspec.structs.replace(item(found, cited), properties=_properties(found, wanted)))
        if told:
            sentences.append(context.state(f"{when} {listing(told, _TOLD)} in {named(found)}.", cited))
    if not sentences and members:
        cited = context.citations.cite_thing(members[0])
        what = f"no attribute called “{inline(wanted, 60)}”" if wanted else "no attributes"
        sentences.append(context.state(f"{when} {named(members[0])} has {what}.", cited))
    confidence = target.confidence if any(e.properties for e in entities) else target.confidence * 0.5
    return context.answer(
        "ambiguous" if target.ambiguous else "answered",
        " ".join(sentences),
        confidence=confidence,
        resolved=target.resolved or [match(t, confidence) for t in members],
        candidates=target.candidates,
        entities=entities,
        truncated=len(target.things) > len(members),
    )


def _moment(moment: int) -> str:
    text = rfc3339(moment)
    return text[:10] if text.endswith(("23:59:59Z", "00:00:00Z")) else f"{text[:10]} {text[11:16]} UTC"


def _absent(context: Context, moment: int | None, target: Target | None) -> Answer:
    """Not there at that moment: say whether it is now, or was before."""
    now = find_target(context, context.question.mention, places=False) if moment is not None else target
    if now is None or now.sort != "thing":
        return not_found(context, context.question.mention)
    found = now.thing
    when = f"on {_moment(moment)}" if moment is not None else "any more"
    text = context.state(f"{named(found)} did not exist {when}.", context.citations.cite_thing(found))
    return context.answer(
        "ambiguous" if now.ambiguous else "answered",
        text,
        confidence=now.confidence,
        resolved=now.resolved,
        candidates=now.candidates,
    )


def values_of(found: Thing) -> Mapping[str, Value]:
    """A thing's attributes by path; its properties when it has none."""
    attributes = found.properties.get("attributes")
    if isinstance(attributes, Mapping):
        return attributes
    return found.properties if found.ref.kind not in _CONFIGURED else {}


def _chosen(found: Thing, wanted: str) -> dict[str, Value]:
    values = values_of(found)
    words = set(name_tokens(wanted))
    if not words:
        return dict(values)
    exact = {p: v for p, v in values.items() if words == set(name_tokens(p))}
    return exact or {p: v for p, v in values.items() if words <= set(name_tokens(p))}


def _attributes(found: Thing, wanted: str) -> list[str]:
    return [f"{inline(path, 80)} was {shown(value)}" for path, value in _chosen(found, wanted).items()]


def _properties(found: Thing, wanted: str) -> dict[str, Value]:
    if not wanted:
        return dict(found.properties)
    return {**{k: v for k, v in found.properties.items() if k != "attributes"}, "attributes": _chosen(found, wanted)}
