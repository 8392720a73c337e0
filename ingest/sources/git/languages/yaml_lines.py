"""YAML structure by indentation: no parser, one regular expression per column.

Sound for block style. What lines cannot show raises `StructureUnclear`, and the caller lets a parser look: flow
collections, explicit `?` keys, text in quotes or brackets that goes on at the next key's column.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.sources.git.languages.readers import Children, Entry, StructureUnclear, trimmed, unquoted

_PLAIN = rb"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=[^\s]))[^\n:#]*+(?:(?::(?=[^\s])|(?<=[^\s])#)[^\n:#]*+)*+"
_KEY = (
    rb"(?P<key>\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\n]|'')*+'|" + _PLAIN + rb")"
    rb"[ \t]*+:(?=[ \t\r\n]|\Z)[ \t]*+(?P<value>[\[{\"']?)"
)
_KEY_HERE = re.compile(_KEY)
_DASH = rb"-(?=[ \t\r\n]|\Z)"
_MARKER = re.compile(rb"\n(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_BLANK_OR_COMMENT = re.compile(rb"(?:[ \t\r\n]++|#[^\n]*+)*+")
_PROPERTIES = re.compile(rb"[ \t]*+(?:[&!][^\s,\[\]{}]*+[ \t]*+)+")
_COMMENT = re.compile(rb"(?:^|[ \t])#.*$")
_REST = rb"(?:[ \t\r\n]++|#[^\n]*+)*+\Z"
_QUOTES_CLOSED = re.compile(rb"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^']|'')*+')" + _REST, re.DOTALL)
_BRACKETS_CLOSED = re.compile(rb"[\]}]" + _REST)
_MAX_DOUBTS = 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@lru_cache(maxsize=64)
def _members_at(column: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n {%d}(?=[^ \t\r\n#])(?:(?P<dash>%s)|%s|(?P<other>[^\n]))" % (column, _DASH, _KEY))


@lru_cache(maxsize=64)
def _items_at(column: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n {%d}%s" % (column, _DASH))


class LineReader:
    """Reads structure from `structure`; texts and names come from `source`, which has the same length.

    The two differ only for templates, whose expressions are blanked in `structure`. `lenient` notes what lines cannot
    show in `unreadable()` and goes on, where otherwise `StructureUnclear` is raised.
    """

    def __init__(self, structure: bytes, source: bytes | None = None, *, lenient: bool = False) -> None:
        # Every line is to begin with a newline, which the patterns find fast: offsets in `_data` are one higher.
        marked = structure.startswith(_BYTE_ORDER_MARK)
        self._data = b"   \n" + structure[3:] if marked else b"\n" + structure
        self._lenient = lenient
        self._unreadable: list[tuple[int, str]] = []
        self.source = structure if source is None else source
        self.is_plain = self.source is structure and not lenient and not marked
        """Whether a part of `source`, read by itself, shows what it shows here."""

    def unreadable(self) -> list[tuple[int, str]]:
        """Lines that were skipped."""
        return self._unreadable

    def documents(self) -> list[Entry]:
        """Documents between `---` and `...` markers."""
        data = self._data
        bounds = [0]
        for marker in _MARKER.finditer(data):
            bounds += (marker.start(), marker.end())
        bounds.append(len(data))
        found: list[Entry] = []
        for start, end in zip(bounds[::2], bounds[1::2], strict=True):
            content = self._content(start, end)
            while content is not None and data[content] == 0x25:  # a %YAML or %TAG directive
                content = self._content(self._line_end(content, end), end)
            if content is not None:
                line = data.rfind(b"\n", 0, content) + 1
                first = line if line > start else content
                found.append(_entry("", first, self._trimmed(content, end, 0), content))
        return found

    def children(self, entry: Entry) -> Children:
        """Members, items or the text of an entry."""
        data, position, end = self._data, entry.value + 1, entry.end + 1
        properties = _PROPERTIES.match(data, position, end)
        content = self._content(properties.end() if properties else position, end)
        if content is None:
            return Children("empty")
        first = data[content]
        if first == 0x2D and data[content + 1 : content + 2] in (b" ", b"\n", b"\r", b"\t", b""):
            return Children("list", tuple(self._items(content, end)))
        if first in b"{[?":
            self._doubt(content, "a flow collection or an explicit key")
        elif _KEY_HERE.match(data, content, end):
            return Children("mapping", tuple(self._members(content, end)))
        raw = _COMMENT.sub(b"", data[content : self._line_end(content, end)]).strip()
        return Children("scalar", (), unquoted(self.source[content - 1 : content - 1 + len(raw)]))

    def _members(self, position: int, end: int) -> list[Entry]:
        data = self._data
        line = data.rfind(b"\n", 0, position)
        column = position - line - 1
        heads: list[re.Match[bytes]] = []
        starts: list[int] = []
        if data[line + 1 : position].strip(b" "):  # the first key stands behind a dash
            first = _KEY_HERE.match(data, position, end)
            if first:
                heads.append(first)
                starts.append(position)
            line = position
        for match in _members_at(column).finditer(data, line, end):
            group = match.lastgroup
            if group == "value":
                heads.append(match)
                starts.append(match.start() + 1)
            elif group == "other":
                self._doubt(match.start() + 1, "neither a key, an item nor a comment")
        return self._entries(heads, starts, column, end)

    def _entries(self, heads: list[re.Match[bytes]], starts: list[int], column: int, end: int) -> list[Entry]:
        data, source, trimmed = self._data, self.source, self._trimmed
        entries: list[Entry] = []
        starts.append(end + 1)
        for index, match in enumerate(heads):
            value = match.end()
            stop = trimmed(value, starts[index + 1] - 1, column)
            opener = match["value"]
            if opener:
                value -= 1
                closed = _BRACKETS_CLOSED.search if opener in b"[{" else _QUOTES_CLOSED.match
                if not closed(data, value, stop):
                    self._doubt(value, "text in quotes or brackets that goes on at the next key")
            key_start, key_end = match.span("key")
            key = source[key_start - 1 : key_end - 1]
            name = unquoted(key) if key[0] in b"\"'" else key.decode("utf-8", "backslashreplace")
            entries.append(Entry(name, starts[index] - 1, stop - 1, value - 1))
        return entries

    def _items(self, position: int, end: int) -> list[Entry]:
        data = self._data
        line = data.rfind(b"\n", 0, position)
        column = position - line - 1
        behind_dash = bool(data[line + 1 : position].strip(b" "))
        starts = [position] if behind_dash else []
        starts += [match.start() + 1 for match in _items_at(column).finditer(data, line, end)]
        stops = [start - 1 for start in starts[1:]]
        stops.append(end)
        entries: list[Entry] = []
        for start, stop in zip(starts, stops, strict=True):
            value = data.find(b"-", start, stop) + 1
            entries.append(_entry("", start, self._trimmed(value, stop, column), value))
        return entries

    def _content(self, position: int, end: int) -> int | None:
        """Where the first content at or after `position` stands, comments and blank lines skipped."""
        skipped = _BLANK_OR_COMMENT.match(self._data, position, end)
        content = skipped.end() if skipped else position
        return content if content < end else None

    def _line_end(self, position: int, end: int) -> int:
        found = self._data.find(b"\n", position, end)
        return end if found < 0 else found

    def _trimmed(self, start: int, end: int, column: int) -> int:
        return trimmed(self._data, start, end, column)

    def _doubt(self, position: int, reason: str) -> None:
        if not self._lenient:
            raise StructureUnclear(reason)
        if len(self._unreadable) < _MAX_DOUBTS:
            self._unreadable.append((self._data.count(b"\n", 0, position), reason))


def _entry(key: str, start: int, end: int, value: int) -> Entry:
    return Entry(key, start - 1, end - 1, value - 1)
