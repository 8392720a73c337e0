"""What every real server for tests needs: a free port, and to wait until it answers."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(name: str, url: str, process: subprocess.Popen[bytes], log: Path, within_s: float) -> None:
    """Wait for `/-/ready`, as the servers of the Prometheus project have it; fail with the end of the log."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urlopen(f"{url}/-/ready", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"{name} did not start: {log.read_text()[-2_000:]}")
