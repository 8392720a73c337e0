"""A large public file over HTTP, in pieces: what `ingest.http` reads whole is too much here."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx

from ingest.http import TIMEOUT_S, USER_AGENT, error_for, retry_after_s, unreachable
from ingest.source import SourceDataInvalid

_HINT = "check the names of --service and --region: AmazonEC2, eu-west-1"


@contextmanager
def downloaded(base_url: str, path: str) -> Generator[Iterator[bytes]]:
    """The body's bytes, unpacked, as they come. Raises `SourceUnavailable` and `SourceDataInvalid`."""
    try:
        url = httpx.URL(base_url.rstrip("/") + "/").join(path)
    except httpx.InvalidURL:
        raise SourceDataInvalid("--from is no address", "write it as https://host, or name a directory") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceDataInvalid("--from is no http(s) address", "write it as https://host, or name a directory")
    what = f"{url.host}, /{path}"
    try:
        with (
            httpx.Client(headers={"user-agent": USER_AGENT}, timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != 200:
                raise error_for(answer.status_code, what, retry_after_s=retry_after_s(answer.headers), hint=_HINT)
            if "html" in answer.headers.get("content-type", ""):
                raise SourceDataInvalid(f"{what}: a web page came instead of JSON", "check the address of --from")
            yield _bytes(answer, what)
    except httpx.TransportError as error:
        raise unreachable(error, what) from None


def _bytes(answer: httpx.Response, what: str) -> Iterator[bytes]:
    try:
        yield from answer.iter_bytes(1 << 20)
    except httpx.TransportError as error:
        raise unreachable(error, what) from None
