"""The way from a root module through its module calls down to an instance."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from tree_sitter import Node

from agent.fix.files import Directory, Files, normal
from agent.fix.paths import Address, Step
from agent.fix.refusal import InTheWay
from agent.fix.syntax import Block, unquoted, value_of


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A block that may make several instances, and the key of the one in question: a module call or the resource."""

    block: Block
    key: Step | None

    @property
    def source_of_many(self) -> Node | None:
        """Its `for_each` or `count` attribute."""
        return self.block.attribute("for_each") or self.block.attribute("count")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A module instance: where its code is, and the call that made it."""

    directory: Directory
    parent: Frame | None = None
    call: Level | None = None

    @property
    def depth(self) -> int:
        """0 for the root."""
        return 0 if self.parent is None else self.parent.depth + 1


def inside(directory: str, source: str) -> str | None:
    """Where a call's local `source` leads; None for one that is not in the repository."""
    if not source.startswith(("./", "../")) and source not in (".", ".."):
        return None
    path = normal(posixpath.join(directory, source))
    return None if path.startswith("..") else path


def source_of(call: Block) -> str:
    """The text of a module call's `source`."""
    node = call.attribute("source")
    text = call.source.text(value_of(node)) if node is not None else ""
    return unquoted(text) if text.startswith('"') else text


def descend(files: Files, directory: str, address: Address) -> tuple[Frame, Level]:
    """The module instance that holds a resource, and the resource's block. Raises `InTheWay`."""
    frame = Frame(files.directory(directory))
    for name, key in address.modules:
        call = _one(frame.directory, f"module.{name}", "module", name)
        where = source_of(call)
        path = inside(frame.directory.path, where)
        if path is None:
            raise InTheWay(
                f"module.{name} at {call.at} comes from {where or 'nowhere'}, which is not in this repository"
            )
        frame = Frame(files.directory(path), frame, Level(call, key))
        if not frame.directory.sources:
            raise InTheWay(f"module.{name} at {call.at} comes from {path}, where no code was found")
    block = _one(frame.directory, address.block, "resource", address.type, address.name)
    return frame, Level(block, address.key)


def _one(directory: Directory, name: str, type: str, *labels: str) -> Block:
    block = directory.one(type, *labels)
    if block is not None:
        return block
    where = directory.path or "the top directory"
    if directory.broken:
        raise InTheWay(f"{name} is not found in {where}; {directory.broken[0]} has a syntax error")
    if directory.json:
        raise InTheWay(
            f"{name} is not found in the .tf files of {where}; {directory.json[0]} is JSON, which is not edited"
        )
    raise InTheWay(f"{name} is not found in {where}")
