"""Small edits of literals in HCL bytes: each gives the whole file with one item or member put in, changed or taken out."""

from __future__ import annotations

from tree_sitter import Node

from agent.fix.refusal import InTheWay
from agent.fix.render import rendered
from agent.fix.syntax import Source, is_name, quoted
from agent.fix.terms import Term
from agent.fix.text_lines import indent_at, line_end, line_start, newline_at
from graph.model import Value


def replaced(at: Term, value: Value) -> bytes:
    """Another value in the place of a literal."""
    source = at.source
    start, end = at.span
    text = rendered(value, indent_at(source, start), newline_at(source, start))
    data = source.data[:start] + text + source.data[end:]
    owner = _owner(at.first)
    if b"\n" in text and owner is not None:
        key_end, equals = owner.children[0].end_byte, next((c for c in owner.children if c.type == "="), None)
        if equals is not None and not source.data[key_end : equals.start_byte].strip(b" "):
            data = data[:key_end] + b" " + data[equals.start_byte :]
    return data


def item_inserted(source: Source, at: Node, index: int, value: Value) -> bytes:
    """A list literal (its `tuple` node) with one more item before the one at `index`."""
    return _inserted(source, at, [n for n in at.children if n.type == "expression"], index, value, "")


def item_removed(source: Source, at: Node, index: int) -> bytes:
    """A list literal without an item."""
    return _without(source, at, [n for n in at.children if n.type == "expression"], index)


def member_inserted(source: Source, at: Node, key: str, value: Value) -> bytes:
    """An object literal (its `object` node) with one more key at its end."""
    members = [n for n in at.children if n.type == "object_elem"]
    return _inserted(source, at, members, len(members), value, _key(source, members, key))


def member_removed(source: Source, at: Node, index: int) -> bytes:
    """An object literal without an element."""
    return _without(source, at, [n for n in at.children if n.type == "object_elem"], index)


def list_at(source: Source, start: int) -> Node:
    """The list literal that starts at a byte."""
    node = source.root.descendant_for_byte_range(start, start + 1)
    while node is not None and node.type != "tuple":
        node = node.parent
    assert node is not None
    return node


def _inserted(source: Source, at: Node, items: list[Node], index: int, value: Value, key: str) -> bytes:
    """A literal in brackets with one more item, one a line or all in one, as the others are."""
    data = source.data
    newline = newline_at(source, at.start_byte)
    own = indent_at(source, at.start_byte)
    if not items:
        inside = data[at.start_byte + 1 : at.end_byte - 1]
        text = key.encode() + rendered(value, own + b"  ", newline)
        if inside.strip():
            raise InTheWay(f"the empty list or map at {source.at(at)} holds a comment")
        if key:
            text = newline + own + b"  " + text + newline + own
        return data[: at.start_byte + 1] + text + data[at.end_byte - 1 :]
    single = at.start_point[0] == at.end_point[0]
    last = items[-1]
    if single or items[0].start_point[0] == at.start_point[0]:
        text = key.encode() + rendered(value, own, newline)
        if index < len(items):
            place = items[index].start_byte
            return data[:place] + text + b", " + data[place:]
        return data[: last.end_byte] + b", " + text + data[last.end_byte :]
    indent = indent_at(source, items[0].start_byte)
    text = key.encode() + rendered(value, indent, newline)
    if index < len(items):
        place = line_start(data, items[index].start_byte)
        if data[place : items[index].start_byte].strip():
            return data[: items[index].start_byte] + text + b", " + data[items[index].start_byte :]
        comma = b"," if not key or _comma(at, items[index]) is not None else b""
        return data[:place] + indent + text + comma + newline + data[place:]
    if _ends_in_heredoc(last):
        raise InTheWay(f"the last item at {source.at(last)} ends in a heredoc")
    comma = _comma(at, last)
    place = line_end(data, (comma or last).end_byte)
    if place > at.end_byte - 1:
        return data[: last.end_byte] + b", " + text + data[last.end_byte :]
    needs = not key or any(n.type == "," for n in at.children)
    if comma is None and needs:
        return data[: last.end_byte] + b"," + data[last.end_byte : place] + indent + text + newline + data[place:]
    return data[:place] + indent + text + (b"," if comma is not None else b"") + newline + data[place:]


def _without(source: Source, at: Node, items: list[Node], index: int) -> bytes:
    data = source.data
    item = items[index]
    comma = _comma(at, item)
    end = (comma or item).end_byte
    first, last = line_start(data, item.start_byte), line_end(data, end)
    tail = data[end:last].strip()
    alone = not data[first : item.start_byte].strip() and (not tail or tail.startswith((b"#", b"//")))
    if alone and first > at.start_byte and last <= at.end_byte:
        if index == len(items) - 1 and comma is None and index > 0:
            before = _comma(at, items[index - 1])
            if before is not None:
                return data[: before.start_byte] + data[before.end_byte : first] + data[last:]
        return data[:first] + data[last:]
    if len(items) == 1:
        inside = data[at.start_byte + 1 : item.start_byte] + data[end : at.end_byte - 1]
        if not inside.strip():
            return data[: at.start_byte + 1] + data[at.end_byte - 1 :]
        return data[: item.start_byte] + data[end:]
    if index + 1 < len(items):
        until = items[index + 1].start_byte
        if data[end:until].strip() or b"\n" in data[end:until]:
            rest = data[end:].lstrip(b" ")
            ends_line = rest.startswith((b"\n", b"\r\n")) and data[first : item.start_byte].strip()
            return data[: item.start_byte].rstrip(b" ") + rest if ends_line else data[: item.start_byte] + rest
        return data[: item.start_byte] + data[until:]
    if not data[first : item.start_byte].strip():
        return data[: item.start_byte] + data[end:].lstrip(b" ")  # the closing bracket keeps its line
    return data[: items[index - 1].end_byte] + data[item.end_byte :]


def _key(source: Source, members: list[Node], key: str) -> str:
    """A key with its `=` or `:`, quoted when it must be or when the others are."""
    quotes = not is_name(key)
    sign = " = "
    if members:
        texts = [source.text(m.children[0]) for m in members]
        quotes = quotes or all(t.startswith('"') for t in texts)
        last = members[-1]
        if any(c.type == ":" for c in last.children):
            value = next(c for c in reversed(last.children) if c.type == "expression")
            sign = source.data[last.children[0].end_byte : value.start_byte].decode()
            sign = ": " if sign.strip() != ":" else sign
    return (quoted(key) if quotes else key) + sign


def _comma(at: Node, item: Node) -> Node | None:
    children = at.children
    position = next(i for i, c in enumerate(children) if c.start_byte == item.start_byte and c.type == item.type)
    following = next((c for c in children[position + 1 :] if c.type != "comment"), None)
    return following if following is not None and following.type == "," else None


def _ends_in_heredoc(node: Node) -> bool:
    while node.children:
        if node.type == "heredoc_template":
            return True
        node = node.children[-1]
    return False


def _owner(node: Node) -> Node | None:
    """The attribute or object element whose value starts with this node."""
    here = node.parent
    while here is not None and here.type == "expression":
        here = here.parent
    return here if here is not None and here.type in ("attribute", "object_elem") else None
