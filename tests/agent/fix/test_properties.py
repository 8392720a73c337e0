"""Whatever is edited: the other lines are what they were, the code parses, and a second adoption finds nothing to do."""

from __future__ import annotations

import re
import subprocess
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fix.adopt import adopt
from agent.fix.layout import aligned
from agent.fix.model import Absent, Fix, Wanted
from agent.fix.paths import told
from agent.fix.syntax import parse, quoted, unquoted
from graph.model import Value
from tests.agent.fix.code import Repository

NAMES = st.sampled_from(["a", "b", "name", "a_longer_name", "description", "x9"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
SCALARS = st.one_of(TEXTS, st.integers(-9999, 10**12), st.booleans())
LISTS = st.lists(TEXTS, max_size=4)
MAPS = st.dictionaries(st.one_of(NAMES, TEXTS.filter(bool)), st.one_of(TEXTS, st.integers(0, 99)), max_size=4)
VALUES = st.one_of(SCALARS, LISTS, MAPS)
COMMENTS = st.sampled_from(["", " # why", " // so", "  /* x */"])


def literal(value: Value, style: int, indent: str) -> str:
    """A value as somebody may have written it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        signs = (" = ", ": ", "=")[style % 3]
        members = [f"{quoted(str(k))}{signs}{literal(v, style, indent)}" for k, v in value.items()]
        if style % 2 or not members:
            return "{ " + ", ".join(members) + " }" if members else "{}"
        return "{\n" + "".join(f"{indent}  {m}\n" for m in members) + indent + "}"
    if isinstance(value, list):
        items = [literal(v, style, indent) for v in value]
        if style % 2 or not items:
            return "[" + ", ".join(items) + "]"
        return "[\n" + ",\n".join(f"{indent}  {i}" for i in items) + ("," if style % 3 else "") + f"\n{indent}]"
    return str(value)


@st.composite
def code(draw: st.DrawFn) -> bytes:
    """A resource between two others, in some style."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    indent = draw(st.sampled_from(["  ", "\t", "    "]))
    lines = ["# before", 'resource "o" "p" {', "  z   = 1", "}", "", 'resource "t" "n" {']
    for name, value in draw(st.dictionaries(NAMES, VALUES, max_size=5)).items():
        gap = " " * draw(st.integers(1, 4))
        lines.append(f"{indent}{name}{gap}= {literal(value, draw(st.integers(0, 5)), indent)}{draw(COMMENTS)}")
        if draw(st.booleans()):
            lines.append(draw(st.sampled_from(["", f"{indent}# a note", f"{indent}blk {{ q = 1 }}"])))
    lines += ["}", "", 'resource "o" "q" { z=2 }  # after']
    text = newline.join(line.replace("\n", newline) for line in lines)
    bom = draw(st.sampled_from(["", "\ufeff"]))
    return (bom + text + draw(st.sampled_from(["", newline]))).encode()


def fixed(data: bytes, values: dict[str, Value | Absent]) -> Fix:
    wanted = Wanted(address="t.n", directory="", values=values, before={})
    return adopt(Repository({"m.tf": data}), wanted, "d")


@settings(max_examples=150, deadline=None)
@given(code(), st.dictionaries(NAMES, st.one_of(VALUES, st.just(Absent())), min_size=1, max_size=3))
def test_an_edit_says_what_is_wanted_once_and_touches_nothing_else(
    data: bytes, values: dict[str, Value | Absent]
) -> None:
    fix = fixed(data, values)
    if not fix.files:
        return
    after = fix.files[0].after.encode()
    assert not parse("", after).broken
    assert fix.files[0].before.encode() == data
    start, end = data.index(b'resource "t"'), data.index(b'resource "o" "q"')
    assert after.startswith(data[:start])
    assert after.endswith(data[end:])
    assert after.count(b"\r\n") == (after.count(b"\n") if b"\r\n" in data else 0)
    if fix.safe:
        again = fixed(after, values)
        assert not again.files, again.diff
        assert again.safe


@settings(max_examples=80, deadline=None)
@given(code(), NAMES, SCALARS)
def test_one_scalar_changes_one_line_but_for_the_columns(data: bytes, name: str, value: Value) -> None:
    fix = fixed(data, {name: value})
    if not fix.files:
        return
    old, new = (
        [re.sub(r"\s+", " ", part) for part in text.split("\n")] for text in (fix.files[0].before, fix.files[0].after)
    )
    steps = [s for s in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if s[0] != "equal"]
    assert len(steps) <= 1
    assert all(j2 - j1 <= 1 or "blk" not in "".join(old[i1:i2]) for _, i1, i2, j1, j2 in steps)


@settings(max_examples=25, deadline=None)
@given(code(), st.dictionaries(NAMES, VALUES, min_size=1, max_size=2))
def test_git_applies_the_diff_to_the_same_bytes(data: bytes, values: dict[str, Value | Absent]) -> None:
    fix = fixed(data, values)
    if not fix.files:
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "m.tf").write_bytes(data)
        run = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            cwd=folder,
            input=fix.diff.encode(),
            capture_output=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode() + fix.diff
        assert Path(folder, "m.tf").read_bytes() == fix.files[0].after.encode()


@given(st.text(max_size=30))
def test_a_text_comes_back_out_of_its_quotes(text: str) -> None:
    assert unquoted(quoted(text)) == text


@given(st.lists(st.one_of(st.integers(0, 99), st.text(min_size=1, max_size=8)), max_size=4))
def test_a_path_is_read_as_it_is_told(steps: list[str | int]) -> None:
    from agent.fix.paths import path_of

    path = ("root", *steps)
    assert path_of(told(path)) == path


def test_lines_that_were_not_in_columns_are_not_put_into_them() -> None:
    before = b'a "b" {\n  x = 1\n  long   = 2\n}\n'
    after = b'a "b" {\n  x = 1\n  long   = 2\n  longer = 3\n}\n'
    assert aligned(before, after) == after


def test_a_heredoc_keeps_its_row_and_its_text() -> None:
    before = b'a "b" {\n  x    = <<EOT\n  y = 1\nEOT\n  long = 2\n}\n'
    after = before.replace(b"  long = 2\n", b"  long = 2\n  longest = 3\n")
    assert aligned(before, after) == (b'a "b" {\n  x       = <<EOT\n  y = 1\nEOT\n  long    = 2\n  longest = 3\n}\n')
