"""What drift needs of an account, on moto: log groups, parameters, registries, rules, keys, alarms, trails, and settings that other calls tell."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from graph.model import Value
from ingest.aws_errors import ServiceRefused
from ingest.sources.aws.collections import BY_TYPE
from ingest.sources.aws.policy import actions
from ingest.sources.aws.reading import Reader
from tests.contracts.source_contract import CANARY, NOW
from tests.ingest.aws.fleet import shop
from tests.ingest.aws.test_inventory import Told, source
from tests.moto_server import ACCOUNT_ID, REGION, MotoServer, moto_server

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:alerts"


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="module")
def key(moto: MotoServer) -> str:
    metadata = moto.do("kms", "create_key", Description="orders", Tags=[{"TagKey": "team", "TagValue": "a"}])[
        "KeyMetadata"
    ]
    assert isinstance(metadata, dict)
    return str(metadata["KeyId"])  # pyright: ignore[reportUnknownArgumentType]


@pytest.fixture(scope="module")
def told(moto: MotoServer, key: str) -> Told:
    moto.do("logs", "create_log_group", logGroupName="/ecs/shop", tags={"team": "a"})
    moto.do("logs", "put_retention_policy", logGroupName="/ecs/shop", retentionInDays=30)
    moto.do("logs", "create_log_group", logGroupName="for-ever")
    moto.do("ssm", "put_parameter", Name="/shop/dsn", Value=CANARY, Type="SecureString", Tags=[{"Key": "team", "Value": "a"}])  # fmt: skip
    moto.do("ecr", "create_repository", repositoryName="shop/api", imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True})  # fmt: skip
    moto.do("ecr", "set_repository_policy", repositoryName="shop/api", policyText=json.dumps(POLICY))
    moto.do("events", "put_rule", Name="nightly", ScheduleExpression="rate(1 day)", State="ENABLED", Tags=[{"Key": "team", "Value": "a"}])  # fmt: skip
    moto.do("events", "put_targets", Rule="nightly", Targets=[{"Id": "q", "Arn": _arn("sqs", "q"), "Input": json.dumps({"token": CANARY})}])  # fmt: skip
    moto.do("kms", "enable_key_rotation", KeyId=key)
    moto.do("kms", "create_alias", AliasName="alias/orders", TargetKeyId=key)
    moto.do("kms", "create_key", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    moto.do("cloudwatch", "put_metric_alarm", AlarmName="5xx", MetricName="5XX", Namespace="AWS/ELB", Statistic="Sum", Period=60, EvaluationPeriods=3, Threshold=10.0, ComparisonOperator="GreaterThanThreshold", ActionsEnabled=True, AlarmActions=[TOPIC], Dimensions=[{"Name": "LoadBalancer", "Value": "app/shop"}])  # fmt: skip
    moto.do("s3", "create_bucket", Bucket="trail", CreateBucketConfiguration={"LocationConstraint": REGION})
    moto.do("cloudtrail", "create_trail", Name="main", S3BucketName="trail", EnableLogFileValidation=True)
    moto.do("cloudtrail", "start_logging", Name="main")
    moto.do("secretsmanager", "create_secret", Name="dsn", SecretString=CANARY)
    moto.do("dynamodb", "create_table", TableName="carts", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True, SSESpecification={"Enabled": True})  # fmt: skip
    moto.do("dynamodb", "update_continuous_backups", TableName="carts", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})  # fmt: skip
    made = shop(moto)
    moto.do("elbv2", "modify_load_balancer_attributes", LoadBalancerArn=made.lb, Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}, {"Key": "idle_timeout.timeout_seconds", "Value": "90"}, {"Key": "access_logs.s3.enabled", "Value": "false"}])  # fmt: skip
    moto.do("elbv2", "modify_target_group_attributes", TargetGroupArn=made.target_group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "20"}])  # fmt: skip
    acl = moto.do("ec2", "create_network_acl", VpcId=made.network.vpc)["NetworkAcl"]
    assert isinstance(acl, dict)
    number = str(acl["NetworkAclId"])  # pyright: ignore[reportUnknownArgumentType]
    moto.do("ec2", "create_network_acl_entry", NetworkAclId=number, RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False, CidrBlock="0.0.0.0/0", PortRange={"From": 443, "To": 443})  # fmt: skip
    moto.do("ec2", "create_flow_logs", ResourceIds=[made.network.vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3", LogDestination="arn:aws:s3:::trail")  # fmt: skip
    moto.do("s3", "put_bucket_versioning", Bucket="trail", VersioningConfiguration={"Status": "Suspended"})
    moto.do("s3", "put_bucket_encryption", Bucket="trail", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]})  # fmt: skip
    services = ("logs", "ssm", "ecr", "events", "kms", "cloudwatch", "cloudtrail", "secretsmanager", "dynamodb", "elbv2", "ec2", "s3")  # fmt: skip
    found = Told(list(source(moto, services=services).pull(None, NOW)))
    assert not [q for b in found.batches for q in b.quarantined]
    return found


def _all(told: Told, arn: str) -> dict[str, Value]:
    attributes = told.resource(arn).properties["attributes"]
    assert isinstance(attributes, dict)
    return attributes


def test_log_groups_tell_how_long_they_keep(told: Told) -> None:
    kept = told.resource(_arn("logs", "log-group:/ecs/shop"))
    assert (kept.properties["name"], kept.properties["tags"]) == ("/ecs/shop", {"team": "a"})
    assert told.attribute(_arn("logs", "log-group:/ecs/shop"), "retention_in_days") == 30
    assert told.attribute(_arn("logs", "log-group:for-ever"), "retention_in_days") == 0


def test_of_parameters_secrets_and_targets_the_values_are_not_told(told: Told) -> None:
    parameter = _all(told, _arn("ssm", "parameter/shop/dsn"))
    assert (parameter["type"], parameter["name"], parameter["version"]) == ("SecureString", "/shop/dsn", 1)
    assert "value" not in parameter
    [secret] = told.of_type("aws_secretsmanager_secret")
    assert secret.properties["name"] == "dsn"
    [rule] = told.of_type("aws_cloudwatch_event_rule")
    assert told.attribute(str(rule.properties["cloud_id"]), "target[0].arn") == _arn("sqs", "q")
    assert told.attribute(str(rule.properties["cloud_id"]), "schedule_expression") == "rate(1 day)"
    assert CANARY not in repr(told.batches), "not even before redaction"


def test_a_registry_tells_its_policy_and_whether_tags_move(told: Told) -> None:
    repository = _all(told, _arn("ecr", "repository/shop/api"))
    assert repository["image_tag_mutability"] == "IMMUTABLE"
    assert repository["image_scanning_configuration.scan_on_push"] is True
    assert json.loads(str(repository["policy"])) == POLICY


def test_keys_tell_whether_they_rotate_and_who_may_use_them(told: Told, key: str) -> None:
    mine = _all(told, _arn("kms", f"key/{key}"))
    assert mine["enable_key_rotation"] is True
    assert "Statement" in str(mine["policy"])
    assert told.attribute(_arn("kms", "alias/orders"), "target_key_id") == key


def test_alarms_and_trails_tell_whether_they_are_on(told: Told) -> None:
    alarm = _all(told, _arn("cloudwatch", "alarm:5xx"))
    assert (alarm["threshold"], alarm["actions_enabled"], alarm["alarm_actions"]) == (10, True, [TOPIC])
    assert alarm["dimensions.LoadBalancer"] == "app/shop"
    assert not [path for path in alarm if path.startswith("state")]
    trail = _all(told, _arn("cloudtrail", "trail/main"))
    assert (trail["enable_logging"], trail["enable_log_file_validation"]) == (True, True)
    assert len(told.of_type("aws_flow_log")) == 1


def test_a_table_tells_its_backups_encryption_and_protection(told: Told) -> None:
    table = _all(told, _arn("dynamodb", "table/carts"))
    assert table["point_in_time_recovery[0].enabled"] is True
    assert table["server_side_encryption[0].enabled"] is True
    assert table["deletion_protection_enabled"] is True
    assert table["ttl[0].enabled"] is False


def test_a_load_balancer_and_a_target_group_tell_what_is_asked_for_apart(told: Told) -> None:
    [lb] = told.of_type("aws_lb")
    attributes = _all(told, str(lb.properties["cloud_id"]))
    assert (attributes["enable_deletion_protection"], attributes["idle_timeout"]) == (True, 90)
    assert attributes["access_logs[0].enabled"] is False
    [group] = told.of_type("aws_lb_target_group")
    assert told.attribute(str(group.properties["cloud_id"]), "deregistration_delay") == 20


def test_a_network_acl_has_its_rules_as_blocks(told: Told) -> None:
    ours = [_all(told, str(e.properties["cloud_id"])) for e in told.of_type("aws_network_acl")]
    [mine] = [a for a in ours if a.get("ingress[0].to_port") == 443]
    assert (mine["ingress[0].rule_no"], mine["ingress[0].cidr_block"]) == (100, "0.0.0.0/0")
    assert "ingress[1].rule_no" not in mine


def test_a_bucket_tells_its_encryption_and_whether_versions_are_kept(told: Told) -> None:
    bucket = _all(told, "arn:aws:s3:::trail")
    assert bucket["versioning"] == "Suspended"
    algorithm = "server_side_encryption[0].apply_server_side_encryption_by_default.sse_algorithm"
    assert bucket[algorithm] == "aws:kms"


def test_what_is_asked_for_is_in_the_policy_that_the_page_shows() -> None:
    assert {
        "logs:DescribeLogGroups",
        "ssm:DescribeParameters",
        "ecr:GetRepositoryPolicy",
        "events:ListTargetsByRule",
        "kms:GetKeyRotationStatus",
        "cloudtrail:GetTrailStatus",
        "dynamodb:DescribeContinuousBackups",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
    } <= set(actions())
    assert not {"ssm:GetParameter", "ssm:GetParameters", "secretsmanager:GetSecretValue"} & set(actions())


class _Kms:
    """Answers as KMS does of a key that cannot be rotated (moto says no instead)."""

    def __init__(self, code: str) -> None:
        self._code = code

    def pages(
        self, service: str, operation: str, region: str = "", **parameters: object
    ) -> Iterator[dict[str, object]]:
        if operation == "get_key_rotation_status":
            raise ServiceRefused("refused", "", self._code)
        answers: dict[str, dict[str, object]] = {
            "list_keys": {"Keys": [{"KeyId": "k", "KeyArn": _arn("kms", "key/k")}]},
            "describe_key": {"KeyMetadata": {"KeyId": "k", "Arn": _arn("kms", "key/k"), "KeySpec": "RSA_2048"}},
            "get_key_policy": {"Policy": "{}"},
            "list_resource_tags": {"Tags": []},
        }
        yield answers[operation]


@pytest.mark.parametrize("code", ["UnsupportedOperationException", "KMSInvalidStateException"])
def test_a_key_that_cannot_rotate_stands_in_no_others_way(code: str) -> None:
    reading = Reader(_Kms(code), ACCOUNT_ID, "aws").read(BY_TYPE["aws_kms_key"], REGION)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert ["enable_key_rotation" in one.item for one in reading.found] == [False]


def test_any_other_refusal_is_told() -> None:
    with pytest.raises(ServiceRefused):
        Reader(_Kms("Broken"), ACCOUNT_ID, "aws").read(BY_TYPE["aws_kms_key"], REGION)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
