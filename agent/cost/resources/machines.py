"""What an EC2 instance is made of, wherever it comes from: its type, system, tenancy, purchase option, credits and volumes.

https://aws.amazon.com/ec2/pricing/on-demand/ · attributes of the price list: `AmazonEC2`, product family `Compute Instance`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from agent.cost.estimate_plan import Planned, Values
from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, Case, Line
from agent.cost.resources.volumes import root_volume, volume
from agent.cost.usage import UsageValues

_SYSTEMS = {
    "linux": ("Linux/UNIX", "Linux"),
    "windows": ("Windows", "Windows"),
    "rhel": ("RHEL", "RHEL"),
    "suse": ("SUSE", "SUSE"),
}
ROOT_DEVICES = frozenset({"/dev/xvda", "/dev/sda1"})
"""What the images of Amazon, Ubuntu and most others call their root device."""
_CHARGED_EBS_OPTIMIZED = re.compile(
    r"(c1\.xlarge|c3\.(|2|4)xlarge|g2\.2xlarge|i2\.(|2|4)xlarge|m1\.x?large|m2\.(2|4)xlarge|m3\.2?xlarge|r3\.(|2|4)xlarge)"
)
"""Previous generations pay for EBS optimization by the hour; all others have it or cannot."""
_BURSTING = re.compile(r"(t2|t3|t3a|t4g)\.")
_METRICS = Decimal(7)
"""Metrics of an instance with detailed monitoring."""
_TERMS = {"1_year": "1yr", "3_year": "3yr"}
_PAYMENTS = {"no_upfront": "No Upfront", "partial_upfront": "Partial Upfront", "all_upfront": "All Upfront"}


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of instance and how many of it.

    Attributes:
        spot: how many of `count` are spot instances.
        hours: of a month.
        unlimited: whether CPU credits above the baseline are charged; None for the family's default.
        root: the root volume's block; None when the volumes are all in `disks`.
        disks: name and block of further volumes.
    """

    instance_type: str
    count: Decimal = ONE
    spot: Decimal = Decimal(0)
    hours: Decimal = HOURS
    tenancy: str = "default"
    ebs_optimized: bool = False
    monitoring: bool = False
    unlimited: bool | None = None
    root: Values | None = None
    disks: tuple[tuple[str, Values], ...] = field(default=())
    on_host: bool = False


def machine_lines(case: Case, machine: Machine) -> list[Line]:
    """The lines of these instances, volumes under the names of their blocks."""
    lines: list[Line] = []
    if not machine.on_host:
        lines += _running(case, machine)
    if machine.root is not None:
        lines += [line.under("root_block_device") for line in root_volume(case, machine.root, machine.count)]
    for name, block in machine.disks:
        size = block.number("volume_size")
        volumes = volume(case, block, size=Decimal(8) if size is None else size, count=machine.count)
        lines += [line.under(name) for line in volumes]
    return lines


def _running(case: Case, machine: Machine) -> list[Line]:
    shown, system = _SYSTEMS.get(case.usage.text("operating_system", "linux").lower(), _SYSTEMS["linux"])
    kind = machine.instance_type
    reserved = reservation(case.usage)
    lines: list[Line] = []
    steady = machine.count - machine.spot
    tenancy = "Dedicated" if machine.tenancy == "dedicated" else "Shared"

    def running(purchase: str, count: Decimal, option: str) -> Line:
        query = case.query(
            "AmazonEC2",
            "Compute Instance (bare metal)" if kind.endswith(".metal") or ".metal-" in kind else "Compute Instance",
            option=option,
            instanceType=kind,
            operatingSystem=system,
            tenancy=tenancy,
            preInstalledSw="NA",
            capacitystatus="Used",
            licenseModel="No License required",
        )
        return Line(f"Instance usage ({shown}, {purchase}, {kind})", "hours", machine.hours * count, query)

    if steady or not machine.spot:
        lines.append(running("reserved" if reserved else "on-demand", steady, reserved))
    if machine.spot:
        lines.append(running("spot", machine.spot, "spot"))
    if machine.ebs_optimized and _CHARGED_EBS_OPTIMIZED.fullmatch(kind):
        query = case.query("AmazonEC2", "Storage", usagetype=f"~EBSOptimized:{kind}")
        lines.append(Line("EBS-optimized usage", "hours", machine.hours * machine.count, query))
    if machine.monitoring:
        query = case.query("AmazonCloudWatch", "Metric", usagetype="~CW:MetricMonitorUsage")
        lines.append(Line("EC2 detailed monitoring", "metrics", _METRICS * machine.count, query))
    return lines + _credits(case, machine, system)


