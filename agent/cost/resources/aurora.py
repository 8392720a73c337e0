"""Aurora and Multi-AZ clusters, their instances, and snapshots. https://aws.amazon.com/rds/aurora/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, MILLION, Case, Family, Line, Mapped, Unpriced, hourly, stored, used
from agent.cost.resources.machines import reservation
from agent.cost.resources.rds import ENGINES, credits, extended_support, insights, rds

FAMILY = Family()


@FAMILY.maps("aws_rds_cluster")
def _cluster(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    engine = values.text("engine", "aurora-mysql")
    if not engine.startswith("aurora"):
        return _multi_az_cluster(case, engine)
    lines: list[Line] = []
    if values.text("engine_mode") == "serverless":
        units = usage.number("capacity_units_per_hr")
        query = case.query(
            "AmazonRDS", "Serverless", usagetype="~Aurora:ServerlessUsage", databaseEngine=ENGINES[engine][0]
        )
        lines.append(Line("Aurora serverless", "ACU-hours", None if units is None else units * HOURS, query))
    optimized = values.text("storage_type") == "aurora-iopt1"
    size = usage.number("storage_gb")
    lines.append(
        stored(
            "Storage (I/O-optimized)" if optimized else "Storage",
            size,
            rds(case, "~Aurora:IO-OptimizedStorageUsage" if optimized else "~Aurora:StorageUsage"),
        )
    )
    if not optimized:
        writes, reads = usage.number("write_requests_per_sec"), usage.number("read_requests_per_sec")
        requests = None if writes is None and reads is None else ((writes or 0) + (reads or 0)) * HOURS * 3_600
        lines.append(used("I/O requests", "1M requests", requests, rds(case, "~Aurora:StorageIOUsage"), MILLION))
    if (values.number("backup_retention_period") or ONE) > ONE:  # one day is free
        lines.append(stored("Backup storage", _cluster_backup(case), rds(case, "~Aurora:BackupUsage")))
    tracked = (values.number("backtrack_window") or 0) > 0 or usage.number("backtrack_window_hrs") is not None
    if tracked and engine != "aurora-postgresql":
        lines.append(
            used("Backtrack", "1M change-records", _backtrack(case), rds(case, "~Aurora:BacktrackUsage"), MILLION)
        )
    lines.append(
        stored("Snapshot export", usage.number("snapshot_export_size_gb"), rds(case, "~Aurora:SnapshotExportToS3"))
    )
    return lines


def _multi_az_cluster(case: Case, engine: str) -> Mapped:
    values = case.planned.values
    kind = values.text("db_cluster_instance_class")
    if not kind or engine not in ENGINES:
        return Unpriced("its instance class or engine is not told")
    query = case.query(
        "AmazonRDS", "Database Instance", instanceType=kind, databaseEngine=ENGINES[engine][0],
        deploymentOption="Multi-AZ (readable standbys)",
    )  # fmt: skip
    lines = [hourly(f"Database instance (on-demand, Multi-AZ cluster, {kind})", query)]
    return [
        *lines,
        stored("Storage", values.number("allocated_storage"), rds(case, "~RDS:Multi-AZCluster-GP3-Storage")),
    ]


def _cluster_backup(case: Case) -> Decimal | None:
    """What is above the free backup, which is as much as the cluster stores: one snapshot."""
    size = case.usage.number("backup_snapshot_size_gb")
    if size is None:
        return None
    days = case.planned.values.number("backup_retention_period") or ONE
    return size * max(Decimal(0), days - ONE) if days > ONE else Decimal(0)


def _backtrack(case: Case) -> Decimal | None:
    usage = case.usage
    statements, records = usage.number("average_statements_per_hr"), usage.number("change_records_per_statement")
    hours = usage.number("backtrack_window_hrs")
    if statements is None or records is None or hours is None:
        return None
    return statements * records * hours * HOURS


@FAMILY.maps("aws_rds_cluster_instance")
def _cluster_instance(case: Case) -> Mapped:
    values = case.planned.values
    kind = values.text("instance_class")
    cluster = case.scene.referred(case.planned, "cluster_identifier", "aws_rds_cluster")
    engine = values.text("engine") or (cluster.values.text("engine") if cluster else "") or "aurora-mysql"
    if not kind or engine not in ENGINES:
        return Unpriced("its instance class or engine is not told")
    optimized = cluster is not None and cluster.values.text("storage_type") == "aurora-iopt1"
    if kind == "db.serverless":
        units = case.usage.number("capacity_units_per_hr")
        usagetype = "~Aurora:ServerlessV2IOOptimizedUsage" if optimized else "~Aurora:ServerlessV2Usage"
        query = case.query("AmazonRDS", "ServerlessV2", usagetype=usagetype, databaseEngine=ENGINES[engine][0])
        lines = [
            Line(
                f"Aurora serverless v2{' (I/O-optimized)' if optimized else ''}",
                "ACU-hours",
                None if units is None else units * HOURS,
                query,
            )
        ]
        return lines + insights(case, kind)
    option = reservation(case.usage)
    query = case.query(
        "AmazonRDS", "Database Instance", option=option, instanceType=kind, databaseEngine=ENGINES[engine][0],
        usagetype=f"~InstanceUsageIOOptimized:{kind}" if optimized else f"~InstanceUsage:{kind}",
    )  # fmt: skip
    lines = [hourly(f"Database instance ({'reserved' if option else 'on-demand'}, {kind})", query)]
    version = values.text("engine_version") or (cluster.values.text("engine_version") if cluster else "")
    lines += credits(case, kind, "RDS")
    lines += extended_support(case, kind, engine, version)
    return lines + insights(case, kind)


@FAMILY.maps("aws_db_snapshot", "aws_db_cluster_snapshot")
def _snapshot(case: Case) -> Mapped:
    return [stored("Backup storage", case.usage.number("backup_storage_gb"), rds(case, "~RDS:ChargedBackupUsage"))]
