"""Templates that render YAML or JSON: Helm charts, Jinja, ERB, Go templates. Read as far as they can be.

Structure is found with the expressions blanked, so objects and keys have addresses (`Deployment/{{ .Release.Name }}-api`).
Values keep the expressions as text. Lines that are nothing but expressions (conditions, loops, includes) are the attribute
`{{ }}`, each with the line it stands before. What still does not parse is its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from graph.model import Value
from ingest.sources.git.blocks import Language, Meaning, Span, Split
from ingest.sources.git.languages import kinds
from ingest.sources.git.languages.flatten import TEXT
from ingest.sources.git.languages.json_documents import json_meaning, split_json
from ingest.sources.git.languages.template_text import (
    Marked,
    blanked,
    first_character,
    has_expressions,
    marked,
    normalised_line,
)
from ingest.sources.git.languages.yaml_documents import split_yaml, yaml_meaning

CONTROL = "{{ }}"
"""The attribute that holds the lines which are only expressions."""

_ENDS = re.compile(rb"[^\w]*(?:end\w*|\}|fi|done)\b|[^\w]*\}[^\w]*\Z")
_YAML_START = re.compile(rb"(?:^|\n)(?:apiVersion|AWSTemplateFormatVersion|---)(?:[ \t:\r\n]|\Z)")
_UNTYPED = re.compile(r"(?<!\.json)(?<!\.yaml)(?<!\.yml)\.(?:tpl|template)$", re.IGNORECASE)
_DEFINE = re.compile(rb"\{\{-?\s*define\s+\"([^\"]+)\"\s*-?\}\}")
_ACTION = re.compile(rb"\{\{-?\s*([a-z]+)?(?:\"[^\"\n]*\"|`[^`]*`|(?!\{\{|\}\}).)*+\}\}", re.DOTALL)
_OPENS = frozenset({b"if", b"range", b"with", b"block", b"define"})
_NAMED_TEMPLATE = "helm:template"


class Templates:
    """The language of templated YAML and JSON, and of Helm's named templates."""

    name = "template"

    def matches(self, path: str) -> bool:
        """Whether the path is a template of YAML or JSON, or a `.tpl` or `.template` that may be one."""
        return kinds.syntax(path) == "template"

    def directory(self, path: str) -> str:
        """The file."""
        return path

    def split(self, path: str, data: bytes) -> Split:
        """The file's blocks; none for templates of anything else."""
        if len(data) > kinds.MAX_FILE_BYTES:
            return Split((), ((1, f"larger than {kinds.MAX_FILE_BYTES} bytes"),))
        if b"{{" in data and _DEFINE.search(data):
            return _named_templates(data)
        is_json = first_character(data) in (b"{", b"[")
        if _UNTYPED.search(path) and not is_json and not _YAML_START.search(data):
            return Split(())
        if kinds.holds_json(path) and not is_json:
            return Split(())  # a template that renders its JSON in one expression
        read = split_json if is_json and (kinds.holds_json(path) or _UNTYPED.search(path)) else split_yaml
        if not has_expressions(data):
            return read(path, data, data)
        structure = blanked(data, json=read is split_json)
        found = read(path, structure, data, keep_repeats=True)
        # what a template leaves unreadable is no fault of the file
        return Split(tuple(_with_conditions(found.spans, data)))

    def meaning(self, span: Span) -> Meaning:
        """What the block says, with expressions as text."""
        is_json = first_character(span.text) in (b'"', b"{", b"[")
        read = json_meaning if is_json else yaml_meaning
        if span.type == _NAMED_TEMPLATE:
            text = span.text.decode("utf-8", "backslashreplace")
            return Meaning({TEXT: _lines(text)}, {})
        if not has_expressions(span.text):
            return read(span)
        text = span.text.decode("utf-8", "backslashreplace")
        found = marked(text, json=is_json)
        masked = replace(span, text=found.text.encode())
        meaning = read(masked)
        if TEXT in meaning.attributes:
            return Meaning({TEXT: _lines(text)}, {})
        attributes = {found.unmarked(path): _restored(value, found) for path, value in meaning.attributes.items()}
        if found.lines:
            attributes[CONTROL] = list(found.lines)
        references = {
            found.unmarked(path): tuple(found.unmarked(address) for address in addresses)
            for path, addresses in meaning.references.items()
        }
        return Meaning(attributes, references)


def _with_conditions(spans: Sequence[Span], source: bytes) -> Iterator[Span]:
    """The spans, each with the lines of nothing but expressions that stand before it: `{{- if .Values.enabled }}`."""
    lines = source.split(b"\n")
    covered = 0
    for span in spans:
        first = top = span.start_line - 1
        while first > covered:
            line = lines[first - 1].strip()
            if line and (first_character(line) or _ENDS.match(line)):
                break
            first -= 1
            top = first if line else top
        covered = max(covered, span.end_line)
        before = b"".join(line + b"\n" for line in lines[top : span.start_line - 1])
        yield replace(span, text=before + span.text, start_line=top + 1) if before else span


def _restored(value: Value, found: Marked) -> Value:
    if isinstance(value, str):
        return found.unmarked(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Value]", value)
        return {found.unmarked(key): _restored(member, found) for key, member in members.items()}
    if isinstance(value, Sequence):
        return [_restored(item, found) for item in cast("Sequence[Value]", value)]
    return value


def _lines(text: str) -> list[Value]:
    lines = (normalised_line(line) for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _named_templates(data: bytes) -> Split:
    """Helm's `define` blocks."""
    spans: list[Span] = []
    position = 0
    while found := _DEFINE.search(data, position):
        end, depth = len(data), 0
        for action in _ACTION.finditer(data, found.start()):
            depth += (action[1] in _OPENS) - (action[1] == b"end")
            if depth == 0:
                end = action.end()
                break
        name = found[1].decode("utf-8", "backslashreplace")
        start = data.count(b"\n", 0, found.start()) + 1
        text = data[found.start() : end]
        spans.append(Span(f"define.{name}", "define", _NAMED_TEMPLATE, name, text, start, start + text.count(b"\n")))
        position = end
    unique = {span.address: span for span in spans}
    return Split(tuple(unique.values()))


LANGUAGE: Language = Templates()
