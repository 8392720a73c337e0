"""A Markdown file as front matter and sections with their lines.

Headings are those of CommonMark (https://spec.commonmark.org/), both forms; in code they are none. Front matter is YAML between `---` lines.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import yaml

MAX_SECTION_CHARS = 1_500
"""Longer sections are split between paragraphs."""
MAX_PIECE_CHARS = 6_000
"""A single paragraph (a table, a log) that is longer is cut here."""

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_NO_PARAGRAPH = re.compile(r"\s*(?:[-*+>|]|\d+[.)]\s|#|$)")
# Bounded, so that a file of brackets is read in time.
_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\(\s{0,5}<?([^()\s<>]{1,1000})>?(?:\s{1,5}[\"'(][^)\n]{0,300})?\s{0,5}\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\[\]\n]{1,300}\]:[ \t]{0,5}<?([^\s<>]{1,1000})>?", re.M)
_MAX_HEADING_CHARS = 1_000
_MARKS = re.compile(r"(\*\*|__|`)")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, or before the first.

    Attributes:
        headings: the heading and those it stands under, without marks; empty before the first.
        text: with the heading's line left out.
        first, last: its lines, counted from 1, the heading's included.
    """

    headings: tuple[str, ...]
    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Markdown:
    """A file. `fields` is its front matter, plain values as text, keys in lower case."""

    fields: Mapping[str, str]
    sections: Sequence[Section]

    @property
    def title(self) -> str:
        """The front matter's, or else the first heading; empty when there is neither."""
        return self.fields.get("title", "") or next((s.headings[-1] for s in self.sections if s.headings), "")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a section of at most about `MAX_SECTION_CHARS`, with its lines."""

    text: str
    first: int
    last: int


def parse(text: str) -> Markdown:
    """Read a file. Front matter that is no YAML mapping counts as text."""
    lines = text.split("\n")
    fields, start = _front_matter(lines)
    return Markdown(fields, list(_sections(lines, start)))


def pieces(section: Section) -> Iterator[Piece]:
    """The section's text, split between paragraphs; nothing for an empty one."""
    lines = section.text.split("\n")
    at = section.last - len(lines) + 1
    first, size, waiting = 0, 0, list[str]()
    in_fence = ""
    for number, line in enumerate(lines):
        in_fence = _fence(line, in_fence)
        waiting.append(line)
        size += len(line) + 1
        ends = not line.strip() and not in_fence
        following = _paragraph_chars(lines, number + 1) if ends else 0
        if (ends and size + following > MAX_SECTION_CHARS) or size > MAX_PIECE_CHARS:
            yield from _piece(waiting, at + first)
            first, size, waiting = number + 1, 0, []
    yield from _piece(waiting, at + first)


def links(text: str) -> list[tuple[str, str]]:
    """(words, target) of the links of a text."""
    inline = [(m[1], m[2]) for m in _LINK.finditer(text)]
    return inline + [(m[1], m[1]) for m in _REFERENCE.finditer(text)]


def plain(text: str) -> str:
    """A line without marks and with a link's words alone."""
    return _MARKS.sub("", _LINK.sub(r"\1", text)).strip()


def _piece(lines: list[str], first: int) -> Iterator[Piece]:
    text = "\n".join(lines)
    stripped = text.strip("\n")
    if not stripped.strip():
        return
    before = len(text) - len(text.lstrip("\n"))
    start = first + before
    yield Piece(stripped[: MAX_PIECE_CHARS * 2], start, start + stripped.count("\n"))


def _paragraph_chars(lines: Sequence[str], at: int) -> int:
    size = 0
    for line in lines[at:]:
        if not line.strip() and size:
            break
        size += len(line) + 1
    return size


def _front_matter(lines: Sequence[str]) -> tuple[dict[str, str], int]:
    if not lines or lines[0].rstrip() != "---":
        return {}, 0
    end = next((n for n, line in enumerate(lines[1:200], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        return {}, 0
    try:
        loaded: object = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, 0
    if not isinstance(loaded, dict):
        return {}, 0
    fields: dict[str, str] = {}
    for key, value in cast("Mapping[object, object]", loaded).items():
        told = _plain_value(value)
        if told:
            fields[str(key).strip().lower()] = told
    return fields, end + 1


def _plain_value(value: object) -> str:
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value).strip()
    if isinstance(value, list):
        return ", ".join(filter(None, (_plain_value(item) for item in cast("list[object]", value)[:50])))
    return ""


def _sections(lines: Sequence[str], start: int) -> Iterator[Section]:
    path: list[tuple[int, str]] = []
    begun, body_from, in_fence = start, start, ""
    number = start
    while number < len(lines):
        line = lines[number]
        was_in_fence = in_fence
        in_fence = _fence(line, in_fence)
        found = None if was_in_fence or in_fence else _heading(lines, number, body_from)
        if found is None:
            number += 1
            continue
        level, words, heading_from, after = found
        yield from _section(lines, path, begun, body_from, heading_from)
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, words))
        begun, body_from, number = heading_from, after, after
    yield from _section(lines, path, begun, body_from, len(lines))


def _section(
    lines: Sequence[str], path: Sequence[tuple[int, str]], begun: int, body_from: int, end: int
) -> Iterator[Section]:
    text = "\n".join(lines[body_from:end])
    if path or text.strip():
        yield Section(tuple(words for _, words in path), text, begun + 1, end)


def _heading(lines: Sequence[str], number: int, body_from: int) -> tuple[int, str, int, int] | None:
    """Level, words, first line and the line after of a heading that ends on this line."""
    if len(lines[number]) > _MAX_HEADING_CHARS:
        return None
    if found := _ATX.fullmatch(lines[number]):
        return len(found[1]), plain(found[2] or ""), number, number + 1
    if number > body_from and (found := _SETEXT.fullmatch(lines[number])):
        above = lines[number - 1]
        alone = number - 1 == body_from or not lines[number - 2].strip()
        if alone and len(above) <= _MAX_HEADING_CHARS and not _NO_PARAGRAPH.match(above):
            return (1 if found[1][0] == "=" else 2), plain(above), number - 1, number + 1
    return None


def _fence(line: str, open_fence: str) -> str:
    """The fence that is open after this line, empty when none is."""
    found = _FENCE.fullmatch(line)
    if found is None:
        return open_fence
    mark, rest = found[1], found[2]
    if not open_fence:
        return "" if mark[0] == "`" and "`" in rest else mark
    return "" if mark[0] == open_fence[0] and len(mark) >= len(open_fence) and not rest.strip() else open_fence
