"""Metrics and the service graph of Prometheus, or of what speaks its API (Thanos, Mimir, VictoriaMetrics, Amazon Managed Prometheus behind a proxy).

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import msgspec

from graph.clock import SECOND, Instant, rfc3339
from graph.observations import METRIC_CLASSES, WORSE, Edge, EdgeQuery, MetricClass, Seen, Series, SeriesQuery, Worse
from ingest.http import HttpClient
from ingest.observations.answering import Asking, Backend, not_ours, quoted
from ingest.source import SourceDataInvalid

__all__ = ["METRICS", "PromMetric", "PrometheusBackend", "PrometheusSettings"]


@dataclass(frozen=True, slots=True)
class PromMetric:
    """How one class of metric is asked for.

    Attributes:
        promql: a query with `{selector}` where label matchers go (`up{selector}`), `{window}` where a range goes, and `{by}` where it groups
            by the label that names the service (`sum by ({by}) (…)`). With `{by}` one request asks for all names, without it each name is one.
        unit: of its values.
        worse: which way is worse, when it differs from its class.
        name: what the series is called; the class when left out.
    """

    promql: str
    unit: str
    worse: Worse | None = None
    name: str = ""


_HTTP_DURATIONS = (
    "http_server_request_duration_seconds",
    "http_request_duration_seconds",
    "istio_request_duration_seconds",
)


def _p95(metric: str) -> PromMetric:
    return PromMetric(
        f"histogram_quantile(0.95, sum by (le, {{by}}) (rate({metric}_bucket{{selector}}[{{window}}])))",
        "s",
        name=f"{metric} p95",
    )


def _share_of_5xx(metric: str, label: str) -> PromMetric:
    # A counter of errors begins with the first error: before it there are none, which is zero and not nothing. Only where the label is used.
    every = f"sum by ({{by}}) (rate({metric}{{selector,{label}!=''}}[{{window}}]))"
    failed = f"sum by ({{by}}) (rate({metric}{{selector,{label}=~'5..'}}[{{window}}]))"
    return PromMetric(f"({failed} or 0 * {every}) / {every}", "1", name=f"share of 5xx by {label}")


METRICS: Mapping[MetricClass, tuple[PromMetric, ...]] = {
    "latency": (
        *(_p95(m) for m in _HTTP_DURATIONS),
        PromMetric(
            "histogram_quantile(0.95, sum by (le, {by}) (rate(istio_request_duration_milliseconds_bucket{selector}[{window}]))) / 1000",
            "s",
            name="istio_request_duration p95",
        ),
    ),
    "errors": (
        _share_of_5xx("http_requests_total", "code"),
        _share_of_5xx("http_requests_total", "status"),
        _share_of_5xx("http_server_request_duration_seconds_count", "http_response_status_code"),
        _share_of_5xx("istio_requests_total", "response_code"),
    ),
    "availability": (
        PromMetric("avg by ({by}) (up{selector})", "1", name="up"),
        PromMetric("avg by ({by}) (probe_success{selector})", "1", name="probe_success"),
    ),
    "traffic": (
        PromMetric("sum by ({by}) (rate(http_requests_total{selector}[{window}]))", "1/s", name="http_requests"),
        PromMetric(
            "sum by ({by}) (rate(http_server_request_duration_seconds_count{selector}[{window}]))",
            "1/s",
            name="http_server_requests",
        ),
        PromMetric("sum by ({by}) (rate(istio_requests_total{selector}[{window}]))", "1/s", name="istio_requests"),
    ),
    "saturation": (
        PromMetric(
            "sum by ({by}) (rate(container_cpu_cfs_throttled_periods_total{selector}[{window}]))"
            " / sum by ({by}) (rate(container_cpu_cfs_periods_total{selector}[{window}]))",
            "1",
            name="cpu throttled",
        ),
    ),
    "queue": (
        PromMetric("sum by ({by}) (kafka_consumergroup_lag{selector})", "1", name="kafka_consumergroup_lag"),
        PromMetric(
            "sum by ({by}) (rabbitmq_queue_messages_ready{selector})", "1", name="rabbitmq_queue_messages_ready"
        ),
    ),
    "memory": (
        PromMetric(
            "sum by ({by}) (container_memory_working_set_bytes{selector})", "By", name="container_memory_working_set"
        ),
        PromMetric("sum by ({by}) (process_resident_memory_bytes{selector})", "By", name="process_resident_memory"),
    ),
    "cpu": (
        PromMetric(
            "sum by ({by}) (rate(container_cpu_usage_seconds_total{selector}[{window}]))",
            "1",
            name="container_cpu_usage",
        ),
        PromMetric("sum by ({by}) (rate(process_cpu_seconds_total{selector}[{window}]))", "1", name="process_cpu"),
    ),
    "disk": (
        PromMetric(
            "max by ({by}) (1 - node_filesystem_avail_bytes{selector} / node_filesystem_size_bytes{selector})",
            "1",
            name="filesystem used",
        ),
        PromMetric(
            "max by ({by}) (kubelet_volume_stats_used_bytes{selector} / kubelet_volume_stats_capacity_bytes{selector})",
            "1",
            name="volume used",
        ),
    ),
    "connections": (
        PromMetric("sum by ({by}) (pg_stat_activity_count{selector})", "1", name="pg_stat_activity_count"),
        PromMetric(
            "sum by ({by}) (mysql_global_status_threads_connected{selector})", "1", name="mysql_threads_connected"
        ),
        PromMetric("sum by ({by}) (db_client_connections_usage{selector})", "1", name="db_client_connections"),
    ),
}
"""What is asked when the settings say nothing: usual exporters, OpenTelemetry's HTTP metrics and Istio."""

