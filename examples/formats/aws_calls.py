"""AWS API calls as CloudTrail records them: the request and response of the calls that change the usual things.

Each function returns an `ApiCall`: event source and name, request parameters, response elements, and the ARN it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from examples.formats.output import Json, hex_id


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call without who and when."""

    source: str
    name: str
    request: Json
    response: Json | None = None
    arn: str = ""


def _account_region(arn: str) -> tuple[str, str]:
    parts = arn.split(":")
    return parts[4], parts[3]


def _permissions(cidr: str, port: int, description: str) -> Json:
    described = {"description": description} if description else {}
    return {
        "items": [
            {
                "ipProtocol": "tcp",
                "fromPort": port,
                "toPort": port,
                "groups": {},
                "ipRanges": {"items": [{"cidrIp": cidr, **described}]},
                "ipv6Ranges": {},
                "prefixListIds": {},
            }
        ]
    }


def authorize_ingress(group_arn: str, cidr: str, port: int, description: str = "") -> ApiCall:
    """Open a port of a security group to a range."""
    account, region = _account_region(group_arn)
    group = group_arn.rpartition("/")[2]
    rule = "sgr-0" + hex_id(group, cidr, port)
    return ApiCall(
        "ec2.amazonaws.com",
        "AuthorizeSecurityGroupIngress",
        {"groupId": group, "ipPermissions": _permissions(cidr, port, description)},
        {
            "requestId": hex_id(group, cidr, port, "request", digits=32),
            "_return": True,
            "securityGroupRuleSet": {
                "items": [
                    {
                        "groupOwnerId": account,
                        "groupId": group,
                        "securityGroupRuleId": rule,
                        "isEgress": False,
                        "ipProtocol": "tcp",
                        "fromPort": port,
                        "toPort": port,
                        "cidrIpv4": cidr,
                        "securityGroupRuleArn": f"arn:aws:ec2:{region}:{account}:security-group-rule/{rule}",
                    }
                ]
            },
        },
        group_arn,
    )


def revoke_ingress(group_arn: str, cidr: str, port: int) -> ApiCall:
    """Close a port of a security group to a range."""
    group = group_arn.rpartition("/")[2]
    return ApiCall(
        "ec2.amazonaws.com",
        "RevokeSecurityGroupIngress",
        {"groupId": group, "ipPermissions": _permissions(cidr, port, "")},
        {"requestId": hex_id(group, cidr, port, "revoke", digits=32), "_return": True},
        group_arn,
    )


def modify_rule(rule_arn: str, paths: list[str], target_group_arn: str, priority: int) -> ApiCall:
    """Change a listener rule's path condition."""
    conditions = [{"field": "path-pattern", "pathPatternConfig": {"values": paths}}]
    actions = [{"type": "forward", "targetGroupArn": target_group_arn}]
    return ApiCall(
        "elasticloadbalancing.amazonaws.com",
        "ModifyRule",
        {"ruleArn": rule_arn, "conditions": conditions, "actions": actions},
        {"rules": [{"ruleArn": rule_arn, "priority": str(priority), "conditions": [{"field": "path-pattern", "values": paths}], "actions": actions, "isDefault": False}]},
        rule_arn,
    )  # fmt: skip


def set_rule_priority(rule_arn: str, priority: int) -> ApiCall:
    """Change a listener rule's priority."""
    wanted = [{"ruleArn": rule_arn, "priority": priority}]
    return ApiCall(
        "elasticloadbalancing.amazonaws.com",
        "SetRulePriorities",
        {"rulePriorities": wanted},
        {"rules": [{"ruleArn": rule_arn, "priority": str(priority), "isDefault": False}]},
        rule_arn,
    )


def modify_idle_timeout(lb_arn: str, seconds: int) -> ApiCall:
    """Change a load balancer's idle timeout."""
    attributes = [{"key": "idle_timeout.timeout_seconds", "value": str(seconds)}]
    return ApiCall(
        "elasticloadbalancing.amazonaws.com",
        "ModifyLoadBalancerAttributes",
        {"loadBalancerArn": lb_arn, "attributes": attributes},
        {"attributes": attributes},
        lb_arn,
    )


def modify_database(db_arn: str, **changes: object) -> ApiCall:
    """Change a database instance; `changes` in CloudTrail's spelling (`dBInstanceClass`, `engineVersion`, `backupRetentionPeriod`)."""
    identifier = db_arn.rpartition(":")[2]
    return ApiCall(
        "rds.amazonaws.com",
        "ModifyDBInstance",
        {"dBInstanceIdentifier": identifier, "applyImmediately": True, **changes},
        {"dBInstanceIdentifier": identifier, "dBInstanceArn": db_arn, "dBInstanceStatus": "available", "pendingModifiedValues": changes},
        db_arn,
    )  # fmt: skip


