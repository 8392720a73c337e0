"""How states and inventories spell what Terraform spells its own way: tables, read by `agent.drift.spelling`.

Left is a path in a side's own words, in snake case and without the index of a block that is alone; right is the word that both sides share
(Terraform's for clouds, the inventory's for Kubernetes) with how to read the value after `|`. `*` is any one step and stands on both sides; `[]` goes
through all blocks of a list, and collects. A name stands for all that is below it. Several words are one value read in several ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Words = Mapping[str, "str | tuple[str, ...]"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one side tells of things of a type.

    Attributes:
        names: path -> shared word, or words.
        keyed: path of a list -> the member that tells its blocks apart.
        steps: single steps under another name, wherever they stand.
        hidden: words whose values are digests: told as different, without values.
        digest: mappings whose whole content is told by one digest, under the word `data_sha256`.
        joined: word -> paths whose values make it, joined by `_`.
    """

    names: Words = field(default_factory=dict[str, "str | tuple[str, ...]"])
    keyed: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: Mapping[str, str] = field(default_factory=dict[str, str])
    hidden: frozenset[str] = frozenset()
    digest: tuple[str, str] | None = None
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


# -- Kubernetes: the shared words are those of the inventory (`ingest/sources/kubernetes/attributes.py`)


def _pod(stem: str) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {
        f"{stem}.service_account_name": "service_account",
        f"{stem}.node_selector": "node_selector",
    }
    for block in ("container", "init_container"):
        one = f"{stem}.{block}.*"
        found |= {
            f"{one}.image": "containers.*.image",
            f"{one}.env[].name": "containers.*.env[]",
            f"{one}.port[].container_port": "containers.*.ports[]",
            f"{one}.resources.limits.*": "containers.*.resources.limits.*|quantity",
            f"{one}.resources.requests.*": "containers.*.resources.requests.*|quantity",
        }
        for probe, told in (("liveness_probe", "livenessProbe"), ("readiness_probe", "readinessProbe"), ("startup_probe", "startupProbe")):  # fmt: skip
            found[f"{one}.{probe}.http_get.path"] = f"containers.*.{told}.path"
            found[f"{one}.{probe}.http_get.port"] = f"containers.*.{told}.port"
    return found


def _workload(template: str) -> Dialect:
    names: dict[str, str | tuple[str, ...]] = {
        "spec.replicas": "replicas",
        "spec.strategy.type": "strategy",
        "spec.update_strategy.type": "strategy",
        "spec.schedule": "schedule",
        "spec.suspend": "suspend",
        **_pod(template),
    }
    keyed = {f"{template}.container": "name", f"{template}.init_container": "name"}
    return Dialect(names, keyed)


