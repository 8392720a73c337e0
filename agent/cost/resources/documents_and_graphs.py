"""DocumentDB and Neptune. https://aws.amazon.com/documentdb/pricing/ · https://aws.amazon.com/neptune/pricing/"""

from __future__ import annotations

from agent.cost.estimate_plan import Planned
from agent.cost.prices import ONE
from agent.cost.resources.lines import MILLION, Case, Family, Mapped, hourly, stored, used
from agent.cost.resources.rds import credits

FAMILY = Family()


@FAMILY.maps("aws_docdb_cluster_instance")
def _docdb_instance(case: Case) -> Mapped:
    kind = case.planned.values.text("instance_class")
    service = "AmazonDocDB"
    usage = case.usage
    return [
        hourly(f"Database instance (on-demand, {kind})", case.query(service, "Database Instance", instanceType=kind, usagetype=f"~InstanceUsage:{kind}")),
        stored("Storage", usage.number("data_storage_gb"), case.query(service, usagetype="~StorageUsage")),
        used("I/O requests", "1M requests", usage.number("monthly_io_requests"), case.query(service, usagetype="~StorageIOUsage"), MILLION),
        *credits(case, kind, "DocDB"),
    ]  # fmt: skip


@FAMILY.maps("aws_docdb_cluster", "aws_docdb_cluster_snapshot")
def _docdb_backup(case: Case) -> Mapped:
    planned = case.planned
    if planned.type == "aws_docdb_cluster" and not _keeps_backups(planned) and not case.usage:
        return []
    return [
        stored(
            "Backup storage",
            case.usage.number("backup_storage_gb"),
            case.query("AmazonDocDB", usagetype="~BackupUsage"),
        )
    ]


def _keeps_backups(planned: Planned) -> bool:
    return (planned.values.number("backup_retention_period") or ONE) > ONE


@FAMILY.maps("aws_neptune_cluster")
def _neptune(case: Case) -> Mapped:
    usage, service = case.usage, "AmazonNeptune"
    lines = [
        stored("Storage", usage.number("storage_gb"), case.query(service, usagetype="~StorageUsage")),
        used("I/O requests", "1M requests", usage.number("monthly_io_requests"), case.query(service, usagetype="~StorageIOUsage"), MILLION),
    ]  # fmt: skip
    if _keeps_backups(case.planned):
        lines.append(
            stored("Backup storage", usage.number("backup_storage_gb"), case.query(service, usagetype="~BackupUsage"))
        )
    return lines


@FAMILY.maps("aws_neptune_cluster_snapshot")
def _neptune_snapshot(case: Case) -> Mapped:
    return [
        stored(
            "Backup storage",
            case.usage.number("backup_storage_gb"),
            case.query("AmazonNeptune", usagetype="~BackupUsage"),
        )
    ]


@FAMILY.maps("aws_neptune_cluster_instance")
def _neptune_instance(case: Case) -> Mapped:
    kind = case.planned.values.text("instance_class")
    count = case.planned.values.number("count") or ONE
    query = case.query("AmazonNeptune", "Database Instance", instanceType=kind)
    return [hourly(f"Database instance (on-demand, {kind})", query, count), *credits(case, kind, "Neptune")]
