"""ARNs from what AWS APIs tell: the same resource has the same ARN whether an inventory, an audit log or a state speaks of it.

Formats: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

_EC2_IDS = {
    "sg": "security-group",
    "sgr": "security-group-rule",
    "i": "instance",
    "vpc": "vpc",
    "subnet": "subnet",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "vol": "volume",
    "snap": "snapshot",
    "ami": "image",
    "acl": "network-acl",
    "vpce": "vpc-endpoint",
    "pcx": "vpc-peering-connection",
    "tgw": "transit-gateway",
    "lt": "launch-template",
    "dopt": "dhcp-options",
    "pl": "prefix-list",
    "vgw": "vpn-gateway",
    "key": "key-pair",
    "fl": "vpc-flow-log",
}
"""Prefix of an EC2 id -> resource type in its ARN."""
_EC2_ID = re.compile(r"([a-z]{1,9})-[0-9a-f]{8,17}")
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/(.+)")
_GENERATED = re.compile(
    r"(?:aws-go-sdk|botocore-session|aws-sdk-[a-z0-9]+|awscli-session|aws-cli-session|session)-\d{9,20}", re.I
)
"""Session names that SDKs make up anew for each session: they name nobody."""
_AUTO_SCALING = re.compile(
    r"(arn:aws[a-z-]*:autoscaling:[^:]*:\d{12}:autoScalingGroup:)[^:]*(:autoScalingGroupName/.+)", re.S
)

_TYPES = {
    "acm": {"certificate": "acm_certificate"},
    "apigateway": {"/restapis": "api_gateway_rest_api", "/apis": "apigatewayv2_api"},
    "autoscaling": {
        "autoScalingGroup": "autoscaling_group",
        "launchConfiguration": "launch_configuration",
        "scalingPolicy": "autoscaling_policy",
    },
    "backup": {"backup-plan": "backup_plan", "backup-vault": "backup_vault"},
    "cloudformation": {"stack": "cloudformation_stack"},
    "cloudfront": {
        "distribution": "cloudfront_distribution",
        "function": "cloudfront_function",
        "cache-policy": "cloudfront_cache_policy",
        "origin-access-control": "cloudfront_origin_access_control",
    },
    "cloudtrail": {"trail": "cloudtrail"},
    "cloudwatch": {"alarm": "cloudwatch_metric_alarm", "dashboard": "cloudwatch_dashboard"},
    "codebuild": {"project": "codebuild_project"},
    "dynamodb": {"table": "dynamodb_table"},
    "ec2": {
        "dhcp-options": "vpc_dhcp_options",
        "elastic-ip": "eip",
        "image": "ami",
        "instance": "instance",
        "internet-gateway": "internet_gateway",
        "key-pair": "key_pair",
        "launch-template": "launch_template",
        "natgateway": "nat_gateway",
        "network-acl": "network_acl",
        "network-interface": "network_interface",
        "prefix-list": "ec2_managed_prefix_list",
        "route-table": "route_table",
        "security-group": "security_group",
        "security-group-rule": "security_group_rule",
        "snapshot": "ebs_snapshot",
        "subnet": "subnet",
        "transit-gateway": "ec2_transit_gateway",
        "volume": "ebs_volume",
        "vpc": "vpc",
        "vpc-endpoint": "vpc_endpoint",
        "vpc-flow-log": "flow_log",
        "vpc-peering-connection": "vpc_peering_connection",
        "vpn-gateway": "vpn_gateway",
    },
    "ecr": {"repository": "ecr_repository"},
    "ecs": {"cluster": "ecs_cluster", "service": "ecs_service", "task-definition": "ecs_task_definition"},
    "eks": {
        "access-entry": "eks_access_entry",
        "addon": "eks_addon",
        "cluster": "eks_cluster",
        "fargateprofile": "eks_fargate_profile",
        "nodegroup": "eks_node_group",
    },
    "elasticache": {
        "cluster": "elasticache_cluster",
        "parametergroup": "elasticache_parameter_group",
        "replicationgroup": "elasticache_replication_group",
        "subnetgroup": "elasticache_subnet_group",
    },
    "elasticfilesystem": {"file-system": "efs_file_system"},
    "elasticloadbalancing": {
        "listener": "lb_listener",
        "listener-rule": "lb_listener_rule",
        "loadbalancer": "elb",
        "loadbalancer/app": "lb",
        "loadbalancer/gwy": "lb",
        "loadbalancer/net": "lb",
        "targetgroup": "lb_target_group",
    },
    "es": {"domain": "opensearch_domain"},
    "events": {"rule": "cloudwatch_event_rule"},
    "firehose": {"deliverystream": "kinesis_firehose_delivery_stream"},
    "iam": {
        "group": "iam_group",
        "instance-profile": "iam_instance_profile",
        "oidc-provider": "iam_openid_connect_provider",
        "policy": "iam_policy",
        "role": "iam_role",
        "saml-provider": "iam_saml_provider",
        "server-certificate": "iam_server_certificate",
        "user": "iam_user",
    },
    "kafka": {"cluster": "msk_cluster"},
    "kinesis": {"stream": "kinesis_stream"},
    "kms": {"alias": "kms_alias", "key": "kms_key"},
    "lambda": {
        "event-source-mapping": "lambda_event_source_mapping",
        "function": "lambda_function",
        "layer": "lambda_layer_version",
    },
    "logs": {"log-group": "cloudwatch_log_group"},
    "rds": {
        "cluster": "rds_cluster",
        "cluster-pg": "rds_cluster_parameter_group",
        "cluster-snapshot": "db_cluster_snapshot",
        "db": "db_instance",
        "es": "db_event_subscription",
        "og": "db_option_group",
        "pg": "db_parameter_group",
        "snapshot": "db_snapshot",
        "subgrp": "db_subnet_group",
    },
    "redshift": {"cluster": "redshift_cluster"},
    "route53": {"healthcheck": "route53_health_check", "hostedzone": "route53_zone"},
    "secretsmanager": {"secret": "secretsmanager_secret"},
    "ssm": {"document": "ssm_document", "parameter": "ssm_parameter"},
    "states": {"stateMachine": "sfn_state_machine"},
    "wafv2": {"global/webacl": "wafv2_web_acl", "regional/webacl": "wafv2_web_acl"},
}
"""Service -> beginning of an ARN's resource -> Terraform's name of the type, without `aws_`."""


def ec2(account_id: str, region: str, resource_id: str, partition: str = "aws") -> str:
    """The ARN of what an EC2 id (`sg-…`, `i-…`) names; empty when it is none that we know."""
    if (m := _EC2_ID.fullmatch(resource_id)) is None or m[1] not in _EC2_IDS or not (account_id and region):
        return ""
    owner = "" if m[1] in ("ami", "snap") else account_id
    return f"arn:{partition}:ec2:{region}:{owner}:{_EC2_IDS[m[1]]}/{resource_id}"


def s3_bucket(name: str, partition: str = "aws") -> str:
    """The ARN of a bucket."""
    return f"arn:{partition}:s3:::{name}"


def route53_zone(zone_id: str, partition: str = "aws") -> str:
    """The ARN of a hosted zone; `/hostedzone/Z1` and `Z1` are the same."""
    return f"arn:{partition}:route53:::hostedzone/{zone_id.rpartition('/')[2]}"


def route53_record(zone_id: str, name: str, record_type: str, set_identifier: str = "", partition: str = "aws") -> str:
    """What names a record set, which has no ARN: its zone's, its name without the last dot, its type and its set identifier."""
    record = f"{route53_zone(zone_id, partition)}/recordset/{name.rstrip('.').lower()}/{record_type.upper()}"
    return f"{record}/{set_identifier}" if set_identifier else record