_SERVICE = Dialect(
    {
        "spec.type": "type",
        "spec.external_name": "external_name",
        "spec.selector": "selector",
        "spec.port[].port": "ports.port[]",
        "spec.port[].target_port": "ports.target_port[]",
        "spec.port[].protocol": "ports.protocol[]",
    }
)
_INGRESS = Dialect(
    {
        "spec.ingress_class_name": "class",
        "spec.rule[].host": "hosts[]",
        "spec.rule[].http.path[].path": "rules.path[]",
        "spec.rule[].http.path[].backend.service.name": "rules.service[]",
        "spec.rule[].http.path[].backend.service.port.number": "rules.port[]",
        "spec.rule[].http.path[].backend.service.port.name": "rules.port[]",
        "spec.rule[].http.path[].backend.service_name": "rules.service[]",
        "spec.rule[].http.path[].backend.service_port": "rules.port[]",
        "spec.tls[].secret_name": "tls_secrets[]",
    }
)
_AUTOSCALER = Dialect(
    {
        "spec.min_replicas": "min_replicas",
        "spec.max_replicas": "max_replicas",
        "spec.target_cpu_utilization_percentage": "target_cpu_percent",
        "spec.metric[].resource.target.average_utilization": "utilization[]",
    }
)
_CONFIG_MAP = Dialect(
    {"data.*": "keys[]|key", "binary_data.*": "keys[]|key"},
    hidden=frozenset({"data_sha256"}),
    digest=("data", "binary_data"),
)
KUBERNETES: Mapping[str, Dialect] = {
    "Deployment": _workload("spec.template.spec"),
    "StatefulSet": _workload("spec.template.spec"),
    "DaemonSet": _workload("spec.template.spec"),
    "Job": _workload("spec.template.spec"),
    "CronJob": _workload("spec.job_template.spec.template.spec"),
    "Pod": Dialect(_pod("spec"), {"spec.container": "name", "spec.init_container": "name"}),
    "Service": _SERVICE,
    "Ingress": _INGRESS,
    "HorizontalPodAutoscaler": _AUTOSCALER,
    "ConfigMap": _CONFIG_MAP,
    "Secret": Dialect({"data.*": "keys[]|key", "string_data.*": "keys[]|key", "type": "type"}),
}
"""Kind -> how a state tells it."""
KUBERNETES_STEPS: Mapping[str, str] = {
    "containers": "container",
    "init_containers": "init_container",
    "ports": "port",
    "rules": "rule",
    "paths": "path",
    "metrics": "metric",
}
"""The API's names of lists, which Pulumi keeps, as Terraform has them."""
KUBERNETES_INVENTORY = Dialect(
    {
        "containers.*.livenessProbe": ("containers.*.livenessProbe.port|http port", "containers.*.livenessProbe.path|http path"),
        "containers.*.readinessProbe": ("containers.*.readinessProbe.port|http port", "containers.*.readinessProbe.path|http path"),
        "containers.*.startupProbe": ("containers.*.startupProbe.port|http port", "containers.*.startupProbe.path|http path"),
        "containers.*.resources.limits.*": "containers.*.resources.limits.*|quantity",
        "containers.*.resources.requests.*": "containers.*.resources.requests.*|quantity",
        "rules": ("rules.path|rule path", "rules.service|rule service", "rules.port|rule port"),
        "metrics": ("target_cpu_percent|cpu percent", "utilization|percents"),
        "ports": ("ports.port|port", "ports.target_port|target port", "ports.protocol|port protocol"),
    },
    hidden=frozenset({"data_sha256"}),
)  # fmt: skip
KINDS: Mapping[str, str] = {
    "kubernetes_deployment": "Deployment",
    "kubernetes_stateful_set": "StatefulSet",
    "kubernetes_daemonset": "DaemonSet",
    "kubernetes_daemon_set": "DaemonSet",
    "kubernetes_job": "Job",
    "kubernetes_cron_job": "CronJob",
    "kubernetes_pod": "Pod",
    "kubernetes_service": "Service",
    "kubernetes_ingress": "Ingress",
    "kubernetes_config_map": "ConfigMap",
    "kubernetes_secret": "Secret",
    "kubernetes_horizontal_pod_autoscaler": "HorizontalPodAutoscaler",
    "kubernetes_namespace": "Namespace",
}
"""Terraform's type without its version -> kind."""

# -- AWS

AWS: Mapping[str, Dialect] = {
    "aws_sqs_queue": Dialect(
        {
            "visibility_timeout": "visibility_timeout_seconds",
            "message_retention_period": "message_retention_seconds",
            "maximum_message_size": "max_message_size",
            "receive_message_wait_time_seconds": "receive_wait_time_seconds",
            "queue_name": "name",
            "queue_url": "url",
        }
    ),
    "aws_lb_target_group": Dialect({"target_group_name": "name", "target_group_arn": "arn"}),
    "aws_lb_listener_rule": Dialect({"conditions": "condition", "actions": "action", "rule_arn": "arn"}),
    "aws_cloudwatch_metric_alarm": Dialect({"alarm_arn": "arn"}),
    "aws_lambda_function": Dialect({"code_sha256": "source_code_hash"}),
    "aws_db_instance": Dialect(
        {"preferred_backup_window": "backup_window", "preferred_maintenance_window": "maintenance_window"}
    ),
    "aws_rds_cluster": Dialect({"serverless_v2_scaling_configuration": "serverlessv2_scaling_configuration"}),
    "aws_eks_cluster": Dialect({"resources_vpc_config": "vpc_config"}),
    "aws_dynamodb_table": Dialect(
        {
            "billing_mode_summary.billing_mode": "billing_mode",
            "sse_description.status": "server_side_encryption.enabled|switch",
        }
    ),
    "aws_ecs_cluster": Dialect({"settings": "setting"}, {"settings": "name"}),
    "aws_route53_record": Dialect({"alias.hosted_zone_id": "alias.zone_id", "alias.dns_name": "alias.name|host"}),
}
"""What the inventory keeps in the API's own words."""

