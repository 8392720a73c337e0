"""Expressions read apart: what is a term of its own, a call, a condition, a `for`."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from tree_sitter import Node

from agent.fix.paths import Step
from agent.fix.syntax import Source, meaningful, parse, scalar, top, value_of, walk


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A whole expression: a primary node and what is taken of it, or one operation."""

    source: Source
    nodes: tuple[Node, ...]

    @property
    def first(self) -> Node:
        """Its first node."""
        return self.nodes[0]

    @property
    def span(self) -> tuple[int, int]:
        """Its bytes."""
        return self.nodes[0].start_byte, self.nodes[-1].end_byte

    @property
    def text(self) -> str:
        """As it stands, shortened, in one line."""
        start, end = self.span
        text = " ".join(self.source.data[start:end].decode("utf-8", "replace").split())
        return text if len(text) <= 80 else text[:77] + "…"

    @property
    def at(self) -> str:
        """`path:line`."""
        return self.source.at(self.first)


def term(source: Source, expression: Node) -> Term:
    """An expression node's term, out of its parentheses."""
    nodes = meaningful(expression.children) if expression.type == "expression" else [expression]
    while len(nodes) == 3 and nodes[0].type == "(" and nodes[1].type == "expression":
        nodes = meaningful(nodes[1].children)
    return Term(source, tuple(nodes))


def only_interpolation(template: Node) -> Node | None:
    """The expression of `"${…}"`, which is the same without the quotes."""
    parts = template.children[0].children
    if [p.type for p in parts] != ["quoted_template_start", "template_interpolation", "quoted_template_end"]:
        return None
    inside = parts[1]
    if parts[0].end_byte != inside.start_byte or inside.end_byte != parts[2].start_byte:
        return None
    return next((c for c in inside.children if c.type == "expression"), None)


def is_plain(at: Term) -> bool:
    """Whether it is a literal that another may take the place of."""
    if len(at.nodes) > 1:
        return False
    if at.first.type == "operation":
        parts = at.first.children[0].children
        return at.first.children[0].type == "unary_operation" and parts[-1].type == "literal_value"
    if at.first.type == "collection_value":
        return not any(
            n.type in ("identifier", "comment") and n.parent is not None and not _is_key(n) for n in walk(at.first)
        )
    return at.first.type == "literal_value"


def _is_key(node: Node) -> bool:
    """Whether a name is an object's key."""
    expression = node.parent.parent if node.parent is not None else None
    element = expression.parent if expression is not None else None
    return (
        expression is not None
        and element is not None
        and element.type == "object_elem"
        and element.children[0].start_byte == expression.start_byte
    )


def is_set(collection: Term) -> bool:
    """Whether it is `toset(…)`, whose keys are its values."""
    return (
        len(collection.nodes) == 1
        and collection.first.type == "function_call"
        and parts_of_call(collection)[0] == "toset"
    )


def parts_of_call(at: Term) -> tuple[str, list[Term]]:
    """A function call's name and arguments. An argument with `...` counts as computed by its function."""
    node = at.first
    arguments = next((c for c in node.children if c.type == "function_arguments"), None)
    name = at.source.text(node.children[0])
    if arguments is None:
        return name, []
    if any(c.type == "ellipsis" for c in arguments.children):
        return f"{name}...", []
    return name, [term(at.source, c) for c in arguments.children if c.type == "expression"]


def parse_literal(value: Step) -> Term:
    """A key as a term of its own."""
    source = parse("", f"x = {scalar(value)}\n".encode())
    return term(source, value_of(top(source)[0]))


def operand(source: Source, nodes: Sequence[Node]) -> Term:
    """One side of an operation, out of its parentheses."""
    nodes = list(nodes)
    if len(nodes) == 1 and nodes[0].type == "expression":
        return term(source, nodes[0])
    if len(nodes) == 3 and nodes[0].type == "(":
        return term(source, nodes[1])
    return Term(source, tuple(nodes))


def sides_of(source: Source, nodes: Sequence[Node]) -> tuple[Term, str, Term]:
    """The sides of a binary operation and its operator."""
    operators = ("==", "!=", "&&", "||", "+", "-", "*", "/", "%", ">", "<", ">=", "<=")
    at = next(i for i, n in enumerate(nodes) if n.type in operators)
    return operand(source, nodes[:at]), nodes[at].type, operand(source, nodes[at + 1 :])


def tells_apart(condition: Term, names: Set[bytes] = frozenset({b"each.key", b"count.index"})) -> bool:
    """Whether it is `each.key == …` or `count.index == …`, which only one instance fulfils."""
    if condition.first.type != "operation":
        return False
    parts = meaningful(condition.first.children[0].children)
    if not any(p.type == "==" for p in parts):
        return False
    sides = sides_of(condition.source, parts)
    texts = {condition.source.data[s.span[0] : s.span[1]] for s in (sides[0], sides[2])}
    return bool(texts & names)


def for_parts(source: Source, form: Node) -> tuple[list[str], Term, list[Term], Term | None]:
    """A `for`: the names that it binds, its collection, its results (key and value of a map's) and its condition."""
    intro = next(c for c in form.children if c.type == "for_intro")
    names = [source.text(c) for c in intro.children if c.type == "identifier"]
    collection = term(source, next(c for c in intro.children if c.type == "expression"))
    results = [term(source, c) for c in form.children if c.type == "expression"]
    guard = next((c for c in form.children if c.type == "for_cond"), None)
    condition = None
    if guard is not None:
        condition = term(source, next(c for c in guard.children if c.type == "expression"))
    return names, collection, results, condition
