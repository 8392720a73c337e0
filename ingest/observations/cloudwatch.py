"""Metrics of Amazon CloudWatch (GetMetricData) and logs by Logs Insights.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
Permissions: `cloudwatch:GetMetricData`, `cloudwatch:ListMetrics`, `logs:StartQuery`, `logs:GetQueryResults`, `logs:GetLogEvents`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode

import msgspec

from graph.clock import SECOND, Instant, from_datetime, instant
from graph.observations import METRIC_CLASSES, WORSE, LogLine, LogQuery, MetricClass, Seen, Series, SeriesQuery, Worse
from ingest.aws_client import Aws, AwsAccess, access_of, impatient
from ingest.aws_errors import ServiceRefused
from ingest.observations.answering import Asking, Backend, not_ours, server_words
from ingest.source import SourceDataInvalid, SourceError

__all__ = ["METRICS", "CloudWatchBackend", "CloudWatchMetric", "CloudWatchSettings"]


@dataclass(frozen=True, slots=True)
class CloudWatchMetric:
    """One metric that tells of a class, for the things that a dimension names.

    Attributes:
        namespace, metric, stat: as CloudWatch has them; `stat` may be a percentile (`p95`).
        dimension: whose value is the thing's name.
        unit: of its values, after `scale`.
        scale: what values are multiplied by: 0.001 for milliseconds in a class that is in seconds.
        worse: which way is worse, when it differs from its class (free memory).
        listed: the metric has further dimensions, or its value only contains the name (`app/checkout/50dc6c495c0c9188`): the metrics there
            are are listed first.
    """

    namespace: str
    metric: str
    dimension: str
    stat: str = "Average"
    unit: str = "1"
    scale: float = 1.0
    worse: Worse | None = None
    listed: bool = False


_M = CloudWatchMetric
METRICS: Mapping[MetricClass, tuple[CloudWatchMetric, ...]] = {
    "latency": (
        _M("AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", "p95", "s", listed=True),
        _M("AWS/Lambda", "Duration", "FunctionName", "p95", "s", 0.001),
        _M("AWS/ApiGateway", "Latency", "ApiName", "p95", "s", 0.001),
        _M("AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", "Average", "s", 0.001, listed=True),
        _M("AWS/RDS", "ReadLatency", "DBInstanceIdentifier", "Average", "s"),
    ),
    "errors": (
        _M("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", "Sum", listed=True),
        _M("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", "Sum", listed=True),
        _M("AWS/Lambda", "Errors", "FunctionName", "Sum"),
        _M("AWS/ApiGateway", "5XXError", "ApiName", "Sum"),
        _M("AWS/DynamoDB", "SystemErrors", "TableName", "Sum", listed=True),
    ),
    "availability": (
        _M("AWS/ApplicationELB", "HealthyHostCount", "LoadBalancer", "Minimum", listed=True),
        _M("AWS/NetworkELB", "HealthyHostCount", "LoadBalancer", "Minimum", listed=True),
    ),
    "traffic": (
        _M("AWS/ApplicationELB", "RequestCount", "LoadBalancer", "Sum", listed=True),
        _M("AWS/Lambda", "Invocations", "FunctionName", "Sum"),
        _M("AWS/ApiGateway", "Count", "ApiName", "Sum"),
    ),
    "saturation": (
        _M("AWS/Lambda", "Throttles", "FunctionName", "Sum"),
        _M("AWS/DynamoDB", "ReadThrottleEvents", "TableName", "Sum"),
        _M("AWS/DynamoDB", "WriteThrottleEvents", "TableName", "Sum"),
        _M("AWS/Lambda", "ConcurrentExecutions", "FunctionName", "Maximum"),
    ),
    "queue": (
        _M("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "Maximum"),
        _M("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "Maximum", "s"),
    ),
    "memory": (
        _M("AWS/ECS", "MemoryUtilization", "ServiceName", "Average", "%", listed=True),
        _M("AWS/RDS", "FreeableMemory", "DBInstanceIdentifier", "Average", "By", worse="down"),
    ),
    "cpu": (
        _M("AWS/ECS", "CPUUtilization", "ServiceName", "Average", "%", listed=True),
        _M("AWS/EC2", "CPUUtilization", "InstanceId", "Average", "%"),
        _M("AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "Average", "%"),
    ),
    "disk": (_M("AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", "Average", "By", worse="down"),),
    "connections": (
        _M("AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", "Average"),
        _M("AWS/ElastiCache", "CurrConnections", "CacheClusterId", "Average"),
    ),
}
"""What is asked when the settings say nothing."""

_QUERIES_A_CALL = 500
_MOST_METRICS = 2_000
"""Metrics asked for in one question: CloudWatch charges by the metric."""
_MOST_LINES = 10_000
_POLL_S = (0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, slots=True)
class CloudWatchSettings:
    """Which account and region, and how its metrics and log groups are called. Credentials as for the aws source.

    Attributes:
        name: tells it apart from another one in citations.
        region: region that is asked; the SDK's own when left out.
        profile: profile of the shared configuration files.
        access_key_id: access key, with `secret_access_key`; both or neither.
        secret_access_key: its secret.
        session_token: token of temporary credentials.
        role_arn: role to assume with these credentials.
        external_id: external id that the role's trust policy asks for.
        endpoint_url: another server that speaks AWS.
        metrics: class of metric -> metrics asked for, each with `namespace`, `metric`, `dimension` and optional `stat`, `unit`, `scale`,
            `worse`, `listed`. They replace those built in.
        log_groups: names of log groups with `{service}` where a service's name goes; all that exist are read.
        timeout_s: longest wait for one call; a question's own deadline may be shorter.
    """

    name: str = "cloudwatch"
    region: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
    metrics: Mapping[MetricClass, tuple[CloudWatchMetric, ...]] = field(
        default_factory=dict[MetricClass, tuple[CloudWatchMetric, ...]]
    )
    log_groups: tuple[str, ...] = ("/aws/lambda/{service}", "/ecs/{service}", "/aws/ecs/{service}", "{service}")
    timeout_s: float = 10.0

    def access(self) -> AwsAccess:
        """How to get in. One attempt a call: a question has a deadline."""
        return impatient(access_of(self), self.timeout_s)


class _Dimension(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    value: str


class _Metric(msgspec.Struct, frozen=True, rename="pascal"):
    dimensions: tuple[_Dimension, ...] = ()


class _Metrics(msgspec.Struct, frozen=True, rename="pascal"):
    metrics: tuple[_Metric, ...] = ()


class _Result(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    timestamps: tuple[datetime, ...] = ()
    values: tuple[float, ...] = ()


class _Results(msgspec.Struct, frozen=True, rename="pascal"):
    metric_data_results: tuple[_Result, ...] = ()


class _Cell(msgspec.Struct, frozen=True):
    field: str = ""
    value: str = ""


class _Found(msgspec.Struct, frozen=True):
    status: str = ""
    results: tuple[tuple[_Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    subject: str
    row: CloudWatchMetric
    dimensions: tuple[tuple[str, str], ...]


class CloudWatchBackend(Backend):
    """Asks one region of one account."""

    holds = frozenset({"series", "logs"})
    title = "CloudWatch"

    def __init__(self, settings: CloudWatchSettings) -> None:
        """Raises `SourceDataInvalid` when the settings cannot be used."""
        super().__init__(settings.name)
        for metric in settings.metrics:
            if metric not in METRIC_CLASSES:
                raise SourceDataInvalid(
                    f"there is no class of metric {metric!r}", f"they are {', '.join(METRIC_CLASSES)}"
                )
        self._settings = settings
        self._aws = Aws(settings.access())

    def interrupted(self) -> None:
        """Clients that a lost read may still use are left to it."""
        self._aws = Aws(self._settings.access())

    # -- metrics

    def read_series(self, query: SeriesQuery, asking: Asking) -> Iterator[Series]:
        """All metrics of the table for all names, up to 500 a call."""
        table = self._settings.metrics.get(query.metric) or METRICS[query.metric]
        asked = [a for row in table for a in self._asked(query, row, asking)]
        asking.cut = len(asked) > _MOST_METRICS
        del asked[_MOST_METRICS:]
        period_s = _period_s(query)
        for start in range(0, len(asked), _QUERIES_A_CALL):
            part = asked[start : start + _QUERIES_A_CALL]
            for place, points in self._data(part, period_s, query.since, query.until, asking).items():
                told = part[place]
                yield self._series(told, query, period_s, points)

    def _asked(self, query: SeriesQuery, row: CloudWatchMetric, asking: Asking) -> Iterator[_Asked]:
        names = list(dict.fromkeys(query.names))
        if not row.listed:
            yield from (_Asked(name, row, ((row.dimension, name),)) for name in names)
            return
        aws = self._aws
        pages = aws.pages(
            "cloudwatch",
            "list_metrics",
            Namespace=row.namespace,
            MetricName=row.metric,
            Dimensions=[{"Name": row.dimension}],
        )
        for page in pages:
            asking.remaining_s()
            for metric in msgspec.convert(page, _Metrics).metrics:
                dimensions = tuple((d.name, d.value) for d in metric.dimensions)
                # `app/checkout/50dc6c495c0c9188` is the load balancer `checkout`.
                parts = {p for name, value in dimensions if name == row.dimension for p in (value, *value.split("/"))}
                yield from (_Asked(name, row, dimensions) for name in names if name in parts)

    def _data(
        self, asked: Sequence[_Asked], period_s: int, since: Instant, until: Instant, asking: Asking
    ) -> Mapping[int, Sequence[tuple[Instant, float]]]:
        queries = [
            {
                "Id": f"m{i}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": a.row.namespace,
                        "MetricName": a.row.metric,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in a.dimensions],
                    },
                    "Period": period_s,
                    "Stat": a.row.stat,
                },
            }
            for i, a in enumerate(asked)
        ]
        found: dict[int, list[tuple[Instant, float]]] = {}
        pages = self._aws.pages(
            "cloudwatch",
            "get_metric_data",
            MetricDataQueries=queries,
            StartTime=_datetime(since),
            EndTime=_datetime(until),
            ScanBy="TimestampAscending",
        )
        for page in pages:
            asking.remaining_s()
            for result in msgspec.convert(page, _Results).metric_data_results:
                place = int(result.id[1:])
                points = zip(map(from_datetime, result.timestamps), result.values, strict=False)
                # A period that ends after the window would hold what came after it.
                found.setdefault(place, []).extend(
                    (at, value * asked[place].row.scale) for at, value in points if at + period_s * SECOND <= until
                )
        return found

    def _series(
        self, told: _Asked, query: SeriesQuery, period_s: int, points: Sequence[tuple[Instant, float]]
    ) -> Series:
        row = told.row
        locator = "metric?" + urlencode(
            {
                "region": self._aws.region,
                "namespace": row.namespace,
                "metric": row.metric,
                "stat": row.stat,
                "period": period_s,
                "since": query.since,
                "until": query.until,
                **{f"dimension.{name}": value for name, value in told.dimensions},
            }
        )
        last = max((at for at, _ in points), default=query.since)
        name = f"{row.namespace}/{row.metric} {row.stat}"
        worse = row.worse or WORSE[query.metric]
        return Series(
            told.subject, name, told.dimensions, row.unit, worse, tuple(points), Seen(self.name, locator, None, last)
        )

    # -- logs

    def read_logs(self, query: LogQuery, asking: Asking) -> Iterator[LogLine]:
        """The service's log groups, one query each; a group that does not exist has no lines."""
        words = server_words(query)
        likes = " or ".join(f"@message like /(?i){word}/" for word in words)
        limit = min(query.limit + 1, _MOST_LINES) if words or not query.contains else _MOST_LINES
        text = "fields @timestamp, @message, @logStream" + (f" | filter {likes}" if likes else "")
        for pattern in dict.fromkeys(self._settings.log_groups):
            group = pattern.replace("{service}", query.service)
            rows = self._insights(group, f"{text} | sort @timestamp asc | limit {limit}", query, asking)
            asking.cut = asking.cut or len(rows) >= limit
            for row in rows:
                cells = {cell.field: cell.value for cell in row}
                at = _moment(cells.get("@timestamp", ""))
                if at is not None:
                    place = {"group": group, "stream": cells.get("@logStream", ""), "at": at // 1_000}
                    seen = Seen(self.name, f"event?{urlencode({'region': self._aws.region, **place})}", None, at)
                    yield LogLine(at, cells.get("@message", ""), seen)

    def _insights(self, group: str, text: str, query: LogQuery, asking: Asking) -> Sequence[Sequence[_Cell]]:
        aws = self._aws
        try:
            started = aws.call(
                "logs",
                "start_query",
                logGroupNames=[group],
                queryString=text,
                startTime=query.since // SECOND,
                endTime=-(-query.until // SECOND),
            )
        except SourceError as error:
            if _is_missing(error):
                return ()
            raise
        for turn in range(100_000):
            found = msgspec.convert(aws.call("logs", "get_query_results", queryId=started["queryId"]), _Found)
            if found.status == "Complete":
                return found.results
            if found.status not in ("Scheduled", "Running", "Unknown"):
                raise SourceDataInvalid(
                    f"CloudWatch Logs: the query ended as {found.status}", "ask for a shorter window"
                )
            wait_s = asking.remaining_s(_POLL_S[min(turn, len(_POLL_S) - 1)])
            time.sleep(wait_s)
        return ()

    # -- citations

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Asks for one metric, or for one event of a log stream, again."""
        kind, _, rest = locator.partition("?")
        told = {name: values[0] for name, values in parse_qs(rest, keep_blank_values=True).items()}
        try:
            if kind == "metric":
                row = CloudWatchMetric(told["namespace"], told["metric"], "", told["stat"])
                dimensions = tuple(
                    (k.removeprefix("dimension."), v) for k, v in told.items() if k.startswith("dimension.")
                )
                asked = [_Asked("", row, dimensions)]
                since, until = int(told["since"]), int(told["until"])
                return any(self._data(asked, int(told["period"]), since, until, asking).values())
            if kind == "event":
                at = int(told["at"])
                page = self._aws.call(
                    "logs",
                    "get_log_events",
                    logGroupName=told["group"],
                    logStreamName=told["stream"],
                    startTime=at,
                    endTime=at + 1,
                )
                return bool(page.get("events"))
        except (KeyError, ValueError):
            pass
        except SourceError as error:
            if _is_missing(error):
                return False
            raise
        raise not_ours(locator)


def _period_s(query: SeriesQuery, now_s: float | None = None) -> int:
    """A period that CloudWatch has for this window: 1 minute for 15 days, 5 minutes for 63 days, then an hour; a multiple of it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html
    """
    age_s = (time.time() if now_s is None else now_s) - query.since / SECOND
    kept = 60 if age_s < 15 * 86_400 else 300 if age_s < 63 * 86_400 else 3_600
    return -(-max(query.step_s, 1) // kept) * kept


def _datetime(at: Instant) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC)


def _moment(text: str) -> Instant | None:
    """`2026-03-04 14:02:11.123`, or milliseconds as some endpoints write it."""
    try:
        return int(text) * 1_000 if text.isascii() and text.isdigit() and len(text) < 16 else instant(text)
    except ValueError:
        return None


def _is_missing(error: SourceError) -> bool:
    return isinstance(error, ServiceRefused) and error.code == "ResourceNotFoundException"
