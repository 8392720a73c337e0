"""The Prometheus adapter against a real Prometheus, and against one that misbehaves."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from agent.metric_shift import BAND, shift_of
from graph.clock import SECOND, Instant, instant
from graph.observations import EdgeQuery, LogQuery, SeriesQuery
from ingest.observations.prometheus import PrometheusBackend, PrometheusSettings, PromMetric
from ingest.source import SourceDataInvalid
from tests.ingest.observations.stub_server import stub_server
from tests.prometheus_server import prometheus_server

START: Instant = instant("2026-03-04T12:00:00Z")
CHANGE: Instant = instant("2026-03-04T14:00:00Z")
END: Instant = instant("2026-03-04T14:30:00Z")
ODD = 'we"ird\\name} or up{'
TOKEN = "let-me-" + "in"


def minutes(values: list[float]) -> list[tuple[Instant, float]]:
    return [(START + i * 60 * SECOND, value) for i, value in enumerate(values)]


def grown(before_per_s: float, after_per_s: float) -> list[tuple[Instant, float]]:
    """A counter that grows at one rate before the change and at another one after."""
    total, points = 0.0, minutes([])
    for i in range(151):
        at = START + i * 60 * SECOND
        points.append((at, total))
        total += 60 * (after_per_s if at >= CHANGE else before_per_s)
    return points


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    samples = {
        'http_requests_total{service="checkout",code="200"}': grown(10.0, 5.0),
        'http_requests_total{service="checkout",code="502"}': grown(0.1, 5.0),
        'http_requests_total{service="search",code="200"}': grown(3.0, 3.0),
        'http_requests_total{service="search",code="503"}': [p for p in grown(0.0, 0.5) if p[0] >= CHANGE],
        'process_resident_memory_bytes{job="checkout",instance="a"}': minutes([100e6 + i for i in range(151)]),
        'shop_db_pool_free{database="orders"}': minutes([20.0] * 120 + [1.0] * 31),
        f'up{{job="{ODD.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"}}': minutes([1.0] * 151),
        'up{job="checkout"}': minutes([1.0] * 120 + [0.0] * 31),
        'traces_service_graph_request_total{client="shop",server="checkout"}': grown(10.0, 10.0),
        'traces_service_graph_request_failed_total{client="shop",server="checkout"}': grown(0.0, 5.0),
        'traces_service_graph_request_server_seconds_sum{client="shop",server="checkout"}': grown(1.0, 2.0),
        'traces_service_graph_request_server_seconds_count{client="shop",server="checkout"}': grown(10.0, 10.0),
    }
    with prometheus_server(samples) as address:
        yield address


@pytest.fixture
def backend(url: str) -> PrometheusBackend:
    return PrometheusBackend(PrometheusSettings(url))


def ask(metric: str = "errors", *names: str) -> SeriesQuery:
    return SeriesQuery(names or ("checkout",), metric, START, END)  # type: ignore[arg-type]


def test_the_share_of_errors_jumps_at_the_change(backend: PrometheusBackend) -> None:
    answer = backend.series(ask("errors"))
    assert answer.status == "ok"
    (series,) = answer.series
    assert (series.subject, series.name, series.unit, series.worse) == ("checkout", "share of 5xx by code", "1", "up")
    found = shift_of(series, "errors", CHANGE, END)
    assert found is not None
    assert found.before == pytest.approx(0.1 / 10.1, rel=0.02)
    assert found.after == pytest.approx(0.5, rel=0.05)
    assert found.badness > 50
    assert found.onset is not None
    assert CHANGE <= found.onset <= CHANGE + 180 * SECOND


def test_before_the_first_error_the_share_of_errors_is_zero(backend: PrometheusBackend) -> None:
    (series,) = backend.series(ask("errors", "search")).series
    assert {v for t, v in series.points if t < CHANGE} == {0.0}
    found = shift_of(series, "errors", CHANGE, END)
    assert found is not None
    assert found.badness > BAND


def test_nothing_at_or_after_the_end_of_the_window_is_read(backend: PrometheusBackend) -> None:
    answer = backend.series(replace(ask("availability"), until=CHANGE))
    (series,) = answer.series
    assert series.points[-1][0] < CHANGE
    assert {value for _, value in series.points} == {1.0}
    assert series.seen.observed_at < CHANGE


def test_the_first_label_that_names_the_service_counts(backend: PrometheusBackend) -> None:
    (series,) = backend.series(ask("memory")).series
    assert (series.name, series.unit) == ("process_resident_memory", "By")


def test_a_name_that_looks_like_a_query_is_only_a_name(backend: PrometheusBackend) -> None:
    (series,) = backend.series(ask("availability", ODD)).series
    assert series.subject == ODD
    assert backend.series(ask("availability", 'x"} or up{job="checkout')).status == "no_data"


def test_many_names_are_few_requests_and_a_strange_one_among_them_does_no_harm(url: str) -> None:
    names = [f"service-{i}.shop" for i in range(39)]
    with stub_server() as stub:
        stub.answers["/api/v1/query_range"] = {"status": "success", "data": {"result": []}}
        backend = PrometheusBackend(PrometheusSettings(stub.url))
        assert backend.series(ask("errors", *names)).status == "no_data"
        assert len(stub.asked) <= 40
        assert max(len(f"{a.query}") for a in stub.asked) < 5_000
    backend = PrometheusBackend(PrometheusSettings(url))
    found = backend.series(ask("availability", "checkout", ODD, *names))
    assert [s.subject for s in found.series] == sorted(["checkout", ODD])
    dotted = backend.series(ask("availability", "check.ut", "c", ".*"))
    assert dotted.status == "no_data"


def test_a_query_without_grouping_is_asked_for_each_name(url: str) -> None:
    row = PromMetric("http_requests_total{selector}", "1")
    backend = PrometheusBackend(PrometheusSettings(url, metrics={"traffic": (row,)}))
    answer = backend.series(ask("traffic", "search", "checkout"))
    told = [(s.subject, s.name, dict(s.labels)["code"]) for s in answer.series]
    assert told == [
        ("checkout", "http_requests_total", "200"),
        ("checkout", "http_requests_total", "502"),
        ("search", "http_requests_total", "200"),
        ("search", "http_requests_total", "503"),
    ]


def test_settings_replace_what_is_asked_for_a_class(url: str) -> None:
    pool = PromMetric("shop_db_pool_free{selector}", "1", worse="down")
    backend = PrometheusBackend(PrometheusSettings(url, labels=("database",), metrics={"saturation": (pool,)}))
    (series,) = backend.series(ask("saturation", "orders")).series
    assert (series.name, series.labels, series.worse) == ("shop_db_pool_free", (("database", "orders"),), "down")
    found = shift_of(series, "saturation", CHANGE, END)
    assert found is not None
    assert found.z < 0 < found.badness


def test_further_labels_narrow_the_question(backend: PrometheusBackend) -> None:
    assert backend.series(replace(ask("memory"), labels=(("instance", "a"),))).status == "ok"
    assert backend.series(replace(ask("memory"), labels=(("instance", "b"),))).status == "no_data"


def test_the_service_graph_has_calls_errors_and_latency(backend: PrometheusBackend) -> None:
    answer = backend.edges(EdgeQuery(CHANGE, END))
    (edge,) = answer.edges
    assert (edge.caller, edge.callee) == ("shop", "checkout")
    assert edge.calls == pytest.approx(10 * 1_800, rel=0.1)
    assert edge.errors == pytest.approx(5 * 1_800, rel=0.1)
    assert edge.latency_s == pytest.approx(0.2, rel=0.05)
    assert backend.edges(EdgeQuery(START - 7_200 * SECOND, START - 3_600 * SECOND)).status == "no_data"


def test_citations_can_be_read_again_and_are_for_people_too(backend: PrometheusBackend, url: str) -> None:
    (series,) = backend.series(ask("errors")).series
    (edge,) = backend.edges(EdgeQuery(CHANGE, END)).edges
    for seen in (series.seen, edge.seen):
        assert backend.resolves("prometheus", seen.locator) == "ok"
        assert seen.url is not None
        assert seen.url.startswith(f"{url}/graph?")
    assert backend.resolves("prometheus", series.seen.locator.replace("checkout", "nobody")) == "no_data"
    assert backend.resolves("prometheus", "api/v1/admin/tsdb/delete_series?match[]=up") == "no_data"
    assert backend.resolves("loki", series.seen.locator) is None


def test_rows_are_bounded_and_it_is_said(backend: PrometheusBackend) -> None:
    answer = backend.series(replace(ask("traffic", "checkout", "search"), max_series=1, max_points=10))
    assert answer.cut
    assert [s.subject for s in answer.series] == ["checkout"]
    assert len(answer.series[0].points) == 10
    assert answer.series[0].points[-1][0] == END - 60 * SECOND


def test_what_is_not_there_is_no_data_and_logs_are_never_here(backend: PrometheusBackend) -> None:
    assert backend.series(ask("queue")).status == "no_data"
    assert backend.series(ask("errors", "nobody")).status == "no_data"
    logs = backend.logs(LogQuery("checkout", START, END))
    assert (logs.status, logs.hint) == ("no_data", "Prometheus holds no logs")


def test_a_query_that_prometheus_refuses_is_unavailable_with_a_remedy(url: str) -> None:
    bad = PromMetric("sum(up{selector}", "1")
    answer = PrometheusBackend(PrometheusSettings(url, metrics={"cpu": (bad,)})).series(ask("cpu"))
    assert answer.status == "unavailable"
    assert "check `metrics`" in answer.hint


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((401, "who"), "make a new token"),
        ((503, "busy"), "try again later"),
        ("<html>log in</html>", "login page"),
        ('{"status": "success", "data"', "cut off"),
        ({"status": "success", "data": {"result": "none"}}, "another shape"),
        ({"hello": 1}, "another shape"),
    ],
)
def test_a_server_that_fails_is_unavailable_and_no_secret_is_told(reply: object, words: str) -> None:
    with stub_server() as stub:
        stub.answers["/api/v1/query_range"] = reply
        answer = PrometheusBackend(PrometheusSettings(stub.url, token=TOKEN)).series(ask())
        assert stub.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert answer.status == "unavailable"
    assert words in answer.hint
    assert TOKEN not in answer.hint


def test_a_server_that_is_gone_is_unavailable() -> None:
    with stub_server() as stub:
        url = stub.url
    answer = PrometheusBackend(PrometheusSettings(url)).series(ask())
    assert answer.status == "unavailable"
    assert "the connection failed" in answer.hint


def test_a_server_that_sends_a_byte_at_a_time_does_not_hold_the_engine() -> None:
    with stub_server() as stub:
        stub.answers["/api/v1/query_range"] = {"status": "success", "data": {"result": []}}
        stub.drip_s = 0.2
        backend = PrometheusBackend(PrometheusSettings(stub.url))
        started = time.monotonic()
        answer = backend.series(replace(ask(), deadline_s=0.5))
        assert time.monotonic() - started < 2
        asked = len(stub.asked)
        again = [backend.series(replace(ask(), deadline_s=0.5)) for _ in range(20)]
        assert time.monotonic() - started < 2
        assert len(stub.asked) == asked
    assert answer.status == "unavailable"
    assert "no answer within 0.5 s" in answer.hint
    assert {(a.status, a.hint) for a in again} == {
        ("unavailable", "prometheus: it did not answer in time a moment ago and is left alone for 30 s")
    }


def test_values_that_are_no_numbers_are_left_out() -> None:
    values = [[START / SECOND + i * 60, v] for i, v in enumerate(["1", "NaN", "+Inf", "2"])]
    reply: object = {"status": "success", "data": {"result": [{"metric": {"zone": "a"}, "values": values}]}}
    with stub_server() as stub:
        stub.answers["/api/v1/query_range"] = reply
        answer = PrometheusBackend(
            PrometheusSettings(stub.url, metrics={"cpu": (PromMetric("x{selector}", "1"),)})
        ).series(ask("cpu"))
    assert [v for _, v in answer.series[0].points] == [1.0, 2.0]
    assert all(math.isfinite(v) for _, v in answer.series[0].points)


def test_settings_that_cannot_be_used_are_told_at_once() -> None:
    with pytest.raises(SourceDataInvalid, match="not an http"):
        PrometheusBackend(PrometheusSettings("prometheus:9090"))
    with pytest.raises(SourceDataInvalid, match="not a Prometheus label"):
        PrometheusBackend(PrometheusSettings("http://localhost:9090", labels=('job="x"} or {a',)))