AWS_STATE: Mapping[str, Dialect] = {
    "aws_db_instance": Dialect({"engine_version_actual": "engine_version"}),
    "aws_rds_cluster": Dialect({"engine_version_actual": "engine_version"}),
    "aws_ecs_cluster": Dialect(keyed={"setting": "name"}),
}
"""What states of Terraform tell in another place: `engine_version` stays as the code has it, `16`, where 16.3 runs."""
CLOUDFORMATION: Mapping[str, Dialect] = {
    "aws_db_instance": Dialect(
        {
            "db_instance_class": "instance_class",
            "db_instance_identifier": "identifier",
            "vpc_security_groups": "vpc_security_group_ids",
            "db_parameter_group_name": "parameter_group_name",
            "enable_performance_insights": "performance_insights_enabled",
        }
    ),
    "aws_rds_cluster": Dialect({"db_cluster_identifier": "cluster_identifier"}),
    "aws_sqs_queue": Dialect(
        {
            "visibility_timeout": "visibility_timeout_seconds",
            "message_retention_period": "message_retention_seconds",
            "maximum_message_size": "max_message_size",
            "receive_message_wait_time_seconds": "receive_wait_time_seconds",
            "queue_name": "name",
        }
    ),
    "aws_security_group": Dialect(
        {"group_name": "name", "group_description": "description"},
    ),
    "aws_autoscaling_group": Dialect({"auto_scaling_group_name": "name", "cooldown": "default_cooldown"}),
    "aws_cloudwatch_log_group": Dialect({"log_group_name": "name"}),
    "aws_ecs_service": Dialect({"service_name": "name"}),
    "aws_elasticache_cluster": Dialect({"cache_node_type": "node_type", "cluster_name": "cluster_id"}),
    "aws_lb_target_group": Dialect(
        {
            "health_check_path": "health_check.path",
            "health_check_port": "health_check.port",
            "health_check_protocol": "health_check.protocol",
            "health_check_enabled": "health_check.enabled",
            "health_check_interval_seconds": "health_check.interval",
            "health_check_timeout_seconds": "health_check.timeout",
            "healthy_threshold_count": "health_check.healthy_threshold",
            "unhealthy_threshold_count": "health_check.unhealthy_threshold",
            "matcher.http_code": "health_check.matcher",
        }
    ),
    "aws_s3_bucket": Dialect(
        {
            "bucket_name": "bucket",
            "versioning_configuration.status": "versioning",
            "public_access_block_configuration": "public_access_block",
        }
    ),
    "aws_iam_role": Dialect({"role_name": "name", "assume_role_policy_document": "assume_role_policy"}),
    "aws_kms_key": Dialect({"pending_window_in_days": "deletion_window_in_days"}),
    "aws_ecr_repository": Dialect({"repository_name": "name"}),
    "aws_dynamodb_table": Dialect(
        {
            "table_name": "name",
            "sse_specification.sse_enabled": "server_side_encryption.enabled",
            "point_in_time_recovery_specification.point_in_time_recovery_enabled": "point_in_time_recovery.enabled",
        }
    ),
}
"""What templates ask for, in Terraform's words."""

