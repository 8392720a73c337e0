"""Metrics, logs and service graphs from files: what a dashboard exported, what a script wrote down, what an incident left behind.

A directory with any of three folders; in each any number of `.csv` and `.jsonl` files, read in the order of their names.

```text
metrics/*.csv|jsonl   at, service, class, value [, metric, unit, worse, labels…]
logs/*.csv|jsonl      at, service, text
edges/*.csv|jsonl     at, caller, callee, calls [, errors, latency_s]
```

A `.csv` has a header line with these names, a `.jsonl` one object a line with these keys. `at` is RFC 3339, or seconds since 1970 as a number.
`class` is one of latency, errors, availability, traffic, saturation, queue, memory, cpu, disk, connections, in these units: seconds, a share of 1 or a
rate, a share of 1, per second, and whatever the rest is in. `metric` is a name (the class when left out), `worse` is `up`, `down` or
`either` where it differs from the class. Every other column is a label of the series; one series is one service, class, metric and set of labels.
An edge's `at` is the beginning of the interval that its numbers are of; numbers of one window are added up.

A line that cannot be read is left out and counted in the answer's hint. A service matches by its name in any case.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import msgspec

from graph.clock import SECOND, Instant, instant
from graph.observations import (
    METRIC_CLASSES,
    WORSE,
    Edge,
    EdgeQuery,
    LogLine,
    LogQuery,
    Seen,
    Series,
    SeriesQuery,
    Worse,
    within,
)
from ingest.observations.answering import Asking, Backend, not_ours
from ingest.source import SourceDataInvalid

__all__ = ["FilesBackend", "FilesSettings"]

_METRIC_COLUMNS = frozenset({"at", "service", "class", "value", "metric", "unit", "worse"})
_MAX_FILE_BYTES = 64 * 1024 * 1024
_LOOK_EVERY = 4_096
"""Lines between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class FilesSettings:
    """Which directory.

    Attributes:
        path: directory with `metrics/`, `logs/` and `edges/`, of which any may be missing.
        name: tells it apart from another one in citations.
    """

    path: str
    name: str = "files"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a file. `place` is `metrics/checkout.csv#L2`."""

    place: str
    at: Instant
    cells: Mapping[str, str]


class FilesBackend(Backend):
    """Reads one directory. Files are read anew for each question, so that one may be added while an incident goes on."""

    holds = frozenset({"series", "logs", "edges"})
    title = "the directory"

    def __init__(self, settings: FilesSettings) -> None:
        super().__init__(settings.name)
        self._root = Path(settings.path).expanduser()

    def read_series(self, query: SeriesQuery, asking: Asking) -> Iterator[Series]:
        """The series of the window, a locator each: from its first line to its last one in the file."""
        names = {name.casefold(): name for name in reversed(query.names)}
        points: dict[tuple[str, str, tuple[tuple[str, str], ...], str, Worse], list[tuple[Instant, float, str]]] = {}
        bad = 0
        for line in self._lines("metrics", asking):
            cells = line.cells
            subject = names.get(cells.get("service", "").casefold())
            if subject is None or cells.get("class", "") != query.metric or not within(query, line.at):
                bad += cells.get("class", "") not in METRIC_CLASSES
                continue
            value = _number(cells.get("value", ""))
            if value is None:
                bad += 1
                continue
            labels = tuple(sorted((k, v) for k, v in cells.items() if k not in _METRIC_COLUMNS and v))
            if not set(query.labels) <= set(labels):
                continue
            told = cells.get("worse", "")
            worse: Worse = _WORSE.get(told, WORSE[query.metric])
            key = (subject, cells.get("metric", "") or query.metric, labels, cells.get("unit", ""), worse)
            points.setdefault(key, []).append((line.at, value, line.place))
        _note(asking, self.name, bad)
        for (subject, name, labels, unit, worse), found in points.items():
            seen = Seen(self.name, found[0][2], None, max(at for at, _, _ in found))
            yield Series(subject, name, labels, unit, worse, tuple((at, value) for at, value, _ in found), seen)

    def read_logs(self, query: LogQuery, asking: Asking) -> Iterator[LogLine]:
        """The lines of the window."""
        for line in self._lines("logs", asking):
            if line.cells.get("service", "").casefold() == query.service.casefold() and within(query, line.at):
                yield LogLine(line.at, line.cells.get("text", ""), Seen(self.name, line.place, None, line.at))

    def read_edges(self, query: EdgeQuery, asking: Asking) -> Iterator[Edge]:
        """The edges of the window, their numbers added up; the latency is the mean over the calls."""
        summed: dict[tuple[str, str], tuple[float, float, float, float, Seen]] = {}
        bad = 0
        for line in self._lines("edges", asking):
            cells = line.cells
            caller, callee, calls = cells.get("caller", ""), cells.get("callee", ""), _number(cells.get("calls", ""))
            if not caller or not callee or calls is None or calls < 0:
                bad += 1
                continue
            if not within(query, line.at):
                continue
            latency = _number(cells.get("latency_s", ""))
            seen = Seen(self.name, line.place, None, line.at)
            before = summed.get((caller, callee), (0.0, 0.0, 0.0, 0.0, seen))
            timed = calls if latency is not None else 0.0
            summed[caller, callee] = (
                before[0] + calls,
                before[1] + (_number(cells.get("errors", "")) or 0.0),
                before[2] + timed,
                before[3] + timed * (latency or 0.0),
                before[4],
            )
        _note(asking, self.name, bad)
        for (caller, callee), (calls, errors, timed, spent, seen) in summed.items():
            yield Edge(caller, callee, calls, errors, spent / timed if timed else None, seen)

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Whether the line is still there."""
        del asking
        place, _, line = locator.partition("#L")
        file = (self._root / place).resolve()
        if not line.isascii() or not line.isdigit() or not file.is_relative_to(self._root.resolve()):
            raise not_ours(locator)
        if not file.is_file():
            return False
        lines = _text(file).splitlines()
        return int(line) <= len(lines) and bool(lines[int(line) - 1].strip())

    # -- files

    def _lines(self, folder: str, asking: Asking) -> Iterator[_Line]:
        bad = 0
        if not self._root.is_dir():
            raise SourceDataInvalid(
                "the directory of metrics, logs and edges does not exist", "set `path` to an existing directory"
            )
        place = self._root / folder
        files = sorted(f for f in place.glob("*") if f.suffix in (".csv", ".jsonl")) if place.is_dir() else []
        for file in files:
            name = f"{folder}/{file.name}"
            if file.stat().st_size > _MAX_FILE_BYTES:
                asking.notes.append(
                    f"{self.name}: {name} is larger than {_MAX_FILE_BYTES // 2**20} MiB and is left out"
                )
                continue
            records = _csv(_text(file)) if file.suffix == ".csv" else _jsonl(_text(file))
            for number, cells in records:
                if number % _LOOK_EVERY == 0:
                    asking.remaining_s()
                at = _at(cells.get("at", "")) if cells is not None else None
                if cells is None or at is None:
                    bad += 1
                    continue
                yield _Line(f"{name}#L{number}", at, cells)
        _note(asking, self.name, bad)


_WORSE: Mapping[str, Worse] = {way: way for way in get_args(Worse)}


def _note(asking: Asking, name: str, bad: int) -> None:
    if bad:
        asking.notes.append(
            f"{name}: {bad} line{'s' if bad > 1 else ''} cannot be read and {'are' if bad > 1 else 'is'} left out"
        )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        raise SourceDataInvalid(f"{file.name} cannot be read", "check its permissions") from None


def _csv(text: str) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    """Line numbers with cells; a record over several lines has the number of its last one."""
    reader = csv.reader(io.StringIO(text))
    header: list[str] = []
    try:
        for row in reader:
            if not header:
                header = [name.strip() for name in row]
            elif row:
                yield reader.line_num, dict(zip(header, row, strict=False)) if len(row) <= len(header) else None
    except csv.Error:
        yield reader.line_num, None


def _jsonl(text: str) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line, type=dict[str, str | int | float | bool | None])
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield number, None
            continue
        yield number, {key: str(value) for key, value in record.items() if value is not None}


def _at(text: str) -> Instant | None:
    number = _number(text)
    try:
        return int(number * SECOND) if number is not None else instant(text)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
