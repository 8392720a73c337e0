"""The code of a module directory, and the way from a root module down to an instance."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import msgspec
from tree_sitter import Node

from agent.fix.model import Code, Wanted
from agent.fix.paths import Address, Path, Step
from agent.fix.syntax import Block, Source, blocks, parse, unquoted, value_of, walk


class InTheWay(Exception):
    """Why an edit cannot be made, as a sentence that names the file and line."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class AnyStep:
    """A step that the text does not tell: `[count.index]`, `[*]`."""


ANY = AnyStep()
RefPath: TypeAlias = "tuple[Step | AnyStep, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A mention of `var.x`, `local.x`, `each.value` … in an expression.

    Attributes:
        symbol: its first two names.
        path: what is taken of it.
        block: the top-level block that it stands in; None in none.
        attribute: name of the attribute, right in `block` or in its blocks, whose value it stands in.
        counted: only how many there are, or their keys, are taken: it is the argument of `length` or `keys`.
    """

    source: Source
    node: Node
    symbol: tuple[str, str]
    path: RefPath
    block: Block | None
    attribute: str
    counted: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """File and byte, which tell two mentions apart."""
        return self.source.path, self.node.start_byte


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """The `.tf` files right in a directory.

    Attributes:
        json: paths of its `.tf.json` files, which are not read.
        unread: paths that are no UTF-8.
    """

    path: str
    sources: tuple[Source, ...]
    json: tuple[str, ...]
    unread: tuple[str, ...]
    _refs: list[tuple[Ref, ...]] = field(default_factory=list[tuple[Ref, ...]])

    def blocks(self, type: str, *labels: str) -> list[Block]:
        """Blocks of this type and these labels, in the order of files."""
        return [
            b for s in self.sources for b in blocks(s) if b.type == type and b.labels[: len(labels)] == tuple(labels)
        ]

    def one(self, type: str, *labels: str) -> Block | None:
        """The only block of this name. Raises `InTheWay` when an override file or a second block says something too."""
        found = self.blocks(type, *labels)
        if len(found) > 1:
            raise InTheWay(f"{found[0].name} is written at {' and at '.join(b.at for b in found)}")
        return found[0] if found else None

    def local(self, name: str) -> tuple[Source, Node] | None:
        """The attribute of a `locals` block."""
        for block in self.blocks("locals"):
            if (node := block.attribute(name)) is not None:
                return block.source, node
        return None

    def refs(self) -> tuple[Ref, ...]:
        """Every mention of a symbol in its files."""
        if not self._refs:
            self._refs.append(tuple(r for s in self.sources for r in _refs(s)))
        return self._refs[0]

    @property
    def broken(self) -> tuple[str, ...]:
        """`path:line` of each file that does not parse."""
        return tuple(f"{s.path}:{s.broken}" for s in self.sources if s.broken)


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


class Files:
    """A repository's code with the edits that were made so far."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._edited: dict[str, bytes] = {}
        self._directories: dict[str, Directory] = {}

    @property
    def edited(self) -> dict[str, bytes]:
        """Path -> bytes of what was written."""
        return dict(self._edited)

    def read(self, path: str) -> bytes | None:
        """A file as it is now."""
        return self._edited[path] if path in self._edited else self._code.read(path)

    def original(self, path: str) -> bytes | None:
        """A file as it was."""
        return self._code.read(path)

    def write(self, path: str, data: bytes) -> None:
        """Put an edited file in its place."""
        self._edited[path] = data
        self._directories.pop(normal(posixpath.dirname(path)), None)

    def restore(self, edited: dict[str, bytes]) -> None:
        """Go back to an earlier state of `edited`."""
        self._edited = dict(edited)
        self._directories.clear()

    def source(self, path: str) -> Source | None:
        """A file's tree."""
        data = self.read(path)
        return None if data is None else parse(path, data)

    def directory(self, path: str) -> Directory:
        """The code right in a directory."""
        path = normal(path)
        if path not in self._directories:
            names = sorted({*self._code.list(path), *(p for p in self._edited if posixpath.dirname(p) == path)})
            sources: list[Source] = []
            unread: list[str] = []
            for name in (n for n in names if n.endswith(".tf")):
                data = self.read(name)
                if data is None:
                    continue
                try:
                    data.decode()
                except UnicodeDecodeError:
                    unread.append(name)
                else:
                    sources.append(parse(name, data))
            json = tuple(n for n in names if n.endswith(".tf.json"))
            self._directories[path] = Directory(path, tuple(sources), json, tuple(unread))
        return self._directories[path]

    def variable_files(self, wanted: Wanted, directory: str) -> list[str]:
        """The files that set variables of a root module, the one that wins first.

        `-var-file` in reverse order of the command line, then `*.auto.tfvars` from the last name to the first, then `terraform.tfvars`:
        https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
        """
        names = [n for n in self._code.list(normal(directory)) if n.endswith((".tfvars", ".tfvars.json"))]
        automatic = sorted(n for n in names if n.endswith((".auto.tfvars", ".auto.tfvars.json")))
        plain = [n for n in names if posixpath.basename(n) in ("terraform.tfvars", "terraform.tfvars.json")]
        ordered = [*sorted(plain), *automatic, *wanted.var_files]
        return [n for i, n in reversed(list(enumerate(ordered))) if n not in ordered[i + 1 :]]


