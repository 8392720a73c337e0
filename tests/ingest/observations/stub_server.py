"""An HTTP server that gives prepared answers by path, and notes what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Stub:
    """`answers`: path -> what is answered: a JSON value, text, or a function of the request that gives status and body."""

    url: str
    answers: dict[str, object] = field(default_factory=dict[str, object])
    asked: list[Asked] = field(default_factory=list[Asked])
    drip_s: float = 0.0
    """Seconds between two bytes of an answer; 0 sends it at once."""


@contextmanager
def stub_server() -> Generator[Stub, None, None]:
    """A server of its own, gone afterwards."""
    stub = Stub("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {k.lower(): v for k, v in self.headers.items()}
            asked = Asked(parts.path, dict(parse_qsl(parts.query)), headers, body)
            stub.asked.append(asked)
            self._send(*_answer(stub.answers.get(parts.path, (404, "not here")), asked))

        do_POST = do_GET

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            try:
                if not stub.drip_s:
                    self.wfile.write(body)
                for byte in body if stub.drip_s else b"":
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(stub.drip_s)
            except OSError:
                pass  # the other side did not wait

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


def _answer(answer: object, asked: Asked) -> tuple[int, bytes, str]:
    if callable(answer):
        given: Callable[[Asked], object] = answer
        return _answer(given(asked), asked)
    status, value = cast("tuple[int, object]", answer) if isinstance(answer, tuple) else (200, answer)
    if isinstance(value, str):
        kind = "text/html" if value.startswith("<") else "text/plain"
        return status, value.encode(), kind
    return status, json.dumps(value).encode(), "application/json"
