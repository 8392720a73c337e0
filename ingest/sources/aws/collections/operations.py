"""What accounts are run with: log groups, parameters, image registries, rules of EventBridge, keys, alarms, trails, secrets. Never a value of any.

API: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/, …/systems-manager/latest/APIReference/,
…/AmazonECR/latest/APIReference/, …/eventbridge/latest/APIReference/, …/kms/latest/APIReference/
"""

from __future__ import annotations

from graph.model import Value
from ingest import aws_names
from ingest.sources.aws.table import Collection, Detail, Place, arn_at, ec2_id, renamed, shaped
from ingest.sources.aws.values import Item, at, items_at, text_at


def _log_group(item: Item) -> Item:
    shape = renamed(
        item,
        {"log_group_name": "name"},
        without=(
            "arn",
            "log_group_arn",
            "stored_bytes",
            "metric_filter_count",
            "creation_time",
            "inherited_properties",
        ),
    )
    shape["arn"] = aws_names.canonical(text_at(item, "arn"))
    shape["retention_in_days"] = at(item, "retention_in_days") or 0  # not told means for ever, which Terraform writes 0
    return shape


def _parameter(item: Item) -> Item:
    # When and by whom it was written last is told by the audit log; the version says that it was.
    return renamed(item, {}, without=("last_modified_date", "last_modified_user", "policies"))


def _parameter_arn(item: Item, place: Place) -> str:
    name = text_at(item, "name").removeprefix("/")
    return aws_names.regional("ssm", place.account_id, place.region, f"parameter/{name}", place.partition)


def _rule(item: Item) -> Item:
    shape = renamed(item, {}, without=("targets",))
    # What a target is sent may hold whatever somebody put into it.
    targets: list[Value] = [
        {"target_id": text_at(one, "id"), "arn": text_at(one, "arn"), "role_arn": at(one, "role_arn")}
        for one in sorted(items_at(item, "targets"), key=lambda t: text_at(t, "id"))
    ]
    shape["target"] = targets
    return shape


def _key(item: Item) -> Item:
    return renamed(
        item,
        {
            "enabled": "is_enabled",
            "key_spec": "customer_master_key_spec",
        },
        without=(
            "key_arn",
            "encryption_algorithms",
            "signing_algorithms",
            "mac_algorithms",
            "aws_account_id",
            "current_key_material_id",
        ),
    )


def _alarm(item: Item) -> Item:
    shape = {k: v for k, v in item.items() if not k.startswith("state_") and not k.endswith("updated_timestamp")}
    shape = renamed(shape, {"alarm_arn": "arn"}, without=("dimensions",))
    shape["dimensions"] = {text_at(d, "name"): text_at(d, "value") for d in items_at(item, "dimensions")} or None
    return shape


def _trail(item: Item) -> Item:
    return renamed(
        item,
        {
            "trail_arn": "arn",
            "log_file_validation_enabled": "enable_log_file_validation",
            "cloud_watch_logs_log_group_arn": "cloud_watch_logs_group_arn",
        },
    )


_NO_ROTATION = r"UnsupportedOperation|InvalidState"
"""What keys answer that cannot be rotated: asymmetric ones, those that wait for their deletion."""

