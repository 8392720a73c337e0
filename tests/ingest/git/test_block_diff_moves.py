"""Which removed and added blocks of a diff are the same block: each rule, and what must not be taken for a move."""

from __future__ import annotations

import time

import pytest

from ingest.sources.git.blocks import BlockChange
from tests.ingest.git.test_block_diff import History, Tree, diff, effects


def moves(changes: list[BlockChange]) -> list[tuple[str, str, str, str]]:
    return [
        (
            change.effect,
            change.rule,
            f"{change.moved_from.path}:{change.moved_from.address}",
            f"{change.place.path}:{change.place.address}",
        )
        for change in changes
        if change.moved_from is not None
    ]


def group(name: str, description: str = "Access to the load balancer", vpc: str = "var.vpc_id") -> str:
    return f'resource "aws_security_group" "{name}" {{\n  description = "{description}"\n  vpc_id      = {vpc}\n  revoke      = true\n}}\n'


def test_a_renamed_block_of_equal_body_is_a_move() -> None:
    changes = diff({"m.tf": group("old")}, {"m.tf": group("new")})
    assert moves(changes) == [("moved", "same_body", "m.tf:aws_security_group.old", "m.tf:aws_security_group.new")]
    assert len(changes) == 1


def test_a_block_of_equal_body_in_another_directory_is_a_move() -> None:
    changes = diff({"a/m.tf": group("x")}, {"b/m.tf": group("x")})
    assert moves(changes) == [("moved", "same_body", "a/m.tf:aws_security_group.x", "b/m.tf:aws_security_group.x")]


def test_a_copy_is_no_move() -> None:
    assert effects(diff({"m.tf": group("x")}, {"m.tf": group("x") + group("y")})) == [
        ("created", "aws_security_group.y")
    ]


def test_a_block_of_another_type_is_no_move() -> None:
    changes = diff({"m.tf": group("x")}, {"m.tf": group("x").replace("aws_security_group", "aws_vpc")})
    assert {effect for effect, _ in effects(changes)} == {"created", "deleted"}


def test_a_reformatted_block_under_another_name_is_a_move() -> None:
    after = group("new").replace("var.vpc_id", '"${var.vpc_id}"').replace("true", '"true"')
    assert moves(diff({"m.tf": group("old")}, {"m.tf": after}))[0][0] == "moved"


def test_a_declared_move_counts_whatever_the_body() -> None:
    after = (
        group("new", "Something else entirely", "var.other")
        + "moved {\n  from = aws_security_group.old\n  to   = aws_security_group.new\n}\n"
    )
    changes = diff({"m.tf": group("old")}, {"m.tf": after})
    assert moves(changes) == [("updated", "moved_block", "m.tf:aws_security_group.old", "m.tf:aws_security_group.new")]
    assert changes[0].score == 1.0
    assert [one.path for one in changes[0].attributes] == ["description", "vpc_id"]


def test_a_declared_move_decides_between_equal_bodies() -> None:
    statement = "moved {\n  from = aws_security_group.%s\n  to   = aws_security_group.%s\n}\n"
    after = {"m.tf": group("c") + group("d") + statement % ("a", "d") + statement % ("b", "c")}
    assert {(old, new) for _, _, old, new in moves(diff({"m.tf": group("a") + group("b")}, after))} == {
        ("m.tf:aws_security_group.a", "m.tf:aws_security_group.d"),
        ("m.tf:aws_security_group.b", "m.tf:aws_security_group.c"),
    }


def test_a_declared_move_counts_only_in_its_own_directory() -> None:
    statement = "moved {\n  from = aws_security_group.old\n  to   = aws_security_group.new\n}\n"
    changes = diff({"a/m.tf": group("old")}, {"b/m.tf": group("new", "Another", "local.v") + statement})
    assert moves(changes) == []


def test_a_declared_move_into_a_module_is_found_there() -> None:
    statement = "moved {\n  from = aws_security_group.x\n  to   = module.net.aws_security_group.y[0]\n}\n"
    changes = diff(
        {"main.tf": group("x")}, {"main.tf": statement, "modules/net/sg.tf": group("y", "Changed", "local.v")}
    )
    assert moves(changes) == [
        ("updated", "moved_block", "main.tf:aws_security_group.x", "modules/net/sg.tf:aws_security_group.y")
    ]


def test_an_indexed_declared_move_is_the_same_block_and_no_move() -> None:
    statement = "moved {\n  from = aws_security_group.x\n  to   = aws_security_group.x[0]\n}\n"
    changes = diff({"m.tf": group("x")}, {"m.tf": group("x").replace("{\n", "{\n  count = 1\n", 1) + statement})
    assert effects(changes) == [("updated", "aws_security_group.x"), ("created", "moved.aws_security_group.x")]


def test_a_renamed_block_whose_name_is_in_its_body_is_an_update_that_knows_where_it_was() -> None:
    changes = diff({"m.tf": group("billing", "billing access")}, {"m.tf": group("payments", "payments access")})
    assert moves(changes) == [
        ("updated", "similar_body", "m.tf:aws_security_group.billing", "m.tf:aws_security_group.payments")
    ]
    assert [one.path for one in changes[0].attributes] == ["description"]
    assert changes[0].score == 1.0


def test_a_block_of_the_same_name_moved_and_changed_is_the_same_block() -> None:
    after = group("x").replace("revoke      = true", "revoke      = false")
    changes = diff({"a/m.tf": group("x")}, {"b/m.tf": after})
    assert moves(changes)[0][:2] == ("updated", "similar_body")
    assert 0.6 <= changes[0].score < 1


