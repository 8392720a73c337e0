"""What the investigator asks of metrics, logs and traces, several backends as one, and answers kept for replay.

The agent declares the protocol; adapters under `ingest/observations/` satisfy it by shape and `api/` hands them in. The data itself is in
`graph.observations`, which both import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, TypeVar

import msgspec

from graph.observations import (
    AnswerStatus,
    EdgeAnswer,
    EdgeQuery,
    LogAnswer,
    LogQuery,
    SeriesAnswer,
    SeriesQuery,
)

__all__ = ["NOTHING_CONNECTED", "Observations", "Recorded", "Recording", "Several"]

NOTHING_CONNECTED = "no metrics, logs or traces are connected: name a backend under `observations:` in lore.yaml"


class Observations(Protocol):
    """A backend of metrics, logs or traces. No method raises: a failure is the status `unavailable` with a hint.

    `no_data` is never evidence against anything. Nothing at or after a query's `until` is read.
    """

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        """The metrics asked for."""
        ...

    def logs(self, query: LogQuery, /) -> LogAnswer:
        """The lines asked for."""
        ...

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        """The service graph in a window."""
        ...

    def resolves(self, source: str, locator: str, /) -> AnswerStatus | None:
        """Whether what a citation names can be read again: `ok`, `no_data` when it is gone, `unavailable`; None when it is another's."""
        ...


_Answer: TypeAlias = SeriesAnswer | LogAnswer | EdgeAnswer
_A = TypeVar("_A", SeriesAnswer, LogAnswer, EdgeAnswer)
_Q = TypeVar("_Q", SeriesQuery, LogQuery, EdgeQuery)


# -- several backends


class Several:
    """Backends as one, in the order given. Each is asked; what one lacks another may have.

    The answer is `ok` when one has data, else `unavailable` when one could not be asked, else `no_data`. Hints of those that failed are
    kept, so that a report can say what it could not see. A backend that raises all the same is one that could not be asked.
    """

    def __init__(self, backends: Sequence[Observations]) -> None:
        self._backends = tuple(backends)

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        """Series of all backends."""
        answers = self._all(lambda backend: backend.series(query), SeriesAnswer)
        found = [s for a in answers for s in a.series]
        found.sort(key=lambda s: (s.subject, s.name, s.labels, s.seen.source, s.seen.locator))
        cut = any(a.cut for a in answers) or len(found) > query.max_series
        return SeriesAnswer(_status(answers), tuple(found[: query.max_series]), _hint(answers), cut)

    def logs(self, query: LogQuery, /) -> LogAnswer:
        """Lines of all backends, oldest first."""
        answers = self._all(lambda backend: backend.logs(query), LogAnswer)
        found = [line for a in answers for line in a.lines]
        found.sort(key=lambda line: (line.at, line.seen.source, line.seen.locator, line.text))
        cut = any(a.cut for a in answers) or len(found) > query.limit
        return LogAnswer(_status(answers), tuple(found[: query.limit]), _hint(answers), cut)

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        """Edges of all backends; the same edge seen by two is there twice, with its source."""
        answers = self._all(lambda backend: backend.edges(query), EdgeAnswer)
        found = [e for a in answers for e in a.edges]
        found.sort(key=lambda e: (e.caller, e.callee, e.seen.source, e.seen.locator))
        cut = any(a.cut for a in answers) or len(found) > query.max_edges
        return EdgeAnswer(_status(answers), tuple(found[: query.max_edges]), _hint(answers), cut)

    def resolves(self, source: str, locator: str, /) -> AnswerStatus | None:
        """What the backend of that name says; None when there is none."""
        for backend in self._backends:
            try:
                said = backend.resolves(source, locator)
            except Exception:
                said = "unavailable"
            if said is not None:
                return said
        return None

    def _all(self, ask: Callable[[Observations], _A], empty: type[_A]) -> list[_A]:
        """Every backend's answer in their order, asked side by side: one that is down must not use up the others' time."""
        if len(self._backends) < 2:
            return [_asked(ask, backend, empty) for backend in self._backends]

        def one(backend: Observations) -> _A:
            return _asked(ask, backend, empty)

        with ThreadPoolExecutor(len(self._backends), "observations") as pool:
            return list(pool.map(one, self._backends))


def _asked(ask: Callable[[Observations], _A], backend: Observations, empty: type[_A]) -> _A:
    try:
        return ask(backend)
    except Exception as error:  # the engine goes on, whatever an adapter does
        return empty("unavailable", hint=f"a backend failed ({type(error).__name__})")


