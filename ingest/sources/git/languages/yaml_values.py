"""YAML text to JSON values, bounded: no objects are built, aliases cannot grow without end, unknown tags are kept.

Plain scalars read as in YAML 1.2 (`true`, `null`, canonical numbers). Where YAML 1.1 or a number's spelling would change
what a program sees, the writing is kept: plain `yes` is the text `yes` and a quoted one `{"!!str": "yes"}`; `0644` and
`1.10` are `{"!!int": "0644"}` and `{"!!float": "1.10"}`. Keys are always text as written, so that `on:` stays `on`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import yaml

from graph.model import Value
from ingest.sources.git.languages.readers import clean_text

MAX_DEPTH = 100
MAX_NODES = 300_000
"""Nodes of one block with every alias written out."""
MAX_SHARED_NODES = 500
"""An alias of something larger stays the text `*name`: whole trees that stand elsewhere are not part of what a block says."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_BOOLEANS = frozenset(
    spelling for word in ("yes", "no", "on", "off") for spelling in (word, word.capitalize(), word.upper())
)
_NUMBER_STARTS = frozenset("+-.0123456789")
_CANONICAL_INT = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")
_OTHER_INT = re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0o[0-7]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_CORE = "tag:yaml.org,2002:"
_CLOUDFORMATION = frozenset(
    [
        "Base64",
        "Cidr",
        "FindInMap",
        "GetAtt",
        "GetAZs",
        "ImportValue",
        "Join",
        "Select",
        "Split",
        "Sub",
        "Transform",
        "And",
        "Equals",
        "If",
        "Not",
        "Or",
        "ForEach",
        "Length",
        "ToJsonString",
    ]
)


class ValuesInvalid(Exception):
    """The text is not YAML, or larger or deeper than a block may be."""


@dataclass(slots=True)
class _Frame:
    """A collection being built."""

    items: list[Value] | None
    members: dict[str, Value]
    tag: str | None
    anchor: str | None
    weight: int = 1
    key: str | None = None
    merges: list[Value] = field(default_factory=list[Value])

    def value(self) -> Value:
        if self.items is not None:
            return self.items
        if not self.merges:
            return self.members
        merged: dict[str, Value] = {}
        for source in reversed(self.merges):  # the first of several wins
            if isinstance(source, Mapping):
                merged.update(cast("Mapping[str, Value]", source))
        merged.update(self.members)
        return merged


def load(text: str, anchored: str = "") -> list[Value]:
    """The documents of the text. `anchored` is text whose anchors it may refer to; an unknown alias, and
    one of something large, is the text `*name`.

    Raises:
        ValuesInvalid: not YAML, deeper than `MAX_DEPTH`, more than `MAX_NODES` nodes.
    """
    try:
        return list(_documents(text, dict(_anchors(anchored)) if anchored else {}))
    except (yaml.YAMLError, ValueError) as error:
        raise ValuesInvalid(str(error)) from None


@lru_cache(maxsize=64)
def _anchors(text: str) -> dict[str, tuple[Value, int]]:
    """What the anchors in a text stand for. Many blocks of a file share such a text."""
    anchors: dict[str, tuple[Value, int]] = {}
    for _ in _documents(text, anchors):
        pass
    return anchors


def yaml_events(text: str) -> Iterator[yaml.Event]:
    """The parser's events. Raises `yaml.YAMLError`."""
    parse = cast("Callable[..., Iterator[yaml.Event]]", yaml.parse)  # type: ignore[reportUnknownMemberType]
    return parse(text, Loader=yaml.CSafeLoader)


def _documents(text: str, anchors: dict[str, tuple[Value, int]]) -> Iterator[Value]:
    stack: list[_Frame] = []
    total = 0
    for event in yaml_events(text):
        weight = 1
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            if event.anchor:
                anchors[event.anchor] = (value, 1)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            items: list[Value] | None = [] if isinstance(event, yaml.SequenceStartEvent) else None
            stack.append(_Frame(items, {}, event.tag, event.anchor))
            if len(stack) > MAX_DEPTH:
                raise ValuesInvalid(f"nested deeper than {MAX_DEPTH}")
            continue
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            frame = stack.pop()
            value, weight = _tagged(frame.tag, frame.value()), frame.weight
            if frame.anchor:
                anchors[frame.anchor] = (value, weight)
        elif isinstance(event, yaml.AliasEvent):
            value, weight = anchors.get(event.anchor, ("", MAX_SHARED_NODES + 1))
            if weight > MAX_SHARED_NODES:
                value, weight = f"*{event.anchor}", 1
            total += weight
        else:
            continue
        total += 1
        if total > MAX_NODES:
            raise ValuesInvalid(f"more than {MAX_NODES} nodes")
        if not stack:
            yield value
        else:
            _add(stack[-1], event, value, weight)


def _add(frame: _Frame, event: yaml.Event, value: Value, weight: int) -> None:
    frame.weight += weight
    if frame.items is not None:
        frame.items.append(value)
    elif frame.key is None:
        frame.key = clean_text(event.value) if isinstance(event, yaml.ScalarEvent) else _key(value)
    else:
        key, frame.key = frame.key, None
        if key == "<<" and isinstance(value, Mapping):
            frame.merges.append(cast("Value", value))
        elif key == "<<" and isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            frame.merges.extend(value)
        else:
            frame.members[key] = value


def _key(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _scalar(event: yaml.ScalarEvent) -> Value:
    text: str = clean_text(event.value)
    if event.tag is None or event.tag == "!":
        return plain(text) if event.implicit[0] else quoted(text)
    return _tagged(event.tag, text)


def plain(text: str) -> Value:
    """The value of an unquoted scalar."""
    first = text[:1]
    if first in _NUMBER_STARTS:
        return _number(text)
    if text in _NULLS:
        return None
    return _BOOLEANS.get(text, text)


def quoted(text: str) -> Value:
    """The value of a quoted or block scalar: its text, marked where the same text without quotes would be a YAML 1.1 boolean."""
    return {"!!str": text} if text in _OLD_BOOLEANS else text


def _number(text: str) -> Value:
    if _CANONICAL_INT.match(text):
        return int(text)
    if _OTHER_INT.match(text):
        return {"!!int": text}
    if _NOT_FINITE.match(text):
        return {"!!float": text}
    if _FLOAT.match(text):
        number = float(text.replace("_", ""))
        fraction = text.lower().partition("e")[0].partition(".")[2]
        # `1.10` is a version more often than a number: its zero counts. `2.0` is what a number's dump looks like.
        if number in (float("inf"), float("-inf")) or (len(fraction) > 1 and fraction.endswith("0")):
            return {"!!float": text}
        return number
    return text


def _tagged(tag: str | None, value: Value) -> Value:
    if tag is None or tag == "!":
        return value
    if tag.startswith(_CORE):
        name = tag[len(_CORE) :]
        if not isinstance(value, str):
            return value if name in ("map", "seq", "omap", "set", "pairs") else {f"!!{name}": value}
        if name == "str":
            return quoted(value)
        return plain(value) if name in ("int", "float", "bool", "null") else {f"!!{name}": value}
    name = tag.removeprefix("!")
    if name in ("Ref", "Condition"):
        return {name: value}
    if name in _CLOUDFORMATION:
        if name == "GetAtt" and isinstance(value, str):
            value = list(value.split(".", 1))
        return {f"Fn::{name}": value}
    return {f"!{name}": value}
