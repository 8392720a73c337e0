"""S3, EFS, FSx, Backup. https://aws.amazon.com/s3/pricing/"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from agent.cost.estimate_plan import Values
from agent.cost.prices import Query
from agent.cost.resources.lines import THOUSAND, Case, Family, Line, Mapped, stored, used
from agent.cost.usage import UsageValues

FAMILY = Family()
_TIERS_1 = "PUT, COPY, POST, LIST requests"
_TIERS_2 = "GET, SELECT, and all other requests"


@dataclass(frozen=True, slots=True)
class _Class:
    """A storage class: how it is named, in usage files, in lifecycle rules, and in usage types."""

    name: str
    key: str
    lifecycle: str
    code: str


_CLASSES = (
    _Class("Standard", "standard", "", ""),
    _Class("Intelligent tiering", "intelligent_tiering", "INTELLIGENT_TIERING", "INT"),
    _Class("Standard - infrequent access", "standard_infrequent_access", "STANDARD_IA", "SIA"),
    _Class("One zone - infrequent access", "one_zone_infrequent_access", "ONEZONE_IA", "ZIA"),
    _Class("Glacier flexible retrieval", "glacier_flexible_retrieval", "GLACIER", "GLACIER"),
    _Class("Glacier deep archive", "glacier_deep_archive", "DEEP_ARCHIVE", "GDA"),
)


@FAMILY.maps("aws_s3_bucket")
def _bucket(case: Case) -> Mapped:
    wanted = _transitions(case.planned.values, "lifecycle_rule", "transition")
    for one in case.scene.referring(case.planned, "bucket", "aws_s3_bucket_lifecycle_configuration"):
        wanted |= _transitions(one.values, "rule", "transition")
    lines: list[Line] = []
    tags = case.usage.number("object_tags")
    if tags is not None:
        lines.append(
            used("Object tagging", "10k tags", tags, case.query("AmazonS3", usagetype="~TagStorage-TagHrs"), 10_000)
        )
    for one in _CLASSES:
        part = case.usage.part(one.key)
        if one.key == "standard" or part or one.lifecycle in wanted:
            lines += [line.under(one.name) for line in _class_lines(case, one, part)]
    return lines


def _transitions(values: Values, rules: str, blocks: str) -> set[str]:
    names = (blocks, "noncurrent_version_transition")
    return {
        transition.text("storage_class")
        for rule in values.blocks(rules)
        if not rule.denied("enabled") and rule.text("status", "Enabled") == "Enabled"
        for name in names
        for transition in rule.blocks(name)
    }


def _class_lines(case: Case, one: _Class, usage: UsageValues) -> list[Line]:
    """The lines of a storage class. Glacier's two classes are services of their own in the price list."""
    archive = {"GLACIER": "AmazonGlacier", "GDA": "AmazonS3GlacierDeepArchive"}.get(one.code, "AmazonS3")

    def requests(name: str, key: str, usagetype: str, service: str = "AmazonS3", **more: str) -> Line:
        query = case.query(service, usagetype=f"~{usagetype}", **more)
        return used(name, "1k requests", usage.number(key), query, THOUSAND)

    def gigabytes(name: str, key: str, usagetype: str, service: str = "AmazonS3", **more: str) -> Line:
        return stored(name, usage.number(key), case.query(service, usagetype=f"~{usagetype}", **more))

    code = f"-{one.code}" if one.code else ""
    lines: list[Line] = []
    if one.key == "intelligent_tiering":
        lines += [
            gigabytes("Storage (frequent access)", "frequent_access_storage_gb", "TimedStorage-INT-FA-ByteHrs"),
            gigabytes("Storage (infrequent access)", "infrequent_access_storage_gb", "TimedStorage-INT-IA-ByteHrs"),
        ]
        if usage.number("archive_access_storage_gb") is not None:
            lines.append(
                gigabytes("Storage (archive access)", "archive_access_storage_gb", "TimedStorage-INT-AA-ByteHrs")
            )
        if usage.number("deep_archive_access_storage_gb") is not None:
            key = "deep_archive_access_storage_gb"
            lines.append(gigabytes("Storage (deep archive access)", key, "TimedStorage-INT-DAA-ByteHrs"))
        monitored = case.query("AmazonS3", usagetype="~Monitoring-Automation-INT")
        lines.append(
            used("Monitoring and automation", "1k objects", usage.number("monitored_objects"), monitored, THOUSAND)
        )
    else:
        usagetype = "TimedStorage-ByteHrs" if one.code == "GLACIER" else f"TimedStorage{code}-ByteHrs"
        more = {"volumeType": "Standard"} if one.key == "standard" else {}
        lines.append(gigabytes("Storage", "storage_gb", usagetype, archive, **more))
    put = {"operation": "PostObject"} if one.code in ("GLACIER", "GDA") else {}
    lines += [
        requests(
            _TIERS_1,
            "monthly_tier_1_requests",
            f"Requests{code}-Tier1",
            archive if one.code == "GDA" else "AmazonS3",
            **put,
        ),
        requests(_TIERS_2, "monthly_tier_2_requests", f"Requests{code}-Tier2"),
    ]
    if one.key != "standard":
        moved = {"GLACIER": ("Requests-Tier3", "S3-GlacierTransition"), "GDA": ("Requests-Tier3", "S3-GDATransition")}
        usagetype, operation = moved.get(one.code, ("Requests-Tier4", ""))
        lines.append(
            requests("Lifecycle transition", "monthly_lifecycle_transition_requests", usagetype, operation=operation)
        )
    if one.key.endswith("infrequent_access"):
        lines.append(gigabytes("Retrievals", "monthly_data_retrieval_gb", f"Retrieval-{one.code}"))
    if one.key == "glacier_flexible_retrieval":
        for speed, long, short, tier in (("standard", "Standard", "Std", 1), ("expedited", "Expedited", "Exp", 3)):
            lines += [
                requests(
                    f"Retrieval requests ({speed})",
                    f"monthly_{speed}_data_retrieval_requests",
                    f"Requests-Tier{tier}",
                    archive,
                ),
                gigabytes(
                    f"Retrievals ({speed})", f"monthly_{speed}_data_retrieval_gb", f"{long}-Retrieval-Bytes", archive
                ),
                *_selects(gigabytes, speed, short, archive),
            ]
        lines += _selects(gigabytes, "bulk", "Bulk", archive)
    elif one.key == "glacier_deep_archive":
        for speed, long, tier in (("standard", "Standard", 3), ("bulk", "Bulk", 5)):
            lines += [
                requests(
                    f"Retrieval requests ({speed})",
                    f"monthly_{speed}_data_retrieval_requests",
                    f"Requests-GDA-Tier{tier}",
                    archive,
                ),
                gigabytes(
                    f"Retrievals ({speed})", f"monthly_{speed}_data_retrieval_gb", f"{long}-Retrieval-Bytes", archive
                ),
            ]
    else:
        lines += [
            gigabytes("Select data scanned", "monthly_select_data_scanned_gb", f"Select-Scanned{code}-Bytes"),
            gigabytes("Select data returned", "monthly_select_data_returned_gb", f"Select-Returned{code}-Bytes"),
        ]
    early = {"GLACIER": (90, "EarlyDelete-ByteHrs"), "GDA": (180, "EarlyDelete-GDA"), "INT": (30, "EarlyDelete-INT")}
    if one.code in early:
        days, usagetype = early[one.code]
        lines.append(gigabytes(f"Early delete (within {days} days)", "early_delete_gb", usagetype, archive))
    return lines


