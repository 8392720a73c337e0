"""VPCs, subnets, route tables with their routes, gateways and addresses.

API: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
"""

from __future__ import annotations

from ingest.sources.aws.table import Collection, ec2_id, renamed, shaped
from ingest.sources.aws.values import Item, at, items_at, text_at


def _route_table(item: Item) -> Item:
    shape = renamed(item, {"route_table_id": "id"}, without=("routes", "associations"))
    routes = [
        renamed(
            route,
            {"destination_cidr_block": "cidr_block", "destination_ipv6_cidr_block": "ipv6_cidr_block"},
            without=("origin",),
        )
        for route in items_at(item, "routes")
    ]
    shape["route"] = sorted(routes, key=str)
    associations = items_at(item, "associations")
    shape["main"] = any(at(one, "main") is True for one in associations)
    shape["subnet_ids"] = sorted(str(subnet) for one in associations if (subnet := at(one, "subnet_id")))
    return shape


def _vpc(item: Item) -> Item:
    return renamed(item, {"vpc_id": "id"}, without=("cidr_block_association_set",))


def _network_acl(item: Item) -> Item:
    """The rules in Terraform's blocks; the last one of AWS itself, which denies what is left, is told by nobody."""
    shape = renamed(item, {"network_acl_id": "id"}, without=("entries", "associations"))
    for name, outward in (("ingress", False), ("egress", True)):
        shape[name] = [
            {
                "rule_no": at(one, "rule_number"),
                "action": at(one, "rule_action"),
                "protocol": at(one, "protocol"),
                "cidr_block": at(one, "cidr_block"),
                "ipv6_cidr_block": at(one, "ipv6_cidr_block"),
                "from_port": at(one, "port_range.from") or 0,
                "to_port": at(one, "port_range.to") or 0,
            }
            for one in sorted(items_at(item, "entries"), key=lambda e: text_at(e, "rule_number").zfill(6))
            if at(one, "egress") is outward and text_at(one, "rule_number") != "32767"
        ]
    shape["subnet_ids"] = sorted(text_at(one, "subnet_id") for one in items_at(item, "associations"))
    return shape


NETWORK: tuple[Collection, ...] = (
    Collection(
        type="aws_vpc",
        service="ec2",
        operation="describe_vpcs",
        items="vpcs",
        arn=ec2_id("id"),
        config_type="AWS::EC2::VPC",
        id="id",
        status="state",
        shape=_vpc,
    ),
    Collection(
        type="aws_subnet",
        service="ec2",
        operation="describe_subnets",
        items="subnets",
        arn=ec2_id("id"),
        config_type="AWS::EC2::Subnet",
        id="id",
        status="state",
        # How many addresses are left changes with every connection of a function; it is not what the subnet is.
        shape=shaped({"subnet_id": "id"}, without=("available_ip_address_count", "subnet_arn")),
    ),
    Collection(
        type="aws_route_table",
        service="ec2",
        operation="describe_route_tables",
        items="route_tables",
        arn=ec2_id("id"),
        config_type="AWS::EC2::RouteTable",
        id="id",
        shape=_route_table,
    ),
    Collection(
        type="aws_internet_gateway",
        service="ec2",
        operation="describe_internet_gateways",
        items="internet_gateways",
        arn=ec2_id("id"),
        config_type="AWS::EC2::InternetGateway",
        id="id",
        shape=shaped({"internet_gateway_id": "id"}),
    ),
    Collection(
        type="aws_nat_gateway",
        service="ec2",
        operation="describe_nat_gateways",
        items="nat_gateways",
        arn=ec2_id("id"),
        config_type="AWS::EC2::NatGateway",
        id="id",
        created="create_time",
        status="state",
        shape=shaped({"nat_gateway_id": "id"}),
    ),
    Collection(
        type="aws_eip",
        service="ec2",
        operation="describe_addresses",
        items="addresses",
        arn=ec2_id("id"),
        config_type="AWS::EC2::EIP",
        names={"public_ip": "ip"},
        id="id",
        shape=shaped({"allocation_id": "id"}),
    ),
    Collection(
        type="aws_network_acl",
        service="ec2",
        operation="describe_network_acls",
        items="network_acls",
        arn=ec2_id("id"),
        config_type="AWS::EC2::NetworkAcl",
        id="id",
        shape=_network_acl,
    ),
    Collection(
        type="aws_vpc_endpoint",
        service="ec2",
        operation="describe_vpc_endpoints",
        items="vpc_endpoints",
        arn=ec2_id("id"),
        config_type="AWS::EC2::VPCEndpoint",
        id="id",
        created="creation_timestamp",
        status="state",
        shape=shaped({"vpc_endpoint_id": "id"}, without=("policy_document",)),
    ),
)