_SAME_THING = """
aws_autoscaling_group aws:autoscaling/group:Group AWS::AutoScaling::AutoScalingGroup
aws_cloudwatch_event_rule aws:cloudwatch/eventRule:EventRule AWS::Events::Rule
aws_cloudwatch_log_group aws:cloudwatch/logGroup:LogGroup AWS::Logs::LogGroup
aws_cloudwatch_metric_alarm aws:cloudwatch/metricAlarm:MetricAlarm AWS::CloudWatch::Alarm
aws_db_instance aws:rds/instance:Instance AWS::RDS::DBInstance
aws_db_parameter_group aws:rds/parameterGroup:ParameterGroup AWS::RDS::DBParameterGroup
aws_db_subnet_group aws:rds/subnetGroup:SubnetGroup AWS::RDS::DBSubnetGroup
aws_dynamodb_table aws:dynamodb/table:Table AWS::DynamoDB::Table
aws_ebs_volume aws:ebs/volume:Volume AWS::EC2::Volume
aws_ecr_repository aws:ecr/repository:Repository AWS::ECR::Repository
aws_ecs_cluster aws:ecs/cluster:Cluster AWS::ECS::Cluster
aws_ecs_service aws:ecs/service:Service AWS::ECS::Service
aws_eip aws:ec2/eip:Eip AWS::EC2::EIP
aws_eks_cluster aws:eks/cluster:Cluster AWS::EKS::Cluster
aws_elasticache_cluster aws:elasticache/cluster:Cluster AWS::ElastiCache::CacheCluster
aws_elasticache_replication_group aws:elasticache/replicationGroup:ReplicationGroup AWS::ElastiCache::ReplicationGroup
aws_iam_policy aws:iam/policy:Policy AWS::IAM::ManagedPolicy
aws_iam_role aws:iam/role:Role AWS::IAM::Role
aws_iam_user aws:iam/user:User AWS::IAM::User
aws_instance aws:ec2/instance:Instance AWS::EC2::Instance
aws_kms_key aws:kms/key:Key AWS::KMS::Key
aws_lambda_function aws:lambda/function:Function AWS::Lambda::Function
aws_launch_template aws:ec2/launchTemplate:LaunchTemplate AWS::EC2::LaunchTemplate
aws_lb aws:lb/loadBalancer:LoadBalancer AWS::ElasticLoadBalancingV2::LoadBalancer
aws_lb_listener aws:lb/listener:Listener AWS::ElasticLoadBalancingV2::Listener
aws_lb_listener_rule aws:lb/listenerRule:ListenerRule AWS::ElasticLoadBalancingV2::ListenerRule
aws_lb_target_group aws:lb/targetGroup:TargetGroup AWS::ElasticLoadBalancingV2::TargetGroup
aws_nat_gateway aws:ec2/natGateway:NatGateway AWS::EC2::NatGateway
aws_rds_cluster aws:rds/cluster:Cluster AWS::RDS::DBCluster
aws_route53_zone aws:route53/zone:Zone AWS::Route53::HostedZone
aws_s3_bucket aws:s3/bucket:Bucket AWS::S3::Bucket
aws_s3_bucket aws:s3/bucketV2:BucketV2 AWS::S3::Bucket
aws_security_group aws:ec2/securityGroup:SecurityGroup AWS::EC2::SecurityGroup
aws_sns_topic aws:sns/topic:Topic AWS::SNS::Topic
aws_sqs_queue aws:sqs/queue:Queue AWS::SQS::Queue
aws_ssm_parameter aws:ssm/parameter:Parameter AWS::SSM::Parameter
aws_subnet aws:ec2/subnet:Subnet AWS::EC2::Subnet
aws_vpc aws:ec2/vpc:Vpc AWS::EC2::VPC
azurerm_virtual_machine azurerm_linux_virtual_machine azurerm_windows_virtual_machine
azurerm_virtual_machine_scale_set azurerm_linux_virtual_machine_scale_set azurerm_windows_virtual_machine_scale_set
azurerm_app_service azurerm_linux_web_app azurerm_windows_web_app
google_cloud_run_service google_cloud_run_v2_service
"""
TYPES: Mapping[str, str] = {other: line.split()[0] for line in _SAME_THING.split("\n") if line for other in line.split()[1:]}  # fmt: skip
"""Type in Pulumi, in CloudFormation, or a narrower one of Terraform -> what the inventory calls it."""

# -- Google Cloud

