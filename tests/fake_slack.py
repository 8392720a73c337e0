"""A Slack that is not: the Web API and Socket Mode on loopback, as strict as the real one where it matters here.

It refuses blocks that Slack refuses (50 blocks, 3,000 characters, missing fields, action ids that are not unique, labels and values that are too
long), notes what would mention somebody or link somewhere it should not, knows tokens and scopes, limits rates, and signs its requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import WSMsgType, web

BOT = "U0LOREBOT"
TEAM = "T0TEALEAF"
BOT_TOKEN = "xoxb" + "-fake-bot"
APP_TOKEN = "xapp" + "-fake-app"
SECRET = "signing" + "-fake"
SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.conversations": "groups:read",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "conversations.replies": "channels:history",
    "conversations.history": "channels:history",
    "conversations.open": "im:write",
    "conversations.list": "channels:read",
    "auth.test": "",
    "apps.connections.open": "connections:write",
}
"""The scope that each method needs, one of those that would do."""
Json = dict[str, Any]


@dataclass
class Posted:
    """A message that was posted."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    thread_ts: str
    metadata: Json
    at: float
    edits: list[tuple[float, str, list[Json]]] = field(default_factory=list[tuple[float, str, list[Json]]])

    @property
    def words(self) -> str:
        """Everything that a reader sees of it now."""
        blocks = self.edits[-1][2] if self.edits else self.blocks
        return f"{self.edits[-1][1] if self.edits else self.text}\n" + "\n".join(texts_of(blocks))

    def buttons(self) -> dict[str, Json]:
        """Its buttons by action id."""
        blocks = self.edits[-1][2] if self.edits else self.blocks
        return {e["action_id"]: e for b in blocks if b["type"] == "actions" for e in b["elements"]}


