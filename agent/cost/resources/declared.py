"""Resources that a table tells: a component or a few, each a month, an hour, or what use makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from agent.cost.estimate_plan import Values
from agent.cost.prices import ONE
from agent.cost.resources.lines import Case, Family, Line, Mapped, hourly, stored, tiered, used

FAMILY = Family()
_MONTH, _HOUR = "a month", "an hour"


@dataclass(frozen=True, slots=True)
class _Row:
    """One component.

    Attributes:
        quantity: `a month` (one), `an hour` (730), or the usage key that tells it.
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
_CERTIFICATES = [("first 1K", 1_000), ("next 9K", 9_000), ("over 10K", None)]

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
        elif row.quantity == _HOUR:
            lines.append(hourly(row.component, query))
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


# -- a little more than a table tells


@FAMILY.maps("aws_cloudhsm_v2_hsm")
def _hsm(case: Case) -> Mapped:
    return [
        hourly("HSM usage", case.query("CloudHSM", usagetype="~CloudHSMv2Usage"), ONE, case.usage.number("monthly_hrs"))
    ]


@FAMILY.maps("aws_grafana_workspace")
def _grafana(case: Case) -> Mapped:
    """A workspace has an editor at least, who is charged."""
    usage, service = case.usage, "AmazonGrafana"
    editors = usage.number("editors_administrator_licenses")
    viewers = usage.number("viewer_licenses")
    lines = [
        Line(
            "Editor/administrator licenses",
            "users",
            ONE if editors is None else editors,
            case.query(service, usagetype="~Grafana:EditorUser"),
        ),
        Line("Viewer licenses", "users", viewers, case.query(service, usagetype="~Grafana:ViewerUser")),
    ]
    if case.planned.values.told("license_type"):
        both = None if editors is None or viewers is None else editors + viewers
        lines.append(
            Line("Enterprise plugins licenses", "users", both, case.query(service, usagetype="~Grafana:EnterpriseUser"))
        )
    return lines


@FAMILY.maps("aws_kms_key")
def _key(case: Case) -> Mapped:
    spec = case.planned.values.text("customer_master_key_spec", "SYMMETRIC_DEFAULT")

    def requests(name: str, usagetype: str) -> Line:
        return used(
            name,
            "10k requests",
            case.usage.number("monthly_requests"),
            case.query("awskms", usagetype=usagetype),
            10_000,
        )

    lines = [Line("Customer master key", "months", ONE, case.query("awskms", usagetype="~KMS-Keys"))]
    if spec == "RSA_2048":
        return [*lines, requests("Requests (RSA 2048)", "~KMS-Requests-Asymmetric-RSA_2048")]
    if not spec.startswith(("SYMMETRIC", "HMAC")):
        return [*lines, requests("Requests (asymmetric)", "~KMS-Requests-Asymmetric")]
    return [
        *lines,
        requests("Requests", "~KMS-Requests"),
        requests("ECC GenerateDataKeyPair requests", "~KMS-Requests-GenerateDatakeyPair-ECC"),
        requests("RSA GenerateDataKeyPair requests", "~KMS-Requests-GenerateDatakeyPair-RSA"),
    ]


@FAMILY.maps("aws_cloudwatch_metric_alarm")
def _alarm(case: Case) -> Mapped:
    values = case.planned.values
    metrics = [block.block("metric") for block in values.blocks("metric_query") if block.told("metric")]
    periods = [metric.number("period") for metric in metrics] or [values.number("period")]
    anomaly = values.told("threshold_metric_id")
    high = any(period is not None and period < 60 for period in periods)
    kind = "High resolution" if high else "Standard resolution"
    count = Decimal(max(1, len(metrics))) * (3 if anomaly else 1)  # an anomaly alarm watches its band too
    name = f"{kind} anomaly detection" if anomaly else kind
    query = case.query(
        "AmazonCloudWatch", "Alarm", usagetype="~CW:HighResAlarmMonitorUsage" if high else "~CW:AlarmMonitorUsage"
    )
    return [Line(name, "alarms" if anomaly else "alarm metrics", count, query)]


