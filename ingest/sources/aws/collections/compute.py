"""Instances, volumes, launch templates and auto scaling groups.

API: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/ and https://docs.aws.amazon.com/autoscaling/ec2/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.sources.aws.table import Collection, Detail, Link, arn_at, ec2_id, regional, renamed, shaped
from ingest.sources.aws.values import Item, at, items_at, text_at, texts_at

_NOT_OF_AN_INSTANCE = (
    "network_interfaces",
    "client_token",
    "ami_launch_index",
    "usage_operation_update_time",
    "product_codes",
    "state_transition_reason",
    "block_device_mappings",
    "security_groups",
)


def _instance(item: Item) -> Item:
    shape = renamed(
        item,
        {
            "instance_id": "id",
            "image_id": "ami",
            "private_dns_name": "private_dns",
            "public_dns_name": "public_dns",
            "private_ip_address": "private_ip",
            "public_ip_address": "public_ip",
        },
        without=_NOT_OF_AN_INSTANCE,
    )
    shape["availability_zone"] = at(item, "placement.availability_zone")
    shape["vpc_security_group_ids"] = sorted(text_at(g, "group_id") for g in items_at(item, "security_groups"))
    shape["volume_ids"] = sorted(text_at(d, "ebs.volume_id") for d in items_at(item, "block_device_mappings"))
    return shape


def _is_there(item: Item) -> bool:
    return text_at(item, "state.name") != "terminated"


def _launch_template(item: Item) -> Item:
    shape = renamed(
        item,
        {
            "launch_template_id": "id",
            "launch_template_name": "name",
            "default_version_number": "default_version",
            "latest_version_number": "latest_version",
        },
        without=("versions", "created_by"),
    )
    versions = items_at(item, "versions")
    data = at(versions[0], "launch_template_data") if versions else None
    if isinstance(data, Mapping):
        # User data is a program with whatever secrets somebody put into it.
        shape.update({k: v for k, v in data.items() if k not in ("user_data", "tag_specifications") and k not in shape})
    return shape


def _group(item: Item) -> Item:
    shape = renamed(
        item,
        {
            "auto_scaling_group_name": "name",
            "auto_scaling_group_arn": "arn",
            "vpc_zone_identifier": "vpc_zone_identifier",
            "target_group_arns": "target_group_arns",
        },
        without=("instances", "enabled_metrics", "suspended_processes"),
    )
    shape["instance_ids"] = sorted(text_at(one, "instance_id") for one in items_at(item, "instances"))
    shape["vpc_zone_identifier"] = sorted(filter(None, text_at(item, "vpc_zone_identifier").split(",")))
    shape["suspended_processes"] = sorted(text_at(one, "process_name") for one in items_at(item, "suspended_processes"))
    shape["load_balancer_names"] = texts_at(item, "load_balancer_names")
    return shape


COMPUTE: tuple[Collection, ...] = (
    Collection(
        type="aws_instance",
        service="ec2",
        operation="describe_instances",
        items="reservations.instances",
        arn=lambda item, place: ec2_id("id")(item, place) if _is_there(item) else "",
        config_type="AWS::EC2::Instance",
        names={"private_ip": "ip", "public_ip": "ip", "private_dns": "dns", "public_dns": "dns"},
        id="id",
        created="launch_time",
        status="state.name",
        shape=_instance,
    ),
    Collection(
        type="aws_ebs_volume",
        service="ec2",
        operation="describe_volumes",
        items="volumes",
        arn=ec2_id("id"),
        config_type="AWS::EC2::Volume",
        id="id",
        created="create_time",
        status="state",
        shape=shaped({"volume_id": "id", "volume_type": "type"}),
        unlinked=frozenset({"attachments"}),
    ),
    Collection(
        type="aws_ebs_snapshot",
        service="ec2",
        operation="describe_snapshots",
        items="snapshots",
        arn=ec2_id("id"),
        parameters={"OwnerIds": ["self"]},
        id="id",
        created="start_time",
        status="state",
        shape=shaped({"snapshot_id": "id"}, without=("progress",)),
        unlinked=frozenset({"volume_id"}),  # a volume may be long gone
    ),
    Collection(
        type="aws_launch_template",
        service="ec2",
        operation="describe_launch_templates",
        items="launch_templates",
        arn=ec2_id("id"),
        details=(
            Detail(
                "describe_launch_template_versions",
                {"LaunchTemplateId": "launch_template_id"},
                "launch_template_versions",
                "versions",
                parameters={"Versions": ["$Default"]},
            ),
        ),
        config_type="AWS::EC2::LaunchTemplate",
        id="id",
        name="name",
        created="create_time",
        shape=_launch_template,
    ),
    Collection(
        type="aws_autoscaling_group",
        service="autoscaling",
        operation="describe_auto_scaling_groups",
        items="auto_scaling_groups",
        arn=arn_at("arn"),
        config_type="AWS::AutoScaling::AutoScalingGroup",
        name="name",
        created="created_time",
        shape=_group,
        links=(Link("load_balancer_names", regional("elasticloadbalancing", "loadbalancer/")),),
    ),
)
