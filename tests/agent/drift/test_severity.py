"""Each attribute of the common types weighed as it should be."""

from __future__ import annotations

import json

import pytest

from agent.drift.model import AttributeDrift
from agent.drift.observed import Observed
from agent.drift.severity import weigh
from agent.model import AttributeState
from graph.model import Value, ref

ABSENT = object()
ALL, ALL6 = ["10.0.0.0/8", "0.0.0.0/0"], ["::/0"]
READ = json.dumps({"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::a/*"}]})
EVERY_ACTION = READ.replace('"s3:GetObject"', '"s3:GetObject", "*"')
EVERY_RESOURCE = READ.replace("arn:aws:s3:::a/*", "*")
TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}}]})
EVERYBODY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}}]})


def _state(value: object) -> AttributeState:
    return AttributeState(state="absent") if value is ABSENT else AttributeState(state="value", value=value)


def _weighed(type_: str, path: str, before: object, after: object, there: dict[str, Value] | None = None) -> str:
    one = Observed(
        kind="changed",
        basis="plan",
        scope="s",
        ref=ref("Resource", "l", "default", "a"),
        address=f"{type_}.a",
        type=type_,
        attributes=(AttributeDrift(path=path, desired=_state(before), actual=_state(after)),),
        properties={"attributes": there or {}},
    )
    return weigh(one).severity