OPERATIONS: tuple[Collection, ...] = (
    Collection(
        type="aws_cloudwatch_log_group",
        service="logs",
        operation="describe_log_groups",
        items="log_groups",
        arn=arn_at("arn"),
        details=(Detail("list_tags_log_group", {"logGroupName": "log_group_name"}, "tags", "tags"),),
        id="name",
        name="name",
        shape=_log_group,
    ),
    Collection(
        type="aws_ssm_parameter",
        service="ssm",
        operation="describe_parameters",
        items="parameters",
        arn=_parameter_arn,
        details=(
            Detail(
                "list_tags_for_resource",
                {"ResourceId": "name"},
                "tag_list",
                "tags",
                parameters={"ResourceType": "Parameter"},
            ),
        ),
        id="name",
        name="name",
        shape=_parameter,
    ),
    Collection(
        type="aws_ecr_repository",
        service="ecr",
        operation="describe_repositories",
        items="repositories",
        arn=arn_at("arn"),
        details=(
            Detail("get_repository_policy", {"repositoryName": "repository_name"}, "policy_text", "policy"),
            Detail(
                "get_lifecycle_policy",
                {"repositoryName": "repository_name"},
                "lifecycle_policy_text",
                "lifecycle_policy",
            ),
            Detail("list_tags_for_resource", {"resourceArn": "repository_arn"}, "tags", "tags"),
        ),
        config_type="AWS::ECR::Repository",
        names={"repository_url": "url"},
        id="name",
        name="name",
        created="created_at",
        shape=shaped({"repository_arn": "arn", "repository_name": "name", "repository_uri": "repository_url"}),
    ),
    Collection(
        # Of the default bus.
        type="aws_cloudwatch_event_rule",
        service="events",
        operation="list_rules",
        items="rules",
        arn=arn_at("arn"),
        details=(
            Detail("list_targets_by_rule", {"Rule": "name", "EventBusName": "event_bus_name"}, "targets", "targets"),
            Detail("list_tags_for_resource", {"ResourceARN": "arn"}, "tags", "tags"),
        ),
        config_type="AWS::Events::Rule",
        id="name",
        name="name",
        shape=_rule,
    ),
    Collection(
        type="aws_kms_key",
        service="kms",
        operation="list_keys",
        items="keys",
        arn=arn_at("arn"),
        details=(
            Detail("describe_key", {"KeyId": "key_id"}, "key_metadata"),
            Detail(
                "get_key_rotation_status",
                {"KeyId": "key_id"},
                "key_rotation_enabled",
                "enable_key_rotation",
                none_when=_NO_ROTATION,
            ),
            Detail("get_key_policy", {"KeyId": "key_id"}, "policy", "policy", parameters={"PolicyName": "default"}),
            Detail("list_resource_tags", {"KeyId": "key_id"}, "tags", "tags"),
        ),
        config_type="AWS::KMS::Key",
        id="key_id",
        created="creation_date",
        status="key_state",
        shape=_key,
    ),
    Collection(
        type="aws_kms_alias",
        service="kms",
        operation="list_aliases",
        items="aliases",
        arn=arn_at("arn"),
        name="name",
        shape=shaped({"alias_arn": "arn", "alias_name": "name"}, without=("creation_date", "last_updated_date")),
    ),
    Collection(
        type="aws_cloudwatch_metric_alarm",
        service="cloudwatch",
        operation="describe_alarms",
        items="metric_alarms",
        arn=arn_at("arn"),
        parameters={"AlarmTypes": ["MetricAlarm"]},
        details=(Detail("list_tags_for_resource", {"ResourceARN": "alarm_arn"}, "tags", "tags"),),
        config_type="AWS::CloudWatch::Alarm",
        id="alarm_name",
        name="alarm_name",
        shape=_alarm,
    ),
    Collection(
        type="aws_flow_log",
        service="ec2",
        operation="describe_flow_logs",
        items="flow_logs",
        arn=ec2_id("id"),
        id="id",
        created="creation_time",
        status="flow_log_status",
        shape=shaped({"flow_log_id": "id", "deliver_logs_permission_arn": "iam_role_arn"}),
    ),
    Collection(
        type="aws_cloudtrail",
        service="cloudtrail",
        operation="describe_trails",
        items="trail_list",
        arn=arn_at("arn"),
        parameters={"includeShadowTrails": False},
        details=(Detail("get_trail_status", {"Name": "trail_arn"}, "is_logging", "enable_logging"),),
        config_type="AWS::CloudTrail::Trail",
        id="name",
        name="name",
        shape=_trail,
    ),
    Collection(
        type="aws_secretsmanager_secret",
        service="secretsmanager",
        operation="list_secrets",
        items="secret_list",
        arn=arn_at("arn"),
        config_type="AWS::SecretsManager::Secret",
        name="name",
        created="created_date",
        shape=shaped(
            without=(
                "last_accessed_date",
                "last_changed_date",
                "last_rotated_date",
                "next_rotation_date",
                "secret_versions_to_stages",
            )
        ),
    ),
)
