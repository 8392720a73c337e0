"""Nested blocks as items of a list: those that are written one by one, and those that a `dynamic` block makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.fix.paths import Step
from agent.fix.references import reference
from agent.fix.refusal import InTheWay
from agent.fix.resolve import Resolver
from agent.fix.scope import Binding, Scope
from agent.fix.syntax import Block, value_of
from agent.fix.terms import Term, term
from graph.model import Value


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One nested block.

    Attributes:
        name: what the attribute is called.
        block: the block that is written, or the `content` of a dynamic one.
        scope: what names mean in it.
        element: of a dynamic block: the collection, the key of this element, and what names mean in the collection.
    """

    name: str
    block: Block
    scope: Scope
    element: tuple[Term, Step, Scope] | None = None
    iterator: str = ""

    def inverse(self, want: Mapping[str, Value]) -> Value:
        """The element of the collection that would make these attributes. Raises `InTheWay`."""
        made: dict[str, Value] = {}
        for node in self.block.entries:
            if node.type != "attribute":
                continue
            name = self.block.source.text(node.children[0])
            at = term(self.block.source, value_of(node))
            read = reference(at.source, at.nodes)
            wanted = want.get(name)
            if read is not None and read[0] == self.iterator and read[2] == len(at.nodes):
                if read[1] == ("value",):
                    return wanted
                if len(read[1]) == 2 and isinstance(read[1][1], str) and name in want:
                    made[read[1][1]] = wanted
                    continue
            elif at.first.type == "literal_value" and len(at.nodes) == 1:
                continue
            raise InTheWay(f"{at.text} at {at.at} does not tell what the list is to hold")
        if not made:
            raise InTheWay(f"the block at {self.block.at} does not tell what the list is to hold")
        return made


def items_of(block: Block, name: str, scope: Scope, resolver: Resolver) -> list[Item]:
    """The blocks of a name in a block, in the order of the text. Raises `InTheWay` when a dynamic one's collection is not told."""
    found: list[Item] = []
    for child in block.blocks():
        if child.type == name:
            found.append(Item(name, child, scope))
        elif child.type == "dynamic" and child.labels == (name,):
            content = next(iter(child.blocks("content")), None)
            over = child.attribute("for_each")
            if content is None or over is None:
                raise InTheWay(f"the dynamic block at {child.at} is not whole")
            named = child.attribute("iterator")
            iterator = name if named is None else child.source.text(value_of(named))
            collection = term(child.source, value_of(over))
            for key, _ in resolver.elements(collection, scope):
                inner = scope.bound(iterator, Binding(collection, scope, key))
                found.append(Item(name, content, inner, (collection, key, scope), iterator))
    return found


def values_of(item: Item, resolver: Resolver) -> dict[str, Value]:
    """What is written in a block, as far as it is known: attributes, and blocks in it as lists of maps."""
    return body_values(item.block, item.scope, resolver)


def body_values(block: Block, scope: Scope, resolver: Resolver) -> dict[str, Value]:
    """The same of any block."""
    found: dict[str, Value] = {}
    names: list[str] = []
    for node in block.entries:
        if node.type == "attribute":
            try:
                found[block.source.text(node.children[0])] = resolver.value(term(block.source, value_of(node)), scope)
            except InTheWay:
                continue
    for child in block.blocks():
        name = child.labels[0] if child.type == "dynamic" and child.labels else child.type
        if name not in names:
            names.append(name)
    for name in names:
        try:
            found[name] = [values_of(i, resolver) for i in items_of(block, name, scope, resolver)]
        except InTheWay:
            continue
    return found
