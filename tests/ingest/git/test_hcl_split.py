"""Where blocks begin and end, what they are called, and what is left of broken files."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.git.languages import language_for
from ingest.sources.git.languages.hcl import Hcl
from ingest.sources.git.languages.hcl_scan import Scanner
from ingest.sources.git.languages.hcl_tree import tree_ranges


def found(text: str, path: str = "net/main.tf") -> list[tuple[str, str, str, str, int, int]]:
    return [
        (span.address, span.block_type, span.type, span.name, span.start_line, span.end_line)
        for span in Hcl().split(path, text.encode()).spans
    ]


def addresses(text: str, path: str = "net/main.tf") -> list[str]:
    return [span.address for span in Hcl().split(path, text.encode()).spans]


def test_every_kind_of_terraform_block_has_its_address() -> None:
    text = """\
terraform {
  required_version = ">= 1.5"
}
provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "east"
  region = "us-east-1"
}
variable "region" {}
locals {
  one = 1 # first
  two = {
    a = 1
  }
}
data "aws_ami" "base" {
  owners = ["self"]
}
resource "aws_lb" "api" {
  name = "api"
}
module "vpc" {
  source = "../vpc"
}
output "url" { value = aws_lb.api.dns_name }
moved {
  from = aws_alb.api
  to   = aws_lb.api
}
import {
  to = aws_lb.api
  id = "x"
}
removed {
  from = aws_lb.old
}
check "health" {
}
"""
    assert found(text) == [
        ("terraform#main.tf", "terraform", "", "terraform", 1, 3),
        ("provider.aws", "provider", "", "aws", 4, 6),
        ("provider.aws.east", "provider", "", "east", 7, 10),
        ("var.region", "variable", "", "region", 11, 11),
        ("local.one", "local", "", "one", 13, 13),
        ("local.two", "local", "", "two", 14, 16),
        ("data.aws_ami.base", "data", "aws_ami", "base", 18, 20),
        ("aws_lb.api", "resource", "aws_lb", "api", 21, 23),
        ("module.vpc", "module", "", "vpc", 24, 26),
        ("output.url", "output", "", "url", 27, 27),
        ("moved.aws_alb.api", "moved", "", "aws_alb.api", 28, 31),
        ("import.aws_lb.api", "import", "", "aws_lb.api", 32, 35),
        ("removed.aws_lb.old", "removed", "", "aws_lb.old", 36, 38),
        ("check.health", "check", "", "health", 39, 40),
    ]


def test_the_text_of_a_span_is_exactly_the_block() -> None:
    text = '# above\nresource "a" "b" {\n  x = 1 # inside\n} # behind\n\nlocals {\n  y   =  "z" // note\n}\n'
    spans = Hcl().split("main.tf", text.encode()).spans
    assert [span.text for span in spans] == [b'resource "a" "b" {\n  x = 1 # inside\n}', b'y   =  "z"']


@pytest.mark.parametrize(
    "body",
    [
        "x = <<EOF\n}\nEOF",
        "x = <<-EOF\n  {\n}\n  EOF",
        'x = jsonencode({\n"a" = [\n{\n}\n]\n})',
        "/*\n}\n*/",
        "# }\n// }",
        'x = "}"',
        'x = "${f("}")}"',
        'x = "${f("${g("}")}")}"',
        'x = "\\"}"',
        'x = "$${"',
        'x = "%{ if a }}%{ endif }"',
        "x = <<EOF\n" + "{\n}\n" * 40 + "EOF",
        "x = <<EOF\n}\nEOF\ny = <<EOF\n}\nEOF",
    ],
)
def test_a_closing_brace_in_the_first_column_need_not_end_the_block(body: str) -> None:
    text = f'resource "a" "b" {{\n{body}\n}}\nresource "a" "c" {{\n}}\n'
    assert addresses(text) == ["a.b", "a.c"]
    assert Hcl().split("main.tf", text.encode()).unreadable == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('  resource "a" "b" {\n    x = 1\n  }\n  resource "a" "c" {\n  }', ["a.b", "a.c"]),
        ('resource "a" "b" {} resource "a" "c" {}', ["a.b", "a.c"]),
        ("resource a b {\n}\n", ["a.b"]),
        ('resource"a""b"{\n}\n', ["a.b"]),
        ('\ufeffresource "a" "b" {\n}\n', ["a.b"]),
        ('resource "a" "b" {\r\n  x = 1\r\n}\r\nvariable "y" {\r\n}\r\n', ["a.b", "var.y"]),
        ("locals {\n}\n", []),
        ("locals {\n  tags {\n    a = 1\n  }\n}\n", ["local.tags"]),
        ("", []),
        ("# nothing\n", []),
    ],
)
def test_unusual_layouts_are_read(text: str, expected: list[str]) -> None:
    assert addresses(text) == expected


def test_entries_of_locals_end_where_their_values_end() -> None:
    text = 'locals {\n  a = [\n    1, # one\n  ] # list\n  b = <<EOF\n}\nEOF\n  c = f(\n    "x")\n  d = 1}\n'
    assert found(text)[0][0] == "local.a"
    assert [span.text for span in Hcl().split("m.tf", text.encode()).spans] == [
        b"a = [\n    1, # one\n  ]",
        b"b = <<EOF\n}\nEOF",
        b'c = f(\n    "x")',
        b"d = 1",
    ]


def test_values_files_are_read_by_key_and_are_their_own_directory() -> None:
    assert found('region = "eu"\nzones = [\n  "a",\n]\n', "env/prod.tfvars") == [
        ("region", "key", "", "region", 1, 1),
        ("zones", "key", "", "zones", 2, 4),
    ]
    assert Hcl().directory("env/prod.tfvars") == "env/prod.tfvars"
    assert Hcl().directory("env/main.tf") == "env"
    assert Hcl().directory("main.tf") == ""


def test_terragrunt_files_are_read_by_block_and_by_attribute() -> None:
    text = 'include "root" {\n  path = "x"\n}\ndependency "vpc" {\n}\ngenerate "p" {\n}\nlocals {\n  a = 1\n}\ninputs = {\n  b = dependency.vpc.outputs.id\n}\n'
    assert addresses(text, "live/db/terragrunt.hcl") == [
        "include.root",
        "dependency.vpc",
        "generate.p",
        "local.a",
        "inputs",
    ]
    language = Hcl()
    assert language.directory("live/db/terragrunt.hcl") == "live/db"
    assert language.directory("live/env.hcl") == "live/env.hcl"
    meaning = language.meaning(language.split("live/db/terragrunt.hcl", text.encode()).spans[-1])
    assert meaning.references == {"value.b": ("dependency.vpc",)}


def test_blocks_that_may_repeat_in_a_directory_carry_their_file() -> None:
    assert addresses("terraform {\n}\n", "net/versions.tf") == ["terraform#versions.tf"]
    assert addresses('resource "a" "b" {\n}\n', "net/x_override.tf") == ["a.b#x_override.tf"]
    assert addresses("terraform {\n}\n", "live/terragrunt.hcl") == ["terraform"]


def test_a_repeated_address_in_one_file_is_numbered() -> None:
    assert addresses('resource "a" "b" {\n}\nresource "a" "b" {\n x = 1\n}\n') == ["a.b", "a.b#2"]


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('resource "a" "broken" {\n  x = [1\n}\n', 4),
        ('resource "a" "broken" {\n  x {\n}\n', 4),
        ('resource "a" "broken" {\n  x = "never closed\n}\n', 4),
        ("<<<<<<< HEAD\n", 4),
        ("}\n", 4),
        ("resource a broken\n", 4),
    ],
)
def test_a_broken_stretch_keeps_the_blocks_around_it(broken: str, line: int) -> None:
    text = f'resource "a" "before" {{\n  x = 1\n}}\n{broken}resource "a" "after" {{\n  x = 1\n}}\n'
    split = Hcl().split("main.tf", text.encode())
    assert [span.address for span in split.spans] == ["a.before", "a.after"]
    assert [number for number, _ in split.unreadable] == [line]
    assert split.spans[1].start_line == text[: text.index('resource "a" "after"')].count("\n") + 1


def test_an_unclosed_last_block_is_unreadable_and_the_rest_stays() -> None:
    split = Hcl().split("main.tf", b'variable "x" {}\nresource "a" "b" {\n  y = 1\n')
    assert [span.address for span in split.spans] == ["var.x"]
    assert split.unreadable == ((2, "a bracket, string, comment or heredoc does not end"),)


def test_a_huge_heredoc_is_scanned_in_reasonable_time() -> None:
    text = b'resource "a" "b" {\n  x = <<EOF\n' + b"{\n}\n" * 200_000 + b"EOF\n}\n"
    assert len(Hcl().split("main.tf", text).spans) == 1


@pytest.mark.parametrize("opening", [b"{", b"a {\n", b"[", b'"${', b"/*", b"<<A\n", b"(", b"}\n"])
def test_deep_or_endless_nesting_is_unreadable_and_not_an_error(opening: bytes) -> None:
    split = Hcl().split("main.tf", b'variable "x" {}\nresource "a" "b" {\n x = ' + opening * 50_000)
    assert [span.address for span in split.spans][:1] == ["var.x"]
    assert split.unreadable


@given(st.binary(max_size=300))
def test_any_bytes_are_split_without_an_error(data: bytes) -> None:
    language = Hcl()
    language.split("main.tf", data)
    language.split("x.tfvars", b"a = " + data)


@given(st.text(alphabet='{}[]()"$%\\#/*=<>-,.\n EOFab', max_size=120))
def test_spans_stand_where_they_say(soup: str) -> None:
    data = f'variable "x" {{\n}}\n{soup}\nresource "a" "b" {{\n}}\n'.encode()
    lines = data.split(b"\n")
    for span in Hcl().split("main.tf", data).spans:
        place = b"\n".join(lines[span.start_line - 1 : span.end_line])
        assert span.text in place


names = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=5)
inner = st.sampled_from(
    [
        "  x = 1\n",
        '  x = "${f("a")}"\n',
        "  x = <<EOF\n}\nEOF\n",
        "  x = [\n    1,\n  ]\n",
        "  x {\n    y = 1\n  }\n",
        "# }\n",
        "  x = {\n}\n",
        "/* } */\n",
    ]
)
blocks = st.tuples(names, names, st.lists(inner, max_size=4)).map(
    lambda parts: f'resource "{parts[0]}" "{parts[1]}" {{\n{"".join(parts[2])}}}'
)
gaps = st.sampled_from(["\n", "\n\n", "\n# note\n", "\n/* {\n} */\n", " # behind\n"])


@given(st.lists(st.tuples(blocks, gaps), max_size=6))
def test_the_scanner_and_the_syntax_tree_see_the_same_blocks(parts: list[tuple[str, str]]) -> None:
    data = "".join(block + gap for block, gap in parts).encode()
    ranges, whole = tree_ranges(data)
    outline = Scanner().outline(data)
    assert whole
    assert outline is not None
    scanned = [piece.text for stretch in outline.stretches for piece in stretch.pieces]
    assert scanned == [data[start:end].rstrip() for start, end in ranges]


def test_paths_find_their_language() -> None:
    for path in ("a/main.tf", "main.tofu", "x.tfvars", "terragrunt.hcl", ".terraform.lock.hcl"):
        language = language_for(path)
        assert language is not None
        assert language.name == "hcl"
    for path in ("main.tf.json", "x.tfvars.json", "main.tfx", "tf"):
        other = language_for(path)
        assert other is None or other.name != "hcl"
