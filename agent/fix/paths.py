"""Attribute paths and instance addresses, read apart and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agent.fix.syntax import is_name, quoted, unquoted

Step: TypeAlias = "str | int"
Path: TypeAlias = tuple[Step, ...]
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.|"(?!\](?:[.\[]|$)))*)"\]')
_FREE = ("tags", "tags_all", "labels")
_MODULE = re.compile(r'module\.([^.\[]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?\.')
_RESOURCE = re.compile(r'([^.\[]+)\.([^.\[]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?')


class BadPath(ValueError):
    """It cannot be read."""


def path_of(text: str) -> Path:
    """`ingress[0].cidr_blocks`, `tags["a/b"]` as steps. A tag's key may hold dots without being quoted. Raises `BadPath`."""
    head, dot, rest = text.partition(".")
    if dot and head in _FREE:
        return head, rest
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise BadPath(text)
        name, index, key = match.groups()
        steps.append(int(index) if index is not None else name if name is not None else unquoted(f'"{key}"'))
        position = match.end()
    if not steps or not isinstance(steps[0], str):
        raise BadPath(text)
    return tuple(steps)


def told(path: Sequence[Step]) -> str:
    """Steps as text."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif is_name(step):
            out += f".{step}" if out else step
        else:
            out += f"[{quoted(step)}]"
    return out


@dataclass(frozen=True, slots=True)
class Address:
    """A resource instance: the module calls on the way to it with their keys, its type, name and key."""

    modules: tuple[tuple[str, Step | None], ...]
    type: str
    name: str
    key: Step | None

    @property
    def block(self) -> str:
        """As its module speaks of the block."""
        return f"{self.type}.{self.name}"


def address_of(text: str) -> Address:
    """A full instance address, read apart. Raises `BadPath` for anything but a managed resource."""
    modules: list[tuple[str, Step | None]] = []
    position = 0
    while match := _MODULE.match(text, position):
        modules.append((match.group(1), _key(match.group(2))))
        position = match.end()
    match = _RESOURCE.fullmatch(text, position)
    if match is None or match.group(1) in ("data", "module"):
        raise BadPath(text)
    return Address(tuple(modules), match.group(1), match.group(2), _key(match.group(3)))


def _key(text: str | None) -> Step | None:
    if text is None:
        return None
    inner = text[1:-1]
    return int(inner) if inner.isdigit() else unquoted(inner)
