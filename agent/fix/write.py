"""Small edits of HCL bytes: each gives the whole file with one thing put in, changed or taken out, in the style of what stands around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tree_sitter import Node

from agent.fix.modules import InTheWay
from agent.fix.resolve import Term
from agent.fix.syntax import Block, Source, block_of, is_name, meaningful, parse, quoted, scalar
from graph.model import Value

_META = frozenset({"count", "for_each", "provider", "providers", "depends_on", "source", "version"})
_LINE = 100


def replaced(at: Term, value: Value) -> bytes:
    """Another value in the place of a literal."""
    source = at.source
    start, end = at.span
    text = rendered(value, _indent(source, start), _newline(source, start))
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


def attribute_inserted(block: Block, name: str, value: Value) -> bytes:
    """A block with one more attribute: at the end of a row of attributes whose `=` need not move, if there is one, before its blocks."""
    source, data = block.source, block.source.data
    if block.opens.start_point[0] == block.closes.start_point[0]:
        return attribute_inserted(_opened(block), name, value)
    rows = _rows(block)
    fitting = [r for r in rows if max(len(source.text(n.children[0])) for n in r) >= len(name)]
    settable = [r for r in fitting if not _meta(source, r)] or [r for r in rows if not _meta(source, r)]
    chosen = (settable or rows)[-1] if rows else []
    newline = _newline(source, block.node.start_byte)
    after = chosen[-1] if chosen else block.opens
    indent = (
        _indent(source, after.start_byte) if chosen else _indent(source, block.node.start_byte) + _unit(source, block)
    )
    line = name.encode() + b" = " + rendered(value, indent, newline)
    at = _line_end(data, after.end_byte)
    blank = newline if chosen and not settable else b""
    if not chosen and meaningful(block.entries) and not _is_blank(data, at):
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
    newline = _newline(source, parent.node.start_byte)
    if after is not None:
        indent = _indent(source, after.node.start_byte)
        at = _line_end(data, after.node.end_byte)
        blank = _parted(parent, after)
    else:
        indent = _indent(source, parent.node.start_byte) + _unit(source, parent)
        at = _line_start(data, parent.closes.start_byte)
        blank = bool(parent.entries) and not _is_blank(data, _line_start(data, max(at - 1, 0)))
    text = nested(type, values, indent, newline)
    return data[:at] + (newline if blank else b"") + text + data[at:]


def block_removed(source: Source, at: Node) -> bytes:
    """A file without a block, with the blank line that set it off."""
    return _lines_removed(source, at, blank=True)


def nested(type: str, values: Mapping[str, Value], indent: bytes, newline: bytes) -> bytes:
    """A whole block as lines, formatted."""
    return indent + type.encode() + b" {" + newline + body(values, indent + b"  ", newline) + indent + b"}" + newline


def body(values: Mapping[str, Value], indent: bytes, newline: bytes) -> bytes:
    """The inside of a block as lines, formatted: attributes first, then lists of maps as blocks."""
    plain = {k: v for k, v in values.items() if not is_blocks(v)}
    out = _members(plain, indent, newline, {k: k for k in plain})
    for key, value in values.items():
        if isinstance(value, Sequence) and key not in plain:
            for item in value:
                if isinstance(item, Mapping):
                    out += (newline if out else b"") + nested(key, item, indent, newline)
    return out


def is_blocks(value: Value) -> bool:
    """Whether it is a list of maps, which is how state tells nested blocks."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and bool(value)
        and all(isinstance(v, Mapping) for v in value)
    )


def rendered(value: Value, indent: bytes, newline: bytes) -> bytes:
    """A value as fmt would have it, its first line without indentation."""
    plain = scalar(value)
    if plain is not None:
        return plain.encode()
    inner = indent + b"  "
    if isinstance(value, Mapping):
        if not value:
            return b"{}"
        names = {k: k if is_name(k) else quoted(k) for k in value}
        return b"{" + newline + _members(value, inner, newline, names) + indent + b"}"
    assert isinstance(value, Sequence)
    items = [rendered(v, inner, newline) for v in value]
    if sum(len(i) + 2 for i in items) <= _LINE - len(indent) and not any(b"\n" in i for i in items):
        return b"[" + b", ".join(items) + b"]"
    return b"[" + newline + b"".join(inner + i + b"," + newline for i in items) + indent + b"]"


def _members(values: Mapping[str, Value], indent: bytes, newline: bytes, names: Mapping[str, str]) -> bytes:
    texts = {k: rendered(v, indent, newline) for k, v in values.items()}
    out = b""
    row: list[str] = []
    for key in [*texts, None]:
        if key is not None and b"\n" not in texts[key]:
            row.append(key)
            continue
        width = max((len(names[k]) for k in row), default=0)
        out += b"".join(indent + names[k].ljust(width).encode() + b" = " + texts[k] + newline for k in row)
        row = []
        if key is not None:
            out += indent + names[key].encode() + b" = " + texts[key] + newline
    return out


