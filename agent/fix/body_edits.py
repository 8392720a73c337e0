"""Small edits of blocks in HCL bytes: each gives the whole file with one attribute or block put in or taken out, in the style around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tree_sitter import Node

from agent.fix.render import nested, rendered
from agent.fix.syntax import Block, Source, block_of, meaningful, parse
from agent.fix.text_lines import indent_at, is_blank, line_end, line_start, newline_at
from graph.model import Value

_META = frozenset({"count", "for_each", "provider", "providers", "depends_on", "source", "version"})


def attribute_inserted(block: Block, name: str, value: Value) -> bytes:
    """A block with one more attribute: at the end of a row of attributes whose `=` need not move, if there is one, before its blocks."""
    source, data = block.source, block.source.data
    if block.opens.start_point[0] == block.closes.start_point[0]:
        return attribute_inserted(_opened(block), name, value)
    rows = _rows(block)
    fitting = [r for r in rows if max(len(source.text(n.children[0])) for n in r) >= len(name)]
    settable = [r for r in fitting if not _meta(source, r)] or [r for r in rows if not _meta(source, r)]
    chosen = (settable or rows)[-1] if rows else []
    newline = newline_at(source, block.node.start_byte)
    after = chosen[-1] if chosen else block.opens
    indent = (
        indent_at(source, after.start_byte)
        if chosen
        else indent_at(source, block.node.start_byte) + _unit(source, block)
    )
    line = name.encode() + b" = " + rendered(value, indent, newline)
    at = line_end(data, after.end_byte)
    blank = newline if chosen and not settable else b""
    if not chosen and meaningful(block.entries) and not is_blank(data, at):
        line += newline if block.entries[0].type == "block" else b""
    return data[:at] + blank + indent + line + newline + data[at:]


def attribute_removed(source: Source, at: Node) -> bytes:
    """A block without one of its attributes: its whole lines, when nothing else stands there."""
    return _lines_removed(source, at)


def block_inserted(parent: Block, type: str, values: Mapping[str, Value], after: Block | None) -> bytes:
    """A block with one more nested block, after one of its like or at its end."""
    if parent.opens.start_point[0] == parent.closes.start_point[0]:
        return block_inserted(_opened(parent), type, values, None)
    source, data = parent.source, parent.source.data
    newline = newline_at(source, parent.node.start_byte)
    if after is not None:
        indent = indent_at(source, after.node.start_byte)
        at = line_end(data, after.node.end_byte)
        blank = _parted(parent, after)
    else:
        indent = indent_at(source, parent.node.start_byte) + _unit(source, parent)
        at = line_start(data, parent.closes.start_byte)
        blank = bool(parent.entries) and not is_blank(data, line_start(data, max(at - 1, 0)))
    text = nested(type, values, indent, newline)
    return data[:at] + (newline if blank else b"") + text + data[at:]


def block_removed(source: Source, at: Node) -> bytes:
    """A file without a block, with the blank line that set it off."""
    return _lines_removed(source, at, blank=True)


def block_node(source: Source, start: int) -> Node:
    """The block that starts at a byte."""
    node = source.root.descendant_for_byte_range(start, start)
    while node is not None and node.type != "block":
        node = node.parent
    assert node is not None
    return node


def _rows(block: Block) -> list[list[Node]]:
    """Attributes of one line each in lines that follow each other, before the first nested block if some are."""
    rows: list[list[Node]] = []
    blocks = [n.start_byte for n in block.entries if n.type == "block"]
    limit = min(blocks, default=block.node.end_byte)
    entries = [n for n in block.entries if n.type == "attribute"]
    early = [n for n in entries if n.start_byte < limit]
    previous = -2
    for node in early or entries:
        if node.start_point[0] != node.end_point[0]:
            previous = -2
            continue
        if node.start_point[0] == previous + 1:
            rows[-1].append(node)
        else:
            rows.append([node])
        previous = node.end_point[0]
    if not rows and (early or entries):
        rows.append([(early or entries)[-1]])
    return rows


def _meta(source: Source, row: Sequence[Node]) -> bool:
    return all(source.text(n.children[0]) in _META for n in row)


def _opened(block: Block) -> Block:
    """A block of one line, over several lines."""
    source, data = block.source, block.source.data
    newline = newline_at(source, block.node.start_byte)
    indent = indent_at(source, block.node.start_byte)
    inside = data[block.opens.end_byte : block.closes.start_byte].strip()
    inner = indent + b"  " + inside + newline if inside else b""
    made = data[: block.opens.end_byte] + newline + inner + indent + data[block.closes.start_byte :]
    tree = parse(source.path, made)
    return block_of(tree, block_node(tree, block.node.start_byte))


def _lines_removed(source: Source, at: Node, *, blank: bool = False) -> bytes:
    data = source.data
    first, last = line_start(data, at.start_byte), line_end(data, at.end_byte)
    tail = data[at.end_byte : last].strip()
    if data[first : at.start_byte].strip(b" \t\xef\xbb\xbf") or (tail and not tail.startswith((b"#", b"//"))):
        if data[: at.start_byte].rstrip(b" ").endswith(b"{") and data[at.end_byte :].lstrip(b" ").startswith(b"}"):
            return data[: at.start_byte].rstrip(b" ") + data[at.end_byte :].lstrip(b" ")
        return data[: at.start_byte] + data[at.end_byte :]
    if data.startswith(b"\xef\xbb\xbf") and first == 0:
        first = 3
    if blank:
        above = line_start(data, max(first - 1, 0))
        closing = data[last:].lstrip().startswith(b"}") or not data[last:].strip()
        opening = not data[:first].strip(b"\xef\xbb\xbf \t\r\n") or data[above:first].rstrip().endswith(b"{")
        if first > above and is_blank(data, above) and (closing or is_blank(data, last)):
            first = above
        elif opening and is_blank(data, last) and last < len(data):
            last = line_end(data, last)
    return data[:first] + data[last:]


def _parted(parent: Block, like: Block) -> bool:
    """Whether blocks of a kind stand apart by a blank line; one alone counts as apart."""
    others = [b for b in parent.blocks(like.type) if b.node.start_byte < like.node.start_byte]
    if not others:
        return True
    return like.node.start_point[0] - others[-1].node.end_point[0] > 1


def _unit(source: Source, block: Block) -> bytes:
    own = indent_at(source, block.node.start_byte)
    for node in block.entries:
        indent = indent_at(source, node.start_byte)
        if indent.startswith(own) and len(indent) > len(own) and node.start_point[0] > block.opens.start_point[0]:
            return indent[len(own) :]
    return b"\t" if own.startswith(b"\t") else b"  "
