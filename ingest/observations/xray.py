"""The service graph of AWS X-Ray, and its statistics of each service.

https://docs.aws.amazon.com/xray/latest/api/API_GetServiceGraph.html
https://docs.aws.amazon.com/xray/latest/api/API_GetTimeSeriesServiceStatistics.html
Permissions: `xray:GetServiceGraph`, `xray:GetTimeSeriesServiceStatistics`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode

import msgspec

from graph.clock import SECOND, Instant, from_datetime
from graph.observations import WORSE, Edge, EdgeQuery, Seen, Series, SeriesQuery
from ingest.aws_client import Aws, AwsAccess, access_of, impatient
from ingest.observations.answering import Asking, Backend, not_ours

__all__ = ["XRayBackend", "XRaySettings"]

_LONGEST = 6 * 3_600 * SECOND
"""X-Ray answers for at most six hours a call."""
_MOST_PIECES = 4
"""Of a longer window the last day's metrics are read: each piece of each service is a call."""
_PERIODS_S = (60, 300)
_UNITS: Mapping[str, str] = {"latency": "s", "errors": "1", "availability": "1", "traffic": "1/s"}


@dataclass(frozen=True, slots=True)
class XRaySettings:
    """Which account and region. Credentials as for the aws source.

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
        group: X-Ray group; the default one when left out.
        timeout_s: longest wait for one call; a question's own deadline may be shorter.
    """

    name: str = "xray"
    region: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""
    group: str = ""
    timeout_s: float = 10.0

    def access(self) -> AwsAccess:
        """How to get in. One attempt a call: a question has a deadline."""
        return impatient(access_of(self), self.timeout_s)


class _Count(msgspec.Struct, frozen=True, rename="pascal"):
    total_count: int = 0


class _Statistics(msgspec.Struct, frozen=True, rename="pascal"):
    total_count: int = 0
    total_response_time: float = 0.0
    error_statistics: _Count = _Count()
    fault_statistics: _Count = _Count()


class _Edge(msgspec.Struct, frozen=True, rename="pascal"):
    reference_id: int = -1
    summary_statistics: _Statistics = _Statistics()


class _Service(msgspec.Struct, frozen=True, rename="pascal"):
    reference_id: int = -1
    name: str = ""
    type: str = ""
    edges: tuple[_Edge, ...] = ()


class _Graph(msgspec.Struct, frozen=True, rename="pascal"):
    services: tuple[_Service, ...] = ()


class _Point(msgspec.Struct, frozen=True, rename="pascal"):
    timestamp: datetime
    service_summary_statistics: _Statistics | None = None
    edge_summary_statistics: _Statistics | None = None


class _Points(msgspec.Struct, frozen=True, rename="pascal"):
    time_series_service_statistics: tuple[_Point, ...] = ()


