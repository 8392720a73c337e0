"""RDS instances, and the instances of DMS that move databases. https://aws.amazon.com/rds/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.resources.lines import MILLION, Case, Family, Line, Mapped, Unpriced, hourly, stored, used
from agent.cost.resources.machines import reservation
from agent.cost.resources.rds import ENGINES, credits, extended_support, insights, rds

FAMILY = Family()
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


@FAMILY.maps("aws_db_instance")
def _instance(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    kind, engine = values.text("instance_class"), _engine(case)
    if not kind:
        return Unpriced("its instance class is not told")
    if engine not in ENGINES:
        return Unpriced(f"the engine {engine or 'is not told, nor'} is not known to the price mapping")
    multi = values.flag("multi_az")
    lines = [_running(case, kind, engine, "Multi-AZ" if multi else "Single-AZ")]
    lines += _storage(case, multi)
    if not values.text("engine_lifecycle_support").endswith("-disabled"):
        lines += extended_support(case, kind, engine, values.text("engine_version"))
    lines += insights(case, kind)
    backup = usage.number("additional_backup_storage_gb")
    if backup is not None or (values.number("backup_retention_period") or 0) > 0:
        lines.append(
            stored(
                "Additional backup storage",
                backup,
                rds(case, "~RDS:ChargedBackupUsage" if "aurora" not in engine else "~Aurora:BackupUsage"),
            )
        )
    return lines + credits(case, kind, "RDS")


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
    name, edition = ENGINES[engine]
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
            rds(case, f"~RDS:{zone}{usagetype}", "Database Storage", engine) if usagetype else None,
        )
    ]
    if kind in ("io1", "io2"):
        query = rds(case, f"~RDS:{zone}PIOPS" + ("-IO2" if kind == "io2" else ""), "Provisioned IOPS")
        lines.append(
            Line("Provisioned IOPS", "IOPS", max(iops or _LEAST_PROVISIONED_IOPS, _LEAST_PROVISIONED_IOPS), query)
        )
    if kind == "gp3":
        base, throughput = _gp3_baseline(values.text("engine"), size)
        if iops is not None and iops > base:
            query = rds(case, f"~RDS:{zone}GP3-PIOPS", "Provisioned IOPS")
            lines.append(Line(f"Provisioned GP3 IOPS (above {base:,})", "IOPS", iops - base, query))
        told = values.number("storage_throughput")
        if told is not None and told > throughput:
            query = rds(case, f"~RDS:{zone}GP3-Throughput", "Provisioned Throughput")
            lines.append(Line(f"Provisioned GP3 throughput (above {throughput:,})", "MBps", told - throughput, query))
    if kind == "standard":
        query = rds(case, "~RDS:StorageIOUsage", "System Operation")
        lines.append(
            used("I/O requests", "1M requests", case.usage.number("monthly_standard_io_requests"), query, MILLION)
        )
    return lines


def _gp3_baseline(engine: str, size: Decimal) -> tuple[Decimal, Decimal]:
    """IOPS and MB/s that come with gp3 storage: more from a size on, by engine. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html"""
    striped = not engine.startswith("sqlserver") and size >= (200 if engine.startswith("oracle") else 400)
    return (Decimal(12_000), Decimal(500)) if striped else (Decimal(3_000), Decimal(125))


@FAMILY.maps("aws_dms_replication_instance")
def _replication(case: Case) -> Mapped:
    values = case.planned.values
    kind = values.text("replication_instance_class")
    multi = "Multi-AZ" if values.flag("multi_az") else "Single-AZ"
    size = values.number("allocated_storage")
    free = Decimal(100) if kind.startswith(("dms.c", "dms.r")) else Decimal(50)
    query = case.query(
        "AWSDatabaseMigrationSvc",
        "Replication Server",
        instanceType=kind.removeprefix("dms."),
        availabilityZone="Multiple" if multi == "Multi-AZ" else "Single",
    )
    lines = [hourly(f"Instance ({kind.removeprefix('dms.')})", query)]
    if size is not None and size > free:
        lines.append(
            stored(
                "Storage (general purpose SSD, gp2)",
                size - free,
                case.query("AWSDatabaseMigrationSvc", "Storage"),
            )
        )
    return lines
