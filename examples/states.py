"""Tealeaf's Terraform states: version 4 files as `terraform` writes them, one lineage an environment, one serial for each apply that changed something."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from examples.applies import Apply
from examples.arns import Arns, identifier
from examples.company import REGION, SERVICES
from examples.history import START
from examples.terraform_code import Knobs

Json = Mapping[str, object]
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def write_states(directory: Path, applies: list[Apply]) -> None:
    """Write each environment's current state and one backup for each older one, with the times they were written at."""
    for environment in ("staging", "prod"):
        folder = directory / environment
        folder.mkdir(parents=True)
        written = [(START, Knobs())]
        written += [
            (a.written_at, a.after) for a in applies if a.environment == environment and a.succeeded and a.calls
        ]
        for serial, (at, knobs) in enumerate(written, start=1):
            name = "terraform.tfstate" if serial == len(written) else f"terraform.tfstate.{int(at.timestamp())}.backup"
            path = folder / name
            path.write_text(json.dumps(state(environment, knobs, serial), indent=2) + "\n")
            os.utime(path, (at.timestamp(), at.timestamp()))


def state(environment: str, knobs: Knobs, serial: int) -> Json:
    """A state file's content."""
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": str(uuid5(NAMESPACE_DNS, f"{environment}.tealeaf.example")),
        "outputs": {"edge": {"value": f"tealeaf-{environment}.{REGION}.elb.amazonaws.com", "type": "string"}},
        "resources": [*_edge(environment, knobs), *_data(environment, knobs)],
        "check_results": None,
    }


def _resource(module: str, kind: str, name: str, instances: list[Json]) -> Json:
    return {
        "module": f"module.{module}",
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": PROVIDER,
        "instances": instances,
    }


def _instance(
    attributes: Json, *, key: str | None = None, depends: tuple[str, ...] = (), sensitive: tuple[str, ...] = ()
) -> Json:
    return {
        **({"index_key": key} if key else {}),
        "schema_version": 0,
        "attributes": attributes,
        "sensitive_attributes": [[{"type": "get_attr", "value": name}] for name in sensitive],
        **({"dependencies": list(depends)} if depends else {}),
    }


def _edge(environment: str, knobs: Knobs) -> list[Json]:
    arns = Arns(environment)
    lb, listener, group_id = arns.load_balancer, arns.listener, arns.edge_group_id
    group = arns.target_group
    rules = [
        _resource("edge", "aws_lb_listener_rule", s.name, [
            _instance(
                {
                    "id": arns.rule(s.name),
                    "arn": arns.rule(s.name),
                    "listener_arn": listener,
                    "priority": knobs.rule_priorities[s.name],
                    "action": [{"type": "forward", "order": 1, "target_group_arn": group(s.name)}],
                    "condition": [{"path_pattern": [{"values": knobs.rule_paths[s.name]}]}],
                },
                depends=("module.edge.aws_lb.edge", "module.edge.aws_lb_listener.https", "module.edge.aws_lb_target_group.service"),
            )
        ])
        for s in SERVICES
    ]  # fmt: skip
    ssh = [_ingress(arns, "edge_ssh", 22, [knobs.ssh_cidr])] if knobs.ssh_cidr else []
    return [
        _resource("edge", "aws_lb", "edge", [_instance({"id": lb, "arn": lb, "name": f"tealeaf-{environment}", "idle_timeout": knobs.idle_timeout_s, "security_groups": [group_id]}, depends=("module.edge.aws_security_group.edge",))]),
        _resource("edge", "aws_lb_listener", "https", [_instance({"id": listener, "arn": listener, "load_balancer_arn": lb, "port": 443, "protocol": "HTTPS", "ssl_policy": knobs.ssl_policy}, depends=("module.edge.aws_lb.edge",))]),
        *rules,
        _resource("edge", "aws_lb_target_group", "service", [
            _instance({"id": group(s.name), "arn": group(s.name), "name": f"{environment}-{s.name}", "port": s.port, "deregistration_delay": str(knobs.deregistration_s)}, key=s.name)
            for s in SERVICES
        ]),
        _resource("edge", "aws_security_group", "edge", [_instance({"id": group_id, "arn": arns.edge_group, "name": f"tealeaf-edge-{environment}"})]),
        _ingress(arns, "edge_https", 443, knobs.edge_cidrs),
        *ssh,
    ]  # fmt: skip


def _ingress(arns: Arns, name: str, port: int, cidrs: list[str]) -> Json:
    number = int(identifier(arns.environment, "https-in" if port == 443 else name)[:8], 16)
    attributes = {"id": f"sgrule-{number}", "security_group_id": arns.edge_group_id, "type": "ingress", "from_port": port, "to_port": port, "protocol": "tcp", "cidr_blocks": cidrs}  # fmt: skip
    return _resource(
        "edge",
        "aws_security_group_rule",
        name,
        [_instance(attributes, depends=("module.edge.aws_security_group.edge",))],
    )


def _data(environment: str, knobs: Knobs) -> list[Json]:
    arns = Arns(environment)
    queue, bucket = arns.queue_url, f"tealeaf-receipts-{environment}"
    versioning = [
        _resource("data", "aws_s3_bucket_versioning", "receipts", [_instance({"id": bucket, "bucket": bucket, "versioning_configuration": [{"status": "Enabled"}]}, depends=("module.data.aws_s3_bucket.receipts",))])
    ] if knobs.versioned_bucket else []  # fmt: skip
    return [
        _resource("data", "aws_db_instance", "orders", [
            _instance(
                {
                    "id": f"db-{identifier(environment, 'orders').upper()}",
                    "arn": arns.database,
                    "identifier": f"orders-{environment}",
                    "engine_version": knobs.db_version,
                    "instance_class": knobs.db_class[environment],
                    "allocated_storage": knobs.db_storage_gb,
                    "backup_retention_period": knobs.backup_days,
                    "deletion_protection": knobs.db_deletion_protection,
                    "password": f"not-a-real-password-{environment}",
                    "vpc_security_group_ids": [arns.database_group_id],
                },
                depends=("module.data.aws_security_group.database",),
                sensitive=("password",),
            )
        ]),
        _resource("data", "aws_security_group", "database", [_instance({"id": arns.database_group_id, "arn": arns.database_group, "name": f"tealeaf-database-{environment}"})]),
        _resource("data", "aws_elasticache_cluster", "sessions", [_instance({"id": f"sessions-{environment}", "arn": arns.cache, "num_cache_nodes": knobs.cache_nodes})]),
        _resource("data", "aws_sqs_queue", "orders", [_instance({"id": queue, "url": queue, "arn": arns.queue, "visibility_timeout_seconds": knobs.queue_visibility_s})]),
        _resource("data", "aws_s3_bucket", "receipts", [_instance({"id": bucket, "arn": arns.bucket, "bucket": bucket})]),
        *versioning,
        _resource("data", "aws_cloudwatch_log_group", "services", [_instance({"id": f"/tealeaf/{environment}", "arn": arns.log_group, "name": f"/tealeaf/{environment}", "retention_in_days": knobs.log_days})]),
        _resource("data", "aws_cloudwatch_metric_alarm", "queue_depth", [_instance({"id": f"orders-queue-{environment}", "arn": arns.alarm, "alarm_name": f"orders-queue-{environment}", "threshold": knobs.alarm_threshold}, depends=("module.data.aws_sqs_queue.orders",))]),
    ]  # fmt: skip
