"""RDS and Aurora, DocumentDB, Neptune, Redshift. https://aws.amazon.com/rds/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.estimate_plan import Planned
from agent.cost.prices import ONE, Query
from agent.cost.resources.lines import (
    HOURS,
    MILLION,
    THOUSAND,
    Case,
    Family,
    Line,
    Mapped,
    Unpriced,
    hourly,
    stored,
    tiered,
    used,
)
from agent.cost.resources.machines import reservation, vcpus
from agent.cost.resources.support import rds_year

FAMILY = Family()

_ENGINES: dict[str, tuple[str, str]] = {
    # engine: databaseEngine and databaseEdition of the price list
    "aurora": ("Aurora MySQL", ""),
    "aurora-mysql": ("Aurora MySQL", ""),
    "aurora-postgresql": ("Aurora PostgreSQL", ""),
    "mariadb": ("MariaDB", ""),
    "mysql": ("MySQL", ""),
    "postgres": ("PostgreSQL", ""),
    "oracle-se": ("Oracle", "Standard"),
    "oracle-se1": ("Oracle", "Standard One"),
    "oracle-se2": ("Oracle", "Standard Two"),
    "oracle-se2-cdb": ("Oracle", "Standard Two"),
    "oracle-ee": ("Oracle", "Enterprise"),
    "oracle-ee-cdb": ("Oracle", "Enterprise"),
    "sqlserver-ex": ("SQL Server", "Express"),
    "sqlserver-web": ("SQL Server", "Web"),
    "sqlserver-se": ("SQL Server", "Standard"),
    "sqlserver-ee": ("SQL Server", "Enterprise"),
    "db2-se": ("Db2", "Standard"),
    "db2-ae": ("Db2", "Advanced"),
}
_STORAGE: dict[str, tuple[str, str]] = {
    # type: how it is named, the middle of its usage type
    "gp2": ("general purpose SSD, gp2", "GP2-Storage"),
    "gp3": ("general purpose SSD, gp3", "GP3-Storage"),
    "io1": ("provisioned IOPS SSD, io1", "PIOPS-Storage"),
    "io2": ("provisioned IOPS SSD, io2", "PIOPS-Storage-IO2"),
    "standard": ("magnetic", "StorageUsage"),
}
_DEFAULT_GB = Decimal(20)
_LEAST_PROVISIONED_GB, _LEAST_PROVISIONED_IOPS = Decimal(100), Decimal(1_000)
_RETENTION_FREE_DAYS = Decimal(7)


@FAMILY.maps("aws_db_instance")
def _instance(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    kind, engine = values.text("instance_class"), _engine(case)
    if not kind:
        return Unpriced("its instance class is not told")
    if engine not in _ENGINES:
        return Unpriced(f"the engine {engine or 'is not told, nor'} is not known to the price mapping")
    multi = values.flag("multi_az")
    lines = [_running(case, kind, engine, "Multi-AZ" if multi else "Single-AZ")]
    lines += _storage(case, multi)
    lines += _extended(case, engine, kind)
    lines += _insights(case, kind)
    backup = usage.number("additional_backup_storage_gb")
    if backup is not None or (values.number("backup_retention_period") or 0) > 0:
        lines.append(
            stored(
                "Additional backup storage",
                backup,
                _rds(case, "~RDS:ChargedBackupUsage" if "aurora" not in engine else "~Aurora:BackupUsage"),
            )
        )
    return lines + _credits(case, kind, "RDS")


def _engine(case: Case) -> str:
    """The engine; a replica's is that of what it replicates."""
    told = case.planned.values.text("engine")
    if told:
        return told
    for attribute in ("replicate_source_db", "snapshot_identifier"):
        source = case.scene.referred(case.planned, attribute, "aws_db_instance")
        if source is not None and source.values.text("engine"):
            return source.values.text("engine")
    return "mysql" if case.planned.references.get("replicate_source_db") else ""


