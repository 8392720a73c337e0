"""GitHub's REST API through PyGithub's requester: no lazy object ever asks again behind our back, and nothing is tried again here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlencode, urlsplit

import msgspec

from graph.model import Quarantined
from ingest.http import (
    USER_AGENT,
    Answer,
    PageGuard,
    error_for,
    next_link,
    retry_after_s,
    unreachable,
)
from ingest.source import SourceDataInvalid, SourceError
from ingest.sources.forge.lenient import convert
from ingest.sources.github.payloads import Repo
from ingest.sources.github.settings import GitHubSettings

if TYPE_CHECKING:
    from github.Requester import Requester

_T = TypeVar("_T")
PER_PAGE = 100
_HINTS = {
    401: "make a new token at GitHub (Settings, Developer settings) and set it as `token`",
    403: "grant the token read access to contents, pull requests, issues, deployments and actions of the repository",
    404: "check owner/name; GitHub answers the same when the token may not see the repository",
}


class GitHubApi:
    """Reads one repository. `unreadable` collects single objects that are not what they should be."""

    def __init__(self, settings: GitHubSettings) -> None:
        self._requester = _requester(settings)
        self._name = settings.repository
        self.unreadable: list[Quarantined] = []
        repo = self._answer(f"/repos/{settings.repository}").parsed(Repo)
        self.full_name = repo.full_name
        """owner/name as GitHub tells it now: another than in the settings when the repository was renamed."""

    def one(self, path: str, shape: type[_T]) -> _T | None:
        """An object of the repository; None when it is not there (any more) or is not what it should be."""
        try:
            answer = self._answer(f"/repos/{self.full_name}/{path}")
        except _NotFound:
            return None
        found = self._objects([answer.json()], shape, path.rpartition("/")[0])
        return found[0] if found else None

    def list(
        self,
        path: str,
        shape: type[_T],
        params: Mapping[str, str | int] | None = None,
        key: str = "",
        more: Callable[[list[_T]], bool] = lambda page: True,
    ) -> list[_T]:
        """The objects of a list of the repository; of a list in an object those under `key`.

        `more` says of each page whether the next one is of interest.
        """
        found: list[_T] = []
        for page in self._pages(path, shape, params or {}, key):
            found += page
            if not more(page):
                break
        return found

    def _pages(self, path: str, shape: type[_T], params: Mapping[str, str | int], key: str) -> Iterator[list[_T]]:
        url = f"/repos/{self.full_name}/{path}?{urlencode({**params, 'per_page': PER_PAGE})}"
        guard = PageGuard(_what(url))
        while True:
            guard.enter(url)
            answer = self._answer(url)
            value = answer.json()
            items: object = cast("dict[str, object]", value).get(key) if key and isinstance(value, dict) else value
            if not isinstance(items, list):
                raise SourceDataInvalid(f"{answer.what}: the answer is not a list", "check base_url")
            page = cast("list[object]", items)
            if page:
                guard.enter(blake2b(answer.body, digest_size=16).hexdigest())
            yield self._objects(page, shape, path)
            following = next_link(answer)
            if not following or not page:
                return
            url = following

    def _objects(self, items: list[object], shape: type[_T], path: str) -> list[_T]:
        objects: list[_T] = []
        for item in items:
            try:
                objects.append(convert(item, shape))
            except msgspec.ValidationError as error:
                known = cast("dict[str, object]", item) if isinstance(item, dict) else {}
                where = known.get("number") or known.get("id") or known.get("sha") or "?"
                self.unreadable.append(
                    Quarantined(f"{self._name}/{path}/{where}", f"not as GitHub tells it: {error}"[:200])
                )
        return objects

    def _answer(self, url: str) -> Answer:
        what = _what(url)
        try:
            status, headers, text = self._requester.requestJson("GET", url)
        except RuntimeError:  # PyGithub on a redirect to another host or protocol
            raise SourceDataInvalid(
                f"{what}: the server redirects elsewhere", "set base_url to where it redirects"
            ) from None
        except AssertionError:  # PyGithub on a next page of another host
            raise SourceDataInvalid(f"{what}: the server leads to another one", "set base_url to that one") from None
        except (OSError, ValueError) as error:
            raise _failure(error, what) from None
        body = text.encode("utf-8", "surrogatepass")
        told = {str(k).lower(): str(v) for k, v in headers.items()}
        if status >= 300:
            limited = b"rate limit" in body[:2000].lower()
            error = error_for(
                status,
                what,
                retry_after_s=retry_after_s(told),
                rate_limited=limited,
                hint=_HINTS.get(status, ""),
            )
            if status in (404, 410) and isinstance(error, SourceDataInvalid):
                raise _NotFound(str(error), error.hint)
            raise error
        return Answer(url, told, body, what)


class _NotFound(SourceDataInvalid):
    """404 or 410."""


def _failure(error: Exception, what: str) -> SourceError:
    import requests

    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
        return SourceDataInvalid(f"{what}: this is not a URL", "check base_url")
    return unreachable(error, what)


def _what(url: str) -> str:
    return f"GitHub, {urlsplit(url).path}"


def _requester(settings: GitHubSettings) -> Requester:
    from github import Auth, Github

    if not settings.base_url.startswith(("https://", "http://")):
        raise SourceDataInvalid("base_url is not an http(s) address", "write it as https://host/api/v3")
    if not settings.token.isascii() or any(c.isspace() or not c.isprintable() for c in settings.token):
        raise SourceDataInvalid(
            "the token holds characters that no token has", "set `token` again, without line breaks"
        )
    client = Github(
        auth=Auth.Token(settings.token) if settings.token else None,
        base_url=settings.base_url.rstrip("/"),
        timeout=max(1, int(settings.timeout_s)),
        user_agent=USER_AGENT,
        per_page=PER_PAGE,
        retry=0,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    return client.requester
