"""JSON structure: where the members and items of a document stand, with the standard library's own scanner.

Also takes what is common in configuration but no JSON: comments, trailing commas, NaN. A file that breaks off keeps the
members before the break, and those after it that start a line at the same column.
"""

from __future__ import annotations

import json
import re

from ingest.sources.git.languages.readers import Children, Entry, unquoted

_SKIP = re.compile(r"[\s,]*", re.ASCII)
_KEY = re.compile(r'"(?:[^"\\]|\\.)*+"\s*:\s*', re.DOTALL)
_LAX = re.compile(
    r'"(?:[^"\\\n]|\\.)*+"|(?P<comment>//[^\n]*+|/\*.*?\*/|(?<![^\s,{\[])#[^\n]*+)|(?P<comma>,(?=\s*[\]}]))', re.DOTALL
)
_NOT_NEWLINE = re.compile(r"[^\n]")
_MAX_ERRORS = 20
_DECODER = json.JSONDecoder(strict=False)


class JsonReader:
    """Reads structure from `structure`; texts and names come from `source`, which has the same length."""

    def __init__(self, structure: bytes, source: bytes | None = None) -> None:
        self.source = structure if source is None else source
        self._errors: list[tuple[int, str]] = []
        # Latin-1 makes characters bytes; what stands in strings does not matter for structure.
        self._text = structure.decode("latin-1")
        if self._text.startswith("\xef\xbb\xbf"):
            self._text = "   " + self._text[3:]
        if self._end(self._start(0)) is None:
            self._text = without_comments(self._text)

    def unreadable(self) -> list[tuple[int, str]]:
        """Lines where the scanner failed."""
        return self._errors

    def documents(self) -> list[Entry]:
        """The one document."""
        start = self._start(0)
        if start >= len(self._text):
            return []
        end = self._end(start)
        if end is not None and self._start(end) < len(self._text):
            self._note(self._start(end), "more text after the end of the document")
        if end is None and self._text[start] not in "{[":
            self._note(start, "not JSON")
            return []
        return [Entry("", start, len(self._text.rstrip()) if end is None else end, start)]

    def children(self, entry: Entry) -> Children:
        """Members, items or the text of an entry."""
        opener = self._text[entry.value : entry.value + 1]
        if opener == "{":
            return Children("mapping", tuple(self._members(entry)))
        if opener == "[":
            return Children("list", tuple(self._items(entry)))
        return Children("scalar", (), unquoted(self.source[entry.value : entry.end]))

    def _members(self, entry: Entry) -> list[Entry]:
        text, entries = self._text, list[Entry]()
        position, column = self._start(entry.value + 1), -1
        while position < entry.end and text[position] != "}":
            if column < 0:
                column = position - text.rfind("\n", 0, position) - 1
            key = _KEY.match(text, position)
            end = self._end(key.end()) if key else None
            if key and end is not None:
                name = unquoted(self.source[position : position + key[0].rfind('"') + 1])
                entries.append(Entry(name, position, end, key.end()))
                position = self._start(end)
                continue
            self._note(position, "not a member of a JSON object")
            again = re.compile(rf'\n[ \t]{{{column}}}(?=")').search(text, position, entry.end)
            if not again or len(self._errors) >= _MAX_ERRORS:
                break
            position = again.end()
        return entries

    def _items(self, entry: Entry) -> list[Entry]:
        entries: list[Entry] = []
        position = self._start(entry.value + 1)
        while position < entry.end and self._text[position] != "]":
            end = self._end(position)
            if end is None:
                self._note(position, "not an item of a JSON array")
                break
            entries.append(Entry("", position, end, position))
            position = self._start(end)
        return entries

    def _start(self, position: int) -> int:
        found = _SKIP.match(self._text, position)
        return found.end() if found else position

    def _end(self, position: int) -> int | None:
        try:
            return _DECODER.raw_decode(self._text, position)[1]
        except (ValueError, RecursionError):
            return None

    def _note(self, position: int, reason: str) -> None:
        self._errors.append((self._text.count("\n", 0, position) + 1, reason))


def without_comments(text: str) -> str:
    """The text with comments and trailing commas blanked, of the same length."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match.lastgroup is None else _NOT_NEWLINE.sub(" ", match[0])

    return _LAX.sub(blank, text)
