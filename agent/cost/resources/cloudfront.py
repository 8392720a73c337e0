"""CloudFront: traffic by the place of the edge. https://aws.amazon.com/cloudfront/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE, Query
from agent.cost.resources.lines import Case, Family, Line, Mapped, stored, tiered, used

FAMILY = Family()

_EDGES = {
    "us": "US, Mexico, Canada", "europe": "Europe, Israel", "south_africa": "South Africa, Kenya, Middle East", "south_america": "South America",
    "japan": "Japan", "australia": "Australia, New Zealand",
    "asia_pacific": "Hong Kong, Philippines, Singapore, South Korea, Taiwan, Thailand", "india": "India",
}  # fmt: skip
_EDGE_LOCATIONS = {
    "us": "United States", "europe": "Europe", "south_africa": "South Africa", "south_america": "South America", "japan": "Japan",
    "australia": "Australia", "asia_pacific": "Asia Pacific", "india": "India",
}  # fmt: skip
_EDGE_TIERS: list[tuple[str, Decimal | int | None]] = [
    ("first 10TB", 10_240), ("next 40TB", 40_960), ("next 100TB", 102_400), ("next 350TB", 358_400), ("next 524TB", 536_576),
    ("next 4PB", 4_194_304), ("over 5PB", None),
]  # fmt: skip
_SHIELDS = {
    "us": "US", "europe": "Europe", "south_america": "South America", "japan": "Japan", "australia": "Australia", "singapore": "Singapore",
    "south_korea": "South Korea", "india": "India",
}  # fmt: skip


@FAMILY.maps("aws_cloudfront_distribution")
def _distribution(case: Case) -> Mapped:
    usage, values = case.usage, case.planned.values
    service = "AmazonCloudFront"
    lines = [line for zone in _zones(case) for line in _zone_lines(case, zone)]
    shields = usage.part("monthly_shield_requests")
    shielded = any(one.block("origin_shield").flag("enabled") for one in values.blocks("origin"))
    for zone in [z for z in _SHIELDS if shields.number(z) is not None] or (["us"] if shielded else []):
        query = case.query(
            service, "Request", region="global", requestDescription="Origin Shield Requests", location=_SHIELDS[zone]
        )
        lines.append(
            used(f"Origin shield HTTP requests ({_SHIELDS[zone]})", "10k requests", shields.number(zone), query, 10_000)
        )
    invalid = case.query(service, region="global", usagetype="Invalidations")
    lines += tiered(
        "Invalidation requests",
        "paths",
        usage.number("monthly_invalidation_requests"),
        invalid,
        [("first 1k", 1_000), ("over 1k", None)],
    )
    if (
        values.text("field_level_encryption_id")
        or usage.number("monthly_encryption_requests") is not None
        or _encrypts(case)
    ):
        query = case.query(
            service, "Request", region="global", requestDescription="HTTPS Proxy requests with Field Level Encryption"
        )
        lines.append(
            used(
                "Field level encryption requests",
                "10k requests",
                usage.number("monthly_encryption_requests"),
                query,
                10_000,
            )
        )
    if _logs(case) or usage.number("monthly_log_lines") is not None:
        query = case.query(service, region="global", operation="RealTimeLog")
        lines.append(used("Real-time log requests", "1M lines", usage.number("monthly_log_lines"), query, 1_000_000))
    if (
        values.block("viewer_certificate").text("ssl_support_method") == "vip"
        or usage.number("custom_ssl_certificates") is not None
    ):
        amount = usage.number("custom_ssl_certificates") or ONE
        lines.append(
            Line(
                "Dedicated IP custom SSLs",
                "certificates",
                amount,
                case.query(service, region="global", usagetype="SSL-Cert-Custom"),
            )
        )
    return lines


def _zones(case: Case) -> list[str]:
    """Where the usage file tells traffic; the first when it tells none."""
    parts = [
        case.usage.part(name)
        for name in (
            "monthly_data_transfer_to_internet_gb",
            "monthly_data_transfer_to_origin_gb",
            "monthly_http_requests",
            "monthly_https_requests",
        )
    ]
    return [zone for zone in _EDGES if any(part.number(zone) is not None for part in parts)] or ["us"]


def _zone_lines(case: Case, zone: str) -> list[Line]:
    """Traffic of the edges in a part of the world."""
    place, service = _EDGE_LOCATIONS[zone], "AmazonCloudFront"

    def amount(name: str) -> Decimal | None:
        return case.usage.part(f"monthly_{name}").number(zone)

    def transfer(kind: str) -> Query:
        return case.query(service, "Data Transfer", region="global", fromLocation=place, transferType=kind)

    def request(kind: str) -> Query:
        return case.query(
            service, "Request", region="global", location=place, requestType=f"CloudFront-Request-{kind}-Proxy"
        )

    lines = [
        *tiered(
            "Data transfer out to internet",
            "GB",
            amount("data_transfer_to_internet_gb"),
            transfer("CloudFront Outbound"),
            _EDGE_TIERS,
        ),
        stored("Data transfer out to origin", amount("data_transfer_to_origin_gb"), transfer("CloudFront to Origin")),
        used("HTTP requests", "10k requests", amount("http_requests"), request("HTTP"), 10_000),
        used("HTTPS requests", "10k requests", amount("https_requests"), request("HTTPS"), 10_000),
    ]
    return [line.under(_EDGES[zone]) for line in lines]


def _behaviours(case: Case) -> list[str]:
    names = ("default_cache_behavior", "ordered_cache_behavior")
    return [name for name in names if case.planned.values.blocks(name)]


def _encrypts(case: Case) -> bool:
    return any(
        (block.told("field_level_encryption_id") or block.unknown("field_level_encryption_id"))
        for name in _behaviours(case)
        for block in case.planned.values.blocks(name)
    )


def _logs(case: Case) -> bool:
    return any(
        (block.told("realtime_log_config_arn") or block.unknown("realtime_log_config_arn"))
        for name in _behaviours(case)
        for block in case.planned.values.blocks(name)
    )
