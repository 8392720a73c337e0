"""As much of Slack's Web API as a digest needs, over HTTP: channels, messages with metadata, their history, files.

`hang` keeps the answer of the next message back after it was stored: the moment at which a sender is killed.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs

CHANNEL = "C0OPSOPS1"
_TOKEN = "xoxb-" + "stub"


class SlackStub:
    """The workspace. `posts` are all messages that were posted, in order; `down` refuses with 503."""

    def __init__(self) -> None:
        self.posts: list[dict[str, object]] = []
        self.updates: list[dict[str, object]] = []
        self.files: list[str] = []
        self.hang = threading.Event()
        self.release = threading.Event()
        self.stored = threading.Event()
        self.down = False
        self.url = ""
        self._lock = threading.Lock()

    @property
    def roots(self) -> list[dict[str, object]]:
        """Messages that are in no thread."""
        return [p for p in self.posts if not p.get("thread_ts")]

    def answer(self, method: str, form: Mapping[str, str]) -> dict[str, object]:
        """The answer to a call."""
        match method:
            case "auth.test":
                return {"ok": True, "url": "https://acme.slack.com/", "user_id": "U0BOT0001", "bot_id": "B0BOT0001"}
            case "conversations.list":
                return {"ok": True, "channels": [{"id": CHANNEL, "name": "ops"}]}
            case "chat.postMessage":
                return self._post(form)
            case "chat.update":
                self.updates.append({**form})
                return {"ok": True, "ts": form["ts"]}
            case "conversations.history":
                return {"ok": True, "messages": self.roots[::-1]}
            case "conversations.replies":
                return {"ok": True, "messages": [p for p in self.posts if form["ts"] in (p["ts"], p.get("thread_ts"))]}
            case "files.getUploadURLExternal":
                self.files.append(form["filename"])
                return {
                    "ok": True,
                    "upload_url": f"{self.url}upload/{len(self.files)}",
                    "file_id": f"F{len(self.files)}",
                }
            case "files.completeUploadExternal":
                return {
                    "ok": True,
                    "files": [{"id": f"F{len(self.files)}", "permalink": "https://acme.slack.com/files/1"}],
                }
            case _:
                return {"ok": False, "error": "unknown_method"}

    def _post(self, form: Mapping[str, str]) -> dict[str, object]:
        with self._lock:
            ts = f"{int(time.time())}.{len(self.posts):06d}"
            message: dict[str, object] = {"ts": ts, "bot_id": "B0BOT0001", "text": form.get("text", "")}
            for name in ("metadata", "blocks"):
                if name in form:
                    message[name] = json.loads(form[name])
            if form.get("thread_ts"):
                message["thread_ts"] = form["thread_ts"]
            self.posts.append(message)
        self.stored.set()
        if self.hang.is_set():
            self.hang.clear()
            self.release.wait(30)
        return {"ok": True, "ts": ts, "channel": CHANNEL}


@contextmanager
def slack_stub() -> Generator[SlackStub]:
    """The workspace, served on this machine."""
    stub = SlackStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.path.startswith("/upload/"):
                self._reply(200, b"OK")
                return
            if stub.down:
                self._reply(503, b"down")
                return
            path, _, query = self.path.partition("?")
            if not body:
                form = {k: v[0] for k, v in parse_qs(query).items()}
            elif "json" in (self.headers.get("content-type") or ""):
                told = cast("dict[str, object]", json.loads(body))
                form = {k: v if isinstance(v, str) else json.dumps(v) for k, v in told.items()}
            else:
                form = {k: v[0] for k, v in parse_qs(body.decode()).items()}
            self._reply(200, json.dumps(stub.answer(path.rpartition("/")[2], form)).encode())

        do_GET = do_POST

        def _reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the one who asked was killed
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.release.set()
        server.shutdown()
        server.server_close()
