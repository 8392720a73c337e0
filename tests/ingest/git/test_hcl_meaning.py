"""What is the same and what is not, rule by rule: each rule has near misses that must stay changes."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.git.blocks import Span
from ingest.sources.git.languages.hcl import LANGUAGE
from ingest.sources.git.languages.hcl_meaning import read_meaning


def digest(body: str, block_type: str = "resource") -> bytes:
    return read_meaning(block_type, f'{block_type} "t" "n" {{\n{body}\n}}'.encode())[1]


def attributes(body: str, block_type: str = "resource") -> dict[str, object]:
    return dict(read_meaning(block_type, f'{block_type} "t" "n" {{\n{body}\n}}'.encode())[0].attributes)


def references(body: str, block_type: str = "resource") -> dict[str, tuple[str, ...]]:
    return dict(read_meaning(block_type, f'{block_type} "t" "n" {{\n{body}\n}}'.encode())[0].references)


SAME = {
    "white space": ("a = 1\nb    =    2", "  a=1\n\n\n  b = 2"),
    "comments": ("a = 1", "# why\na = 1 // here\n/* and\nhere */"),
    "line ends": ("a = 1\r\nb = 2\r", "a = 1\nb = 2"),
    "order of attributes": ("a = 1\nb = 2", "b = 2\na = 1"),
    "order of attributes and blocks": ("a = 1\nx {\n  b = 1\n}", "x {\n  b = 1\n}\na = 1"),
    "order of different blocks": ("x {\n a = 1\n}\ny {\n a = 1\n}", "y {\n a = 1\n}\nx {\n a = 1\n}"),
    "order of repeated blocks": ("x {\n a = 1\n}\nx {\n a = 2\n}", "x {\n a = 2\n}\nx {\n a = 1\n}"),
    "interpolation-only string": ('a = "${var.x}"', "a = var.x"),
    "interpolation of an index": ('a = "${aws_x.y.0.id}"', "a = aws_x.y[0].id"),
    "interpolation of a splat": ('a = "${aws_x.y.*.id}"', "a = aws_x.y[*].id"),
    "interpolation within a call": ('a = "${join(",", "${var.x}")}"', 'a = join(",", var.x)'),
    "interpolation within an interpolation": ('a = "${"${var.x}"}"', "a = var.x"),
    "escaped quotes of 0.11": ('a = "${join(\\",\\", var.x)}"', 'a = join(",", var.x)'),
    "wrapped list": ('a = ["${var.ids}"]', "a = var.ids"),
    "wrapped list that stays a list": ('a = ["${var.id}"]', "a = [var.id]"),
    "wrapped list call": ('a = ["${list("x", "y")}"]', 'a = ["x", "y"]'),
    "list call": ('a = "${list("x", var.y)}"', 'a = ["x", var.y]'),
    "map call": ('a = "${map("k", "v")}"', 'a = { k = "v" }'),
    "tolist of a list": ('a = tolist(["x"])', 'a = ["x"]'),
    "quoted number": ('a = "80"', "a = 80"),
    "quoted negative number": ('a = "-1"', "a = -1"),
    "quoted fraction": ('a = "0.5"', "a = 0.5"),
    "quoted boolean": ('a = "true"', "a = true"),
    "quoted numbers in a list": ('a = ["80", "443"]', "a = [80, 443]"),
    "map block": ('tags {\n Name = "x"\n}', 'tags = {\n Name = "x"\n}'),
    "map block of an unknown name": ('things {\n Name = "x"\n}', 'things = {\n Name = "x"\n}'),
    "map block with quoted keys": ('tags {\n "a:b" = "x"\n}', 'tags = {\n "a:b" = "x"\n}'),
    "empty map block": ("tags {\n}", "tags = {}"),
    "block of one line": ("x { a = 1 }", "x {\n  a = 1\n}"),
    "quoted keys": ('a = { "k" = 1 }', "a = { k = 1 }"),
    "colons in maps": ("a = { k : 1 }", "a = { k = 1 }"),
    "order of map keys": ("a = { k = 1, l = 2 }", "a = {\n l = 2\n k = 1\n}"),
    "trailing comma": ('a = [\n "x",\n "y",\n]', 'a = ["x", "y"]'),
    "trailing comma in a call": ("a = max(1, 2,)", "a = max(1, 2)"),
    "redundant parentheses": ("a = (var.x)", "a = var.x"),
    "parentheses that precedence implies": ("a = (var.x * 2) + 1", "a = var.x * 2 + 1"),
    "spaces in expressions": ("a = var.x==1?2:3", "a = var.x == 1 ? 2 : 3"),
    "heredoc and string": ("a = <<EOF\nx\ny\nEOF", 'a = "x\\ny\\n"'),
    "indented heredoc": ("a = <<-EOF\n    x\n      y\n  EOF", "a = <<EOF\nx\n  y\nEOF"),
    "name of the heredoc": ("a = <<EOF\nx\nEOF", "a = <<POLICY\nx\nPOLICY"),
    "unicode escape": ('a = "caf\\u00e9"', 'a = "café"'),
    "quoted depends_on": ('depends_on = ["aws_x.y"]', "depends_on = [aws_x.y]"),
    "quoted ignore_changes": (
        'lifecycle {\n ignore_changes = ["tags", "ami"]\n}',
        "lifecycle {\n ignore_changes = [tags, ami]\n}",
    ),
    "ignore all changes": ('lifecycle {\n ignore_changes = ["*"]\n}', "lifecycle {\n ignore_changes = all\n}"),
    "quoted provider": ('provider = "aws.east"', "provider = aws.east"),
    "quoted when": (
        'provisioner "local-exec" {\n when = "destroy"\n}',
        'provisioner "local-exec" {\n when = destroy\n}',
    ),
    "renamed type in a reference": ("a = aws_alb.x.arn", "a = aws_lb.x.arn"),
    "renamed type in a template": ('a = "x-${aws_alb_listener.x.arn}"', 'a = "x-${aws_lb_listener.x.arn}"'),
    "template around a literal": ('a = "x-${"y"}"', 'a = "x-y"'),
}

DIFFERENT = {
    "a value": ("a = 1", "a = 2"),
    "a name": ("a = 1", "b = 1"),
    "an attribute more": ("a = 1", "a = 1\nb = null"),
    "reference and string": ("a = var.x", 'a = "var.x"'),
    "reference and escaped interpolation": ("a = var.x", 'a = "$${var.x}"'),
    "space in a string": ('a = "x y"', 'a = "x  y"'),
    "comment sign in a string": ('a = "x # y"', 'a = "x # z"'),
    "order of a list": ("a = [1, 2]", "a = [2, 1]"),
    "order of provisioners": (
        'provisioner "x" {\n a = 1\n}\nprovisioner "x" {\n a = 2\n}',
        'provisioner "x" {\n a = 2\n}\nprovisioner "x" {\n a = 1\n}',
    ),
    "order of cache behaviours": (
        "ordered_cache_behavior {\n a = 1\n}\nordered_cache_behavior {\n a = 2\n}",
        "ordered_cache_behavior {\n a = 2\n}\nordered_cache_behavior {\n a = 1\n}",
    ),
    "a repeated block less": ("x {\n a = 1\n}\nx {\n a = 1\n}", "x {\n a = 1\n}"),
    "attributes between repeated blocks": (
        "x {\n a = 1\n b = 1\n}\nx {\n a = 2\n b = 2\n}",
        "x {\n a = 1\n b = 2\n}\nx {\n a = 2\n b = 1\n}",
    ),
    "wrapped literal": ('a = ["10.0.0.0/8"]', 'a = "10.0.0.0/8"'),
    "wrapped template": ('a = ["${var.x}/32"]', 'a = "${var.x}/32"'),
    "two elements": ('a = ["${var.x}", "${var.y}"]', "a = var.x"),
    "list within a call": ("a = f([var.x])", "a = f(var.x)"),
    "number with a leading zero": ('a = "080"', "a = 80"),
    "number with a trailing zero": ('a = "1.10"', "a = 1.1"),
    "one and true": ("a = 1", "a = true"),
    "one and one point five": ("a = 1", "a = 1.5"),
    "quoted operand": ('a = var.x == "1"', "a = var.x == 1"),
    "empty string and nothing": ('a = ""', ""),
    "empty list and no block": ("ingress = []", ""),
    "lookup and index": ('a = lookup(var.m, "k")', 'a = var.m["k"]'),
    "element and index": ("a = element(var.m, 0)", "a = var.m[0]"),
    "splat with an index behind": ("a = x_y.z.*.b[0]", "a = x_y.z[*].b[0]"),
    "needed parentheses": ("a = (var.x + 1) * 2", "a = var.x + 1 * 2"),
    "order of operands": ("a = var.x - var.y", "a = var.y - var.x"),
    "other indentation in a plain heredoc": ("a = <<EOF\n  x\nEOF", "a = <<EOF\nx\nEOF"),
    "text of a heredoc": ("a = <<EOF\nx\nEOF", "a = <<EOF\nx \nEOF"),
    "a line of a heredoc that looks like a comment": ("a = <<EOF\n# x\nEOF", "a = <<EOF\n# y\nEOF"),
    "another type of the family": ("a = aws_lb.x.arn", "a = aws_lb_listener.x.arn"),
    "a type that only begins alike": ("a = aws_albatross.x.arn", "a = aws_lbatross.x.arn"),
    "remote state attribute": ("a = data.terraform_remote_state.x.y", "a = data.terraform_remote_state.x.outputs.y"),
    "quoted keyword elsewhere": ('when = "destroy"', "when = destroy"),
    "strip markers": ('a = "x ${~ var.x} y"', 'a = "x ${var.x} y"'),
    "quotes that join two arguments": ('a = f("x\\", \\"y${var.z}")', 'a = f("x", "y${var.z}")'),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_these_say_the_same(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_these_do_not_say_the_same(one: str, other: str) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('type = "string"', "type = string", True),
        ('type = "list"', "type = list(string)", True),
        ('type = "map"', "type = map(string)", True),
        ("type = list", "type = list(any)", True),
        ("type = list", 'type = "list"', False),
        ("type = list(string)", "type = list(number)", False),
        ("type = object({ a = string, b = bool })", "type = object({\n b = bool\n a = string\n})", True),
    ],
)
def test_types_of_variables_are_compared_as_terraform_formats_them(one: str, other: str, same: bool) -> None:
    assert (digest(one, "variable") == digest(other, "variable")) is same


def test_an_argument_named_type_elsewhere_is_an_ordinary_one() -> None:
    assert digest('type = "list"') != digest("type = list(string)")


def test_provider_addresses_given_to_a_module_may_be_quoted() -> None:
    assert digest('providers = {\n aws = "aws.east"\n}', "module") == digest(
        "providers = {\n aws = aws.east\n}", "module"
    )


def test_values_are_json_and_expressions_read_as_in_terraforms_json_form() -> None:
    body = """
      count   = 2
      on      = "true"
      name    = "web-${var.env}"
      subnet  = "${aws_subnet.a.id}"
      words   = ["a", var.b]
      literal = "var.x"
      escaped = "$${x}"
      nothing = null
      tags = {
        Name = "x"
        "kubernetes.io/role" = "elb"
      }
      ingress {
        cidr_blocks = ["10.0.0.0/8"]
      }
      ingress {
        cidr_blocks = ["10.1.0.0/16"]
      }
      dynamic "setting" {
        for_each = var.settings
        content {
          value = setting.value
        }
      }
    """
    assert attributes(body) == {
        "count": 2,
        "on": True,
        "name": "web-${var.env}",
        "subnet": "${aws_subnet.a.id}",
        "words": ["a", "${var.b}"],
        "literal": "var.x",
        "escaped": "$${x}",
        "nothing": None,
        "tags.Name": "x",
        'tags["kubernetes.io/role"]': "elb",
        "ingress[0].cidr_blocks": ["10.0.0.0/8"],
        "ingress[1].cidr_blocks": ["10.1.0.0/16"],
        "dynamic.setting[0].for_each": "${var.settings}",
        "dynamic.setting[0].content[0].value": "${setting.value}",
    }


def test_references_are_the_addresses_of_the_directory_by_attribute_path() -> None:
    body = """
      a = "x-${var.env}-${local.name}"
      b = [aws_subnet.a.id, module.vpc.id, data.aws_ami.base.id]
      c = each.value + count.index + path.module
      d = [for rule_set in var.rules : rule_set.id if rule_set.on]
      depends_on = ["aws_alb.old", module.net]
      ingress {
        security_groups = ["${aws_security_group.lb.id}"]
      }
      dynamic "lifecycle_rule" {
        for_each = local.rules
        content {
          days = lifecycle_rule.value.days
          kind = aws_kind.k.id
        }
      }
      policy = <<EOF
        {"Resource": "${aws_s3_bucket.logs.arn}"}
      EOF
    """
    assert references(body) == {
        "a": ("var.env", "local.name"),
        "b": ("aws_subnet.a", "module.vpc", "data.aws_ami.base"),
        "d": ("var.rules",),
        "depends_on": ("aws_alb.old", "module.net"),
        "ingress[0].security_groups": ("aws_security_group.lb",),
        "dynamic.lifecycle_rule[0].for_each": ("local.rules",),
        "dynamic.lifecycle_rule[0].content[0].kind": ("aws_kind.k",),
        "policy": ("aws_s3_bucket.logs",),
    }


def test_a_reference_keeps_the_written_type_though_meaning_knows_its_new_name() -> None:
    assert references("a = aws_alb.x.arn") == {"a": ("aws_alb.x",)}
    assert attributes("a = aws_alb.x.arn") == {"a": "${aws_lb.x.arn}"}


def test_a_provider_is_a_reference() -> None:
    assert references("provider = aws.east") == {"provider": ("provider.aws.east",)}


def test_a_module_call_tells_its_source() -> None:
    assert read_meaning("module", b'module "m" {\n  source = "../vpc"\n}')[0].module_source == "../vpc"


def test_an_attribute_that_cannot_be_understood_is_its_words_and_the_others_stay() -> None:
    found = attributes('a = 1\nb = ${200 +   count.index} # note\nc = "x"')
    assert found == {"a": 1, "b": "${$ { 200 + count.index }}", "c": "x"}


def test_a_block_that_cannot_be_understood_is_its_words_without_space_and_comments() -> None:
    one = digest("a b c\n  var.x # note")
    assert one == digest("a   b c var.x")
    assert one != digest("a b d var.x")
    assert references("a b c\n  var.x") == {"text": ("var.x",)}


@pytest.mark.parametrize("nested", ["x {\n", "a = [", 'a = "${', "a = (", "a = !", "a = { b = ", "a = f("])
def test_deep_nesting_never_exhausts_the_stack(nested: str) -> None:
    meaning, _ = read_meaning("resource", ('resource "t" "n" {\n' + nested * 20_000 + "\n}").encode())
    assert meaning.attributes


def test_numbers_beyond_what_json_holds_exactly_stay_text() -> None:
    assert attributes('a = "12345678901234567890"\nb = 12345678901234567890') == {
        "a": "12345678901234567890",
        "b": "${12345678901234567890}",
    }


@given(st.binary(max_size=200))
def test_any_bytes_have_a_meaning_that_json_can_hold(data: bytes) -> None:
    for text in (data, b'resource "t" "n" {\n' + data + b"\n}"):
        meaning, _ = read_meaning("resource", text)
        json.dumps(dict(meaning.attributes), allow_nan=False).encode("utf-8")


@given(st.text(alphabet='{}[]()"$%\\#/*=<>-,.\n EOFabx_01?:!&|+', max_size=80))
def test_any_soup_of_signs_has_a_meaning(soup: str) -> None:
    read_meaning("resource", f'resource "t" "n" {{\n{soup}\n}}'.encode())
    read_meaning("local", f"a = {soup}".encode())


names = st.text(alphabet=string.ascii_lowercase + "_", min_size=1, max_size=6).filter(
    lambda name: name not in ("for", "if", "in", "null", "true", "false")
)
texts = st.text(alphabet=string.ascii_letters + " -/:.#{", max_size=8)
scalars = st.one_of(
    st.integers(-999, 999).map(str),
    st.sampled_from(["true", "false", "null"]),
    texts.map(lambda text: f'"{text}"'),
    names.map(lambda name: f"var.{name}"),
    names.map(lambda name: f"aws_thing.{name}.id"),
    st.tuples(texts, names).map(lambda pair: f'"{pair[0]}${{local.{pair[1]}}}"'),
)
values = st.one_of(scalars, st.lists(scalars, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"))
Tree = Sequence[tuple[str, object]]
trees: st.SearchStrategy[Tree] = st.recursive(
    st.lists(st.tuples(names, values), max_size=4, unique_by=lambda item: item[0]),
    lambda inner: st.lists(st.tuples(names, st.one_of(values, inner)), max_size=4, unique_by=lambda item: item[0]),
    max_leaves=12,
)


def written(tree: Tree, data: st.DataObject | None = None) -> str:
    """The tree as HCL; with `data`, in some other order, white space, comments and layout."""
    items = tree if data is None else data.draw(st.permutations(tree))
    noise = "" if data is None else data.draw(st.sampled_from(["", "\n\n", "# note\n", "/* { */\n", "  \t"]))
    lines: list[str] = []
    for name, item in items:
        if isinstance(item, str):
            equals = " = " if data is None else data.draw(st.sampled_from(["=", " = ", "   =\t"]))
            lines.append(f"{noise}{name}{equals}{item}\n")
        else:
            opens = " {\n" if data is None else data.draw(st.sampled_from([" {\n", "{ # note\n"]))
            lines.append(f"{noise}{name}{opens}{written(cast(Tree, item), data)}{noise}}}\n")
    return "".join(lines)


@given(trees, st.data())
def test_writing_a_block_otherwise_never_changes_its_meaning(tree: Tree, data: st.DataObject) -> None:
    assert digest(written(tree)) == digest(written(tree, data))


@given(trees, names, scalars)
def test_one_more_attribute_always_changes_the_meaning(tree: Tree, name: str, value: str) -> None:
    body = written(tree)
    assert digest(body) != digest(f"{body}\nextra_{name} = {value}")


def test_the_language_reads_a_span() -> None:
    span = Span("aws_lb.a", "resource", "aws_lb", "a", b'resource "aws_lb" "a" {\n  internal = "true"\n}', 1, 3)
    assert LANGUAGE.meaning(span).attributes == {"internal": True}
