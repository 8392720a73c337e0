"""The HTTP client against a real server, and what each failure means."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from email.utils import formatdate

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from ingest import http
from ingest.http import HttpClient, decode_json, error_for, next_link, retry_after_s, unreachable
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable

TOKEN = "glp" + "at-" + "q9" * 10


class Thing(msgspec.Struct):
    name: str


def client(server: HTTPServer, timeout_s: float = 5.0) -> HttpClient:
    return HttpClient(server.url_for("/api"), "Shop", headers={"private-token": TOKEN}, timeout_s=timeout_s)


def refused(error: SourceError) -> SourceError:
    """The error, after a look at what every error must be."""
    assert "\n" not in str(error)
    assert error.hint
    assert TOKEN not in str(error) + error.hint
    assert "secret" not in str(error)
    return error


def test_an_answer_is_read_below_the_base_address_under_our_name(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/things/1", query_string={"a": "1", "b": "x y"}).respond_with_json(
        {"name": "one", "x": 2}
    )
    with client(httpserver) as shop:
        answer = shop.get("things/1", {"a": 1, "b": "x y"})
    assert answer.parsed(Thing) == Thing("one")
    assert answer.json() == {"name": "one", "x": 2}
    [(request, _)] = httpserver.log
    assert request.headers["User-Agent"] == "infralore"
    assert request.headers["Private-Token"] == TOKEN


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
def test_what_may_pass_is_unavailable(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/api/x").respond_with_data("<html>secret</html>", status)
    with client(httpserver) as shop, pytest.raises(SourceUnavailable) as caught:
        shop.get("x", {"token": "secret"})
    assert str(status) in str(refused(caught.value))
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 422])
def test_what_does_not_pass_is_refused_with_a_remedy(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/api/x").respond_with_data("secret", status)
    with client(httpserver) as shop, pytest.raises(SourceDataInvalid) as caught:
        shop.get("x")
    assert str(status) in str(refused(caught.value))


def test_a_source_may_know_a_better_remedy(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_data("", 401)
    with (
        HttpClient(httpserver.url_for("/api"), "Shop", hints={401: "ask Eve"}) as shop,
        pytest.raises(SourceDataInvalid, match="expired") as caught,
    ):
        shop.get("x")
    assert caught.value.hint == "ask Eve"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"Retry-After": formatdate(1_000_030, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(999_000, usegmt=True)}, 0.0),
        ({"Retry-After": "999999999"}, 604_800.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "７"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000060"}, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "10"}, 1.0),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "1000060"}, None),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1000005"}, 5.0),
        ({"Retry-After": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000060"}, 3.0),
        ({}, None),
    ],
)
def test_the_wait_is_the_one_that_the_server_asks_for(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers, 1_000_000.0) == wait_s


def test_a_403_is_a_rate_limit_when_the_answer_says_so(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/a").respond_with_data("{}", 403, headers={"Retry-After": "9"})
    httpserver.expect_request("/api/b").respond_with_data('{"message": "API rate limit exceeded"}', 403)
    with client(httpserver) as shop:
        with pytest.raises(SourceUnavailable) as caught:
            shop.get("a")
        assert caught.value.retry_after_s == 9.0
        with pytest.raises(SourceUnavailable, match="rate limit"):
            shop.get("b")


@pytest.mark.parametrize(
    "body",
    ["<!doctype html><p>secret", "\n\t <html>", "<?xml version='1.0'?>", '﻿{"a": secret}', "secret", "{'a': 1}", "NaN"],
)
def test_what_is_not_json_is_refused_without_its_content(body: str) -> None:
    with pytest.raises(SourceDataInvalid) as caught:
        decode_json(body.encode(), "Shop, /x")
    refused(caught.value)


def test_html_is_named_as_such_whatever_its_bytes() -> None:
    with pytest.raises(SourceDataInvalid, match="HTML"):
        decode_json(b"{}", "Shop, /x", "text/html; charset=utf-8")


@pytest.mark.parametrize("body", ["", "  ", "{", '[{"name": "on', '{"a": [1, 2', '"x', '{"a": tru'])
def test_json_that_ends_in_the_middle_is_unavailable(body: str) -> None:
    with pytest.raises(SourceUnavailable, match="cut off") as caught:
        decode_json(body.encode(), "Shop, /x")
    refused(caught.value)


def test_json_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(SourceError) as caught:
        decode_json(b"[" * 100_000 + b"]" * 100_000, "Shop, /x")
    refused(caught.value)


def test_json_of_another_shape_is_refused(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/x").respond_with_json({"name": ["secret"]})
    with client(httpserver) as shop, pytest.raises(SourceDataInvalid, match="another shape") as caught:
        shop.get("x").parsed(Thing)
    refused(caught.value)


def test_no_answer_in_time_is_unavailable(httpserver: HTTPServer) -> None:
    def slow(_: Request) -> Response:
        time.sleep(0.6)
        return Response("{}")

    httpserver.expect_request("/api/x").respond_with_handler(slow)
    with client(httpserver, timeout_s=0.1) as shop, pytest.raises(SourceUnavailable, match="in time") as caught:
        shop.get("x")
    refused(caught.value)


@contextmanager
def raw_server(answer: bytes) -> Generator[str]:
    """A server that answers one request with these bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1, ",
        b"secret nonsense\r\n\r\n",
    ],
)
def test_half_an_answer_is_unavailable(answer: bytes) -> None:
    with raw_server(answer) as url, HttpClient(url, "Shop") as shop, pytest.raises(SourceUnavailable) as caught:
        shop.get("x")
    refused(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://host.invalid"])
def test_a_server_that_is_not_there_is_unavailable(url: str) -> None:
    with HttpClient(url, "Shop") as shop, pytest.raises(SourceUnavailable, match="connection failed") as caught:
        shop.get("x")
    refused(caught.value)


@pytest.mark.parametrize("url", ["", "ftp://x", "shop.example", "http://", "http://[", "http://x:y"])
def test_a_base_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SourceDataInvalid, match="base address"):
        HttpClient(url, "Shop")


