"""What instances of RDS and of Aurora share, and of those who are built alike: engines, support of old versions, insights, CPU credits."""

from __future__ import annotations

from decimal import Decimal

from agent.cost.prices import ONE, Query
from agent.cost.resources.lines import HOURS, THOUSAND, Case, Line, used
from agent.cost.resources.machines import vcpus
from agent.cost.resources.support import rds_year

ENGINES: dict[str, tuple[str, str]] = {
    "aurora": ("Aurora MySQL", ""),
    "aurora-mysql": ("Aurora MySQL", ""),
    "aurora-postgresql": ("Aurora PostgreSQL", ""),
    "mariadb": ("MariaDB", ""),
    "mysql": ("MySQL", ""),
    "postgres": ("PostgreSQL", ""),
    "oracle-se": ("Oracle", "Standard"),
    "oracle-se1": ("Oracle", "Standard One"),
    "oracle-se2": ("Oracle", "Standard Two"),
    "oracle-se2-cdb": ("Oracle", "Standard Two"),
    "oracle-ee": ("Oracle", "Enterprise"),
    "oracle-ee-cdb": ("Oracle", "Enterprise"),
    "sqlserver-ex": ("SQL Server", "Express"),
    "sqlserver-web": ("SQL Server", "Web"),
    "sqlserver-se": ("SQL Server", "Standard"),
    "sqlserver-ee": ("SQL Server", "Enterprise"),
    "db2-se": ("Db2", "Standard"),
    "db2-ae": ("Db2", "Advanced"),
}
"""Engine -> databaseEngine and databaseEdition of the price list."""
_RETENTION_FREE_DAYS = Decimal(7)
_SERVICES = {"RDS": "AmazonRDS", "DocDB": "AmazonDocDB", "Neptune": "AmazonNeptune"}


def rds(case: Case, usagetype: str, family: str = "", engine: str = "") -> Query:
    """A query for a product of RDS."""
    return case.query("AmazonRDS", family, usagetype=usagetype, databaseEngine=engine)


def extended_support(case: Case, kind: str, engine: str, version: str) -> list[Line]:
    """The charge for a version that left standard support."""
    year = rds_year(engine, version, case.today)
    if not year:
        return []
    query = rds(case, f"~ExtendedSupport:{'Yr1-Yr2' if year == 1 else 'Yr3'}:*")
    return [Line(f"Extended support (year {year})", "vCPU-hours", vcpus(kind) * HOURS, query)]


def insights(case: Case, kind: str) -> list[Line]:
    """What Performance Insights keep for long, and the calls that ask them."""
    values = case.planned.values
    if not values.flag("performance_insights_enabled"):
        return []
    lines: list[Line] = []
    if (values.number("performance_insights_retention_period") or 0) > _RETENTION_FREE_DAYS:
        query = rds(case, "~PI_LTR:*", "Performance Insights")
        lines.append(Line(f"Performance Insights Long Term Retention ({kind})", "vCPU-month", vcpus(kind), query))
    calls = case.usage.number("monthly_additional_performance_insights_requests")
    lines.append(
        used("Performance Insights API", "1000 requests", calls, rds(case, "~PI_API", "Performance Insights"), THOUSAND)
    )
    return lines


def credits(case: Case, kind: str, who: str) -> list[Line]:
    """What an instance of a burstable type computes beyond its share. `who`: RDS, DocDB or Neptune."""
    burst = kind.removeprefix("db.").partition(".")[0]
    if burst not in ("t3", "t4g"):
        return []
    told = case.usage.number("monthly_cpu_credit_hrs")
    if told == 0:
        return []
    cpus = case.usage.number("vcpu_count") or vcpus(kind)
    query = case.query(_SERVICES[who], "CPU Credits", usagetype=f"~*CPUCredits:*{burst}")
    if who != "RDS":
        cpus = ONE  # told for the instance as a whole
    return [Line("CPU credits", "vCPU-hours", None if told is None else told * cpus, query)]
