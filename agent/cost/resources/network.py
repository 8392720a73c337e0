"""Networking: gateways, load balancers, addresses, endpoints, VPN and transit. https://aws.amazon.com/vpc/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.resources.lines import HOURS, Case, Family, Line, Mapped, hourly, stored, tiered

FAMILY = Family()


@FAMILY.maps("aws_nat_gateway")
def _nat(case: Case) -> Mapped:
    return [
        hourly("NAT gateway", case.query("AmazonEC2", "NAT Gateway", usagetype="~NatGateway-Hours")),
        stored("Data processed", case.usage.number("monthly_data_processed_gb"), case.query("AmazonEC2", "NAT Gateway", usagetype="~NatGateway-Bytes")),
    ]  # fmt: skip


@FAMILY.maps("aws_elb")
def _classic(case: Case) -> Mapped:
    return [
        hourly("Classic load balancer", case.query("AWSELB", "Load Balancer", usagetype="~LoadBalancerUsage")),
        stored("Data processed", case.usage.number("monthly_data_processed_gb"), case.query("AWSELB", "Load Balancer", usagetype="~DataProcessing-Bytes")),
    ]  # fmt: skip


_BALANCERS: dict[str, tuple[str, str, Decimal, Decimal, str]] = {
    # type: name, family, new connections a second and active ones a minute that make one unit, the units' name
    "application": ("Application load balancer", "Load Balancer-Application", Decimal(25), Decimal(3_000), "Load balancer capacity units"),
    "network": ("Network load balancer", "Load Balancer-Network", Decimal(800), Decimal(100_000), "Load balancer capacity units"),
    "gateway": ("Gateway load balancer", "Load Balancer-Gateway", Decimal(600), Decimal(60_000), "Gateway load balancer capacity units"),
}  # fmt: skip


@FAMILY.maps("aws_lb", "aws_alb")
def _balancer(case: Case) -> Mapped:
    kind = case.planned.values.text("load_balancer_type", "application")
    name, family, new, active, units_name = _BALANCERS.get(kind, _BALANCERS["application"])
    return [
        hourly(name, case.query("AWSELB", family, usagetype="~LoadBalancerUsage")),
        Line(units_name, "LCU", capacity_units(case, kind, new, active), case.query("AWSELB", family, usagetype="~LCUUsage"), per=HOURS),
    ]  # fmt: skip


def capacity_units(case: Case, kind: str, new: Decimal, active: Decimal) -> Decimal | None:
    """Load balancer capacity units on average: the highest of its four measures; None when no usage is told."""
    told = [
        (case.usage.number("new_connections"), new),
        (case.usage.number("active_connections"), active),
        (case.usage.number("processed_bytes_gb"), HOURS),
    ]
    if kind == "application":
        told.append((case.usage.number("rule_evaluations"), Decimal(1_000)))
    measured = [amount / unit for amount, unit in told if amount is not None]
    return max(measured) if measured else None


@FAMILY.maps("aws_eip")
def _address(case: Case) -> Mapped:
    values, references = case.planned.values, case.planned.references
    attached = any(values.told(name) or references.get(name) for name in ("instance", "network_interface")) or any(
        case.scene.referring(case.planned, attribute, type_)
        for type_, attribute in (
            ("aws_nat_gateway", "allocation_id"),
            ("aws_eip_association", "allocation_id"),
            ("aws_lb", "subnet_mapping.allocation_id"),
            ("aws_eip_association", "public_ip"),
        )
    )
    if attached:
        return [hourly("Public IPv4 address (in use)", case.query("AmazonVPC", usagetype="~PublicIPv4:InUseAddress"))]
    return [hourly("IP address (if unused)", case.query("AmazonVPC", usagetype="~PublicIPv4:IdleAddress"))]


_PB = 1_000_000


@FAMILY.maps("aws_vpc_endpoint")
def _endpoint(case: Case) -> Mapped:
    values = case.planned.values
    kind = values.text("vpc_endpoint_type", "Gateway")
    if kind == "Gateway":
        return []
    places = max(1, values.count("subnet_ids"), values.count("subnet_configuration"))
    amount = case.usage.number("monthly_data_processed_gb")
    if kind == "GatewayLoadBalancer":
        data = [
            stored(
                "Data processed", amount, case.query("AmazonVPC", "VpcEndpoint", usagetype="~VpcEndpoint-GWLBE-Bytes")
            )
        ]
        query = case.query("AmazonVPC", "VpcEndpoint", usagetype="~VpcEndpoint-GWLBE-Hours")
    else:
        data = tiered("Data processed", "GB", amount, case.query("AmazonVPC", "VpcEndpoint", usagetype="~VpcEndpoint-Bytes"),
                      [("first 1PB", _PB), ("next 4PB", 4 * _PB), ("over 5PB", None)])  # fmt: skip
        query = case.query("AmazonVPC", "VpcEndpoint", usagetype="~VpcEndpoint-Hours")
    return [*data, hourly(f"Endpoint ({kind})", query, places)]


def _attachment(case: Case, kind: str) -> list[Line]:
    return [
        hourly("Transit gateway attachment", case.query("AmazonVPC", usagetype="~TransitGateway-Hours", operation=kind)),
        stored("Data processed", case.usage.number("monthly_data_processed_gb"),
               case.query("AmazonVPC", usagetype="~TransitGateway-Bytes", operation=kind)),
    ]  # fmt: skip


@FAMILY.maps("aws_ec2_transit_gateway_vpc_attachment")
def _vpc_attachment(case: Case) -> Mapped:
    return _attachment(case, "TransitGatewayVPC")


@FAMILY.maps("aws_ec2_transit_gateway_peering_attachment")
def _peering(case: Case) -> Mapped:
    return _attachment(case, "TransitGatewayPeering")[:1]


@FAMILY.maps("aws_dx_gateway_association")
def _dx_association(case: Case) -> Mapped:
    values = case.planned.values
    transit = case.scene.referred(case.planned, "associated_gateway_id", "aws_ec2_transit_gateway") or (
        values.text("associated_gateway_id").startswith("tgw-")
    )
    return _attachment(case, "TransitGatewayDirectConnect") if transit else []


@FAMILY.maps("aws_vpn_connection")
def _vpn(case: Case) -> Mapped:
    lines = [hourly("VPN connection", case.query("AmazonVPC", usagetype="~VPN-Usage-Hours:ipsec.1"))]
    transit = case.planned.values.told("transit_gateway_id") or case.planned.references.get("transit_gateway_id")
    return lines + (_attachment(case, "TransitGatewayVPN") if transit else [])


@FAMILY.maps("aws_ec2_client_vpn_network_association")
def _client_vpn(case: Case) -> Mapped:
    return [hourly("Endpoint association", case.query("AmazonVPC", usagetype="~ClientVPN-EndpointHours"))]


@FAMILY.maps("aws_ec2_client_vpn_endpoint")
def _client_vpn_endpoint(case: Case) -> Mapped:
    return [hourly("Connection", case.query("AmazonVPC", usagetype="~ClientVPN-ConnectionHours"))]


@FAMILY.maps("aws_networkfirewall_firewall")
def _firewall(case: Case) -> Mapped:
    places = max(1, case.planned.values.count("subnet_mapping"))
    return [
        hourly("Network Firewall Endpoint", case.query("AWSNetworkFirewall", usagetype="~Endpoint-Hour"), places),
        stored("Data Processed", case.usage.number("monthly_data_processed_gb"), case.query("AWSNetworkFirewall", usagetype="~Traffic-GB-Processed")),
    ]  # fmt: skip


@FAMILY.maps("aws_ec2_traffic_mirror_session")
def _mirror(case: Case) -> Mapped:
    return [hourly("Traffic mirror", case.query("AmazonEC2", usagetype="~ENI-Mirror*"))]


@FAMILY.maps("aws_globalaccelerator_accelerator")
def _accelerator(case: Case) -> Mapped:
    return [hourly("Fixed fee", case.query("AWSGlobalAccelerator", region="global", usagetype="Accelerator-Fixed"))]


_ZONES = {
    "us": "US, Mexico, Canada",
    "europe": "Europe",
    "south_africa": "South Africa, Kenya",
    "south_america": "South America",
    "south_korea": "South Korea",
    "middle_east": "Middle East",
    "australia": "Australia, New Zealand",
    "asia_pacific": "Asia Pacific",
    "india": "India, Indonesia, Philippines, Thailand",
}


@FAMILY.maps("aws_globalaccelerator_endpoint_group")
def _accelerated(case: Case) -> Mapped:
    """Premium of the dominant direction: the larger of in and out counts."""
    lines: list[Line] = []
    ways = (("Inbound", "monthly_inbound_data_transfer_gb"), ("Outbound", "monthly_outbound_data_transfer_gb"))
    totals = [
        (sum((case.usage.part(key).number(zone) or Decimal(0) for zone in _ZONES), Decimal(0)), way, key)
        for way, key in ways
    ]
    _, way, key = max(totals, key=lambda one: one[0])
    for zone, name in _ZONES.items():
        amount = case.usage.part(key).number(zone)
        if amount is not None:
            lines.append(stored(f"{name} / {way} DT-premium fee", amount, None))
    return lines or [stored("Data transfer premium", None, None)]


def transfer_lines(case: Case) -> list[Line]:
    """Data transfer of a region: only a usage file can tell it (`aws_data_transfer.name`)."""
    region = case.usage.text("region") or case.region
    usage = case.usage
    lines: list[Line] = []
    within = usage.number("monthly_intra_region_gb")
    if within is not None:  # both directions are charged
        lines.append(
            stored(
                "Intra-region data transfer",
                within * 2,
                case.query("AWSDataTransfer", "Data Transfer", region=region, transferType="IntraRegion"),
            )
        )
    out = usage.number("monthly_outbound_internet_gb")
    if out is not None:
        internet = case.query(
            "AWSDataTransfer",
            "Data Transfer",
            region=region,
            transferType="AWS Outbound",
            usagetype="~DataTransfer-Out-Bytes",
        )
        tiers = [("first 10TB", 10_240), ("next 40TB", 40_960), ("next 100TB", 102_400), ("over 150TB", None)]
        lines += tiered("Outbound data transfer to Internet", "GB", out, internet, tiers)
    other = usage.number("monthly_outbound_other_regions_gb")
    if other is not None:
        lines.append(
            stored(
                "Outbound data transfer to other regions",
                other,
                case.query("AWSDataTransfer", "Data Transfer", region=region, transferType="InterRegion Outbound"),
            )
        )
    east = usage.number("monthly_outbound_us_east_to_us_east_gb")
    if east is not None and region.startswith("us-east-"):
        lines.append(
            stored(
                "Outbound data transfer to US East regions",
                east,
                case.query(
                    "AWSDataTransfer",
                    "Data Transfer",
                    region=region,
                    toRegionCode="us-east-2" if region == "us-east-1" else "us-east-1",
                ),
            )
        )
    return lines  # fmt: skip


@FAMILY.maps("aws_data_transfer")
def _transfer(case: Case) -> Mapped:
    return transfer_lines(case)


@FAMILY.maps("aws_transfer_server")
def _transfer_server(case: Case) -> Mapped:
    protocols = case.planned.values.texts("protocols") or ("SFTP",)
    lines = [
        hourly(f"{protocol} protocol enabled", case.query("AWSTransfer", usagetype="~ProtocolHours", operation=f"{protocol}:S3"))
        for protocol in sorted(protocols)
    ]  # fmt: skip
    for name, key, direction in (
        ("Data downloaded", "monthly_data_downloaded_gb", "Download"),
        ("Data uploaded", "monthly_data_uploaded_gb", "Upload"),
    ):
        query = case.query("AWSTransfer", usagetype=f"~{direction}Bytes", operation=f"{protocols[0]}:S3")
        lines.append(stored(name, case.usage.number(key), query))
    return lines