def _running(case: Case, kind: str, engine: str, zones: str) -> Line:
    name, edition = _ENGINES[engine]
    option = reservation(case.usage)
    licence = case.planned.values.text("license_model")
    if engine.startswith(("oracle", "sqlserver")):
        licence = "Bring your own license" if licence == "bring-your-own-license" else "License included"
        if engine.startswith("oracle-ee") or engine == "oracle-se":
            licence = "Bring your own license"
    elif name == "Db2":
        licence = "Bring your own license"
    else:
        licence = "No license required"
    query = case.query(
        "AmazonRDS", "Database Instance", option=option, instanceType=kind, databaseEngine=name, databaseEdition=edition,
        deploymentOption=zones, licenseModel=licence,
        usagetype="~Multi-AZUsage:*" if zones == "Multi-AZ" else "~InstanceUsage:*",
    )  # fmt: skip
    return hourly(f"Database instance ({'reserved' if option else 'on-demand'}, {zones}, {kind})", query)


def _rds(case: Case, usagetype: str, family: str = "", engine: str = "") -> Query:
    return case.query("AmazonRDS", family, usagetype=usagetype, databaseEngine=engine)


def _storage(case: Case, multi: bool) -> list[Line]:
    values = case.planned.values
    iops = values.number("iops")
    kind = values.text("storage_type") or ("io1" if iops else "gp2")
    size = values.number("allocated_storage")
    if size is None:
        source = case.scene.referred(case.planned, "replicate_source_db", "aws_db_instance")
        size = (source.values.number("allocated_storage") if source else None) or _DEFAULT_GB
    zone = "Multi-AZ-" if multi else ""
    engine = "" if _engine(case).startswith("sqlserver") else "Any"
    name, usagetype = _STORAGE.get(kind, (kind, ""))
    if kind in ("io1", "io2"):
        size = max(size, _LEAST_PROVISIONED_GB)
    lines = [
        stored(
            f"Storage ({name})",
            size,
            _rds(case, f"~RDS:{zone}{usagetype}", "Database Storage", engine) if usagetype else None,
        )
    ]
    if kind in ("io1", "io2"):
        query = _rds(case, f"~RDS:{zone}PIOPS" + ("-IO2" if kind == "io2" else ""), "Provisioned IOPS")
        lines.append(
            Line("Provisioned IOPS", "IOPS", max(iops or _LEAST_PROVISIONED_IOPS, _LEAST_PROVISIONED_IOPS), query)
        )
    if kind == "gp3":
        base, throughput = _gp3_baseline(values.text("engine"), size)
        if iops is not None and iops > base:
            query = _rds(case, f"~RDS:{zone}GP3-PIOPS", "Provisioned IOPS")
            lines.append(Line(f"Provisioned GP3 IOPS (above {base:,})", "IOPS", iops - base, query))
        told = values.number("storage_throughput")
        if told is not None and told > throughput:
            query = _rds(case, f"~RDS:{zone}GP3-Throughput", "Provisioned Throughput")
            lines.append(Line(f"Provisioned GP3 throughput (above {throughput:,})", "MBps", told - throughput, query))
    if kind == "standard":
        query = _rds(case, "~RDS:StorageIOUsage", "System Operation")
        lines.append(
            used("I/O requests", "1M requests", case.usage.number("monthly_standard_io_requests"), query, MILLION)
        )
    return lines


def _gp3_baseline(engine: str, size: Decimal) -> tuple[Decimal, Decimal]:
    """IOPS and MB/s that come with gp3 storage: more from a size on, by engine. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html"""
    striped = not engine.startswith("sqlserver") and size >= (200 if engine.startswith("oracle") else 400)
    return (Decimal(12_000), Decimal(500)) if striped else (Decimal(3_000), Decimal(125))


def _extended(case: Case, engine: str, kind: str) -> list[Line]:
    values = case.planned.values
    if values.text("engine_lifecycle_support").endswith("-disabled"):
        return []
    year = rds_year(engine, values.text("engine_version"), case.today)
    if not year:
        return []
    years = "Yr1-Yr2" if year == 1 else "Yr3"
    query = _rds(case, f"~ExtendedSupport:{years}:*")
    return [Line(f"Extended support (year {year})", "vCPU-hours", vcpus(kind) * HOURS, query)]


