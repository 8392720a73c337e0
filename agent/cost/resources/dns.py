"""Route 53: zones, queries, health checks, resolvers. https://aws.amazon.com/route53/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import Case, Family, Line, Mapped, hourly, tiered

FAMILY = Family()


@FAMILY.maps("aws_route53_resolver_endpoint")
def _resolver(case: Case) -> Mapped:
    places = max(1, case.planned.values.count("ip_address"))
    queries = case.query("AmazonRoute53", "DNS Query", usagetype="~DNS-Queries")
    return [
        hourly("Resolver endpoints", case.query("AmazonRoute53", "DNS Query", usagetype="~ResolverNetworkInterface"), places),
        *tiered("DNS queries", "1M queries", case.usage.number("monthly_queries"), queries, [("first 1B", 1_000_000_000), ("over 1B", None)], 1_000_000),
    ]  # fmt: skip


@FAMILY.maps("aws_route53_zone")
def _zone(case: Case) -> Mapped:
    return [
        Line(
            "Hosted zone",
            "months",
            ONE,
            case.query("AmazonRoute53", "DNS Zone", region="global", usagetype="HostedZone"),
        )
    ]


@FAMILY.maps("aws_route53_record")
def _record(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    if values.told("alias"):
        target = values.block("alias").text("name")
        if not usage and (target or case.planned.references.get("alias.name")):
            return []  # queries for an alias of AWS's own are free
    kinds = [
        ("Standard queries", "monthly_standard_queries", "DNS-Queries"),
        ("Latency based routing queries", "monthly_latency_based_queries", "LBR-Queries"),
        ("Geo DNS queries", "monthly_geo_queries", "Geo-Queries"),
    ]
    lines: list[Line] = []
    for name, key, usagetype in kinds:
        amount = usage.number(key)
        if amount is None and name != "Standard queries":
            continue
        query = case.query("AmazonRoute53", "DNS Query", region="global", usagetype=usagetype)
        lines += tiered(name, "1M queries", amount, query, [("first 1B", 1_000_000_000), ("over 1B", None)], 1_000_000)
    return lines


@FAMILY.maps("aws_route53_health_check")
def _health(case: Case) -> Mapped:
    values = case.planned.values
    inside = case.usage.text("endpoint_type", "aws") == "aws"
    place = "AWS" if inside else "Non-AWS"
    options = sum(
        (
            values.text("type").startswith("HTTPS"),
            values.text("type").endswith("STR_MATCH"),
            values.number("request_interval") == Decimal(10),
            values.flag("measure_latency"),
        )
    )
    lines = [
        Line(
            "Health check",
            "months",
            ONE,
            case.query("AmazonRoute53", "DNS Health Check", region="global", usagetype=f"Health-Check-{place}"),
        )
    ]
    if options:
        query = case.query(
            "AmazonRoute53", "DNS Health Check", region="global", usagetype=f"Health-Check-Option-{place}"
        )
        lines.append(Line("Optional features", "months", Decimal(options), query))
    return lines
