"""A real Alertmanager for tests: Debian's `prometheus-alertmanager` on a free port, and what its webhooks bring.

    with alertmanager() as running:
        running.post([{"labels": {"alertname": "X"}, "startsAt": …, "endsAt": …}])
        body = running.notification(timeout_s=10)

Where the program is missing the tests skip and say so, or fail when `REQUIRE_ALERTMANAGER=1`.
"""

# ruff: noqa: TID251 - the harness reads the environment
from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest

from tests.local_server import free_port, wait_until_ready

PROGRAMS = ("prometheus-alertmanager", "alertmanager")
_START_S = 20.0
_CONFIGURATION = """\
route:
  receiver: infralore
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: infralore
    webhook_configs:
      - url: http://127.0.0.1:{port}/webhooks/alertmanager
        send_resolved: true
"""


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running server. `url` is `http://127.0.0.1:<port>`."""

    url: str
    _received: queue.Queue[bytes]

    def post(self, alerts: Sequence[Mapping[str, object]]) -> None:
        """Post alerts as Prometheus does."""
        body = json.dumps(alerts).encode()
        headers = {"content-type": "application/json"}
        with urlopen(Request(f"{self.url}/api/v2/alerts", body, headers), timeout=10) as answer:
            assert answer.status == 200

    def notification(self, timeout_s: float = 15.0) -> bytes:
        """The body of the next notification that its receiver got."""
        try:
            return self._received.get(timeout=timeout_s)
        except queue.Empty:
            pytest.fail(f"Alertmanager sent nothing within {timeout_s:.0f} s")


@contextmanager
def alertmanager() -> Generator[Alertmanager, None, None]:
    """An Alertmanager of its own with a receiver of its own; both are gone afterwards."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing = "there is no Alertmanager here; Debian has it as prometheus-alertmanager"
        if os.environ.get("REQUIRE_ALERTMANAGER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    received: queue.Queue[bytes] = queue.Queue()
    with _receiver(received) as receiver_port, tempfile.TemporaryDirectory() as home:
        configuration = Path(home) / "alertmanager.yml"
        configuration.write_text(_CONFIGURATION.format(port=receiver_port))
        port = free_port()
        command = [
            program,
            f"--config.file={configuration}",
            f"--storage.path={home}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        log = Path(home) / "log"
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                wait_until_ready("Alertmanager", url, process, log, _START_S)
                yield Alertmanager(url, received)
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextmanager
def _receiver(received: queue.Queue[bytes]) -> Generator[int, None, None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
