"""AWS Config: items are versions of the same resources as the live inventory's, on the same timelines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from graph.clock import instant
from graph.model import Assertion, Entity, FactBatch, Relation, Value, ref
from graph.store import View
from ingest import names
from ingest.source import Source, SourceDataInvalid
from ingest.sources.aws.source import AwsSettings, AwsSource
from ingest.sync import sync
from tests.contracts.source_contract import CANARY, KEY, NOW, SourceContract, facts_of, fresh_store
from tests.ingest.aws.fleet import network, role
from tests.moto_server import ACCOUNT_ID, REGION, moto_server

GROUP_ID = "sg-0a1b2c3d4e5f60718"
GROUP = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:security-group/{GROUP_ID}"
VPC = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:vpc/vpc-0a1b2c3d4e5f60718"
EVENT = "0f3c2a1e-1111-2222-3333-444455556666"
DAY_1, DAY_2, DAY_3 = (f"2026-05-0{day}T10:00:00.000Z" for day in (1, 2, 3))


def item(type_: str, resource_id: str, captured_at: str, configuration: object, **other: object) -> dict[str, object]:
    return {
        "relatedEvents": [],
        "relationships": [],
        "supplementaryConfiguration": {},
        "tags": {},
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": captured_at,
        "configurationStateId": 1,
        "awsAccountId": ACCOUNT_ID,
        "configurationItemStatus": "OK",
        "resourceType": type_,
        "resourceId": resource_id,
        "awsRegion": REGION,
        "configuration": configuration,
        "somethingNew": {"unknown": 1},
        **other,
    }


def group(captured_at: str, *cidrs: str, groups: tuple[str, ...] = (), **other: object) -> dict[str, object]:
    configuration = {
        "description": "web",
        "groupId": GROUP_ID,
        "groupName": "web",
        "ipPermissions": [
            {
                "fromPort": 443,
                "toPort": 443,
                "ipProtocol": "tcp",
                "ipv4Ranges": [{"cidrIp": cidr} for cidr in cidrs],
                "ipRanges": list(cidrs),
                "userIdGroupPairs": [{"groupId": one, "userId": ACCOUNT_ID} for one in groups],
            }
        ],
        "ipPermissionsEgress": [],
        "ownerId": ACCOUNT_ID,
        "tags": [{"key": "environment", "value": "prod"}],
        "vpcId": "vpc-0a1b2c3d4e5f60718",
    }
    told = {"ARN": GROUP, "resourceName": "web", "tags": {"environment": "prod"}, **other}
    return item("AWS::EC2::SecurityGroup", GROUP_ID, captured_at, configuration, **told)


def deleted(captured_at: str) -> dict[str, object]:
    told = {"ARN": GROUP, "configurationItemStatus": "ResourceDeleted"}
    return item("AWS::EC2::SecurityGroup", GROUP_ID, captured_at, None, **told)


def put(path: Path, *items: Mapping[str, object], packed: bool = False) -> Path:
    data = json.dumps({"fileVersion": "1.0", "configSnapshotId": "1", "configurationItems": items}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return path


def source(path: Path, **other: object) -> AwsSource:
    return AwsSource(AwsSettings(account_id=ACCOUNT_ID, path=str(path), **other))  # type: ignore[arg-type]


def stated(batches: list[FactBatch]) -> list[Assertion]:
    return [a for b in batches for a in b.assertions]


def versions(batches: list[FactBatch], arn: str) -> list[Assertion]:
    resource = names.cloud_resource(arn)
    return [a for a in stated(batches) if isinstance(a.fact, Entity) and a.fact.ref == resource]


def attributes(assertion: Assertion) -> Mapping[str, Value]:
    assert isinstance(assertion.fact, Entity)
    found = assertion.fact.properties["attributes"]
    assert isinstance(found, Mapping)
    return found


def test_each_item_is_a_version_from_when_it_was_captured(tmp_path: Path) -> None:
    put(tmp_path / "history.json", group(DAY_1, "10.0.0.0/8"), group(DAY_2, "0.0.0.0/0"), deleted(DAY_3))
    found = versions(list(source(tmp_path).pull(None, NOW)), GROUP)
    assert [(a.valid_from, a.observed_at, a.present) for a in found] == [
        (instant(DAY_1), instant(DAY_1), True),
        (instant(DAY_2), instant(DAY_2), True),
        (instant(DAY_3), instant(DAY_3), False),
    ]
    assert attributes(found[0])["ingress[0].cidr_blocks"] == ["10.0.0.0/8"]
    assert attributes(found[1])["ingress[0].cidr_blocks"] == ["0.0.0.0/0"]
    assert isinstance(found[0].fact, Entity)
    assert found[0].fact.properties["environment"] == "prod"
    assert found[0].locator == "history.json#0"


def test_nobody_is_said_to_have_changed_anything(tmp_path: Path) -> None:
    put(tmp_path / "history.json", group(DAY_1, "10.0.0.0/8"), group(DAY_2, "0.0.0.0/0", relatedEvents=[EVENT]))
    batches = list(source(tmp_path).pull(None, NOW))
    relations = [a.fact for a in stated(batches) if isinstance(a.fact, Relation)]
    assert "CHANGED" not in {r.type for r in relations}
    [mention] = [r for r in relations if r.type == "MENTIONS"]
    assert mention.dst == ref("AuditEvent", "cloudtrail", EVENT)


def test_what_the_next_item_no_longer_says_has_ended(tmp_path: Path) -> None:
    other = "sg-0ffffffffffffffff"
    put(tmp_path / "b.json", group(DAY_2, "10.0.0.0/8"))
    put(tmp_path / "a.json", group(DAY_1, "10.0.0.0/8", groups=(other,)))
    batches = list(source(tmp_path).pull(None, NOW))
    to = names.cloud_resource(GROUP.replace(GROUP_ID, other))
    told = [(a.valid_from, a.present) for a in stated(batches) if isinstance(a.fact, Relation) and a.fact.dst == to]
    assert told == [(instant(DAY_1), True), (instant(DAY_2), False)]


def test_files_of_another_day_end_what_an_earlier_one_said(tmp_path: Path) -> None:
    other = "sg-0ffffffffffffffff"
    one = source(tmp_path)
    put(tmp_path / "1.json", group(DAY_1, "10.0.0.0/8", groups=(other,)))
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, one, NOW, KEY, processes="none").error is None
        put(tmp_path / "2.json.gz", group(DAY_2, "10.0.0.0/8"), packed=True)
        cursor = store.cursor("aws", ACCOUNT_ID)
        to = names.cloud_resource(GROUP.replace(GROUP_ID, other))
        again = stated(list(one.pull(cursor, NOW + 1)))
        assert (instant(DAY_2), False) in [
            (a.valid_from, a.present) for a in again if isinstance(a.fact, Relation) and a.fact.dst == to
        ]


def test_the_order_of_files_does_not_count(tmp_path: Path) -> None:
    dumps: list[list[str]] = []
    for order in ((1, 2, 3), (3, 1, 2)):
        directory = tmp_path / "-".join(map(str, order))
        items = [group(DAY_1, "10.0.0.0/8"), group(DAY_2, "0.0.0.0/0"), deleted(DAY_3)]
        with fresh_store(tmp_path, directory.name) as store:
            for step in order:
                put(directory / f"{step}.json", items[step - 1])
                assert sync(store, source(directory), NOW + step, KEY, processes="none").error is None
            dumps.append(_world(store.dump()))
    assert dumps[0]
    assert dumps[0] == dumps[1]


def _world(dump: Iterable[str]) -> list[str]:
    """What holds when, as it is known now; when each was learned differs by order."""
    facts = [cast("dict[str, Value]", json.loads(line)) for line in facts_of(list(dump))]
    now = [f for f in facts if f["line"] == "fact" and f["known_to"] is None]
    return sorted(json.dumps({k: v for k, v in f.items() if k != "known_from"}, sort_keys=True) for f in now)


def test_a_deleted_resource_is_gone_and_was_there(tmp_path: Path) -> None:
    put(tmp_path / "history.json", group(DAY_1, "10.0.0.0/8"), deleted(DAY_3))
    with fresh_store(tmp_path, "store") as store:
        assert sync(store, source(tmp_path), NOW, KEY, processes="none").error is None
        resource = names.cloud_resource(GROUP)
        assert store.entity(resource, View()) is None
        assert store.entity(resource, View(as_of=instant(DAY_2))) is not None


def test_the_inventory_ends_what_an_old_file_still_says(tmp_path: Path) -> None:
    put(tmp_path / "files" / "history.json", group(DAY_1, "10.0.0.0/8"))
    with moto_server() as moto, fresh_store(tmp_path, "store") as store:
        net = network(moto)
        settings = {**moto.settings(), "services": ("ec2",), "quotas": (), "live": True}
        one = source(tmp_path / "files", **settings)
        assert sync(store, one, NOW, KEY, processes="none").error is None
        assert store.entity(names.cloud_resource(GROUP), View()) is None
        assert store.entity(names.cloud_resource(GROUP), View(as_of=instant(DAY_2))) is not None
        alive = f"arn:aws:ec2:{REGION}:{ACCOUNT_ID}:security-group/{net.group}"
        assert store.entity(names.cloud_resource(alive), View()) is not None


def test_inventory_and_config_say_the_same_of_a_role(tmp_path: Path) -> None:
    with moto_server() as moto:
        arn = role(moto)
        live = AwsSource(AwsSettings(account_id=ACCOUNT_ID, quotas=(), services=("iam",), **moto.settings()))  # type: ignore[arg-type]
        by_api = list(live.pull(None, NOW))
    [from_api] = versions(by_api, arn)
    assert isinstance(from_api.fact, Entity)
    document = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"
    configuration = {
        "path": "/",
        "roleName": "checkout",
        "roleId": attributes(from_api)["unique_id"],
        "arn": arn,
        "createDate": from_api.fact.properties["created_at"],
        "assumeRolePolicyDocument": document,
        "instanceProfileList": [],
        "rolePolicyList": [
            {
                "policyName": "inline",
                "policyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D",
            }
        ],
        "attachedManagedPolicies": [
            {"policyName": "checkout-read", "policyArn": f"arn:aws:iam::{ACCOUNT_ID}:policy/checkout-read"}
        ],
    }
    tags = {"environment": "production", "service": "Checkout API"}
    put(
        tmp_path / "h.json",
        item("AWS::IAM::Role", "AROAX", DAY_1, configuration, ARN=arn, awsRegion="global", tags=tags),
    )
    by_file = list(source(tmp_path).pull(None, NOW))
    [from_file] = versions(by_file, arn)
    assert isinstance(from_file.fact, Entity)
    assert from_file.fact.properties == from_api.fact.properties
    scopes = {b.scope for b in by_file if b.assertions}
    assert scopes <= {b.scope for b in by_api}, "the same timelines"


def test_a_bucket_has_what_config_tells_beside_it(tmp_path: Path) -> None:
    beside = {
        "BucketPolicy": {"policyText": '{"Version": "2012-10-17", "Statement": []}'},
        "BucketVersioningConfiguration": {"status": "Enabled"},
        "PublicAccessBlockConfiguration": {"blockPublicAcls": True},
    }
    told = {"ARN": "arn:aws:s3:::logs", "supplementaryConfiguration": beside}
    put(tmp_path / "h.json", item("AWS::S3::Bucket", "logs", DAY_1, {"name": "logs"}, **told))
    [bucket] = versions(list(source(tmp_path).pull(None, NOW)), "arn:aws:s3:::logs")
    found = attributes(bucket)
    assert found["policy"] == '{"Statement":[],"Version":"2012-10-17"}'
    assert found["versioning"] == "Enabled"
    assert found["public_access_block.block_public_acls"] is True
    assert isinstance(bucket.fact, Entity)
    assert bucket.fact.properties["region"] == REGION


def test_a_type_that_the_table_does_not_have_is_told_as_it_is_without_secret_places(tmp_path: Path) -> None:
    arn = f"arn:aws:codebuild:{REGION}:{ACCOUNT_ID}:project/build"
    configuration = {
        "name": "build",
        "timeoutInMinutes": 30,
        "environment": {"environmentVariables": [{"name": "LEVEL", "value": CANARY}]},
    }
    put(tmp_path / "h.json", item("AWS::CodeBuild::Project", "build", DAY_1, configuration, ARN=arn))
    batches = list(source(tmp_path).pull(None, NOW))
    [found] = versions(batches, arn)
    assert attributes(found)["timeout_in_minutes"] == 30
    assert CANARY not in repr(batches)
    assert isinstance(found.fact, Entity)
    assert found.fact.properties["type"] == "AWS::CodeBuild::Project"


def test_bad_items_and_files_are_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    nameless = group(DAY_1, "10.0.0.0/8")
    del nameless["resourceId"]
    put(tmp_path / "h.json", nameless, group("yesterday", CANARY), group(DAY_1, "10.0.0.0/8"))
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b'{"configurationItems": []}')[:20])
    (tmp_path / "other.json").write_text('{"hello": 1}')
    batches = list(source(tmp_path).pull(None, NOW))
    assert len(versions(batches, GROUP)) == 1
    notes = {q.locator: q.reason for b in batches for q in b.quarantined}
    assert set(notes) == {"h.json#0", "h.json#1", "cut.json.gz", "other.json"}
    assert CANARY not in repr(notes)


def test_what_is_not_recorded_says_nothing(tmp_path: Path) -> None:
    put(tmp_path / "h.json", group(DAY_1, "10.0.0.0/8"), group(DAY_2, configurationItemStatus="ResourceNotRecorded"))
    assert len(versions(list(source(tmp_path).pull(None, NOW)), GROUP)) == 1


def test_history_is_read_from_the_live_recorder(tmp_path: Path) -> None:
    with moto_server() as moto:
        moto.do("s3", "create_bucket", Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})
        recorder = {"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT_ID}:role/config"}
        moto.do("config", "put_configuration_recorder", ConfigurationRecorder=recorder)
        fields = {**moto.settings(), "quotas": (), "services": ("none",), "config_history": ("AWS::S3::Bucket",)}
        live = AwsSource(AwsSettings(account_id=ACCOUNT_ID, **fields))  # type: ignore[arg-type]
        batches = list(live.pull(None, NOW))
        assert versions(batches, "arn:aws:s3:::logs")
        cursor = [b.cursor for b in batches if b.cursor][-1]
        assert cursor is not None
        assert "AWS::S3::Bucket" in cursor


class TestTheContract(SourceContract):
    def recorded(self, directory: Path) -> Source:
        files = directory / "config"
        secret = {"functionName": "f", "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:f"}
        secret_item = item(
            "AWS::Lambda::Function",
            "f",
            DAY_1,
            {**secret, "environment": {"variables": {"API_TOKEN": CANARY, "LEVEL": CANARY}}},
            ARN=secret["functionArn"],
        )
        put(files / "a.json", group(DAY_1, "10.0.0.0/8"), secret_item)
        put(files / "b.json.gz", group(DAY_2, "0.0.0.0/0", relatedEvents=[EVENT]), deleted(DAY_3), packed=True)
        return source(files)

    def broken(self, directory: Path) -> Iterator[Source]:
        yield source(directory / "nothing")
        (directory / "empty").mkdir()
        yield source(directory / "empty")
        (directory / "wrong").mkdir()
        (directory / "wrong" / "x.json").write_text("<html>")
        yield source(directory / "wrong")


def test_without_live_the_account_is_not_asked(tmp_path: Path) -> None:
    put(tmp_path / "h.json", group(DAY_1, "10.0.0.0/8"))
    one = source(tmp_path, endpoint_url="http://127.0.0.1:9", access_key_id="x", secret_access_key="x")
    assert versions(list(one.pull(None, NOW)), GROUP)


def test_a_path_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceDataInvalid, match="there is no") as caught:
        list(source(tmp_path / "x").pull(None, NOW))
    assert "path" in caught.value.hint
