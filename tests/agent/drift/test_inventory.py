"""What states and inventories say of one thing, compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.drift.inventory import inventory_drift
from graph.model import Entity, Relation, Value, ref
from graph.store import View
from tests.agent.drift.graph import APPLIED, LOOKED, Account


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def _drift(account: Account, **given: object) -> list[tuple[str, str, list[str]]]:
    with account.store() as store:
        found = inventory_drift(store, View(), **given)  # pyright: ignore[reportArgumentType]
    return [(o.kind, o.address, [a.path for a in o.attributes]) for o in found.observed]


def test_an_attribute_that_both_know_differently_is_drift_and_one_that_only_one_knows_is_not(account: Account) -> None:
    arn = account.arn("rds", "db:orders")
    account.state("aws_db_instance.orders", "aws_db_instance", arn, {"allocated_storage": 100, "engine": "postgres"})
    account.there("aws_db_instance", arn, {"allocated_storage": 200, "latest_restorable_time": "2026-05-04"})
    assert _drift(account) == [("changed", "aws_db_instance.orders", ["allocated_storage"])]


@pytest.mark.parametrize(
    ("desired", "actual"),
    [(50, "50"), (True, "true"), (["a", "b"], ["b", "a"]), ('{"a": [1, 2]}', '{"a":[1,2]}'), (1.0, 1)],
)
def test_values_that_are_only_written_differently_are_the_same(
    account: Account, desired: object, actual: object
) -> None:
    arn = account.arn("rds", "db:orders")
    account.state("aws_db_instance.orders", "aws_db_instance", arn, {"x": desired})  # pyright: ignore[reportArgumentType]
    account.there("aws_db_instance", arn, {"x": actual})  # pyright: ignore[reportArgumentType]
    assert _drift(account) == []


def test_a_rule_that_is_a_resource_of_its_own_belongs_to_its_group(account: Account) -> None:
    arn = account.arn("ec2", "security-group/sg-0a1b2c3d")
    account.state("aws_security_group.edge", "aws_security_group", arn, {"id": "sg-0a1b2c3d", "name": "edge"})
    rule = {"security_group_id": "sg-0a1b2c3d", "type": "ingress", "protocol": "tcp", "from_port": 443, "to_port": 443}
    account.state("aws_security_group_rule.in", "aws_security_group_rule", "", {**rule, "cidr_blocks": ["10.0.0.0/8"]})
    there = {"id": "sg-0a1b2c3d", "ingress[0].protocol": "tcp", "ingress[0].from_port": 443, "ingress[0].to_port": 443}
    account.there("aws_security_group", arn, {**there, "ingress[0].cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]})
    assert _drift(account) == [("changed", "aws_security_group_rule.in", ["cidr_blocks"])]


def test_a_rule_beside_those_that_are_resources_is_told_of_the_group(account: Account) -> None:
    arn = account.arn("ec2", "security-group/sg-0a1b2c3d")
    account.state("aws_security_group.edge", "aws_security_group", arn, {"id": "sg-0a1b2c3d", "name": "edge"})
    rule = {"security_group_id": "sg-0a1b2c3d", "type": "ingress", "protocol": "tcp", "from_port": 443, "to_port": 443}
    account.state("aws_security_group_rule.in", "aws_security_group_rule", "", {**rule, "cidr_blocks": ["10.0.0.0/8"]})
    https = {"ingress[0].protocol": "tcp", "ingress[0].from_port": 443, "ingress[0].to_port": 443}
    ssh = {"ingress[1].protocol": "tcp", "ingress[1].from_port": 22, "ingress[1].to_port": 22}
    sources = {"ingress[0].cidr_blocks": ["10.0.0.0/8"], "ingress[1].cidr_blocks": ["0.0.0.0/0"]}
    account.there("aws_security_group", arn, {"id": "sg-0a1b2c3d", **https, **ssh, **sources})
    assert _drift(account) == [("changed", "aws_security_group.edge", ["ingress"])]


def test_a_group_whose_rules_no_code_tells_is_not_compared_by_rules(account: Account) -> None:
    arn = account.arn("ec2", "security-group/sg-0a1b2c3d")
    account.state("aws_security_group.edge", "aws_security_group", arn, {"id": "sg-0a1b2c3d"})
    account.there("aws_security_group", arn, {"ingress[0].protocol": "tcp", "ingress[0].cidr_blocks": ["0.0.0.0/0"]})
    assert _drift(account) == []


def test_missing_needs_an_inventory_that_lists_things_of_this_kind(account: Account) -> None:
    here, gone = account.arn("rds", "db:orders"), account.arn("rds", "db:users")
    account.state("aws_db_instance.orders", "aws_db_instance", here, {})
    account.state("aws_db_instance.users", "aws_db_instance", gone, {})
    account.state("aws_sqs_queue.q", "aws_sqs_queue", account.arn("sqs", "q"), {})
    account.there("aws_db_instance", here, {})
    assert _drift(account) == [("missing", "aws_db_instance.users", [])]


def test_what_was_applied_after_the_inventory_was_read_is_neither_missing_nor_changed(account: Account) -> None:
    here, new = account.arn("rds", "db:orders"), account.arn("rds", "db:new")
    account.state("aws_db_instance.orders", "aws_db_instance", here, {"port": 2}, at=LOOKED + 1)
    account.state("aws_db_instance.new", "aws_db_instance", new, {}, at=LOOKED + 1)
    account.there("aws_db_instance", here, {"port": 1})
    assert _drift(account) == []


def test_unmanaged_is_told_of_kinds_that_code_keeps_in_this_place_and_of_no_others(account: Account) -> None:
    account.state("aws_db_instance.a", "aws_db_instance", account.arn("rds", "db:a"), {})
    account.there("aws_db_instance", account.arn("rds", "db:a"), {})
    account.there("aws_db_instance", account.arn("rds", "db:by-hand"), {}, name="by-hand")
    account.there("aws_lambda_function", account.arn("lambda", "function:f"), {})
    assert _drift(account) == [("unmanaged", "by-hand", [])]


def test_an_arn_without_its_account_does_not_make_a_thing_unmanaged(account: Account) -> None:
    state = {"id": "lt-0a1b2c3d4e5f60718"}
    account.state("aws_launch_template.web", "aws_launch_template", "arn:aws:ec2:eu-west-1::launch-template/lt-0a1b2c3d4e5f60718", state)  # fmt: skip
    account.state("aws_launch_template.b", "aws_launch_template", account.arn("ec2", "launch-template/lt-1111111111111111a"), {})  # fmt: skip
    account.there("aws_launch_template", account.arn("ec2", "launch-template/lt-0a1b2c3d4e5f60718"), state)
    account.there("aws_launch_template", account.arn("ec2", "launch-template/lt-1111111111111111a"), {})
    assert _drift(account) == []


def test_instances_that_a_plan_was_made_of_are_left_to_the_plan(account: Account) -> None:
    arn = account.arn("rds", "db:orders")
    account.state("aws_db_instance.orders", "aws_db_instance", arn, {"port": 1})
    account.there("aws_db_instance", arn, {"port": 2})
    assert _drift(account, planned=frozenset({"lineage-1"})) == []


def test_a_state_of_pulumi_is_compared_under_terraforms_names(account: Account) -> None:
    arn = account.arn("rds", "db:orders")
    this = ref("Resource", "pulumi", "urn:orders")
    told: dict[str, Value] = {"type": "aws:rds/instance:Instance", "name": "orders", "environment": "prod"}
    entity = Entity(this, {**told, "attributes": {"arn": arn, "deletionProtection": True, "instanceClass": "a"}})
    account.say("pulumi", "shop", entity, APPLIED)
    account.say("pulumi", "shop", Relation("SAME_AS", this, account.cloud(arn), {"rule": "arn"}), APPLIED)
    account.there("aws_db_instance", arn, {"deletion_protection": False, "instance_class": "a"})
    assert _drift(account) == [("changed", "orders", ["deletion_protection"])]


def test_only_the_environment_that_is_asked_for_is_looked_at(account: Account) -> None:
    arn = account.arn("rds", "db:orders")
    account.state("aws_db_instance.orders", "aws_db_instance", arn, {"port": 1})
    account.there("aws_db_instance", arn, {"port": 2})
    assert _drift(account, environment="staging") == []
    assert len(_drift(account, environment="prod")) == 1


def test_of_a_setting_that_the_inventory_does_not_tell_nothing_is_said(account: Account) -> None:
    account.state("aws_s3_bucket.b", "aws_s3_bucket", "arn:aws:s3:::b", {"bucket": "b"})
    wanted: dict[str, Value] = {"bucket": "b", "versioning_configuration[0].status": "Enabled"}
    account.state("aws_s3_bucket_versioning.b", "aws_s3_bucket_versioning", "", wanted)
    account.there("aws_s3_bucket", "arn:aws:s3:::b", {"bucket": "b"})
    assert _drift(account) == []
