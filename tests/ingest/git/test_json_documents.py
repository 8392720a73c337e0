"""JSON by block: CloudFormation, Kubernetes, Terraform's JSON syntax, plain keys."""

from __future__ import annotations

import json

import pytest

from ingest.sources.git.blocks import Meaning, Span
from ingest.sources.git.languages.hcl import LANGUAGE as HCL
from ingest.sources.git.languages.json_documents import LANGUAGE


def spans(path: str, text: str) -> tuple[Span, ...]:
    found = LANGUAGE.split(path, text.encode())
    assert found.unreadable == ()
    return found.spans


def meaning(path: str, text: str, address: str) -> Meaning:
    return LANGUAGE.meaning(next(span for span in spans(path, text) if span.address == address))


@pytest.mark.parametrize("path", ["a.json", "x/policy.JSON", "main.tf.json", ".github/renovate.json5", "package.json"])
def test_it_reads_json(path: str) -> None:
    assert LANGUAGE.matches(path)


@pytest.mark.parametrize(
    "path",
    [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "Pipfile.lock",
        "composer.lock",
        "yarn.lock",
        "a.min.json",
        "a.ipynb",
        "terraform.tfstate",
        "node_modules/a/package.json",
        "a.json.j2",
        "chart/templates/a.json",
        "packages.lock.json",
    ],
)
def test_it_leaves_what_is_no_configuration_alone(path: str) -> None:
    assert not LANGUAGE.matches(path)


def test_a_plain_object_has_a_block_for_each_member_with_its_lines() -> None:
    text = '{\n  "name": "shop",\n  "scripts": {\n    "test": "x"\n  },\n  "é": [1]\n}\n'
    name, scripts, accented = spans("package.json", text)
    assert (name.address, name.block_type, name.start_line, name.text) == ("name", "key", 2, b'"name": "shop"')
    assert (scripts.start_line, scripts.end_line) == (3, 5)
    assert (accented.address, accented.start_line, accented.text) == ("é", 6, '"é": [1]'.encode())
    assert LANGUAGE.meaning(name).attributes == {"value": "shop"}
    assert LANGUAGE.meaning(scripts).attributes == {"test": "x"}


def test_space_key_order_and_escapes_mean_nothing() -> None:
    one = json.dumps({"a": {"x": 1, "y": ["é", {"z": None}]}}, indent=4)
    other = '{"a":{"y":["\\u00e9",{"z":null}],"x":1}}'
    assert meaning("a.json", one, "a") == meaning("a.json", other, "a")
    assert meaning("a.json", one, "a").attributes == {"x": 1, "y[0]": "é", "y[1].z": None}


def test_cloudformation_in_json() -> None:
    text = json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {
                "Box": {"Type": "AWS::EC2::Instance", "DependsOn": ["Net"], "Properties": {"S": {"Ref": "Net"}}},
                "Net": {"Type": "AWS::EC2::Subnet"},
            },
        },
        indent=1,
    )
    assert [(s.address, s.type) for s in spans("stack.json", text)] == [
        ("AWSTemplateFormatVersion", ""),
        ("Resources.Box", "AWS::EC2::Instance"),
        ("Resources.Net", "AWS::EC2::Subnet"),
    ]
    said = meaning("stack.json", text, "Resources.Box")
    assert said.references == {"DependsOn": ("Resources.Net",), "Properties.S": ("Resources.Net", "Parameters.Net")}


def test_kubernetes_objects_in_json_lists() -> None:
    item = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "n"}, "data": {"k": "v"}}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [item]})
    (span,) = spans("a.json", text)
    assert (span.address, span.type) == ("Secret/n/a", "kubernetes:Secret")
    assert LANGUAGE.meaning(span).attributes["data.k"] == "v"


def test_a_list_has_its_items_by_name_or_is_one_block() -> None:
    assert [s.address for s in spans("a.json", '[{"id": 1}, {"id": 2}]')] == ["[1]", "[2]"]
    (whole,) = spans("a.json", "[1, 2]")
    assert (whole.address, LANGUAGE.meaning(whole).attributes) == ("document", {"value": [1, 2]})


TERRAFORM = """{
  "//": "a comment",
  "resource": {
    "aws_lb": {"api": {"name": "${var.name}-api", "idle_timeout": "60", "subnets": ["${aws_subnet.a.id}"]}},
    "aws_subnet": [{"a": {"cidr_block": "10.0.0.0/24"}}]
  },
  "data": {"aws_ami": {"base": {"owners": ["self"]}}},
  "module": {"vpc": {"source": "./vpc", "zones": 3}},
  "variable": {"name": {"type": "string"}},
  "output": {"url": {"value": "${aws_lb.api.dns_name}"}},
  "locals": {"tier": "web", "names": ["a", "b"]},
  "provider": {"aws": [{"region": "us-east-1"}, {"alias": "west", "region": "us-west-2"}]},
  "terraform": {"required_version": ">= 1.5"}
}
"""


