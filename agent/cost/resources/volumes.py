"""EBS: volumes on their own and of instances, and snapshots. https://aws.amazon.com/ebs/pricing/"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from agent.cost.estimate_plan import Values
from agent.cost.prices import ONE
from agent.cost.resources.lines import MILLION, THOUSAND, Case, Family, Line, Mapped, stored, used

FAMILY = Family()

_NAMES = {
    "gp2": "general purpose SSD, gp2",
    "gp3": "general purpose SSD, gp3",
    "io1": "provisioned IOPS SSD, io1",
    "io2": "provisioned IOPS SSD, io2",
    "st1": "throughput optimized HDD, st1",
    "sc1": "cold HDD, sc1",
    "standard": "magnetic",
}
ROOT_GB = Decimal(8)
"""What a root volume has when neither the plan nor the launch template tells: of the usual Linux images."""
_GP3_IOPS, _GP3_MBPS = Decimal(3_000), Decimal(125)


def volume(
    case: Case, block: Values, *, size: Decimal | None, count: Decimal = ONE, requests: Decimal | None = None
) -> list[Line]:
    """The lines of `count` volumes with these attributes (`volume_type`, `iops`, `throughput`)."""
    kind = block.text("volume_type") or block.text("type") or "gp2"
    storage = stored(
        f"Storage ({_NAMES.get(kind, kind)})",
        None if size is None else size * count,
        case.query("AmazonEC2", "Storage", volumeApiName=kind, usagetype="~EBS:VolumeUsage*"),
    )
    lines = [storage]
    iops, throughput = block.number("iops"), block.number("throughput")
    if kind in ("io1", "io2"):
        suffix = "piops" if kind == "io1" else "io2"
        query = case.query("AmazonEC2", "System Operation", volumeApiName=kind, usagetype=f"~EBS:VolumeP-IOPS.{suffix}")
        lines.append(Line("Provisioned IOPS", "IOPS", None if iops is None else iops * count, query))
    if kind == "gp3" and throughput is not None and throughput > _GP3_MBPS:
        query = case.query("AmazonEC2", "Provisioned Throughput", volumeApiName="gp3")
        over = (throughput - _GP3_MBPS) * count
        lines.append(Line("Provisioned throughput", "Mbps", over, query, per=ONE / Decimal(1024)))
    if kind == "gp3" and iops is not None and iops > _GP3_IOPS:
        query = case.query("AmazonEC2", "System Operation", volumeApiName="gp3", usagetype="~EBS:VolumeP-IOPS.gp3")
        lines.append(Line("Provisioned IOPS", "IOPS", (iops - _GP3_IOPS) * count, query))
    if kind == "standard":
        query = case.query("AmazonEC2", "System Operation", volumeApiName="standard", usagetype="~EBS:VolumeIOUsage")
        lines.append(used("I/O requests", "1M requests", requests, query, MILLION))
    return lines


def root_volume(case: Case, block: Values, count: Decimal = ONE) -> list[Line]:
    """The lines of the root volumes; their size is assumed when it is not told."""
    size = block.number("volume_size")
    lines = volume(case, block, size=ROOT_GB if size is None else size, count=count)
    if size is None:
        lines[0] = replace(lines[0], assumed=f"{ROOT_GB} GB for a root volume whose size the plan does not tell")
    return lines


@FAMILY.maps("aws_ebs_volume")
def _ebs_volume(case: Case) -> Mapped:
    values = case.planned.values
    size = values.number("size")
    if size is None:
        size = _snapshot_size(case)
    return volume(case, values, size=size or ROOT_GB, requests=case.usage.number("monthly_standard_io_requests"))


def _snapshot_size(case: Case) -> Decimal | None:
    """The size of the volume behind a snapshot."""
    snapshot = case.scene.referred(case.planned, "snapshot_id", "aws_ebs_snapshot")
    behind = case.scene.referred(snapshot, "volume_id", "aws_ebs_volume") if snapshot else None
    return behind.values.number("size") if behind else None


@FAMILY.maps("aws_ebs_snapshot", "aws_ebs_snapshot_copy")
def _snapshot(case: Case) -> Mapped:
    planned, scene = case.planned, case.scene
    if planned.type == "aws_ebs_snapshot_copy":
        planned = scene.referred(planned, "source_snapshot_id", "aws_ebs_snapshot") or planned
    behind = scene.referred(planned, "volume_id", "aws_ebs_volume")
    size = (behind.values.number("size") if behind else None) or case.planned.values.number("volume_size") or ROOT_GB
    usage = case.usage
    direct = "EBS direct API Requests"
    storage = case.query("AmazonEC2", "Storage Snapshot", usagetype="~EBS:SnapshotUsage")
    kept = stored("EBS snapshot storage", size, storage)
    if case.planned.type == "aws_ebs_snapshot_copy":
        return [kept]
    return [
        kept,
        _restore_hours(case, "Fast snapshot restore", usage.number("fast_snapshot_restore_hours")),
        used("ListChangedBlocks & ListSnapshotBlocks API requests", "1k requests", usage.number("monthly_list_block_requests"),
             case.query("AmazonEC2", direct, usagetype="~EBS:directAPI.snapshot.List"), THOUSAND),
        used("GetSnapshotBlock API requests", "1k SnapshotAPIUnits", usage.number("monthly_get_block_requests"),
             case.query("AmazonEC2", direct, usagetype="~EBS:directAPI.snapshot.Get"), THOUSAND),
        used("PutSnapshotBlock API requests", "1k SnapshotAPIUnits", usage.number("monthly_put_block_requests"),
             case.query("AmazonEC2", direct, usagetype="~EBS:directAPI.snapshot.Put"), THOUSAND),
    ]  # fmt: skip


def _restore_hours(case: Case, component: str, hours: Decimal | None) -> Line:
    """Hours of fast restore in a zone, that use makes."""
    query = case.query("AmazonEC2", "Fast Snapshot Restore", usagetype="~EBS:FastSnapshotRestore")
    return Line(component, "DSU-hours", hours, query)
