"""A JSON document of any size, read piece by piece: the objects on the way are entered, the values asked for are decoded one at a time.

Offer files of the AWS Price List have gigabytes; what is decoded at once is one product or one term.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

_CHUNK = 1 << 20
_LARGEST_VALUE = 64 << 20
"""A single value larger than this is no price file."""
_SPACE = " \t\r\n"
_NUMBER = "+-.0123456789eE"


class NotThatJson(Exception):
    """The document is no JSON, or not of the shape that is read."""


class JsonStream:
    """Reads forwards only.

    Args:
        read: gives the next characters, at most so many; an empty text at the end.
    """

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read = read
        self._text = ""
        self._at = 0
        self._ended = False
        self._decode = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode

    def members(self) -> Iterator[str]:
        """The names of the object that comes next, in order. At each, take the value: by `value`, `skip` or `members` itself."""
        self._expect("{")
        first = True
        while self._peek() != "}":
            if not first:
                self._expect(",")
            name = self.value()
            if not isinstance(name, str):
                raise NotThatJson("a member has no name")
            self._expect(":")
            first = False
            yield name
        self._expect("}")

    def value(self) -> object:
        """The value that comes next, decoded; numbers stay text."""
        self._peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise NotThatJson("it ends within a value, or is no JSON") from None
                continue
            if self._may_go_on(end) and self._more():
                continue
            self._at = end
            return value

    def skip(self) -> None:
        """Leave out the value that comes next: an object member by member, so that a large one is never decoded whole."""
        if self._peek() == "{":
            for _ in self.members():
                self.value()
        else:
            self.value()

    def _may_go_on(self, end: int) -> bool:
        """Whether what was decoded may be the beginning of a longer number."""
        return end == len(self._text) or (self._text[self._at] in _NUMBER and self._text[end] in _NUMBER)

    def _peek(self) -> str:
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                raise NotThatJson("it ends too early")

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise NotThatJson(f"{character!r} is expected")
        self._at += 1

    def _more(self) -> bool:
        """Read on. What was taken is forgotten."""
        if self._ended:
            return False
        chunk = self._read(_CHUNK)
        if not chunk:
            self._ended = True
            return False
        if len(self._text) - self._at > _LARGEST_VALUE:
            raise NotThatJson("a single value is larger than any of a price file")
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return True
