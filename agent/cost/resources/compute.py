"""EC2: instances, auto scaling groups, dedicated hosts, and the node groups of EKS."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from agent.cost.amounts import ZERO
from agent.cost.estimate_plan import Planned, Values
from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, Case, Family, Line, Mapped, Unpriced, hourly
from agent.cost.resources.machines import Machine, credit_mode, machine_lines, reservation, template_machine
from agent.cost.resources.volumes import volume

FAMILY = Family()
_NODE_TYPE = "t3.medium"
_NODE_GB = Decimal(20)


@FAMILY.maps("aws_instance", "aws_spot_instance_request")
def _instance(case: Case) -> Mapped:
    values = case.planned.values
    template = _template(case, case.planned)
    base = template_machine(template, count=ONE) if template else Machine("")
    kind = values.text("instance_type") or base.instance_type
    if not kind:
        return Unpriced("its instance type is known only after the apply")
    spot = case.planned.type == "aws_spot_instance_request" or (
        values.block("instance_market_options").text("market_type") == "spot"
    )
    unlimited = credit_mode(values)
    tenancy = values.text("tenancy") or base.tenancy
    own = {block.text("device_name"): block for block in values.blocks("ebs_block_device")}
    merged = dict(own)
    if template:
        for block in template.values.blocks("block_device_mappings"):
            if block.text("device_name") not in merged:
                merged[block.text("device_name")] = block.block("ebs")
    disks = tuple((f"ebs_block_device[{number}]", block) for number, block in enumerate(merged.values()))
    machine = replace(
        base,
        instance_type=kind,
        spot=ONE if spot else base.spot,
        hours=case.usage.number("monthly_hrs") or HOURS,
        tenancy=tenancy,
        ebs_optimized=values.flag("ebs_optimized") or (base.ebs_optimized and not values.denied("ebs_optimized")),
        monitoring=values.flag("monitoring") or (base.monitoring and not values.denied("monitoring")),
        unlimited=base.unlimited if unlimited is None else unlimited,
        root=values.block("root_block_device"),
        disks=disks,
        on_host=values.told("host_id")
        or (values.unknown("host_id") and bool(case.planned.references.get("host_id")))
        or tenancy == "host",
    )
    return machine_lines(case, machine)


def _template(case: Case, planned: Planned, block: str = "launch_template") -> Planned | None:
    """The launch template that a block names by id or by name."""
    for attribute in ("id", "name", "launch_template_id", "launch_template_name"):
        found = case.scene.referred(planned, f"{block}.{attribute}", "aws_launch_template")
        if found is not None:
            return found
    told: Values = planned.values
    for part in block.split("."):
        told = told.block(part)
    return case.scene.by_value("id", told.text("id") or told.text("launch_template_id"), "aws_launch_template") or (
        case.scene.by_value("name", told.text("name") or told.text("launch_template_name"), "aws_launch_template")
    )


@FAMILY.maps("aws_autoscaling_group")
def _group(case: Case) -> Mapped:
    values, planned = case.planned.values, case.planned
    count = case.usage.number("instances")
    if count is None:
        count = values.number("desired_capacity")
    if count is None:
        count = values.number("min_size") or ZERO
    configuration = case.scene.referred(planned, "launch_configuration", "aws_launch_configuration") or (
        case.scene.by_value("name", values.text("launch_configuration"), "aws_launch_configuration")
    )
    template = configuration or _template(case, planned)
    kind, spot = "", ZERO
    if template is None:
        template = _template(case, planned, "mixed_instances_policy.launch_template.launch_template_specification")
        kind, count, spot = _mixed(values.block("mixed_instances_policy"), count)
    if template is None:
        return Unpriced("its launch template is not in the plan")
    machine = template_machine(template, count=count, instance_type=kind, spot=spot)
    if not machine.instance_type:
        return Unpriced("the instance type of its launch template is not told")
    return [line.under(template.address) for line in machine_lines(case, machine)]


def _mixed(policy: Values, count: Decimal) -> tuple[str, Decimal, Decimal]:
    """Of a mixed instances policy: the first type that it overrides with, how many instances, and how many of them are spot.

    Instances of that type weigh what the override says, and the capacity counts weights.
    """
    overrides = policy.block("launch_template").blocks("override")
    kind = overrides[0].text("instance_type") if overrides else ""
    weight = (overrides[0].number("weighted_capacity") if overrides else None) or ONE
    count = (count / weight).to_integral_value(ROUND_CEILING)
    said = policy.block("instances_distribution")
    base = said.number("on_demand_base_capacity") or ZERO
    percent = said.number("on_demand_percentage_above_base_capacity")
    percent = Decimal(100) if percent is None else percent
    above = max(ZERO, count - base)
    steady = min(count, base) + (above * percent / Decimal(100)).to_integral_value(ROUND_CEILING)
    return kind, count, count - steady


@FAMILY.maps("aws_eks_node_group")
def _node_group(case: Case) -> Mapped:
    values = case.planned.values
    scaling = values.block("scaling_config")
    count = case.usage.number("instances") or scaling.number("desired_size") or scaling.number("min_size") or ONE
    spot = count if values.text("capacity_type") == "SPOT" else ZERO
    kinds = values.texts("instance_types")
    template = _template(case, case.planned)
    if template is not None:
        machine = template_machine(template, count=count, instance_type=kinds[0] if kinds else "", spot=spot)
        machine = replace(machine, instance_type=machine.instance_type or _NODE_TYPE)
        if machine.disks:
            machine = replace(machine, root=None)
        return [line.under(template.address) for line in machine_lines(case, machine)]
    lines = machine_lines(case, Machine(kinds[0] if kinds else _NODE_TYPE, count, spot))
    if values.blocks("launch_template"):  # it is made elsewhere, or its name goes through a local
        lost = "instance type and no volumes for a node group whose launch template cannot be followed"
        return [replace(line, assumed=lost) for line in lines]
    return lines + volume(case, Values(), size=values.number("disk_size") or _NODE_GB, count=count)


@FAMILY.maps("aws_ec2_host")
def _host(case: Case) -> Mapped:
    values = case.planned.values
    family = values.text("instance_family") or values.text("instance_type").partition(".")[0]
    if not family:
        return Unpriced("its instance family is not told")
    option = reservation(case.usage)
    query = case.query("AmazonEC2", "Dedicated Host", option=option, tenancy="Host", usagetype=f"~HostUsage:{family}")
    return [hourly(f"EC2 Dedicated Host ({'reserved' if option else 'on-demand'}, {family})", query)]


@FAMILY.maps("aws_ec2_capacity_reservation")
def _capacity_reservation(case: Case) -> list[Line]:
    values = case.planned.values
    query = case.query(
        "AmazonEC2", "Compute Instance", instanceType=values.text("instance_type"), operatingSystem="Linux",
        tenancy="Shared", preInstalledSw="NA", capacitystatus="UnusedCapacityReservation",
    )  # fmt: skip
    return [
        hourly(f"Reserved capacity ({values.text('instance_type')})", query, values.number("instance_count") or ONE)
    ]


@FAMILY.maps("aws_lightsail_instance")
def _lightsail(case: Case) -> Mapped:
    values = case.planned.values
    bundle = values.text("bundle_id")
    windows = "_win_" in bundle
    query = case.query("AmazonLightsail", "Lightsail Instance", usagetype=f"~BundleUsage:*{bundle.partition('_')[0]}*")
    return [hourly(f"Virtual server ({'Windows' if windows else 'Linux/UNIX'})", query)]
