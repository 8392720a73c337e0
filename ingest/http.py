"""The one HTTP client: timeouts, JSON, pages, and what each failure means to a source.

Nothing is tried again here: a transient failure is raised as `SourceUnavailable` and `ingest.sync` waits and goes on from the cursor. Sources that
speak through an SDK take from here what is the same for all: `error_for`, `retry_after_s`, `decode_json`, `unreachable` and `PageGuard`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import msgspec

from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable

USER_AGENT = "infralore"
"""How this program names itself to servers."""
TIMEOUT_S = 30.0
"""Seconds for connecting and for each read, unless a source says otherwise."""
MAX_BODY_BYTES = 256 * 1024 * 1024
"""A larger answer is refused."""
MAX_PAGES = 100_000
"""More pages of one list than this are an error."""
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT = frozenset({408, 423, 425, 429})
_LONGEST_WAIT_S = 7 * 86_400.0

_T = TypeVar("_T")


# -- what failures mean


def error_for(
    status: int, what: str, *, retry_after_s: float | None = None, rate_limited: bool = False, hint: str = ""
) -> SourceError:
    """The error that an HTTP status of 300 and above stands for.

    Args:
        status: as answered.
        what: who answered what, for the message: `GitHub, /repos/shop/infra/pulls`. Never a full URL: its query may hold a token.
        retry_after_s: `retry_after_s` of the answer's headers. With it, or with `rate_limited`, a 403 is a rate limit.
        rate_limited: whether the body says that this is a rate limit.
        hint: the remedy for a status that is the settings' fault, where the source knows better (scopes to grant).
    """
    if status == 429 or (status == 403 and (rate_limited or retry_after_s is not None)):
        return SourceUnavailable(f"{what}: the rate limit is reached ({status})", _WAIT_HINT, retry_after_s)
    if status in _TRANSIENT or status >= 500:
        return SourceUnavailable(f"{what}: the server answers {status}", "try again later", retry_after_s)
    if status == 401:
        return SourceDataInvalid(
            f"{what}: the token is expired, revoked or not valid (401)", hint or "make a new token and set it"
        )
    if status == 403:
        return SourceDataInvalid(
            f"{what}: this is not permitted (403)", hint or "grant the token what the source's page lists"
        )
    if status in (404, 410):
        return SourceDataInvalid(
            f"{what}: not found ({status})",
            hint or "check the name; a token that may not see it gets the same answer",
        )
    if status < 400:
        return SourceDataInvalid(
            f"{what}: the server redirects elsewhere ({status})", hint or "set the address it redirects to"
        )
    return SourceDataInvalid(
        f"{what}: the server refuses the request ({status})", hint or "check the settings of the source"
    )


_WAIT_HINT = "nothing to do: the next run goes on where this one stopped"


def retry_after_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """How long the server asks to wait, None when it does not.

    Reads `Retry-After` (seconds or a date, RFC 9110 section 10.2.3) and, when nothing remains, the reset time of GitHub
    (`x-ratelimit-reset`) and GitLab (`RateLimit-Reset`). Names count in any case; what cannot be read is no wish.

    Args:
        headers: of the answer.
        now_s: seconds since the epoch; the clock's when None.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    now_s = time.time() if now_s is None else now_s
    told = lower.get("retry-after", "")
    if told:
        seconds = float(told) if _is_number(told) else _seconds_until(told, now_s)
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST_WAIT_S)
    for prefix in ("x-ratelimit", "ratelimit"):
        reset = lower.get(f"{prefix}-reset", "")
        if lower.get(f"{prefix}-remaining") == "0" and _is_number(reset):
            return min(max(float(reset) - now_s, 1.0), _LONGEST_WAIT_S)
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _seconds_until(date: str, now_s: float) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now_s
    except (ValueError, OverflowError):
        return None


