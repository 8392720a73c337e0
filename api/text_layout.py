"""Lines for a terminal: wrapped by what is seen, hung under their first word, without anything that a terminal acts on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from api.render import plain

NARROWEST, WIDEST = 60, 120
_TRAILING = re.compile(r"[\s,;:]+$")


def fit(width: int) -> int:
    """A width that can be read."""
    return max(NARROWEST, min(width, WIDEST))


def cells(text: str) -> int:
    """How many columns a text takes: wide characters take two, those that are put on top of others none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


def cut(text: str, columns: int) -> str:
    """The text in one line of at most so many columns."""
    text = plain(text)
    if cells(text) <= columns:
        return text
    kept: list[str] = []
    room = columns - 1
    for c in text:
        room -= cells(c)
        if room < 0:
            break
        kept.append(c)
    return _TRAILING.sub("", "".join(kept)) + "…"


def wrap(text: str, width: int, *, first: str = "", then: str = "", most: int = 0) -> list[str]:
    """The text in lines of at most `width` columns; the first begins with `first`, the others with `then`; the last of `most` ends in `…`."""
    lines: list[str] = []
    line, indent = "", first
    for word in _words(plain(text), width - max(cells(first), cells(then))):
        if line and cells(indent) + cells(line) + 1 + cells(word) > width:
            lines.append(indent + line)
            line, indent = word, then
        else:
            line = f"{line} {word}" if line else word
    lines.append((indent + line).rstrip())
    if most and len(lines) > most:
        kept = lines[:most]
        kept[-1] = cut(kept[-1], width - 2) if cells(kept[-1]) > width - 2 else kept[-1] + " …"
        return kept
    return lines


def _words(text: str, room: int) -> Iterator[str]:
    """The words, those that fit no line in parts."""
    for word in text.split():
        part, taken = [""], 0
        if cells(word) <= room:
            yield word
            continue
        for c in word:
            if taken + cells(c) > room:
                yield "".join(part)
                part, taken = [], 0
            part.append(c)
            taken += cells(c)
        yield "".join(part)


def section(title: str, lines: Sequence[str]) -> str:
    """Lines under a title; empty without any."""
    return "\n".join([title, *lines]) if lines else ""
