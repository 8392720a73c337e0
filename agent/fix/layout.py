"""The columns of `=` and of comments as `terraform fmt` sets them, for the lines that an edit touches.

Lines in a row that hold a whole `name = value` share the column of their `=`, and those in a row that end in a comment share the comment's. A line
is put right only when its row was right before: a file that nobody formatted stays as it is. The rule is that of hclwrite's `format.go`:
https://github.com/hashicorp/hcl/blob/main/hclwrite/format.go
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeAlias

from tree_sitter import Node

from agent.fix.syntax import leaves, parse

_OPEN = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1, "[*]": 0, "template_interpolation_start": 1}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as fmt sees it (a heredoc belongs to the line that opens it): byte offsets, -1 for what it has not."""

    start: int
    end: int
    lead_end: int = -1
    assign: int = -1
    before_comment: int = -1
    comment: int = -1


@dataclass(frozen=True, slots=True)
class _Gap:
    """The spaces before a cell, and the column that the text before them ends at."""

    start: int
    end: int
    column: int


_Pick: TypeAlias = "Callable[[bytes, _Line], _Gap | None]"


def aligned(before: bytes, after: bytes) -> bytes:
    """`after`, with the rows that differ from `before` in the columns that fmt gives them where they had them."""
    for pick in (_assign, _comment):
        after = _set(before, after, pick)
    return after


def _set(before: bytes, after: bytes, pick: _Pick) -> bytes:
    old, new = _lines(before), _lines(after)
    same, touched = _matched(
        [before[line.start : line.end] for line in old], [after[line.start : line.end] for line in new]
    )
    old_rows = _rows(before, old, pick)
    new_rows = _rows(after, new, pick)
    row_of = {i: n for n, row in enumerate(old_rows) for i in row}
    right = [_right(before, [_gap(before, old[i], pick) for i in row]) for row in old_rows]
    edits: list[tuple[_Gap, int]] = []
    for row in new_rows:
        if not any(i in touched for i in row):
            continue
        former = {row_of[same[i]] for i in row if i in same and same[i] in row_of}
        former |= {row_of[o] for i in row for o in touched.get(i, ()) if o in row_of}
        if all(right[n] for n in former):
            gaps = [_gap(after, new[i], pick) for i in row]
            width = max(g.column for g in gaps)
            edits += [(g, width - g.column + 1) for g in gaps]
    for gap, spaces in sorted(edits, key=lambda e: -e[0].start):
        if after[gap.start : gap.end] != b" " * spaces:
            after = after[: gap.start] + b" " * spaces + after[gap.end :]
    return after


def _matched(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[dict[int, int], dict[int, tuple[int, ...]]]:
    """New lines that are old ones, and those that an edit made or stands next to, with the old lines at that place."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    same = {i: i for i in range(first)} | {len(new) - 1 - i: len(old) - 1 - i for i in range(last)}
    touched: dict[int, tuple[int, ...]] = {}
    middle = SequenceMatcher(None, old[first : len(old) - last], new[first : len(new) - last], autojunk=False)
    for tag, i1, i2, j1, j2 in middle.get_opcodes():
        i1, i2, j1, j2 = i1 + first, i2 + first, j1 + first, j2 + first
        if tag == "equal":
            same.update(zip(range(j1, j2), range(i1, i2), strict=True))
            continue
        for j in range(max(0, j1 - 1), min(len(new), j2 + 1)):
            touched[j] = (*touched.get(j, ()), *range(i1, i2))
    return same, touched


def _rows(data: bytes, lines: Sequence[_Line], pick: _Pick) -> list[list[int]]:
    rows: list[list[int]] = []
    open = False
    for i, line in enumerate(lines):
        has = pick(data, line) is not None
        if has and open:
            rows[-1].append(i)
        elif has:
            rows.append([i])
        open = has
    return rows


def _gap(data: bytes, line: _Line, pick: _Pick) -> _Gap:
    gap = pick(data, line)
    assert gap is not None
    return gap


def _right(data: bytes, gaps: Sequence[_Gap]) -> bool:
    width = max(g.column for g in gaps)
    return all(data[g.start : g.end] == b" " * (width - g.column + 1) for g in gaps)


def _assign(data: bytes, line: _Line) -> _Gap | None:
    if line.assign < 0:
        return None
    return _Gap(line.lead_end, line.assign, _columns(data[line.start : line.lead_end]))


def _comment(data: bytes, line: _Line) -> _Gap | None:
    if line.comment < 0:
        return None
    return _Gap(line.before_comment, line.comment, _columns(data[line.start : line.before_comment]))


def _columns(data: bytes) -> int:
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return sum(1 for c in text if not unicodedata.combining(c) and c not in "\u200d\ufe0f")


@lru_cache(maxsize=8)
def _lines(data: bytes) -> list[_Line]:
    """The file's lines with their cells."""
    tokens = list(leaves(parse("", data).root))
    lines: list[_Line] = []
    position, next_token = 0, 0
    while position < len(data):
        end = _line_end(data, position)
        mine: list[Node] = []
        while next_token < len(tokens) and tokens[next_token].start_byte < end:
            token = tokens[next_token]
            mine.append(token)
            if token.end_byte > end:
                end = _line_end(data, token.end_byte - (data[token.end_byte - 1 : token.end_byte] == b"\n"))
            next_token += 1
        lines.append(_cells(position, end, mine))
        position = end
    return lines


def _line_end(data: bytes, position: int) -> int:
    newline = data.find(b"\n", position)
    return len(data) if newline < 0 else newline + 1


def _cells(start: int, end: int, tokens: list[Node]) -> _Line:
    comment = before_comment = lead_end = assign = -1
    if len(tokens) > 1 and tokens[-1].type == "comment":
        comment, before_comment = tokens[-1].start_byte, tokens[-2].end_byte
        tokens = tokens[:-1]
    for i, token in enumerate(tokens):
        if i > 0 and token.type == "=":
            if sum(_OPEN.get(t.type, 0) for t in tokens[i:]) == 0:
                lead_end, assign = tokens[i - 1].end_byte, token.start_byte
            break
    return _Line(start, end, lead_end, assign, before_comment, comment)
