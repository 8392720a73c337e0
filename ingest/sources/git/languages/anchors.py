"""Anchors across blocks: a block that uses `*name` carries the text that defines `&name`.

A block's text then changes when what it refers to changes, as its meaning does. The definitions come first, then a
separator, then the block's own bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from ingest.sources.git.blocks import Span, Split

_SEPARATOR = b"\n--- # the block itself, which refers to anchors above\n"
_ANCHOR = re.compile(rb"&([\w./-]+)(?=[\s,\]}]|\Z)")
_ALIAS = re.compile(rb"\*([\w./-]+)(?=[\s,\]}:]|\Z)")
_BEFORE = b" \t\r\n[{,"
_TOP_LEVEL = re.compile(rb"\n(?=[^\s#-]|-[^\s])")
_TOP_LEVEL_OR_ITEM = re.compile(rb"\n(?=[^\s#])")
_LIST = re.compile(rb"(?:\s++|#[^\n]*+|(?:---|%)[^\n]*+)*+-\s")
_MAX_BYTES = 65_536
_MAX_FILE_BYTES = 4_000_000
"""What the blocks of one file carry of definitions altogether; those after that go without."""


def with_anchors(found: Split, data: bytes) -> Split:
    """The blocks, those that refer to anchors outside themselves with the text that defines them."""
    if b"*" not in data or b"&" not in data or not found.spans:
        return found
    positions: dict[bytes, int] = {}
    for anchor in _found(_ANCHOR, data):
        positions.setdefault(anchor[1], anchor.start())
    if not positions:
        return found
    definitions = _Definitions(data, positions)
    spans = tuple(_with_definitions(span, definitions) for span in found.spans)
    return replace(found, spans=spans)


def own_and_anchored(text: bytes) -> tuple[bytes, bytes]:
    """A span's own bytes, and the definitions before them."""
    anchored, _, own = text.rpartition(_SEPARATOR)
    return own, anchored


class _Definitions:
    """The top-level pieces of a file by the anchors they define."""

    def __init__(self, data: bytes, positions: dict[bytes, int]) -> None:
        self._data = data
        boundary = _TOP_LEVEL_OR_ITEM if _LIST.match(data) else _TOP_LEVEL
        self._starts = [0, *(match.end() for match in boundary.finditer(data))]
        self._positions = positions
        self._left = _MAX_FILE_BYTES

    def needed_by(self, text: bytes) -> bytes:
        """The pieces, in order of the file, that define what the text refers to, and what those refer to."""
        pieces: dict[int, bytes] = {}
        wanting, size = [text], 0
        while wanting and size < min(_MAX_BYTES, self._left):
            current = wanting.pop()
            wanted = {match[1] for match in _found(_ALIAS, current)}
            for name in wanted and wanted - {match[1] for match in _found(_ANCHOR, current)}:
                position = self._positions.get(name)
                if position is None:
                    continue
                start, piece = self._piece(position)
                if start not in pieces and piece not in text:
                    pieces[start] = piece
                    size += len(piece)
                    wanting.append(piece)
        self._left -= size
        return b"\n---\n".join(pieces[start] for start in sorted(pieces))

    def _piece(self, position: int) -> tuple[int, bytes]:
        starts = self._starts
        after = bisect_right(starts, position)
        end = starts[after] if after < len(starts) else len(self._data)
        return starts[after - 1], self._data[starts[after - 1] : end].rstrip()


def _found(pattern: re.Pattern[bytes], text: bytes) -> Iterator[re.Match[bytes]]:
    """Matches that begin a word. Checked here: the pattern's search is fast because it begins with a literal."""
    return (m for m in pattern.finditer(text) if m.start() == 0 or text[m.start() - 1] in _BEFORE)


def _with_definitions(span: Span, definitions: _Definitions) -> Span:
    if b"*" not in span.text:
        return span
    needed = definitions.needed_by(span.text)
    return replace(span, text=needed + _SEPARATOR + span.text) if needed else span
