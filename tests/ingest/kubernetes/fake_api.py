"""An API server that answers lists from recorded objects, in pages, and fails when it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from graph.model import Value
from ingest.sources.kubernetes.api import PATHS

TOKEN = "let-me-" + "in"


class FakeApi:
    """`faults`: path -> answers (status, headers, body) given before any list, one each."""

    def __init__(self, objects: Sequence[Mapping[str, Value]]) -> None:
        self.objects = list(objects)
        self.faults: dict[str, list[tuple[int, Mapping[str, str], bytes]]] = {}
        self.always: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.asked: list[str] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # one connection a pull, and not one a page
            wbufsize = -1  # head and body in one packet

            def do_GET(self) -> None:
                status, headers, body = api.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeApi:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, url: str, authorization: str) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(url)
        path, query = parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(url)
        if authorization != f"Bearer {TOKEN}":
            return 401, {}, _status(401)
        if path in self.always:
            return self.always[path]
        key = f"{path}?continue" if "continue" in query else path
        if self.faults.get(key):
            return self.faults[key].pop(0)
        namespace = ""
        if "/namespaces/" in path:
            head, _, rest = path.partition("/namespaces/")
            namespace, _, plural = rest.partition("/")
            path = f"{head}/{plural}"
        for kind, (group, plural) in PATHS.items():
            if path == f"{group}/{plural}":
                return 200, {}, self._page(kind, namespace, int(query["limit"]), int(query.get("continue", "0")))
        return 404, {}, _status(404)

    def _page(self, kind: str, namespace: str, limit: int, start: int) -> bytes:
        found = [o for o in self.objects if o["kind"] == kind and (not namespace or _namespace(o) == namespace)]
        page = [
            {k: v for k, v in one.items() if k not in ("kind", "apiVersion")} for one in found[start : start + limit]
        ]
        metadata = {"resourceVersion": "99", "continue": str(start + limit) if start + limit < len(found) else ""}
        return json.dumps({"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": page}).encode()


def _namespace(one: Mapping[str, Value]) -> Value:
    metadata = one["metadata"]
    return metadata.get("namespace") if isinstance(metadata, Mapping) else None


def _status(code: int) -> bytes:
    return json.dumps({"kind": "Status", "status": "Failure", "code": code}).encode()