@FAMILY.maps("aws_cloudwatch_composite_alarm")
def _composite(case: Case) -> Mapped:
    return [
        Line(
            "Composite alarm",
            "alarms",
            ONE,
            case.query("AmazonCloudWatch", "Alarm", usagetype="~CW:CompositeAlarmMonitorUsage"),
        )
    ]


@FAMILY.maps("aws_acmpca_certificate_authority")
def _authority(case: Case) -> Mapped:
    requests = case.usage.number("monthly_requests")
    service = "AWSCertificateManager"
    if case.planned.values.text("usage_mode") == "SHORT_LIVED_CERTIFICATE":
        return [
            Line("Private certificate authority (short-lived certificate mode)", "months", ONE, case.query(service, usagetype="~ShortLivedCertificatePrivateCA")),
            Line("Certificates (short-lived)", "requests", requests, case.query(service, usagetype="~ShortLivedCertificatesIssued")),
        ]  # fmt: skip
    query = case.query(service, usagetype="~PrivateCertificatesIssued")
    return [
        Line("Private certificate authority", "months", ONE, case.query(service, usagetype="~PaidPrivateCA")),
        *tiered("Certificates", "requests", requests, query, _CERTIFICATES),
    ]


@FAMILY.maps("aws_acm_certificate")
def _certificate(case: Case) -> Mapped:
    if not case.planned.values.text("certificate_authority_arn") and not case.planned.references.get(
        "certificate_authority_arn"
    ):
        return []  # public certificates are free
    query = case.query("AWSCertificateManager", usagetype="~PrivateCertificatesIssued")
    return [Line("Certificate", "requests", ONE, query)]


@FAMILY.maps("aws_ssm_parameter")
def _parameter(case: Case) -> Mapped:
    usage = case.usage
    limit = usage.text("api_throughput_limit", "standard")
    lines: list[Line] = []
    if case.planned.values.text("tier") == "Advanced":
        query = case.query("AWSSystemsManager", usagetype="~PS-Advanced-Param-Tier1")
        lines.append(hourly("Parameter storage (advanced)", query, ONE, usage.number("parameter_storage_hrs")))
    if limit in ("advanced", "higher") or lines:
        query = case.query("AWSSystemsManager", usagetype="~PS-Param-Processed-Tier2")
        lines.append(
            used(
                f"API interactions ({limit if limit != 'standard' else 'advanced'})",
                "10k interactions",
                usage.number("monthly_api_interactions"),
                query,
                10_000,
            )
        )
    return lines


@FAMILY.maps("aws_ssm_activation")
def _activation(case: Case) -> Mapped:
    if case.usage.text("instance_tier", "advanced") != "advanced":
        return []
    instances = case.usage.number("instances")
    query = case.query("AWSSystemsManager", usagetype="~MI-AdvInstances-Hrs")
    hours = None if instances is None else instances * 730
    return [Line("On-prem managed instances (advanced)", "hours", hours, query)]


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


@FAMILY.maps("aws_codebuild_project")
def _builds(case: Case) -> Mapped:
    environment = case.planned.values.block("environment")
    size = environment.text("compute_type").removeprefix("BUILD_").lower().replace("general1_", "general1.")
    system = (
        "Windows"
        if environment.text("type").startswith("WINDOWS")
        else "ARM"
        if environment.text("type").startswith("ARM")
        else "Linux"
    )
    gpu = "GPU" in environment.text("type")
    kind = {"Linux": "linux", "Windows": "windows", "ARM": "arm"}[system] + (" gpu" if gpu else "")
    query = case.query(
        "CodeBuild",
        usagetype=f"~Build-Min:{'Linux' if system == 'Linux' else system}:{'g1' if size.startswith('general1') else 'l1'}.{size.rpartition('.')[2]}",
    )
    return [Line(f"{kind.capitalize()} ({size})", "minutes", case.usage.number("monthly_build_mins"), query)]


