"""When versions leave standard support and their extended support is charged. From the services' release calendars, as of 2026-10.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html · https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/extended-support-versions.html
"""

from __future__ import annotations

EKS_STANDARD_ENDS: dict[str, str] = {
    "1.23": "2023-10-11",
    "1.24": "2024-01-31",
    "1.25": "2024-05-01",
    "1.26": "2024-06-11",
    "1.27": "2024-07-24",
    "1.28": "2024-11-26",
    "1.29": "2025-03-23",
    "1.30": "2025-07-23",
    "1.31": "2025-11-26",
    "1.32": "2026-03-23",
    "1.33": "2026-07-29",
    "1.34": "2026-12-02",
}
"""Kubernetes version -> the last day of standard support."""

RDS_CHARGED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "mysql": (("5.7", "2024-03-01", "2026-03-01"), ("8.0", "2026-08-01", "2028-08-01")),
    "postgres": (
        ("11", "2024-04-01", "2026-04-01"),
        ("12", "2025-03-01", "2027-03-01"),
        ("13", "2026-03-01", "2028-03-01"),
    ),
    "aurora-mysql": (("5.7", "2024-12-01", "2026-12-01"), ("8.0.mysql_aurora.2", "2024-12-01", "2026-12-01")),
    "aurora-postgresql": (
        ("11", "2024-04-01", "2026-04-01"),
        ("12", "2025-03-01", "2027-03-01"),
        ("13", "2026-03-01", "2028-03-01"),
    ),
}
"""Engine -> version's beginning, first day of the charge, first day of its third year, which is dearer."""


def eks_extended(version: str, today: str) -> bool:
    """Whether a Kubernetes version is in extended support on a day, `2026-10-01`."""
    ends = EKS_STANDARD_ENDS.get(version)
    return ends is not None and today > ends


def rds_year(engine: str, version: str, today: str) -> int:
    """The year of extended support that is charged: 0 for none, 1 for the first two, 3 from the third."""
    engine = "aurora-mysql" if engine == "aurora" else engine
    for start, charged, third in RDS_CHARGED.get(engine, ()):
        if version == start or version.startswith(start + "."):
            return 0 if today < charged else 3 if today >= third else 1
    return 0