def regional(service: str, account_id: str, region: str, resource: str, partition: str = "aws") -> str:
    """Any ARN of the usual shape: `regional("rds", "1111…", "eu-west-1", "db:shop")`."""
    return f"arn:{partition}:{service}:{region}:{account_id}:{resource}"


def canonical(arn: str) -> str:
    """The ARN without what only some APIs tell: the UUID of an Auto Scaling group, the `:*` of a log group."""
    if ":log-group:" in arn:  # some APIs tell a group as all of its streams
        arn = arn.removesuffix(":*")
    return _AUTO_SCALING.sub(r"\1*\2", arn)


def auto_scaling_group(name: str, account_id: str, region: str, partition: str = "aws") -> str:
    """What names an Auto Scaling group where its UUID is not told; equal to `canonical` of its ARN."""
    return f"arn:{partition}:autoscaling:{region}:{account_id}:autoScalingGroup:*:autoScalingGroupName/{name}"


def principal(arn: str) -> str:
    """The ARN that names an account of a person or machine; `sts` sessions keep role and session name.

    Role sessions of AWS SSO keep the permission set's role without its random suffix, so that the account outlives a redeployed role.
    A session name that an SDK made up (`aws-go-sdk-1722…`) is `*`: all such sessions of a role are one account.
    """
    if (m := _SESSION.fullmatch(arn)) is None:
        return arn
    role = m[3].rpartition("_")[0] if m[3].startswith("AWSReservedSSO_") else m[3]
    session = "*" if _GENERATED.fullmatch(m[4]) else m[4]
    return f"arn:{m[1]}:sts::{m[2]}:assumed-role/{role}/{session}"


