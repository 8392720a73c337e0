"""A proxy in front of moto that can break single answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request as Outgoing
from urllib.request import urlopen

from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from tests.moto_server import MotoServer

Breaker: TypeAlias = Callable[[Request, Callable[[], Response]], Response]
"""Answers a request; may ask moto itself."""


@dataclass(slots=True)
class Proxy:
    """Forwards all but the operations in `broken`: `DescribeListeners`, `DynamoDB_20120810.ListTables` → `ListTables`."""

    server: HTTPServer
    moto: MotoServer
    broken: dict[str, Breaker] = field(default_factory=dict[str, Breaker])
    asked: list[str] = field(default_factory=list[str])

    def start(self) -> Proxy:
        import re

        self.server.expect_request(re.compile(".*")).respond_with_handler(self._answer)
        return self

    def settings(self) -> Mapping[str, str]:
        return {**self.moto.settings(), "endpoint_url": self.server.url_for("").rstrip("/")}

    def _answer(self, request: Request) -> Response:
        operation = operation_of(request)
        self.asked.append(operation)
        breaker = self.broken.get(operation)
        return breaker(request, lambda: self._forward(request)) if breaker else self._forward(request)

    def _forward(self, request: Request) -> Response:
        path = request.full_path if request.query_string else request.path
        headers = {k: v for k, v in request.headers if k.lower() not in ("host", "content-length", "connection")}
        body = request.get_data() or None
        outgoing = Outgoing(self.moto.endpoint_url + path, body, headers, method=request.method)
        try:
            with urlopen(outgoing, timeout=30) as answer:
                return Response(answer.read(), answer.status, {"Content-Type": answer.headers.get("Content-Type", "")})
        except HTTPError as error:
            return Response(error.read(), error.code, {"Content-Type": error.headers.get("Content-Type", "")})


def operation_of(request: Request) -> str:
    """Of a request of the json and query protocols; its path for others."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    action = parse_qs(request.get_data(as_text=True)).get("Action")
    return action[0] if action else request.path


def on_page_two(then: Response) -> Breaker:
    """Says that there is a second page, and answers it with `then`. For `ListTables` and `DescribeLoadBalancers`."""

    def answer(request: Request, forward: Callable[[], Response]) -> Response:
        body = request.get_data(as_text=True)
        if "page-two" in body:
            return then
        first = forward()
        if request.headers.get("X-Amz-Target"):
            told = cast("dict[str, object]", json.loads(first.get_data()))
            told["LastEvaluatedTableName"] = "page-two"
            first.set_data(json.dumps(told))
        else:
            told_xml = first.get_data(as_text=True)
            mark = "<DescribeLoadBalancersResult>"
            assert mark in told_xml
            first.set_data(told_xml.replace(mark, mark + "<NextMarker>page-two</NextMarker>"))
        return first

    return answer


def always(then: Response) -> Breaker:
    """The same answer each time."""
    return lambda request, forward: then
