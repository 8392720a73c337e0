"""Mentions of variables, locals and resources in expressions, and what is taken of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from tree_sitter import Node

from agent.fix.paths import Path, Step
from agent.fix.syntax import Block, Source, blocks, unquoted, walk


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
def refs_of(source: Source) -> list[Ref]:
    """Every mention in a file, in the order of the text."""
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


def overlap(one: RefPath, other: Path | RefPath) -> bool:
    """Whether what two paths name could be, or be a part of, the same."""
    return all(
        isinstance(a, AnyStep) or isinstance(b, AnyStep) or str(a) == str(b) for a, b in zip(one, other, strict=False)
    )
