"""Redshift, Glue and managed Airflow. https://aws.amazon.com/redshift/pricing/ · https://aws.amazon.com/glue/pricing/"""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, Case, Family, Line, Mapped, hourly, stored, tiered, used

FAMILY = Family()


@FAMILY.maps("aws_redshift_cluster")
def _redshift(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonRedshift"
    kind = values.text("node_type")
    nodes = values.number("number_of_nodes") or ONE
    lines = [
        hourly(f"Cluster usage (on-demand, {kind})", case.query(service, "Compute Instance", instanceType=kind), nodes)
    ]
    if kind.startswith("ra3"):
        lines.append(
            stored(
                f"Managed storage ({kind})",
                usage.number("managed_storage_gb"),
                case.query(service, "Redshift Managed Storage", usagetype=f"~*{kind}*"),
            )
        )
    lines += [
        Line(f"Concurrency scaling ({kind})", "node-seconds", _times(usage.number("excess_concurrency_scaling_secs"), nodes), case.query(service, "Redshift Concurrency Scaling", instanceType=kind)),
        Line("Spectrum", "TB", usage.number("spectrum_data_scanned_tb"), case.query(service, "Redshift Data Scan")),
        *tiered("Backup storage", "GB", usage.number("backup_storage_gb"), case.query(service, "Storage Snapshot"), [("first 50 TB", 51_200), ("next 450 TB", 460_800), ("over 500 TB", None)]),
    ]  # fmt: skip
    return lines


def _times(amount: Decimal | None, count: Decimal) -> Decimal | None:
    return None if amount is None else amount * count


@FAMILY.maps("aws_glue_crawler")
def _crawler(case: Case) -> Mapped:
    query = case.query("AWSGlue", "AWS Glue", operation="CrawlerRun")
    hours = case.usage.number("monthly_hours")
    return [Line("Duration", "hours", hours, query)]


@FAMILY.maps("aws_glue_catalog_database")
def _catalog(case: Case) -> Mapped:
    objects, requests = (
        case.query("AWSGlue", "AWS Glue", group=f"Data Catalog {kind}") for kind in ("Storage", "Requests")
    )
    return [
        used("Storage", "100k objects", case.usage.number("monthly_objects"), objects, 100_000),
        used("Requests", "1M requests", case.usage.number("monthly_requests"), requests, 1_000_000),
    ]


@FAMILY.maps("aws_glue_job")
def _job(case: Case) -> Mapped:
    values = case.planned.values
    units = values.number("max_capacity")
    if units is None:
        workers = values.number("number_of_workers") or Decimal(10)
        units = workers * {"G.2X": 2, "G.4X": 4, "G.8X": 8}.get(values.text("worker_type"), 1)
    shown = f"{units.normalize():f}"
    hours = case.usage.number("monthly_hours")
    unit = "hours" if units == 1 else f"hours ({shown} DPUs)"
    query = case.query("AWSGlue", "AWS Glue", group="ETL Job run", operation="Jobrun")
    return [Line("Duration", unit, hours, query, per=units)]


@FAMILY.maps("aws_mwaa_environment")
def _airflow(case: Case) -> Mapped:
    usage, service = case.usage, "AmazonMWAA"
    size = {"mw1.small": "Small", "mw1.medium": "Medium", "mw1.large": "Large"}.get(
        case.planned.values.text("environment_class", "mw1.small").lower(), "Small"
    )

    def running(part: str, amount: Decimal | None) -> Line:
        return Line(
            f"{part} ({size})",
            "hours",
            None if amount is None else amount * HOURS,
            case.query(service, type=part, size=size),
        )

    return [
        hourly(f"Environment ({size})", case.query(service, type="Environment", size=size)),
        running("Worker", usage.number("additional_workers")),
        running("Scheduler", usage.number("additional_schedulers")),
        stored("Meta database", usage.number("meta_database_gb"), case.query(service, usagetype="~DatabaseStorage*")),
    ]
