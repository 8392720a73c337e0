"""ARNs from what AWS APIs tell: the same resource has the same ARN whether an inventory, an audit log or a state speaks of it.

Formats: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re

_EC2_IDS = {
    "sg": "security-group",
    "sgr": "security-group-rule",
    "i": "instance",
    "vpc": "vpc",
    "subnet": "subnet",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "vol": "volume",
    "snap": "snapshot",
    "ami": "image",
    "acl": "network-acl",
    "vpce": "vpc-endpoint",
    "pcx": "vpc-peering-connection",
    "tgw": "transit-gateway",
    "lt": "launch-template",
    "dopt": "dhcp-options",
    "pl": "prefix-list",
    "vgw": "vpn-gateway",
    "key": "key-pair",
}
"""Prefix of an EC2 id -> resource type in its ARN."""
_EC2_ID = re.compile(r"([a-z]{1,9})-[0-9a-f]{8,17}")
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/(.+)")


def ec2(account_id: str, region: str, resource_id: str, partition: str = "aws") -> str:
    """The ARN of what an EC2 id (`sg-…`, `i-…`) names; empty when it is none that we know."""
    if (m := _EC2_ID.fullmatch(resource_id)) is None or m[1] not in _EC2_IDS or not (account_id and region):
        return ""
    owner = "" if m[1] in ("ami", "snap") else account_id
    return f"arn:{partition}:ec2:{region}:{owner}:{_EC2_IDS[m[1]]}/{resource_id}"


def s3_bucket(name: str, partition: str = "aws") -> str:
    """The ARN of a bucket."""
    return f"arn:{partition}:s3:::{name}"


def route53_zone(zone_id: str, partition: str = "aws") -> str:
    """The ARN of a hosted zone; `/hostedzone/Z1` and `Z1` are the same."""
    return f"arn:{partition}:route53:::hostedzone/{zone_id.rpartition('/')[2]}"


def route53_record(zone_id: str, name: str, record_type: str, set_identifier: str = "", partition: str = "aws") -> str:
    """What names a record set, which has no ARN: its zone's, its name without the last dot, its type and its set identifier."""
    record = f"{route53_zone(zone_id, partition)}/recordset/{name.rstrip('.').lower()}/{record_type.upper()}"
    return f"{record}/{set_identifier}" if set_identifier else record


def regional(service: str, account_id: str, region: str, resource: str, partition: str = "aws") -> str:
    """Any ARN of the usual shape: `regional("rds", "1111…", "eu-west-1", "db:shop")`."""
    return f"arn:{partition}:{service}:{region}:{account_id}:{resource}"


def principal(arn: str) -> str:
    """The ARN that names an account of a person or machine; `sts` sessions keep role and session name.

    Role sessions of AWS SSO keep the permission set's role without its random suffix, so that the account outlives a redeployed role.
    """
    if (m := _SESSION.fullmatch(arn)) is not None and m[3].startswith("AWSReservedSSO_"):
        role = m[3].rpartition("_")[0]
        return f"arn:{m[1]}:sts::{m[2]}:assumed-role/{role}/{m[4]}"
    return arn


def session_name(arn: str) -> str:
    """The session name of an assumed role's ARN (with SSO: the user's name or mail address); empty for others."""
    return m[4] if (m := _SESSION.fullmatch(arn)) is not None else ""
