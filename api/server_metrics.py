"""Figures of the server in the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class _Times:
    """A histogram."""

    buckets: list[int] = field(default_factory=lambda: [0] * len(BUCKETS_S))
    count: int = 0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples: labels -> value."""

    name: str
    help: str
    type: Literal["gauge", "counter"]
    samples: Iterable[tuple[Mapping[str, str], float]]


class ServerMetrics:
    """Requests by route and status, and how long they took. Usable from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: dict[tuple[str, str, str], int] = {}
        self._times: dict[str, _Times] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the route's template, so that there are few."""
        with self._lock:
            key = (route, method, str(status))
            self._requests[key] = self._requests.get(key, 0) + 1
            times = self._times.setdefault(route, _Times())
            times.count += 1
            times.total_s += seconds
            for i, most in enumerate(BUCKETS_S):
                if seconds <= most:
                    times.buckets[i] += 1

    def text(self, families: Iterable[Family] = ()) -> str:
        """Everything as text, with these besides."""
        lines: list[str] = []
        with self._lock:
            requests = dict(self._requests)
            times = {route: _Times(list(t.buckets), t.count, t.total_s) for route, t in self._times.items()}
        samples = [({"route": r, "method": m, "status": s}, float(n)) for (r, m, s), n in sorted(requests.items())]
        all_ = [Family("lore_http_requests_total", "Requests answered.", "counter", samples), *families]
        for family in all_:
            lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.type}"]
            lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
        name = "lore_http_request_duration_seconds"
        lines += [f"# HELP {name} How long requests took.", f"# TYPE {name} histogram"]
        for route, t in sorted(times.items()):
            for most, count in zip(BUCKETS_S, t.buckets, strict=True):
                lines.append(f"{name}_bucket{_labels({'route': route, 'le': _number(most)})} {count}")
            lines.append(f"{name}_bucket{_labels({'route': route, 'le': '+Inf'})} {t.count}")
            lines.append(f"{name}_sum{_labels({'route': route})} {_number(t.total_s)}")
            lines.append(f"{name}_count{_labels({'route': route})} {t.count}")
        return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    value = value.encode("utf-8", "replace").decode()
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
