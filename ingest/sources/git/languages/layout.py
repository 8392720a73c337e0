"""From structure to blocks: which parts of a document are blocks, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.sources.git.blocks import Span, Split
from ingest.sources.git.languages.kinds import family
from ingest.sources.git.languages.long_lists import LONG_BYTES, item_names
from ingest.sources.git.languages.readers import Children, Entry, Reader
from ingest.sources.git.languages.shapes import (
    GENERIC,
    ITEMS,
    PLAYS,
    TASKS,
    Shape,
    shape_of_list,
    shape_of_mapping,
)

WHOLE = frozenset({"object", "chart", "document"})
"""Block types whose text is a whole document or list item; the others are one member with its key."""

_MAX_NAME = 200
_UNNAMED_TASK_KEYS = frozenset(
    ["when", "tags", "become", "become_user", "register", "notify", "vars", "with_items", "loop", "args", "delegate_to"]
)


def split(path: str, reader: Reader, *, keep_repeats: bool = False) -> Split:
    """The blocks of a file. With `keep_repeats`, a key that comes again is another block (templates have branches);
    otherwise the last one has the address, as it holds for parsers, and the earlier ones are `key#1`, `key#2`.

    Raises:
        StructureUnclear: the reader cannot tell.
    """
    layout = _Layout(path, reader, keep_repeats)
    for document in reader.documents():
        layout.document(document)
    return Split(layout.spans(), tuple(sorted(set(reader.unreadable()))))


class _Layout:
    def __init__(self, path: str, reader: Reader, keep_repeats: bool) -> None:
        self._path = path
        self._family = family(path)
        self._reader = reader
        self._keep_repeats = keep_repeats
        self._found: dict[str, tuple[Entry, str, str, str]] = {}
        self._numbers: dict[str, int] = {}
        self._document_start = 0
        self._counted = (0, 1)

    # -- documents

    def document(self, root: Entry) -> None:
        """Add the blocks of one document."""
        self._document_start = root.start
        children = self._reader.children(root)
        if children.kind == "mapping":
            self._mapping(root, children.entries)
        elif children.kind == "list":
            shape = shape_of_list(self._family, children.entries, self._look)
            if not self._items(shape, children.entries, ""):
                self._add("document", "document", "", "document", root)

    def _mapping(self, root: Entry, entries: Sequence[Entry]) -> None:
        members = self._members(entries)
        if "apiVersion" in members and "kind" in members and self._object(root, members):
            return
        if self._family == "helm_chart":
            name = self._text(members.get("name"))
            self._add(f"chart.{name}" if name else "chart", "chart", "helm:chart", name, root)
            return
        shape = shape_of_mapping(self._family, members, self._look)
        self._expand(shape, entries, "")

    def _object(self, root: Entry, members: Mapping[str, Entry]) -> bool:
        kind = self._text(members["kind"])
        if not kind:
            return False
        if kind.endswith("List") and "items" in members:
            items = self._look(members["items"])
            if items.kind == "list":
                for item in items.entries:
                    inner = self._members(self._look(item).entries)
                    if "kind" not in inner or not self._object(item, inner):
                        self._object_block(item, kind.removesuffix("List") or "Object", inner)
                return True
        self._object_block(root, kind, members)
        return True

    def _object_block(self, entry: Entry, kind: str, members: Mapping[str, Entry]) -> None:
        metadata = self._members(self._look(members["metadata"]).entries) if "metadata" in members else {}
        name = self._text(metadata.get("name")) or self._text(metadata.get("generateName"))
        namespace = self._text(metadata.get("namespace"))
        address = "/".join(part for part in (kind, namespace, name) if part)
        self._add(address, "object", f"kubernetes:{kind}", name or kind, entry, again=True)

    # -- members and items

    def _expand(self, shape: Shape, entries: Sequence[Entry], prefix: str) -> None:
        simple = not (shape.inside or shape.others or shape.type_key)
        for entry in entries:
            if simple:
                if shape is GENERIC and entry.end - entry.start > LONG_BYTES and self._long(entry, prefix):
                    continue
                self._add(_address(prefix, entry.key, shape.separator), shape.block_type, shape.type, entry.key, entry)
                continue
            inner = shape.inside.get(entry.key)
            if inner is not None and self._inside(inner, entry, prefix):
                continue
            block_type, type_ = shape.others.get(entry.key, (shape.block_type, shape.type))
            if shape.type_key:
                type_ = self._text(self._members(self._look(entry).entries).get(shape.type_key)) or type_
            self._add(_address(prefix, entry.key, shape.separator), block_type, type_, entry.key, entry)

    def _long(self, entry: Entry, prefix: str) -> bool:
        """Add the items of a long member, when all have names; of a short one the list is one thing."""
        children = self._look(entry)
        return children.kind == "list" and self._named_items(children.entries, _address(prefix, entry.key, "."))

    def _inside(self, shape: Shape, entry: Entry, prefix: str) -> bool:
        children = self._look(entry)
        within = _address(prefix, entry.key, ".")
        if children.kind == "mapping":
            self._expand(shape, children.entries, within)
            return True
        return children.kind == "list" and self._items(shape, children.entries, within)

    def _items(self, shape: Shape, items: Sequence[Entry], prefix: str) -> bool:
        """Add the items by name; False when they have none, and nothing was added."""
        if shape is ITEMS:
            return self._named_items(items, prefix)
        members = [self._members(self._look(item).entries) for item in items]
        if shape in (TASKS, PLAYS):
            names = [self._first_text(m, shape.by) or self._task_name(m) for m in members]
            prefix = shape.block_type
        else:
            names = self._common_names(shape, members)
        if not names or not all(names):
            return False
        for item, inner, name in zip(items, members, names, strict=True):
            address = _address(prefix, name, shape.separator) if prefix else f"[{name}]"
            block_type, type_ = shape.block_type, shape.type
            if block_type == "alert" and "record" in inner and "alert" not in inner:
                block_type, type_ = "record", "prometheus:record"
            self._item(shape, item, inner, address, block_type, type_, name)
        return True

    def _named_items(self, items: Sequence[Entry], prefix: str) -> bool:
        names = item_names(self._reader, items, ITEMS.by)
        for item, name in zip(items, names, strict=False):
            address = _address(prefix, name, ITEMS.separator) if prefix else f"[{name}]"
            self._add(address, ITEMS.block_type, ITEMS.type, name, item, again=True)
        return bool(names)

    def _item(
        self,
        shape: Shape,
        item: Entry,
        inner: Mapping[str, Entry],
        address: str,
        block_type: str,
        type_: str,
        name: str,
    ) -> None:
        nested = [(key, shape.inside[key]) for key in inner if key in shape.inside]
        if not nested:
            self._add(address, block_type, type_, name, item, again=True)
            return
        first = min(inner[key].start for key, _ in nested)
        if shape.keep_head and first > item.start:
            self._add(
                address, block_type, type_, name, item._replace(end=self._end_before(item.start, first)), again=True
            )
        for key, within in nested:
            children = self._look(inner[key])
            if not (children.kind == "list" and self._items(within, children.entries, name)):
                self._add(f"{address}.{key}", "key", "", key, inner[key], again=True)

    def _common_names(self, shape: Shape, members: Sequence[Mapping[str, Entry]]) -> list[str]:
        """The items' names by the first key that names them all; by any of the keys where each has one."""
        for key in shape.by:
            names = [self._text(m.get(key)) for m in members]
            if all(names):
                return names
        return [self._first_text(m, shape.by) for m in members]

    def _first_text(self, members: Mapping[str, Entry], keys: Sequence[str]) -> str:
        return next((text for key in keys if (text := self._text(members.get(key)))), "")

    def _task_name(self, members: Mapping[str, Entry]) -> str:
        """An unnamed task is known by its module and what stands on its line: `import_tasks users.yml`."""
        for key, entry in members.items():
            if key not in _UNNAMED_TASK_KEYS:
                return f"{key} {self._text(entry)}".strip()
        return "unnamed"

    # -- reading

    def _look(self, entry: Entry) -> Children:
        return self._reader.children(entry)

    def _members(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        return {entry.key: entry for entry in entries if entry.key}

    def _text(self, entry: Entry | None) -> str:
        if entry is None:
            return ""
        children = self._look(entry)
        return " ".join(children.text.split())[:_MAX_NAME] if children.kind == "scalar" else ""

    def _end_before(self, start: int, position: int) -> int:
        return start + len(self._reader.source[start:position].rstrip())

    # -- writing

    def _add(self, address: str, block_type: str, type_: str, name: str, entry: Entry, *, again: bool = False) -> None:
        if address in self._found:
            repeats_a_key = self._found[address][0].start >= self._document_start
            if again or self._keep_repeats or block_type in WHOLE or not repeats_a_key:
                address = self._free(address, 2)
            else:
                self._found[self._free(address, 1)] = self._found.pop(address)
        self._found[address] = (entry, block_type, type_, name)

    def _free(self, address: str, number: int) -> str:
        number = self._numbers.get(address, number)
        while f"{address}#{number}" in self._found:
            number += 1
        self._numbers[address] = number + 1
        return f"{address}#{number}"

    def spans(self) -> tuple[Span, ...]:
        """The blocks in order of the file."""
        source, line = self._reader.source, self._line
        spans: list[Span] = []
        for address, (entry, block_type, type_, name) in sorted(self._found.items(), key=_position):
            text = source[entry.start : entry.end]
            start = line(entry.start)
            spans.append(Span(address, block_type, type_, name, text, start, start + text.count(b"\n")))
        return tuple(spans)

    def _line(self, position: int) -> int:
        offset, line = self._counted
        if position < offset:
            offset, line = 0, 1
        line += self._reader.source.count(b"\n", offset, position)
        self._counted = (position, line)
        return line


def _position(found: tuple[str, tuple[Entry, str, str, str]]) -> int:
    return found[1][0].start


def _address(prefix: str, name: str, separator: str) -> str:
    name = name or '""'
    return f"{prefix}{separator}{name}" if prefix else name
