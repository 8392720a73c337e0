"""The Kubernetes adapter against a server that answers as the API does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from graph.clock import SECOND, Instant, instant
from graph.observations import LogQuery
from ingest.observations.kubernetes import KubernetesBackend, KubernetesLogSettings
from tests.ingest.observations.stub_server import Asked, Stub, stub_server

SINCE: Instant = instant("2026-03-04T14:00:00Z")
UNTIL: Instant = instant("2026-03-04T14:30:00Z")
QUERY = LogQuery("checkout", SINCE, UNTIL)
TOKEN = "let-me-" + "in"


def pod(name: str, namespace: str = "shop", labels: dict[str, str] | None = None) -> dict[str, object]:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": "app"}]},
    }


def event(about: str, reason: str, at: str | None, **other: object) -> dict[str, object]:
    return {
        "metadata": {"name": f"{about}.17b", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": about},
        "type": "Warning",
        "reason": reason,
        "message": "it did not go well",
        "lastTimestamp": at,
        **other,
    }


def items(*found: dict[str, object], following: str = "") -> object:
    return {"kind": "List", "items": list(found), "metadata": {"continue": following} if following else {}}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as running:
        running.answers["/api/v1/pods"] = items(pod("checkout-7d9c5b8f6d-x2x9p"), pod("search-0"))
        running.answers["/api/v1/events"] = items()
        running.answers[log("checkout-7d9c5b8f6d-x2x9p")] = (
            "2026-03-04T13:59:59.9Z before\n"
            "2026-03-04T14:02:03.123456789Z pool exhausted\n"
            "2026-03-04T14:02:04Z retrying\n"
            "no time at all\n"
            "2026-03-04T14:30:00Z after\n"
        )
        yield running


def log(name: str, namespace: str = "shop") -> str:
    return f"/api/v1/namespaces/{namespace}/pods/{name}/log"


def backend(stub: Stub, *namespaces: str) -> KubernetesBackend:
    return KubernetesBackend(KubernetesLogSettings(server=stub.url, token=TOKEN, namespaces=namespaces))


def test_lines_of_the_services_pods_within_the_window(stub: Stub) -> None:
    answer = backend(stub).logs(QUERY)
    assert answer.status == "ok", answer.hint
    assert [line.text for line in answer.lines] == ["pool exhausted", "retrying"]
    assert answer.lines[0].at == instant("2026-03-04T14:02:03.123456Z")
    assert stub.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert not any("search" in a.path for a in stub.asked)
    assert backend(stub).resolves("kubernetes", answer.lines[0].seen.locator) == "ok"
    assert stub.asked[-1].query["sinceTime"] == "2026-03-04T14:02:03.123456789Z"


@pytest.mark.parametrize(
    ("name", "labels", "its"),
    [
        ("checkout", None, True),
        ("checkout-2", None, True),
        ("checkout-bcdfg", None, True),
        ("checkout-7d9c5b8f6d-x2x9p", {}, True),
        ("web-7d9c5b8f6d-x2x9p", {"app.kubernetes.io/name": "checkout"}, True),
        ("checkout-worker-7d9c5b8f6d-x2x9p", {}, False),
        ("checkout-worker", None, False),
        ("checkouts-0", None, False),
        ("web-0", {"app": "checkout2"}, False),
    ],
)
def test_which_pods_are_of_a_service(stub: Stub, name: str, labels: dict[str, str] | None, its: bool) -> None:
    stub.answers["/api/v1/pods"] = items(pod(name, labels=labels))
    stub.answers[log(name)] = "2026-03-04T14:10:00Z hello\n"
    assert (backend(stub).logs(QUERY).status == "ok") is its


def test_events_are_lines_of_what_they_are_about(stub: Stub) -> None:
    stub.answers["/api/v1/pods"] = items()
    stub.answers["/api/v1/events"] = items(
        event("checkout-7d9c5b8f6d-x2x9p", "BackOff", "2026-03-04T14:05:00Z", count=7),
        event("checkout", "FailedScheduling", None, eventTime="2026-03-04T14:04:00.000001Z"),
        event("search-0", "BackOff", "2026-03-04T14:05:00Z"),
        event("checkout", "NoTime", None),
    )
    answer = backend(stub).logs(QUERY)
    assert [line.text for line in answer.lines] == [
        "Warning FailedScheduling Pod/checkout: it did not go well",
        "Warning BackOff Pod/checkout-7d9c5b8f6d-x2x9p: it did not go well (7 times)",
    ]
    locator = answer.lines[0].seen.locator
    assert locator == "/api/v1/namespaces/shop/events/checkout.17b"
    assert backend(stub).resolves("kubernetes", locator) == "no_data"  # events are forgotten after an hour
    stub.answers[locator] = event("checkout", "FailedScheduling", None)
    assert backend(stub).resolves("kubernetes", locator) == "ok"


def test_pods_on_later_pages_are_found_and_namespaces_narrow_it(stub: Stub) -> None:
    def pages(asked: Asked) -> object:
        second = asked.query.get("continue") == "two"
        return items(pod("checkout-0")) if second else items(pod("search-0"), following="two")

    stub.answers["/api/v1/namespaces/shop/pods"] = pages
    stub.answers["/api/v1/namespaces/shop/events"] = items()
    stub.answers[log("checkout-0")] = "2026-03-04T14:10:00Z hello\n"
    assert [line.text for line in backend(stub, "shop").logs(QUERY).lines] == ["hello"]


def test_a_log_that_may_not_be_read_is_said_and_the_others_are_given(stub: Stub) -> None:
    stub.answers["/api/v1/pods"] = items(pod("checkout-0"), pod("checkout-1"))
    stub.answers[log("checkout-0")] = (403, {"kind": "Status"})
    stub.answers[log("checkout-1")] = "2026-03-04T14:10:00Z hello\n"
    answer = backend(stub).logs(QUERY)
    assert [line.text for line in answer.lines] == ["hello"]
    assert "pod checkout-0 cannot be read; grant" in answer.hint


@pytest.mark.parametrize(("reply", "words"), [((401, "no"), "token"), ((500, "no"), "try again"), ("<html>", "HTML")])
def test_an_api_that_fails_is_unavailable(stub: Stub, reply: object, words: str) -> None:
    stub.answers["/api/v1/pods"] = reply
    answer = backend(stub).logs(QUERY)
    assert answer.status == "unavailable"
    assert words in answer.hint
    assert TOKEN not in answer.hint


def test_a_kubeconfig_that_is_not_there_is_unavailable_with_a_remedy(tmp_path: object) -> None:
    missing = KubernetesBackend(KubernetesLogSettings(kubeconfig=f"{tmp_path}/none"))
    answer = missing.logs(QUERY)
    assert answer.status == "unavailable"
    assert "set kubeconfig and context" in answer.hint


def test_locators_of_elsewhere_are_not_asked_for(stub: Stub) -> None:
    for locator in ("/api/v1/secrets", "/api/v1/namespaces/../secrets", "http://elsewhere/api/v1/namespaces/x"):
        assert backend(stub).resolves("kubernetes", locator) == "no_data"
    assert not stub.asked


def test_words_are_looked_for_in_any_case(stub: Stub) -> None:
    lines = backend(stub).logs(replace(QUERY, contains=("EXHAUSTED",))).lines
    assert [line.at - SINCE for line in lines] == [123_123_456]
    assert SECOND == 1_000_000
