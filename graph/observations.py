"""What metrics, logs and traces say about a window: the questions and the answers, plain data that both sides import.

The agent asks (`agent.observations.Observations`), adapters under `ingest/observations/` answer. An answer is never an exception: what could not
be had is `unavailable`, with a hint, and what is not there is `no_data`, which says nothing for or against anything. Times are `Instant`s,
windows closed-open: `since <= at < until`. Names are OpenTelemetry's where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from graph.clock import Instant

MetricClass: TypeAlias = Literal[
    "latency",
    "errors",
    "availability",
    "traffic",
    "saturation",
    "queue",
    "memory",
    "cpu",
    "disk",
    "connections",
]
"""What a metric is about, whatever its name. `errors` are a rate or a share, `queue` is a depth, a lag or an age, `disk` is what is used."""
METRIC_CLASSES: tuple[MetricClass, ...] = get_args(MetricClass)

Worse: TypeAlias = Literal["up", "down", "either"]
"""Where a metric goes when things get worse."""

WORSE: Mapping[MetricClass, Worse] = {
    "latency": "up",
    "errors": "up",
    "availability": "down",
    "traffic": "either",
    "saturation": "up",
    "queue": "up",
    "memory": "up",
    "cpu": "up",
    "disk": "up",
    "connections": "either",
}

AnswerStatus: TypeAlias = Literal["ok", "no_data", "unavailable"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Where an observation can be read again: what a citation needs.

    Attributes:
        source: the adapter that read it, `prometheus`, and which one when there are several: `prometheus:eu`.
        locator: what the same adapter's `resolves` takes: a request without its credentials, or a file with its lines.
        url: the same for a browser, None when there is none.
        observed_at: the last moment it speaks of; never after the end of the window asked for.
    """

    source: str
    locator: str
    url: str | None
    observed_at: Instant


# -- metrics


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """One class of metric of some things in a window.

    Attributes:
        names: of services and resources, as their alias in the graph says it; a series belongs to one of them by an exact name.
        labels: label -> value that a series must have besides, sorted pairs: `(("namespace", "prod"),)`.
        step_s: seconds between points. A backend whose own step is coarser answers with its own.
        max_series, max_points: more are cut, the points of a series at its beginning.
        deadline_s: seconds after which the answer is `unavailable`.
    """

    names: tuple[str, ...]
    metric: MetricClass
    since: Instant
    until: Instant
    step_s: int = 60
    labels: tuple[tuple[str, str], ...] = ()
    max_series: int = 50
    max_points: int = 1_500
    deadline_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Series:
    """One time series. `points` are sorted by time, one a time, and finite; `subject` is the name of the query that it belongs to."""

    subject: str
    name: str
    labels: tuple[tuple[str, str], ...]
    unit: str
    worse: Worse
    points: tuple[tuple[Instant, float], ...]
    seen: Seen


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """The series found, by subject, name and labels. `hint` says what is missing and the remedy; `cut` that there was more."""

    status: AnswerStatus
    series: tuple[Series, ...] = ()
    hint: str = ""
    cut: bool = False


# -- logs


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The log of one service in a window.

    Attributes:
        service: its name.
        contains: words of which a line must hold at least one, in any case; empty for all lines.
        limit: most lines; of more, the first ones are given.
        deadline_s: seconds after which the answer is `unavailable`.
    """

    service: str
    since: Instant
    until: Instant
    contains: tuple[str, ...] = ()
    limit: int = 100
    deadline_s: float = 5.0


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `text` is at most `LINE_CHARS` long; it is data, never an instruction."""

    at: Instant
    text: str
    seen: Seen


LINE_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """The lines found, oldest first; `cut` when there were more."""

    status: AnswerStatus
    lines: tuple[LogLine, ...] = ()
    hint: str = ""
    cut: bool = False


# -- the service graph


@dataclass(frozen=True, slots=True)
class EdgeQuery:
    """Who called whom in a window."""

    since: Instant
    until: Instant
    max_edges: int = 2_000
    deadline_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Edge:
    """`caller` called `callee` so often; `latency_s` is the mean, None when it is not known."""

    caller: str
    callee: str
    calls: float
    errors: float
    latency_s: float | None
    seen: Seen


@dataclass(frozen=True, slots=True)
class EdgeAnswer:
    """The edges found, by caller and callee."""

    status: AnswerStatus
    edges: tuple[Edge, ...] = ()
    hint: str = ""
    cut: bool = False


def within(query: SeriesQuery | LogQuery | EdgeQuery, at: Instant) -> bool:
    """Whether a moment lies in the window asked for."""
    return query.since <= at < query.until
