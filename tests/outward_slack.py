"""Slack's Web API as the gateway writes to it, for tests: channels, threads, metadata, uploads in three steps, limits, and answers that get lost."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast
from urllib.parse import parse_qs

TOKEN = "test" + "-bot"
Json = dict[str, object]
Phase = Literal["before", "after"]
Hook = Callable[[int, str, Phase], None]


class SlackError(Exception):
    """Raised by the fake or a hook: the answer is this error."""

    def __init__(
        self, code: str, status: int = 200, headers: Mapping[str, str] | None = None, body: str = "", **more: str
    ) -> None:
        super().__init__(code)
        self.code, self.status, self.headers, self.body, self.more = code, status, dict(headers or {}), body, more


class LostAnswer(Exception):
    """Raised by a hook: the connection closes without an answer."""


@dataclass
class FakeSlack:
    url: str = ""
    channels: dict[str, str] = field(
        default_factory=lambda: {f"C00000{i:02d}": f"channel-{i}" for i in range(30)} | {"C0INFRA1": "infra"}
    )
    messages: dict[str, list[Json]] = field(default_factory=dict[str, "list[Json]"])
    uploads: dict[str, Json] = field(default_factory=dict[str, Json])
    calls: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])
    scopes: set[str] = field(default_factory=lambda: {"private_channel"})
    page: int = 200
    on_request: Hook | None = None
    """Called with the number of the request, the method and whether it is worked on yet."""

    def said(self, channel: str = "C0INFRA1") -> list[str]:
        return [str(m["text"]) for m in self.messages.get(channel, [])]

    def count(self, method: str) -> int:
        return len([m for m, _ in self.calls if m == method])

    def post(
        self, text: str, more: Mapping[str, object] | None = None, *, channel: str = "C0INFRA1", ago_s: float = 0
    ) -> Json:
        ts = f"{time.time() - ago_s:.3f}{len(self.messages.get(channel, [])):03d}"
        message: Json = {"type": "message", "ts": ts, "text": text, **(more or {})}
        self.messages.setdefault(channel, []).append(message)
        return message

    def answer(self, method: str, given: Json) -> Json:
        handler = getattr(self, "_" + re.sub(r"\W", "_", method), None)
        if handler is None:
            raise SlackError("unknown_method")
        return cast("Json", handler(given))

    def _auth_test(self, _: Json) -> Json:
        return {"url": "https://acme.slack.example/", "user_id": "U0BOT001", "bot_id": "B0BOT001"}

    def _conversations_open(self, given: Json) -> Json:
        return {"channel": {"id": f"D{str(given['users'])[1:]}"}}

    def _conversations_list(self, given: Json) -> Json:
        if "private_channel" in str(given["types"]) and "private_channel" not in self.scopes:
            raise SlackError("missing_scope", needed="groups:read")
        listed: list[Json] = [{"id": i, "name": n} for i, n in self.channels.items()]
        at = int(str(given.get("cursor") or 0))
        more = str(at + 10) if at + 10 < len(listed) else ""
        return {"channels": listed[at : at + 10], "response_metadata": {"next_cursor": more}}

    def _page(self, found: list[Json], given: Json) -> Json:
        oldest, latest = float(str(given.get("oldest") or 0)), float(str(given.get("latest") or "inf"))
        found = [m for m in found if oldest < float(str(m["ts"])) < latest]
        if given.get("include_all_metadata") not in ("1", "true", True):
            found = [{k: v for k, v in m.items() if k != "metadata"} for m in found]
        at, size = int(str(given.get("cursor") or 0)), min(self.page, int(str(given["limit"])))
        more = str(at + size) if at + size < len(found) else ""
        return {"messages": found[at : at + size], "response_metadata": {"next_cursor": more}}

    def _conversations_history(self, given: Json) -> Json:
        found = [m for m in self._in(given) if not m.get("thread_ts") or m["thread_ts"] == m["ts"]]
        return self._page(list(reversed(found)), given)

    def _conversations_replies(self, given: Json) -> Json:
        found = [m for m in self._in(given) if given["ts"] in (m["ts"], m.get("thread_ts"))]
        if not found:
            raise SlackError("thread_not_found")
        return self._page(found, given)

    def _in(self, given: Json) -> list[Json]:
        channel = str(given.get("channel"))
        if channel not in self.channels and not channel.startswith("D"):
            raise SlackError("channel_not_found")
        return self.messages.setdefault(channel, [])

    def _ours(self, given: Json) -> Json:
        own: Json = {"user": "U0BOT001", "bot_id": "B0BOT001"}
        for name in ("metadata", "blocks"):
            value = given.get(name)
            if value:
                own[name] = json.loads(value) if isinstance(value, str) else value
        return own

    def _chat_postMessage(self, given: Json) -> Json:
        self._in(given)
        more = {"thread_ts": given["thread_ts"]} if given.get("thread_ts") else {}
        message = self.post(str(given["text"]), channel=str(given["channel"]), more={**self._ours(given), **more})
        return {"ts": message["ts"], "channel": given["channel"]}

    def _chat_update(self, given: Json) -> Json:
        message = next((m for m in self._in(given) if m["ts"] == given["ts"]), None)
        if message is None:
            raise SlackError("message_not_found")
        if message.get("bot_id") != "B0BOT001":
            raise SlackError("cant_update_message")
        message.update({"text": given["text"], "edited": True, **self._ours(given)})
        return {"ts": given["ts"]}

    def _files_getUploadURLExternal(self, given: Json) -> Json:
        name = f"F{len(self.uploads):08d}"
        self.uploads[name] = {"name": given["filename"], "length": int(str(given["length"]))}
        return {"file_id": name, "upload_url": f"{self.url}/upload/{name}"}

    def _files_completeUploadExternal(self, given: Json) -> Json:
        files = cast(
            "list[Json]", json.loads(str(given["files"])) if isinstance(given["files"], str) else given["files"]
        )
        shown: list[Json] = []
        for file in files:
            upload = self.uploads[str(file["id"])]
            assert upload.get("content") is not None
            shown.append(
                {
                    "id": file["id"],
                    "name": upload["name"],
                    "title": file["title"],
                    "permalink": f"https://acme.slack.example/files/{file['id']}",
                }
            )
        given = {**given, "channel": given["channel_id"]}
        self._in(given)
        more = {"thread_ts": given["thread_ts"]} if given.get("thread_ts") else {}
        self.post(
            str(given.get("initial_comment") or ""),
            channel=str(given["channel"]),
            more={"files": shown, **self._ours({}), **more},
        )
        return {"files": shown}


@contextmanager
def outward_slack() -> Generator[FakeSlack]:
    slack = FakeSlack()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        wbufsize = 65_536

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            name = self.path.partition("?")[0].removeprefix("/api/")
            try:
                with lock:
                    given: Json = {} if name.startswith("/upload/") else self._given(raw)
                    slack.calls.append((name, given))
                    number = len(slack.calls)
                    if slack.on_request:
                        slack.on_request(number, name, "before")
                    try:
                        answer = self._answer(name, given, raw)
                    finally:
                        if slack.on_request:
                            slack.on_request(number, name, "after")
                self._send(200, json.dumps({"ok": True, **answer}), {})
            except SlackError as error:
                body = error.body or json.dumps({"ok": False, "error": error.code, **error.more})
                self._send(error.status, body, error.headers)
            except LostAnswer:
                self.close_connection = True

        def _given(self, raw: bytes) -> Json:
            kind = self.headers.get("Content-Type") or ""
            if kind.startswith("application/json"):
                return cast("Json", json.loads(raw or b"{}"))
            if kind.startswith("application/x-www-form-urlencoded"):
                return {k: v[0] for k, v in parse_qs(raw.decode()).items()}
            return {}

        def _answer(self, name: str, given: Json, raw: bytes) -> Json:
            if name.startswith("/upload/"):
                slack.uploads[name.removeprefix("/upload/")]["content"] = raw
                return {}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise SlackError("invalid_auth")
            return slack.answer(name, given)

        def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for key, value in {
                "Content-Type": "application/json; charset=utf-8",
                "Content-Length": str(len(body.encode())),
                **headers,
            }.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # a killed client is no error
    slack.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
