"""A full question in which one word refers to the turns before: "it", "he", "its", "the second one"."""

from __future__ import annotations

import re

from agent.conversation.line import Followed, Line, about, not_named, nth_of
from agent.conversation.words import NOUNS, NTH, PERSON, THAT, replaced
from agent.intent import understand

_POSSESSIVE = re.compile(r"\b(?P<p>its)\b", re.I)
_CHANGE_KINDS = frozenset({"approved", "why", "reached", "pipeline", "discussed"})
_CHANGE_NOUN = re.compile(rf"\b(?:that|this|the|the same|said) (?:{NOUNS})\b", re.I)
REFERS = re.compile(rf"(?<![\w-])(?P<w>{THAT})(?![\w-])", re.I)
_NTH_INSIDE = re.compile(rf"\bthe {NTH} (?:one|change|pr|pull request|commit|suspect|cause|deployment)\b", re.I)
_WHO = re.compile(rf"(?<![\w-])(?P<w>{PERSON})(?![\w-])", re.I)
_IT_INSIDE = re.compile(
    r"(?<![\w-])(?:it|(?:that|this)(?=\s*$)|(?:that|this) (?:incident|alert|outage|service|thing|resource))(?![\w-])",
    re.I,
)
_FILLERS = frozenset(
    [
        "the",
        "a",
        "an",
        "in",
        "on",
        "to",
        "of",
        "for",
        "at",
        "by",
        "with",
        "change",
        "changes",
        "changed",
        "last",
        "also",
        "else",
        "again",
        "too",
        "exactly",
        "really",
        "please",
    ]
)


def has_reference(text: str) -> bool:
    """Whether a word of it refers to something or somebody."""
    return bool(REFERS.search(text) or _WHO.search(text))


def referring(line: Line) -> Followed | None:
    """A question that would be whole but for "it", "he", "its" or "the second one"."""
    text = line.text
    if nth := _NTH_INSIDE.search(text):
        turn = line.listing
        if turn is None:
            return Followed(back="Which one? Nothing was listed here.") if not line.turns else None
        chosen = nth_of(turn, nth["n"])
        if chosen is None:
            return Followed(back=f"Only {len(turn.changes)} were listed.")
        return Followed(f"{text[: nth.start()]}{chosen.name}{text[nth.end() :]}?")
    question = understand(text, line.now)
    if question.by and _WHO.fullmatch(question.by):
        turn = line.people
        if turn is None:
            return not_named(f"Who is “{question.by}”?")
        return Followed(f"{replaced(text, question.by, turn.people[0]).rstrip(' ?')}?")
    if own := _POSSESSIVE.search(text):
        return about(
            line, lambda name: f"{text[: own.start()]}{name}'s{text[own.end() :]}?", change=False, what="Whose?"
        )
    if held := _IT_INSIDE.search(text):
        whole = _with_subject(line, held)
        if whole is not None:
            return whole
    mention = question.mention.casefold()
    found = REFERS.search(mention)
    if found is None or (len(mention) - len(found[0]) > 30) or not _only(mention, found[0], line):
        return None
    at = text.casefold().find(mention)
    inside = REFERS.search(text, max(at, 0))
    if inside is None:
        return None
    as_change = bool(_CHANGE_NOUN.search(inside[0])) or question.kind in _CHANGE_KINDS
    return about(
        line,
        lambda name: f"{text[: inside.start()]}{name}{text[inside.end() :]}?",
        change=as_change,
        what=f"What is “{inside[0]}”?",
    )


def _with_subject(line: Line, held: re.Match[str]) -> Followed | None:
    """The text with "it" replaced by what was talked about, when that makes a question of it; None when it is none either way."""
    turn = line.subject
    before, after = line.text[: held.start()], line.text[held.end() :]
    if turn is None:
        mention = understand(line.text, line.now).mention.casefold()
        return not_named(f"What is “{held[0]}”?") if mention == held[0].casefold() else None
    names = [n for n in (turn.thing.name if turn.thing else "", turn.change.name if turn.change else "") if n]
    for name in names:
        whole = f"{before}{name}{after}?"
        kind = understand(whole, line.now).kind
        if kind in ("refused", "what_is"):
            continue
        change = kind in _CHANGE_KINDS or bool(_CHANGE_NOUN.search(held[0]))
        return about(line, lambda n: f"{before}{n}{after}?", change=change, what=f"What is “{held[0]}”?")
    return None


def _only(mention: str, word: str, line: Line) -> bool:
    """Whether a mention is that word alone, perhaps with an article or an environment."""
    rest = mention.replace(word, " ", 1)
    words = [w for w in re.findall(r"[\w./#@-]+", rest) if w not in _FILLERS]
    return all(line.environment(w) for w in words)