GCP: Mapping[str, Dialect] = {
    "google_compute_instance": Dialect(
        {
            "tags.items": "network_tags",
            "network_interfaces": "network_interface",
            "network_interfaces.network_ip": "network_interface.network_ip",
            "disks": "disk",
            "service_accounts": "service_account",
        }
    ),
    "google_compute_firewall": Dialect(
        {
            "allowed[].ip_protocol": "allow.protocol[]|lower",
            "allowed[].ports": "allow.ports[]",
            "denied[].ip_protocol": "deny.protocol[]|lower",
            "denied[].ports": "deny.ports[]",
        }
    ),
    "google_compute_disk": Dialect({"size_gb": "size"}),
    "google_sql_database_instance": Dialect(
        {
            "settings.data_disk_size_gb": "settings.disk_size",
            "settings.data_disk_type": "settings.disk_type",
            "settings.storage_auto_resize": "settings.disk_autoresize",
        },
        {"settings.database_flags": "name"},
    ),
    "google_storage_bucket": Dialect(
        {
            "iam_configuration.uniform_bucket_level_access.enabled": "uniform_bucket_level_access",
            "iam_configuration.public_access_prevention": "public_access_prevention",
        }
    ),
    "google_container_cluster": Dialect(
        {
            "legacy_abac.enabled": "enable_legacy_abac",
            "shielded_nodes.enabled": "enable_shielded_nodes",
            "current_master_version": "master_version",
        }
    ),
    "google_container_node_pool": Dialect({"config": "node_config"}),
}
"""What the inventory says, in snake case, in Terraform's words. Names that differ in nothing else need no entry."""
GCP_STATE: Mapping[str, Dialect] = {
    "google_compute_instance": Dialect({"tags": "network_tags"}),
    "google_compute_firewall": Dialect(
        {
            "allow[].protocol": "allow.protocol[]|lower",
            "allow[].ports": "allow.ports[]",
            "deny[].protocol": "deny.protocol[]|lower",
            "deny[].ports": "deny.ports[]",
        }
    ),
    "google_sql_database_instance": Dialect(keyed={"settings.database_flags": "name"}),
}

# -- Azure

_PUBLIC = "public_network_access_enabled|switch"
_SKU = {"sku_name": ("sku.tier|database tier", "sku.name")}
AZURE: Mapping[str, Dialect] = {
    "azurerm_storage_account": Dialect(
        {
            "sku.name": ("account_tier|before _", "account_replication_type|after _"),
            "kind": "account_kind",
            "supports_https_traffic_only": "https_traffic_only_enabled",
            "minimum_tls_version": "min_tls_version",
            "public_network_access": _PUBLIC,
            "allow_blob_public_access": "allow_nested_items_to_be_public",
            "allow_shared_key_access": "shared_access_key_enabled",
            "network_acls.default_action": "network_rules.default_action",
            "network_acls.ip_rules[].value": "network_rules.ip_rules[]",
        }
    ),
    "azurerm_network_security_group": Dialect(
        {"security_rules.*.properties.*": "security_rule.*.*", "security_rules.*.name": "security_rule.*.name"},
        {"security_rules": "name"},
    ),
    "azurerm_virtual_machine": Dialect(
        {
            "hardware_profile.vm_size": "size",
            "storage_profile.os_disk.caching": "os_disk.caching",
            "storage_profile.os_disk.disk_size_gb": "os_disk.disk_size_gb",
            "storage_profile.os_disk.managed_disk.storage_account_type": "os_disk.storage_account_type",
            "os_profile.linux_configuration.disable_password_authentication": "disable_password_authentication",
            "os_profile.computer_name": "computer_name",
        }
    ),
    "azurerm_kubernetes_cluster": Dialect(
        {
            "sku.tier": "sku_tier",
            "enable_rbac": "role_based_access_control_enabled",
            "disable_local_accounts": "local_account_disabled",
            "api_server_access_profile.enable_private_cluster": "private_cluster_enabled",
            "agent_pool_profiles": "default_node_pool",
            "agent_pool_profiles.count": "default_node_pool.node_count",
            "agent_pool_profiles.enable_auto_scaling": "default_node_pool.auto_scaling_enabled",
        }
    ),
    "azurerm_postgresql_flexible_server": Dialect(
        {
            "storage.storage_size_gb": "storage_mb|* 1024",
            "backup.backup_retention_days": "backup_retention_days",
            "backup.geo_redundant_backup": "geo_redundant_backup_enabled|switch",
            "network.public_network_access": _PUBLIC,
        },
        joined=_SKU,
    ),
    "azurerm_mysql_flexible_server": Dialect(
        {
            "storage.storage_size_gb": "storage.size_gb",
            "backup.backup_retention_days": "backup_retention_days",
            "backup.geo_redundant_backup": "geo_redundant_backup_enabled|switch",
            "network.public_network_access": _PUBLIC,
        },
        joined=_SKU,
    ),
    "azurerm_mssql_server": Dialect({"minimal_tls_version": "minimum_tls_version", "public_network_access": _PUBLIC}),
    "azurerm_mssql_database": Dialect(
        {"current_service_objective_name": "sku_name", "max_size_bytes": "max_size_gb|/ 1073741824"}
    ),
    "azurerm_redis_cache": Dialect(
        {
            "sku.name": "sku_name",
            "sku.family": "family",
            "sku.capacity": "capacity",
            "enable_non_ssl_port": "non_ssl_port_enabled",
            "public_network_access": _PUBLIC,
        }
    ),
    "azurerm_key_vault": Dialect(
        {
            "sku.name": "sku_name",
            "soft_delete_retention_in_days": "soft_delete_retention_days",
            "enable_purge_protection": "purge_protection_enabled",
            "enable_rbac_authorization": "rbac_authorization_enabled",
            "public_network_access": _PUBLIC,
        }
    ),
    "azurerm_managed_disk": Dialect({"sku.name": "storage_account_type"}),
    "azurerm_container_registry": Dialect(
        {"sku.name": "sku", "admin_user_enabled": "admin_enabled", "public_network_access": _PUBLIC}
    ),
    "azurerm_service_plan": Dialect({"sku.name": "sku_name", "sku.capacity": "worker_count"}),
    "azurerm_app_service": Dialect({"public_network_access": _PUBLIC}),
    "azurerm_log_analytics_workspace": Dialect({"sku.name": "sku"}),
    "azurerm_eventhub_namespace": Dialect({"sku.name": "sku", "sku.capacity": "capacity"}),
    "azurerm_servicebus_namespace": Dialect({"sku.name": "sku", "sku.capacity": "capacity"}),
    "azurerm_public_ip": Dialect(
        {
            "sku.name": "sku",
            "public_ip_allocation_method": "allocation_method",
            "public_ip_address_version": "ip_version",
        }
    ),
    "azurerm_virtual_network": Dialect({"address_space.address_prefixes": "address_space"}),
}
AZURE_STATE: Mapping[str, Dialect] = {
    "azurerm_storage_account": Dialect({"enable_https_traffic_only": "https_traffic_only_enabled"}),
    "azurerm_network_security_group": Dialect(keyed={"security_rule": "name"}),
    "azurerm_redis_cache": Dialect({"enable_non_ssl_port": "non_ssl_port_enabled"}),
    "azurerm_key_vault": Dialect({"enable_rbac_authorization": "rbac_authorization_enabled"}),
    "azurerm_kubernetes_cluster": Dialect({"default_node_pool.enable_auto_scaling": "default_node_pool.auto_scaling_enabled"}),
}  # fmt: skip

