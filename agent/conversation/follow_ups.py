"""Lines that the turns before make whole: "and who approved it?", "what about staging?", "before that?", "the second one"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.conversation.aspects import SMALL_WORDS
from agent.conversation.by_words import announced, by_words, respelled, strayed, unclear
from agent.conversation.line import Followed, Line
from agent.conversation.referring import referring
from agent.conversation.remarks import without_remarks
from agent.conversation.short_lines import short_line
from agent.conversation.switched import switched
from agent.conversation.told_apart import words_of
from agent.conversation.turns import Turn
from graph.clock import Instant
from graph.store import GraphStore, View

_LEAD = re.compile(
    r"(?:(?:and|so|but|ok(?:ay)?|also|hm+|well|then|right|now|actually|wait|no|yes|cool|thanks)\b[\s,:.-]*)+", re.I
)


_GREETING = re.compile(r"(?:(?:please|pls|plz|btw|by the way|hi|hey|hello|ah|oh)\b[\s,:!.-]+)+", re.I)
_THANKING = re.compile(r"[\s,]+(?:please|pls|plz|thanks|thank you|thx|ty|btw|tho|though)[\s?!.]*$", re.I)
_HEDGE = re.compile(r"[\s,]+(?:if|when|once) (?:you|possible|someone|somebody|anyone|anybody)\b[^,]{0,60}$", re.I)
_ASKS = re.compile(r"\b(?:who|whom|whose|what|which|when|where|why|how)\b", re.I)
_FRAMING = frozenset(
    [
        "know",
        "wonder",
        "wondering",
        "tell",
        "say",
        "remember",
        "remind",
        "ask",
        "find",
        "could",
        "can",
        "would",
        "please",
        "hi",
        "hey",
        "hello",
    ]
)
_BEFORE_IT = frozenset(
    ["of", "for", "by", "since", "in", "on", "to", "at", "from", "with", "until", "about", "and", "or"]
)
"""Words that belong to the question word after them: "by whom", "since when"."""


def follow(text: str, turns: Sequence[Turn], store: GraphStore, view: View, now: Instant) -> Followed | None:
    """What a line means that the turns before make whole; None when it stands by itself."""
    line = text.strip(" \t?!.…,;")
    plain = _plain(Line(line, turns, store, view, now))
    lead = _LEAD.match(plain)
    rest = plain[lead.end() :] if lead is not None and lead.end() < len(plain) else plain
    said = Line(rest, turns, store, view, now, continued=rest != plain)
    found = short_line(said) or by_words(said)
    if found is None and (right := respelled(said)) is not None:
        said = right
        found = short_line(said) or by_words(said)
    if found is not None and found.stands:
        return Followed(f"{plain}?") if plain != _polite(line) else None
    words = words_of(said)
    names = words.own or words.environment or words.timed
    return found or (switched(said) if names else None) or strayed(said, referring(said)) or unclear(said)


def _polite(text: str) -> str:
    """The text without the words of politeness around it."""
    first = _GREETING.match(text)
    text = text[first.end() :] if first is not None and first.end() < len(text) else text
    last = _THANKING.search(text, max(0, len(text) - 20))
    return text[: last.start()] if last is not None and last.start() > 0 else text


def _plain(line: Line) -> str:
    """What of the line asks: without remarks, politeness, and an announcement that a question comes."""
    text = _polite(without_remarks(line.text)).strip(" \t?!.…,;")
    if (hedge := _HEDGE.search(text, max(0, len(text) - 80))) and hedge.start() > 0:
        text = text[: hedge.start()]
    text = announced(replace(line, text=text)) or text
    asks = _ASKS.search(text)
    before = re.findall(r"[\w'’]+", text[: asks.start()].casefold()) if asks is not None else []
    framed = before and before[-1] not in _BEFORE_IT and not _FRAMING.isdisjoint(before)
    return text[asks.start() :] if asks is not None and framed and all(w in SMALL_WORDS for w in before) else text
