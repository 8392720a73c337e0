"""ElastiCache. https://aws.amazon.com/elasticache/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import Case, Family, Line, Mapped, Unpriced, hourly, stored
from agent.cost.resources.machines import reservation

FAMILY = Family()
_ENGINES = {"redis": "Redis", "memcached": "Memcached", "valkey": "Valkey"}


@FAMILY.maps("aws_elasticache_cluster")
def _cluster(case: Case) -> Mapped:
    values = case.planned.values
    group = case.scene.referred(case.planned, "replication_group_id", "aws_elasticache_replication_group")
    source = group.values if group else values
    kind = source.text("node_type") or values.text("node_type")
    engine = values.text("engine") or source.text("engine", "redis")
    return _nodes(
        case, kind, engine, values.number("num_cache_nodes") or ONE, values.number("snapshot_retention_limit")
    )


@FAMILY.maps("aws_elasticache_replication_group")
def _group(case: Case) -> Mapped:
    values = case.planned.values
    mode = values.block("cluster_mode")
    shards = values.number("num_node_groups") or mode.number("num_node_groups")
    replicas = values.number("replicas_per_node_group")
    if replicas is None:
        replicas = mode.number("replicas_per_node_group")
    scaled_shards, scaled_replicas = _scaled(case, "NodeGroups"), _scaled(case, "Replicas")
    scaled = scaled_shards is not None or scaled_replicas is not None
    shards = shards if scaled_shards is None else scaled_shards
    replicas = replicas if scaled_replicas is None else scaled_replicas
    nodes = values.number("num_cache_clusters") or values.number("number_cache_clusters")
    if shards is not None and (replicas is not None or nodes is None):
        nodes = shards * ((replicas or Decimal(0)) + ONE)
    kind = values.text("node_type")
    if not kind:
        whole = case.scene.referred(
            case.planned, "global_replication_group_id", "aws_elasticache_global_replication_group"
        )
        first = whole and case.scene.referred(
            whole, "primary_replication_group_id", "aws_elasticache_replication_group"
        )
        kind = first.values.text("node_type") if first else ""
    return _nodes(
        case, kind, values.text("engine", "redis"), nodes or ONE, values.number("snapshot_retention_limit"), scaled
    )


def _scaled(case: Case, what: str) -> Decimal | None:
    """How many there are of what scales on its own: what the usage file tells of its target, else the least."""
    own = case.planned.values.text("replication_group_id")
    for target in case.scene.of_type("aws_appautoscaling_target"):
        said = target.values
        if said.text("scalable_dimension") != f"elasticache:replication-group:{what}":
            continue
        group = case.scene.referred(target, "resource_id", "aws_elasticache_replication_group")
        if group is case.planned or (
            group is None and own and said.text("resource_id").removeprefix("replication-group/") == own
        ):
            told = case.usage_of(target).number("capacity")
            return said.number("min_capacity") if told is None else told
    return None


def _nodes(
    case: Case, kind: str, engine: str, count: Decimal, retention: Decimal | None, scaled: bool = False
) -> Mapped:
    if not kind:
        return Unpriced("its node type is not told")
    option = reservation(case.usage)
    query = case.query(
        "AmazonElastiCache",
        "Cache Instance",
        option=option,
        instanceType=kind,
        cacheEngine=_ENGINES.get(engine, engine),
    )
    lines: list[Line] = [
        hourly(
            f"ElastiCache ({'reserved' if option else 'on-demand'}, {kind}{', autoscaling' if scaled else ''})",
            query,
            count,
        )
    ]
    if engine != "memcached" and retention is not None and retention > ONE:
        size = case.usage.number("snapshot_storage_size_gb")
        # one snapshot of each node is free
        extra = None if size is None else size * (retention - ONE)
        lines.append(stored("Backup storage", extra, case.query("AmazonElastiCache", "Storage Snapshot")))
    return lines


@FAMILY.maps("aws_elasticache_serverless_cache")
def _serverless(case: Case) -> Mapped:
    return [
        stored("Data stored", case.usage.number("storage_gb"), case.query("AmazonElastiCache", usagetype="~CachedData:*")),
        Line("ElastiCache processing units", "1M ECPUs", None, case.query("AmazonElastiCache", usagetype="~ElastiCacheProcessingUnits:*"), per=Decimal(1_000_000)),
    ]  # fmt: skip
