"""Tealeaf's Terraform states: version 4 files as `terraform` writes them, one lineage an environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from examples.company import ACCOUNT_IDS, REGION, SERVICES
from examples.terraform_code import Knobs

Json = Mapping[str, object]
PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def write_states(directory: Path, applied: list[tuple[datetime, Knobs]]) -> None:
    """Write the last three applies of each environment: the current file and two older ones, with their times."""
    for environment in ("staging", "prod"):
        folder = directory / environment
        folder.mkdir(parents=True)
        newest = len(applied)
        for serial, (at, knobs) in list(enumerate(applied, start=1))[-3:]:
            name = "terraform.tfstate" if serial == newest else f"terraform.tfstate.{int(at.timestamp())}.backup"
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


def _id(*parts: str) -> str:
    return blake2b("/".join(parts).encode(), digest_size=8).hexdigest()


def _arn(environment: str, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_IDS[environment]}:{resource}"


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
    lb = _arn(environment, "elasticloadbalancing", f"loadbalancer/app/tealeaf-{environment}/{_id(environment, 'lb')}")
    listener = lb.replace("loadbalancer", "listener") + f"/{_id(environment, 'https')}"
    group_id = f"sg-0{_id(environment, 'edge')}"

    def group(name: str) -> str:
        return _arn(environment, "elasticloadbalancing", f"targetgroup/{environment}-{name}/{_id(environment, name)}")

    rules = [
        _resource("edge", "aws_lb_listener_rule", s.name, [
            _instance(
                {
                    "id": listener.replace("listener", "listener-rule") + f"/{_id(environment, s.name, 'rule')}",
                    "arn": listener.replace("listener", "listener-rule") + f"/{_id(environment, s.name, 'rule')}",
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
    return [
        _resource("edge", "aws_lb", "edge", [_instance({"id": lb, "arn": lb, "name": f"tealeaf-{environment}", "idle_timeout": knobs.idle_timeout_s, "security_groups": [group_id]}, depends=("module.edge.aws_security_group.edge",))]),
        _resource("edge", "aws_lb_listener", "https", [_instance({"id": listener, "arn": listener, "load_balancer_arn": lb, "port": 443, "protocol": "HTTPS", "ssl_policy": knobs.ssl_policy}, depends=("module.edge.aws_lb.edge",))]),
        *rules,
        _resource("edge", "aws_lb_target_group", "service", [
            _instance({"id": group(s.name), "arn": group(s.name), "name": f"{environment}-{s.name}", "port": s.port, "deregistration_delay": str(knobs.deregistration_s)}, key=s.name)
            for s in SERVICES
        ]),
        _resource("edge", "aws_security_group", "edge", [_instance({"id": group_id, "arn": _arn(environment, "ec2", f"security-group/{group_id}"), "name": f"tealeaf-edge-{environment}"})]),
        _resource("edge", "aws_security_group_rule", "edge_https", [
            _instance({"id": f"sgrule-{int(_id(environment, 'https-in')[:8], 16)}", "security_group_id": group_id, "from_port": 443, "to_port": 443, "cidr_blocks": knobs.edge_cidrs}, depends=("module.edge.aws_security_group.edge",))
        ]),
    ]  # fmt: skip


def _data(environment: str, knobs: Knobs) -> list[Json]:
    database_group = f"sg-0{_id(environment, 'database')}"
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_IDS[environment]}/orders-{environment}"
    bucket = f"tealeaf-receipts-{environment}"
    return [
        _resource("data", "aws_db_instance", "orders", [
            _instance(
                {
                    "id": f"db-{_id(environment, 'orders').upper()}",
                    "arn": _arn(environment, "rds", f"db:orders-{environment}"),
                    "identifier": f"orders-{environment}",
                    "engine_version": knobs.db_version,
                    "instance_class": knobs.db_class[environment],
                    "allocated_storage": knobs.db_storage_gb,
                    "deletion_protection": knobs.db_deletion_protection,
                    "password": f"not-a-real-password-{environment}",
                    "vpc_security_group_ids": [database_group],
                },
                depends=("module.data.aws_security_group.database",),
                sensitive=("password",),
            )
        ]),
        _resource("data", "aws_security_group", "database", [_instance({"id": database_group, "arn": _arn(environment, "ec2", f"security-group/{database_group}"), "name": f"tealeaf-database-{environment}"})]),
        _resource("data", "aws_elasticache_cluster", "sessions", [_instance({"id": f"sessions-{environment}", "arn": _arn(environment, "elasticache", f"cluster:sessions-{environment}"), "num_cache_nodes": knobs.cache_nodes})]),
        _resource("data", "aws_sqs_queue", "orders", [_instance({"id": queue, "url": queue, "arn": _arn(environment, "sqs", f"orders-{environment}"), "visibility_timeout_seconds": knobs.queue_visibility_s})]),
        _resource("data", "aws_s3_bucket", "receipts", [_instance({"id": bucket, "arn": f"arn:aws:s3:::{bucket}", "bucket": bucket})]),
        _resource("data", "aws_cloudwatch_metric_alarm", "queue_depth", [_instance({"id": f"orders-queue-{environment}", "arn": _arn(environment, "cloudwatch", f"alarm:orders-queue-{environment}"), "threshold": knobs.alarm_threshold}, depends=("module.data.aws_sqs_queue.orders",))]),
    ]  # fmt: skip