LABELS = ("service", "service_name", "job", "app", "destination_workload", "deployment", "container", "instance")
"""Labels whose value may be a service's name, in the order in which they are tried."""

_EDGES: tuple[str, str, str, str, str] = (
    "traces_service_graph_request_total",
    "traces_service_graph_request_failed_total",
    "traces_service_graph_request_server_seconds_sum",
    "traces_service_graph_request_server_seconds_count",
    "client, server",
)
"""Of the OpenTelemetry collector's servicegraph connector and Tempo's metrics generator."""
_RANGE_PATH = "api/v1/query_range"
_INSTANT_PATH = "api/v1/query"
_SUBJECT = "lore_subject"
"""Label of an answer for many names that says whose it is."""
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[A-Za-z0-9_./:-]{1,200}")
_NAMES_A_BRANCH = 40
_QUERY_CHARS = 3_000
"""Servers and proxies take addresses of 8 kB, and in an address a query is up to twice as long."""
_MAX_POINTS = 11_000
"""Prometheus refuses more points a series."""


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Which Prometheus, and how its metrics are called.

    Attributes:
        url: base address, with the path prefix it has, `http://prometheus:9090`.
        name: tells it apart from another one in citations.
        token: bearer token.
        user: user of basic authentication, with `password`.
        password: its password.
        headers: further headers, for a tenant (`X-Scope-OrgID`).
        browser_url: address that people open, when it differs from `url`.
        labels: labels whose value names a service, in the order in which they are tried.
        window: range of rates, at least four scrape intervals.
        metrics: class of metric (`latency`, `errors`, `availability`, `traffic`, `saturation`, `queue`, `memory`, `cpu`, `disk`,
            `connections`) -> queries asked for it, each with `promql`, `unit` and optional `worse` and `name`. They replace those built in.
        timeout_s: longest wait for one request; a question's own deadline may be shorter.
    """

    url: str
    name: str = "prometheus"
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    browser_url: str = ""
    labels: tuple[str, ...] = LABELS
    window: str = "5m"
    metrics: Mapping[MetricClass, tuple[PromMetric, ...]] = field(
        default_factory=dict[MetricClass, tuple[PromMetric, ...]]
    )
    timeout_s: float = 10.0


class _Result(msgspec.Struct, frozen=True):
    metric: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    values: tuple[tuple[float, str], ...] = ()
    value: tuple[float, str] | None = None


class _Data(msgspec.Struct, frozen=True):
    result: tuple[_Result, ...] = ()


class _Answer(msgspec.Struct, frozen=True):
    status: str = ""
    data: _Data = _Data()
    warnings: tuple[str, ...] = ()


class PrometheusBackend(Backend):
    """Asks one Prometheus."""

    holds = frozenset({"series", "edges"})
    title = "Prometheus"

    def __init__(self, settings: PrometheusSettings) -> None:
        """Raises `SourceDataInvalid` when the settings cannot be used."""
        super().__init__(settings.name)
        for metric in settings.metrics:
            if metric not in METRIC_CLASSES:
                raise SourceDataInvalid(
                    f"there is no class of metric {metric!r}", f"they are {', '.join(METRIC_CLASSES)}"
                )
        for label in settings.labels:
            if not _LABEL.fullmatch(label):
                raise SourceDataInvalid(f"{label!r} is not a Prometheus label", "labels are letters, digits and _")
        self._settings = settings
        self._client(settings.timeout_s).close()  # a wrong address is told at once

    def read_series(self, query: SeriesQuery, asking: Asking) -> Iterator[Series]:
        """A request for each row of the table, for all names at once where it can be."""
        table = self._settings.metrics.get(query.metric) or METRICS[query.metric]
        names = list(dict.fromkeys(query.names))
        with self._client(asking.remaining_s(self._settings.timeout_s)) as client:
            for row in table:
                together = [n for n in names if "{by}" in row.promql and _PLAIN.fullmatch(n)]
                for promql in self._for_all(query, together, row):
                    yield from self._answered(client, query, promql, row, asking)
                for name in names:
                    if name not in together:
                        yield from self._answered(client, query, self._for_one(query, name, row), row, asking, name)

    def read_edges(self, query: EdgeQuery, asking: Asking) -> Iterator[Edge]:
        """Increases over the window of the counters that service graphs are made of."""
        at = query.until - SECOND
        length_s = max((query.until - query.since) // SECOND, 1)
        calls, failed, spent, counted, pair = _EDGES
        told: list[dict[tuple[str, str], float]] = []
        requests: list[Mapping[str, str]] = []
        with self._client(asking.remaining_s(self._settings.timeout_s)) as client:
            for metric in (calls, failed, spent, counted):
                promql = f"sum by ({pair}) (increase({metric}[{length_s}s]))"
                requests.append({"query": promql, "time": _seconds(at)})
                told.append(_pairs(self._get(client, _INSTANT_PATH, requests[-1], asking)))
                if not told[0]:
                    return
        seen = self._seen(_INSTANT_PATH, requests[0], requests[0]["query"], length_s, query.until, at)
        for both, number in told[0].items():
            count = told[3].get(both, 0.0)
            latency = told[2].get(both, 0.0) / count if count > 0 else None
            if number > 0:
                yield Edge(*both, number, told[1].get(both, 0.0), latency, seen)

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Asks the request of a locator again."""
        path, _, rest = locator.partition("?")
        if path not in (_RANGE_PATH, _INSTANT_PATH):
            raise not_ours(locator)
        with self._client(asking.remaining_s(self._settings.timeout_s)) as client:
            return bool(self._get(client, path, dict(parse_qsl(rest)), asking).data.result)

    def _answered(
        self, client: HttpClient, query: SeriesQuery, promql: str, row: PromMetric, asking: Asking, subject: str = ""
    ) -> Iterator[Series]:
        """What one request gives; without a subject each series says its own."""
        length_s = (query.until - query.since) / SECOND
        params = {
            "query": promql,
            "start": _seconds(query.since),
            # An end in the window: what is evaluated at `until` would already be after it.
            "end": _seconds(max(query.until - 1_000, query.since)),
            "step": str(max(query.step_s, 1, int(length_s / _MAX_POINTS) + 1)),
        }
        for result in self._get(client, _RANGE_PATH, params, asking).data.result:
            points = tuple((int(t * 1_000) * 1_000, float(v)) for t, v in result.values)
            whose = subject or result.metric.get(_SUBJECT, "")
            if points and whose:
                seen = self._seen(_RANGE_PATH, params, promql, int(length_s), query.until, points[-1][0])
                labels = tuple(sorted((k, v) for k, v in result.metric.items() if k not in ("__name__", _SUBJECT)))
                name = row.name or result.metric.get("__name__", query.metric)
                yield Series(whose, name, labels, row.unit, row.worse or WORSE[query.metric], points, seen)

    def _for_all(self, query: SeriesQuery, names: Sequence[str], row: PromMetric) -> Iterator[str]:
        """The row's query for many names: a branch for each label that may hold one, the first that has a name counts for it.

        As many branches as a URL may hold go into one query. Names are letters, digits and `_ . / : -` here, and the dot is made a class.
        """
        branches: list[str] = []
        length = 0
        for start in range(0, len(names), _NAMES_A_BRANCH):
            pattern = "|".join(name.replace(".", "[.]") for name in names[start : start + _NAMES_A_BRANCH])
            for label in self._settings.labels:
                inner = self._filled(row, label, f"{label}=~{quoted(pattern)}", query)
                branch = f'max by ({_SUBJECT}) (label_replace({inner}, "{_SUBJECT}", "$1", "{label}", "(.*)"))'
                if branches and length + len(branch) > _QUERY_CHARS:
                    yield " or ".join(branches)
                    branches, length = [], 0
                branches.append(branch)
                length += len(branch)
        if branches:
            yield " or ".join(branches)

    def _for_one(self, query: SeriesQuery, name: str, row: PromMetric) -> str:
        """The row's query once for each label that may hold the name; the first of them that gives anything counts."""
        labels = self._settings.labels
        return " or ".join(f"({self._filled(row, label, f'{label}={quoted(name)}', query)})" for label in labels)

    def _filled(self, row: PromMetric, label: str, matcher: str, query: SeriesQuery) -> str:
        """The query with its matchers: `{selector}` becomes `{service="x"}`, `{selector,code=~"5.."}` gets them in front."""
        more = [f"{name}={quoted(value)}" for name, value in query.labels if _LABEL.fullmatch(name)]
        filled = row.promql.replace("{window}", self._settings.window).replace("{by}", label)
        return filled.replace("{selector", "{" + ",".join([matcher, *more]))

    def _get(self, client: HttpClient, path: str, params: Mapping[str, str], asking: Asking) -> _Answer:
        asking.remaining_s()
        answer = client.get(path, params).parsed(_Answer)
        if answer.status != "success":
            raise SourceDataInvalid("Prometheus: the answer is JSON of another shape", "check the base address")
        asking.notes += [f"{self.name} warns about its answer: it may be partial" for _ in answer.warnings[:1]]
        return answer

    def _client(self, timeout_s: float) -> HttpClient:
        settings = self._settings
        headers = dict(settings.headers)
        if settings.token:
            headers["authorization"] = f"Bearer {settings.token}"
        elif settings.user:
            headers["authorization"] = "Basic " + b64encode(f"{settings.user}:{settings.password}".encode()).decode()
        return HttpClient(settings.url, "Prometheus", headers=headers, timeout_s=timeout_s, hints=_HINTS)

    def _seen(
        self, path: str, params: Mapping[str, str], promql: str, length_s: int, until: Instant, observed_at: Instant
    ) -> Seen:
        base = (self._settings.browser_url or self._settings.url).rstrip("/")
        page = urlencode(
            {
                "g0.expr": promql,
                "g0.tab": "0",
                "g0.range_input": f"{max(length_s, 60)}s",
                "g0.end_input": rfc3339(until),
            }
        )
        return Seen(self.name, f"{path}?{urlencode(params)}", f"{base}/graph?{page}", observed_at)


def _pairs(answer: _Answer) -> dict[tuple[str, str], float]:
    """(client, server) -> value of an instant query."""
    found: dict[tuple[str, str], float] = {}
    for result in answer.data.result:
        both = result.metric.get("client", ""), result.metric.get("server", "")
        value = float(result.value[1]) if result.value is not None else math.nan
        if all(both) and math.isfinite(value):
            found[both] = value
    return found


_HINTS = {
    400: "Prometheus refuses the query: check `metrics` in the settings of this backend",
    422: "Prometheus cannot run the query: check `metrics` in the settings of this backend",
}


def _seconds(at: Instant) -> str:
    return f"{at / SECOND:.3f}"
