"""A real Prometheus for tests: Debian's `prometheus` on a free port, with samples of any time written into its storage beforehand.

    with prometheus_server({'up{job="checkout"}': [(instant("2026-03-04T14:00:00Z"), 1.0)]}) as url:
        …

Where the program is missing the tests skip and say so, or fail when `REQUIRE_PROMETHEUS=1`.
"""

# ruff: noqa: TID251 - the harness reads the environment
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from graph.clock import SECOND, Instant

_START_S = 30.0

Samples = Mapping[str, Sequence[tuple[Instant, float]]]
"""Series in the text format (`name{label="value"}`) -> samples, oldest first."""


@contextmanager
def prometheus_server(samples: Samples) -> Generator[str, None, None]:
    """A server that scrapes nothing and holds these samples; yields its base address."""
    program, tool = shutil.which("prometheus"), shutil.which("promtool")
    if program is None or tool is None:
        missing = "there is no Prometheus here; Debian has it as prometheus"
        if os.environ.get("REQUIRE_PROMETHEUS") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "data"
        _write(tool, Path(home) / "samples", samples, data)
        configuration = Path(home) / "prometheus.yml"
        configuration.write_text("scrape_configs: []\n")
        port = _free_port()
        command = [
            program,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        log = Path(home) / "log"
        with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(url, process, log)
                yield url
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def _write(tool: str, file: Path, samples: Samples, data: Path) -> None:
    lines = [f"{series} {value!r} {at / SECOND:.3f}" for series, points in samples.items() for at, value in points]
    file.write_text("\n".join([*lines, "# EOF"]) + "\n")
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(file), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urlopen(f"{url}/-/ready", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"Prometheus did not start: {log.read_text()[-2_000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