def test_a_block_of_the_same_name_with_little_in_common_is_another_block() -> None:
    changes = diff({"a/m.tf": group("main")}, {"b/m.tf": group("main", "Other", "var.other")})
    assert {effect for effect, _ in effects(changes)} == {"created", "deleted"}


RULE = 'resource "aws_security_group_rule" "%s" {\n  type = "ingress"\n  from_port = 443\n  to_port = 443\n  protocol = "tcp"\n  security_group_id = aws_security_group.%s.id\n  source_security_group_id = aws_security_group.%s.id\n}\n'


def test_sibling_rules_that_differ_in_what_they_are_about_are_not_the_same() -> None:
    changes = diff(
        {"m.tf": RULE % ("db_ingress_reports", "db", "reports")},
        {"m.tf": RULE % ("db_ingress_search_api", "db", "search_api")},
    )
    assert {effect for effect, _ in effects(changes)} <= {"created", "deleted", "updated"}
    before = {"m.tf": RULE % ("db_ingress_knowledge_graph", "db", "knowledge")}
    after = {"m.tf": RULE % ("db_ingress_science_data", "db", "science")}
    assert {effect for effect, _ in effects(diff(before, after))} == {"created", "deleted"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"m.tf": 'variable "a" {}\n'}, {"m.tf": 'variable "b" {}\n'}),
        ({"m.tf": 'variable "a" {\n  type = string\n}\n'}, {"m.tf": 'variable "b" {\n  type = string\n}\n'}),
        ({"a/m.tf": 'variable "x" {}\n'}, {"b/m.tf": '\nvariable "x" {}\n'}),
        ({"a/m.tf": 'variable "x" {}\n'}, {"b/n.tf": 'variable "x" {}\n', "a/m.tf": ""}),
        (
            {"a/m.tf": 'output "x" {\n  value = var.x\n}\n'},
            {"b/n.tf": 'output "x" {\n  value = var.x\n}\n', "a/m.tf": "# gone\n"},
        ),
        ({"m.tf": "locals {\n  a = true\n}\n"}, {"m.tf": "locals {\n  b = true\n}\n"}),
    ],
)
def test_a_body_that_says_little_is_not_taken_for_another_of_its_kind(before: Tree, after: Tree) -> None:
    assert moves(diff(before, after)) == []


def test_small_blocks_follow_when_the_whole_directory_moves() -> None:
    files = {
        "main.tf": group("x", "First access group"),
        "variables.tf": 'variable "region" {}\nvariable "vpc_id" {}\n',
        "outputs.tf": 'output "id" {\n  value = aws_security_group.x.id\n}\n',
    }
    before = {f"old/{path}": text for path, text in files.items()}
    after = {f"new/{path}": text for path, text in files.items()}
    changes = diff(before, after)
    assert {change.effect for change in changes} == {"moved"}
    assert len(changes) == 4


def test_small_blocks_follow_when_their_whole_file_moves_unchanged() -> None:
    text = 'variable "region" {}\n'
    assert [effect for effect, _ in effects(diff({"a/v.tf": text}, {"b/w.tf": text}))] == ["moved"]


def test_equal_directories_that_move_at_once_are_told_apart_by_their_paths() -> None:
    def tree(parent: str) -> dict[str, str]:
        return {f"{parent}/{app}/main.tf": group("main") + 'variable "vpc_id" {}\n' for app in ("api", "web", "jobs")}

    found = moves(diff(tree("apps"), tree("services")))
    assert len(found) == 6
    assert all(old.replace("apps/", "services/") == new for _, _, old, new in found)


def test_a_block_moves_once_when_two_of_its_body_appear() -> None:
    changes = diff({"m.tf": group("x")}, {"m.tf": group("y") + group("z")})
    assert sorted(effect for effect, _ in effects(changes)) == ["created", "moved"]


def test_names_decide_between_equal_bodies() -> None:
    changes = diff({"a/m.tf": group("x") + group("y")}, {"b/n.tf": group("y") + group("x")})
    assert {(old.split(":")[1], new.split(":")[1]) for _, _, old, new in moves(changes)} == {
        ("aws_security_group.x", "aws_security_group.x"),
        ("aws_security_group.y", "aws_security_group.y"),
    }


def test_a_move_and_back_ends_where_it_began() -> None:
    history = History()
    assert [effect for effect, _ in effects(history.diff({"a/m.tf": group("x")}, {"b/m.tf": group("x")}))] == ["moved"]
    assert [effect for effect, _ in effects(history.diff({"b/m.tf": group("x")}, {"a/m.tf": group("x")}))] == ["moved"]


def test_thousands_of_blocks_move_in_reasonable_time() -> None:
    def tree(directory: str, suffix: str) -> dict[str, str]:
        many = "".join(group(f"g{number}{suffix}", f"Access of group {number}") for number in range(1_500))
        small = "".join(f'variable "v{number}" {{}}\n' for number in range(1_500))
        same = "".join(group(f"same{number}{suffix}") for number in range(300))
        return {f"{directory}/main.tf": many, f"{directory}/variables.tf": small, f"{directory}/same.tf": same}

    started = time.process_time()
    changes = diff(tree("old", ""), tree("new", ""))
    assert len(changes) == 3_300
    assert {change.effect for change in changes} == {"moved"}
    changed = {path: text.replace("revoke      = true", "revoke = false") for path, text in tree("new", "_b").items()}
    diff(tree("old", ""), changed)
    assert time.process_time() - started < 10
