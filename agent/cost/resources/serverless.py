"""Lambda, API Gateway, Step Functions, DynamoDB. https://aws.amazon.com/lambda/pricing/"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from agent.cost.prices import ONE
from agent.cost.resources.lines import HOURS, MILLION, Case, Family, Line, Mapped, hourly, stored, tiered, used

FAMILY = Family()
_SECONDS = Decimal(1_000)
_MB = Decimal(1_024)
_FREE_EPHEMERAL_MB = Decimal(512)


@FAMILY.maps("aws_lambda_function")
def _function(case: Case) -> Mapped:
    values, usage = case.planned.values, case.usage
    memory = values.number("memory_size") or Decimal(128)
    arm = "arm64" in values.texts("architectures")
    requests, duration = usage.number("monthly_requests"), usage.number("request_duration_ms")
    seconds = None if requests is None else requests * (ONE if duration is None else duration) / _SECONDS
    group = "AWS-Lambda-Duration-ARM" if arm else "AWS-Lambda-Duration"
    tiers: list[tuple[str, Decimal | int | None]] = (
        [("first 7.5B", 7_500_000_000), ("next 11.25B", 11_250_000_000), ("over 18.75B", None)] if arm
        else [("first 6B", 6_000_000_000), ("next 9B", 9_000_000_000), ("over 15B", None)]
    )  # fmt: skip
    lines = [
        used(
            "Requests",
            "1M requests",
            requests,
            case.query("AWSLambda", "Serverless", group="AWS-Lambda-Requests" + ("-ARM" if arm else "")),
            MILLION,
        )
    ]
    ephemeral = values.block("ephemeral_storage").number("size")
    if ephemeral is not None and ephemeral > _FREE_EPHEMERAL_MB:
        query = case.query("AWSLambda", "Serverless", group="AWS-Lambda-Storage-Duration" + ("-ARM" if arm else ""))
        above = (ephemeral - _FREE_EPHEMERAL_MB) / _MB
        lines.append(
            Line("Ephemeral storage", "GB-seconds", None if seconds is None else _whole(above * seconds), query)
        )
    if case.region.startswith("cn-"):
        tiers = [("", None)]  # one price there
    amount = None if seconds is None else _whole(memory / _MB * seconds)
    return lines + tiered("Duration", "GB-seconds", amount, case.query("AWSLambda", "Serverless", group=group), tiers)


def _whole(amount: Decimal) -> Decimal:
    return amount.to_integral_value(ROUND_CEILING) if amount != amount.to_integral_value() else amount


@FAMILY.maps("aws_lambda_provisioned_concurrency_config")
def _provisioned(case: Case) -> Mapped:
    usage = case.usage
    count = case.planned.values.number("provisioned_concurrent_executions") or ONE
    function = case.scene.referred(case.planned, "function_name", "aws_lambda_function")
    memory = usage.number("memory_mb") or (function.values.number("memory_size") if function else None) or Decimal(128)
    arm = usage.text("architecture") == "arm64" or (
        function is not None and "arm64" in function.values.texts("architectures")
    )
    suffix = "-ARM" if arm else ""
    hours, requests, duration = (
        usage.number("monthly_duration_hrs"), usage.number("monthly_requests"), usage.number("request_duration_ms")
    )  # fmt: skip
    size = memory / _MB
    kept = None if hours is None else hours * 3_600 * count * size
    ran = None if requests is None or duration is None else requests * duration / _SECONDS * size
    return [
        used("Requests", "1M requests", requests, case.query("AWSLambda", "Serverless", group=f"AWS-Lambda-Requests{suffix}"), MILLION),
        Line("Provisioned Concurrency", "GB-seconds", kept, case.query("AWSLambda", "Serverless", group=f"AWS-Lambda-Provisioned-Concurrency{suffix}")),
        Line("Duration", "GB-seconds", ran, case.query("AWSLambda", "Serverless", group=f"AWS-Lambda-Duration-Provisioned{suffix}")),
    ]  # fmt: skip


_BILLION = 1_000_000_000


@FAMILY.maps("aws_api_gateway_rest_api")
def _rest(case: Case) -> Mapped:
    query = case.query("AmazonApiGateway", "API Calls", usagetype="~ApiGatewayRequest")
    tiers = [("first 333M", 333_000_000), ("next 667M", 667_000_000), ("next 19B", 19 * _BILLION), ("over 20B", None)]
    return [*tiered("Requests", "1M requests", case.usage.number("monthly_requests"), query, tiers, 1_000_000)]


@FAMILY.maps("aws_api_gateway_stage")
def _stage(case: Case) -> Mapped:
    size = case.planned.values.text("cache_cluster_size") or _plain(case.planned.values.number("cache_cluster_size"))
    if not case.planned.values.flag("cache_cluster_enabled") or not size:
        return []
    query = case.query("AmazonApiGateway", "Amazon API Gateway Cache", cacheMemorySizeGb=size)
    return [hourly(f"Cache memory ({size} GB)", query)]


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number.normalize():f}"


@FAMILY.maps("aws_apigatewayv2_api")
def _http(case: Case) -> Mapped:
    usage, service = case.usage, "AmazonApiGateway"
    if case.planned.values.text("protocol_type") == "WEBSOCKET":
        chunks = _chunks(usage.number("message_size_kb"), 32)
        messages = usage.number("monthly_messages")
        query = case.query(service, "WebSocket", usagetype="~ApiGatewayMessage")
        minutes = case.query(service, "WebSocket", usagetype="~ApiGatewayMinute")
        return [
            *tiered("Messages", "1M messages", None if messages is None else messages * chunks, query, [("first 1B", _BILLION), ("over 1B", None)], 1_000_000),
            used("Connection duration", "1M minutes", usage.number("monthly_connection_mins"), minutes, MILLION),
        ]  # fmt: skip
    chunks = _chunks(usage.number("request_size_kb"), 512)
    requests = usage.number("monthly_requests")
    query = case.query(service, "API Calls", usagetype="~ApiGatewayHttpRequest")
    return [
        *tiered(
            "Requests",
            "1M requests",
            None if requests is None else requests * chunks,
            query,
            [("first 300M", 300_000_000), ("over 300M", None)],
            1_000_000,
        )
    ]


def _chunks(size_kb: Decimal | None, chunk_kb: int) -> Decimal:
    """How many charged pieces a message is."""
    if size_kb is None:
        return ONE
    return max(ONE, (size_kb / Decimal(chunk_kb)).to_integral_value(ROUND_CEILING))


@FAMILY.maps("aws_sfn_state_machine")
def _states(case: Case) -> Mapped:
    usage, service = case.usage, "AmazonStates"
    if case.planned.values.text("type") != "EXPRESS":
        query = case.query(service, "AWS Step Functions", usagetype="~StateTransition")
        return [used("Transitions", "1K transitions", usage.number("monthly_transitions"), query, 1_000)]
    requests, memory, duration = (
        usage.number("monthly_requests"), usage.number("memory_mb"), usage.number("workflow_duration_ms")
    )  # fmt: skip
    seconds = None
    if requests is not None and memory is not None and duration is not None:
        steps = (memory / 64).to_integral_value(ROUND_CEILING) * 64 / _MB
        seconds = requests * (duration / 100).to_integral_value(ROUND_CEILING) / 10 * steps
    hour = Decimal(3_600_000)
    tiers: list[tuple[str, Decimal | int | None]] = [("first 1K", hour), ("next 4K", 4 * hour), ("over 5K", None)]
    return [
        used("Requests", "1M requests", requests, case.query(service, "AWS Step Functions", usagetype="~StepFunctions-Request"), MILLION),
        *tiered("Duration", "GB-hours", seconds, case.query(service, "AWS Step Functions", usagetype="~StepFunctions-GB-Second"), tiers, 3_600),
    ]  # fmt: skip


# -- DynamoDB


@FAMILY.maps("aws_dynamodb_table")
def _table(case: Case) -> Mapped:
    values, usage, service = case.planned.values, case.usage, "AmazonDynamoDB"
    lines: list[Line] = []
    on_demand = values.text("billing_mode", "PROVISIONED") == "PAY_PER_REQUEST"
    infrequent = "IA-" if values.text("table_class") == "STANDARD_INFREQUENT_ACCESS" else ""
    writes, reads = usage.number("monthly_write_request_units"), usage.number("monthly_read_request_units")
    wcu, rcu = _capacity(case, "Write"), _capacity(case, "Read")
    if on_demand:
        lines += [
            Line("Write request unit (WRU)", "WRUs", writes, case.query(service, "Amazon DynamoDB PayPerRequest Throughput", usagetype=f"~{infrequent}WriteRequestUnits")),
            Line("Read request unit (RRU)", "RRUs", reads, case.query(service, "Amazon DynamoDB PayPerRequest Throughput", usagetype=f"~{infrequent}ReadRequestUnits")),
        ]  # fmt: skip
    else:
        for name, short, (amount, scaled), kind in (("Write", "WCU", wcu, "Write"), ("Read", "RCU", rcu, "Read")):
            label = f"{name} capacity unit ({short}{', autoscaling' if scaled else ''})"
            lines.append(
                Line(
                    label,
                    short,
                    amount,
                    case.query(service, "Provisioned IOPS", group=f"DDB-{kind}Units{infrequent.rstrip('-')}"),
                    per=HOURS,
                )
            )
    lines.append(
        stored(
            "Data storage",
            usage.number("storage_gb"),
            case.query(service, "Database Storage", usagetype=f"~{infrequent}TimedStorage-ByteHrs"),
        )
    )
    if values.block("point_in_time_recovery").flag("enabled") or usage.number("pitr_backup_storage_gb") is not None:
        lines.append(
            stored(
                "Point-In-Time Recovery (PITR) backup storage",
                usage.number("pitr_backup_storage_gb"),
                case.query(service, usagetype="~TimedPITRStorage-ByteHrs"),
            )
        )
    lines += [
        stored("On-demand backup storage", usage.number("on_demand_backup_storage_gb"), case.query(service, usagetype="~TimedBackupStorage-ByteHrs")),
        stored("Table data restored", usage.number("monthly_data_restored_gb"), case.query(service, usagetype="~RestoreDataSize-Bytes")),
        Line("Streams read request unit (sRRU)", "sRRUs", usage.number("monthly_streams_read_request_units"), case.query(service, "API Request", group="DDB-StreamsReadRequests")),
    ]  # fmt: skip
    for replica in values.blocks("replica"):
        region = replica.text("region_name")
        part = f"Global table ({region})"
        if on_demand:
            query = case.query(service, region=region, usagetype="~ReplWriteRequestUnits")
            lines.append(Line("Replicated write request unit (rWRU)", "rWRU", writes, query).under(part))
        else:
            query = case.query(
                service,
                "DDB-Operation-ReplicatedWrite",
                region=region,
                group="DDB-ReplicatedWriteUnits",
                usagetype="~ReplWriteCapacityUnit-Hrs",
            )
            lines.append(Line("Replicated write capacity unit (rWCU)", "rWCU", wcu[0], query, per=HOURS).under(part))
    return lines


def _capacity(case: Case, way: str) -> tuple[Decimal | None, bool]:
    """Provisioned capacity, and whether it scales on its own: then what the usage file tells of its target, else the least."""
    values = case.planned.values
    for target in case.scene.of_type("aws_appautoscaling_target"):
        said = target.values
        if said.text("scalable_dimension") != f"dynamodb:table:{way}CapacityUnits":
            continue
        table = case.scene.referred(target, "resource_id", "aws_dynamodb_table")
        named = said.text("resource_id").removeprefix("table/")
        if table is case.planned or (table is None and named and named == values.text("name")):
            told = case.usage_of(target).number("capacity")
            return (said.number("min_capacity") if told is None else told), True
    return values.number(f"{way.lower()}_capacity"), False