def _selects(gigabytes: Callable[[str, str, str, str], Line], speed: str, short: str, service: str) -> list[Line]:
    key = f"monthly_{speed}_select_data"
    return [
        gigabytes(f"Select data scanned ({speed})", f"{key}_scanned_gb", f"{short}-Select-Scanned-Bytes", service),
        gigabytes(f"Select data returned ({speed})", f"{key}_returned_gb", f"{short}-Select-Returned-Bytes", service),
    ]


@FAMILY.maps("aws_efs_file_system")
def _files(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonEFS"
    one_zone = values.told("availability_zone_name") or values.told("availability_zone_id")
    zone, code = ("one zone", "-Z") if one_zone else ("standard", "")
    lines = [
        stored(
            f"Storage ({zone})",
            usage.number("storage_gb"),
            case.query(service, "Storage", usagetype=f"~TimedStorage{code}-ByteHrs"),
        )
    ]
    provisioned = values.number("provisioned_throughput_in_mibps")
    if values.text("throughput_mode") == "provisioned" and provisioned is not None:
        # 50 KB/s come with each GB that is stored
        free = (usage.number("storage_gb") or Decimal(0)) / Decimal(20)
        query = case.query(service, "Provisioned Throughput", usagetype="~ProvisionedTP-MiBpsHrs")
        lines.append(Line("Provisioned throughput", "MBps", max(Decimal(0), provisioned - free), query))
    if any(block.told("transition_to_ia") for block in values.blocks("lifecycle_policy")) or (
        usage.number("infrequent_access_storage_gb") is not None
    ):
        kind = "One Zone-Infrequent Access" if one_zone else "Infrequent Access"

        def access(way: str) -> Query:
            return case.query(service, accessType=way, storageClass=kind)

        lines += [
            stored(f"Storage ({zone}, infrequent access)", usage.number("infrequent_access_storage_gb"), case.query(service, "Storage", usagetype=f"~IATimedStorage{code}-ByteHrs")),
            stored("Read requests (infrequent access)", usage.number("monthly_infrequent_access_read_gb"), access("Read")),
            stored("Write requests (infrequent access)", usage.number("monthly_infrequent_access_write_gb"), access("Write")),
        ]  # fmt: skip
    return lines


@FAMILY.maps("aws_fsx_windows_file_system", "aws_fsx_openzfs_file_system")
def _fsx(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonFSx"
    windows = case.planned.type == "aws_fsx_windows_file_system"
    system = "Windows" if windows else "OpenZFS"
    multi = "Multi-AZ" if values.text("deployment_type").startswith("MULTI_AZ") else "Single-AZ"
    kind = values.text("storage_type", "SSD")
    where = {"fileSystemType": system, "deploymentOption": multi}
    lines = [
        Line("Throughput capacity", "MBps", values.number("throughput_capacity"), case.query(service, "Provisioned Throughput", **where)),
    ]  # fmt: skip
    iops = values.block("disk_iops_configuration")
    size = values.number("storage_capacity")
    if iops.text("mode") == "USER_PROVISIONED" and not windows:
        above = (iops.number("iops") or Decimal(0)) - (size or Decimal(0)) * 3  # three come with each GB
        if above > 0:
            lines.append(Line("Provisioned IOPS", "IOPS", above, case.query(service, "Provisioned IOPS", **where)))
    lines.append(stored(f"{kind} storage", size, case.query(service, "Storage", storageType=kind, **where)))
    lines.append(
        stored(
            "Backup storage",
            usage.number("backup_storage_gb"),
            case.query(service, "Storage", usagetype="~BackupUsage*", **where),
        )
    )
    return lines
