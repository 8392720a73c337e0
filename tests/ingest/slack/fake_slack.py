"""Slack's Web API on a loopback server: pages, threads, and whatever is to go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.ingest.slack.workspace_data import CHANNELS, MESSAGES, USERS, Json

TOKEN = "xoxb" + "-not-a-real-token"


class FakeSlack:
    """Answers from what its attributes hold; `trouble[method]` answers instead, as often as it gives an answer."""

    def __init__(self, server: HTTPServer, page: int = 2) -> None:
        self.users: list[Json] = list(USERS)
        self.channels: list[Json] = [{**c, "is_member": True} for c in CHANNELS]
        self.messages: dict[str, list[Json]] = {k: list(v) for k, v in MESSAGES.items()}
        self.trouble: dict[str, Callable[[Mapping[str, str]], Response | None]] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self._page = page
        server.expect_request("/api/users.list").respond_with_handler(self._handler("users.list", self._users))
        for name, answer in (
            ("conversations.list", self._channels),
            ("conversations.members", self._members),
            ("conversations.history", self._history),
            ("conversations.replies", self._replies),
        ):
            server.expect_request(f"/api/{name}").respond_with_handler(self._handler(name, answer))
        self.url = server.url_for("/api/")

    def _handler(self, method: str, answer: Callable[[Mapping[str, str]], Json]) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            told = {**request.args.to_dict(), **request.form.to_dict()}
            self.calls.append((method, told))
            assert request.headers["Authorization"] == f"Bearer {TOKEN}"
            wrong = self.trouble.get(method, lambda _: None)(told)
            return wrong if wrong is not None else reply({"ok": True, **answer(told)})

        return handle

    def _paged(self, key: str, items: Sequence[Any], told: Mapping[str, str]) -> Json:
        at = int(told.get("cursor") or 0)
        more = at + self._page < len(items)
        following = str(at + self._page) if more else ""
        return {
            key: items[at : at + self._page],
            "has_more": more,
            "response_metadata": {"next_cursor": following},
            "unknown_field": {"x": 1},
        }

    def _users(self, told: Mapping[str, str]) -> Json:
        return self._paged("members", self.users, told)

    def _channels(self, told: Mapping[str, str]) -> Json:
        kinds = told["types"].split(",")
        listed = [{k: v for k, v in c.items() if k != "members"} for c in self.channels if _kind(c) in kinds]
        return self._paged("channels", listed, told)

    def _members(self, told: Mapping[str, str]) -> Json:
        [channel] = [c for c in self.channels if c["id"] == told["channel"]]
        return self._paged("members", channel["members"], told)

    def _history(self, told: Mapping[str, str]) -> Json:
        found = [
            m
            for m in self.messages.get(told["channel"], [])
            if m.get("thread_ts", m["ts"]) == m["ts"]
            and float(told.get("oldest") or 0) < float(m["ts"])
            and float(m["ts"]) < float(told.get("latest") or 1e12)
        ]
        return self._paged("messages", sorted(found, key=_ts, reverse=True), told)

    def _replies(self, told: Mapping[str, str]) -> Json:
        found = [m for m in self.messages[told["channel"]] if told["ts"] in (m["ts"], m.get("thread_ts"))]
        return self._paged("messages", sorted(found, key=_ts), told)


def _ts(message: Json) -> float:
    return float(message["ts"])


def _kind(channel: Json) -> str:
    return "im" if channel.get("is_im") else "private_channel" if channel.get("is_private") else "public_channel"


def reply(told: Any, status: int = 200, **headers: str) -> Response:
    body = told if isinstance(told, str) else json.dumps(told)
    kind = "text/html" if isinstance(told, str) and told.startswith("<") else "application/json"
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()}, content_type=kind)


def refuse(error: str, **more: object) -> Callable[[Mapping[str, str]], Response]:
    return lambda _: reply({"ok": False, "error": error, **more})