def _credits(case: Case, machine: Machine, system: str) -> list[Line]:
    burst = _BURSTING.match(machine.instance_type)
    if not burst:
        return []
    told = case.usage.number("monthly_cpu_credit_hrs")
    unlimited = machine.unlimited if machine.unlimited is not None else burst[1] != "t2"
    if not unlimited or told == 0:
        return []
    cpus = case.usage.number("vcpu_count") or vcpus(machine.instance_type)
    query = case.query("AmazonEC2", "CPU Credits", operatingSystem=system, usagetype=f"~CPUCredits:{burst[1]}")
    return [Line("CPU credits", "vCPU-hours", None if told is None else told * cpus * machine.count, query)]


def reservation(usage: UsageValues) -> str:
    """The purchase option that a usage file tells, as the price book names it: `standard 1yr No Upfront`; empty for on demand."""
    term = _TERMS.get(usage.text("reserved_instance_term"))
    payment = _PAYMENTS.get(usage.text("reserved_instance_payment_option"))
    if not term or not payment:
        return ""
    return f"{usage.text('reserved_instance_type', 'standard')} {term} {payment}"


def vcpus(instance_type: str) -> Decimal:
    """The virtual CPUs of a size, `db.t3.large` and `cache.…` too: 2 up to `large`, 4 for each `xlarge`."""
    family, _, size = instance_type.removeprefix("db.").removeprefix("cache.").partition(".")
    many = re.fullmatch(r"(\d*)xlarge", size)
    if many:
        return Decimal(4) * Decimal(many[1] or 1)
    small = size in ("nano", "micro", "small") or (size == "medium" and family in ("m1", "m3"))
    return ONE if family in ("t1", "t2", "m1", "m3") and small else Decimal(2)


def credit_mode(block: Values) -> bool | None:
    """What a `credit_specification` says of unlimited credits."""
    said = block.block("credit_specification").text("cpu_credits")
    return None if not said else said == "unlimited"


def template_machine(
    template: Planned, *, count: Decimal, instance_type: str = "", spot: Decimal = Decimal(0)
) -> Machine:
    """The instances that a launch template or a launch configuration makes."""
    values = template.values
    if template.type == "aws_launch_configuration":
        devices = [(f"ebs_block_device[{n}]", block) for n, block in enumerate(values.blocks("ebs_block_device"))]
        return Machine(
            instance_type or values.text("instance_type"),
            count,
            count if values.text("spot_price") else Decimal(0),
            tenancy=values.text("placement_tenancy", "default"),
            ebs_optimized=values.flag("ebs_optimized"),
            monitoring=not values.denied("enable_monitoring"),
            root=values.block("root_block_device"),
            disks=tuple(devices),
        )
    mapped = values.blocks("block_device_mappings")
    disks = tuple(
        (f"block_device_mapping[{number}]", block.block("ebs"))
        for number, block in enumerate(mapped)
        if block.told("ebs")
    )
    has_root = any(block.text("device_name") in ROOT_DEVICES for block in mapped)
    market = values.block("instance_market_options").text("market_type")
    return Machine(
        instance_type or values.text("instance_type"),
        count,
        count if market == "spot" else spot,
        tenancy=values.block("placement").text("tenancy", "default"),
        ebs_optimized=values.flag("ebs_optimized"),
        monitoring=values.block("monitoring").flag("enabled"),
        unlimited=credit_mode(values),
        root=None if has_root else Values(),
        disks=disks,
    )
