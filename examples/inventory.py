"""What really ran when everything was exported: AWS Config's snapshots, the cluster's objects, and certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.arns import Arns
from examples.audit import PAYWELL_RANGE
from examples.company import CLUSTER, REGION, SERVICES, TODAY
from examples.formats import aws_config, kubernetes
from examples.formats.certificates import Certificate, write_certificates
from examples.formats.deployments import Deployment
from examples.history import START
from examples.terraform_code import Knobs

_REVISIONS = 10
"""How many ReplicaSets a Deployment keeps."""
_ELB = "AWS::ElasticLoadBalancingV2"


def write_inventory(directory: Path, environment: str, knobs: Knobs) -> None:
    """Write the environment's snapshot: what Terraform applied, and what was changed by hand since."""
    aws_config.write_config(directory, _items(Arns(environment), knobs), TODAY)


def _items(arns: Arns, knobs: Knobs) -> list[aws_config.ConfigurationItem]:
    environment = arns.environment
    edge, database = arns.edge_group_id, arns.database_group_id

    def item(arn: str, kind: str, identifier: str, name: str, configuration: dict[str, object], **tags: str) -> aws_config.ConfigurationItem:  # fmt: skip
        tags = {"environment": environment, "managed-by": "terraform"} | tags
        return aws_config.ConfigurationItem(arn, kind, identifier, name, arns.account_id, REGION, TODAY - timedelta(hours=3), START, configuration, tags=tags)  # fmt: skip

    ranges = [{"cidrIp": cidr} for cidr in knobs.edge_cidrs]
    if environment == "prod":  # let in by hand during incident #31, and never brought into the code
        ranges.append({"cidrIp": PAYWELL_RANGE, "description": "Paywell callbacks"})
    idle = 120 if environment == "staging" else knobs.idle_timeout_s
    identifier = f"orders-{environment}"
    bucket = f"tealeaf-receipts-{environment}"
    items = [
        item(arns.load_balancer, f"{_ELB}::LoadBalancer", arns.load_balancer, f"tealeaf-{environment}", {"loadBalancerArn": arns.load_balancer, "loadBalancerName": f"tealeaf-{environment}", "scheme": "internet-facing", "type": "application", "securityGroups": [edge], "idleTimeout": idle, "state": {"code": "active"}}),
        item(arns.listener, f"{_ELB}::Listener", arns.listener, "", {"ListenerArn": arns.listener, "LoadBalancerArn": arns.load_balancer, "Port": 443, "Protocol": "HTTPS", "SslPolicy": knobs.ssl_policy}),
        item(arns.edge_group, "AWS::EC2::SecurityGroup", edge, f"tealeaf-edge-{environment}", {"groupId": edge, "groupName": f"tealeaf-edge-{environment}", "ipPermissions": [{"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "ipv4Ranges": ranges}]}),
        item(arns.database_group, "AWS::EC2::SecurityGroup", database, f"tealeaf-database-{environment}", {"groupId": database, "groupName": f"tealeaf-database-{environment}", "ipPermissions": [{"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "userIdGroupPairs": [{"groupId": edge}]}]}),
        item(arns.database, "AWS::RDS::DBInstance", f"db-{identifier}", identifier, {"dBInstanceIdentifier": identifier, "dBInstanceArn": arns.database, "dBInstanceClass": knobs.db_class[environment], "engine": "postgres", "engineVersion": knobs.db_version, "allocatedStorage": knobs.db_storage_gb, "backupRetentionPeriod": knobs.backup_days, "deletionProtection": knobs.db_deletion_protection}, service="orders"),
        item(arns.queue, "AWS::SQS::Queue", arns.queue_url, identifier, {"QueueName": identifier, "QueueUrl": arns.queue_url, "Arn": arns.queue, "VisibilityTimeout": knobs.queue_visibility_s}, service="orders"),
        item(arns.bucket, "AWS::S3::Bucket", bucket, bucket, {"name": bucket}),
        item(arns.alarm, "AWS::CloudWatch::Alarm", arns.alarm, f"orders-queue-{environment}", {"alarmArn": arns.alarm, "alarmName": f"orders-queue-{environment}", "threshold": knobs.alarm_threshold, "metricName": "ApproximateNumberOfMessagesVisible"}, service="orders"),
    ]  # fmt: skip
    if environment == "prod":  # what the stack of the audit trail made
        logs = "tealeaf-cloudtrail-logs"
        items.append(
            item(
                f"arn:aws:s3:::{logs}",
                "AWS::S3::Bucket",
                logs,
                logs,
                {"name": logs},
                **{"managed-by": "cloudformation"},
            )
        )
    for s in SERVICES:
        rule, group = arns.rule(s.name), arns.target_group(s.name)
        items.append(item(rule, f"{_ELB}::ListenerRule", rule, "", {"RuleArn": rule, "Priority": str(knobs.rule_priorities[s.name]), "Conditions": [{"Field": "path-pattern", "Values": knobs.rule_paths[s.name]}], "Actions": [{"Type": "forward", "TargetGroupArn": group}]}, service=s.name))  # fmt: skip
        items.append(item(group, f"{_ELB}::TargetGroup", group, f"{environment}-{s.name}", {"TargetGroupArn": group, "TargetGroupName": f"{environment}-{s.name}", "Port": s.port, "Protocol": "HTTP"}, service=s.name))  # fmt: skip
    return items


def write_cluster(directory: Path, deploys: list[Deployment]) -> None:
    """Write prod's objects: each successful deploy is a revision, of which the last ten are kept."""
    began = START - timedelta(days=30)
    workloads: list[kubernetes.Workload] = []
    events: list[kubernetes.KubernetesEvent] = []
    for s in SERVICES:
        mine = [d for d in deploys if d.service == s.name and d.environment == "prod" and d.outcome == "succeeded"]
        image = f"registry.tealeaf.example/{s.name}"
        rollouts = [
            kubernetes.Rollout(i, f"{image}:{d.version}", d.started_at + timedelta(seconds=30), d.title)
            for i, d in enumerate(sorted(mine, key=lambda d: d.finished_at), 1)
        ]
        labels = {"team": s.team, "app.kubernetes.io/name": s.name}
        workloads.append(kubernetes.Workload(s.name, "prod", 3, s.port, began, tuple(rollouts[-_REVISIONS:]), labels))
        last = rollouts[-1]
        events.append(
            kubernetes.KubernetesEvent("prod", "Deployment", s.name, "ScalingReplicaSet", f"Scaled up replica set {s.name} to 3", last.at + timedelta(seconds=1), component="deployment-controller")
        )  # fmt: skip
    events.append(
        kubernetes.KubernetesEvent("prod", "Deployment", "search", "FailedScheduling", "0/6 nodes are available: 6 Insufficient memory.", TODAY - timedelta(hours=2), type="Warning", component="default-scheduler", count=3)
    )  # fmt: skip
    kubernetes.write_kubernetes(directory, CLUSTER, workloads, sorted(events, key=lambda e: e.at))


def write_pems(directory: Path) -> None:
    """Write the certificates at the edge, last year's one too, and the one between services."""

    def year(end: datetime, domain: str, *names: str) -> Certificate:
        return Certificate(domain, end - timedelta(days=365), end, "Camellia Trust CA", names)

    write_certificates(
        directory,
        [
            year(datetime(2025, 12, 12, 12, tzinfo=UTC), "tealeaf.example", "www.tealeaf.example"),
            year(datetime(2026, 12, 12, 12, tzinfo=UTC), "tealeaf.example", "www.tealeaf.example"),
            year(datetime(2027, 3, 2, 12, tzinfo=UTC), "staging.tealeaf.example"),
            year(datetime(2027, 8, 20, 12, tzinfo=UTC), "*.internal.tealeaf.example"),
        ],
    )
