"""A real `lore serve` on loopback for tests, in a thread or as a process that can be killed, and a small client."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.gateway import Gateway
from api.http import application
from api.settings import Settings
from api.wiring import Engine
from tests.local_server import free_port

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        found: object = json.loads(self.body)
        assert isinstance(found, dict)
        return {str(key): value for key, value in found.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks a server on loopback."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def get(self, path: str, **headers: str) -> Said:
        return self.ask("GET", path, b"", headers)

    def post(self, path: str, body: object, **headers: str) -> Said:
        return self.ask("POST", path, json.dumps(body).encode(), {"content-type": "application/json", **headers})

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Said:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {k.replace("_", "-"): v for k, v in {**self.headers, **headers}.items()}
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            return Said(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def events(
        self, run: str, *, after: int | None = None, most: int | None = None, until: str = ""
    ) -> list[tuple[int, str, str]]:
        """(id, kind, data) of the events of a run, up to its end, to `most`, to the first of the kind `until`, or to where the connection ends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            resume = {} if after is None else {"last-event-id": str(after)}
            connection.request("GET", f"/api/v1/investigations/{run}/events", headers={**self.headers, **resume})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            assert answer.getheader("content-type", "").startswith("text/event-stream")
            return list(_events(answer, most, until))
        finally:
            connection.close()

    def ended(self, run: str, within_s: float = 30.0) -> Json:
        """The run once it ended."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            found = self.get(f"/api/v1/investigations/{run}").json
            if found["state"] in ("done", "failed"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{run} did not end")


def _events(answer: http.client.HTTPResponse, most: int | None, until: str) -> Iterator[tuple[int, str, str]]:
    told: dict[str, str] = {}
    count = 0
    while True:
        try:
            line = answer.readline()
        except (http.client.IncompleteRead, OSError):
            return
        if not line:
            return
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            told[name] = value
        elif "event" in told:
            yield int(told["id"]), told["event"], told["data"]
            count += 1
            if count == most or told["event"] == until:
                return
            told = {}
        else:
            told = {}


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:  # a test's thread has none
        """Nothing to install."""


@contextmanager
def serving(
    settings: Settings, *, ask_workers: int = 0, gateway: Gateway | None = None
) -> Generator[tuple[Client, Engine]]:
    """A server in a thread. `gateway` stands in for the one that the settings make."""
    with Engine(settings) as engine:
        engine._gateway = gateway  # pyright: ignore[reportPrivateUsage]
        with listening(application(engine, reconcile_every_s=0, ask_workers=ask_workers)) as port:
            yield Client(port), engine


@contextmanager
def listening(app: FastAPI) -> Generator[int]:
    """The application on loopback, in a thread; its port."""
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=2)
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def process(environment: Mapping[str, str], port: int, *options: str, log: Path) -> subprocess.Popen[bytes]:
    """A server as a process of its own, ready."""
    code = f"import sys; sys.argv = {['lore', 'serve', '--port', str(port), '--reconcile-seconds', '0', *options]!r}; from api.cli import main; main()"
    with log.open("ab") as errors:
        started = subprocess.Popen(
            [sys.executable, "-c", code], env={**_path(), **environment}, stdout=errors, stderr=errors
        )
    until = time.monotonic() + 30
    while time.monotonic() < until and started.poll() is None:
        try:
            if Client(port).get("/readyz").status == 200:
                return started
        except OSError:
            time.sleep(0.05)
    started.kill()
    raise AssertionError(log.read_text()[-2_000:])


def _path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}  # noqa: TID251 - of this test process


def settings_of(directory: Path, database: Path, **more: object) -> Settings:
    """Settings of a server on a store, with a data directory of its own."""
    given: dict[str, object] = {
        "store": f"sqlite://{database.absolute()}",
        "embedder": "none",
        "data_directory": directory,
        **more,
    }
    return Settings(**given)  # pyright: ignore[reportArgumentType]


def kinds(events: Sequence[tuple[int, str, str]]) -> list[str]:
    """The kinds of events."""
    return [kind for _, kind, _ in events]
