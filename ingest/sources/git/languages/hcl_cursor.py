"""A position in HCL text, and what is skipped to reach the next sign: space and comments."""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.sources.git.languages.hcl_values import Node

MAX_DEPTH = 40
"""Expressions nested deeper than this are taken as text."""


class NotUnderstood(Exception):
    """Text that is no expression, or one nested too deeply. The caller keeps it as text."""


SPACE = re.compile(r"(?:[ \t\r]++|#[^\n]*+|//[^\n]*+|/\*(?s:.*?)\*/)*+")
SPACE_LINES = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+|//[^\n]*+|/\*(?s:.*?)\*/)*+")
_BEGINS_SPACE = frozenset(" \t\r\n#/")


class Cursor:
    """A text and a position in it. Within brackets line ends are space, outside they end an expression."""

    __slots__ = ("_bound", "_depth", "_space", "position", "text")

    def __init__(self, text: str, position: int = 0, depth: int = 0, bound: tuple[str, ...] = ()) -> None:
        self.text = text
        self.position = position
        self._space = SPACE
        self._depth = depth
        self._bound = bound

    def at_end_of_line(self) -> bool:
        """Whether nothing but space and comments follows on the line; moves behind them, before the line end."""
        self._skip()
        return self.position >= len(self.text) or self.text[self.position] == "\n"

    def _skip(self) -> None:
        if self.text[self.position : self.position + 1] not in _BEGINS_SPACE:
            return
        found = self._space.match(self.text, self.position)
        if found is not None:
            self.position = found.end()

    def _skip_lines(self) -> None:
        found = SPACE_LINES.match(self.text, self.position)
        if found is not None:
            self.position = found.end()

    def _peek(self) -> str:
        """The next character behind space; raises IndexError at the end unless outside all brackets."""
        self._skip()
        if self.position >= len(self.text) and self._space is SPACE:
            return ""
        return self.text[self.position]

    def _expect(self, char: str, *, skip: bool = True) -> None:
        if skip:
            self._skip()
        if not self.text.startswith(char, self.position):
            raise NotUnderstood(f"{char!r} is missing")
        self.position += 1

    def _nested(self, read: Callable[[], Node]) -> Node:
        saved, self._space = self._space, SPACE_LINES
        node = read()
        self._skip()
        self._space = saved
        return node

    def _close(self, char: str) -> None:
        self._expect(char, skip=False)