@pytest.mark.parametrize(
    ("type_", "path", "before", "after", "severity"),
    [
        # -- let in
        ("aws_security_group", "ingress", [], [{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}], "critical"),
        ("aws_security_group", "ingress", [], [{"protocol": "tcp", "from_port": 22, "to_port": 22, "ipv6_cidr_blocks": ["::/0"]}], "critical"),
        ("aws_security_group", "ingress", [], [{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["0.0.0.0/0"]}], "medium"),
        ("aws_security_group", "ingress", [], [{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}], "critical"),
        ("aws_security_group", "ingress", [], [{"protocol": "tcp", "from_port": 0, "to_port": 65535, "cidr_blocks": ["0.0.0.0/0"]}], "critical"),
        ("aws_security_group", "ingress[0].cidr_blocks", ["10.0.0.0/8"], ALL, "critical"),
        ("aws_security_group", "egress[0].cidr_blocks", ["10.0.0.0/8"], ALL, "medium"),
        ("aws_network_acl", "ingress.cidr_block", ["10.0.0.0/8"], ["0.0.0.0/0"], "critical"),
        ("aws_network_acl", "ingress[0].ipv6_cidr_block", ABSENT, "::/0", "critical"),
        ("google_compute_firewall", "source_ranges", ["10.0.0.0/8"], ALL, "critical"),
        ("azurerm_network_security_group", "security_rule[0].source_address_prefix", "10.0.0.0/8", "0.0.0.0/0", "critical"),
        ("azurerm_network_security_group", "security_rule[0].source_address_prefix", "10.0.0.0/8", "*", "critical"),
        ("azurerm_network_security_group", "security_rule[0].source_address_prefix", "10.0.0.0/8", "Internet", "critical"),
        ("aws_eks_cluster", "vpc_config[0].public_access_cidrs", ["10.0.0.0/8"], ["0.0.0.0/0"], "critical"),
        # -- guards
        ("aws_db_instance", "deletion_protection", True, False, "high"),
        ("aws_db_instance", "deletion_protection", False, True, "medium"),
        ("aws_lb", "enable_deletion_protection", True, False, "high"),
        ("aws_dynamodb_table", "deletion_protection_enabled", True, False, "high"),
        ("google_sql_database_instance", "settings[0].deletion_protection_enabled", True, False, "high"),
        ("azurerm_key_vault", "purge_protection_enabled", True, False, "high"),
        ("aws_instance", "disable_api_termination", True, False, "high"),
        # -- encryption
        ("aws_db_instance", "storage_encrypted", True, False, "high"),
        ("aws_ebs_volume", "encrypted", True, False, "high"),
        ("aws_efs_file_system", "encrypted", True, False, "high"),
        ("aws_dynamodb_table", "server_side_encryption[0].enabled", True, False, "high"),
        ("aws_sqs_queue", "sqs_managed_sse_enabled", True, False, "high"),
        ("aws_elasticache_replication_group", "at_rest_encryption_enabled", True, False, "high"),
        ("aws_elasticache_replication_group", "transit_encryption_enabled", True, False, "high"),
        ("azurerm_storage_account", "https_traffic_only_enabled", True, False, "high"),
        ("aws_s3_bucket_server_side_encryption_configuration", "rule[0].apply_server_side_encryption_by_default[0].sse_algorithm", "aws:kms", "AES256", "medium"),
        # -- reached from outside
        ("aws_db_instance", "publicly_accessible", False, True, "critical"),
        ("aws_s3_bucket_public_access_block", "block_public_acls", True, False, "critical"),
        ("aws_s3_bucket_public_access_block", "block_public_policy", True, False, "critical"),
        ("aws_s3_bucket_public_access_block", "ignore_public_acls", True, False, "critical"),
        ("aws_s3_bucket_public_access_block", "restrict_public_buckets", True, False, "critical"),
        ("google_storage_bucket", "public_access_prevention", "enforced", "inherited", "critical"),
        ("google_sql_database_instance", "settings[0].ip_configuration[0].ipv4_enabled", False, True, "critical"),
        ("azurerm_storage_account", "allow_nested_items_to_be_public", False, True, "critical"),
        ("azurerm_storage_account", "public_network_access_enabled", False, True, "critical"),
        ("kubernetes_service", "spec[0].type", "ClusterIP", "LoadBalancer", "high"),
        ("aws_lb", "internal", True, False, "critical"),
        # -- what can be had back
        ("aws_s3_bucket_versioning", "versioning_configuration[0].status", "Enabled", "Suspended", "medium"),
        ("google_storage_bucket", "versioning[0].enabled", True, False, "medium"),
        ("aws_dynamodb_table", "point_in_time_recovery[0].enabled", True, False, "medium"),
        ("aws_db_instance", "backup_retention_period", 7, 0, "high"),
        ("aws_rds_cluster", "backup_retention_period", 35, 7, "high"),
        ("aws_elasticache_cluster", "snapshot_retention_limit", 7, 0, "high"),
        ("azurerm_postgresql_flexible_server", "backup_retention_days", 14, 7, "high"),
        ("google_sql_database_instance", "settings[0].backup_configuration[0].enabled", True, False, "high"),
        # -- how much there is
        ("aws_autoscaling_group", "desired_capacity", 4, 0, "high"),
        ("aws_autoscaling_group", "min_size", 2, 0, "high"),
        ("aws_autoscaling_group", "desired_capacity", 4, 2, "high"),
        ("aws_autoscaling_group", "desired_capacity", 4, 3, "medium"),
        ("aws_autoscaling_group", "max_size", 4, 8, "medium"),
        ("aws_ecs_service", "desired_count", 3, 0, "high"),
        ("kubernetes_deployment", "spec[0].replicas", "3", 0, "high"),
        ("aws_eks_node_group", "scaling_config[0].desired_size", 4, 3, "medium"),
        ("google_container_node_pool", "autoscaling[0].min_node_count", 4, 1, "high"),
        ("aws_db_instance", "multi_az", True, False, "medium"),
        # -- what is recorded
        ("aws_cloudwatch_log_group", "retention_in_days", 90, 7, "medium"),
        ("aws_cloudwatch_log_group", "retention_in_days", 0, 7, "medium"),
        ("azurerm_log_analytics_workspace", "retention_in_days", 90, 30, "medium"),
        ("aws_cloudtrail", "enable_logging", True, False, "high"),
        ("aws_lb", "access_logs[0].enabled", True, False, "high"),
        ("aws_cloudwatch_metric_alarm", "actions_enabled", True, False, "medium"),
        ("aws_cloudwatch_event_rule", "state", "ENABLED", "DISABLED", "medium"),
        # -- keys, policies, TLS
        ("aws_kms_key", "enable_key_rotation", True, False, "medium"),
        ("aws_iam_policy", "policy", READ, EVERY_ACTION, "critical"),
        ("aws_iam_policy", "policy", READ, EVERY_RESOURCE, "high"),
        ("aws_iam_role_policy", "policy", READ, EVERY_ACTION, "critical"),
        ("aws_iam_role", "assume_role_policy", TRUST, EVERYBODY, "critical"),
        ("aws_s3_bucket_policy", "policy", TRUST, EVERYBODY, "critical"),
        ("aws_iam_role", "managed_policy_arns", [], ["arn:aws:iam::aws:policy/AdministratorAccess"], "critical"),
        ("aws_iam_policy", "policy", EVERY_RESOURCE, READ, "high"),
        ("aws_lb_listener", "ssl_policy", "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-2016-08", "high"),
        ("aws_lb_listener", "ssl_policy", "ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-2021-06", "medium"),
        ("azurerm_storage_account", "min_tls_version", "TLS1_2", "TLS1_0", "high"),
        ("azurerm_mssql_server", "minimum_tls_version", "1.2", "1.0", "high"),
        ("aws_cloudfront_distribution", "viewer_certificate[0].minimum_protocol_version", "TLSv1.2_2021", "TLSv1", "high"),
        ("aws_instance", "metadata_options[0].http_tokens", "required", "optional", "high"),
        # -- whether it is well
        ("aws_lb_target_group", "health_check[0].path", "/up", "/", "medium"),
        ("aws_lb_target_group", "health_check[0].enabled", True, False, "medium"),
        ("kubernetes_deployment", "spec[0].template[0].spec[0].container[0].liveness_probe[0].http_get[0].path", "/up", "/", "medium"),
        # -- nothing that matters
        ("aws_db_instance", "tags.team", "a", "b", "info"),
        ("aws_instance", "tags_all.Name", "a", ABSENT, "info"),
        ("google_compute_instance", "labels.team", "a", "b", "info"),
        ("kubernetes_deployment", "metadata[0].labels.team", "a", "b", "info"),
        ("aws_security_group", "description", "a", "b", "info"),
        ("aws_instance", "tags.PubliclyAccessible", "false", "true", "info"),
        ("aws_instance", 'tags["deletion_protection"]', "true", "false", "info"),
    ],
)  # fmt: skip
def test_it_is_weighed_by_what_it_opens_or_breaks(
    type_: str, path: str, before: object, after: object, severity: str
) -> None:
    assert _weighed(type_, path, before, after) == severity


def test_a_rule_of_a_network_acl_that_denies_everybody_opens_nothing() -> None:
    there: dict[str, Value] = {"rule_action": "deny", "from_port": 22, "to_port": 22}
    assert _weighed("aws_network_acl_rule", "cidr_block", "10.0.0.0/8", "0.0.0.0/0", there) == "medium"


def test_the_ports_of_a_rule_of_its_own_count() -> None:
    web: dict[str, Value] = {"type": "ingress", "from_port": 443, "to_port": 443}
    for type_, path, after in (
        ("aws_security_group_rule", "cidr_blocks", ALL),
        ("aws_security_group_rule", "ipv6_cidr_blocks", ALL6),
        ("aws_vpc_security_group_ingress_rule", "cidr_ipv4", "0.0.0.0/0"),
    ):
        assert _weighed(type_, path, ABSENT, after, web) == "medium"
        assert _weighed(type_, path, ABSENT, after, {**web, "from_port": 5432, "to_port": 5432}) == "critical"
        assert _weighed(type_, path, ABSENT, after, {**web, "from_port": 0, "to_port": 65535}) == "critical"
