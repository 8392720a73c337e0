"""Terraform's JSON syntax (`.tf.json`): the blocks, addresses and values that the same configuration in HCL would have.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from graph.model import Value
from ingest.sources.git.blocks import Meaning, Span, Split
from ingest.sources.git.languages.flatten import flatten, join
from ingest.sources.git.languages.hcl_cursor import NotUnderstood
from ingest.sources.git.languages.hcl_expression import Reader as ExpressionReader
from ingest.sources.git.languages.hcl_values import json_value, literal, references_of
from ingest.sources.git.languages.readers import Entry, Reader

_LABELS: Mapping[str, int] = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "variable": 1,
    "output": 1,
    "module": 1,
    "provider": 1,
    "locals": 1,
    "check": 1,
    "terraform": 0,
    "moved": 0,
    "import": 0,
    "removed": 0,
}
_SUBJECT = {"moved": "from", "removed": "from", "import": "to"}
_PREFIXES = {"variable": "var.", "locals": "local.", "resource": ""}


def directory(path: str) -> str:
    """The module directory, as for `.tf` files."""
    return posixpath.dirname(path)


def split(path: str, reader: Reader) -> Split:
    """The blocks of a `.tf.json` file."""
    spans: dict[str, Span] = {}
    source = reader.source
    for document in reader.documents():
        for member in reader.children(document).entries:
            if member.key not in _LABELS:
                continue
            for labels, entry in _labelled(reader, member, _LABELS[member.key], ()):
                address, block_type, type_, name = _named(path, reader, member.key, labels, entry)
                number, unique = 2, address
                while unique in spans:
                    unique, number = f"{address}#{number}", number + 1
                start = source.count(b"\n", 0, entry.start) + 1
                text = source[entry.start : entry.end]
                spans[unique] = Span(unique, block_type, type_, name, text, start, start + text.count(b"\n"))
    return Split(tuple(spans.values()), tuple(reader.unreadable()))


def is_terraform(span: Span) -> bool:
    """Whether a span of a JSON file is of this syntax; by its address, which other formats do not use."""
    if span.block_type == "resource":
        return span.type != "" and span.address.startswith(f"{span.type}.")
    if span.block_type == "local":
        return True
    prefix = _PREFIXES.get(span.block_type, f"{span.block_type}.")
    return span.block_type in _LABELS and span.address.startswith((prefix, f"{span.block_type}#"))


def meaning(span: Span, value: Value) -> Meaning:
    """The meaning of a block: strings are templates, as in HCL."""
    references: dict[str, tuple[str, ...]] = {}
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1 and span.block_type != "local":
        value = value[0]
    attributes = flatten(_read(value, "", references))
    module_source = attributes.get("source") if span.block_type == "module" else None
    return Meaning(attributes, references, module_source if isinstance(module_source, str) else "")


def _labelled(
    reader: Reader, entry: Entry, depth: int, labels: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """The blocks below a member, with their labels; a list stands for several of what it holds."""
    children = reader.children(entry)
    if children.kind == "list":
        for item in children.entries:
            yield from _labelled(reader, item, depth, labels)
    elif depth == 0:
        yield labels, entry
    elif children.kind == "mapping":
        for member in children.entries:
            if member.key == "//":  # a comment
                continue
            if (depth == 1 and reader.children(member).kind != "list") or (depth == 1 and entry.key == "locals"):
                yield (*labels, member.key), member
            else:
                yield from _labelled(reader, member, depth - 1, (*labels, member.key))


def _named(path: str, reader: Reader, keyword: str, labels: tuple[str, ...], entry: Entry) -> tuple[str, str, str, str]:
    """Address, block type, resource type and name."""
    name = labels[-1] if labels else keyword
    if keyword == "resource":
        return ".".join(labels), keyword, labels[0], name
    if keyword == "data":
        return ".".join(("data", *labels)), keyword, labels[0], name
    if keyword in ("variable", "locals"):
        return _PREFIXES[keyword] + name, "local" if keyword == "locals" else keyword, "", name
    members = {member.key: member for member in reader.children(entry).entries}
    if keyword == "provider" and "alias" in members:
        name = reader.children(members["alias"]).text
        return ".".join((keyword, *labels, name)), keyword, "", name
    if keyword in _SUBJECT and _SUBJECT[keyword] in members:
        name = reader.children(members[_SUBJECT[keyword]]).text
        return f"{keyword}.{name}", keyword, "", name
    if not labels:
        return f"{keyword}#{posixpath.basename(path)}", keyword, "", name
    return ".".join((keyword, *labels)), keyword, labels[0] if keyword == "ephemeral" else "", name


def _read(value: Value, path: str, references: dict[str, tuple[str, ...]]) -> Value:
    if isinstance(value, str):
        return _template(value, path or "value", references)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Value]", value)
        return {key: _read(member, join(path, key), references) for key, member in members.items() if key != "//"}
    if isinstance(value, Sequence):
        items = cast("Sequence[Value]", value)
        nested = any(isinstance(item, Mapping) for item in items)
        return [_read(item, f"{path}[{i}]" if nested else path, references) for i, item in enumerate(items)]
    return value


def _template(text: str, path: str, references: dict[str, tuple[str, ...]]) -> Value:
    if "${" not in text and "%{" not in text:
        return literal(text)
    reader = ExpressionReader(json.dumps(text, ensure_ascii=False))
    try:
        node = reader.value()
        if not reader.at_end_of_line():
            return text
    except (NotUnderstood, RecursionError):
        return text
    found = references_of((node,))
    if found:
        references[path] = tuple(dict.fromkeys((*references.get(path, ()), *found)))
    return json_value(node)
