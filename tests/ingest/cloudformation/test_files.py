"""Stacks and their events from files: deployments, what they changed, and which physical resource is meant."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from graph.clock import instant, rfc3339
from graph.model import Alias, Assertion, Entity, FactBatch, Passage, Relation, Value
from graph.store import ChangeQuery, Limits, View
from ingest import aws_names, names
from ingest.registry import setting_docs
from ingest.source import Source, SourceDataInvalid
from ingest.sources.cloudformation.answers import stack_id
from ingest.sources.cloudformation.facts import logical_ref
from ingest.sources.cloudformation.physical import physical_arn
from ingest.sources.cloudformation.source import DOC, CloudFormationSettings, CloudFormationSource
from ingest.sync import sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, facts_of, fresh_store
from tests.ingest.cloudformation.answers import (
    GROUP_ID,
    LISTENER_RULE,
    NEW_GROUP_ID,
    STACK_ID,
    at,
    change_set,
    created,
    deleted,
    event,
    failed,
    group,
    put,
    stack,
    updated,
)
from tests.moto_server import ACCOUNT_ID, REGION

SHOP = stack_id(STACK_ID)
WEB, RULE = logical_ref(SHOP, "Web"), logical_ref(SHOP, "Rule")
GROUP_ARN = aws_names.ec2(ACCOUNT_ID, REGION, GROUP_ID)


def source(path: Path, **other: object) -> CloudFormationSource:
    return CloudFormationSource(CloudFormationSettings(account_id=ACCOUNT_ID, path=str(path), **other))  # type: ignore[arg-type]


def pulled(path: Path, *events: Sequence[object]) -> list[Assertion]:
    put(path / "events.json", {"StackEvents": [one for some in events for one in some]})
    put(path / "stacks.json", {"Stacks": [stack()]})
    return stated(list(source(path).pull(None, NOW)))


def stated(batches: list[FactBatch]) -> list[Assertion]:
    return [a for b in batches for a in b.assertions]


def deployments(found: Sequence[Assertion]) -> list[tuple[str, str, str]]:
    """(valid_from, title, outcome) in order."""
    told = [(a.valid_from, a.fact) for a in found if isinstance(a.fact, Entity) and a.fact.ref.kind == "Deployment"]
    return [
        (rfc3339(when), str(e.properties["title"]), str(e.properties["outcome"]))
        for when, e in sorted(told, key=lambda pair: pair[0])
    ]


def changes(found: Sequence[Assertion]) -> list[tuple[str, object, str]]:
    told = [(a.valid_from, a.fact) for a in found if isinstance(a.fact, Relation) and a.fact.type == "CHANGED"]
    return [(rfc3339(when), r.dst, str(r.properties["effect"])) for when, r in sorted(told, key=lambda pair: pair[0])]


def minute(number: int, day: int) -> str:
    return rfc3339(instant(at(number, day)))


def test_events_become_a_deployment_that_begins_and_ends(tmp_path: Path) -> None:
    found = pulled(tmp_path, created(), updated())
    assert deployments(found) == [
        (minute(0, 3), "create stack shop", "in_progress"),
        (minute(4, 3), "create stack shop", "succeeded"),
        (minute(0, 4), "update stack shop", "in_progress"),
        (minute(3, 4), "update stack shop", "succeeded"),
    ]
    [first, *_] = [a.fact for a in found if isinstance(a.fact, Entity) and a.fact.ref.kind == "Deployment"]
    assert first.ref == names.deployment("cloudformation", STACK_ID, str(created()[0]["EventId"]))
    assert first.properties["tool"] == "cloudformation"
    assert first.properties["workspace"] == "shop"
    assert first.properties["action"] == "apply"
    assert first.properties["environment"] == "prod"
    assert first.properties["service"] == "shop"
    assert "finished_at" not in first.properties, "an earlier version knows nothing of the future"
    assert "PERFORMED_BY" not in {a.fact.type for a in found if isinstance(a.fact, Relation)}


def test_a_deployment_changed_resources_when_the_events_say(tmp_path: Path) -> None:
    found = pulled(tmp_path, created(), updated())
    the_stack = names.cloud_resource(STACK_ID)
    assert changes(found) == [
        (minute(0, 3), the_stack, "created"),
        (minute(2, 3), WEB, "created"),
        (minute(3, 3), RULE, "created"),
        (minute(0, 4), the_stack, "updated"),
        (minute(1, 4), WEB, "updated"),
    ]


def test_what_was_asked_for_is_compared_with_what_was_asked_before(tmp_path: Path) -> None:
    found = pulled(tmp_path, created(), updated())
    [change] = [
        a.fact
        for a in found
        if isinstance(a.fact, Relation) and a.fact.dst == WEB and a.fact.properties.get("effect") == "updated"
    ]
    assert change.properties["attributes"] == [
        {
            "path": "SecurityGroupIngress[0].CidrIp",
            "before": {"state": "value", "value": "10.0.0.0/8"},
            "after": {"state": "value", "value": "0.0.0.0/0"},
        }
    ]


def test_a_deployment_reaches_its_environment_unless_it_failed(tmp_path: Path) -> None:
    found = pulled(tmp_path, created(), failed())
    reached = [a for a in found if isinstance(a.fact, Relation) and a.fact.type == "REACHED"]
    assert [rfc3339(a.valid_from) for a in reached] == [minute(4, 3)]
    assert deployments(found)[-1] == (minute(4, 5), "update stack shop", "failed")


def test_a_failure_says_why(tmp_path: Path) -> None:
    found = pulled(tmp_path, created(), failed())
    [reasons] = [a.fact for a in found if isinstance(a.fact, Passage)]
    assert reasons.text == f"Rule: Properties validation failed for {LISTENER_RULE}"
    [mention] = [a.fact for a in found if isinstance(a.fact, Relation) and a.fact.type == "MENTIONS"]
    assert mention.dst == names.cloud_resource(LISTENER_RULE)


def test_a_logical_resource_is_the_physical_one(tmp_path: Path) -> None:
    found = pulled(tmp_path, created())
    same = {(a.fact.src, a.fact.dst) for a in found if isinstance(a.fact, Relation) and a.fact.type == "SAME_AS"}
    assert same == {(WEB, names.cloud_resource(GROUP_ARN)), (RULE, names.cloud_resource(LISTENER_RULE))}
    rules = {str(a.fact.properties["rule"]) for a in found if isinstance(a.fact, Relation) and a.fact.type == "SAME_AS"}
    assert rules == {"physical id of the stack's resource"}
    aliases = {(a.fact.scheme, a.fact.name) for a in found if isinstance(a.fact, Alias) and a.fact.ref == WEB}
    assert aliases == {("address", "shop/Web"), ("name", "Web"), ("id", GROUP_ID), ("arn", GROUP_ARN)}


def test_a_replacement_joins_the_new_one_and_deletes_the_old_one(tmp_path: Path) -> None:
    replacing = [
        event(0, "shop", "UPDATE_IN_PROGRESS", day=4),
        group(1, "UPDATE_COMPLETE", "0.0.0.0/0", NEW_GROUP_ID, day=4),
        group(2, "DELETE_COMPLETE", "10.0.0.0/8", GROUP_ID, day=4),
        event(3, "shop", "UPDATE_COMPLETE", day=4),
    ]
    found = pulled(tmp_path, created(), replacing)
    joins = [
        (rfc3339(a.valid_from), a.fact.dst, a.present)
        for a in found
        if isinstance(a.fact, Relation) and a.fact.type == "SAME_AS" and a.fact.src == WEB
    ]
    new = names.cloud_resource(aws_names.ec2(ACCOUNT_ID, REGION, NEW_GROUP_ID))
    old = names.cloud_resource(GROUP_ARN)
    assert sorted(joins) == sorted([(minute(2, 3), old, True), (minute(1, 4), new, True), (minute(1, 4), old, False)])
    assert (minute(2, 4), old, "deleted") in changes(found)
    assert not [a for a in found if isinstance(a.fact, Entity) and a.fact.ref == WEB and not a.present]


def test_a_deleted_stack_leaves_its_history(tmp_path: Path) -> None:
    put(tmp_path / "files" / "a.json", {"StackEvents": [*created(), *updated(), *deleted()]})
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(tmp_path / "files", environment="prod"), NOW, KEY, processes="none").error is None
        assert store.entity(WEB, View()) is None
        assert store.entity(WEB, View(as_of=instant(at(30, 5)))) is not None
        found = store.changes(ChangeQuery(targets=[WEB]), View(), Limits()).items
        assert [c.properties["effect"] for c in found] == ["deleted", "updated", "created"]


def test_an_operation_that_goes_on_is_in_progress_and_ends_with_the_next_file(tmp_path: Path) -> None:
    files, all_events = tmp_path / "files", updated()
    put(files / "1.json", {"StackEvents": [*created(), *all_events[:2]]})
    one = source(files)
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, one, NOW, KEY, processes="none").error is None
        ref = names.deployment("cloudformation", STACK_ID, str(all_events[0]["EventId"]))
        going_on = store.entity(ref, View())
        assert going_on is not None
        assert going_on.properties["outcome"] == "in_progress"
        put(files / "2.json", {"StackEvents": all_events[2:]})
        assert sync(store, one, NOW + 1, KEY, processes="none").error is None
        ended = store.entity(ref, View())
        assert ended is not None
        assert ended.properties["outcome"] == "succeeded"


def test_the_order_of_files_and_events_does_not_count(tmp_path: Path) -> None:
    every = [*created(), *updated(), *failed(), *deleted()]
    worlds: list[list[str]] = []
    for seed in range(4):
        shuffled = list(every)
        random.Random(seed).shuffle(shuffled)
        files = tmp_path / f"files-{seed}"
        with fresh_store(tmp_path, f"store-{seed}") as store:
            for number in range(3):
                put(files / f"{number}.json", {"StackEvents": shuffled[number::3] + shuffled[:2]})
            put(files / "stacks.json", {"Stacks": [stack()]})
            assert sync(store, source(files), NOW, KEY, processes="none").error is None
            facts = [cast("dict[str, Value]", json.loads(line)) for line in facts_of(list(store.dump()))]
            keep = [{k: v for k, v in f.items() if k not in ("known_from", "locator")} for f in facts]
            worlds.append(sorted(json.dumps(f, sort_keys=True) for f in keep))
    assert worlds[0]
    assert all(world == worlds[0] for world in worlds)


def test_events_without_a_beginning_belong_to_nothing(tmp_path: Path) -> None:
    assert not deployments(pulled(tmp_path, created()[1:]))


def test_a_stack_is_a_resource_with_what_it_was_given(tmp_path: Path) -> None:
    found = pulled(tmp_path, [])
    [shop] = [a.fact for a in found if isinstance(a.fact, Entity) and a.fact.ref == names.cloud_resource(STACK_ID)]
    assert shop.properties["status"] == "CREATE_COMPLETE"
    assert shop.properties["attributes"] == {
        "id": STACK_ID,
        "name": "shop",
        "description": "the shop",
        "parameters.ImageTag": "1.4.2",
        "outputs.Url": "https://shop.example.com",
    }
    relations = {(a.fact.type, a.fact.src, a.fact.dst) for a in found if isinstance(a.fact, Relation)}
    assert ("RUNS_ON", names.service("shop"), shop.ref) in relations
    assert ("RUNS_IN", shop.ref, names.environment("prod")) in relations
    assert ("PART_OF", shop.ref, names.cloud_account("aws", ACCOUNT_ID)) in relations


def test_settings_name_the_environment_before_tags(tmp_path: Path) -> None:
    put(tmp_path / "stacks.json", {"Stacks": [stack()]})
    found = stated(list(source(tmp_path, environments={"shop": "staging"}).pull(None, NOW)))
    [shop] = [a.fact for a in found if isinstance(a.fact, Entity) and a.fact.ref == names.cloud_resource(STACK_ID)]
    assert shop.properties["environment"] == "staging"


def test_a_change_set_is_a_plan(tmp_path: Path) -> None:
    put(tmp_path / "plan.json", change_set())
    found = stated(list(source(tmp_path).pull(None, NOW)))
    [plan] = [a for a in found if isinstance(a.fact, Entity) and a.fact.ref.kind == "Plan"]
    assert isinstance(plan.fact, Entity)
    assert plan.fact.properties["summary"] == {"deleted": 1, "updated": 1}
    assert plan.valid_from == instant(at(50))
    planned = {a.fact.dst: a.fact.properties for a in found if isinstance(a.fact, Relation) and a.fact.type == "PLANS"}
    assert planned[RULE] == {"effect": "deleted"}
    assert planned[WEB]["replace"] is True
    [attribute] = cast("list[dict[str, Value]]", planned[WEB]["attributes"])
    assert attribute["path"] == "SecurityGroupIngress"


def test_lines_lists_and_bad_answers_are_read_side_by_side(tmp_path: Path) -> None:
    lines = [json.dumps({"StackEvents": [one]}) for one in created()]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines, "{broken", "", "[1]"]))
    put(tmp_path / "list.json", [{"Stacks": [stack()]}, {"Stacks": [{"StackName": CANARY}]}])
    put(tmp_path / "summaries.json", {"StackResourceSummaries": []})
    batches = list(source(tmp_path).pull(None, NOW))
    assert len(deployments(stated(batches))) == 2
    notes = {q.locator: q.reason for b in batches for q in b.quarantined}
    assert set(notes) == {"events.jsonl#L6", "events.jsonl#L8", "list.json/Stacks/0", "summaries.json"}
    assert "describe-stack-resources" in notes["summaries.json"]
    assert CANARY not in repr(notes)


def test_values_that_are_often_secret_are_not_told_as_changed(tmp_path: Path) -> None:
    properties = {"Environment": {"Variables": {"LEVEL": CANARY}}, "Timeout": "3", "UserData": CANARY}
    function = event(1, "F", "CREATE_COMPLETE", "f", "AWS::Lambda::Function", ResourceProperties=json.dumps(properties))
    found = pulled(tmp_path, [created()[0], function, created()[-1]])
    assert CANARY not in repr(found)
    assert "Timeout" in repr(found)


@pytest.mark.parametrize(
    ("type_", "physical_id", "arn"),
    [
        ("AWS::S3::Bucket", "logs", "arn:aws:s3:::logs"),
        ("AWS::EC2::Subnet", "subnet-0a1b2c3d", f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:subnet/subnet-0a1b2c3d"),
        ("AWS::RDS::DBInstance", "orders", f"arn:aws:rds:{REGION}:{ACCOUNT_ID}:db:orders"),
        ("AWS::IAM::Role", "shop-role", f"arn:aws:iam::{ACCOUNT_ID}:role/shop-role"),
        (
            "AWS::SQS::Queue",
            f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/q",
            f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:q",
        ),
        ("AWS::SSM::Parameter", "/shop/key", f"arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/shop/key"),
        ("AWS::Route53::HostedZone", "Z1", "arn:aws:route53:::hostedzone/Z1"),
        ("AWS::SNS::Topic", "arn:aws:sns:x:1:t", "arn:aws:sns:x:1:t"),
        ("AWS::EC2::EIP", "203.0.113.7", ""),
        ("Custom::Thing", "whatever", ""),
        ("AWS::S3::Bucket", "", ""),
    ],
)
def test_a_physical_id_becomes_an_arn_where_that_is_certain(type_: str, physical_id: str, arn: str) -> None:
    assert physical_arn(type_, physical_id, SHOP.place) == arn


def test_every_setting_is_described_and_every_call_is_granted() -> None:
    about = CloudFormationSettings.__doc__ or ""
    for setting in setting_docs("cloudformation"):
        assert f"{setting.name}:" in about, setting.name
    for call in (
        "DescribeStacks",
        "ListStacks",
        "ListStackResources",
        "DescribeStackEvents",
        "ListChangeSets",
        "DescribeChangeSet",
    ):
        assert f"cloudformation:{call}" in DOC.permissions


def test_a_cursor_of_another_source_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "stacks.json", {"Stacks": [stack()]})
    with pytest.raises(SourceDataInvalid, match="cursor"):
        list(source(tmp_path).pull('{"parts": 3}', NOW))


class TestTheContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        files = directory / "cfn"
        secret = {"MasterUserPassword": CANARY, "Environment": {"Variables": {"LEVEL": CANARY}}, "Timeout": "3"}
        made = event(
            2, "Db", "CREATE_COMPLETE", "orders", "AWS::RDS::DBInstance", ResourceProperties=json.dumps(secret)
        )
        hidden = [{"ParameterKey": "DbPassword", "ParameterValue": CANARY}]
        put(files / "stacks.json", {"Stacks": [stack(Parameters=hidden)]})
        put(files / "events.json", {"StackEvents": [*created()[:3], made, *created()[3:], *updated(), *failed()]})
        put(files / "plan.json", change_set())
        resource = {
            "StackId": STACK_ID,
            "LogicalResourceId": "Logs",
            "PhysicalResourceId": "logs",
            "ResourceType": "AWS::S3::Bucket",
            "Timestamp": at(3),
            "ResourceStatus": "CREATE_COMPLETE",
        }
        put(files / "resources.json", {"StackResources": [resource]})
        return source(files)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nothing")
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        yield source(put(directory / "wrong" / "x.json", {"hello": 1}))
        yield CloudFormationSource(
            CloudFormationSettings(
                ACCOUNT_ID, endpoint_url="http://127.0.0.1:9", region=REGION, access_key_id="x", secret_access_key="x"
            )
        )
