"""SQS, SNS, Kinesis, Firehose, MQ, MSK, EventBridge. https://aws.amazon.com/sns/pricing/"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from agent.cost.amounts import ZERO
from agent.cost.estimate_plan import Planned
from agent.cost.prices import ONE
from agent.cost.resources.lines import (
    HOURS,
    MILLION,
    Case,
    Family,
    Line,
    Mapped,
    Unpriced,
    hourly,
    stored,
    tiered,
    used,
)

FAMILY = Family()
_CHUNK_KB = Decimal(64)
_KB_IN_GB = Decimal(1_000_000)


def _pieces(case: Case, key: str = "request_size_kb") -> Decimal:
    """Charged pieces of 64 KB in a request; 1 when its size is not told."""
    size = case.usage.number(key)
    return ONE if size is None else max(ONE, (size / _CHUNK_KB).to_integral_value(ROUND_CEILING))


@FAMILY.maps("aws_sqs_queue")
def _queue(case: Case) -> Mapped:
    requests = case.usage.number("monthly_requests")
    fifo = case.planned.values.flag("fifo_queue")
    query = case.query("AWSQueueService", "API Request", queueType="FIFO (first-in, first-out)" if fifo else "Standard")
    return [used("Requests", "1M requests", None if requests is None else requests * _pieces(case), query, MILLION)]


@FAMILY.maps("aws_sns_topic")
def _topic(case: Case) -> Mapped:
    usage, service = case.usage, "AmazonSNS"
    requests = usage.number("monthly_requests")
    if case.planned.values.flag("fifo_topic"):
        return _fifo_topic(case, requests)
    charged = None if requests is None else max(ZERO, requests * _pieces(case) - MILLION)
    lines = [
        used(
            "API requests (over 1M)", "1M requests", charged, case.query(service, usagetype="~Requests-Tier1"), MILLION
        )
    ]
    deliveries = (
        ("http_subscriptions", "HTTP/HTTPS notifications (over 100k)", "100k notifications", 100_000, 100_000, "DeliveryAttempts-HTTP"),
        ("email_subscriptions", "Email/Email-JSON notifications (over 1k)", "100k notifications", 100_000, 1_000, "DeliveryAttempts-SMTP"),
        ("kinesis_subscriptions", "Kinesis Firehose notifications", "1M notifications", 1_000_000, 0, "DeliveryAttempts-FIREHOSE"),
        ("mobile_push_subscriptions", "Mobile Push notifications", "1M notifications", 1_000_000, 0, "DeliveryAttempts-APNS"),
        ("macos_subscriptions", "MacOS notifications", "1M notifications", 1_000_000, 0, "DeliveryAttempts-MACOS"),
        ("sms_subscriptions", "SMS notifications (over 100)", "100 notifications", 100, 100, "DeliveryAttempts-SMS"),
    )  # fmt: skip
    for key, name, unit, per, free, usagetype in deliveries:
        count = usage.number(key)
        if count == ZERO:
            continue
        amount = None if requests is None or count is None else max(ZERO, requests * count - free)
        line = used(name, unit, amount, case.query(service, usagetype=f"~{usagetype}"), per)
        price = usage.number("sms_notification_price")
        if key == "sms_subscriptions" and price is not None:
            line = Line(line.component, line.unit, line.quantity, fixed=price * 100)
        lines.append(line)
    return lines


def _fifo_topic(case: Case, requests: Decimal | None) -> list[Line]:
    service, usage = "AmazonSNS", case.usage
    subscriptions = usage.number("fifo_subscriptions")
    if subscriptions is None:
        subscriptions = (
            Decimal(len(case.scene.referring(case.planned, "topic_arn", "aws_sns_topic_subscription"))) or None
        )
    size = usage.number("request_size_kb") or _CHUNK_KB
    payload = None if requests is None else requests * size / _KB_IN_GB
    delivered = None if requests is None or subscriptions is None else requests * subscriptions
    out = None if payload is None or subscriptions is None else payload * subscriptions
    return [
        used("FIFO Publish API requests", "1M requests", requests, case.query(service, usagetype="~F-Request-Tier1"), MILLION),
        stored("FIFO Publish API payload", payload, case.query(service, usagetype="~F-Ingress-Tier1")),
        used("FIFO notifications", "1M notifications", delivered, case.query(service, usagetype="~F-DA-SQS"), MILLION),
        stored("FIFO notification payload", out, case.query(service, usagetype="~F-Egress-SQS")),
    ]  # fmt: skip


@FAMILY.maps("aws_sns_topic_subscription")
def _subscription(case: Case) -> Mapped:
    protocol = case.planned.values.text("protocol")
    if protocol not in ("http", "https"):
        return []  # its topic's lines tell the other deliveries
    requests = case.usage.number("monthly_requests")
    topic = case.scene.referred(case.planned, "topic_arn", "aws_sns_topic")
    if requests is None and topic is not None:
        return []
    query = case.query("AmazonSNS", usagetype="~DeliveryAttempts-HTTP")
    return [
        used(
            "HTTP notifications",
            "1M notifications",
            None if requests is None else requests * _pieces(case),
            query,
            MILLION,
        )
    ]


@FAMILY.maps("aws_kinesis_stream")
def _stream(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonKinesis"
    on_demand = values.block("stream_mode_details").text("stream_mode") == "ON_DEMAND"
    days = (values.number("retention_period") or Decimal(24)) / 24
    long = usage.number("monthly_provisioned_long_term_retention_gb")
    lines: list[Line] = []
    if on_demand:

        def told(key: str) -> Decimal | None:
            return usage.number(f"monthly_on_demand_{key}")

        lines = [
            hourly("ON_DEMAND", case.query(service, usagetype="~OnDemand-StreamHour")),
            stored("Data ingested", told("data_in_gb"), case.query(service, usagetype="~OnDemand-BilledIncomingBytes")),
            stored(
                "Data retrieval", told("data_out_gb"), case.query(service, usagetype="~OnDemand-BilledOutgoingBytes")
            ),
        ]
        extra = (
            ("Enhanced Fan Out (EFO) Data retrieval", "efo_data_out_gb", "OnDemand-BilledOutgoingEFOBytes"),
            ("Extended retention (24H to 7D)", "extended_retention_gb", "OnDemand-ExtendedRetention-ByteHrs"),
            ("Long term retention (7D+)", "long_term_retention_gb", "OnDemand-LongTermRetention-ByteHrs"),
        )
        lines += [
            stored(name, told(key), case.query(service, usagetype=f"~{kind}"))
            for name, key, kind in extra
            if told(key) is not None
        ]
        return lines
    shards = values.number("shard_count") or ONE
    lines = [
        hourly("PROVISIONED", case.query(service, usagetype="~Storage-ShardHour"), shards),
        Line("Put request unit", "units", usage.number("monthly_provisioned_put_units"), case.query(service, usagetype="~PutRequestPayloadUnits")),
    ]  # fmt: skip
    retained = usage.number("monthly_provisioned_extended_retention_gb")
    if days > 1 or retained is not None:
        lines.append(
            stored("Extended retention (24H to 7D)", retained, case.query(service, usagetype="~Extended-ShardHour"))
        )
    if days > 7 or long is not None:
        lines += [
            stored("Long term retention (7D+)", long, case.query(service, usagetype="~LongTermRetention-ByteHrs")),
            stored("Extended retention retrieval (7D+)", usage.number("monthly_provisioned_long_term_retrieval_gb"), case.query(service, usagetype="~LongTermRetention-ReadBytes")),
        ]  # fmt: skip
    consumed, consumers = (
        usage.number("monthly_provisioned_efo_data_out_gb"),
        usage.number("monthly_provisioned_efo_consumer_hours"),
    )
    if consumed is not None or consumers is not None:
        lines += [
            stored(
                "Enhanced Fan Out (EFO) Data retrieval",
                consumed,
                case.query(service, operation="EnhancedFanoutDataRetrieval"),
            ),
            Line(
                "Enhanced Fan Out (EFO)",
                "consumer-shard hour",
                consumers,
                case.query(service, operation="EnhancedFanoutConsumerShardHour"),
            ),
        ]
    return lines


@FAMILY.maps("aws_kinesis_firehose_delivery_stream")
def _firehose(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonKinesisFirehose"
    amount = usage.number("monthly_data_ingested_gb")
    tiers: list[tuple[str, Decimal | int | None]] = [
        ("first 500TB", 512_000),
        ("next 1.5PB", 1_536_000),
        ("next 3PB", None),
    ]
    lines = [*tiered("Data ingested", "GB", amount, case.query(service, group="Event-by-Event Processing"), tiers)]
    target = values.block("extended_s3_configuration")
    conversion = target.block("data_format_conversion_configuration")
    if target.told("data_format_conversion_configuration") and not conversion.denied("enabled"):
        lines.append(stored("Format conversion", amount, case.query(service, operation="DataFormatConversion")))
    places = [
        values.block(name).block("vpc_config") for name in ("elasticsearch_configuration", "opensearch_configuration")
    ]
    subnets = max((place.count("subnet_ids") for place in places), default=0)
    if subnets:
        lines += [
            stored("VPC data", amount, case.query(service, operation="VpcBandwidth")),
            hourly("VPC AZ delivery", case.query(service, operation="RunVpcInstance"), subnets),
        ]
    return lines


_MQ_STORAGE = {
    ("RabbitMQ", "EBS"): "~TimedStorage-RabbitMQ-ByteHrs",
    ("ActiveMQ", "EBS"): "~TimedStorage-EBS-ByteHrs",
    ("ActiveMQ", "EFS"): "~TimedStorage-ByteHrs",
}


@FAMILY.maps("aws_mq_broker")
def _broker(case: Case) -> Mapped:
    values = case.planned.values
    engine = "RabbitMQ" if values.text("engine_type").lower() == "rabbitmq" else "ActiveMQ"
    mode = values.text("deployment_mode", "SINGLE_INSTANCE").upper()
    kind = values.text("host_instance_type")
    multi = mode != "SINGLE_INSTANCE"
    nodes = Decimal(3) if mode == "CLUSTER_MULTI_AZ" else ONE
    query = case.query(
        "AmazonMQ",
        "Broker Instances",
        instanceType=kind,
        brokerEngine=engine,
        deploymentOption="Multi-AZ" if multi else "Single-AZ",
    )
    size = case.usage.number("storage_size_gb")
    storage = "EBS" if engine == "RabbitMQ" or values.text("storage_type").lower() == "ebs" else "EFS"
    return [
        hourly(f"Instance usage ({engine}, {kind}, {mode.lower()})", query),
        stored(f"Storage ({engine}, {storage})", None if size is None else size * nodes,
               case.query("AmazonMQ", "Broker Storage", brokerEngine=engine, usagetype=_MQ_STORAGE[engine, storage])),
    ]  # fmt: skip


@FAMILY.maps("aws_msk_cluster")
def _msk(case: Case) -> Mapped:
    values, planned = case.planned.values, case.planned
    nodes = values.number("number_of_broker_nodes") or ONE
    group = values.block("broker_node_group_info")
    kind = group.text("instance_type")
    if not kind:
        return Unpriced("its instance type is not told")
    lines = [
        hourly(
            f"Instance ({kind})",
            case.query(
                "AmazonMSK", "Managed Streaming for Apache Kafka (MSK)", computeFamily=kind.removeprefix("kafka.")
            ),
            nodes,
        )
    ]
    ebs = group.block("storage_info").block("ebs_storage_info")
    size = ebs.number("volume_size") or group.number("ebs_volume_size")
    scaled = _scaled(case, planned)
    least = None
    for target in scaled:
        told = case.usage_of(target).number("capacity")
        least = told if told is not None else target.values.number("min_capacity")
    storage = case.query("AmazonMSK", "Managed Streaming for Apache Kafka (MSK)", storageFamily="GP2")
    if least is not None:
        size = least
    lines.append(
        stored("Storage (autoscaling)" if scaled else "Storage", None if size is None else size * nodes, storage)
    )
    throughput = ebs.block("provisioned_throughput").number("volume_throughput")
    if throughput is not None:
        query = case.query("AmazonMSK", usagetype="~Kafka.Storage.Throughput")
        lines.append(Line("Provisioned throughput", "Mbps", max(ZERO, throughput - 250) * nodes, query))
    return lines


def _scaled(case: Case, planned: Planned) -> list[Planned]:
    return [
        one
        for one in case.scene.referring(planned, "resource_id", "aws_appautoscaling_target")
        if one.values.text("service_namespace") == "kafka"
    ]


@FAMILY.maps("aws_kinesis_analytics_application", "aws_kinesisanalyticsv2_application")
def _analytics(case: Case) -> Mapped:
    service, usage, planned = "AmazonKinesisAnalytics", case.usage, case.planned
    units = usage.number("kinesis_processing_units")
    kpu = case.query(
        service,
        "Kinesis Analytics",
        usagetype="~KPU-Hour-Java" if planned.type.endswith("v2_application") else "~KPU-Hour",
    )
    lines = [Line("Processing (stream)", "KPU", units, kpu, per=HOURS)]
    if planned.values.text("runtime_environment").upper().startswith("FLINK"):
        lines += [
            Line("Processing (orchestration)", "KPU", ONE, kpu, per=HOURS),
            stored("Running storage", None if units is None else units * 50, case.query(service, usagetype="~RunningApplicationStorage")),
            stored("Backup", usage.number("durable_application_backup_gb"), case.query(service, usagetype="~DurableApplicationBackups")),
        ]  # fmt: skip
    return lines
