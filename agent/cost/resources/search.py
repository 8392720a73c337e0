"""OpenSearch and Elasticsearch. https://aws.amazon.com/opensearch-service/pricing/"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import Case, Family, Line, Mapped, hourly, stored

FAMILY = Family()
_MEDIA = {"gp2": "GP2", "gp3": "GP3", "io1": "PIOPS", "standard": "Magnetic"}


@FAMILY.maps("aws_elasticsearch_domain", "aws_opensearch_domain")
def _search(case: Case) -> Mapped:
    values = case.planned.values
    opens = case.planned.type == "aws_opensearch_domain"
    cluster, ebs, service = values.block("cluster_config"), values.block("ebs_options"), "AmazonES"
    suffix = "search" if opens else "elasticsearch"
    kind = cluster.text("instance_type", f"m4.large.{suffix}")
    count = cluster.number("instance_count") or ONE
    lines: list[Line] = []

    def instances(part: str, type_: str, amount: Decimal) -> Line:
        query = case.query(
            service, "Amazon OpenSearch Service Instance", instanceType=type_.replace(".elasticsearch", ".search")
        )
        return hourly(f"{part} (on-demand, {type_})", query, amount)

    lines.append(instances("Instance", kind, count))
    if not ebs.denied("ebs_enabled"):
        volume = ebs.text("volume_type", "gp2")
        size = (ebs.number("volume_size") or Decimal(8)) * count
        name = "standard" if volume == "standard" else volume
        lines.append(
            stored(
                f"Storage ({name})",
                size,
                case.query(service, "Amazon OpenSearch Service Volume", storageMedia=_MEDIA.get(volume, volume)),
            )
        )
        iops, throughput = ebs.number("iops"), ebs.number("throughput")
        if volume == "io1":
            lines.append(
                Line("Storage IOPS (io1)", "IOPS", (iops or ONE) * count, case.query(service, usagetype="~ES:PIOPS"))
            )
        above = None if throughput is None else throughput - _included_throughput(size / count)
        if volume == "gp3" and above is not None and above > 0:
            lines.append(
                Line(
                    "Throughput (gp3)",
                    "Mbps",
                    above * count,
                    case.query(service, usagetype="~ES:GP3-Provisioned-Throughput"),
                )
            )
        if volume == "gp3" and iops is not None and iops > 3_000:
            lines.append(
                Line(
                    "Storage IOPS (gp3)", "IOPS", (iops - 3_000) * count, case.query(service, usagetype="~ES:GP3-PIOPS")
                )
            )
    if cluster.flag("dedicated_master_enabled"):
        lines.append(
            instances(
                "Dedicated master",
                cluster.text("dedicated_master_type", kind),
                cluster.number("dedicated_master_count") or Decimal(3),
            )
        )
    if cluster.flag("warm_enabled"):
        lines.append(instances("UltraWarm instance", cluster.text("warm_type"), cluster.number("warm_count") or ONE))
    return lines


def _included_throughput(size: Decimal) -> Decimal:
    """MB/s that come with a gp3 volume of a node: 125, from 170 GiB on 250, and 250 more for each 3 TiB begun."""
    if size < 170:
        return Decimal(125)
    return Decimal(250) * (size / Decimal(3_072)).to_integral_value(ROUND_CEILING)