def unreachable(error: Exception, what: str) -> SourceUnavailable:
    """No answer, or half of one: a timeout, a refused or broken connection, an unknown host. The error's own words stay out."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError)) or "Timeout" in type(error).__name__:
        return SourceUnavailable(f"{what}: no answer in time", "try again later")
    return SourceUnavailable(
        f"{what}: the connection failed ({type(error).__name__})", "check the address and the network, then try again"
    )


def decode_json(body: bytes, what: str, content_type: str = "") -> object:
    """The JSON value of an answer's body.

    Raises:
        SourceUnavailable: it ends in the middle.
        SourceDataInvalid: it is HTML (a login page, a proxy) or something else that is not JSON. Nothing of it is in the message.
    """
    if "html" in content_type.lower() or body[:64].lstrip().startswith(b"<"):
        raise SourceDataInvalid(
            f"{what}: the server answers HTML instead of JSON",
            "check the base address; a login page or a proxy may stand in front of it",
        )
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(body, error, what) from None


def _not_json(body: bytes, error: Exception, what: str) -> SourceError:
    if not body.strip() or "truncated" in str(error):
        return SourceUnavailable(f"{what}: the answer is cut off", "try again; a proxy may cut long answers")
    return SourceDataInvalid(f"{what}: the answer is not JSON", "check the base address")


class PageGuard:
    """Notices a list that leads round in circles. One for each walk through pages."""

    def __init__(self, what: str, limit: int = MAX_PAGES) -> None:
        self._what = what
        self._limit = limit
        self._seen: set[str] = set()

    def enter(self, page: str) -> None:
        """Say which page (its URL, number, cursor or a digest of its items) is read next.

        Raises:
            SourceUnavailable: it was read before, or there are too many.
        """
        if page in self._seen or len(self._seen) >= self._limit:
            raise SourceUnavailable(
                f"{self._what}: the pages of the list do not end: one came twice or there are too many",
                "try again later; if it stays so, the server or a cache before it is broken",
            )
        self._seen.add(page)


# -- the client


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered to a request that succeeded. `headers` have lower-case names; `url` is what was asked for in the end."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    what: str

    def json(self) -> object:
        """The body. Raises like `decode_json`."""
        return decode_json(self.body, self.what, self.headers.get("content-type", ""))

    def parsed(self, shape: type[_T]) -> _T:
        """The body as a struct. Raises like `decode_json`, and `SourceDataInvalid` when it has another shape."""
        value = self.json()
        try:
            return msgspec.convert(value, shape)
        except msgspec.ValidationError:
            raise SourceDataInvalid(
                f"{self.what}: the answer is JSON of another shape",
                "check the base address and the version of the server",
            ) from None


class HttpClient:
    """Reads one server. Close it, or use it in a `with` statement.

    Credentials go into `headers`: they are sent to the base address's own origin only, and redirects elsewhere are refused.
    """

    def __init__(
        self,
        base_url: str,
        system: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        hints: Mapping[int, str] | None = None,
    ) -> None:
        """`system` names the server in messages (`GitLab`); `hints` are remedies by status (401: where to make a token).

        Raises:
            SourceDataInvalid: `base_url` is not an http(s) address, or a header cannot be sent (a line break in a token).
        """
        self._base = base_url.rstrip("/") + "/"
        self._system = system
        self._hints = dict(hints or {})
        self._origin = _origin(self._base)
        if self._origin is None:
            raise SourceDataInvalid(
                f"{system}: the base address is not an http(s) URL", "write it as https://host/path"
            )
        try:
            self._client = httpx.Client(
                headers={"user-agent": USER_AGENT, "accept": "application/json", **(headers or {})},
                timeout=timeout_s,
                follow_redirects=False,
            )
        except (UnicodeEncodeError, ValueError):
            raise _bad_header(system) from None

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """GET a path below the base address, or a full URL of the same origin.

        Raises:
            SourceUnavailable: timeout, connection, rate limit, 5xx, a cut body.
            SourceDataInvalid: 401, 403, 404 and other refusals; a redirect or URL that leads to another server.
        """
        url = urljoin(self._base, path)
        if params:
            query = [*parse_qsl(urlsplit(url).query), *((name, str(value)) for name, value in params.items())]
            url = f"{url.partition('?')[0]}?{urlencode(query)}"
        for _ in range(_MAX_REDIRECTS + 1):
            what = self._what(url)
            status, headers, body = self._send(url, what)
            if status in _REDIRECTS and "location" in headers:
                url = urljoin(url, headers["location"])
                continue
            if status >= 300:
                limited = status == 403 and b"rate limit" in body[:2000].lower()
                raise error_for(
                    status,
                    what,
                    retry_after_s=retry_after_s(headers),
                    rate_limited=limited,
                    hint=self._hints.get(status, ""),
                )
            return Answer(url, headers, body, what)
        raise SourceUnavailable(f"{self._what(url)}: the server redirects without end", "try again later")

    def pages(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        next_page: Callable[[Answer], str | None] | None = None,
    ) -> Iterator[Answer]:
        """GET a list page by page.

        Args:
            path: of the first page.
            params: of the first page; later ones are addressed in full.
            next_page: URL of the page after this one; by default that of the `Link` header (RFC 8288).

        Raises:
            SourceError: like `get`; `SourceUnavailable` when a page comes twice.
        """
        guard = PageGuard(self._what(urljoin(self._base, path)))
        answer = self.get(path, params)
        guard.enter(answer.url)
        while True:
            yield answer
            following = (next_page or next_link)(answer)
            if not following:
                return
            url = urljoin(answer.url, following)
            guard.enter(url)
            answer = self.get(url)

    def _send(self, url: str, what: str) -> tuple[int, dict[str, str], bytes]:
        if _origin(url) != self._origin:
            raise SourceDataInvalid(
                f"{self._system}: the server leads to another one", "set the base address that it leads to"
            )
        try:
            with self._client.stream("GET", url) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_BODY_BYTES:
                        raise SourceDataInvalid(
                            f"{what}: the answer is larger than {MAX_BODY_BYTES // 2**20} MiB", "ask for smaller pages"
                        )
                return response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            raise _bad_header(self._system) from None
        except httpx.InvalidURL:
            raise SourceDataInvalid(f"{what}: this is not a URL", "check the base address") from None
        except (httpx.HTTPError, OSError) as error:
            raise unreachable(error, what) from None

    def _what(self, url: str) -> str:
        return f"{self._system}, {urlsplit(url).path or '/'}"


def next_link(answer: Answer) -> str | None:
    """The URL of the next page by the `Link` header, None on the last page."""
    for item in answer.headers.get("link", "").split(","):
        target, *parameters = item.split(";")
        relations = (p.strip().lower().replace(" ", "") for p in parameters)
        if any(r in ('rel="next"', "rel=next") for r in relations):
            return target.strip().removeprefix("<").removesuffix(">")
    return None


def _bad_header(system: str) -> SourceDataInvalid:
    return SourceDataInvalid(
        f"{system}: the token holds characters that cannot be sent", "set it again, without line breaks and quotes"
    )


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)
