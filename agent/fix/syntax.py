"""HCL as bytes with a syntax tree over them: files, blocks, bodies and literals.

Format: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser

from graph.model import Value

_PARSER = Parser(Language(tree_sitter_hcl.language()))
_NAME = re.compile(r"[^\W\d][\w-]*")
_GENERATED = re.compile(rb"do not edit|auto-?generated|generated (by|with|from) ", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(n|r|t|\"|\\|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|\$\$\{|%%\{")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file and its syntax tree."""

    path: str
    data: bytes
    root: Node

    @property
    def broken(self) -> int:
        """The line of the first syntax error, 0 when there is none."""
        return _first_error(self.root).start_point[0] + 1 if self.root.has_error else 0

    @property
    def generated(self) -> bool:
        """Whether its first comment says that a tool wrote it."""
        head = self.data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
        comment = b""
        for line in head.splitlines():
            if not line.strip().startswith((b"#", b"//", b"/*", b"*")):
                break
            comment += line + b"\n"
        return _GENERATED.search(comment) is not None

    def text(self, node: Node) -> str:
        """What stands there."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def at(self, node: Node) -> str:
        """`path:line`."""
        return f"{self.path}:{node.start_point[0] + 1}"


@lru_cache(maxsize=64)
def parse(path: str, data: bytes) -> Source:
    """The file with its tree. Errors stand in the tree."""
    return Source(path, data, _PARSER.parse(data).root_node)


def _first_error(node: Node) -> Node:
    for child in node.children:
        if child.has_error or child.is_missing:
            return _first_error(child)
    return node


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block in a file; `labels` are without their quotes."""

    source: Source
    node: Node
    type: str
    labels: tuple[str, ...]

    @property
    def at(self) -> str:
        """`path:line`."""
        return self.source.at(self.node)

    @property
    def name(self) -> str:
        """As code speaks of it: `aws_instance.web`, `module.edge`, `ingress`."""
        if self.type == "resource":
            return ".".join(self.labels)
        return ".".join((self.type, *self.labels))

    @property
    def opens(self) -> Node:
        """Its `{`."""
        return next(c for c in self.node.children if c.type == "block_start")

    @property
    def closes(self) -> Node:
        """Its `}`."""
        return next(c for c in reversed(self.node.children) if c.type == "block_end")

    @property
    def entries(self) -> list[Node]:
        """Attributes, blocks and comments in it, in their order; comments may stand outside the tree's body node."""
        found: list[Node] = []
        for child in self.node.children:
            if child.type == "body":
                found += child.children
            elif child.type == "comment":
                found.append(child)
        return sorted(found, key=lambda n: n.start_byte)

    def attribute(self, name: str) -> Node | None:
        """The attribute of this name."""
        for node in self.entries:
            if node.type == "attribute" and self.source.text(node.children[0]) == name:
                return node
        return None

    def writes(self, name: str) -> int:
        """How often a name is written, as an attribute or as a block; of an attribute Terraform takes one and no block beside it."""
        return sum(n.type in ("attribute", "block") and self.source.text(n.children[0]) == name for n in self.entries)

    def blocks(self, type: str = "") -> list[Block]:
        """The blocks right in it, of one type or of all."""
        found = [block_of(self.source, n) for n in self.entries if n.type == "block"]
        return [b for b in found if not type or b.type == type]


def block_of(source: Source, node: Node) -> Block:
    """A tree's block."""
    labels: list[str] = []
    type = source.text(node.children[0])
    for child in node.children[1:]:
        if child.type == "string_lit":
            labels.append(unquoted(source.text(child)))
        elif child.type == "identifier":
            labels.append(source.text(child))
        else:
            break
    return Block(source, node, type, tuple(labels))


def blocks(source: Source) -> list[Block]:
    """The top-level blocks that parse."""
    return [block_of(source, n) for n in top(source) if n.type == "block" and not n.has_error]


def top(source: Source) -> list[Node]:
    """What stands at top level: blocks, and the attributes of a `.tfvars` file."""
    return [n for body in source.root.children if body.type == "body" for n in body.children]


def top_attribute(source: Source, name: str) -> Node | None:
    """The value of a `.tfvars` file."""
    for node in top(source):
        if node.type == "attribute" and source.text(node.children[0]) == name:
            return node
    return None


def value_of(attribute: Node) -> Node:
    """The expression of an attribute or of an object's element."""
    return next(c for c in reversed(attribute.children) if c.type == "expression")


def leaves(node: Node) -> Iterator[Node]:
    """The tokens, strings and heredocs as one each."""
    stack = [node]
    while stack:
        here = stack.pop()
        if here.child_count and here.type not in ("string_lit", "quoted_template", "heredoc_template"):
            stack.extend(reversed(here.children))
        elif here.end_byte > here.start_byte:
            yield here


def walk(node: Node) -> Iterator[Node]:
    """Every node below, in the order of the text."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(here.children))


def meaningful(nodes: Sequence[Node]) -> list[Node]:
    """Without comments."""
    return [n for n in nodes if n.type != "comment"]


def is_name(text: str) -> bool:
    """Whether it may stand as a name without quotes."""
    return _NAME.fullmatch(text) is not None


def unquoted(text: str) -> str:
    """The string that a quoted literal without interpolation means."""

    def plain(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape is None:
            return match.group(0)[1:]
        return _SHORT.get(escape) or chr(int(escape[1:], 16))

    return _ESCAPE.sub(plain, text[1:-1] if text.startswith('"') else text)


def quoted(text: str) -> str:
    """A string as a literal that means just it."""
    out = json.dumps(text, ensure_ascii=False)[1:-1].replace("\\b", "\\u0008").replace("\\f", "\\u000c")
    return '"' + out.replace("${", "$${").replace("%{", "%%{") + '"'


def number(text: str) -> int | float:
    """A numeric literal's value."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def scalar(value: Value) -> str | None:
    """A plain value as a literal; None for lists and maps."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (int, float)):
        return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else repr(value)
    return None
