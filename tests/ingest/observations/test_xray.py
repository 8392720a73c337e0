"""The X-Ray adapter against a server that answers as X-Ray does: moto's graph is always empty."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

import pytest

from graph.clock import SECOND, Instant, instant
from graph.observations import EdgeQuery, SeriesQuery
from ingest.observations.xray import XRayBackend, XRaySettings
from tests.ingest.observations.stub_server import Asked, Stub, stub_server

SINCE: Instant = instant("2026-03-04T14:00:00Z")
HOUR: Instant = 3_600 * SECOND


def statistics(calls: int, faults: int = 0, errors: int = 0, spent_s: float = 0.0) -> dict[str, object]:
    return {
        "OkCount": calls - faults - errors,
        "TotalCount": calls,
        "TotalResponseTime": spent_s,
        "ErrorStatistics": {"TotalCount": errors},
        "FaultStatistics": {"TotalCount": faults},
    }


def service(number: int, name: str, *edges: tuple[int, dict[str, object]]) -> dict[str, object]:
    return {
        "ReferenceId": number,
        "Name": name,
        "Type": "AWS::ECS::Fargate",
        "Edges": [{"ReferenceId": to, "SummaryStatistics": told} for to, told in edges],
    }


GRAPH = {
    "Services": [
        service(0, "shop", (1, statistics(100, faults=20, errors=5, spent_s=30.0)), (7, statistics(9))),
        service(1, "checkout", (1, statistics(5)), (2, statistics(0))),
        service(2, "orders"),
    ]
}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as running:
        running.answers["/ServiceGraph"] = GRAPH
        yield running


def backend(stub: Stub) -> XRayBackend:
    return XRayBackend(
        XRaySettings(region="eu-west-1", access_key_id="testing", secret_access_key="testing", endpoint_url=stub.url)
    )


def sent(asked: Asked) -> Mapping[str, object]:
    return cast("Mapping[str, object]", json.loads(asked.body))


def test_edges_have_calls_faults_and_mean_latency(stub: Stub) -> None:
    answer = backend(stub).edges(EdgeQuery(SINCE, SINCE + HOUR))
    assert answer.status == "ok", answer.hint
    told = [(e.caller, e.callee, e.calls, e.errors, e.latency_s) for e in answer.edges]
    # An edge to a service that is not in the graph and one to itself are none; no calls have no latency.
    assert told == [("checkout", "orders", 0, 0, None), ("shop", "checkout", 100, 20, 0.3)]
    assert backend(stub).resolves("xray", answer.edges[0].seen.locator) == "ok"


def test_a_long_window_is_asked_for_in_pieces_and_added_up(stub: Stub) -> None:
    answer = backend(stub).edges(EdgeQuery(SINCE, SINCE + 13 * HOUR))
    assert [e.calls for e in answer.edges if e.caller == "shop"] == [300]
    spans = [(sent(a)["StartTime"], sent(a)["EndTime"]) for a in stub.asked]
    begin = SINCE // SECOND
    assert spans == [
        (begin, begin + 6 * 3_600),
        (begin + 6 * 3_600, begin + 12 * 3_600),
        (begin + 12 * 3_600, begin + 13 * 3_600),
    ]


@pytest.mark.parametrize(
    ("metric", "values", "worse"),
    [
        ("latency", [0.2, 0.5], "up"),
        ("errors", [0.0, 0.3], "up"),
        ("availability", [1.0, 0.7], "down"),
        ("traffic", [10 / 60, 10 / 60, 0.0], "either"),
    ],
)
def test_statistics_of_a_service(stub: Stub, metric: str, values: list[float], worse: str) -> None:
    begin = SINCE // SECOND
    stub.answers["/TimeSeriesServiceStatistics"] = {
        "TimeSeriesServiceStatistics": [
            {"Timestamp": begin, "ServiceSummaryStatistics": statistics(10, spent_s=2.0)},
            {"Timestamp": begin + 60, "ServiceSummaryStatistics": statistics(10, faults=3, spent_s=5.0)},
            {"Timestamp": begin + 120, "ServiceSummaryStatistics": statistics(0)},
            {"Timestamp": begin + 180},
            {"Timestamp": begin + 3_590, "ServiceSummaryStatistics": statistics(10)},
        ]
    }
    query = SeriesQuery(("checkout",), metric, SINCE, SINCE + HOUR)  # type: ignore[arg-type]
    answer = backend(stub).series(query)
    assert answer.status == "ok", answer.hint
    (series,) = answer.series
    assert [v for _, v in series.points] == pytest.approx(values)
    assert series.worse == worse
    assert sent(stub.asked[1])["EntitySelectorExpression"] == 'service("checkout")'
    assert backend(stub).resolves("xray", series.seen.locator) == "ok"


def test_a_name_that_would_end_the_expression_is_not_asked_for(stub: Stub) -> None:
    answer = backend(stub).series(SeriesQuery(('x") OR service("y',), "latency", SINCE, SINCE + HOUR))
    assert answer.status == "no_data"
    assert [a.path for a in stub.asked] == ["/ServiceGraph"]


def test_names_that_are_no_services_cost_no_call(stub: Stub) -> None:
    stub.answers["/TimeSeriesServiceStatistics"] = {"TimeSeriesServiceStatistics": []}
    names = (*(f"other-{i}" for i in range(39)), "orders")
    answer = backend(stub).series(SeriesQuery(names, "latency", SINCE, SINCE + 48 * HOUR))
    assert (answer.status, answer.cut) == ("no_data", True)
    assert [a.path for a in stub.asked] == ["/ServiceGraph", *["/TimeSeriesServiceStatistics"] * 4]


def test_metrics_that_traces_do_not_have_are_no_data(stub: Stub) -> None:
    assert backend(stub).series(SeriesQuery(("checkout",), "cpu", SINCE, SINCE + HOUR)).status == "no_data"


@pytest.mark.parametrize(
    "reply", [(403, {"message": "no"}), (500, {"message": "busy"}), "<html>log in</html>", '{"Serv']
)
def test_an_account_that_fails_is_unavailable_with_a_remedy(stub: Stub, reply: object) -> None:
    stub.answers["/ServiceGraph"] = reply
    answer = backend(stub).edges(EdgeQuery(SINCE, SINCE + HOUR))
    assert answer.status == "unavailable"
    assert "; " in answer.hint
    assert backend(stub).resolves("xray", f"graph?since={SINCE}&until={SINCE + HOUR}") != "ok"
