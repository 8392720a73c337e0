"""What holds for any YAML: style means nothing, bytes never raise, lines and parser agree."""

from __future__ import annotations

import random
import time
from typing import Any, cast

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.model import Value
from ingest.sources.git.blocks import Language, Span
from ingest.sources.git.languages import json_documents, layout, templates, yaml_documents
from ingest.sources.git.languages.readers import StructureUnclear
from ingest.sources.git.languages.yaml_lines import LineReader
from ingest.sources.git.languages.yaml_nodes import NodeReader

LANGUAGE = yaml_documents.LANGUAGE
_ENCODE = msgspec.json.Encoder(order="deterministic").encode
LANGUAGES: tuple[Language, ...] = (templates.LANGUAGE, LANGUAGE, json_documents.LANGUAGE)
PATHS = (
    "a.yaml",
    ".github/workflows/a.yml",
    ".gitlab-ci.yml",
    "compose.yaml",
    "roles/a/tasks/main.yml",
    "Chart.yaml",
    "hieradata/a.yaml",
)

_texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
_keys = st.from_regex(r"[a-z][a-z0-9_:/.-]{0,8}[a-z0-9]", fullmatch=True) | _texts
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | _texts
    | st.sampled_from(
        ["yes", "off", "true", "0644", "1.10", "null", "~", "- a", "a: b", "# x", "*x", "&y", "one\ntwo\n"]
    )
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4), max_leaves=12
)
_documents = st.dictionaries(_keys, _values, min_size=1, max_size=6)


def shuffled(value: Value, order: random.Random) -> Value:
    """The value with the keys of its mappings in another order."""
    if isinstance(value, dict):
        members = list(value.items())
        order.shuffle(members)
        return {key: shuffled(member, order) for key, member in members}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


def meanings(text: str) -> dict[str, bytes]:
    found = LANGUAGE.split("a.yaml", text.encode())
    assert found.unreadable == ()
    said = {span.address: LANGUAGE.meaning(span).attributes for span in found.spans}
    assert not any("(text)" in attributes for attributes in said.values()), said
    return {address: _ENCODE(attributes) for address, attributes in said.items()}


def dumped(document: Value, **style: Any) -> str:
    return cast("str", yaml.dump(document, Dumper=yaml.SafeDumper, allow_unicode=True, **style))


@settings(max_examples=120, deadline=None)
@given(_documents, st.randoms(use_true_random=False))
def test_style_and_key_order_do_not_change_the_meaning(document: dict[str, Value], order: random.Random) -> None:
    plain = meanings(dumped(document, sort_keys=True))
    assert set(plain) == {key or '""' for key in document}
    again = shuffled(document, order)
    for style in (
        {"default_flow_style": False, "indent": 4},
        {"default_flow_style": None, "width": 20},
        {"default_flow_style": True},
        {"explicit_start": True, "explicit_end": True},
    ):
        assert meanings(dumped(again, sort_keys=False, **style)) == plain


@settings(max_examples=100, deadline=None)
@given(_documents)
def test_every_change_of_a_value_changes_the_meaning(document: dict[str, Value]) -> None:
    key = next(iter(document))
    changed = {**document, key: [document[key], "something else"]}
    assert meanings(dumped(document)) != meanings(dumped(changed))


@settings(max_examples=100, deadline=None)
@given(_documents, st.sampled_from(PATHS))
def test_lines_and_parser_agree_where_lines_are_sure(document: dict[str, Value], path: str) -> None:
    data = dumped(document).encode()
    try:
        by_lines = layout.split(path, LineReader(data))
    except StructureUnclear:
        return
    assert by_lines == layout.split(path, NodeReader(data))


_pieces = st.sampled_from(
    [b"a:", b" ", b"\n", b"- ", b"  ", b"{", b"}", b"[", b"]", b'"', b"'", b"#", b"&x", b"*x", b"<<: ", b"---\n", b"\t"]
) | st.sampled_from(
    [b"|\n", b">", b"? ", b"!t ", b"{{ x }}", b"<% y %>", b"{% if %}", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\0", b","]
)
_words = st.sampled_from(
    [b"kind: A\n", b"apiVersion: v1\n", b"metadata:\n", b"  name: n\n", b"jobs:\n", b"Resources:\n", b'"k": ', b"1"]
) | st.sampled_from([b"${x}", b'{{- define "d" }}', b"{{ end }}", b"//", b"/*", b"*/", b"\\", b"NaN", b"\\ud800"])


@pytest.mark.parametrize("language", [LANGUAGE, json_documents.LANGUAGE, templates.LANGUAGE], ids=lambda one: one.name)
@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=60) | st.lists(_pieces | _words, max_size=25).map(b"".join),
    path=st.sampled_from([*PATHS, "a.json", "a.tf.json", "a.tpl", "a.yaml.erb", "c/templates/a.yaml", "a.json.j2"]),
)
def test_no_bytes_raise(language: Language, data: bytes, path: str) -> None:
    found = language.split(path, data)
    lines = data.count(b"\n") + 1
    for span in found.spans:
        assert 1 <= span.start_line <= span.end_line <= lines
        assert span.text.endswith(own_text(data, span))
        language.meaning(span)
    assert len({span.address for span in found.spans}) == len(found.spans)
    assert all(1 <= line <= lines and reason for line, reason in found.unreadable)
    assert found == language.split(path, data)


def own_text(data: bytes, span: Span) -> bytes:
    """The last line of a span, which must be in the file where the span says."""
    last = data.split(b"\n")[span.end_line - 1]
    own = span.text.rsplit(b"\n", 1)[-1]
    assert own in last
    return own


_OPENERS = (
    b"{{ ",
    b"<% ",
    b"{",
    b"[",
    b'"a": {\n',
    b"a: [\n",
    b"'",
    b'"',
    b"`",
    b"/*",
    b"${",
    b"? ",
    b'{{ define "a" }}',
)
_REPEATED = (
    b"- ",
    b"a: *b\n",
    b"a: &b x\n",
    b"#",
    b"\n",
    b": ",
    b"a: 1\n",
    b"- name: a\n",
    b"---\n",
    b"  ",
    b'"a": 1,\n',
)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("path", ["a.yaml", "a.json", "templates/a.yaml", "a.json.erb", ".gitlab-ci.yml", "a.tf.json"])
@pytest.mark.parametrize("piece", [*_OPENERS, *_REPEATED])
def test_no_repeated_piece_takes_long(path: str, piece: bytes) -> None:
    data = piece * (60_000 // len(piece))
    language = next(one for one in LANGUAGES if one.matches(path))
    started = time.process_time()
    for head in (b"", b"{\n", b"{{ x }}\nk: &b\n"):
        for span in language.split(path, head + data).spans[:50]:
            language.meaning(span)
    assert time.process_time() - started < 5
