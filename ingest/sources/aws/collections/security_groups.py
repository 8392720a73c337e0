"""Security groups, and each of their rules.

API: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html
"""

from __future__ import annotations

import json

from graph.model import Value
from ingest.sources.aws.table import Collection, ec2_id, renamed
from ingest.sources.aws.values import Item, at, items_at, text_at


def _permissions(item: Item, path: str, own_id: str) -> Value:
    """The permissions as Terraform's `ingress` blocks: one for each protocol, ports and description, in one order."""
    blocks: dict[str, dict[str, Value]] = {}
    for permission in items_at(item, path):
        base: dict[str, Value] = {
            "from_port": at(permission, "from_port") or 0,
            "to_port": at(permission, "to_port") or 0,
            "protocol": at(permission, "ip_protocol"),
        }
        for member, source, target in (
            ("ip_ranges", "cidr_ip", "cidr_blocks"),
            ("ipv4_ranges", "cidr_ip", "cidr_blocks"),  # as AWS Config tells them
            ("ipv6_ranges", "cidr_ipv6", "ipv6_cidr_blocks"),
            ("prefix_list_ids", "prefix_list_id", "prefix_list_ids"),
            ("user_id_group_pairs", "group_id", "security_groups"),
        ):
            for one in items_at(permission, member):
                description = text_at(one, "description")
                group = {**base, "description": description or None}
                told = blocks.setdefault(json.dumps(group, sort_keys=True), group)
                if target == "security_groups" and text_at(one, source) == own_id:
                    told["self"] = True
                    continue
                known = told.get(target)
                names = [str(name) for name in known] if isinstance(known, list) else []
                told[target] = sorted({*names, text_at(one, source)})
    return [{k: v for k, v in blocks[key].items() if v is not None} for key in sorted(blocks)]


def _group(item: Item) -> Item:
    shape = renamed(
        item,
        {"group_id": "id", "group_name": "name"},
        without=("ip_permissions", "ip_permissions_egress", "security_group_arn"),
    )
    own_id = text_at(item, "group_id")
    shape["ingress"] = _permissions(item, "ip_permissions", own_id)
    shape["egress"] = _permissions(item, "ip_permissions_egress", own_id)
    return shape


def _rule(item: Item) -> Item:
    shape = renamed(
        item,
        {
            "security_group_rule_id": "id",
            "group_id": "security_group_id",
            "group_owner_id": "owner_id",
        },
        without=("referenced_group_info", "security_group_rule_arn", "is_egress"),
    )
    shape["type"] = "egress" if at(item, "is_egress") is True else "ingress"
    if referenced := at(item, "referenced_group_info.group_id"):
        shape["referenced_security_group_id"] = referenced
    return shape


SECURITY_GROUPS: tuple[Collection, ...] = (
    Collection(
        type="aws_security_group",
        service="ec2",
        operation="describe_security_groups",
        items="security_groups",
        arn=ec2_id("id"),
        config_type="AWS::EC2::SecurityGroup",
        id="id",
        name="name",
        shape=_group,
    ),
    Collection(
        type="aws_security_group_rule",
        service="ec2",
        operation="describe_security_group_rules",
        items="security_group_rules",
        arn=ec2_id("id"),
        id="id",
        shape=_rule,
    ),
)
