"""JSON as blocks: CloudFormation, Kubernetes objects, Terraform's JSON syntax, and plain keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from graph.model import Value
from ingest.sources.git.blocks import Language, Meaning, Span, Split
from ingest.sources.git.languages import kinds, layout, terraform_json
from ingest.sources.git.languages.flatten import text_lines
from ingest.sources.git.languages.json_members import JsonReader, without_comments
from ingest.sources.git.languages.readers import StructureInvalid, clean_text
from ingest.sources.git.languages.yaml_documents import meaning_of_value
from ingest.sources.git.languages.yaml_nodes import NodeReader
from ingest.sources.git.languages.yaml_values import ValuesInvalid, load

_NEEDS_CLEANING = re.compile(r"\\u[dD][89a-fA-F]|NaN|Infinity|[0-9]{18}|[eE][+]?[0-9]{3}")
_MAX_DEPTH = 100


class JsonDocuments:
    """The language of `.json`."""

    name = "json"

    def matches(self, path: str) -> bool:
        """Whether the path ends like JSON and is neither a template nor generated."""
        return kinds.syntax(path) == "json"

    def directory(self, path: str) -> str:
        """The file; for Terraform's JSON syntax the module directory, as for `.tf` files."""
        return terraform_json.directory(path) if kinds.family(path) == "terraform" else path

    def split(self, path: str, data: bytes) -> Split:
        """The file's blocks."""
        if len(data) > kinds.MAX_FILE_BYTES:
            return Split((), ((1, f"larger than {kinds.MAX_FILE_BYTES} bytes"),))
        return split_json(path, data, data)

    def meaning(self, span: Span) -> Meaning:
        """What the block says."""
        return json_meaning(span)


def split_json(path: str, structure: bytes, source: bytes, *, keep_repeats: bool = False) -> Split:
    """The blocks of JSON, and of broken JSON those before and after the break."""
    if structure.startswith((b"\xff\xfe", b"\xfe\xff", b"\0")):
        return Split((), ((1, "not UTF-8"),))
    reader = JsonReader(structure, source)
    if kinds.family(path) == "terraform":
        return terraform_json.split(path, reader)
    found = layout.split(path, reader, keep_repeats=keep_repeats)
    if found.unreadable:
        try:  # JSON5 is flow YAML but for its comments
            plain = without_comments(structure.decode("latin-1")).encode("latin-1")
            return layout.split(path, NodeReader(plain, source), keep_repeats=keep_repeats)
        except StructureInvalid:
            pass
    return found


def json_meaning(span: Span) -> Meaning:
    """The meaning of a JSON span."""
    text = span.text.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    try:
        value = load_span(span, text)
    except (ValueError, RecursionError, ValuesInvalid):
        return Meaning(text_lines(text), {})
    return terraform_json.meaning(span, value) if terraform_json.is_terraform(span) else meaning_of_value(span, value)


def load_span(span: Span, text: str) -> Value:
    """The value of a span's text: a member with its key, or a whole value.

    Raises:
        ValueError, ValuesInvalid: it is no JSON, or nested deeper than a block may be.
    """
    is_member = span.block_type not in layout.WHOLE and text[:1] not in ("{", "[")
    wrapped = "{" + text + "\n}" if is_member else text
    try:
        loaded = json.loads(wrapped, strict=False)
    except ValueError:
        relaxed = without_comments(wrapped)
        try:
            loaded = json.loads(relaxed, strict=False)
        except ValueError:
            loaded = next(iter(load(relaxed)), None)
    if is_member and isinstance(loaded, dict):
        members = cast("dict[str, Value]", loaded)
        loaded = next(reversed(members.values()), None)
    _check_depth(text)
    return clean(cast("Value", loaded)) if _NEEDS_CLEANING.search(text) else cast("Value", loaded)


def clean(value: Value) -> Value:
    """The value without what JSON stores do not take: numbers that are not finite or not 64 bits wide, lone surrogates."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return value if value - value == 0 else {"!!float": repr(value)}
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else {"!!int": str(value)}
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Value]", value)
        return {clean_text(key): clean(member) for key, member in members.items()}
    return [clean(item) for item in cast("Sequence[Value]", value)]


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return
    depth = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*+"|(?P<open>[\[{])|(?P<close>[\]}])', text, re.DOTALL):
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested deeper than {_MAX_DEPTH}")


LANGUAGE: Language = JsonDocuments()