def _inserted(source: Source, at: Node, items: list[Node], index: int, value: Value, key: str) -> bytes:
    """A literal in brackets with one more item, one a line or all in one, as the others are."""
    data = source.data
    newline = _newline(source, at.start_byte)
    own = _indent(source, at.start_byte)
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
    indent = _indent(source, items[0].start_byte)
    text = key.encode() + rendered(value, indent, newline)
    if index < len(items):
        place = _line_start(data, items[index].start_byte)
        if data[place : items[index].start_byte].strip():
            return data[: items[index].start_byte] + text + b", " + data[items[index].start_byte :]
        comma = b"," if not key or _comma(at, items[index]) is not None else b""
        return data[:place] + indent + text + comma + newline + data[place:]
    if _ends_in_heredoc(last):
        raise InTheWay(f"the last item at {source.at(last)} ends in a heredoc")
    comma = _comma(at, last)
    place = _line_end(data, (comma or last).end_byte)
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
    first, last = _line_start(data, item.start_byte), _line_end(data, end)
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
    newline = _newline(source, block.node.start_byte)
    indent = _indent(source, block.node.start_byte)
    inside = data[block.opens.end_byte : block.closes.start_byte].strip()
    inner = indent + b"  " + inside + newline if inside else b""
    made = data[: block.opens.end_byte] + newline + inner + indent + data[block.closes.start_byte :]
    tree = parse(source.path, made)
    return block_of(tree, block_node(tree, block.node.start_byte))


def block_node(source: Source, start: int) -> Node:
    """The block that starts at a byte."""
    node = source.root.descendant_for_byte_range(start, start)
    while node is not None and node.type != "block":
        node = node.parent
    assert node is not None
    return node


def list_at(source: Source, start: int) -> Node:
    """The list literal that starts at a byte."""
    node = source.root.descendant_for_byte_range(start, start + 1)
    while node is not None and node.type != "tuple":
        node = node.parent
    assert node is not None
    return node


def _lines_removed(source: Source, at: Node, *, blank: bool = False) -> bytes:
    data = source.data
    first, last = _line_start(data, at.start_byte), _line_end(data, at.end_byte)
    tail = data[at.end_byte : last].strip()
    if data[first : at.start_byte].strip(b" \t\xef\xbb\xbf") or (tail and not tail.startswith((b"#", b"//"))):
        if data[: at.start_byte].rstrip(b" ").endswith(b"{") and data[at.end_byte :].lstrip(b" ").startswith(b"}"):
            return data[: at.start_byte].rstrip(b" ") + data[at.end_byte :].lstrip(b" ")
        return data[: at.start_byte] + data[at.end_byte :]
    if data.startswith(b"\xef\xbb\xbf") and first == 0:
        first = 3
    if blank:
        above = _line_start(data, max(first - 1, 0))
        closing = data[last:].lstrip().startswith(b"}") or not data[last:].strip()
        opening = not data[:first].strip(b"\xef\xbb\xbf \t\r\n") or data[above:first].rstrip().endswith(b"{")
        if first > above and _is_blank(data, above) and (closing or _is_blank(data, last)):
            first = above
        elif opening and _is_blank(data, last) and last < len(data):
            last = _line_end(data, last)
    return data[:first] + data[last:]


def _parted(parent: Block, like: Block) -> bool:
    """Whether blocks of a kind stand apart by a blank line; one alone counts as apart."""
    others = [b for b in parent.blocks(like.type) if b.node.start_byte < like.node.start_byte]
    if not others:
        return True
    return like.node.start_point[0] - others[-1].node.end_point[0] > 1


def _unit(source: Source, block: Block) -> bytes:
    own = _indent(source, block.node.start_byte)
    for node in block.entries:
        indent = _indent(source, node.start_byte)
        if indent.startswith(own) and len(indent) > len(own) and node.start_point[0] > block.opens.start_point[0]:
            return indent[len(own) :]
    return b"\t" if own.startswith(b"\t") else b"  "


def _indent(source: Source, position: int) -> bytes:
    start = _line_start(source.data, position)
    line = source.data[start:position].removeprefix(b"\xef\xbb\xbf")
    return line[: len(line) - len(line.lstrip(b" \t"))]


def _newline(source: Source, position: int) -> bytes:
    end = source.data.find(b"\n", position)
    if end < 0:
        end = source.data.find(b"\n")
    return b"\r\n" if end > 0 and source.data[end - 1 : end] == b"\r" else b"\n"


def _line_start(data: bytes, position: int) -> int:
    return data.rfind(b"\n", 0, position) + 1


def _line_end(data: bytes, position: int) -> int:
    end = data.find(b"\n", position)
    return len(data) if end < 0 else end + 1


def _is_blank(data: bytes, position: int) -> bool:
    end = data.find(b"\n", position)
    return end >= 0 and not data[position:end].strip()
