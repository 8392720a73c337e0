"""What common resource types need to be written down when they are imported.

From the provider's documentation: https://registry.terraform.io/providers/hashicorp/aws/latest/docs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Needs:
    """A type's attributes that the code says: those it must, and those it says when they are known and say something."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


NEEDS: Mapping[str, Needs] = {
    "aws_cloudwatch_log_group": Needs(("name",), ("retention_in_days", "kms_key_id", "tags")),
    "aws_cloudwatch_metric_alarm": Needs(
        ("alarm_name", "comparison_operator", "evaluation_periods"),
        (
            "metric_name",
            "namespace",
            "period",
            "statistic",
            "threshold",
            "alarm_description",
            "alarm_actions",
            "ok_actions",
            "dimensions",
            "treat_missing_data",
            "unit",
            "tags",
        ),
    ),
    "aws_db_instance": Needs(
        ("instance_class",),
        (
            "identifier",
            "engine",
            "engine_version",
            "allocated_storage",
            "storage_type",
            "username",
            "db_name",
            "db_subnet_group_name",
            "vpc_security_group_ids",
            "multi_az",
            "storage_encrypted",
            "backup_retention_period",
            "deletion_protection",
            "skip_final_snapshot",
            "tags",
        ),
    ),
    "aws_dynamodb_table": Needs(
        ("name", "hash_key", "attribute"),
        ("billing_mode", "range_key", "read_capacity", "write_capacity", "deletion_protection_enabled", "ttl", "tags"),
    ),
    "aws_ebs_volume": Needs(
        ("availability_zone",), ("size", "type", "iops", "throughput", "encrypted", "kms_key_id", "snapshot_id", "tags")
    ),
    "aws_ecr_repository": Needs(("name",), ("image_tag_mutability", "image_scanning_configuration", "tags")),
    "aws_ecs_cluster": Needs(("name",), ("setting", "tags")),
    "aws_eip": Needs((), ("domain", "instance", "network_interface", "tags")),
    "aws_iam_group": Needs(("name",), ("path",)),
    "aws_iam_instance_profile": Needs(("name",), ("path", "role", "tags")),
    "aws_iam_policy": Needs(("name", "policy"), ("path", "description", "tags")),
    "aws_iam_role": Needs(
        ("name", "assume_role_policy"), ("path", "description", "max_session_duration", "permissions_boundary", "tags")
    ),
    "aws_iam_role_policy": Needs(("name", "role", "policy")),
    "aws_iam_role_policy_attachment": Needs(("role", "policy_arn")),
    "aws_iam_user": Needs(("name",), ("path", "permissions_boundary", "tags")),
    "aws_instance": Needs(
        ("ami", "instance_type"),
        (
            "subnet_id",
            "vpc_security_group_ids",
            "key_name",
            "iam_instance_profile",
            "associate_public_ip_address",
            "ebs_optimized",
            "monitoring",
            "disable_api_termination",
            "tags",
        ),
    ),
    "aws_internet_gateway": Needs((), ("vpc_id", "tags")),
    "aws_key_pair": Needs(("public_key",), ("key_name", "tags")),
    "aws_kms_alias": Needs(("target_key_id",), ("name",)),
    "aws_kms_key": Needs(
        (), ("description", "key_usage", "enable_key_rotation", "deletion_window_in_days", "policy", "tags")
    ),
    "aws_launch_template": Needs(
        (), ("name", "image_id", "instance_type", "key_name", "vpc_security_group_ids", "ebs_optimized", "tags")
    ),
    "aws_lb": Needs(
        (),
        (
            "name",
            "internal",
            "load_balancer_type",
            "security_groups",
            "subnets",
            "enable_deletion_protection",
            "idle_timeout",
            "tags",
        ),
    ),
    "aws_lb_target_group": Needs(
        (), ("name", "port", "protocol", "vpc_id", "target_type", "deregistration_delay", "tags")
    ),
    "aws_nat_gateway": Needs(("subnet_id",), ("allocation_id", "connectivity_type", "tags")),
    "aws_network_acl": Needs(("vpc_id",), ("subnet_ids", "ingress", "egress", "tags")),
    "aws_route": Needs(
        ("route_table_id",),
        ("destination_cidr_block", "gateway_id", "nat_gateway_id", "transit_gateway_id", "vpc_peering_connection_id"),
    ),
    "aws_route53_record": Needs(("zone_id", "name", "type"), ("ttl", "records", "alias", "set_identifier")),
    "aws_route53_zone": Needs(("name",), ("comment", "vpc", "tags")),
    "aws_route_table": Needs(("vpc_id",), ("route", "tags")),
    "aws_route_table_association": Needs(("route_table_id",), ("subnet_id", "gateway_id")),
    "aws_s3_bucket": Needs((), ("bucket", "object_lock_enabled", "tags")),
    "aws_s3_bucket_policy": Needs(("bucket", "policy")),
    "aws_s3_bucket_public_access_block": Needs(
        ("bucket",), ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    ),
    "aws_s3_bucket_versioning": Needs(("bucket", "versioning_configuration")),
    "aws_secretsmanager_secret": Needs((), ("name", "description", "kms_key_id", "tags")),
    "aws_security_group": Needs(("name", "description"), ("vpc_id", "ingress", "egress", "tags")),
    "aws_security_group_rule": Needs(
        ("security_group_id", "type", "from_port", "to_port", "protocol"),
        ("cidr_blocks", "ipv6_cidr_blocks", "source_security_group_id", "self", "description"),
    ),
    "aws_sns_topic": Needs((), ("name", "display_name", "kms_master_key_id", "policy", "tags")),
    "aws_sns_topic_subscription": Needs(
        ("topic_arn", "protocol", "endpoint"), ("filter_policy", "raw_message_delivery")
    ),
    "aws_sqs_queue": Needs(
        (),
        (
            "name",
            "delay_seconds",
            "max_message_size",
            "message_retention_seconds",
            "receive_wait_time_seconds",
            "visibility_timeout_seconds",
            "fifo_queue",
            "redrive_policy",
            "sqs_managed_sse_enabled",
            "tags",
        ),
    ),
    "aws_subnet": Needs(
        ("vpc_id",), ("cidr_block", "availability_zone", "map_public_ip_on_launch", "ipv6_cidr_block", "tags")
    ),
    "aws_vpc": Needs((), ("cidr_block", "enable_dns_support", "enable_dns_hostnames", "instance_tenancy", "tags")),
    "aws_vpc_endpoint": Needs(
        ("vpc_id", "service_name"),
        (
            "vpc_endpoint_type",
            "route_table_ids",
            "subnet_ids",
            "security_group_ids",
            "private_dns_enabled",
            "policy",
            "tags",
        ),
    ),
}
"""Resource type -> what it needs."""

SECRET = frozenset({"password", "master_password", "secret_string", "private_key", "auth_token"})
"""Attributes that are never written."""

DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "aws_vpc": {"enable_dns_support": True, "instance_tenancy": "default"},
    "aws_iam_role": {"path": "/", "max_session_duration": 3600},
    "aws_iam_policy": {"path": "/"},
    "aws_iam_user": {"path": "/"},
    "aws_iam_group": {"path": "/"},
    "aws_iam_instance_profile": {"path": "/"},
}
"""What the provider takes by itself, so that it need not be said."""