def _status(answers: Sequence[_Answer]) -> AnswerStatus:
    said = {a.status for a in answers}
    return "ok" if "ok" in said else "unavailable" if "unavailable" in said else "no_data"


def _hint(answers: Sequence[_Answer]) -> str:
    if not answers:
        return NOTHING_CONNECTED
    failed = [a.hint for a in answers if a.status == "unavailable" and a.hint]
    if failed or any(a.status == "ok" for a in answers):
        return "; ".join(dict.fromkeys(failed))
    return "; ".join(dict.fromkeys(a.hint for a in answers if a.hint))


# -- kept answers


@dataclass(slots=True)
class Recording:
    """Every query asked and what was answered, once each. `to_json` is the same text whatever the order of asking."""

    series: dict[SeriesQuery, SeriesAnswer] = field(default_factory=dict[SeriesQuery, SeriesAnswer])
    logs: dict[LogQuery, LogAnswer] = field(default_factory=dict[LogQuery, LogAnswer])
    edges: dict[EdgeQuery, EdgeAnswer] = field(default_factory=dict[EdgeQuery, EdgeAnswer])

    def to_json(self) -> str:
        """One line of JSON, `lore.observations/1`."""
        return msgspec.json.encode(
            _Kept(
                series=_sorted(_SeriesKept(q, a) for q, a in self.series.items()),
                logs=_sorted(_LogKept(q, a) for q, a in self.logs.items()),
                edges=_sorted(_EdgeKept(q, a) for q, a in self.edges.items()),
            )
        ).decode()

    @staticmethod
    def from_json(text: str) -> Recording:
        """What `to_json` wrote.

        Raises:
            ValueError: the text is no recording.
        """
        kept = msgspec.json.decode(text, type=_Kept)
        return Recording(
            {k.query: k.answer for k in kept.series},
            {k.query: k.answer for k in kept.logs},
            {k.query: k.answer for k in kept.edges},
        )


class _SeriesKept(msgspec.Struct, frozen=True):
    query: SeriesQuery
    answer: SeriesAnswer


class _LogKept(msgspec.Struct, frozen=True):
    query: LogQuery
    answer: LogAnswer


class _EdgeKept(msgspec.Struct, frozen=True):
    query: EdgeQuery
    answer: EdgeAnswer


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    schema: Literal["lore.observations/1"] = "lore.observations/1"
    series: tuple[_SeriesKept, ...] = ()
    logs: tuple[_LogKept, ...] = ()
    edges: tuple[_EdgeKept, ...] = ()


_K = TypeVar("_K", _SeriesKept, _LogKept, _EdgeKept)


def _sorted(kept: Iterable[_K]) -> tuple[_K, ...]:
    return tuple(sorted(kept, key=lambda k: msgspec.json.encode(k.query)))


class Recorded:
    """A backend whose answers are kept. A query asked before gets its kept answer, byte for byte.

    Without a backend (`live` is None) only what was kept is answered and everything else is `unavailable`: that is a replay.
    """

    def __init__(self, live: Observations | None, recording: Recording | None = None) -> None:
        self.recording = recording if recording is not None else Recording()
        self._live = live

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        """The kept answer, else the backend's, which is then kept."""
        return self._kept(query, self.recording.series, lambda live: live.series(query), SeriesAnswer)

    def logs(self, query: LogQuery, /) -> LogAnswer:
        """The kept answer, else the backend's, which is then kept."""
        return self._kept(query, self.recording.logs, lambda live: live.logs(query), LogAnswer)

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        """The kept answer, else the backend's, which is then kept."""
        return self._kept(query, self.recording.edges, lambda live: live.edges(query), EdgeAnswer)

    def resolves(self, source: str, locator: str, /) -> AnswerStatus | None:
        """What the backend says now: a recording proves nothing of the world."""
        return self._live.resolves(source, locator) if self._live is not None else None

    def _kept(self, query: _Q, kept: dict[_Q, _A], ask: Callable[[Observations], _A], empty: type[_A]) -> _A:
        if query not in kept:
            live = self._live
            if live is None:
                return empty(
                    "unavailable", hint="this was not asked when the investigation ran, and a replay asks nobody"
                )
            # Kept as it will be read from the recording: what JSON cannot carry must not be reasoned on first and be missing in the replay.
            kept[query] = _asked(lambda b: msgspec.json.decode(msgspec.json.encode(ask(b)), type=empty), live, empty)
        return kept[query]