def normal(directory: str) -> str:
    """A directory's path in the repository, empty for its top."""
    path = posixpath.normpath(directory or ".")
    return "" if path == "." else path


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


def reference(source: Source, nodes: Sequence[Node]) -> tuple[str, RefPath, int] | None:
    """A variable and what is taken of it, from a run of nodes that starts with it; the count of the nodes it takes."""
    if not nodes or nodes[0].type != "variable_expr":
        return None
    path: list[Step | AnyStep] = []
    used = 1
    for node in nodes[1:]:
        if node.type == "get_attr":
            path.append(source.text(node.children[-1]))
        elif node.type == "index":
            path.append(_constant(source, node))
        elif node.type == "splat":
            path.append(ANY)
            path += [source.text(n.children[-1]) for n in walk(node) if n.type == "get_attr"]
        else:
            break
        used += 1
    return source.text(nodes[0]), tuple(path), used


def index_of(node: Node) -> Node | None:
    """The expression in `[…]`; None for `.0`."""
    inner = node.children[0]
    return next((c for c in inner.children if c.type == "expression"), None)


def _constant(source: Source, node: Node) -> Step | AnyStep:
    expression = index_of(node)
    text = source.text(node).lstrip(".") if expression is None else source.text(expression).strip()
    if text.isdigit():
        return int(text)
    inner = expression.children[0] if expression is not None and expression.child_count == 1 else None
    if inner is not None and inner.type == "literal_value" and text.startswith('"'):
        return unquoted(text)
    return ANY


@lru_cache(maxsize=256)
def _refs(source: Source) -> list[Ref]:
    found: list[Ref] = []
    tops = {b.node.start_byte: b for b in blocks(source)}

    def visit(node: Node, block: Block | None, attribute: str) -> None:
        if node.type == "block" and block is None:
            block = tops.get(node.start_byte)
        elif node.type == "attribute":
            attribute = attribute or source.text(node.children[0])
        for i, child in enumerate(node.children):
            if child.type == "variable_expr":
                read = reference(source, node.children[i:])
                if read is not None and read[1] and isinstance(read[1][0], str):
                    counted = read[2] == node.child_count and _counted(source, node)
                    found.append(Ref(source, child, (read[0], read[1][0]), read[1][1:], block, attribute, counted))
            if child.child_count:
                visit(child, block, attribute)

    visit(source.root, None, "")
    return found


def _counted(source: Source, expression: Node) -> bool:
    arguments = expression.parent
    call = arguments.parent if arguments is not None and arguments.type == "function_arguments" else None
    return call is not None and source.text(call.children[0]) in ("length", "keys")


def json_sets(data: bytes, name: str) -> bool:
    """Whether a `.tfvars.json` sets a variable."""
    try:
        return name in msgspec.json.decode(data, type=dict[str, object])
    except msgspec.MsgspecError:
        return False


def overlap(one: RefPath, other: Path | RefPath) -> bool:
    """Whether what two paths name could be, or be a part of, the same."""
    return all(
        isinstance(a, AnyStep) or isinstance(b, AnyStep) or str(a) == str(b) for a, b in zip(one, other, strict=False)
    )
