"""A server that speaks AWS (moto) in a process of its own, for tests: its state is nobody else's, and a fork copies none of its threads.

@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server

@pytest.fixture(autouse=True)
def fresh(moto: MotoServer) -> None:
    moto.reset()
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import cast
from urllib.error import URLError
from urllib.request import Request, urlopen

from boto3.session import Session  # pyright: ignore[reportMissingTypeStubs]

from ingest.aws_client import AwsAccess
from tests.local_server import free_port

ACCOUNT_ID = "123456789012"
"""The account that moto plays."""
REGION = "eu-west-1"
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class MotoServer:
    """A running server. `endpoint_url` is `http://127.0.0.1:<port>`."""

    endpoint_url: str

    def reset(self) -> None:
        """Forget everything."""
        with urlopen(Request(f"{self.endpoint_url}/moto-api/reset", method="POST"), timeout=30) as answer:
            assert answer.status == 200

    def access(self, **other: str) -> AwsAccess:
        """Settings to read it with."""
        return AwsAccess(**{**self.settings(), **other})  # type: ignore[arg-type]

    def settings(self) -> Mapping[str, str]:
        """The same as fields, for a source's own settings."""
        return {
            "region": REGION,
            "access_key_id": "testing",
            "secret_access_key": "testing",
            "endpoint_url": self.endpoint_url,
        }

    def do(self, service: str, operation: str, region: str = REGION, **parameters: object) -> Mapping[str, object]:
        """Call it as a user would: `do("ec2", "create_vpc", CidrBlock="10.0.0.0/16")`."""
        client = _client(self.endpoint_url, service, region)
        return cast("Callable[..., Mapping[str, object]]", getattr(client, operation))(**parameters)


@cache
def _client(endpoint_url: str, service: str, region: str) -> object:
    session = Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region)
    connect = cast("Callable[..., object]", session.client)  # pyright: ignore[reportUnknownMemberType]
    return connect(service, endpoint_url=endpoint_url)


@contextmanager
def moto_server() -> Generator[MotoServer, None, None]:
    """Start a server on a free port; up in two seconds or so, stopped at the end."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MOTO_"))}  # noqa: TID251
    # What AWS makes on its own (managed policies, key aliases) is not of interest and slow to make.
    environment["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = MotoServer(f"http://127.0.0.1:{port}")
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: MotoServer, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{server.endpoint_url}/moto-api/", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"moto did not start (exit code {process.poll()})")
