"""What a dashboard kept of three afternoons: errors and latency of each service and the depth of the order queue, around the incidents."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.company import SERVICES
from examples.formats.output import write_text
from examples.incidents import Incident, incidents

STEP = timedelta(minutes=2)
BEFORE = timedelta(hours=4)
AFTER = timedelta(minutes=10)
QUEUE = "orders"
"""The service whose queue is measured."""
_ERRORS = 0.003
_LATENCY_S: Mapping[str, float] = {"catalog": 0.08, "checkout": 0.22, "payments": 0.31, "search": 0.12, "orders": 0.18}
_DEPTH = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A metric of a service goes to another level between two moments, over so long."""

    service: str
    metric: str
    begin: datetime
    end: datetime
    level: float
    over: timedelta = timedelta(minutes=4)

    def at(self, moment: datetime, usual: float) -> float:
        """The level at a moment."""
        if not self.begin <= moment < self.end:
            return usual
        return usual + (self.level - usual) * min((moment - self.begin) / self.over, 1.0)


def _on(day: datetime, hour: int, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def _callbacks(day: datetime) -> tuple[Trouble, ...]:
    """Payments whose confirmation does not come fail after two minutes; what is not paid is not sent to the warehouse."""
    begin, end = _on(day, 14, 13), _on(day, 15, 5)
    return (Trouble("payments", "errors", begin, end, 0.24), Trouble(QUEUE, "queue", begin, end, 1.0))


def _backlog(day: datetime) -> tuple[Trouble, ...]:
    """Large orders are given up, put back and tried again."""
    begin, reverted, empty = _on(day, 11, 5), _on(day, 12, 24), _on(day, 12, 33)
    return (
        Trouble(QUEUE, "errors", begin, reverted, 0.06),
        Trouble(QUEUE, "queue", begin, empty, 118.0, timedelta(minutes=79)),
    )


def _outage(day: datetime) -> tuple[Trouble, ...]:
    """What calls the payment provider waits and fails, and what calls that, in part."""
    begin, end = _on(day, 17, 15), _on(day, 18, 38)
    return (
        Trouble("payments", "errors", begin, end, 0.31),
        Trouble("payments", "latency", begin, end, 2.6),
        Trouble("checkout", "errors", begin, end, 0.07),
        Trouble("checkout", "latency", begin, end, 1.1),
    )


_TROUBLES: Mapping[int, Callable[[datetime], tuple[Trouble, ...]]] = {31: _callbacks, 38: _backlog, 41: _outage}


def write_metrics(directory: Path) -> None:
    """Write a file for each incident below `directory/metrics`, as the adapter `files` reads them."""
    for incident in incidents():
        name = f"{incident.started_at:%Y-%m-%d}-incident-{incident.number}.csv"
        lines = ["at,service,class,value,unit", *_lines(incident)]
        write_text(directory / "metrics" / name, "\n".join(lines) + "\n")


def _lines(incident: Incident) -> Iterator[str]:
    begin = (incident.started_at - BEFORE).replace(second=0)
    moments = [begin + STEP * i for i in range((incident.resolved_at + AFTER - begin) // STEP)]
    troubles = _TROUBLES[incident.number](incident.started_at)
    series = [(s.name, "errors", _ERRORS, "1", 4) for s in SERVICES]
    series += [(s.name, "latency", _LATENCY_S[s.name], "s", 3) for s in SERVICES]
    series.append((QUEUE, "queue", _DEPTH, "messages", 0))
    for service, metric, usual, unit, digits in series:
        rng = random.Random(f"{incident.number} {service} {metric}")
        own = [t for t in troubles if (t.service, t.metric) == (service, metric)]
        for moment in moments:
            level = next((t.at(moment, usual) for t in own if t.begin <= moment < t.end), usual)
            value = level * rng.uniform(0.85, 1.15)
            yield f"{moment:%Y-%m-%dT%H:%M:%SZ},{service},{metric},{value:.{digits}f},{unit}"
