"""Where the blocks of an HCL file are, found by scanning bytes, without building a syntax tree.

A file is cut into *stretches* that end with a line of nothing but `}`, the usual end of a block. A stretch is scanned once and
remembered by its bytes, so that the next version of the file costs one lookup per stretch. A stretch counts only when it
holds whole blocks: strings with interpolations, heredocs, comments and every kind of bracket are followed to their end, so
such a line inside a heredoc only makes the stretch longer.

Syntax: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md. HCL 1 (Terraform 0.11) has the same blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.sources.git.bounded_cache import BoundedCache


@dataclass(frozen=True, slots=True)
class Piece:
    """A block, a top-level attribute or an entry of `locals`. Offsets and lines count from the start of its stretch."""

    keyword: str
    labels: tuple[str, ...]
    text: bytes
    start: int
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a file that holds whole pieces. `line_count` is the number of line ends in it."""

    pieces: tuple[Piece, ...]
    line_count: int
    names: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """Bytes of a file that are no block, from a line to a line (1-based, inclusive), and why."""

    first_line: int
    last_line: int
    reason: str


ATTRIBUTE = "="
"""Keyword of a piece that is a top-level attribute; its single label is the attribute's name."""
LOCAL = "local"
"""Keyword of a piece that is one entry of a `locals` block; its single label is the entry's name."""

_PLAIN = rb'"(?:[^"\\\n$%]++|\\.|\$\$\{|%%\{|[$%](?!\{))*+"'
_INTERPOLATED = (
    rb'"(?:[^"\\\n$%]++|\\.|\$\$\{|%%\{|[$%](?!\{)|[$%]\{(?:[^{}"\\#/]++|/(?![/*])|' + _PLAIN + rb')*+\})*+"'
)
_COMMENT = rb"#[^\n]*+|//[^\n]*+|/\*(?s:.*?)\*/"
_TOKEN = re.compile(
    rb'[^"#/<{}()\[\]]*+(?:(' + _INTERPOLATED + rb"|" + _COMMENT + rb")|(<<-?([A-Za-z_][\w-]*)\r?\n)|(.))", re.DOTALL
)
_VALUE_TOKEN = re.compile(
    rb'[^"#/<{}()\[\]\n]*+(?:(' + _INTERPOLATED + rb"|/\*(?s:.*?)\*/" + rb")|(<<-?([A-Za-z_][\w-]*)\r?\n)|(.))",
    re.DOTALL,
)
_IN_STRING = re.compile(rb'[^"\\\n$%]*+(?:(\\.|\$\$\{|%%\{)|([$%]\{)|(.))', re.DOTALL)
_IN_CODE = re.compile(rb'[^"{}#/]*+(?:(' + _COMMENT + rb")|(.))", re.DOTALL)
_GAP = re.compile(rb"(?:[\s;,]++|" + _COMMENT + rb")*+")
_HEADER = re.compile(
    rb"([A-Za-z_][\w-]*+)((?:[ \t]*+" + rb'"(?:[^"\\\n]|\\.)*+"' + rb"|[ \t]++[A-Za-z_][\w.-]*+)*+)[ \t]*+\{"
)
_LABEL = re.compile(rb'"((?:[^"\\\n]|\\.)*+)"|([A-Za-z_][\w.-]*+)')
_KEY = re.compile(rb'(?:"((?:[^"\\\n]|\\.)*+)"|([A-Za-z_][\w.-]*+))[ \t]*+[=:](?!=)')
_LINE_END = re.compile(rb"[ \t\r]*+(?:#[^\n]*+|//[^\n]*+|/\*(?s:.*?)\*/[ \t\r]*+)?(?:\n|\Z)")
_RESUME = re.compile(
    rb'^[A-Za-z_][\w-]*+(?:[ \t]*+"(?:[^"\\\n]|\\.)*+"|[ \t]++[A-Za-z_][\w.-]*+)*+[ \t]*+(?:\{|=(?!=))', re.MULTILINE
)
_CLOSER = {0x7B: 0x7D, 0x28: 0x29, 0x5B: 0x5D}
_OPENERS = frozenset(_CLOSER)
_CLOSERS = frozenset(_CLOSER.values())
_QUOTE = 0x22
_NEWLINE = 0x0A
_BRACE = 0x7D
_DOLLAR_BRACES = (b"${", b"%{")
_CLOSING_LINE = b"\n}\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

