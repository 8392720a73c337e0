"""YAML as blocks: Kubernetes objects, pipelines, CloudFormation, Ansible, hiera, and plain keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from graph.model import Value
from ingest.sources.git.blocks import Language, Meaning, Span, Split
from ingest.sources.git.languages import kinds, layout
from ingest.sources.git.languages.anchors import own_and_anchored, with_anchors
from ingest.sources.git.languages.flatten import KUBERNETES_LISTS, flatten, text_lines
from ingest.sources.git.languages.readers import StructureInvalid, StructureUnclear
from ingest.sources.git.languages.references import references
from ingest.sources.git.languages.yaml_lines import LineReader
from ingest.sources.git.languages.yaml_nodes import NodeReader
from ingest.sources.git.languages.yaml_values import ValuesInvalid, load

_PLAIN_TYPES = frozenset({"key", "value", "variable", "section"})
_PIECEMEAL_BYTES = 4_096
"""Longer blocks are read member by member: most members of a long block are the same from version to version."""
_ANCHOR_OR_ALIAS = re.compile(rb"[&*](?=[\w./-]+(?:[\s,\]}:]|\Z))")
_UNUSUAL_ANCHOR = re.compile(r"(?<![^\s\[{,])([&*])([\w-]*[./][\w./-]*)(?=[\s,\]}]|\Z)")
"""YAML allows more in a name than libyaml does."""


class YamlDocuments:
    """The language of `.yaml` and `.yml`."""

    name = "yaml"

    def matches(self, path: str) -> bool:
        """Whether the path ends like YAML and is neither a template nor a lock file."""
        return kinds.syntax(path) == "yaml"

    def directory(self, path: str) -> str:
        """The file: two files may hold the same key or object."""
        return path

    def split(self, path: str, data: bytes) -> Split:
        """The file's blocks."""
        if len(data) > kinds.MAX_FILE_BYTES:
            return Split((), ((1, f"larger than {kinds.MAX_FILE_BYTES} bytes"),))
        if data.startswith(b"$ANSIBLE_VAULT"):
            return Split(())
        return split_yaml(path, data, data)

    def meaning(self, span: Span) -> Meaning:
        """What the block says."""
        return yaml_meaning(span)


def split_yaml(path: str, structure: bytes, source: bytes, *, keep_repeats: bool = False) -> Split:
    """The blocks of YAML by its lines, by a parser where lines do not do, and of broken YAML as far as lines show."""
    if structure.startswith((b"\xff\xfe", b"\xfe\xff", b"\0")):
        return Split((), ((1, "not UTF-8"),))
    try:
        found = layout.split(path, LineReader(structure, source), keep_repeats=keep_repeats)
    except StructureUnclear:
        try:
            found = layout.split(path, NodeReader(structure, source), keep_repeats=keep_repeats)
        except StructureInvalid as error:
            found = layout.split(path, LineReader(structure, source, lenient=True), keep_repeats=keep_repeats)
            found = Split(found.spans, ((min(error.line, source.count(b"\n") + 1), error.reason),))
    return with_anchors(found, source)


def yaml_meaning(span: Span) -> Meaning:
    """The meaning of a YAML span."""
    own, anchored = own_and_anchored(span.text)
    if len(own) > _PIECEMEAL_BYTES and span.block_type in _PLAIN_TYPES and not anchored:
        attributes = _piecemeal(own)
        if attributes is not None:
            return Meaning(attributes, {})
    try:
        documents = load_chunk(own, anchored)
    except ValuesInvalid:
        return Meaning(text_lines(own.decode("utf-8", "backslashreplace")), {})
    return meaning_of_value(span, own_value(span, documents[0] if documents else None))


def load_chunk(own: bytes, anchored: bytes = b"") -> list[Value]:
    """The values of a block's bytes. A member of a flow mapping is read as one.

    Raises:
        ValuesInvalid: it is no YAML.
    """
    text, context = (part.decode("utf-8", "backslashreplace").removeprefix("\ufeff") for part in (own, anchored))
    text += "\n"
    if text.lstrip().startswith("?"):  # of a flow mapping, where it ends as it may not in block style
        try:
            return load("{" + text + "}", context)
        except ValuesInvalid:
            return load(text, context)
    try:
        return load(text, context)
    except ValuesInvalid:
        if _UNUSUAL_ANCHOR.search(text + context):
            text, context = (_UNUSUAL_ANCHOR.sub(_usual_anchor, part) for part in (text, context))
            return load(text, context)
        if own[:1] not in (b'"', b"'") and b"{" not in own:
            raise
        return load("{" + text + "}", context)


def _usual_anchor(found: re.Match[str]) -> str:
    return found[1] + re.sub(r"[^\w-]", "_", found[2])


def own_value(span: Span, loaded: Value) -> Value:
    """Of what a span's text holds: the document, the list item, or the member's value."""
    if (
        isinstance(loaded, Sequence)
        and not isinstance(loaded, str)
        and len(loaded) == 1
        and span.block_type != "document"
    ):
        return cast("Sequence[Value]", loaded)[0]
    if span.block_type not in layout.WHOLE and isinstance(loaded, Mapping) and len(loaded) == 1:
        return next(iter(cast("Mapping[str, Value]", loaded).values()))
    return loaded


def meaning_of_value(span: Span, value: Value) -> Meaning:
    """Attributes and references of a block's value."""
    unordered = KUBERNETES_LISTS if span.block_type == "object" else None
    return Meaning(flatten(value, unordered), references(span, value))


def _piecemeal(own: bytes) -> dict[str, Value] | None:
    """The attributes of a long `key:` with many members, each member read by itself and remembered; None when it is not that."""
    reader = LineReader(own)
    try:
        roots = reader.documents()
        (member,) = reader.children(roots[0]).entries
        children = reader.children(member)
    except (StructureUnclear, ValueError, IndexError):
        return None
    keys = {entry.key for entry in children.entries}
    if children.kind != "mapping" or len(keys) < 4 or len(keys) < len(children.entries) or "<<" in keys:
        return None
    texts = [own[entry.start : entry.end] for entry in children.entries]
    joined = [text for text in texts if _ANCHOR_OR_ALIAS.search(text)]
    attributes: dict[str, Value] = {}
    try:
        if joined:
            attributes.update(_member_attributes(b"\n".join(joined)))
        for text in texts if not joined else [text for text in texts if not _ANCHOR_OR_ALIAS.search(text)]:
            attributes.update(_member_attributes(text))
    except ValuesInvalid:
        return None
    return attributes


@lru_cache(maxsize=8_192)
def _member_attributes(text: bytes) -> tuple[tuple[str, Value], ...]:
    (value,) = load_chunk(text)
    return tuple(flatten(value).items())


LANGUAGE: Language = YamlDocuments()