@FAMILY.maps("aws_waf_web_acl", "aws_wafv2_web_acl")
def _firewall(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    v2 = case.planned.type == "aws_wafv2_web_acl"
    service = "awswaf"
    version = "V2" if v2 else ""
    blocks = values.blocks("rule") if v2 else values.blocks("rules")
    groups = [one for one in blocks if _is_group(one, v2)]
    managed = [one for one in groups if one.block("statement").told("managed_rule_group_statement")]
    own = len(groups) - len(managed)
    inside = usage.number("rule_group_rules"), usage.number("managed_rule_group_rules")
    rules = Decimal(len(blocks) - len(groups)) + sum((one for one in inside if one is not None), Decimal(0))
    per_rule = case.query(service, usagetype=f"~Rule{version}")
    lines = [Line("Web ACL usage", "months", ONE, case.query(service, usagetype=f"~WebACL{version}"))]
    if rules:
        lines.append(Line("Rules", "rules", rules, per_rule))
    if own:
        lines.append(Line("Rule groups", "groups", Decimal(own), per_rule))
    if managed:
        lines.append(Line("Managed rule groups", "groups", Decimal(len(managed)), per_rule))
    requests = case.query(service, usagetype=f"~Request{version}-Tier1")
    lines.append(used("Requests", "1M requests", usage.number("monthly_requests"), requests, 1_000_000))
    return lines


def _is_group(block: Values, v2: bool) -> bool:
    if not v2:
        return block.text("type") == "GROUP"
    statement = block.block("statement")
    return statement.told("rule_group_reference_statement") or statement.told("managed_rule_group_statement")


@FAMILY.maps("aws_directory_service_directory")
def _directory(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    kind, service = values.text("type", "SimpleAD"), "AWSDirectoryService"
    size = values.text("edition", "Enterprise") if kind == "MicrosoftAD" else values.text("size", "Large")
    name = {"MicrosoftAD": "Microsoft AD", "SimpleAD": "Simple AD", "ADConnector": "AD Connector"}.get(kind, kind)
    query = case.query(service, "AWS Directory Service", directorySize=size, directoryType=name)
    lines = [Line(f"Directory service ({name}, {size})", "controllers", Decimal(2), query, per=Decimal(730))]
    if kind == "MicrosoftAD":
        more, shared = usage.number("additional_domain_controllers"), usage.number("shared_accounts")
        if more is not None:
            lines.append(Line("Additional domain controllers", "controllers", more, query, per=Decimal(730)))
        if shared is not None:
            sharing = case.query(service, "AWS Directory Service", directorySize=size, usagetype="~*SharedDirectory*")
            lines.append(Line("Directory sharing", "accounts", shared, sharing, per=Decimal(730)))
    return lines


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
            None if amount is None else amount * 730,
            case.query(service, type=part, size=size),
        )

    return [
        hourly(f"Environment ({size})", case.query(service, type="Environment", size=size)),
        running("Worker", usage.number("additional_workers")),
        running("Scheduler", usage.number("additional_schedulers")),
        stored("Meta database", usage.number("meta_database_gb"), case.query(service, usagetype="~DatabaseStorage*")),
    ]


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


_MEDIA = {"gp2": "GP2", "gp3": "GP3", "io1": "PIOPS", "standard": "Magnetic"}


@FAMILY.maps("aws_dms_replication_instance")
def _replication(case: Case) -> Mapped:
    values = case.planned.values
    kind = values.text("replication_instance_class")
    multi = "Multi-AZ" if values.flag("multi_az") else "Single-AZ"
    size = values.number("allocated_storage")
    free = Decimal(100) if kind.startswith(("dms.c", "dms.r")) else Decimal(50)
    query = case.query(
        "AWSDatabaseMigrationSvc",
        "Replication Server",
        instanceType=kind.removeprefix("dms."),
        availabilityZone="Multiple" if multi == "Multi-AZ" else "Single",
    )
    lines = [hourly(f"Instance ({kind.removeprefix('dms.')})", query)]
    if size is not None and size > free:
        lines.append(
            stored(
                "Storage (general purpose SSD, gp2)",
                size - free,
                case.query("AWSDatabaseMigrationSvc", "Storage"),
            )
        )
    return lines


@FAMILY.maps("aws_lightsail_instance")
def _lightsail(case: Case) -> Mapped:
    values = case.planned.values
    bundle = values.text("bundle_id")
    windows = "_win_" in bundle
    query = case.query("AmazonLightsail", "Lightsail Instance", usagetype=f"~BundleUsage:*{bundle.partition('_')[0]}*")
    return [hourly(f"Virtual server ({'Windows' if windows else 'Linux/UNIX'})", query)]
