"""HCL files that the scanner cannot read whole: the syntax tree and the scanner's recovery, each for what it can read.

Apart from the scanner, since loading the grammar takes time and few histories need it.
"""

from __future__ import annotations

import tree_sitter_hcl
from tree_sitter import Language, Parser

from ingest.sources.git.languages.hcl_scan import (
    Outline,
    Piece,
    Unclosed,
    Unread,
    has_repeats,
    pieces_in,
    recover,
    stretch_of,
)

_PARSER = Parser(Language(tree_sitter_hcl.language()))


def tree_ranges(data: bytes) -> tuple[list[tuple[int, int]], bool]:
    """The byte ranges of the top-level blocks and attributes that parse without error, and whether the whole file does."""
    root = _PARSER.parse(data).root_node
    ranges = [
        (node.start_byte, node.end_byte)
        for body in root.children
        if body.type == "body"
        for node in body.children
        if node.type in ("block", "attribute") and not node.has_error
    ]
    return ranges, not root.has_error


def read_broken(data: bytes) -> Outline:
    """The outline of a file with unreadable parts, one stretch a piece.

    A piece counts that the scanner recovers, and one that the syntax tree holds where the scanner could read nothing.
    """
    good, bad = recover(data)
    pieces = [piece for start, end in good for piece in pieces_in(data, start, end)]
    if bad:
        for start, end in tree_ranges(data)[0]:
            if any(first <= start and end <= last for first, last, _ in bad):
                rescued = _rescued(data, start, end)
                pieces.extend(rescued)
                if rescued:
                    bad = [rest for part in bad for rest in _without(part, start, end)]
    pieces.sort(key=lambda piece: piece.start)
    unread = tuple(
        Unread(data.count(b"\n", 0, start) + 1, data.count(b"\n", 0, start + len(data[start:end].rstrip())) + 1, reason)
        for start, end, reason in bad
        if data[start:end].strip()
    )
    stretches = [stretch_of((piece,), 0) for piece in pieces]
    return Outline(tuple(stretches), (1,) * len(stretches), has_repeats(stretches), unread)


def _rescued(data: bytes, start: int, end: int) -> list[Piece]:
    try:
        return pieces_in(data, start, end)
    except Unclosed:
        return []


def _without(part: tuple[int, int, str], first: int, last: int) -> list[tuple[int, int, str]]:
    """What remains of an unreadable range when a rescued one inside it is taken out."""
    start, end, reason = part
    return [(start, first, reason), (last, end, reason)] if start <= first and last <= end else [part]