def session_name(arn: str) -> str:
    """The session name of an assumed role's ARN (with SSO: the user's name or mail address); empty for others."""
    return m[4] if (m := _SESSION.fullmatch(arn)) is not None else ""


def role_name(arn: str) -> str:
    """The role's name in a role session's ARN; empty for others."""
    return m[3] if (m := _SESSION.fullmatch(arn)) is not None else ""


class Arn(NamedTuple):
    """An ARN in its parts; `region` and `account_id` are empty for what is global."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str


def parse(arn: str) -> Arn | None:
    """The parts of an ARN; None when the text is none."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1].startswith("aws") or not (parts[2] and parts[5]):
        return None
    return Arn(*parts[1:])


def resource_type(arn: str) -> str:
    """Terraform's type of what an ARN names, `aws_lb_listener_rule`; empty when it is not known."""
    if (parts := parse(arn)) is None:
        return ""
    resource = parts.resource
    if parts.service == "s3":
        return "aws_s3_object" if "/" in resource else "aws_s3_bucket"
    if parts.service == "sqs":
        return "aws_sqs_queue"
    if parts.service == "sns":
        return "aws_sns_topic_subscription" if ":" in resource else "aws_sns_topic"
    if parts.service == "route53" and "/recordset/" in resource:
        return "aws_route53_record"
    types = _TYPES.get(parts.service, {})
    first, second = "/".join(resource.split("/")[:1]), "/".join(resource.split("/")[:2])
    found = types.get(second) or types.get(first.partition(":")[0])
    return f"aws_{found}" if found else ""


def resource_name(arn: str) -> str:
    """What an engineer calls the thing: the name or id in its ARN (`checkout`, `sg-…`); of a load balancer's parts the balancer's name."""
    if (parts := parse(arn)) is None:
        return ""
    resource = parts.resource
    if parts.service == "elasticloadbalancing":
        steps = resource.split("/")
        return steps[2] if steps[0] != "targetgroup" and len(steps) > 2 else steps[min(1, len(steps) - 1)]
    if parts.service == "route53" and "/recordset/" in resource:
        return resource.split("/recordset/", 1)[1].split("/")[0]
    if parts.service == "ssm" and resource.startswith("parameter/"):
        name = resource.removeprefix("parameter/")
        return f"/{name}" if "/" in name else name
    if parts.service == "secretsmanager":
        return re.sub(r"-[A-Za-z0-9]{6}$", "", resource.partition(":")[2])
    if parts.service == "logs":
        return resource.removeprefix("log-group:").removesuffix(":*")
    if parts.service == "ecs" and resource.startswith("task-definition/"):
        return resource.partition("/")[2].partition(":")[0]
    if parts.service == "lambda":
        return resource.split(":")[1] if ":" in resource else resource
    if parts.service == "eks" and resource.startswith(("nodegroup/", "fargateprofile/", "addon/")):
        return resource.split("/")[2] if resource.count("/") > 1 else resource
    return resource.rpartition("/")[2].rpartition(":")[2] if parts.service != "s3" else resource
