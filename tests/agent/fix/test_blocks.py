"""Nested blocks, written one by one or made by `dynamic`."""

from agent.fix.model import Absent
from graph.model import Value
from tests.agent.fix.code import lines, of


def rule(port: int, *cidrs: str, **more: Value) -> dict[str, Value]:
    """As state tells a rule."""
    return {
        "cidr_blocks": list(cidrs),
        "description": "",
        "from_port": port,
        "ipv6_cidr_blocks": [],
        "protocol": "tcp",
        "self": False,
        "to_port": port,
        **more,
    }


GROUP = {
    "main.tf": """
        resource "aws_security_group" "api" {
          name = "api"

          # plain
          ingress {
            from_port   = 80
            to_port     = 80
            protocol    = "tcp"
            cidr_blocks = ["10.0.0.0/8"]
          }

          ingress {
            from_port   = 443
            to_port     = 443
            protocol    = "tcp"
            cidr_blocks = [var.office]
          }

          lifecycle {
            create_before_destroy = true
          }
        }

        variable "office" {}
        """,
    "terraform.tfvars": 'office = "192.0.2.0/24"\n',
}
A = "aws_security_group.api"
BEFORE = [rule(443, "192.0.2.0/24"), rule(80, "10.0.0.0/8")]


def test_a_rule_is_told_by_its_content_and_not_by_its_place_in_the_set() -> None:
    fix, _ = of(GROUP, A, {"ingress": [BEFORE[0], rule(80, "10.0.0.0/8", "0.0.0.0/0")]}, {"ingress": BEFORE})
    assert fix.safe, fix.why
    assert lines(fix) == ['-    cidr_blocks = ["10.0.0.0/8"]', '+    cidr_blocks = ["10.0.0.0/8", "0.0.0.0/0"]']


def test_a_rule_comes_in_the_style_of_the_others() -> None:
    fix, after = of(GROUP, A, {"ingress": [*BEFORE, rule(22, "0.0.0.0/0")]}, {"ingress": BEFORE})
    assert fix.safe, fix.why
    text = (
        '  ingress {\n    from_port   = 22\n    to_port     = 22\n    protocol    = "tcp"\n'
        '    cidr_blocks = ["0.0.0.0/0"]\n  }\n'
    )
    assert f"  }}\n\n{text}\n  lifecycle" in after.text("main.tf")
    assert len(lines(fix)) == 7


def test_a_rule_goes_with_one_blank_line() -> None:
    fix, after = of(GROUP, A, {"ingress": BEFORE[1:]}, {"ingress": BEFORE})
    assert fix.safe, fix.why
    assert after.text("main.tf").count("ingress {") == 1
    assert "  }\n\n  lifecycle {" in after.text("main.tf")
    assert "\n\n\n" not in after.text("main.tf")


def test_an_indexed_path_means_the_only_block_that_fits_what_was_there() -> None:
    fix, _ = of(GROUP, A, {"ingress[0].to_port": 444}, {"ingress[0].to_port": 443})
    assert fix.safe, fix.why
    assert lines(fix) == ["-    to_port     = 443", "+    to_port     = 444"]


def test_an_indexed_path_that_fits_no_block_is_refused() -> None:
    fix, _ = of(GROUP, A, {"ingress[0].protocol": "udp"}, {"ingress[0].protocol": "icmp"})
    assert not fix.safe
    assert not fix.files
    assert "0 of 2 fit" in fix.why


def test_the_item_of_a_list_is_changed_where_it_comes_from() -> None:
    fix, _ = of(GROUP, A, {"ingress": [rule(443, "198.51.100.0/24"), BEFORE[1]]}, {"ingress": BEFORE})
    assert fix.safe, fix.why
    assert [p.path for p in fix.files] == ["terraform.tfvars"]


def test_a_block_that_is_not_written_comes_with_all_that_is_known_of_it() -> None:
    code = {"m.tf": 'resource "aws_s3_bucket" "b" {\n  bucket = "x"\n}\n'}
    fix, after = of(code, "aws_s3_bucket.b", {"versioning[0].enabled": True, "versioning[0].mfa_delete": False})
    assert fix.safe, fix.why
    assert after.text("m.tf") == (
        'resource "aws_s3_bucket" "b" {\n  bucket = "x"\n\n'
        "  versioning {\n    enabled    = true\n    mfa_delete = false\n  }\n}\n"
    )


def test_a_nested_block_in_a_nested_block_is_found() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  o {\n    i { x = 1 }\n    i {\n      x = 2\n    }\n  }\n}\n'}
    fix, after = of(code, "a.b", {"o[0].i[1].x": 3, "o[0].i[0].x": 9}, {"o[0].i[1].x": 2, "o[0].i[0].x": 1})
    assert fix.safe, fix.why
    assert "i { x = 9 }" in after.text("m.tf")
    assert "      x = 3\n" in after.text("m.tf")


def test_a_block_without_index_is_the_only_one() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  v {\n    x = 1\n  }\n}\n'}
    assert of(code, "a.b", {"v.x": 2})[0].safe