def test_terraform_json_has_the_addresses_of_hcl() -> None:
    found = [(s.address, s.block_type, s.type, s.name) for s in spans("net/main.tf.json", TERRAFORM)]
    assert found == [
        ("aws_lb.api", "resource", "aws_lb", "api"),
        ("aws_subnet.a", "resource", "aws_subnet", "a"),
        ("data.aws_ami.base", "data", "aws_ami", "base"),
        ("module.vpc", "module", "", "vpc"),
        ("var.name", "variable", "", "name"),
        ("output.url", "output", "", "url"),
        ("local.tier", "local", "", "tier"),
        ("local.names", "local", "", "names"),
        ("provider.aws", "provider", "", "aws"),
        ("provider.aws.west", "provider", "", "west"),
        ("terraform#main.tf.json", "terraform", "", "terraform"),
    ]
    assert LANGUAGE.directory("net/main.tf.json") == HCL.directory("net/main.tf") == "net"
    assert LANGUAGE.directory("net/a.json") == "net/a.json"


def test_terraform_json_says_what_hcl_says() -> None:
    hcl = """
    resource "aws_lb" "api" {
      name         = "${var.name}-api"
      idle_timeout = 60
      subnets      = ["${aws_subnet.a.id}"]
    }
    """
    (span,) = HCL.split("main.tf", hcl.encode()).spans
    said = meaning("main.tf.json", TERRAFORM, "aws_lb.api")
    in_hcl = HCL.meaning(span)
    assert said.attributes["name"] == in_hcl.attributes["name"]
    assert said.attributes["idle_timeout"] == in_hcl.attributes["idle_timeout"] == 60
    assert said.references == in_hcl.references
    module = meaning("main.tf.json", TERRAFORM, "module.vpc")
    assert (module.module_source, module.attributes["zones"]) == ("./vpc", 3)
    assert meaning("main.tf.json", TERRAFORM, "local.names").attributes == {"value": ["a", "b"]}


def test_tfvars_are_values_of_their_file() -> None:
    (span,) = spans("prod.tfvars.json", '{"size": 3}')
    assert (span.address, span.block_type) == ("size", "value")
    assert LANGUAGE.directory("prod.tfvars.json") == "prod.tfvars.json"


@pytest.mark.parametrize(
    "text",
    [
        '{\n  // one\n  "a": 1, /* two */\n  "b": {"c": [1, 2,],},\n}\n',
        "{a: 1, 'b': {c: [1, 2]}}\n",
        '\ufeff{"a": 1, "b": {"c": [1, 2]}}',
        '{"a": 1,\r\n "b": {"c": [1, 2]}}\r\n',
    ],
)
def test_comments_trailing_commas_and_marks_are_borne(text: str) -> None:
    assert [span.address for span in spans("a.json", text)] == ["a", "b"]
    assert meaning("a.json", text, "b").attributes == {"c": [1, 2]}


def test_members_before_and_after_a_break_are_kept_and_the_break_is_named() -> None:
    found = LANGUAGE.split("a.json", b'{\n  "a": 1,\n  "b": [1, 2\n  "c": {"x": 1},\n  "d": 2\n}\n')
    assert [span.address for span in found.spans] == ["a", "c", "d"]
    assert found.unreadable == ((3, "not a member of a JSON object"),)


def test_of_a_key_given_twice_the_last_holds() -> None:
    text = '{"a": 1, "a": 2}'
    assert [span.address for span in spans("a.json", text)] == ["a#1", "a"]
    assert meaning("a.json", text, "a").attributes == {"value": 2}


def test_numbers_and_text_that_stores_refuse_are_marked() -> None:
    text = '{"k": [NaN, 1e999, 123456789012345678901234567890, "\\ud800x"]}'
    assert meaning("a.json", text, "k").attributes == {
        "value": [
            {"!!float": "nan"},
            {"!!float": "inf"},
            {"!!int": "123456789012345678901234567890"},
            "\\ud800x",
        ]
    }


@pytest.mark.parametrize("text", ["", "   \n", "{}", "[]", "null", "text", '{"a"', "[" * 100_000, '{"a":' * 100_000])
def test_empty_broken_and_deep_files_do_not_raise(text: str) -> None:
    found = LANGUAGE.split("a.json", text.encode())
    for span in found.spans:
        LANGUAGE.meaning(span)


def test_a_deep_value_is_its_own_text() -> None:
    (span,) = spans("a.json", '{"a": ' + "[" * 150 + "]" * 150 + "}")
    assert "(text)" in LANGUAGE.meaning(span).attributes


@pytest.mark.parametrize("data", [b"\xff\xfe{\x00", b" " * 2_000_001])
def test_what_is_no_text_or_too_large_is_unreadable_with_a_reason(data: bytes) -> None:
    found = LANGUAGE.split("a.json", data)
    assert found.spans == ()
    assert found.unreadable[0][1]
