"""The structure of a document without its values: where members and items stand.

Three readers answer the same questions: `yaml_lines` by indentation (fast, most files), `yaml_nodes` by a parser (the
files whose structure lines do not show), `json_members` for JSON. Offsets are bytes of the file.
"""

from __future__ import annotations

import json
from typing import Literal, NamedTuple, Protocol

EntryKind = Literal["mapping", "list", "scalar", "empty"]


class Entry(NamedTuple):
    """A member of a mapping, an item of a list, or a whole document.

    Attributes:
        key: the member's key as text; empty for items and documents.
        start, end: its bytes, key included; trailing comments and blank lines are not part of it.
        value: where its value begins.
    """

    key: str
    start: int
    end: int
    value: int


class Children(NamedTuple):
    """What an entry holds. For a scalar, `text` is it (its first line, unquoted)."""

    kind: EntryKind
    entries: tuple[Entry, ...] = ()
    text: str = ""


class StructureUnclear(Exception):
    """Lines do not show the structure (flow collections, quoted text over many lines): a parser must."""


class StructureInvalid(Exception):
    """The file is not in its language. `line` is 1-based."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Reader(Protocol):
    """One file's structure."""

    source: bytes

    def documents(self) -> list[Entry]:
        """Its documents, empty ones left out."""
        ...

    def children(self, entry: Entry) -> Children:
        """What the entry holds. Raises `StructureUnclear`."""
        ...

    def unreadable(self) -> list[tuple[int, str]]:
        """1-based lines that could not be read so far, with the reason."""
        ...


def trimmed(data: bytes, start: int, end: int, column: int) -> int:
    """The end of a YAML entry without trailing blank lines, and comments that stand no deeper than the entry's column."""
    while (line := data.rfind(b"\n", start, end)) >= 0:
        text = data[line + 1 : end]
        bare = text.lstrip()
        if bare and not (bare[0] == 0x23 and len(text) - len(bare) <= column):
            break
        end = line
    return end - 1 if end > start and data[end - 1] == 0x0D else end


def unquoted(raw: bytes) -> str:
    """The text of a scalar that stands on one line, plain or in quotes."""
    text = raw.decode("utf-8", "backslashreplace")
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return clean_text(str(json.loads(text, strict=False)))
        except ValueError:
            return text[1:-1]
    return text


def clean_text(text: str) -> str:
    """The text without lone surrogates, which no store takes: they are written as escapes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