def _insights(case: Case, kind: str) -> list[Line]:
    values = case.planned.values
    if not values.flag("performance_insights_enabled"):
        return []
    lines: list[Line] = []
    if (values.number("performance_insights_retention_period") or 0) > _RETENTION_FREE_DAYS:
        query = _rds(case, "~PI_LTR:*", "Performance Insights")
        lines.append(Line(f"Performance Insights Long Term Retention ({kind})", "vCPU-month", vcpus(kind), query))
    calls = case.usage.number("monthly_additional_performance_insights_requests")
    lines.append(
        used(
            "Performance Insights API", "1000 requests", calls, _rds(case, "~PI_API", "Performance Insights"), THOUSAND
        )
    )
    return lines


def _credits(case: Case, kind: str, who: str) -> list[Line]:
    burst = kind.removeprefix("db.").partition(".")[0]
    if burst not in ("t3", "t4g"):
        return []
    told = case.usage.number("monthly_cpu_credit_hrs")
    if told == 0:
        return []
    cpus = case.usage.number("vcpu_count") or vcpus(kind)
    query = case.query(_SERVICES[who], "CPU Credits", usagetype=f"~*CPUCredits:*{burst}")
    if who != "RDS":
        cpus = ONE  # told for the instance as a whole
    return [Line("CPU credits", "vCPU-hours", None if told is None else told * cpus, query)]


_SERVICES = {"RDS": "AmazonRDS", "DocDB": "AmazonDocDB", "Neptune": "AmazonNeptune"}


# -- Aurora


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
            "AmazonRDS", "Serverless", usagetype="~Aurora:ServerlessUsage", databaseEngine=_ENGINES[engine][0]
        )
        lines.append(Line("Aurora serverless", "ACU-hours", None if units is None else units * HOURS, query))
    optimized = values.text("storage_type") == "aurora-iopt1"
    size = usage.number("storage_gb")
    lines.append(
        stored(
            "Storage (I/O-optimized)" if optimized else "Storage",
            size,
            _rds(case, "~Aurora:IO-OptimizedStorageUsage" if optimized else "~Aurora:StorageUsage"),
        )
    )
    if not optimized:
        writes, reads = usage.number("write_requests_per_sec"), usage.number("read_requests_per_sec")
        requests = None if writes is None and reads is None else ((writes or 0) + (reads or 0)) * HOURS * 3_600
        lines.append(used("I/O requests", "1M requests", requests, _rds(case, "~Aurora:StorageIOUsage"), MILLION))
    if (values.number("backup_retention_period") or ONE) > ONE:  # one day is free
        lines.append(stored("Backup storage", _cluster_backup(case), _rds(case, "~Aurora:BackupUsage")))
    tracked = (values.number("backtrack_window") or 0) > 0 or usage.number("backtrack_window_hrs") is not None
    if tracked and engine != "aurora-postgresql":
        lines.append(
            used("Backtrack", "1M change-records", _backtrack(case), _rds(case, "~Aurora:BacktrackUsage"), MILLION)
        )
    lines.append(
        stored("Snapshot export", usage.number("snapshot_export_size_gb"), _rds(case, "~Aurora:SnapshotExportToS3"))
    )
    return lines