class FakeSlack:
    """The workspace. Start it with `running()`."""

    def __init__(self) -> None:
        self.users: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.members: dict[str, set[str]] = {}
        self.posted: list[Posted] = []
        self.calls: list[tuple[str, Json]] = []
        self.violations: list[str] = []
        self.acks: dict[str, tuple[float, Json]] = {}
        self.limited = 0
        self.down: set[str] = set()
        self.slow_s = 0.0
        self.clock = 1_790_000_000
        self.port = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._sent = 0
        self.user(BOT, "lore", is_bot=True)

    # -- the workspace

    def user(self, id_: str, name: str, **flags: Any) -> str:
        self.users[id_] = {"id": id_, "team_id": TEAM, "name": name, "profile": {"real_name": name}, **flags}
        return id_

    def channel(self, id_: str, members: set[str], **flags: Any) -> str:
        self.channels[id_] = {"id": id_, **flags}
        self.members[id_] = {*members, BOT}
        return id_

    def messages(self, channel: str = "") -> list[Posted]:
        with self._lock:
            return [m for m in self.posted if not channel or m.channel == channel]

    def seen(self) -> str:
        """Everything that was ever shown to anybody."""
        return json.dumps([[m.text, m.blocks, m.edits] for m in self.posted], ensure_ascii=False)

    def wait(self, condition: Callable[[], object], within_s: float = 20.0) -> None:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, (
                f"it did not happen within {within_s} s: {[m.words for m in self.posted][-3:]}"
            )
            time.sleep(0.01)

    # -- what it sends

    def event(
        self, channel: str, user: str, text: str, *, kind: str = "app_mention", thread_ts: str = "", **more: Any
    ) -> Json:
        """An event's envelope, with a ts and an id of its own."""
        ts = self.next_ts()
        event: Json = {"type": kind, "channel": channel, "user": user, "text": text, "ts": ts, "event_ts": ts}
        if thread_ts:
            event["thread_ts"] = thread_ts
        if kind == "message":
            found = self.channels[channel]
            event["channel_type"] = "im" if found.get("is_im") else "group" if found.get("is_private") else "channel"
        event.update({k: v for k, v in more.items() if k != "envelope"})
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"Ev{ts.replace('.', '')}",
            "event": event,
            **more.get("envelope", {}),
        }

    def command(self, channel: str, user: str, text: str) -> Json:
        trigger = self.next_ts()
        return {
            "command": "/lore",
            "text": text,
            "channel_id": channel,
            "user_id": user,
            "team_id": TEAM,
            "trigger_id": trigger,
        }

    def click(self, message: Posted, action_id: str, user: str, **more: Any) -> Json:
        button = message.buttons()[action_id]
        action = {"action_id": action_id, "value": button["value"], "action_ts": self.next_ts(), "type": "button"}
        return {
            "type": "block_actions",
            "user": {"id": user},
            "channel": {"id": message.channel},
            "message": {"ts": message.ts, "thread_ts": message.thread_ts or None},
            "actions": [action],
            **more,
        }

    def next_ts(self) -> str:
        with self._lock:
            self.clock += 1
            return f"{self.clock}.{self.clock % 1_000_000:06d}"

    def signed(self, body: bytes, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
        """Headers of a request as Slack signs it."""
        stamp = str(int(time.time() if at is None else at))
        digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

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

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    # -- serving

    @contextmanager
    def running(self) -> Generator[FakeSlack]:
        ready = threading.Event()

        async def serve(stop: asyncio.Event) -> None:
            app = web.Application()
            app.router.add_route("*", "/api/{method}", self._api)
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
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)
            loop.close()

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

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given: Json = {**request.query}
        if request.content_type == "application/json":
            given.update(json.loads(await request.text() or "{}"))
        else:
            given.update({k: str(v) for k, v in (await request.post()).items()})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or given.pop("token", "")
        with self._lock:
            self.calls.append((method, given))
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if method in self.down:
            return web.json_response({"ok": False, "error": "internal_error"}, status=500)
        if method not in SCOPES:
            return web.json_response({"ok": False, "error": "unknown_method"})
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if method == "chat.postMessage" and self.limited > 0:
            self.limited -= 1
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0"})
        answer = self._answer(method, given)
        return web.json_response({"ok": "error" not in answer, **answer})

    def _answer(self, method: str, given: Json) -> Json:
        match method:
            case "auth.test":
                return {
                    "user_id": BOT,
                    "bot_id": "B0LORE",
                    "team_id": TEAM,
                    "team": "tealeaf",
                    "url": "https://tealeaf.slack.com/",
                }
            case "apps.connections.open":
                return {"url": f"ws://127.0.0.1:{self.port}/socket"}
            case "users.info":
                found = self.users.get(given["user"])
                return {"user": found} if found else {"error": "user_not_found"}
            case "users.list":
                return {"members": list(self.users.values())}
            case "users.conversations":
                shared = [
                    c for c in self.channels if given["user"] in self.members[c] and self.channels[c].get("is_private")
                ]
                return {"channels": [{"id": c} for c in shared]}
            case "conversations.info":
                found = self.channels.get(given["channel"])
                return {"channel": found} if found else {"error": "channel_not_found"}
            case "conversations.members":
                if given["channel"] not in self.channels:
                    return {"error": "channel_not_found"}
                return {"members": sorted(self.members[given["channel"]])}
            case "conversations.open":
                return {
                    "channel": {
                        "id": f"D{json.loads(given['users'])[0] if given['users'].startswith('[') else given['users']}"
                    }
                }
            case "conversations.replies" | "conversations.history":
                return {"messages": [self._told(m) for m in self.messages(given["channel"])]}
            case "chat.postMessage":
                return self._post(given)
            case "chat.update":
                return self._update(given)
            case _:
                return {"channels": list(self.channels.values())}

    def _told(self, message: Posted) -> Json:
        return {"ts": message.ts, "text": message.text, "user": BOT, "bot_id": "B0LORE", "metadata": message.metadata}

    def _post(self, given: Json) -> Json:
        channel = given.get("channel", "")
        if channel in self.channels and BOT not in self.members[channel]:
            return {"error": "not_in_channel"}
        if channel not in self.channels and not channel.startswith("DU"):  # one that was opened
            return {"error": "channel_not_found"}
        blocks = _json(given.get("blocks"))
        if problem := self._problem(given.get("text", ""), blocks):
            return {"error": "invalid_blocks", "response_metadata": {"messages": [problem]}}
        ts = self.next_ts()
        message = Posted(
            channel,
            ts,
            given.get("text", ""),
            blocks,
            given.get("thread_ts", ""),
            cast("Json", _object(given.get("metadata"))),
            time.monotonic(),
        )
        with self._lock:
            self.posted.append(message)
        return {"ts": ts, "channel": channel, "message": self._told(message)}

    def _update(self, given: Json) -> Json:
        found = next((m for m in self.posted if m.ts == given["ts"] and m.channel == given["channel"]), None)
        if found is None:
            return {"error": "message_not_found"}
        blocks = _json(given.get("blocks"))
        if problem := self._problem(given.get("text", ""), blocks):
            return {"error": "invalid_blocks", "response_metadata": {"messages": [problem]}}
        found.edits.append((time.monotonic(), given.get("text", ""), blocks))
        return {"ts": found.ts, "channel": found.channel}

    def _problem(self, text: str, blocks: list[Json]) -> str:
        try:
            check_message(text, blocks, known=set(self.users))
        except AssertionError as error:
            self.violations.append(str(error))
            return str(error)
        return ""


