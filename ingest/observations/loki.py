"""Logs of Grafana Loki.

https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-within-a-range-of-time
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import msgspec

from graph.observations import LogLine, LogQuery, Seen
from ingest.http import HttpClient
from ingest.observations.answering import Asking, Backend, not_ours, quoted, server_words
from ingest.source import SourceDataInvalid

__all__ = ["LokiBackend", "LokiSettings"]

_PATH = "loki/api/v1/query_range"
_MOST = 5_000
"""Loki's own default for the most lines of an answer (`max_entries_limit_per_query`)."""


@dataclass(frozen=True, slots=True)
class LokiSettings:
    """Which Loki, and which labels name a service.

    Attributes:
        url: base address, `http://loki:3100`.
        name: tells it apart from another one in citations.
        token: bearer token.
        user: user of basic authentication, with `password`.
        password: its password.
        tenant: `X-Scope-OrgID` of a Loki with tenants.
        labels: labels whose value names a service, tried in this order until one has lines.
        timeout_s: longest wait for one request; a question's own deadline may be shorter.
    """

    url: str
    name: str = "loki"
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    tenant: str = ""
    labels: tuple[str, ...] = ("service_name", "service", "app", "job", "container")
    timeout_s: float = 10.0


class _Stream(msgspec.Struct, frozen=True):
    stream: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    values: tuple[tuple[object, ...], ...] = ()


class _Data(msgspec.Struct, frozen=True, rename={"result_type": "resultType"}):
    result_type: str = "streams"
    result: tuple[_Stream, ...] = ()


class _Answer(msgspec.Struct, frozen=True):
    status: str = ""
    data: _Data = _Data()


class LokiBackend(Backend):
    """Asks one Loki."""

    holds = frozenset({"logs"})
    title = "Loki"

    def __init__(self, settings: LokiSettings) -> None:
        """Raises `SourceDataInvalid` when the settings cannot be used."""
        super().__init__(settings.name)
        self._settings = settings
        self._client(settings.timeout_s).close()  # a wrong address is told at once

    def read_logs(self, query: LogQuery, asking: Asking) -> Iterator[LogLine]:
        """The lines of the first label that has any, oldest first."""
        words = server_words(query)
        matching = f" |~ {quoted('(?i)(' + '|'.join(words) + ')')}" if words else ""
        limit = min(query.limit + 1, _MOST) if words or not query.contains else _MOST
        for label in self._settings.labels:
            params = {
                "query": f"{{{label}={quoted(query.service)}}}{matching}",
                "start": str(query.since * 1_000),
                "end": str(query.until * 1_000),
                "limit": str(limit),
                "direction": "forward",
            }
            streams = self._get(params, asking).data.result
            if not streams:
                continue
            if sum(len(s.values) for s in streams) >= limit:
                asking.cut = True
            for stream in streams:
                yield from self._lines(stream)
            return

    def read_again(self, locator: str, asking: Asking) -> bool:
        """Asks for the line of a locator again."""
        path, _, rest = locator.partition("?")
        if path != _PATH:
            raise not_ours(locator)
        return bool(self._get(dict(parse_qsl(rest)), asking).data.result)

    def _lines(self, stream: _Stream) -> Iterator[LogLine]:
        selector = "{" + ",".join(f"{k}={quoted(v)}" for k, v in sorted(stream.stream.items())) + "}"
        for entry in stream.values:
            match entry:
                case (str(told), str(text), *_) if told.isdigit():
                    at = int(told) // 1_000
                    again = {"query": selector, "start": told, "end": str(int(told) + 1), "limit": "1"}
                    yield LogLine(at, text, Seen(self.name, f"{_PATH}?{urlencode(again)}", None, at))
                case _:
                    continue

    def _get(self, params: Mapping[str, str], asking: Asking) -> _Answer:
        with self._client(asking.remaining_s(self._settings.timeout_s)) as client:
            answer = client.get(_PATH, params).parsed(_Answer)
        if answer.status != "success" or answer.data.result_type != "streams":
            raise SourceDataInvalid("Loki: the answer is JSON of another shape", "check the base address")
        return answer

    def _client(self, timeout_s: float) -> HttpClient:
        settings = self._settings
        headers = {"x-scope-orgid": settings.tenant} if settings.tenant else {}
        if settings.token:
            headers["authorization"] = f"Bearer {settings.token}"
        elif settings.user:
            headers["authorization"] = "Basic " + b64encode(f"{settings.user}:{settings.password}".encode()).decode()
        return HttpClient(settings.url, "Loki", headers=headers, timeout_s=timeout_s)
