"""What AWS billed the company: a Cost and Usage Report, a directory for each month, with its manifest.

Daily lines of both accounts. They cost what the applied settings say (a bigger database from the day of its apply on, twice the cache for
Black Friday), follow the week, grow with the shop, and hold one burst: while the search rule caught `/suggest/*` in July, changed by hand.
An address of the bastion that was closed in 2025 is paid for to this day.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.applies import Apply
from examples.arns import Arns, identifier
from examples.company import ACCOUNT_IDS, REGION, SERVICES, TODAY
from examples.terraform_code import Knobs

PAYER = "999900001111"
REPORT = "tealeaf-cur"
BEGINS = datetime(2025, 3, 1, tzinfo=UTC)
ENDS = TODAY.replace(hour=0) - timedelta(days=1)
"""The last day that was billed when everything was exported."""
SEED = 47
_HOURLY = {"db.t4g.medium": 0.072, "db.r6g.large": 0.249, "db.r6g.xlarge": 0.498}
_WEEK = (1.04, 1.0, 0.99, 1.01, 1.12, 1.2, 0.82)
"""A weekday's share of the shop's traffic, Monday first."""
_BURST_HOURS = {
    datetime(2026, 7, 14, tzinfo=UTC): 7.3,
    datetime(2026, 7, 15, tzinfo=UTC): 24.0,
    datetime(2026, 7, 16, tzinfo=UTC): 9.2,
}
"""Hours of a day in which `/suggest/*` went through the search rule."""
_SSH_CLOSED = datetime(2025, 2, 20, tzinfo=UTC)
COLUMNS = (
    *("identity/LineItemId", "identity/TimeInterval", "bill/InvoiceId", "bill/BillType", "bill/PayerAccountId"),
    *("bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate", "lineItem/UsageAccountId", "lineItem/LineItemType"),
    *("lineItem/UsageStartDate", "lineItem/UsageEndDate", "lineItem/ProductCode", "lineItem/UsageType", "lineItem/Operation"),
    *("lineItem/ResourceId", "lineItem/UsageAmount", "lineItem/CurrencyCode", "lineItem/UnblendedCost", "product/region"),
    *("pricing/unit", "resourceTags/user:environment", "resourceTags/user:service"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    """What one thing cost on one day, in millionths of a dollar."""

    product: str
    usage: str
    operation: str
    resource: str
    amount: float
    unit: str
    micros: int
    service: str = ""
    kind: str = "Usage"


def write_costs(directory: Path, applies: list[Apply]) -> None:
    """Write the report: `<report>/<period>/<report>-00001.csv.gz` and a manifest for each month."""
    rng = random.Random(SEED)
    settings = {environment: _Settings(environment, applies) for environment in ACCOUNT_IDS}
    rows: list[list[str]] = []
    day = BEGINS
    while day <= ENDS:
        for environment, kept in settings.items():
            *earlier, (hours, knobs) = kept.on(day)
            rows += [_row(day, environment, line) for part, old in earlier for line in _sized(environment, old, part)]
            rows += [_row(day, environment, line) for line in _sized(environment, knobs, hours)]
            rows += [_row(day, environment, line) for line in _day(day, environment, rng)]
        following = day + timedelta(days=1)
        if following.month != day.month or day == ENDS:
            _write(directory, day, rows)
            rows = []
        day = following


class _Settings:
    """What was applied to an environment."""

    def __init__(self, environment: str, applies: list[Apply]) -> None:
        mine = [a for a in applies if a.environment == environment and a.succeeded]
        self._applied = sorted(((a.finished_at, a.after) for a in mine), key=lambda pair: pair[0])

    def on(self, day: datetime) -> list[tuple[float, Knobs]]:
        """The settings in force on a day, one after the other, with their hours: the last ones last."""
        within = [(at, knobs) for at, knobs in self._applied if day < at < day + timedelta(days=1)]
        begun = next((knobs for at, knobs in reversed(self._applied) if at <= day), self._applied[0][1])
        times = [day, *(at for at, _ in within), day + timedelta(days=1)]
        parts = [begun, *(knobs for _, knobs in within)]
        return [((b - a).total_seconds() / 3600, k) for a, b, k in zip(times, times[1:], parts, strict=False)]


def _sized(environment: str, knobs: Knobs, hours: float) -> Iterator[_Line]:
    """What is billed by the hour for the size that was applied."""
    arns = Arns(environment)
    size = knobs.db_class[environment]
    gigabytes = knobs.db_storage_gb * hours / 24 / 30.4
    yield _Line("AmazonRDS", f"EU-InstanceUsage:{size}", "CreateDBInstance:0014", arns.database, hours, "Hrs", round(_HOURLY[size] * hours * 1e6), "orders")  # fmt: skip
    yield _Line("AmazonRDS", "EU-RDS:GP3-Storage", "CreateDBInstance:0014", arns.database, gigabytes, "GB-Mo", round(gigabytes * 0.127e6), "orders")  # fmt: skip
    nodes = hours * knobs.cache_nodes
    yield _Line("AmazonElastiCache", "EU-NodeUsage:cache.t4g.small", "CreateCacheCluster:0002", arns.cache, nodes, "Hrs", round(0.036e6 * nodes))  # fmt: skip


def _day(day: datetime, environment: str, rng: random.Random) -> Iterator[_Line]:
    """What else is billed on a day."""
    arns = Arns(environment)
    prod = environment == "prod"
    days = (day - BEGINS).days
    week = _WEEK[day.weekday()] if prod else 1.0
    traffic = (1.0 if prod else 0.08) * week * (1 + days / 1200)

    def noisy(dollars: float, percent: int = 2) -> int:
        spread = percent * 100
        return round(dollars * 1_000_000) * (10_000 + rng.randint(-spread, spread)) // 10_000

    hours = 24.0
    yield _Line("AWSELB", "EU-LoadBalancerUsage", "LoadBalancing:Application", arns.load_balancer, hours, "Hrs", round(0.0252 * 24e6))  # fmt: skip
    burst = 1 + 3.4 * _BURST_HOURS.get(day, 0) / 24 if prod else 1.0
    yield _Line("AWSELB", "EU-LCUUsage", "LoadBalancing:Application", arns.load_balancer, 100 * traffic, "LCU-Hrs", noisy(2.1 * traffic * burst, 3))  # fmt: skip
    yield _Line("AmazonCloudWatch", "EU-DataProcessing-Bytes", "PutLogEvents", arns.log_group, 7 * traffic, "GB", noisy(3.9 * traffic, 3))  # fmt: skip
    yield _Line("AmazonCloudWatch", "EU-CW:AlarmMonitorUsage", "Unknown", arns.alarm, 1 / 30, "Alarms", round(0.1 / 30 * 1e6), "orders")  # fmt: skip
    yield _Line("AWSQueueService", "EU-Requests-Tier1", "SendMessage", arns.queue, 1e6 * traffic, "Requests", noisy(0.42 * traffic, 4), "orders")  # fmt: skip
    bucket = arns.bucket.rpartition(":")[2]
    gigabytes = (900 if prod else 40) * (1 + days / 400)
    yield _Line("AmazonS3", "EU-TimedStorage-ByteHrs", "StandardStorage", bucket, gigabytes / 30.4, "GB-Mo", noisy(gigabytes * 0.023 / 30.4, 1))  # fmt: skip
    yield _Line("AWSDataTransfer", "EU-DataTransfer-Out-Bytes", "LoadBalancing", "", 60 * traffic, "GB", noisy(5.4 * traffic, 3))  # fmt: skip
    if prod:
        yield _Line("AmazonEKS", "EU-AmazonEKS-Hours:perCluster", "CreateOperation", arns.of("eks", "cluster/tealeaf-prod"), hours, "Hrs", 2_400_000)  # fmt: skip
        for s in SERVICES:
            node = f"i-0{identifier('prod', s.name, 'node')}"
            yield _Line("AmazonEC2", "EU-BoxUsage:m6i.large", "RunInstances", node, hours, "Hrs", round(0.107 * 24e6))
        if day > _SSH_CLOSED:
            address = f"eipalloc-0{identifier('prod', 'bastion', 'address')}"
            yield _Line("AmazonVPC", "EU-PublicIPv4:IdleAddress", "AllocateAddressVPC", arns.of("ec2", f"elastic-ip/{address}"), hours, "Hrs", 120_000)  # fmt: skip
        if day.day == 1:
            yield _Line("AWSSupportBusiness", "Dollar", "", "", 1, "", 100_000_000, kind="Fee")


def _row(day: datetime, environment: str, line: _Line) -> list[str]:
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    begin, end = f"{day:%Y-%m-%dT00:00:00Z}", f"{day + timedelta(days=1):%Y-%m-%dT00:00:00Z}"
    open_month = (first.year, first.month) == (TODAY.year, TODAY.month)
    return [
        identifier(environment, line.product, line.usage, line.resource, begin),
        f"{begin}/{end}",
        "" if open_month else str(int(identifier("invoice", f"{first:%Y-%m}")[:8], 16)),
        "Anniversary",
        PAYER,
        f"{first:%Y-%m-%dT00:00:00Z}",
        f"{following:%Y-%m-%dT00:00:00Z}",
        ACCOUNT_IDS[environment],
        line.kind,
        begin,
        end,
        line.product,
        line.usage,
        line.operation,
        line.resource,
        f"{line.amount:.6f}",
        "USD",
        f"{line.micros // 1_000_000}.{line.micros % 1_000_000:06d}",
        REGION,
        line.unit,
        environment,
        line.service,
    ]


def _write(directory: Path, day: datetime, rows: list[list[str]]) -> None:
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    period = f"{first:%Y%m%d}-{following:%Y%m%d}"
    target = directory / REPORT / period
    target.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    name = f"{REPORT}-00001.csv.gz"
    packed = bytearray(gzip.compress(text.getvalue().encode(), 6, mtime=0))
    packed[9] = 255  # the operating system's number in the header
    (target / name).write_bytes(bytes(packed))
    manifest = {
        "assemblyId": identifier("assembly", period),
        "account": PAYER,
        "reportName": REPORT,
        "reportId": identifier("report"),
        "contentType": "text/csv",
        "compression": "GZIP",
        "charset": "UTF-8",
        "bucket": "tealeaf-bills",
        "billingPeriod": {"start": f"{first:%Y%m%dT000000.000Z}", "end": f"{following:%Y%m%dT000000.000Z}"},
        "reportKeys": [f"bills/{REPORT}/{period}/{name}"],
    }
    (target / f"{REPORT}-Manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
