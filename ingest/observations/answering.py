"""What every adapter of metrics, logs and traces keeps to, so that each one only reads.

An adapter overrides the `read_…` methods of `Backend`; they may raise `SourceError` or anything else and may take their time. `Backend` makes
of them what the agent asks: no exception but the status `unavailable` with a hint, an answer by the deadline, only what lies in the window,
secrets cut out of log lines, rows bounded, and one order whatever the server's.
"""

from __future__ import annotations

import math
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import ClassVar, Literal, TypeVar

from graph.observations import (
    LINE_CHARS,
    AnswerStatus,
    Edge,
    EdgeAnswer,
    EdgeQuery,
    LogAnswer,
    LogLine,
    LogQuery,
    Series,
    SeriesAnswer,
    SeriesQuery,
    within,
)
from ingest.redact import redact_text
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable

_T = TypeVar("_T")
Holding = Literal["series", "logs", "edges"]

RESOLVE_S = 10.0
"""Seconds that reading a citation again may take."""
REST_S = 30.0
"""So long a backend that used up its time is not asked again: an incident may be its own, and every question would wait for it anew."""
_SAFE_WORD = re.compile(r"[A-Za-z0-9_]{2,64}")
_READ_CHARS = 10 * LINE_CHARS
"""So much of a line is searched for secrets and words."""


class Asking:
    """One question being answered: how long it may still take, and what was missed on the way."""

    def __init__(self, deadline_s: float) -> None:
        self._until = time.monotonic() + deadline_s
        self.deadline_s = deadline_s
        self.notes: list[str] = []
        self.cut = False

    def remaining_s(self, at_most: float = math.inf) -> float:
        """Seconds left, at most so many.

        Raises:
            SourceUnavailable: none are left.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise out_of_time(self.deadline_s)
        return min(left, at_most)


def out_of_time(deadline_s: float) -> SourceUnavailable:
    """The deadline has passed."""
    return SourceUnavailable(
        f"no answer within {deadline_s:g} s", "ask for a shorter window or a larger step, or allow more time"
    )


class Backend:
    """Base of the adapters. `name` is what its observations give as their source; `holds` what it can have at all."""

    holds: ClassVar[frozenset[Holding]] = frozenset()
    title: ClassVar[str] = ""
    """How messages name the system: `Prometheus`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._rests_until = 0.0

    # -- what an adapter reads; these may raise

    def read_series(self, query: SeriesQuery, asking: Asking) -> Iterable[Series]:
        """The series; points outside the window and values that are no numbers do no harm."""
        del query, asking
        return ()

    def read_logs(self, query: LogQuery, asking: Asking) -> Iterable[LogLine]:
        """The lines; those outside the window or without a word asked for do no harm."""
        del query, asking
        return ()

    def read_edges(self, query: EdgeQuery, asking: Asking) -> Iterable[Edge]:
        """The edges."""
        del query, asking
        return ()

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Whether a locator of this adapter still leads to something.

        Raises:
            SourceDataInvalid: it is none of this adapter.
        """
        del asking
        raise not_ours(locator)

    def interrupted(self) -> None:
        """A read did not end in time and goes on in a thread that nobody waits for: forget connections it may use."""

    # -- what the agent asks; these do not

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        """The metrics asked for."""
        asking = Asking(query.deadline_s)
        found, hint = self._bounded("series", asking, lambda: _tidy(self.read_series(query, asking), query))
        if found is None:
            return SeriesAnswer("unavailable", hint=hint)
        series = tuple(sorted(found, key=lambda s: (s.subject, s.name, s.labels, s.seen.locator)))
        cut = asking.cut or len(series) > query.max_series or any(len(s.points) > query.max_points for s in series)
        kept = tuple(replace(s, points=s.points[-query.max_points :]) for s in series[: query.max_series])
        return SeriesAnswer("ok" if kept else "no_data", kept, hint, cut)

    def logs(self, query: LogQuery, /) -> LogAnswer:
        """The lines asked for."""
        asking = Asking(query.deadline_s)
        found, hint = self._bounded("logs", asking, lambda: _clean(self.read_logs(query, asking), query))
        if found is None:
            return LogAnswer("unavailable", hint=hint)
        lines = sorted(found, key=lambda line: (line.at, line.seen.locator, line.text))
        kept = tuple(lines[: query.limit])
        return LogAnswer("ok" if kept else "no_data", kept, hint, asking.cut or len(lines) > query.limit)

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        """The service graph in a window."""
        asking = Asking(query.deadline_s)
        found, hint = self._bounded("edges", asking, lambda: list(self.read_edges(query, asking)))
        if found is None:
            return EdgeAnswer("unavailable", hint=hint)
        edges = sorted(found, key=lambda e: (e.caller, e.callee, e.seen.locator))
        kept = tuple(edges[: query.max_edges])
        return EdgeAnswer("ok" if kept else "no_data", kept, hint, asking.cut or len(edges) > query.max_edges)

    def resolves(self, source: str, locator: str, /) -> AnswerStatus | None:
        """Whether what a citation names can be read again; None when it is another adapter's."""
        if source != self.name:
            return None
        asking = Asking(RESOLVE_S)
        try:
            found = _by_deadline(lambda: self.read_again(locator, asking), asking.deadline_s)
        except SourceDataInvalid:
            return "no_data"
        except Exception:
            return "unavailable"
        return "ok" if found else "no_data"

    def _bounded(self, what: Holding, asking: Asking, read: Callable[[], list[_T]]) -> tuple[list[_T] | None, str]:
        if what not in self.holds:
            return [], f"{self.title} holds no {_HOLDINGS[what]}"
        started = time.monotonic()
        if started < self._rests_until:
            return None, f"{self.name}: it did not answer in time a moment ago and is left alone for {REST_S:g} s"
        try:
            found = _by_deadline(read, asking.deadline_s)
        except SourceError as error:
            if isinstance(error, SourceUnavailable):
                self.interrupted()
                if time.monotonic() - started > asking.deadline_s / 2:
                    self._rests_until = time.monotonic() + REST_S
            return None, f"{self.name}: {error}" + (f"; {error.hint}" if error.hint else "")
        except Exception as error:  # an adapter's own defect must not stop an investigation
            return None, f"{self.name}: reading it failed ({type(error).__name__})"
        return found, "; ".join(dict.fromkeys(asking.notes))