# -- parts: resources of their own that an inventory tells as attributes of what they belong to


@dataclass(frozen=True, slots=True)
class Part:
    """A resource that configures another.

    Attributes:
        parent: attributes of it that name the other, the first that is told counts.
        prefix: what makes an ARN of a plain name.
        names: attribute of the other -> its own. Of what the other does not tell nothing is said.
    """

    parent: tuple[str, ...]
    prefix: str
    names: Words


_BUCKET = ("bucket",)
PARTS: Mapping[str, Part] = {
    "aws_s3_bucket_public_access_block": Part(
        _BUCKET,
        "arn:aws:s3:::",
        {f"public_access_block.{n}": n for n in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")},
    ),
    "aws_s3_bucket_versioning": Part(_BUCKET, "arn:aws:s3:::", {"versioning": "versioning_configuration.status"}),
    "aws_s3_bucket_policy": Part(_BUCKET, "arn:aws:s3:::", {"policy": "policy"}),
    "aws_s3_bucket_server_side_encryption_configuration": Part(
        _BUCKET,
        "arn:aws:s3:::",
        {
            "server_side_encryption.apply_server_side_encryption_by_default.sse_algorithm": "rule.apply_server_side_encryption_by_default.sse_algorithm",
            "server_side_encryption.apply_server_side_encryption_by_default.kms_master_key_id": "rule.apply_server_side_encryption_by_default.kms_master_key_id",
            "server_side_encryption.bucket_key_enabled": "rule.bucket_key_enabled",
        },
    ),
    "aws_sns_topic_policy": Part(("arn",), "", {"policy": "policy"}),
}  # fmt: skip
