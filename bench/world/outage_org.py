"""The topology of a world of outages: services in a chain, a star or a mesh, and the cloud resources that they share."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

from bench.world.model import Organisation, Service
from bench.world.organisation import make_organisation
from bench.world.outage_model import Thing, Topology, Value
from bench.world.outage_words import CACHE_NAMES, QUEUE_WORDS, SERVICE_NAMES, VENDORS

Calls = dict[str, tuple[str, ...]]


def make_topology(random: Random, seed: int) -> Topology:
    """An organisation with its services and what they depend on; what is drawn depends on the seed alone."""
    organisation = _organisation(random, seed)
    names = [s.name for s in organisation.services]
    shape = random.choice(("chain", "star", "mesh"))
    calls = _calls(random, shape, names)
    things: list[Thing] = [*_edge(organisation)]
    needs: dict[str, list[str]] = {n: [] for n in names}
    _databases(random, names, things, needs)
    _caches(random, names, things, needs)
    _queues(random, names, things, needs)
    _compute(random, names, things, needs)
    for name in names:
        things += _service_things(organisation, name)
    things += _network(names)
    sellers = random.sample(names, min(len(names), random.randint(2, 4)))
    vendors: dict[str, str] = dict(zip(sellers, random.sample(VENDORS, len(sellers)), strict=True))
    return Topology(organisation, shape, calls, tuple(things), {k: tuple(v) for k, v in needs.items()}, vendors)


def label_of(name: str) -> str:
    """A Terraform name for a label: no hyphens."""
    return name.replace("-", "_")


def _organisation(random: Random, seed: int) -> Organisation:
    made = make_organisation(random, seed)
    made = replace(made, environments=("staging", "prod"), service_repository=f"{made.github}/services")
    made = replace(made, accounts={e: made.accounts[e] for e in ("staging", "prod")})
    names = random.sample(SERVICE_NAMES, random.randint(4, 14))
    services: list[Service] = []
    for i, name in enumerate(names):
        team = made.teams[i % len(made.teams)]
        services.append(
            Service(name, team.name, random.choice(("tier-1", "tier-2", "tier-3")), 7000 + 10 * i, random.choice(team.members), f"team-{team.name}", made.service_repository)
        )  # fmt: skip
    return replace(made, services=tuple(services))


def _calls(random: Random, shape: str, names: list[str]) -> Calls:
    out: dict[str, list[str]] = {n: [] for n in names}
    if shape == "chain":
        for a, b in pairwise(names):
            out[a].append(b)
    elif shape == "star":
        hub = names[len(names) // 2]
        for name in names:
            if name != hub:
                (out[name] if random.random() < 0.7 else out[hub]).append(hub if name not in out[hub] else name)
        for name in names:  # spokes that the hub calls, the others call it
            if name != hub and not out[name]:
                out[hub].append(name)
    else:
        for i, name in enumerate(names[:-1]):
            later = names[i + 1 :]
            out[name] = random.sample(later, min(len(later), random.randint(1, 3)))
    return {name: tuple(dict.fromkeys(c for c in called if c != name)) for name, called in out.items()}


def _tags(owner: str) -> Value:
    return [f"owner={owner}", "cost_center=cc-100"]


def _edge(organisation: Organisation) -> list[Thing]:
    name = organisation.name
    return [
        Thing("lb", "edge", "aws_lb", "public", f"{name}-public", {"name": f"{name}-public-{{env}}", "idle_timeout": 60, "tags": _tags("platform")}, references={"security_groups": ("aws_security_group.public", "id")}),
        Thing("lb_group", "edge", "aws_security_group", "public", f"{name}-public-sg", {"name": f"{name}-public-{{env}}", "description": "Load balancer", "tags": _tags("platform")}),
        Thing("listener", "edge", "aws_lb_listener", "https", f"{name}-https", {"port": 443, "protocol": "HTTPS", "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06", "certificate_arn": "arn:aws:acm:{env}:certificate/main", "tags": _tags("platform")}, references={"load_balancer_arn": ("aws_lb.public", "arn")}),
        Thing("waf", "edge", "aws_wafv2_rule_group", "ratelimit", f"{name}-ratelimit", {"name": f"{name}-ratelimit-{{env}}", "capacity": 50, "requests_per_5m": 20000, "tags": _tags("platform")}),
    ]  # fmt: skip


def _databases(random: Random, names: list[str], things: list[Thing], needs: dict[str, list[str]]) -> None:
    count = random.randint(1, max(1, min(4, len(names) // 3)))
    owners = random.sample(names, count)
    users: dict[str, list[str]] = {owner: [owner] for owner in owners}
    for name in names:
        if name not in owners and random.random() < 0.55:
            users[random.choice(owners)].append(name)
    for owner in owners:
        label, tf, used = f"{owner}-db", label_of(f"{owner}_db"), tuple(users[owner])
        things += [
            Thing("database", "data", "aws_db_instance", tf, label, {"identifier": f"{label}-{{env}}", "engine": "postgres", "engine_version": "15.7", "instance_class": "db.r6g.xlarge", "backup_retention_period": 7, "allocated_storage": 200, "tags": _tags(owner)}, ("instance_class",), {"vpc_security_group_ids": (f"aws_security_group.{tf}", "id"), "parameter_group_name": (f"aws_db_parameter_group.{tf}", "id")}, used),
            Thing("db_group", "data", "aws_security_group", tf, f"{label}-sg", {"name": f"{label}-{{env}}", "description": f"Access to {label}", "tags": _tags(owner)}, users=used),
            Thing("db_rule", "data", "aws_security_group_rule", f"{tf}_in", f"{label}-ingress", {"type": "ingress", "protocol": "tcp", "from_port": 5432, "to_port": 5432, "cidr_blocks": ["10.40.0.0/16"], "description": "applications"}, references={"security_group_id": (f"aws_security_group.{tf}", "id")}, users=used),
            Thing("db_params", "data", "aws_db_parameter_group", tf, f"{label}-params", {"name": f"{label}-{{env}}", "family": "postgres15", "parameter.max_connections": 400, "parameter.statement_timeout_ms": 60000, "tags": _tags(owner)}, users=used),
        ]  # fmt: skip
        for user in used:
            needs[user].append(label)


def _caches(random: Random, names: list[str], things: list[Thing], needs: dict[str, list[str]]) -> None:
    for label in random.sample(CACHE_NAMES, random.randint(0, 2)):
        used = tuple(random.sample(names, min(len(names), random.randint(1, 4))))
        things.append(
            Thing("cache", "data", "aws_elasticache_cluster", label_of(label), label, {"cluster_id": f"{label}-{{env}}", "engine": "memcached", "node_type": "cache.m6g.large", "num_cache_nodes": 3, "tags": _tags(used[0])}, ("num_cache_nodes", "node_type"), users=used)
        )  # fmt: skip
        for user in used:
            needs[user].append(label)


def _queues(random: Random, names: list[str], things: list[Thing], needs: dict[str, list[str]]) -> None:
    for owner in random.sample(names, random.randint(1, min(3, len(names)))):
        label = f"{owner}-{random.choice(QUEUE_WORDS)}"
        things.append(
            Thing("queue", "data", "aws_sqs_queue", label_of(label), label, {"name": f"{label}-{{env}}", "visibility_timeout_seconds": 300, "message_retention_seconds": 345600, "tags": _tags(owner)}, users=(owner,))
        )  # fmt: skip
        needs[owner].append(label)


def _compute(random: Random, names: list[str], things: list[Thing], needs: dict[str, list[str]]) -> None:
    pool = tuple(names)
    things.append(
        Thing("asg", "compute", "aws_autoscaling_group", "nodes", "cluster-nodes", {"name": "cluster-nodes-{env}", "min_size": 3, "max_size": 24, "capacity_timeout": "10m"}, ("max_size",), users=pool)
    )  # fmt: skip
    for owner in random.sample(names, random.randint(1, min(2, len(names)))):
        label = f"{owner}-worker"
        things.append(
            Thing("function", "compute", "aws_lambda_function", label_of(label), label, {"function_name": f"{label}-{{env}}", "handler": "worker.run", "memory_size": 1024, "timeout": 90, "reserved_concurrent_executions": 80, "tags": _tags(owner)}, ("reserved_concurrent_executions",), {"role": (f"aws_iam_role.{label_of(owner)}", "arn")}, (owner,))
        )  # fmt: skip
        needs[owner].append(label)
    for owner in random.sample(names, random.randint(1, min(2, len(names)))):
        label = f"{owner}-files"
        things.append(
            Thing("bucket", "data", "aws_s3_bucket", label_of(label), label, {"bucket": f"{label}-{{env}}", "lifecycle_rule.expiration_days": 400, "tags": _tags(owner)}, users=(owner,))
        )  # fmt: skip
        needs[owner].append(label)


def _service_things(organisation: Organisation, name: str) -> list[Thing]:
    tf, used = label_of(name), (name,)
    actions: Value = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "sqs:ReceiveMessage", "kms:Decrypt"]
    return [
        Thing("target_group", "edge", "aws_lb_target_group", tf, f"{name}-tg", {"name": f"{name}-{{env}}", "port": 8080, "deregistration_delay": 60, "health_check.path": "/healthz", "health_check.interval": 15, "tags": _tags(name)}, users=used),
        Thing("rule", "edge", "aws_lb_listener_rule", tf, f"{name}-rule", {"priority": organisation.service(name).port // 10, "condition.path_pattern": [f"/{name}/*"], "tags": _tags(name)}, references={"listener_arn": ("aws_lb_listener.https", "arn"), "target_group_arn": (f"aws_lb_target_group.{tf}", "arn")}, users=used),
        Thing("role", "compute", "aws_iam_role", tf, f"{name}-role", {"name": f"{name}-{{env}}", "inline_policy.actions": actions, "max_session_duration": 3600, "tags": _tags(name)}, users=used),
        Thing("log_group", "compute", "aws_cloudwatch_log_group", tf, f"{name}-logs", {"name": f"/{{env}}/{name}", "retention_in_days": 30}, users=used),
        Thing("alarm", "compute", "aws_cloudwatch_metric_alarm", tf, f"{name}-errors-alarm", {"alarm_name": f"{name}-errors-{{env}}", "threshold": 50, "alarm_description": f"errors of {name}"}, users=used),
        Thing("record", "network", "aws_route53_record", tf, f"{name}.internal", {"name": f"{name}.{{env}}.internal", "type": "CNAME", "ttl": 60, "records": [f"{name}.svc.cluster.local"]}, users=used),
    ]  # fmt: skip


def _network(names: list[str]) -> list[Thing]:
    pool = tuple(names)
    return [
        Thing("subnet", "network", "aws_subnet", "pods_a", "pods-a", {"cidr_block": "10.40.1.0/24", "availability_zone": "a", "tags": _tags("platform")}, users=pool),
        Thing("route", "network", "aws_route_table", "private", "private-routes", {"route.nat_gateway_cidr": "0.0.0.0/0", "tags": _tags("platform")}, users=pool),
        Thing("key", "data", "aws_kms_key", "main", "main-key", {"description": "application data", "enabled": True, "deletion_window_in_days": 30}, users=pool),
    ]  # fmt: skip
