"""A real Prometheus for tests: Debian's `prometheus` on a free port, with samples of any time written into its storage beforehand.

    with prometheus_server({'up{job="checkout"}': [(instant("2026-03-04T14:00:00Z"), 1.0)]}) as url:
        …

Where the program is missing the tests skip and say so, or fail when `REQUIRE_PROMETHEUS=1`.
"""

# ruff: noqa: TID251 - the harness reads the environment
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.clock import SECOND, Instant
from tests.local_server import free_port, wait_until_ready

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
        port = free_port()
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
                wait_until_ready("Prometheus", url, process, log, _START_S)
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
