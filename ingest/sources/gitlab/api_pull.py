"""A pull from GitLab's REST API: what is new since the cursor, object by object, so that it can be stopped between any two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import TypeVar, cast
from urllib.parse import quote

import msgspec

from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import FactBatch, Quarantined
from ingest.http import Answer, HttpClient, PageGuard
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.forge.api_cursor import digest_of, read_cursor, since_of
from ingest.sources.forge.lenient import convert
from ingest.sources.forge.rules import DeployRules
from ingest.sources.forge.statements import MAX_ASSERTIONS, Statements, batch, batches_of
from ingest.sources.gitlab.delivery_facts import ENDED, state_deployment, state_pipeline
from ingest.sources.gitlab.merge_facts import MergeBundle, state_bundle
from ingest.sources.gitlab.payloads import (
    Approvals,
    Commit,
    Deployment,
    Diff,
    Job,
    MergeRequest,
    Note,
    Pipeline,
    Project,
    moment,
)
from ingest.sources.gitlab.settings import GitLabSettings

EXTRACTOR = "gitlab/1"
_T = TypeVar("_T")
_OVERLAP = 60 * SECOND
_GIVEN_UP_AFTER = 30 * DAY
"""What has not ended so long after it began is no longer asked for."""
_HINTS = {
    401: "make a new token at GitLab (Access tokens, scope read_api) and set it as `token`",
    403: "give the token the scope read_api and at least the role Reporter in the project",
    404: "check the full path of the project; GitLab answers the same when the token may not see it",
}


class Seen(msgspec.Struct):
    """How far a list sorted by its update was read: the last update, and digests of what is near it."""

    until: str = ""
    near: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class ApiCursor(msgspec.Struct):
    """Where to go on."""

    v: int = 1
    requests: Seen = msgspec.field(default_factory=Seen)
    deployments: Seen = msgspec.field(default_factory=Seen)
    pipelines: int = 0
    open_pipelines: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class ApiPull:
    """One pull. `batches` may be consumed once."""

    def __init__(self, settings: GitLabSettings, cursor: str | None, now: Instant) -> None:
        self._settings = settings
        self._scope = self._name = settings.project
        self._now = now
        self._since = since_of(settings.since)
        self._rules = DeployRules(settings.services, settings.environments, settings.applies)
        self._cursor = read_cursor(cursor, ApiCursor, self._scope)
        self._said = Statements("gitlab", self._name)
        self._unreadable: list[Quarantined] = []
        self._http = _client(settings)
        self._project = ""

    def batches(self) -> Iterator[FactBatch]:
        """What is new. What one list refuses (a permission that is missing) is raised after the others were read."""
        with self._http:
            project = self._http.get(f"projects/{quote(self._settings.project, safe='')}").parsed(Project)
            if project.path_with_namespace.lower() == self._name.lower():
                self._name = project.path_with_namespace
                self._said = Statements("gitlab", self._name)
            self._project = f"projects/{quote(project.path_with_namespace, safe='')}"
            refusal: SourceDataInvalid | None = None
            for part in (self._requests, self._pipelines, self._deployments):
                try:
                    for _ in part():
                        if len(self._said) >= MAX_ASSERTIONS // 2:
                            yield from self._flush()
                except SourceUnavailable:
                    yield from self._flush()
                    raise
                except SourceDataInvalid as error:
                    refusal = refusal or error
                yield from self._flush()
        if self._unreadable:
            notes = tuple(sorted(set(self._unreadable), key=lambda q: (q.locator, q.reason)))
            yield batch("gitlab", self._scope, EXTRACTOR, (), quarantined=notes)
        if refusal is not None:
            raise refusal
        yield batch("gitlab", self._scope, EXTRACTOR, (), self._dump(), fresh_until=self._now)

    def _flush(self) -> Iterator[FactBatch]:
        if len(self._said):
            said, self._said = self._said, Statements("gitlab", self._name)
            yield from batches_of("gitlab", self._scope, EXTRACTOR, said, self._dump())

    def _dump(self) -> str:
        return msgspec.json.encode(self._cursor, order="sorted").decode()

    # -- merge requests

    def _requests(self) -> Iterator[None]:
        params = {"scope": "all", "state": "all", "order_by": "updated_at", "sort": "desc"}
        for one in self._updated("merge_requests", MergeRequest, params, self._cursor.requests, lambda m: m.iid):
            self._request(one)
            yield

    def _request(self, one: MergeRequest) -> None:
        base = f"merge_requests/{one.iid}"
        bundle = MergeBundle(
            one,
            self._approvals(f"{base}/approvals"),
            self._list(f"{base}/notes", Note, {"sort": "asc", "order_by": "created_at"}),
            self._list(f"{base}/commits", Commit),
            self._list(f"{base}/diffs", Diff),
        )
        self._state(base, lambda said: state_bundle(said, bundle))

    def _approvals(self, path: str) -> Approvals | None:
        value = self._get(path).json()
        try:
            return convert(value, Approvals)
        except msgspec.ValidationError as error:
            self._note(path, str(error))
            return None

    # -- pipelines

    def _pipelines(self) -> Iterator[None]:
        cursor = self._cursor
        listed = self._list(
            "pipelines",
            Pipeline,
            {"order_by": "id", "sort": "desc"},
            more=lambda page: all(p.id > cursor.pipelines and _at(p.created_at) >= self._since for p in page),
        )
        new = {p.id for p in listed if p.id > cursor.pipelines and _at(p.created_at) >= self._since}
        for pipeline_id in sorted({*map(int, cursor.open_pipelines), *new}):
            answer = self._get(f"pipelines/{pipeline_id}")
            before = cursor.open_pipelines.pop(str(pipeline_id), "")
            cursor.pipelines = max(cursor.pipelines, pipeline_id)
            try:
                one = convert(answer.json(), Pipeline)
            except msgspec.ValidationError as error:
                self._note(f"pipelines/{pipeline_id}", str(error))
                continue
            self._pipeline(one, before)
            yield

    def _pipeline(self, one: Pipeline, before: str) -> None:
        digest = digest_of(one)
        if one.status not in ENDED and self._now - _at(one.created_at) < _GIVEN_UP_AFTER:
            self._cursor.open_pipelines[str(one.id)] = digest
        if digest == before:
            return
        path = f"pipelines/{one.id}"
        jobs = self._list(f"{path}/jobs", Job, {"include_retried": "true"}) if one.status == "failed" else []
        self._state(path, lambda said: state_pipeline(said, one, jobs))

    # -- deployments

    def _deployments(self) -> Iterator[None]:
        params = {"order_by": "updated_at", "sort": "desc"}
        for one in self._updated("deployments", Deployment, params, self._cursor.deployments, lambda d: d.id):
            self._state(f"deployments/{one.id}", lambda said, one=one: state_deployment(said, one, self._rules))
            yield

    # -- lists

    def _updated(
        self,
        path: str,
        shape: type[_T],
        params: Mapping[str, str],
        seen: Seen,
        number_of: Callable[[_T], int],
    ) -> Iterator[_T]:
        """What was updated since, oldest first; `seen` moves on when the next one is asked for."""

        def updated(one: _T) -> Instant:
            return _at(cast("str", getattr(one, "updated_at", "")) or cast("str", getattr(one, "created_at", "")))

        until = instant(seen.until) if seen.until else None
        floor = self._since if until is None else max(until - _OVERLAP, self._since)
        told = {"updated_after": rfc3339(floor - SECOND)} if floor else {}
        listed = self._list(path, shape, {**params, **told}, more=lambda page: all(updated(p) >= floor for p in page))
        new = {number_of(p): p for p in reversed(listed) if updated(p) >= floor}
        near = {number: digest_of(p) for number, p in new.items()}
        todo = [p for n, p in new.items() if seen.near.get(str(n)) != near[n]]
        for one in sorted(todo, key=lambda p: (updated(p), number_of(p))):
            yield one
            until = max(updated(one), until or 0)
            seen.until = rfc3339(until)
            seen.near[str(number_of(one))] = near[number_of(one)]
            kept = {str(n) for n, p in new.items() if updated(p) >= until - _OVERLAP}
            seen.near = {n: d for n, d in sorted(seen.near.items()) if n in kept}

    def _list(
        self,
        path: str,
        shape: type[_T],
        params: Mapping[str, str] | None = None,
        more: Callable[[list[_T]], bool] = lambda page: True,
    ) -> list[_T]:
        found: list[_T] = []
        guard = PageGuard(f"GitLab, {path}")
        for answer in self._http.pages(f"{self._project}/{path}", {**(params or {}), "per_page": 100}):
            value = answer.json()
            if not isinstance(value, list):
                raise SourceDataInvalid(f"{answer.what}: the answer is not a list", "check base_url")
            items = cast("list[object]", value)
            if items:
                guard.enter(blake2b(answer.body, digest_size=16).hexdigest())
            page = self._objects(items, shape, path)
            found += page
            if not items or not more(page):
                break
        return found

    def _objects(self, items: list[object], shape: type[_T], path: str) -> list[_T]:
        objects: list[_T] = []
        for item in items:
            try:
                objects.append(convert(item, shape))
            except msgspec.ValidationError as error:
                known = cast("dict[str, object]", item) if isinstance(item, dict) else {}
                self._note(f"{path}/{known.get('iid') or known.get('id') or '?'}", str(error))
        return objects

    def _get(self, path: str) -> Answer:
        return self._http.get(f"{self._project}/{path}")

    def _state(self, path: str, state: Callable[[Statements], None]) -> None:
        """State an object whole or, when something in it cannot be read, not at all."""
        said = Statements("gitlab", self._name)
        try:
            state(said)
        except msgspec.ValidationError as error:
            self._note(path, str(error))
            return
        self._said.extend(said)

    def _note(self, path: str, reason: str) -> None:
        self._unreadable.append(Quarantined(f"{self._name}/{path}", f"not as GitLab tells it: {reason}"[:200]))


def _client(settings: GitLabSettings) -> HttpClient:
    if not settings.token.isascii() or any(c.isspace() or not c.isprintable() for c in settings.token):
        raise SourceDataInvalid(
            "the token holds characters that no token has", "set `token` again, without line breaks"
        )
    base_url = settings.base_url.rstrip("/")
    headers = {"private-token": settings.token} if settings.token else {}
    return HttpClient(
        base_url if base_url.endswith("/api/v4") else f"{base_url}/api/v4",
        "GitLab",
        headers=headers,
        timeout_s=settings.timeout_s,
        hints=_HINTS,
    )


def _at(text: str) -> Instant:
    """A time to order by; what cannot be read is old, and quarantined when its object is."""
    try:
        return moment(text)
    except msgspec.ValidationError:
        return 0