_HOLDINGS: dict[Holding, str] = {"series": "metrics", "logs": "logs", "edges": "service graph"}


def _by_deadline(read: Callable[[], _T], deadline_s: float) -> _T:
    """What a read gives, or `out_of_time`: a server that sends a byte a second outlives every timeout of a socket."""
    answers: queue.SimpleQueue[tuple[_T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((read(), None))
        except Exception as error:  # handed to the thread that waits
            answers.put((None, error))

    threading.Thread(target=run, daemon=True, name="observations").start()
    try:
        value, error = answers.get(timeout=max(deadline_s, 0.0))
    except queue.Empty:
        raise out_of_time(deadline_s) from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _tidy(found: Iterable[Series], query: SeriesQuery) -> list[Series]:
    tidied: list[Series] = []
    for series in found:
        points = {at: value for at, value in series.points if within(query, at) and math.isfinite(value)}
        if points:
            labels = tuple(sorted(series.labels))
            tidied.append(replace(series, labels=labels, points=tuple(sorted(points.items()))))
    return tidied


def _clean(found: Iterable[LogLine], query: LogQuery) -> list[LogLine]:
    words = [w.casefold() for w in query.contains if w.strip()]
    cleaned: list[LogLine] = []
    for line in found:
        text = line.text[:_READ_CHARS]
        if within(query, line.at) and text.strip() and (not words or any(w in text.casefold() for w in words)):
            cleaned.append(replace(line, text=redact_text(text).strip()[:LINE_CHARS]))
    return cleaned


# -- shared by adapters


def server_words(query: LogQuery) -> tuple[str, ...]:
    """The words as a server may filter by them: letters, digits and `_` only, which no query language takes for anything else.

    Empty when one of them is of another kind: then all lines are fetched and sorted out here.
    """
    words = tuple(sorted({w.strip() for w in query.contains if w.strip()}))
    return words if all(_SAFE_WORD.fullmatch(w) for w in words) else ()


def not_ours(locator: str) -> SourceDataInvalid:
    """A locator that an adapter did not make. It is not shown: it may be anything."""
    del locator
    return SourceDataInvalid("this is not a locator of this backend", "cite what the backend itself gave")


def quoted(text: str) -> str:
    """A string literal of PromQL and LogQL, whatever is in the text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
