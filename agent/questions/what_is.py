"""What something is: its kind, its place, what it says, when it last changed."""

from __future__ import annotations

from collections import Counter

import msgspec

from agent.context import Context, match, named
from agent.evidence import inline, shown
from agent.model import Answer
from agent.phrasing import listing, plural
from agent.questions import refused, who_changed
from agent.questions.owner import item
from agent.questions.state_at import answer_about as state_of
from agent.questions.state_at import values_of
from agent.target import Target, find_target, not_found
from graph.lexicon import Thing, things

_TOLD = 4
_NAMED = 10
_LISTED = 20
_QUESTION_WORDS = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "am",
        "be",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "shall",
        "will",
        "would",
        "may",
        "might",
        "must",
        "has",
        "have",
        "had",
        "how",
        "what",
        "which",
        "who",
        "whose",
        "when",
        "where",
        "why",
        "if",
        "i",
        "we",
        "you",
        "they",
        "he",
        "she",
        "it",
        "there",
    ]
)


def answer(context: Context) -> Answer:
    """A description with the last change; of a type without a name, how many there are and which."""
    question = context.question
    target = find_target(context, question.mention)
    if target is None or (target.confidence < 0.3 and _is_prose(question.mention) and target.sort == "thing"):
        if _is_prose(question.mention):
            return refused.answer(context)
        return not_found(context, question.mention)
    if target.attribute:
        return state_of(context, target, context.view, None)
    if target.sort in ("change", "place"):
        return who_changed.answer_about(context, target)
    if target.sort == "group" and len(target.things) > 1:
        return _group(context, target)
    return _thing(context, target)


def _is_prose(mention: str) -> bool:
    """Whether a mention reads like a question of another kind, and not like a name."""
    words = mention.casefold().split()
    return bool(words) and words[0].strip(",.:;'\"") in _QUESTION_WORDS and len(words) > 1


def _thing(context: Context, target: Target) -> Answer:
    found = target.thing
    cited = context.citations.cite_thing(found)
    sentences = [context.state(_description(found), cited)]
    told = (
        [f"{inline(path, 60)} = {shown(value, 60)}" for path, value in values_of(found).items()] if found.live else []
    )
    if told:
        sentences.append(context.state(f"It says {listing(told, _TOLD)}.", cited))
    instances = things(context.store, [r for r in target.refs if r != found.ref][:_LISTED], context.view)
    if instances:
        names = [inline(f"{t.label} in {e}" if (e := t.text("environment")) else t.label) for t in instances]
        cites = [context.citations.cite_thing(t) for t in instances[:5]]
        sentences.append(context.state(f"It stands for {listing(names)}.", *cites))
    changed = who_changed.answer_about(context, target)
    entities = [item(found, cited), *(item(t, context.citations.cite_thing(t)) for t in instances)]
    return msgspec.structs.replace(
        changed,
        text=" ".join(sentences) + (f" {changed.text}" if changed.changes else ""),
        entities=tuple(entities),
        citations=context.citations.all(),
    )


def _description(found: Thing) -> str:
    type_, block_type = found.text("type"), found.text("block_type")
    what = " ".join(w for w in (block_type or found.ref.kind.lower(), f"of type {inline(type_)}" if type_ else "") if w)
    repository = found.text("repository")
    where = f" of {inline(repository)}" if repository else ""
    state = "is" if found.live else "was (it no longer exists)"
    article = "an" if what[:1] in "aeio" else "a"
    return f"{named(found)} {state} {article} {what}{where}."


def _group(context: Context, target: Target) -> Answer:
    group = target.resolution.group
    # Code before its instances, which say the same once for each environment.
    shown_things = sorted(target.things, key=lambda t: (t.ref.kind == "Resource", -t.valid_from, t.ref))[:_LISTED]
    types = Counter(t.text("type") or t.text("block_type") or t.ref.kind for t in target.things)
    kinds = listing([f"{count} × {inline(name)}" for name, count in types.most_common(5)])
    names = [named(t) for t in shown_things]
    cited = [context.citations.cite_thing(t) for t in shown_things[:_NAMED]]
    text = context.state(
        f"“{inline(context.question.mention, 80)}” may mean any of {plural(len(target.things), 'thing')} ({kinds}): {listing(names, _NAMED)}.",
        *cited,
    )
    return context.answer(
        "answered",
        text,
        confidence=0.7,
        candidates=[match(t, 1 / len(target.things)) for t in shown_things[:10]],
        entities=[item(t, context.citations.cite_thing(t)) for t in shown_things],
        truncated=len(target.things) > _LISTED or (group is not None and group.cut),
    )
