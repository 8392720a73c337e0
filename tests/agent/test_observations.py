"""Several backends as one, and answers kept for replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from threading import Barrier

import pytest

from agent.observations import NOTHING_CONNECTED, Observations, Recorded, Recording, Several
from graph.observations import (
    AnswerStatus,
    Edge,
    EdgeAnswer,
    EdgeQuery,
    LogAnswer,
    LogLine,
    LogQuery,
    Seen,
    Series,
    SeriesAnswer,
    SeriesQuery,
)

SERIES = SeriesQuery(("checkout",), "errors", 0, 1_000)
LOGS = LogQuery("checkout", 0, 1_000, contains=("a",))
EDGES = EdgeQuery(0, 1_000)


@dataclass
class Backend:
    """Answers one status, or raises when it has none."""

    name: str
    status: AnswerStatus | None = "ok"
    value: float = 0.1
    asked: list[object] = field(default_factory=list[object])

    def series(self, query: SeriesQuery, /) -> SeriesAnswer:
        status = self._status(query)
        series = Series("checkout", "errors", (("zone", "a"),), "1", "up", ((1, self.value), (2, 1e-9)), self._seen())
        return SeriesAnswer(status, (series,) if status == "ok" else (), self._hint(status))

    def logs(self, query: LogQuery, /) -> LogAnswer:
        status = self._status(query)
        return LogAnswer(
            status, (LogLine(5, "é „quoted“", self._seen()),) if status == "ok" else (), self._hint(status)
        )

    def edges(self, query: EdgeQuery, /) -> EdgeAnswer:
        status = self._status(query)
        edge = Edge("shop", "checkout", 10, 1, None, self._seen())
        return EdgeAnswer(status, (edge,) if status == "ok" else (), self._hint(status))

    def resolves(self, source: str, locator: str, /) -> AnswerStatus | None:
        if self.status is None:
            raise RuntimeError("broken")
        return self.status if source == self.name else None

    def _status(self, query: object) -> AnswerStatus:
        self.asked.append(query)
        if self.status is None:
            raise RuntimeError("broken")
        return self.status

    def _seen(self) -> Seen:
        return Seen(self.name, f"{self.name}#1", None, 2)

    def _hint(self, status: AnswerStatus) -> str:
        return "" if status == "ok" else f"{self.name} says {status}"


def asked(backend: Observations) -> tuple[SeriesAnswer, LogAnswer, EdgeAnswer]:
    return backend.series(SERIES), backend.logs(LOGS), backend.edges(EDGES)


@pytest.mark.parametrize(
    ("statuses", "joined", "hint"),
    [
        (("ok", "ok"), "ok", ""),
        (("ok", "no_data"), "ok", ""),
        (("ok", "unavailable"), "ok", "b says unavailable"),
        (("no_data", "unavailable"), "unavailable", "b says unavailable"),
        (("no_data", "no_data"), "no_data", "a says no_data; b says no_data"),
        (("ok", None), "ok", "a backend failed (RuntimeError)"),
        ((None, "no_data"), "unavailable", "a backend failed (RuntimeError)"),
        ((), "no_data", NOTHING_CONNECTED),
    ],
)
def test_backends_together_have_what_any_has_and_say_what_was_not_seen(
    statuses: tuple[AnswerStatus | None, ...], joined: AnswerStatus, hint: str
) -> None:
    several = Several([Backend(name, status) for name, status in zip("ab", statuses, strict=False)])
    for answer in asked(several):
        assert (answer.status, answer.hint) == (joined, hint)


def test_the_order_of_backends_changes_no_answer() -> None:
    told = [asked(Several([Backend(n, value=ord(n)) for n in names])) for names in permutations("abc")]
    assert all(t == told[0] for t in told)
    assert [s.seen.source for s in told[0][0].series] == ["a", "b", "c"]


def test_backends_are_asked_side_by_side() -> None:
    together = Barrier(3, timeout=5)

    class Waiting(Backend):
        def series(self, query: SeriesQuery, /) -> SeriesAnswer:
            together.wait()  # breaks when the others are asked later
            return super().series(query)

    assert Several([Waiting(n) for n in "abc"]).series(SERIES).hint == ""


def test_a_citation_is_read_again_by_the_backend_it_is_of() -> None:
    several = Several([Backend("a", "no_data"), Backend("b", "ok")])
    assert several.resolves("a", "x") == "no_data"
    assert several.resolves("b", "x") == "ok"
    assert several.resolves("c", "x") is None
    assert Several([Backend("a", None)]).resolves("a", "x") == "unavailable"


def test_an_answer_is_asked_for_once_and_kept() -> None:
    backend = Backend("a")
    recorded = Recorded(backend)
    first = asked(recorded)
    backend.status, backend.value = "unavailable", 9.0
    assert asked(recorded) == first
    assert backend.asked == [SERIES, LOGS, EDGES]


@pytest.mark.parametrize("status", ["ok", "no_data", "unavailable", None])
def test_a_replay_gives_the_same_bytes_offline(status: AnswerStatus | None) -> None:
    recorded = Recorded(Backend("a", status, value=0.1 + 0.2))
    told = asked(recorded)
    text = recorded.recording.to_json()
    replay = Recorded(None, Recording.from_json(text))
    assert asked(replay) == told
    assert replay.recording.to_json() == text
    assert "\n" not in text


def test_an_answer_that_json_cannot_carry_is_unavailable_at_once() -> None:
    recorded = Recorded(Backend("a", value=float("nan")))
    assert recorded.series(SERIES).status == "unavailable"
    assert Recorded(None, Recording.from_json(recorded.recording.to_json())).series(SERIES).status == "unavailable"


def test_a_recording_is_the_same_text_whatever_the_order_of_asking() -> None:
    texts: set[str] = set()
    queries = [SeriesQuery((n,), "errors", 0, i) for i, n in enumerate("cab")]
    for order in permutations(queries):
        recorded = Recorded(Backend("a"))
        for query in order:
            recorded.series(query)
        texts.add(recorded.recording.to_json())
    assert len(texts) == 1


def test_what_was_not_asked_is_unavailable_in_a_replay_and_does_not_become_part_of_it() -> None:
    replay = Recorded(None)
    assert [a.status for a in asked(replay)] == ["unavailable"] * 3
    assert replay.recording.to_json() == Recording().to_json()
    assert replay.resolves("a", "x") is None


def test_a_text_that_is_no_recording_is_refused() -> None:
    for text in ("", "[]", '{"schema": "lore.observations/2"}', '{"series": [{"query": {}}]}'):
        with pytest.raises(ValueError, match=r".+"):
            Recording.from_json(text)
