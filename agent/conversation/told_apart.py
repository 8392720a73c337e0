"""The words of a line told apart: what they ask for, what they name, where and when, and the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.conversation.aspects import SMALL_WORDS, aspects, in_plain_words, spelled
from agent.conversation.line import Line
from agent.times import read_times

_TOKEN = re.compile(r"[^\s,;:!?()\"“”]+")
EXPLICIT = re.compile(r".*\w#\d+|#\d+|[0-9a-f]{7,40}|.*[a-z]_[a-z].*|.*\w/\w.*|\w[\w-]*\.[a-z][\w.\[\]\"-]*", re.I)
"""A form that only a name has: a request, a hash, an address, a path."""
LONGEST = 16
"""Words: a longer line is not understood by its words."""


@dataclass(slots=True)
class Words:
    """The words of a line, told apart.

    Attributes:
        asking: the aspects that are asked for.
        small: words that tell neither, lower case.
        environment: one that is named.
        own: the words that are none of these, as typed, from the first to the last of them.
        broken: whether other words stand between the own ones.
        timed: the part of the line that tells a time.
    """

    asking: frozenset[str]
    small: frozenset[str]
    environment: str
    own: str
    broken: bool
    timed: str


def words_of(line: Line) -> Words:
    """The words of a line, told apart by the graph's names and the words that questions are made of."""
    text = in_plain_words(line.text)
    timed = _time_in(line, text)
    if timed:
        text = text.replace(timed, " ", 1)
    asking: set[str] = set()
    small: set[str] = set()
    environment = ""
    tokens = [(t[0].rstrip(".…'"), t.start(), t.end()) for t in _TOKEN.finditer(text)]
    own: list[int] = []
    for n, (token, _, _) in enumerate(tokens):
        word = token.casefold()
        if not any(c.isalnum() for c in word):
            continue
        if aspect := aspects().get(word):
            asking.add(aspect)
        elif word in SMALL_WORDS:
            small.add(word)
        elif named := line.environment(word):
            environment = named
        elif EXPLICIT.fullmatch(word) or word.isdecimal() or line.is_name(word):
            own.append(n)
        elif right := spelled(word):
            if right in aspects():
                asking.add(aspects()[right])
            else:
                small.add(right)
        elif named := line.environment_spelled(word):
            environment = named
        else:
            own.append(n)
    if not own:
        return Words(frozenset(asking), frozenset(small), environment, "", False, timed)
    inside = [tokens[n][0].casefold() for n in range(own[0], own[-1] + 1) if n not in own]
    broken = any(w in aspects() or line.environment(w) for w in inside)
    first = own[0] - (own[0] > 0 and tokens[own[0] - 1][0].casefold() in ("the", "our"))
    span = text[tokens[first][1] : tokens[own[-1]][2]].strip(" .…")
    return Words(frozenset(asking), frozenset(small), environment, span, broken, timed)


def _time_in(line: Line, text: str) -> str:
    """The longest part that is nothing but a time; empty when there is none."""
    times = read_times(text, line.now)
    if (times.since, times.until, times.at) == (None, None, None):
        return ""
    at = [(t.start(), t.end()) for t in re.finditer(r"\S+", text)][:LONGEST]
    for size in range(len(at), 0, -1):
        for first in range(len(at) - size + 1):
            part = text[at[first][0] : at[first + size - 1][1]].strip(" ?!.,;")
            told = read_times(part, line.now)
            if part and not told.rest.strip(" ?,.") and (told.since, told.until, told.at) != (None, None, None):
                return part
    return ""
