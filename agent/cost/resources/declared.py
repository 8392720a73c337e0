"""Resources that a table tells: a component or a few, each a month or what use makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import Case, Family, Line, Mapped, tiered, used

FAMILY = Family()
_MONTH = "a month"


@dataclass(frozen=True, slots=True)
class _Row:
    """One component.

    Attributes:
        quantity: `a month` (one), or the usage key that tells it.
        per: single units in one `unit`.
        tiers: name and size in single units, when the price falls.
        kind: the event type that the product must have.
        only: left out when the usage file does not tell it.
    """

    component: str
    unit: str
    quantity: str
    service: str
    usagetype: str
    per: int = 1
    tiers: Sequence[tuple[str, Decimal | int | None]] = ()
    family: str = ""
    region: str = ""
    only: bool = False
    kind: str = ""


_RULES = [("first 100K", 100_000), ("next 400K", 400_000), ("over 500K", None)]

_RULE_ROW = _Row(
    "Rule evaluations", "evaluations", "monthly_rule_evaluations", "AWSConfig", "~ConfigRuleEvaluations", tiers=_RULES
)
_STACK = (
    _Row(
        "Handler operations",
        "operations",
        "monthly_handler_operations",
        "AWSCloudFormation",
        "~Resource-Invocation-Count",
    ),
    _Row("Durations above 30s", "seconds", "monthly_duration_secs", "AWSCloudFormation", "~Resource-Processing-Time"),
)

_TABLE: dict[str, tuple[_Row, ...]] = {
    "aws_secretsmanager_secret": (
        _Row("Secret", "months", _MONTH, "AWSSecretsManager", "", family="Secret"),
        _Row("API requests", "10k requests", "monthly_requests", "AWSSecretsManager", "", 10_000, family="API Request"),
    ),
    "aws_kms_external_key": (_Row("Customer master key", "months", _MONTH, "awskms", "~KMS-Keys"), _Row("Requests", "10k requests", "monthly_requests", "awskms", "~KMS-Requests", 10_000)),
    "aws_cloudwatch_dashboard": (_Row("Dashboard", "months", _MONTH, "AmazonCloudWatch", "DashboardsUsageHour", region="global"),),
    "aws_cloudwatch_log_group": (
        _Row("Data ingested", "GB", "monthly_data_ingested_gb", "AmazonCloudWatch", "~DataProcessing-Bytes"),
        _Row("Archival Storage", "GB", "storage_gb", "AmazonCloudWatch", "~TimedStorage-ByteHrs"),
        _Row("Insights queries data scanned", "GB", "monthly_data_scanned_gb", "AmazonCloudWatch", "~DataScanned-Bytes"),
    ),
    "aws_cloudwatch_event_bus": (
        _Row("Custom events published", "1M events", "monthly_custom_events", "AWSEvents", "~Event-64K-Chunks*", 1_000_000, family="EventBridge", kind="Custom Event"),
        _Row("Third-party events published", "1M events", "monthly_third_party_events", "AWSEvents", "~Event-64K-Chunks*", 1_000_000, family="EventBridge", kind="Partner Event"),
        _Row("Archive processing", "GB", "monthly_archive_processing_gb", "AWSEvents", "~ArchivedEvents-Bytes"),
        _Row("Archive storage", "GB", "archive_storage_gb", "AWSEvents", "~TimedStorage-ByteHrs"),
        _Row("Schema discovery", "1M events", "monthly_schema_discovery_events", "AWSEvents", "~Event-8K-Chunks*", 1_000_000, kind="Discovery Event"),
    ),
    "aws_cloudtrail": (
        _Row("Management events (additional copies)", "100k events", "monthly_additional_management_events", "AWSCloudTrail", "~PaidEventsRecorded", 100_000),
        _Row("Data events", "100k events", "monthly_data_events", "AWSCloudTrail", "~DataEventsRecorded", 100_000),
        _Row("Insight events", "100k events", "monthly_insight_events", "AWSCloudTrail", "~InsightsEvents", 100_000, only=True),
    ),
    "aws_config_config_rule": (_RULE_ROW,),
    "aws_config_organization_custom_rule": (_RULE_ROW,),
    "aws_config_organization_managed_rule": (_RULE_ROW,),
    "aws_config_configuration_recorder": (
        _Row("Config items", "records", "monthly_config_items", "AWSConfig", "~ConfigurationItemRecorded"),
        _Row("Custom config items", "records", "monthly_custom_config_items", "AWSConfig", "~CustomConfigItemRecorded"),
    ),
    "aws_cloudformation_stack": _STACK,
    "aws_cloudformation_stack_set": _STACK,
    "aws_cloudfront_function": (
        _Row("Total number of invocations", "1M invocations", "monthly_requests", "AmazonCloudFront", "Executions-CloudFrontFunctions", 1_000_000, region="global"),
    ),
    "aws_backup_vault": tuple(
        _Row(name, unit, key, service, usagetype, only=True)
        for name, unit, key, service, usagetype in (
            ("EFS backup (warm)", "GB", "monthly_efs_warm_backup_gb", "AWSBackup", "~WarmStorage-ByteHrs-EFS"),
            ("EFS backup (cold)", "GB", "monthly_efs_cold_backup_gb", "AWSBackup", "~ColdStorage-ByteHrs-EFS"),
            ("EFS restore (warm)", "GB", "monthly_efs_warm_restore_gb", "AWSBackup", "~PartialRestore-Warm-EFS"),
            ("EFS restore (cold)", "GB", "monthly_efs_cold_restore_gb", "AWSBackup", "~PartialRestore-Cold-EFS"),
            ("EFS restore (item-level)", "requests", "monthly_efs_item_restore_requests", "AWSBackup", "~PartialRestore-Job*"),
            ("EBS snapshot", "GB", "monthly_ebs_snapshot_gb", "AmazonEC2", "~EBS:SnapshotUsage"),
            ("RDS snapshot", "GB", "monthly_rds_snapshot_gb", "AmazonRDS", "~RDS:ChargedBackupUsage"),
            ("DynamoDB backup", "GB", "monthly_dynamodb_backup_gb", "AmazonDynamoDB", "~TimedBackupStorage-ByteHrs"),
            ("DynamoDB restore", "GB", "monthly_dynamodb_restore_gb", "AmazonDynamoDB", "~RestoreDataSize-Bytes"),
            ("Aurora snapshot", "GB", "monthly_aurora_snapshot_gb", "AmazonRDS", "~Aurora:BackupUsage"),
            ("FSx for Windows backup", "GB", "monthly_fsx_windows_backup_gb", "AmazonFSx", "~BackupUsage*"),
            ("FSx for Lustre backup", "GB", "monthly_fsx_lustre_backup_gb", "AmazonFSx", "~BackupUsage*"),
        )
    ),
    "aws_s3_bucket_inventory": (_Row("Objects listed", "1M objects", "monthly_listed_objects", "AmazonS3", "~Inventory-ObjectsListed", 1_000_000),),
    "aws_s3_bucket_analytics_configuration": (_Row("Objects monitored", "1M objects", "monthly_monitored_objects", "AmazonS3", "~StorageAnalytics-ObjCount", 1_000_000),),
    "aws_kinesisanalyticsv2_application_snapshot": (_Row("Backup", "GB", "durable_application_backup_gb", "AmazonKinesisAnalytics", "~DurableApplicationBackups"),),
}  # fmt: skip


def _from_table(case: Case) -> Mapped:
    lines: list[Line] = []
    for row in _TABLE[case.planned.type]:
        query = case.query(row.service, row.family, region=row.region, usagetype=row.usagetype, eventType=row.kind)
        if row.quantity == _MONTH:
            lines.append(Line(row.component, row.unit, ONE, query))
        else:
            amount = case.usage.number(row.quantity)
            if row.only and amount is None and (case.usage or case.planned.type != "aws_backup_vault"):
                continue
            if row.tiers:
                lines += tiered(row.component, row.unit, amount, query, row.tiers, row.per)
            else:
                lines.append(used(row.component, row.unit, amount, query, row.per))
    return lines


FAMILY.maps(*_TABLE)(_from_table)