def test_a_block_is_taken_away_by_its_index() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  x = 1\n\n  v {\n    x = 1\n  }\n}\n'}
    fix, after = of(code, "a.b", {"v[0]": Absent()}, {"v[0].x": 1})
    assert fix.safe
    assert after.text("m.tf") == 'resource "a" "b" {\n  x = 1\n}\n'


DYNAMIC = {
    "m.tf": """
        locals {
          ports = [{ p = 80 }, { p = 443 }]
        }
        resource "aws_security_group" "g" {
          dynamic "ingress" {
            for_each = local.ports
            content {
              from_port = ingress.value.p
              to_port   = ingress.value.p
              protocol  = "tcp"
            }
          }
        }
        """
}
G = "aws_security_group.g"
MADE = [rule(80), rule(443)]


def test_a_rule_of_a_dynamic_block_is_edited_in_the_list_it_goes_through() -> None:
    fix, after = of(DYNAMIC, G, {"ingress": [rule(80), rule(8443)]}, {"ingress": MADE})
    assert fix.safe, fix.why
    assert "[{ p = 80 }, { p = 8443 }]" in after.text("m.tf")


def test_a_rule_more_or_less_of_a_dynamic_block_is_an_item_more_or_less() -> None:
    fix, after = of(DYNAMIC, G, {"ingress": [*MADE, rule(22)]}, {"ingress": MADE})
    assert fix.safe, fix.why
    assert "{ p = 443 }, {\n" in after.text("m.tf")
    assert "p = 22" in after.text("m.tf")
    fix, after = of(DYNAMIC, G, {"ingress": MADE[1:]}, {"ingress": MADE})
    assert fix.safe, fix.why
    assert "ports = [{ p = 443 }]" in after.text("m.tf")


def test_what_all_rules_of_a_dynamic_block_share_is_not_safe_for_one() -> None:
    fix, _ = of(DYNAMIC, G, {"ingress[0].protocol": "udp"}, {"ingress[0].protocol": "tcp"})
    assert not fix.safe


def test_a_dynamic_block_over_something_unknown_is_refused() -> None:
    code = {"m.tf": DYNAMIC["m.tf"].replace("for_each = local.ports", "for_each = data.x.y.ports")}
    fix, _ = of(code, G, {"ingress": [rule(1)]}, {"ingress": MADE})
    assert not fix.safe
    assert not fix.files
    assert "data.x.y.ports at m.tf:6" in fix.why


def test_a_block_that_two_fit_is_not_guessed() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  r {\n    p = 1\n    c = "x"\n  }\n  r {\n    p = 2\n    c = "x"\n  }\n}\n'}
    fix, _ = of(code, "a.b", {"r[0].c": "y"}, {"r[0].c": "x"})
    assert not fix.safe
    assert not fix.files
    assert "2 of 2 fit" in fix.why
    fix, after = of(code, "a.b", {"r[0].c": "y"}, {"r[0].c": "x", "r[0].p": 2})
    assert fix.safe, fix.why
    assert 'p = 2\n    c = "y"' in after.text("m.tf")


def test_what_an_inventory_does_not_tell_of_a_rule_stays() -> None:
    code = {
        "m.tf": 'resource "aws_security_group" "g" {\n  ingress {\n    description = "web"\n    from_port   = 80\n    to_port     = 80\n'
        '    protocol    = "tcp"\n    cidr_blocks = ["10.0.0.0/8"]\n  }\n}\n'
    }
    told = {"protocol": "tcp", "from_port": 80, "to_port": 80}
    fix, after = of(
        code,
        G,
        {"ingress": [{**told, "cidr_blocks": ["0.0.0.0/0"]}]},
        {"ingress": [{**told, "cidr_blocks": ["10.0.0.0/8"]}]},
    )
    assert fix.safe, fix.why
    assert 'description = "web"' in after.text("m.tf")
    assert lines(fix) == ['-    cidr_blocks = ["10.0.0.0/8"]', '+    cidr_blocks = ["0.0.0.0/0"]']


def test_a_group_whose_rules_are_resources_takes_none_in_its_block() -> None:
    code = {
        "m.tf": 'resource "aws_security_group" "g" {\n  name = "g"\n}\n'
        'resource "aws_security_group_rule" "r" {\n  security_group_id = aws_security_group.g.id\n}\n'
    }
    fix, _ = of(code, G, {"ingress": [rule(22, "0.0.0.0/0")]}, {"ingress": []})
    assert not fix.safe
    assert not fix.files
    assert (
        "the rules of aws_security_group.g are resources of their own, as aws_security_group_rule.r at m.tf:4"
        in fix.why
    )


def test_of_twins_one_is_not_taken_away_by_its_index_but_by_the_whole_list() -> None:
    code = {"m.tf": 'resource "a" "b" {\n  r {\n    p = 1\n  }\n  r {\n    p = 1\n  }\n}\n'}
    fix, _ = of(code, "a.b", {"r[1]": Absent()}, {"r[1].p": 1})
    assert not fix.files
    assert "2 of 2 fit" in fix.why
    fix, after = of(code, "a.b", {"r": [{"p": 1}]}, {"r": [{"p": 1}, {"p": 1}]})
    assert fix.safe, fix.why
    assert after.text("m.tf") == 'resource "a" "b" {\n  r {\n    p = 1\n  }\n}\n'
