"""The CloudWatch adapter against moto."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from graph.clock import SECOND, Instant, from_datetime, instant
from graph.observations import LogQuery, SeriesQuery
from ingest.observations.cloudwatch import CloudWatchBackend, CloudWatchMetric, CloudWatchSettings
from tests.ingest.observations.stub_server import Asked, stub_server
from tests.moto_server import MotoServer, moto_server

# CloudWatch keeps minutes for 15 days: the window is of today, whatever day that is.
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
SINCE: Instant = from_datetime(START)
UNTIL: Instant = SINCE + 30 * 60 * SECOND
NAMESPACE = "Shop"
ERRORS = CloudWatchMetric(NAMESPACE, "Errors", "Service", "Sum")
LATENCY = CloudWatchMetric(NAMESPACE, "Latency", "LoadBalancer", "Average", "s", 0.001, listed=True)
FREE = CloudWatchMetric(NAMESPACE, "FreeSpace", "Database", "Minimum", "By", worse="down")


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture
def server(moto: MotoServer) -> MotoServer:
    moto.reset()
    return moto


def backend(server: MotoServer, **other: object) -> CloudWatchBackend:
    told: dict[str, object] = {
        **server.settings(),
        "metrics": {"errors": (ERRORS,), "latency": (LATENCY,), "disk": (FREE,)},
        **other,
    }
    return CloudWatchBackend(CloudWatchSettings(**told))  # type: ignore[arg-type]


def put(server: MotoServer, metric: str, value: float, minute: int, **dimensions: str) -> None:
    server.do(
        "cloudwatch",
        "put_metric_data",
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": told} for name, told in dimensions.items()],
                "Timestamp": START + timedelta(minutes=minute),
                "Value": value,
            }
        ],
    )


def test_a_metric_by_its_dimension(server: MotoServer) -> None:
    for minute, value in ((-1, 9.0), (0, 1.0), (10, 40.0), (29, 50.0), (30, 60.0)):
        put(server, "Errors", value, minute, Service="checkout")
    put(server, "Errors", 7.0, 5, Service="search")
    answer = backend(server).series(SeriesQuery(("checkout", "nobody"), "errors", SINCE, UNTIL))
    assert answer.status == "ok", answer.hint
    (series,) = answer.series
    assert (series.subject, series.name, series.worse) == ("checkout", "Shop/Errors Sum", "up")
    assert [(round((at - SINCE) / 60 / SECOND), v) for at, v in series.points] == [(0, 1.0), (10, 40.0), (29, 50.0)]
    assert backend(server).resolves("cloudwatch", series.seen.locator) == "ok"
    assert backend(server).resolves("cloudwatch", series.seen.locator.replace("checkout", "nobody")) == "no_data"


def test_metrics_with_further_dimensions_are_found_by_a_part_of_the_value(server: MotoServer) -> None:
    put(server, "Latency", 250.0, 3, LoadBalancer="app/checkout/50dc6c495c0c9188", AvailabilityZone="a")
    put(server, "Latency", 900.0, 3, LoadBalancer="app/checkout-admin/60dc6c495c0c9188", AvailabilityZone="a")
    (series,) = backend(server).series(SeriesQuery(("checkout",), "latency", SINCE, UNTIL)).series
    assert [value for _, value in series.points] == [0.25]
    assert series.labels == (("AvailabilityZone", "a"), ("LoadBalancer", "app/checkout/50dc6c495c0c9188"))


def test_a_metric_may_be_worse_downwards(server: MotoServer) -> None:
    put(server, "FreeSpace", 1e9, 3, Database="orders")
    (series,) = backend(server).series(SeriesQuery(("orders",), "disk", SINCE, UNTIL)).series
    assert (series.worse, series.unit) == ("down", "By")


def test_a_period_that_ends_after_the_window_is_left_out(server: MotoServer) -> None:
    for minute in (0, 5, 29):
        put(server, "Errors", 1.0, minute, Service="checkout")
    query = SeriesQuery(("checkout",), "errors", SINCE, UNTIL - 60 * SECOND, step_s=300)
    (series,) = backend(server).series(query).series
    assert [round((at - SINCE) / 60 / SECOND) for at, _ in series.points] == [0, 5]


def test_nothing_there_is_no_data(server: MotoServer) -> None:
    assert backend(server).series(SeriesQuery(("checkout",), "errors", SINCE, UNTIL)).status == "no_data"
    assert backend(server).series(SeriesQuery(("checkout",), "queue", SINCE, UNTIL)).status == "no_data"


def written(server: MotoServer, group: str, *lines: tuple[int, str]) -> None:
    server.do("logs", "create_log_group", logGroupName=group)
    server.do("logs", "create_log_stream", logGroupName=group, logStreamName="one")
    events = [{"timestamp": (SINCE + s * SECOND) // 1_000, "message": text} for s, text in lines]
    server.do("logs", "put_log_events", logGroupName=group, logStreamName="one", logEvents=events)


def test_lines_of_the_services_log_groups(server: MotoServer) -> None:
    written(server, "/aws/lambda/checkout", (60, "Task timed out"), (120, "REPORT"), (2_000, "too late"))
    written(server, "/ecs/checkout", (30, "connection TIMED OUT"))
    answer = backend(server).logs(LogQuery("checkout", SINCE, UNTIL, contains=("timed",)))
    assert answer.status == "ok", answer.hint
    assert [line.text for line in answer.lines] == ["connection TIMED OUT", "Task timed out"]
    assert answer.lines[1].at == SINCE + 60 * SECOND
    locator = answer.lines[1].seen.locator
    assert backend(server).resolves("cloudwatch", locator) == "ok"
    assert backend(server).resolves("cloudwatch", locator.replace("lambda", "batch")) == "no_data"


def test_a_query_is_waited_for_and_its_words_go_along() -> None:
    states = iter(["Scheduled", "Running", "Complete"])

    def logs(asked: Asked) -> object:
        if asked.headers["x-amz-target"].endswith("StartQuery"):
            return {"queryId": "q1"}
        state = next(states)
        line = [
            {"field": "@timestamp", "value": "2026-03-04 14:02:11.123"},
            {"field": "@message", "value": "Task timed out"},
            {"field": "@logStream", "value": "2026/03/04/[$LATEST]1"},
        ]
        return {"status": state, "results": [line] if state != "Scheduled" else []}

    since = instant("2026-03-04T14:00:00Z")
    query = LogQuery("checkout", since, since + 600 * SECOND, contains=("timed", "Out"))
    with stub_server() as stub:
        stub.answers["/"] = logs
        settings = CloudWatchSettings(
            region="eu-west-1",
            access_key_id="testing",
            secret_access_key="testing",
            endpoint_url=stub.url,
            log_groups=("/shop/{service}",),
        )
        answer = CloudWatchBackend(settings).logs(query)
    assert answer.status == "ok", answer.hint
    assert [(line.at, line.text) for line in answer.lines] == [(instant("2026-03-04T14:02:11.123Z"), "Task timed out")]
    started = cast("Mapping[str, object]", json.loads(stub.asked[0].body))
    assert started["logGroupNames"] == ["/shop/checkout"]
    assert "filter @message like /(?i)Out/ or @message like /(?i)timed/" in str(started["queryString"])


def test_a_service_without_a_log_group_has_no_lines(server: MotoServer) -> None:
    answer = backend(server).logs(LogQuery("checkout", SINCE, UNTIL))
    assert (answer.status, answer.hint) == ("no_data", "")


def test_an_account_that_cannot_be_reached_is_unavailable(server: MotoServer) -> None:
    query = SeriesQuery(("checkout",), "errors", SINCE, UNTIL)
    answer = backend(server, endpoint_url="http://127.0.0.1:9").series(query)
    assert answer.status == "unavailable"
    assert answer.hint.startswith("cloudwatch: ")
    assert "testing" not in answer.hint


def test_the_period_is_one_that_is_still_kept(server: MotoServer) -> None:
    from ingest.observations import cloudwatch

    now_s = instant("2026-11-01T00:00:00Z") / SECOND
    long_ago = {"2026-10-31": 60, "2026-10-01": 300, "2026-03-04": 3_600}
    for day, period_s in long_ago.items():
        query = SeriesQuery(("x",), "errors", instant(day), instant(day) + SECOND)
        assert cloudwatch._period_s(query, now_s) == period_s  # pyright: ignore[reportPrivateUsage]


def test_locators_of_elsewhere_lead_nowhere(server: MotoServer) -> None:
    for locator in ("metric?namespace=x", "event?group=a&stream=b&at=soon", "DeleteLogGroup?group=a"):
        assert backend(server).resolves("cloudwatch", locator) == "no_data"
