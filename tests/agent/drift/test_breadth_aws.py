"""Terraform, Pulumi and CloudFormation against what runs in an account (moto), each through its own source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.model import Value
from ingest.sources.aws.source import AwsSettings, AwsSource
from ingest.sources.cloudformation.source import CloudFormationSettings, CloudFormationSource
from ingest.sources.pulumi.source import PulumiSettings, PulumiSource
from tests.agent.drift.test_breadth import Drifts, Json, World
from tests.ingest.cloudformation.answers import STACK_ID, event, stack
from tests.ingest.pulumi.test_pulumi import holding, resource, urn
from tests.moto_server import ACCOUNT_ID, REGION, MotoServer, moto_server

_BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
SERVICES = ("sqs", "rds", "ec2", "s3", "logs", "kms", "dynamodb", "iam")
POLICY: Json = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::a/*"}]}  # fmt: skip


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{name}"


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture
def moto(server: MotoServer) -> MotoServer:
    """An account with a queue, a database, a group, a bucket, a log group, a key, a table and a policy, as code made them."""
    server.reset()
    server.do("sqs", "create_queue", QueueName="orders", Attributes={"VisibilityTimeout": "30", "MessageRetentionPeriod": "3600"})  # fmt: skip
    server.do("rds", "create_db_instance", DBInstanceIdentifier="orders", DBInstanceClass="db.t3.medium", Engine="postgres", EngineVersion="16.3", MasterUsername="root", MasterUserPassword="x" * 12, AllocatedStorage=20, BackupRetentionPeriod=7, DeletionProtection=True, StorageEncrypted=True)  # fmt: skip
    server.do("s3", "create_bucket", Bucket="docs", CreateBucketConfiguration={"LocationConstraint": REGION})
    server.do("s3", "put_bucket_versioning", Bucket="docs", VersioningConfiguration={"Status": "Enabled"})
    server.do("s3", "put_public_access_block", Bucket="docs", PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True})  # fmt: skip
    server.do("logs", "create_log_group", logGroupName="shop")
    server.do("logs", "put_retention_policy", logGroupName="shop", retentionInDays=90)
    server.do("dynamodb", "create_table", TableName="carts", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")  # fmt: skip
    server.do("dynamodb", "update_continuous_backups", TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})  # fmt: skip
    server.do("iam", "create_policy", PolicyName="read", PolicyDocument=json.dumps(POLICY))
    return server


def _group(moto: MotoServer) -> str:
    group = str(moto.do("ec2", "create_security_group", GroupName="web", Description="web")["GroupId"])
    moto.do("ec2", "authorize_security_group_ingress", GroupId=group, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="10.0.0.0/8")  # fmt: skip
    return group


def _by_hand(moto: MotoServer, group: str) -> None:
    queue = f"{moto.endpoint_url}/{ACCOUNT_ID}/orders"
    moto.do("sqs", "set_queue_attributes", QueueUrl=queue, Attributes={"VisibilityTimeout": "90"})
    moto.do("rds", "modify_db_instance", DBInstanceIdentifier="orders", DeletionProtection=False, BackupRetentionPeriod=0, ApplyImmediately=True)  # fmt: skip
    moto.do("ec2", "authorize_security_group_ingress", GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")  # fmt: skip


def _drift(world: World, moto: MotoServer) -> Drifts:
    settings: dict[str, object] = {"account_id": ACCOUNT_ID, "quotas": (), "services": SERVICES, **moto.settings()}
    world.there(AwsSource(AwsSettings(**settings)))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    return world.drift()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# -- Terraform


def _terraform(world: World) -> None:
    world.state("aws_cloudwatch_log_group.shop", {"id": "shop", "arn": _arn("logs", "log-group:shop"), "name": "shop", "retention_in_days": 90})  # fmt: skip
    world.state("aws_dynamodb_table.carts", {"arn": _arn("dynamodb", "table/carts"), "name": "carts", "billing_mode": "PAY_PER_REQUEST", "point_in_time_recovery": [{"enabled": True}]})  # fmt: skip
    world.state("aws_iam_policy.read", {"arn": f"arn:aws:iam::{ACCOUNT_ID}:policy/read", "name": "read", "policy": json.dumps(POLICY, indent=1)})  # fmt: skip
    world.state("aws_db_instance.orders", {"arn": _arn("rds", "db:orders"), "identifier": "orders", "engine_version": "16", "engine_version_actual": "16.3", "backup_retention_period": 7, "storage_encrypted": True})  # fmt: skip
    world.state("aws_s3_bucket.docs", {"id": "docs", "arn": "arn:aws:s3:::docs", "bucket": "docs"})
    world.state("aws_s3_bucket_versioning.docs", {"id": "docs", "bucket": "docs", "versioning_configuration": [{"status": "Enabled"}]})  # fmt: skip
    world.state("aws_s3_bucket_public_access_block.docs", {"id": "docs", "bucket": "docs", **dict.fromkeys(_BLOCKS, True)})  # fmt: skip


def test_a_state_of_terraform_that_is_as_it_was_applied_does_not_drift(world: World, moto: MotoServer) -> None:
    _terraform(world)
    assert _drift(world, moto) == []


def test_settings_that_are_resources_of_their_own_are_compared_with_what_they_configure(
    world: World, moto: MotoServer
) -> None:
    _terraform(world)
    moto.do("s3", "put_bucket_versioning", Bucket="docs", VersioningConfiguration={"Status": "Suspended"})
    moto.do("s3", "delete_public_access_block", Bucket="docs")
    moto.do("logs", "delete_retention_policy", logGroupName="shop")
    moto.do("dynamodb", "update_continuous_backups", TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})  # fmt: skip
    moto.do("rds", "modify_db_instance", DBInstanceIdentifier="orders", EngineVersion="16.4", ApplyImmediately=True)
    assert _drift(world, moto) == [
        ("changed", "aws_cloudwatch_log_group.shop", {"retention_in_days": (90, 0)}),
        ("changed", "aws_db_instance.orders", {"engine_version": ("16.3", "16.4")}),
        ("changed", "aws_dynamodb_table.carts", {"point_in_time_recovery[0].enabled": (True, False)}),
        ("changed", "aws_s3_bucket_public_access_block.docs", dict.fromkeys(_BLOCKS, (True, False))),
        ("changed", "aws_s3_bucket_versioning.docs", {"versioning_configuration[0].status": ("Enabled", "Suspended")}),
    ]


# -- Pulumi


def _pulumi(world: World, group: str, *more: Json) -> None:
    queue: Json = {"arn": _arn("sqs", "orders"), "name": "orders", "visibilityTimeoutSeconds": 30, "messageRetentionSeconds": 3600}  # fmt: skip
    database: Json = {"arn": _arn("rds", "db:orders"), "identifier": "orders", "instanceClass": "db.t3.medium", "allocatedStorage": 20, "backupRetentionPeriod": 7, "deletionProtection": True}  # fmt: skip
    rule: Json = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"], "self": False}
    web: Json = {"arn": _arn("ec2", f"security-group/{group}"), "id": group, "name": "web", "ingress": [rule]}
    table: Json = {"arn": _arn("dynamodb", "table/carts"), "name": "carts", "pointInTimeRecovery": {"enabled": True}}
    world.file(
        "pulumi/prod.json",
        holding(
            resource(urn("aws:sqs/queue:Queue", "orders"), id="orders", outputs=queue),
            resource(urn("aws:rds/instance:Instance", "orders"), id="orders", outputs=database),
            resource(urn("aws:ec2/securityGroup:SecurityGroup", "web"), id=group, outputs=web),
            resource(urn("aws:dynamodb/table:Table", "carts"), id="carts", outputs=table),
            *more,
            time="2026-05-03T14:00:00Z",
        ),
    )
    world.there(PulumiSource(PulumiSettings(str(world.directory / "pulumi"))))


def test_a_stack_of_pulumi_that_is_as_it_was_applied_does_not_drift(world: World, moto: MotoServer) -> None:
    _pulumi(world, _group(moto))
    assert _drift(world, moto) == []


def test_a_stack_of_pulumi_is_compared(world: World, moto: MotoServer) -> None:
    group = _group(moto)
    gone: Json = {"arn": _arn("sqs", "gone"), "name": "gone"}
    _pulumi(world, group, resource(urn("aws:sqs/queue:Queue", "gone"), id="gone", outputs=gone))
    _by_hand(moto, group)
    moto.do("dynamodb", "update_continuous_backups", TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})  # fmt: skip
    moto.do("sqs", "create_queue", QueueName="by-hand")
    found = _drift(world, moto)
    assert [(kind, address.rpartition("::")[2], sorted(told)) for kind, address, told in found] == [
        ("unmanaged", "by-hand", []),
        ("changed", "carts", ["point_in_time_recovery.enabled"]),
        ("changed", "web", ["ingress"]),
        ("changed", "orders", ["backup_retention_period", "deletion_protection"]),
        ("missing", "gone", []),
        ("changed", "orders", ["visibility_timeout_seconds"]),
    ]


def test_a_stack_of_pulumi_in_a_cluster_is_compared(world: World) -> None:
    container: Json = {"name": "app", "image": "shop:1", "resources": {"limits": {"cpu": "500m"}}, "ports": [{"containerPort": 80}]}  # fmt: skip
    spec: Json = {"replicas": 3, "template": {"spec": {"containers": [container]}}}
    metadata: Json = {"name": "app", "namespace": "shop", "uid": "u-1"}
    outputs: Json = {"kind": "Deployment", "metadata": metadata, "spec": spec}
    world.file("pulumi/prod.json", holding(resource(urn("kubernetes:apps/v1:Deployment", "app"), id="shop/app", outputs=outputs), time="2026-05-03T14:00:00Z"))  # fmt: skip
    world.there(PulumiSource(PulumiSettings(str(world.directory / "pulumi"))))
    _cluster_with(world, {**spec, "replicas": 1})
    [(kind, _, attributes)] = world.drift()
    assert (kind, attributes) == ("changed", {"spec.replicas": (3, 1)})


def _cluster_with(world: World, spec: Json) -> None:
    from ingest.sources.kubernetes.settings import KubernetesSettings
    from ingest.sources.kubernetes.source import KubernetesSource

    metadata: Json = {"name": "app", "namespace": "shop", "uid": "u-1", "creationTimestamp": "2026-04-01T00:00:00Z"}
    world.file("k8s/d.json", {"apiVersion": "v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    world.there(KubernetesSource(KubernetesSettings(cluster="prod", path=str(world.directory / "k8s"))))


# -- CloudFormation


def _properties(**told: Value) -> str:
    return json.dumps(told)


def _stack(world: World, group: str, *more: dict[str, object]) -> None:
    rule: Json = {"IpProtocol": "tcp", "FromPort": "443", "ToPort": "443", "CidrIp": "10.0.0.0/8"}
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/orders"
    events = [
        event(0, "shop", "CREATE_IN_PROGRESS", ResourceStatusReason="User Initiated"),
        event(1, "Queue", "CREATE_COMPLETE", queue, "AWS::SQS::Queue", ResourceProperties=_properties(QueueName="orders", VisibilityTimeout="30", MessageRetentionPeriod="3600")),
        event(2, "Database", "CREATE_COMPLETE", "orders", "AWS::RDS::DBInstance", ResourceProperties=_properties(DBInstanceClass="db.t3.medium", AllocatedStorage="20", DeletionProtection="false", BackupRetentionPeriod="7")),
        event(3, "Web", "CREATE_COMPLETE", group, "AWS::EC2::SecurityGroup", ResourceProperties=_properties(GroupDescription="web", SecurityGroupIngress=[rule])),
        event(4, "Logs", "CREATE_COMPLETE", "shop", "AWS::Logs::LogGroup", ResourceProperties=_properties(LogGroupName="shop", RetentionInDays="90")),
        *more,
        event(6, "shop", "CREATE_COMPLETE"),
        event(10, "shop", "UPDATE_IN_PROGRESS", ResourceStatusReason="User Initiated"),
        event(11, "Database", "UPDATE_COMPLETE", "orders", "AWS::RDS::DBInstance", ResourceProperties=_properties(DBInstanceClass="db.t3.medium", AllocatedStorage="20", DeletionProtection="true", BackupRetentionPeriod="7")),
        event(12, "shop", "UPDATE_COMPLETE"),
    ]  # fmt: skip
    world.file("cfn/events.json", {"StackEvents": events})
    world.file("cfn/stacks.json", {"Stacks": [stack()]})
    world.there(CloudFormationSource(CloudFormationSettings(account_id=ACCOUNT_ID, path=str(world.directory / "cfn"))))
    assert STACK_ID


def test_a_stack_of_cloudformation_that_is_as_it_was_applied_does_not_drift(world: World, moto: MotoServer) -> None:
    _stack(world, _group(moto))
    assert _drift(world, moto) == []


def test_a_stack_of_cloudformation_is_compared_by_what_its_events_asked_for(world: World, moto: MotoServer) -> None:
    group = _group(moto)
    gone = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/gone"
    _stack(world, group, event(5, "Gone", "CREATE_COMPLETE", gone, "AWS::SQS::Queue"))
    _by_hand(moto, group)
    moto.do("logs", "put_retention_policy", logGroupName="shop", retentionInDays=7)
    moto.do("sqs", "create_queue", QueueName="by-hand")
    found = _drift(world, moto)
    assert [(kind, address, sorted(told)) for kind, address, told in found] == [
        ("unmanaged", "by-hand", []),
        ("changed", "shop/Database", ["backup_retention_period", "deletion_protection"]),
        ("missing", "shop/Gone", []),
        ("changed", "shop/Logs", ["retention_in_days"]),
        ("changed", "shop/Queue", ["visibility_timeout"]),
        ("changed", "shop/Web", ["ingress"]),
    ]