def _multi_az_cluster(case: Case, engine: str) -> Mapped:
    values = case.planned.values
    kind = values.text("db_cluster_instance_class")
    if not kind or engine not in _ENGINES:
        return Unpriced("its instance class or engine is not told")
    query = case.query(
        "AmazonRDS", "Database Instance", instanceType=kind, databaseEngine=_ENGINES[engine][0],
        deploymentOption="Multi-AZ (readable standbys)",
    )  # fmt: skip
    lines = [hourly(f"Database instance (on-demand, Multi-AZ cluster, {kind})", query)]
    return [
        *lines,
        stored("Storage", values.number("allocated_storage"), _rds(case, "~RDS:Multi-AZCluster-GP3-Storage")),
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
    if not kind or engine not in _ENGINES:
        return Unpriced("its instance class or engine is not told")
    optimized = cluster is not None and cluster.values.text("storage_type") == "aurora-iopt1"
    if kind == "db.serverless":
        units = case.usage.number("capacity_units_per_hr")
        usagetype = "~Aurora:ServerlessV2IOOptimizedUsage" if optimized else "~Aurora:ServerlessV2Usage"
        query = case.query("AmazonRDS", "ServerlessV2", usagetype=usagetype, databaseEngine=_ENGINES[engine][0])
        lines = [
            Line(
                f"Aurora serverless v2{' (I/O-optimized)' if optimized else ''}",
                "ACU-hours",
                None if units is None else units * HOURS,
                query,
            )
        ]
        return lines + _insights(case, kind)
    option = reservation(case.usage)
    query = case.query(
        "AmazonRDS", "Database Instance", option=option, instanceType=kind, databaseEngine=_ENGINES[engine][0],
        usagetype=f"~InstanceUsageIOOptimized:{kind}" if optimized else f"~InstanceUsage:{kind}",
    )  # fmt: skip
    lines = [hourly(f"Database instance ({'reserved' if option else 'on-demand'}, {kind})", query)]
    version = values.text("engine_version") or (cluster.values.text("engine_version") if cluster else "")
    year = rds_year(engine, version, case.today)
    lines += _credits(case, kind, "RDS")
    if year:
        lines.append(
            Line(
                f"Extended support (year {year})",
                "vCPU-hours",
                vcpus(kind) * HOURS,
                _rds(case, f"~ExtendedSupport:{'Yr1-Yr2' if year == 1 else 'Yr3'}:*"),
            )
        )
    return lines + _insights(case, kind)


@FAMILY.maps("aws_db_snapshot", "aws_db_cluster_snapshot")
def _snapshot(case: Case) -> Mapped:
    return [stored("Backup storage", case.usage.number("backup_storage_gb"), _rds(case, "~RDS:ChargedBackupUsage"))]


# -- DocumentDB and Neptune


@FAMILY.maps("aws_docdb_cluster_instance")
def _docdb_instance(case: Case) -> Mapped:
    kind = case.planned.values.text("instance_class")
    service = "AmazonDocDB"
    usage = case.usage
    return [
        hourly(f"Database instance (on-demand, {kind})", case.query(service, "Database Instance", instanceType=kind, usagetype=f"~InstanceUsage:{kind}")),
        stored("Storage", usage.number("data_storage_gb"), case.query(service, usagetype="~StorageUsage")),
        used("I/O requests", "1M requests", usage.number("monthly_io_requests"), case.query(service, usagetype="~StorageIOUsage"), MILLION),
        *_credits(case, kind, "DocDB"),
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
    return [hourly(f"Database instance (on-demand, {kind})", query, count), *_credits(case, kind, "Neptune")]


@FAMILY.maps("aws_redshift_cluster")
def _redshift(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonRedshift"
    kind = values.text("node_type")
    nodes = values.number("number_of_nodes") or ONE
    lines = [
        hourly(f"Cluster usage (on-demand, {kind})", case.query(service, "Compute Instance", instanceType=kind), nodes)
    ]
    if kind.startswith("ra3"):
        lines.append(
            stored(
                f"Managed storage ({kind})",
                usage.number("managed_storage_gb"),
                case.query(service, "Redshift Managed Storage", usagetype=f"~*{kind}*"),
            )
        )
    lines += [
        Line(f"Concurrency scaling ({kind})", "node-seconds", _times(usage.number("excess_concurrency_scaling_secs"), nodes), case.query(service, "Redshift Concurrency Scaling", instanceType=kind)),
        Line("Spectrum", "TB", usage.number("spectrum_data_scanned_tb"), case.query(service, "Redshift Data Scan")),
        *tiered("Backup storage", "GB", usage.number("backup_storage_gb"), case.query(service, "Storage Snapshot"), [("first 50 TB", 51_200), ("next 450 TB", 460_800), ("over 500 TB", None)]),
    ]  # fmt: skip
    return lines


def _times(amount: Decimal | None, count: Decimal) -> Decimal | None:
    return None if amount is None else amount * count