def set_queue_attribute(queue_arn: str, name: str, value: str) -> ApiCall:
    """Change an attribute of a queue (`VisibilityTimeout`, `MessageRetentionPeriod`)."""
    account, region = _account_region(queue_arn)
    url = f"https://sqs.{region}.amazonaws.com/{account}/{queue_arn.rpartition(':')[2]}"
    return ApiCall(
        "sqs.amazonaws.com", "SetQueueAttributes", {"queueUrl": url, "attributes": {name: value}}, None, queue_arn
    )


def put_alarm(alarm_arn: str, threshold: float, metric: str) -> ApiCall:
    """Change an alarm's threshold."""
    name = alarm_arn.rpartition(":")[2]
    return ApiCall(
        "monitoring.amazonaws.com",
        "PutMetricAlarm",
        {"alarmName": name, "metricName": metric, "threshold": threshold, "comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 2, "period": 60},
        None,
        alarm_arn,
    )  # fmt: skip


def modify_cache(cluster_arn: str, nodes: int) -> ApiCall:
    """Change the number of a cache cluster's nodes."""
    name = cluster_arn.rpartition(":")[2]
    return ApiCall(
        "elasticache.amazonaws.com",
        "ModifyCacheCluster",
        {"cacheClusterId": name, "numCacheNodes": nodes, "applyImmediately": True},
        {"cacheClusterId": name, "aRN": cluster_arn, "numCacheNodes": nodes, "cacheClusterStatus": "modifying"},
        cluster_arn,
    )


def put_retention(log_group_arn: str, days: int) -> ApiCall:
    """Change how long a log group is kept."""
    name = log_group_arn.split(":log-group:")[1].removesuffix(":*")
    return ApiCall(
        "logs.amazonaws.com", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": days}, None, log_group_arn
    )


def put_versioning(bucket_arn: str, status: str) -> ApiCall:
    """Switch a bucket's versioning (`Enabled`, `Suspended`)."""
    bucket = bucket_arn.rpartition(":")[2]
    return ApiCall(
        "s3.amazonaws.com",
        "PutBucketVersioning",
        {
            "bucketName": bucket,
            "versioning": "",
            "VersioningConfiguration": {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/", "Status": status},
            "Host": f"{bucket}.s3.amazonaws.com",
        },
        None,
        bucket_arn,
    )


def modify_listener(listener_arn: str, ssl_policy: str) -> ApiCall:
    """Change a listener's TLS policy."""
    return ApiCall(
        "elasticloadbalancing.amazonaws.com",
        "ModifyListener",
        {"listenerArn": listener_arn, "sslPolicy": ssl_policy},
        {"listeners": [{"listenerArn": listener_arn, "port": 443, "protocol": "HTTPS", "sslPolicy": ssl_policy}]},
        listener_arn,
    )


def run_instance(instance_arn: str, instance_type: str, name: str) -> ApiCall:
    """Start one instance."""
    instance = instance_arn.rpartition("/")[2]
    tags = {"items": [{"resourceType": "instance", "tags": [{"key": "Name", "value": name}]}]}
    return ApiCall(
        "ec2.amazonaws.com",
        "RunInstances",
        {"instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]}, "instanceType": instance_type, "tagSpecificationSet": tags},
        {"reservationId": "r-0" + hex_id(instance, "reservation"), "instancesSet": {"items": [{"instanceId": instance, "instanceType": instance_type, "instanceState": {"code": 0, "name": "pending"}}]}},
        instance_arn,
    )  # fmt: skip


def terminate_instance(instance_arn: str) -> ApiCall:
    """End one instance."""
    instance = instance_arn.rpartition("/")[2]
    return ApiCall(
        "ec2.amazonaws.com",
        "TerminateInstances",
        {"instancesSet": {"items": [{"instanceId": instance}]}},
        {"instancesSet": {"items": [{"instanceId": instance, "currentState": {"code": 32, "name": "shutting-down"}, "previousState": {"code": 16, "name": "running"}}]}},
        instance_arn,
    )  # fmt: skip


def describe(source: str, name: str, request: Json | None = None) -> ApiCall:
    """A read: nothing but the request is recorded."""
    return ApiCall(source, name, request or {})
