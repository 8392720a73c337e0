"""Reads the body of an HCL block into its attributes and nested blocks.

Most lines of a body are an attribute, the begin or the end of a block, and most of them recur in the next version of the
block and in its neighbours: what such a line says is remembered by its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ingest.sources.git.languages.hcl_cursor import NotUnderstood
from ingest.sources.git.languages.hcl_expression import Reader
from ingest.sources.git.languages.hcl_scan import Unclosed, value_end
from ingest.sources.git.languages.hcl_values import LOOSEST, Code, Node

MAX_BLOCK_DEPTH = 40
"""Blocks nested deeper than this are taken as text."""


@dataclass(slots=True)
class Body:
    """Attributes and nested blocks in the order written. A nested block's name holds its labels: `dynamic.ingress`."""

    items: list[tuple[str, Node | Body]] = field(default_factory=list["tuple[str, Node | Body]"])


_EMPTY: Final = 0
_CLOSES: Final = 1
_ATTRIBUTE: Final = 2
_OPENS: Final = 3
_OTHER: Final = 4


@dataclass(frozen=True, slots=True)
class _Line:
    """What one line says by itself; `_OTHER` when that takes more than the line."""

    kind: int
    name: str = ""
    node: Node = None


_Words: TypeAlias = "tuple[str, tuple[str, ...]]"
_NAME = r'(?:"((?:[^"\\\n$%]|\\.)*+)"|([^\W\d][\w-]*+(?:\.[\w-]++)*+))'
_SPACE = re.compile(r"(?:[\s,;]++|#[^\n]*+|//[^\n]*+|/\*(?s:.*?)\*/)*+")
_LINE = re.compile(r"[ \t]*+([^\n]*+)\n?")
_BLANK = re.compile(r"(?:[ \t\r]*+(?:#.*+|//.*+)?)")
_CLOSING = re.compile(r"\}[ \t\r]*+,?[ \t\r]*+(?:#.*+|//.*+)?")
_KEY = re.compile(_NAME + r"[ \t]*+[=:](?![=>])[ \t]*+")
_HEADER = re.compile(_NAME + r'((?:[ \t]*+"(?:[^"\\\n]|\\.)*+"|[ \t]++[^\W\d][\w.-]*+)*+)[ \t]*+\{')
_PLAIN = re.compile(r'"([^"\\$%]*+)"[ \t]*+')
_LABEL = re.compile(r'"((?:[^"\\\n]|\\.)*+)"|([^\W\d][\w.-]*+)')
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*+"|#[^\n]*+|//[^\n]*+|/\*(?s:.*?)\*/|[\w.-]++|[^\s\w]')
_ADDRESS = re.compile(r"\b(?:data\.[\w-]+\.[\w-]+|(?:var|local|module)\.[\w-]+|[a-z][a-z0-9]*_\w+\.[\w-]+)")

_MAX_LINES = 60_000
_MAX_LINE_CHARS = 1_000
_lines: dict[str, _Line] = {}


def read_body(text: str, position: int) -> Body:
    """The body whose `{` stands before `position`.

    Raises:
        NotUnderstood: it is not HCL of any version, or nests too deeply.
    """
    return _body(text, position, 0)[0]


def read_attribute(text: str) -> Node | Body:
    """The value of a text that is one attribute, `key = value`, or 0.11's map as a block, `key { … }`.

    Raises:
        NotUnderstood: it is neither.
    """
    body = Body()
    position = _item(text, 0, body, 0)
    if position is None or _behind_space(text, position) != len(text):
        raise NotUnderstood("more than an attribute")
    return body.items[0][1]


def words(text: str) -> _Words:
    """The text without space and comments, and the addresses in it: what is left when it cannot be understood."""
    kept = [word for word in _TOKEN.findall(text) if not word.startswith(("#", "//", "/*"))]
    return " ".join(kept), tuple(dict.fromkeys(_ADDRESS.findall(text)))


def _body(text: str, position: int, depth: int) -> tuple[Body, int]:
    """The body from behind its `{`, and the position behind its `}`."""
    if depth > MAX_BLOCK_DEPTH:
        raise NotUnderstood("nested too deeply")
    body = Body()
    items = body.items
    size = len(text)
    while position < size:
        found = _LINE.match(text, position)
        if found is None:
            break
        line = _lines.get(found[1]) or _remembered(found[1])
        kind = line.kind
        if kind == _ATTRIBUTE:
            items.append((line.name, line.node))
            position = found.end()
        elif kind == _EMPTY:
            position = found.end()
        elif kind == _OPENS:
            nested, position = _body(text, found.end(), depth + 1)
            items.append((line.name, nested))
        elif kind == _CLOSES:
            return body, text.index("}", position) + 1
        else:
            after = _item(text, position, body, depth)
            if after is None:
                return body, text.index("}", _behind_space(text, position)) + 1
            position = after
    raise NotUnderstood("the block does not end")


def _item(text: str, position: int, body: Body, depth: int) -> int | None:
    """Reads one attribute or block, whatever lines it takes, and returns where it ends; None when a `}` comes first."""
    position = _behind_space(text, position)
    if text.startswith("}", position):
        return None
    key = _KEY.match(text, position)
    if key is not None:
        reader = Reader(text, key.end())
        try:
            node = reader.value()
            end = reader.position
        except NotUnderstood:
            node, end = _unread_value(text, key.end())
        body.items.append((_name(key[1], key[2]), node))
        return end
    header = _HEADER.match(text, position)
    if header is not None:
        nested, end = _body(text, header.end(), depth + 1)
        body.items.append((_block_name(header), nested))
        return end
    if position >= len(text):
        return position
    raise NotUnderstood("neither an attribute nor a block")


def _unread_value(text: str, position: int) -> tuple[Node, int]:
    """The words of a value that is no expression, as far as its brackets and strings reach."""
    data = text[position:].encode("utf-8", "surrogatepass")
    try:
        value = data[: value_end(data, 0)].decode("utf-8", "surrogatepass")
    except Unclosed:
        raise NotUnderstood("the value does not end") from None
    kept, addresses = words(value)
    return Code(kept, LOOSEST, addresses), position + len(value)


def _remembered(text: str) -> _Line:
    line = _line(text)
    if len(text) <= _MAX_LINE_CHARS:
        if len(_lines) >= _MAX_LINES:
            _lines.clear()
        _lines[text] = line
    return line


def _line(text: str) -> _Line:
    if _BLANK.fullmatch(text):
        return _Line(_EMPTY)
    if _CLOSING.fullmatch(text):
        return _Line(_CLOSES)
    key = _KEY.match(text)
    if key is not None:
        plain = _PLAIN.fullmatch(text, key.end())
        if plain is not None:
            return _Line(_ATTRIBUTE, _name(key[1], key[2]), plain[1])
        reader = Reader(text, key.end())
        try:
            node = reader.value()
            if reader.at_end_of_line():
                return _Line(_ATTRIBUTE, _name(key[1], key[2]), node)
        except NotUnderstood:
            pass
        return _Line(_OTHER)
    header = _HEADER.match(text)
    if header is not None and _BLANK.fullmatch(text, header.end()):
        return _Line(_OPENS, _block_name(header))
    return _Line(_OTHER)


def _behind_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found is not None else position


def _name(quoted: str | None, bare: str) -> str:
    return bare if quoted is None else quoted.replace('\\"', '"')


def _block_name(header: re.Match[str]) -> str:
    labels = [quoted or bare for quoted, bare in _LABEL.findall(header[3])]
    return ".".join([_name(header[1], header[2]), *labels])
