"""YAML structure by libyaml's parser, for the files whose lines do not show it.

Only positions are kept, no values, so aliases cannot grow. libyaml counts characters; the bytes are shown to it as
Latin-1 with every non-ASCII byte replaced, so that its positions are byte offsets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from ingest.sources.git.languages.readers import Children, Entry, EntryKind, StructureInvalid, trimmed, unquoted
from ingest.sources.git.languages.yaml_values import yaml_events

MAX_DEPTH = 200

_MARKER = re.compile(rb"\n(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")

_ASCII_ONLY = bytes(range(0x80)) + b"x" * 0x80


@dataclass(slots=True)
class _Node:
    kind: EntryKind
    start: int
    end: int
    flow: bool
    children: list[tuple[_Node | None, _Node]] = field(default_factory=list[tuple["_Node | None", "_Node"]])


class NodeReader:
    """Reads structure by parsing. Raises `StructureInvalid` when it is no YAML."""

    def __init__(self, structure: bytes, source: bytes | None = None) -> None:
        self.source = structure if source is None else source
        self._text = structure.translate(_ASCII_ONLY)
        if structure.startswith(b"\xef\xbb\xbf"):
            self._text = b"   " + self._text[3:]
        self._roots = list(_nodes(self._text))
        self._nodes: dict[tuple[int, int], _Node] = {}

    def unreadable(self) -> list[tuple[int, str]]:
        """Nothing: a file that cannot be parsed has no reader."""
        return []

    def documents(self) -> list[Entry]:
        """The documents that hold something."""
        found: list[Entry] = []
        for root in self._roots:
            if root.end > root.start:
                marker = _MARKER.search(self._text, max(root.start, root.end - 1))
                found.append(self._entry("", root.start, root, marker.start() if marker else len(self._text)))
        return found

    def children(self, entry: Entry) -> Children:
        """Members, items or the text of an entry."""
        node = self._nodes[entry.start, entry.value]
        if node.kind not in ("mapping", "list"):
            text = self.source[node.start : node.end]
            return Children("scalar" if text else "empty", (), unquoted(text.split(b"\n", 1)[0].strip()))
        firsts = [(b"?", key) if key else (b"-", child) for key, child in node.children]
        starts = [self._behind(indicator, first) for indicator, first in firsts]
        stops = [self._text.rfind(b"\n", 0, start) for start in starts[1:]]
        stops.append(entry.end)
        entries = [
            self._entry(unquoted(self.source[key.start : key.end]) if key else "", start, child, stop, flow=node.flow)
            for (key, child), start, stop in zip(node.children, starts, stops, strict=False)
            if key is None or key.kind == "scalar"
        ]
        return Children(node.kind, tuple(entries))

    def _entry(self, key: str, start: int, node: _Node, stop: int, *, flow: bool = False) -> Entry:
        """An entry of block style ends before the next, as lines would show it; one of flow style at its last character."""
        line = self._text.rfind(b"\n", 0, start) + 1
        column = start - line
        end = max(node.end, start) if flow else trimmed(self._text, start, max(stop, start), column)
        begin = start if self._text[line:start].strip(b" ") else line
        self._nodes[begin, node.start] = node
        return Entry(key, begin, end, node.start)

    def _behind(self, indicator: bytes, node: _Node) -> int:
        """Where an entry starts that the indicator introduces; the node's own start when there is none."""
        before = self._text[max(0, node.start - 200) : node.start].rstrip()
        if not before.endswith(indicator) or (before[:-1].rstrip(b" ") or b"\n")[-1:] not in (
            b"\n",
            b"-",
            b"?",
            b"{",
            b",",
        ):
            return node.start
        return max(0, node.start - 200) + len(before) - 1


def _nodes(text: bytes) -> Iterator[_Node]:
    try:
        stack: list[tuple[_Node, list[_Node]]] = []
        for event in yaml_events(text.decode("ascii")):
            start, end = event.start_mark.index, event.end_mark.index
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                kind: EntryKind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
                stack.append((_Node(kind, start, end, bool(event.flow_style)), []))
                if len(stack) > MAX_DEPTH:
                    raise StructureInvalid(event.start_mark.line + 1, f"nested deeper than {MAX_DEPTH}")
                continue
            if isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                node = _Node("scalar", start, end, False)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                node, _ = stack.pop()
                node.end = max(end, node.start)
            else:
                continue
            if not stack:
                yield node
                continue
            parent, keys = stack[-1]
            if parent.kind == "list":
                parent.children.append((None, node))
            elif keys:
                parent.children.append((keys.pop(), node))
            else:
                keys.append(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise StructureInvalid(mark.line + 1 if mark else 1, error.problem or "not YAML") from None
    except (yaml.YAMLError, ValueError) as error:
        raise StructureInvalid(1, str(error).split("\n", 1)[0]) from None
