"""What every request passes first: its id, the name the server was called by, how large it may be, and headers that protect browsers."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, problem_response, told
from api.server_metrics import ServerMetrics

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
BODY_S = 30.0
"""How long the next part of a body may take."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SIGNED = ("/webhooks/", "/slack/")
"""What comes from other systems by whatever name they know the server; they sign."""
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class Front:
    """ASGI middleware around the whole application.

    Args:
        hosts: names the server answers to (without port); None answers to all. On loopback this is what stops a web page whose name
            was rebound to this machine (https://en.wikipedia.org/wiki/DNS_rebinding).
        most_bytes: the largest body for a path; None leaves it to the route.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str] | None,
        most_bytes: Callable[[str], int | None],
        metrics: ServerMetrics,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._most_bytes = most_bytes
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(b"x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        scope["lore.request_id"] = request_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *((name, value) for name, value in _HEADERS if name not in present),
                ]
            await send(message)

        try:
            most = self._most_bytes(scope["path"])
            self._check(scope["path"], headers, most)
            await self._app(scope, _Body(receive, most), answer)
        except Exception as error:
            problem = told(error)
            if status:
                raise
            await problem_response(problem, request_id)(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", None)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.observe(str(route or "none"), method, status or 499, time.perf_counter() - started)

    def _check(self, path: str, headers: dict[bytes, str], most: int | None) -> None:
        """Raises `Problem`."""
        if self._hosts is not None and not path.startswith(_SIGNED):
            host = headers.get(b"host", "").strip().lower()
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name not in self._hosts:
                raise Problem(421, "this server does not go by that name", "list it under api.hosts in lore.yaml")
        told_length = headers.get(b"content-length", "0")
        if most is not None and told_length.isascii() and told_length.isdigit() and int(told_length[:20]) > most:
            raise _too_large(most)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Body:
    """The request's messages, as far as the body may go and as slow as it may come."""

    def __init__(self, receive: Receive, most: int | None) -> None:
        self._receive = receive
        self._most = most
        self._read = 0
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_S):
                message = await self._receive()
        except TimeoutError:
            raise Problem(408, "the body did not come in time", headers={"connection": "close"}) from None
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._most is not None and self._read > self._most:
                raise _too_large(self._most)
        return message


def _too_large(most: int) -> Problem:
    size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 2**10} KiB"
    return Problem(413, f"the body is larger than {size}", headers={"connection": "close"})