MAX_JOINS = 12
"""A stretch is tried with this many further closing lines before the file is taken as one."""

MAX_RECOVERY_BYTES = 4 << 20
"""So many bytes are read again, at most about, in looking for readable blocks in a broken file."""


class Unclosed(Exception):
    """A bracket, string, comment or heredoc that does not end. `at` is where the piece began."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A file as stretches in order, with the line each begins on (1-based), and what could not be read.

    `repeats` says that two pieces have the same keyword and labels.
    """

    stretches: tuple[Stretch, ...]
    lines: tuple[int, ...]
    repeats: bool
    unread: tuple[Unread, ...] = ()


class Scanner:
    """Outlines files. Remembers stretches by their bytes, within a budget."""

    __slots__ = ("_ends", "_stretches")

    def __init__(self, max_bytes: int = 32 << 20) -> None:
        self._stretches: BoundedCache[bytes, Stretch | bool] = BoundedCache(max_bytes // 2)
        """By the bytes before a closing line."""
        self._ends: BoundedCache[bytes, Stretch | bool] = BoundedCache(max_bytes // 2)
        """By the bytes behind a file's last closing line."""

    def outline(self, data: bytes) -> Outline | None:
        """The file as whole pieces, or None when some of it is not."""
        if data.startswith(_BYTE_ORDER_MARK):
            data = data[len(_BYTE_ORDER_MARK) :]
        parts = data.split(_CLOSING_LINE)
        end = parts.pop()
        stretches: list[Stretch] = []
        known = self._stretches.get
        pending = b""
        joins = 0
        for part in parts:
            text = pending + part if pending else part
            stretch = known(text)
            if stretch is None:
                stretch = self._scanned(self._stretches, text, text + _CLOSING_LINE)
            if stretch is False:
                pending = text + _CLOSING_LINE
                joins += 1
                if joins > MAX_JOINS:
                    return _outlined_whole(data)
            elif stretch is True:
                return None
            else:
                stretches.append(stretch)
                pending = b""
                joins = 0
        if pending or end:
            text = pending + end
            stretch = self._ends.get(text)
            if stretch is None:
                stretch = self._scanned(self._ends, text, text)
            if isinstance(stretch, bool):
                return None
            stretches.append(stretch)
        return Outline(tuple(stretches), _lines(stretches), has_repeats(stretches))

    def _scanned(self, cache: BoundedCache[bytes, Stretch | bool], key: bytes, text: bytes) -> Stretch | bool:
        """The stretch; False when it ends inside a piece; True when it holds something that is no piece."""
        stretch = _stretch(text)
        return cache.put(key, stretch, len(key) + 100 if isinstance(stretch, bool) else 2 * len(key) + 400)


def _stretch(text: bytes) -> Stretch | bool:
    try:
        pieces = scan_pieces(text)
    except Unclosed:
        return False
    return True if pieces is None else stretch_of(pieces, text.count(b"\n"))


def _outlined_whole(data: bytes) -> Outline | None:
    """The outline of a file with a very long heredoc, in one stretch."""
    stretch = _stretch(data)
    return None if isinstance(stretch, bool) else Outline((stretch,), (1,), has_repeats((stretch,)))


def scan_pieces(text: bytes) -> tuple[Piece, ...] | None:
    """All pieces of a text, or None when something in it is no piece. Raises `Unclosed` when it ends inside one."""
    pieces: list[Piece] = []
    position = 0
    line = 0
    seen = 0
    while True:
        position = _skip(_GAP, text, position)
        if position >= len(text):
            return tuple(pieces)
        line += text.count(b"\n", seen, position)
        seen = position
        found = piece_at(text, position)
        if found is None:
            return None
        keyword, labels, end = found
        pieces.extend(_pieces_of(text, position, end, keyword, labels, line))
        position = end


def stretch_of(pieces: Sequence[Piece], line_count: int) -> Stretch:
    """A stretch that holds these pieces."""
    return Stretch(tuple(pieces), line_count, tuple((piece.keyword, piece.labels) for piece in pieces))


def has_repeats(stretches: Iterable[Stretch]) -> bool:
    """Whether two pieces of a file may have the same address."""
    names = [name for stretch in stretches for name in stretch.names]
    return len(set(names)) != len(names)


def recover(data: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int, str]]]:
    """The byte ranges of the pieces that can be read in a broken file, and those of what cannot, with the reason.

    After something unreadable it goes on at the next line that begins like a block or an attribute in the first column.
    A file in which very much does not end is given up at some point, lest every begin is followed to the end of the file.
    """
    good: list[tuple[int, int]] = []
    bad: list[tuple[int, int, str]] = []
    attempts = max(8, MAX_RECOVERY_BYTES // (len(data) + 1))
    position = len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0
    while True:
        position = _skip(_GAP, data, position)
        if position >= len(data):
            return good, bad
        reason = "neither a block nor an attribute"
        try:
            found = piece_at(data, position)
        except Unclosed:
            found = None
            reason = "a bracket, string, comment or heredoc does not end"
            attempts -= 1
        if found is not None:
            good.append((position, found[2]))
            position = found[2]
            continue
        resumed = _RESUME.search(data, data.find(b"\n", position) + 1 or len(data))
        end = resumed.start() if resumed and attempts > 0 else len(data)
        bad.append((position, end, reason))
        position = end


def pieces_in(data: bytes, start: int, end: int) -> list[Piece]:
    """The pieces of one range that `recover` or a syntax tree called good; offsets and lines count from the file's start."""
    found = piece_at(data[:end], start)
    if found is None:
        return []
    keyword, labels, stop = found
    return list(_pieces_of(data, start, stop, keyword, labels, data.count(b"\n", 0, start)))


def piece_at(text: bytes, position: int) -> tuple[str, tuple[str, ...], int] | None:
    """Keyword, labels and end of the piece that begins at `position`; None when none does.

    Raises:
        Unclosed: it begins there and does not end.
    """
    header = _HEADER.match(text, position)
    if header is not None:
        end = _close(text, header.end())
        return header[1].decode(), _labels(header[2]), end
    key = _KEY.match(text, position)
    if key is not None:
        name = key[1] if key[1] is not None else key[2]
        return ATTRIBUTE, (_decoded(name),), value_end(text, key.end())
    return None


def _pieces_of(text: bytes, start: int, end: int, keyword: str, labels: tuple[str, ...], line: int) -> list[Piece]:
    if keyword == "locals" and not labels:
        entries = _entries(text, text.index(b"{", start) + 1, end - 1)
        if entries is not None:
            return [
                Piece(
                    LOCAL,
                    (name,),
                    text[first:last],
                    first,
                    line + text.count(b"\n", start, first),
                    line + text.count(b"\n", start, last),
                )
                for name, first, last in entries
            ]
    return [Piece(keyword, labels, text[start:end], start, line, line + text.count(b"\n", start, end))]


def _entries(text: bytes, position: int, stop: int) -> list[tuple[str, int, int]] | None:
    """Name, start and end of each attribute between two braces; None when something else stands there."""
    entries: list[tuple[str, int, int]] = []
    body = text[:stop]
    while True:
        position = _skip(_GAP, body, position)
        if position >= stop:
            return entries
        key = _KEY.match(body, position)
        if key is not None:
            end = value_end(body, key.end())
        else:
            # Terraform 0.11 wrote maps in `locals` as blocks.
            header = _HEADER.match(body, position)
            if header is None or header[2].strip():
                return None
            end = _close(body, header.end())
            entries.append((_decoded(header[1]), position, end))
            position = end
            continue
        entries.append((_decoded(key[1] if key[1] is not None else key[2]), position, end))
        position = end


def _close(text: bytes, position: int) -> int:
    """The end of the block whose `{` stands before `position`."""
    expected = [_BRACE]
    match = _TOKEN.match
    while True:
        token = match(text, position)
        if token is None:
            raise Unclosed
        position = token.end()
        char = token[4]
        if char is None:
            if token[3] is not None:
                position = _heredoc_end(text, position, token[3])
            continue
        code = char[0]
        if code in _OPENERS:
            expected.append(_CLOSER[code])
        elif code in _CLOSERS:
            if expected.pop() != code:
                raise Unclosed
            if not expected:
                return position
        elif code == _QUOTE:
            position = _string_end(text, position)


def value_end(text: bytes, position: int) -> int:
    """The end of the value that begins at `position`: the last byte on its line that is neither space nor comment.

    Raises:
        Unclosed: a bracket, string or heredoc in it does not end.
    """
    expected: list[int] = []
    last = position
    while True:
        token = _VALUE_TOKEN.match(text, position)
        if token is None:
            if expected:
                raise Unclosed
            return last + len(text[last:].rstrip())
        begin = position
        position = token.end()
        char = token[4]
        if char is None:
            if token[3] is not None:
                position = _heredoc_end(text, position, token[3])
            elif token[1].startswith(b"/*") and not text[begin : token.start(1)].strip():
                continue
            last = position
            continue
        code = char[0]
        if code == 0x23 or (code == 0x2F and text[position : position + 1] == b"/"):
            before = text[begin : position - 1].rstrip()
            last = begin + len(before) if before else last
            line_end = text.find(b"\n", position)
            position = len(text) if line_end < 0 else line_end
            if not expected:
                return last
            continue
        if code == _NEWLINE:
            if not expected:
                before = text[begin : position - 1].rstrip()
                return begin + len(before) if before else last
        elif code in _OPENERS:
            expected.append(_CLOSER[code])
        elif code in _CLOSERS:
            if not expected:
                before = text[begin : position - 1].rstrip()
                return begin + len(before) if before else last
            if expected.pop() != code:
                raise Unclosed
        elif code == _QUOTE:
            position = _string_end(text, position)
        last = position


def _string_end(text: bytes, position: int) -> int:
    """The end of the string whose opening quote stands before `position`, however deep its interpolations nest."""
    inside = [_QUOTE]
    while inside:
        if inside[-1] == _QUOTE:
            token = _IN_STRING.match(text, position)
            if token is None:
                raise Unclosed
            position = token.end()
            if token[2] is not None:
                inside.append(_BRACE)
            elif token[3] == b'"':
                inside.pop()
            elif token[3] == b"\n":
                raise Unclosed
        else:
            token = _IN_CODE.match(text, position)
            if token is None:
                raise Unclosed
            position = token.end()
            if token[2] == b'"':
                inside.append(_QUOTE)
            elif token[2] == b"{":
                inside.append(_BRACE)
            elif token[2] == b"}":
                inside.pop()
    return position


@lru_cache(maxsize=256)
def _terminator(tag: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"^[ \t]*+" + re.escape(tag) + rb"(?=[ \t\r]*+$)", re.MULTILINE)


def _heredoc_end(text: bytes, position: int, tag: bytes) -> int:
    found = _terminator(tag).search(text, position)
    if found is None:
        raise Unclosed
    return found.end()


def _skip(pattern: re.Pattern[bytes], text: bytes, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _labels(text: bytes) -> tuple[str, ...]:
    return tuple(_decoded(quoted or bare) for quoted, bare in _LABEL.findall(text))


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _lines(stretches: list[Stretch]) -> tuple[int, ...]:
    lines: list[int] = []
    line = 1
    for stretch in stretches:
        lines.append(line)
        line += stretch.line_count
    return tuple(lines)