class XRayBackend(Backend):
    """Asks one region of one account."""

    holds = frozenset({"series", "edges"})
    title = "X-Ray"

    def __init__(self, settings: XRaySettings) -> None:
        super().__init__(settings.name)
        self._settings = settings
        self._aws = Aws(settings.access())

    def interrupted(self) -> None:
        """Clients that a lost read may still use are left to it."""
        self._aws = Aws(self._settings.access())

    def read_edges(self, query: EdgeQuery, asking: Asking) -> Iterator[Edge]:
        """The graph's edges, summed over the pieces of a long window. A fault (5xx) is an error, a client's own error (4xx) is not."""
        summed: dict[tuple[str, str], tuple[float, float, float]] = {}
        for since, until in _pieces(query.since, query.until):
            for service, edge, callee in self._graph(since, until, asking):
                told = edge.summary_statistics
                calls, faults, spent = summed.get((service.name, callee.name), (0.0, 0.0, 0.0))
                summed[service.name, callee.name] = (
                    calls + told.total_count,
                    faults + told.fault_statistics.total_count,
                    spent + told.total_response_time,
                )
        locator = "graph?" + urlencode({"region": self._aws.region, "since": query.since, "until": query.until})
        seen = Seen(self.name, locator, None, query.until - 1)
        for (caller, callee), (calls, faults, spent) in summed.items():
            yield Edge(caller, callee, calls, faults, spent / calls if calls else None, seen)

    def read_series(self, query: SeriesQuery, asking: Asking) -> Iterator[Series]:
        """Latency (mean), share of faults, share without fault, or calls a second of each service."""
        if query.metric not in _UNITS:
            return
        pieces = list(_pieces(query.since, query.until))
        asking.cut = len(pieces) > _MOST_PIECES
        pieces = pieces[-_MOST_PIECES:]
        known = self._names(pieces[-1], asking) if pieces else frozenset[str]()
        for name in dict.fromkeys(query.names):
            if name not in known or '"' in name or "\\" in name:
                continue  # the expression has no way to say a quote
            points = self._points(name, query, pieces, asking)
            if points:
                period_s = _period_s(query)
                told = {"region": self._aws.region, "service": name, "period": period_s}
                locator = "statistics?" + urlencode({**told, "since": query.since, "until": query.until})
                seen = Seen(self.name, locator, None, max(at for at, _ in points))
                unit, worse = _UNITS[query.metric], WORSE[query.metric]
                yield Series(name, f"xray {query.metric}", (), unit, worse, tuple(points), seen)

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Asks for the graph, or for a service's statistics, again."""
        kind, _, rest = locator.partition("?")
        told = {name: values[0] for name, values in parse_qs(rest).items()}
        try:
            since, until = int(told["since"]), int(told["until"])
            if kind == "graph":
                return any(True for piece in _pieces(since, until) for _ in self._graph(*piece, asking))
            if kind == "statistics" and '"' not in told["service"]:
                query = SeriesQuery((told["service"],), "traffic", since, until, int(told["period"]))
                return bool(self._points(told["service"], query, list(_pieces(since, until)), asking))
        except (KeyError, ValueError):
            pass
        raise not_ours(locator)

    def _graph(self, since: Instant, until: Instant, asking: Asking) -> Iterator[tuple[_Service, _Edge, _Service]]:
        services = self._services(since, until, asking)
        for service in services.values():
            for edge in service.edges:
                callee = services.get(edge.reference_id)
                if callee is not None and service.name and callee.name and service.name != callee.name:
                    yield service, edge, callee

    def _services(self, since: Instant, until: Instant, asking: Asking) -> Mapping[int, _Service]:
        services: dict[int, _Service] = {}
        group = {"GroupName": self._settings.group} if self._settings.group else {}
        pages = self._aws.pages(
            "xray", "get_service_graph", StartTime=_datetime(since), EndTime=_datetime(until), **group
        )
        for page in pages:
            asking.remaining_s()
            services.update((s.reference_id, s) for s in msgspec.convert(page, _Graph).services)
        return services

    def _names(self, piece: tuple[Instant, Instant], asking: Asking) -> frozenset[str]:
        """The services there are, so that one call and not one a name says that a name is none."""
        return frozenset(service.name for service in self._services(*piece, asking).values())

    def _points(
        self, name: str, query: SeriesQuery, pieces: Sequence[tuple[Instant, Instant]], asking: Asking
    ) -> list[tuple[Instant, float]]:
        period_s = _period_s(query)
        group = {"GroupName": self._settings.group} if self._settings.group else {}
        found: list[tuple[Instant, float]] = []
        for since, until in pieces:
            pages = self._aws.pages(
                "xray",
                "get_time_series_service_statistics",
                StartTime=_datetime(since),
                EndTime=_datetime(until),
                EntitySelectorExpression=f'service("{name}")',
                Period=period_s,
                **group,
            )
            for page in pages:
                asking.remaining_s()
                for point in msgspec.convert(page, _Points).time_series_service_statistics:
                    at = from_datetime(point.timestamp)
                    value = _value(point.service_summary_statistics, query.metric, period_s)
                    if value is not None and at + period_s * SECOND <= query.until:
                        found.append((at, value))
        return found


def _value(told: _Statistics | None, metric: str, period_s: int) -> float | None:
    if told is None:
        return None
    if metric == "traffic":
        return told.total_count / period_s
    if told.total_count <= 0:
        return None
    faults = told.fault_statistics.total_count / told.total_count
    if metric == "latency":
        return told.total_response_time / told.total_count
    return faults if metric == "errors" else 1.0 - faults


def _period_s(query: SeriesQuery) -> int:
    """X-Ray has periods of one and of five minutes."""
    return next((p for p in _PERIODS_S if p >= query.step_s), _PERIODS_S[-1])


def _pieces(since: Instant, until: Instant) -> Iterator[tuple[Instant, Instant]]:
    """A window in pieces that one call may ask for."""
    while since < until:
        following = min(since + _LONGEST, until)
        yield since, following
        since = following


def _datetime(at: Instant) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC)
