"""The workspace on loopback: HTTP, uploads, Socket Mode, and everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal, cast

from aiohttp import WSMsgType, web

from tests.fake_slack.blocks import Json
from tests.fake_slack.people import People
from tests.fake_slack.workspace import SCOPES, SlackError

BOT_TOKEN = "xoxb" + "-fake-bot"
APP_TOKEN = "xapp" + "-fake-app"
Phase = Literal["before", "after"]
Hook = Callable[[int, str, Phase], None]


class LostAnswer(Exception):
    """Raised by a hook: the connection closes without an answer."""


class FakeSlack(People):
    """Slack. Start it with `running()`; any process may talk to it, at `base_url`.

    `on_request` is called with the number of a request, its method and whether it is worked on yet. `away` answers everything with 503, `down`
    these methods with 500; `limited` is how many messages are to be told to wait. `hang` keeps the answer of the next message back after it was
    stored (`stored`), until `release`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Json]] = []
        self.on_request: Hook | None = None
        self.away = False
        self.down: set[str] = set()
        self.limited = 0
        self.slow_s = 0.0
        self.hang, self.stored, self.release = threading.Event(), threading.Event(), threading.Event()
        self.acks: dict[str, tuple[float, Json]] = {}
        self.port = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/api/"

    def count(self, method: str) -> int:
        """How often a method was called."""
        with self.lock:
            return len([m for m, _ in self.calls if m == method])

    def wait(self, condition: Callable[[], object], within_s: float = 20.0) -> None:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, (
                f"it did not happen within {within_s} s: {[m.words for m in self.messages()][-3:]}"
            )
            time.sleep(0.01)

    # -- Socket Mode

    def send(self, sort: str, payload: Json) -> str:
        """Send a request down the socket; the id under which its acknowledgement is kept."""
        self._sent += 1
        envelope = f"env-{self._sent}"
        self.send_raw(
            json.dumps({"type": sort, "envelope_id": envelope, "payload": payload, "accepts_response_payload": True})
        )
        return envelope

    def send_raw(self, text: str) -> None:
        self.wait(lambda: self._sockets)
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._sockets[-1].send_str(text), self._loop).result(5)

    def drop(self) -> None:
        """Every socket is cut."""
        assert self._loop is not None
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            asyncio.run_coroutine_threadsafe(one.close(), self._loop).result(5)

    @property
    def connected(self) -> bool:
        return bool(self._sockets)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self._sockets.append(socket)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                told: Json = json.loads(message.data)
                self.acks[told["envelope_id"]] = (time.monotonic(), told.get("payload") or {})
        if socket in self._sockets:
            self._sockets.remove(socket)
        return socket

    # -- serving

    @contextmanager
    def running(self) -> Generator[FakeSlack]:
        ready = threading.Event()

        async def serve(stop: asyncio.Event) -> None:
            app = web.Application(client_max_size=2**26)
            app.router.add_route("*", "/api/{method}", self._handle)
            app.router.add_post("/upload/{file}", self._handle)
            app.router.add_get("/socket", self._socket)
            runner = web.AppRunner(app, shutdown_timeout=0.5)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            server = cast("asyncio.Server", site._server)  # pyright: ignore[reportPrivateUsage] - aiohttp tells the port nowhere else
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()
            await runner.cleanup()

        loop = asyncio.new_event_loop()
        self._loop = loop
        stop = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(serve(stop)), daemon=True)
        thread.start()
        assert ready.wait(10)
        try:
            yield self
        finally:
            self.release.set()
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            body = {"ok": True, **await self._answered(request)}
            return web.json_response(body)
        except SlackError as error:
            text = error.body or json.dumps({"ok": False, "error": error.code, **error.more})
            headers = {"Content-Type": "application/json; charset=utf-8", **error.headers}
            return web.Response(body=text.encode(), status=error.status, headers=headers)
        except LostAnswer:
            if request.transport is not None:
                request.transport.close()
            return web.Response()

    async def _answered(self, request: web.Request) -> Json:
        """What a request is answered; noted first, and whatever is to go wrong goes wrong."""
        method = request.match_info.get("method", request.path)
        raw = await request.read()
        given = await _given(request) if "method" in request.match_info else {}
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or given.pop("token", "")
        with self.lock:
            self.calls.append((method, given))
            number = len(self.calls)
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.away:
            raise SlackError("", 503, {"Content-Type": "text/html"}, "away")
        if method in self.down:
            raise SlackError("internal_error", 500)
        # The hook runs where the requests are worked on, so that a killed writer's next request is not worked on beside it.
        if self.on_request:
            self.on_request(number, method, "before")
        try:
            answer = self._worked_on(method, given, raw, token)
        finally:
            if self.on_request:
                self.on_request(number, method, "after")
        if method == "chat.postMessage":
            self.stored.set()
            if self.hang.is_set():
                self.hang.clear()
                await asyncio.to_thread(self.release.wait, 30)
        return answer

    def _worked_on(self, method: str, given: Json, raw: bytes, token: str) -> Json:
        if method.startswith("/upload/"):
            self.uploads[method.removeprefix("/upload/")]["content"] = raw
            return {}
        if method not in SCOPES:
            raise SlackError("unknown_method")
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            raise SlackError("invalid_auth")
        if method == "apps.connections.open":
            return {"url": f"ws://127.0.0.1:{self.port}/socket"}
        if method == "chat.postMessage" and self.limited > 0:
            self.limited -= 1
            raise SlackError("ratelimited", 429, {"Retry-After": "0"})
        answer = self.answer(method, given)
        if method == "files.getUploadURLExternal":
            answer["upload_url"] = f"{self.url}/upload/{answer['file_id']}"
        return answer


async def _given(request: web.Request) -> Json:
    """The arguments, from wherever they stand."""
    given: Json = {**request.query}
    if request.content_type == "application/json":
        given.update(json.loads(await request.text() or "{}"))
    else:
        given.update({k: str(v) for k, v in (await request.post()).items()})
    return given