_TOKEN = re.compile(r"<([^<>]*)>")
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_ALLOWED = {"section", "header", "context", "divider", "actions", "image"}


def check_message(text: str, blocks: list[Json], known: set[str] | None = None) -> None:
    """Raises `AssertionError` for what Slack refuses, and for what would mention, link or format what it should not."""
    assert text.strip(), "a message needs a text"
    assert len(text) <= 40_000, "the text is too long"
    _check_mrkdwn(text, known or set())
    assert len(blocks) <= 50, f"{len(blocks)} blocks"
    ids: list[str] = []
    for block in blocks:
        kind = block.get("type")
        assert kind in _ALLOWED, f"a block of type {kind}"
        assert len(block.get("block_id", "")) <= 255, "a block id is too long"
        if kind == "header":
            assert block["text"]["type"] == "plain_text", "a header is plain text"
            _check_text(block["text"], 150, known or set())
        elif kind == "section":
            assert "text" in block or "fields" in block, "a section without text"
            if "text" in block:
                _check_text(block["text"], 3_000, known or set())
        elif kind == "context":
            assert 1 <= len(block["elements"]) <= 10, "a context has 1 to 10 elements"
            for element in block["elements"]:
                _check_text(element, 3_000, known or set())
        elif kind == "actions":
            assert 1 <= len(block["elements"]) <= 25, "actions have 1 to 25 elements"
            for element in block["elements"]:
                assert element["type"] == "button", "only buttons"
                assert element["text"]["type"] == "plain_text", "a button's label is plain text"
                _check_text(element["text"], 75, known or set())
                assert 0 < len(element["action_id"]) <= 255, "an action id is missing or too long"
                assert len(element.get("value", "")) <= 2_000, "a value is too long"
                assert element.get("style", "primary") in ("primary", "danger"), "no such style"
                ids.append(element["action_id"])
    assert len(ids) == len(set(ids)), f"action ids are not unique: {ids}"


def texts_of(blocks: list[Json]) -> list[str]:
    """The texts of blocks, in their order."""
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for key, item in cast("Mapping[str, object]", value).items():
                if key == "text" and isinstance(item, str):
                    found.append(item)
                else:
                    walk(item)
        elif isinstance(value, list):
            for item in cast("list[object]", value):
                walk(item)

    walk(blocks)
    return found


def _check_text(text: Json, most: int, known: set[str]) -> None:
    assert text["type"] in ("plain_text", "mrkdwn"), "a text of an unknown type"
    assert 0 < len(text["text"]) <= most, f"a text of {len(text['text'])} characters where {most} are taken"
    if text["type"] == "mrkdwn":
        _check_mrkdwn(text["text"], known)


def _check_mrkdwn(text: str, known: set[str]) -> None:
    assert not _ENTITY.search(text), f"an & that is not escaped: {text[:80]}"
    for token in _TOKEN.findall(text):
        assert token.startswith(("https://", "http://")) or token.removeprefix("@") in known, (
            f"it would mention or link: <{token[:60]}>"
        )
    rest = _TOKEN.sub("", text)
    assert not set("<>") & set(rest), f"a < or > that is not escaped: {text[:80]}"


def _json(value: object) -> list[Json]:
    if not value:
        return []
    return cast("list[Json]", json.loads(value) if isinstance(value, str) else value)


def _object(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value else value or {}