@pytest.mark.parametrize("token", ["a\nb", "日本"])
def test_a_token_that_cannot_be_sent_is_refused(httpserver: HTTPServer, token: str) -> None:
    with pytest.raises(SourceDataInvalid, match="token") as caught:
        HttpClient(httpserver.url_for("/"), "Shop", headers={"private-token": token}).get("x")
    assert token not in str(caught.value)


def test_redirects_are_followed_on_the_same_server_only(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/old").respond_with_data("", 301, headers={"Location": "/api/new?a=1"})
    httpserver.expect_request("/api/new", query_string="a=1").respond_with_json({"name": "new"})
    httpserver.expect_request("/api/away").respond_with_data("", 302, headers={"Location": "http://elsewhere.example/"})
    httpserver.expect_request("/api/round").respond_with_data("", 302, headers={"Location": "/api/round"})
    with client(httpserver) as shop:
        assert shop.get("old").parsed(Thing) == Thing("new")
        with pytest.raises(SourceDataInvalid, match="another one"):
            shop.get("away")
        with pytest.raises(SourceUnavailable, match="redirects without end"):
            shop.get("round")
        with pytest.raises(SourceDataInvalid, match="another one"):
            shop.get("http://elsewhere.example/x")


def test_a_list_is_read_page_by_page_by_its_links(httpserver: HTTPServer) -> None:
    for page, link in (
        (1, '</api/l?page=2>; rel="next", </api/l?page=1>; rel=first'),
        (2, "</api/l?page=3>;rel=next"),
        (3, ""),
    ):
        httpserver.expect_request("/api/l", query_string={"page": str(page)}).respond_with_json(
            [page], headers={"Link": link}
        )
    with client(httpserver) as shop:
        assert [a.json() for a in shop.pages("l", {"page": 1})] == [[1], [2], [3]]


def test_a_list_may_say_its_next_page_in_another_way(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/l", query_string={"page": "2"}).respond_with_json([2])
    httpserver.expect_request("/api/l").respond_with_json([1], headers={"X-Next-Page": "2"})

    def next_page(answer: http.Answer) -> str | None:
        number = answer.headers.get("x-next-page")
        return f"l?page={number}" if number else None

    with client(httpserver) as shop:
        assert [a.json() for a in shop.pages("l", next_page=next_page)] == [[1], [2]]


@pytest.mark.parametrize("back_to", ["/api/l", "/api/l?page=2"])
def test_pages_that_lead_in_circles_are_an_error(httpserver: HTTPServer, back_to: str) -> None:
    httpserver.expect_request("/api/l", query_string={"page": "2"}).respond_with_json(
        [2], headers={"Link": f'<{back_to}>; rel="next"'}
    )
    httpserver.expect_request("/api/l").respond_with_json([1], headers={"Link": '</api/l?page=2>; rel="next"'})
    with client(httpserver) as shop, pytest.raises(SourceUnavailable, match="do not end") as caught:
        list(shop.pages("l"))
    refused(caught.value)


def test_a_next_page_on_another_server_is_refused(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/l").respond_with_json(
        [1], headers={"Link": '<http://elsewhere.example/>; rel="next"'}
    )
    with client(httpserver) as shop, pytest.raises(SourceDataInvalid, match="another one"):
        list(shop.pages("l"))


def test_a_list_without_an_end_is_an_error() -> None:
    guard = http.PageGuard("Shop, /l", limit=3)
    for page in "123":
        guard.enter(page)
    with pytest.raises(SourceUnavailable, match="do not end"):
        guard.enter("4")


def test_an_answer_that_is_too_large_is_refused(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1000)
    httpserver.expect_request("/api/x").respond_with_data("[" + " " * 2000 + "]")
    with client(httpserver) as shop, pytest.raises(SourceDataInvalid, match="larger"):
        shop.get("x")


def test_sdks_share_the_meaning_of_failures() -> None:
    assert isinstance(error_for(403, "AWS, DescribeRules"), SourceDataInvalid)
    limited = error_for(403, "AWS, DescribeRules", rate_limited=True)
    assert isinstance(limited, SourceUnavailable)
    assert isinstance(error_for(301, "x"), SourceDataInvalid)
    assert isinstance(error_for(999, "x"), SourceUnavailable)
    assert "in time" in str(unreachable(TimeoutError(), "x"))
    assert "ConnectionResetError" in str(unreachable(ConnectionResetError("secret"), "x"))
    assert "secret" not in str(unreachable(ConnectionResetError("secret"), "x"))
    assert next_link(http.Answer("", {"link": 'garbage, <a>; rel="prev"'}, b"", "")) is None
