"""The Loki adapter against a server that answers as Loki does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from graph.clock import SECOND, Instant, instant
from graph.observations import LINE_CHARS, LogQuery, SeriesQuery
from ingest.observations.loki import LokiBackend, LokiSettings
from tests.ingest.observations.stub_server import Asked, Stub, stub_server

SINCE: Instant = instant("2026-03-04T14:00:00Z")
UNTIL: Instant = instant("2026-03-04T14:30:00Z")
PATH = "/loki/api/v1/query_range"
QUERY = LogQuery("checkout", SINCE, UNTIL)


def entry(seconds: int, text: str) -> list[str]:
    return [str((SINCE + seconds * SECOND) * 1_000), text]


def streams(*entries: list[str]) -> object:
    labels = {"service_name": "checkout", "pod": "checkout-1"}
    return {
        "status": "success",
        "data": {"resultType": "streams", "result": [{"stream": labels, "values": list(entries)}]},
    }


NOTHING: object = {"status": "success", "data": {"resultType": "streams", "result": []}}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as running:
        yield running


def backend(stub: Stub) -> LokiBackend:
    return LokiBackend(LokiSettings(stub.url, tenant="shop"))


def test_lines_come_oldest_first_with_a_citation_each(stub: Stub) -> None:
    stub.answers[PATH] = streams(entry(60, "pool exhausted"), entry(5, "upstream timed out"))
    answer = backend(stub).logs(QUERY)
    assert answer.status == "ok"
    assert [line.text for line in answer.lines] == ["upstream timed out", "pool exhausted"]
    assert answer.lines[0].at == SINCE + 5 * SECOND
    assert stub.asked[0].headers["x-scope-orgid"] == "shop"
    assert stub.asked[0].query["query"] == '{service_name="checkout"}'
    assert backend(stub).resolves("loki", answer.lines[0].seen.locator) == "ok"
    assert stub.asked[-1].query["start"] == str((SINCE + 5 * SECOND) * 1_000)
    assert stub.asked[-1].query["query"] == '{pod="checkout-1",service_name="checkout"}'


def test_labels_are_tried_until_one_has_lines(stub: Stub) -> None:
    def by_label(asked: Asked) -> object:
        return streams(entry(1, "hello")) if asked.query["query"].startswith('{app="checkout"') else NOTHING

    stub.answers[PATH] = by_label
    assert backend(stub).logs(QUERY).status == "ok"
    assert [a.query["query"][1:].partition("=")[0] for a in stub.asked] == ["service_name", "service", "app"]


def test_words_are_filtered_by_the_server_and_again_here(stub: Stub) -> None:
    stub.answers[PATH] = streams(entry(1, "Timeout on orders"), entry(2, "all is well"))
    answer = backend(stub).logs(replace(QUERY, contains=("timeout", "refused")))
    assert [line.text for line in answer.lines] == ["Timeout on orders"]
    assert stub.asked[0].query["query"].endswith('|~ "(?i)(refused|timeout)"')


@pytest.mark.parametrize("word", ['x" | json', "a.*b", "`", "connection refused", "é"])
def test_words_that_a_query_could_be_made_of_stay_here(stub: Stub, word: str) -> None:
    stub.answers[PATH] = streams(entry(1, f"so: {word}!"), entry(2, "other"))
    answer = backend(stub).logs(replace(QUERY, contains=(word,)))
    assert [line.text for line in answer.lines] == [f"so: {word}!"]
    assert stub.asked[0].query["query"] == '{service_name="checkout"}'
    assert stub.asked[0].query["limit"] == "5000"


def test_a_service_that_is_called_like_a_query_stays_a_name(stub: Stub) -> None:
    stub.answers[PATH] = NOTHING
    assert backend(stub).logs(replace(QUERY, service='x"} |= "')).status == "no_data"
    assert stub.asked[0].query["query"] == '{service_name="x\\"} |= \\""}'


def test_secrets_in_lines_do_not_come_out_and_long_lines_are_cut(stub: Stub) -> None:
    password = "hunter" + "2hunter2"
    stub.answers[PATH] = streams(
        entry(1, f"connecting to postgres://app:{password}@db/orders"), entry(2, "x" * 10 * LINE_CHARS)
    )
    first, second = backend(stub).logs(QUERY).lines
    assert password not in first.text
    assert "connecting to postgres://app" in first.text
    assert len(second.text) == LINE_CHARS


def test_lines_outside_the_window_are_not_given(stub: Stub) -> None:
    stub.answers[PATH] = streams(entry(-1, "before"), entry(0, "first"), entry(1_799, "last"), entry(1_800, "after"))
    assert [line.text for line in backend(stub).logs(QUERY).lines] == ["first", "last"]


def test_more_lines_than_asked_for_are_cut_and_it_is_said(stub: Stub) -> None:
    stub.answers[PATH] = streams(*(entry(i, f"line {i}") for i in range(4)))
    answer = backend(stub).logs(replace(QUERY, limit=3))
    assert [line.text for line in answer.lines] == ["line 0", "line 1", "line 2"]
    assert answer.cut
    assert stub.asked[0].query["limit"] == "4"


def test_an_answer_of_another_shape_is_unavailable_and_single_bad_entries_are_not(stub: Stub) -> None:
    stub.answers[PATH] = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    answer = backend(stub).logs(QUERY)
    assert (answer.status, answer.lines) == ("unavailable", ())
    assert "another shape" in answer.hint
    stub.answers[PATH] = streams(["soon", "no time"], entry(1, "good"), ["1"])
    assert [line.text for line in backend(stub).logs(QUERY).lines] == ["good"]


def test_a_rate_limit_is_unavailable(stub: Stub) -> None:
    stub.answers[PATH] = (429, "slow down")
    assert "rate limit" in backend(stub).logs(QUERY).hint


def test_loki_holds_no_metrics(stub: Stub) -> None:
    answer = backend(stub).series(SeriesQuery(("checkout",), "errors", SINCE, UNTIL))
    assert (answer.status, answer.hint) == ("no_data", "Loki holds no metrics")
    assert not stub.asked


def test_a_locator_of_someone_else_leads_nowhere(stub: Stub) -> None:
    assert backend(stub).resolves("loki", "loki/api/v1/delete?query={}") == "no_data"
    assert not stub.asked
