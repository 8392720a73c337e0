"""A pull from the API: what is new since the cursor, object by object, so that it can be stopped between any two."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from graph.clock import DAY, SECOND, Instant, instant, rfc3339
from graph.model import FactBatch, Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.forge.api_cursor import digest_of, read_cursor, since_of
from ingest.sources.forge.rules import DeployRules
from ingest.sources.forge.statements import MAX_ASSERTIONS, Statements, batch, batches_of
from ingest.sources.github.api import GitHubApi
from ingest.sources.github.deployment_facts import FINAL, run_id_of, state_deployment, state_status
from ingest.sources.github.payloads import (
    ChangedFile,
    Comment,
    Deployment,
    DeploymentStatus,
    IssueEvent,
    Job,
    Pull,
    PullCommit,
    Release,
    Review,
    Run,
    moment,
)
from ingest.sources.github.pull_facts import PullBundle, state_bundle
from ingest.sources.github.run_facts import FAILURES, state_job, state_release, state_run
from ingest.sources.github.settings import GitHubSettings

EXTRACTOR = "github/1"
_OVERLAP = 60 * SECOND
"""Lists are read again from a little before the cursor: GitHub's are not always up to date to the second."""
_GIVEN_UP_AFTER = 30 * DAY
"""What has not ended so long after it began is no longer asked for."""


class ApiCursor(msgspec.Struct):
    """Where to go on. Of pull requests: the last update read, and digests of those near it; of the rest: the last id and what was not final."""

    v: int = 1
    pulls: str = ""
    near: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    deployments: int = 0
    open_deployments: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    runs: int = 0
    open_runs: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    releases: str = ""


class ApiPull:
    """One pull. `batches` may be consumed once."""

    def __init__(self, settings: GitHubSettings, cursor: str | None, now: Instant) -> None:
        self._settings = settings
        self._scope = settings.repository
        self._now = now
        self._since = since_of(settings.since)
        self._rules = DeployRules(settings.services, settings.environments, settings.applies)
        self._cursor = read_cursor(cursor, ApiCursor, self._scope)
        self._api = GitHubApi(settings)
        same = self._api.full_name.lower() == settings.repository.lower()
        self._name = self._api.full_name if same else settings.repository
        self._said = Statements("github", self._name)
        self._workflows: dict[int, str] = {}

    def batches(self) -> Iterator[FactBatch]:
        """What is new. What one list refuses (a permission that is missing) is raised after the others were read."""
        refusal: SourceDataInvalid | None = None
        for part in (self._pulls, self._runs, self._deployments, self._releases):
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
        if self._api.unreadable:
            notes = tuple(sorted(set(self._api.unreadable), key=lambda q: (q.locator, q.reason)))
            yield batch("github", self._scope, EXTRACTOR, (), quarantined=notes)
        if refusal is not None:
            raise refusal
        yield batch("github", self._scope, EXTRACTOR, (), self._dump(), fresh_until=self._now)

    def _flush(self) -> Iterator[FactBatch]:
        if len(self._said):
            said, self._said = self._said, Statements("github", self._name)
            yield from batches_of("github", self._scope, EXTRACTOR, said, self._dump())

    def _dump(self) -> str:
        return msgspec.json.encode(self._cursor, order="sorted").decode()

    def _one(self) -> Statements:
        return Statements("github", self._name)

    def _add(self, one: Statements) -> None:
        self._said.extend(one)

    def _unreadable(self, path: str) -> None:
        self._api.unreadable.append(Quarantined(f"{self._name}/{path}", "a time in it cannot be read"))

    # -- pull requests

    def _pulls(self) -> Iterator[None]:
        cursor = self._cursor
        until = instant(cursor.pulls) if cursor.pulls else None
        floor = self._since if until is None else max(until - _OVERLAP, self._since)
        listed = self._api.list(
            "pulls",
            Pull,
            {"state": "all", "sort": "updated", "direction": "desc"},
            more=lambda page: all(_at(p.updated_at) >= floor for p in page),
        )
        new = {p.number: p for p in reversed(listed) if _at(p.updated_at) >= floor}
        near = {number: digest_of(p) for number, p in new.items()}
        todo = [p for p in new.values() if cursor.near.get(str(p.number)) != near[p.number]]
        for pull in sorted(todo, key=lambda p: (_at(p.updated_at), p.number)):
            self._pull(pull)
            until = max(_at(pull.updated_at), until or 0)
            cursor.pulls = rfc3339(until)
            cursor.near[str(pull.number)] = near[pull.number]
            kept = {str(n) for n, p in new.items() if _at(p.updated_at) >= until - _OVERLAP}
            cursor.near = {n: d for n, d in sorted(cursor.near.items()) if n in kept}
            yield

    def _pull(self, listed: Pull) -> None:
        api, number = self._api, listed.number
        pull = api.one(f"pulls/{number}", Pull)
        if pull is None:  # deleted or moved away between the list and now
            return
        reviews = api.list(f"pulls/{number}/reviews", Review)
        dismissed = any(r.state.upper() == "DISMISSED" for r in reviews)
        bundle = PullBundle(
            pull,
            reviews,
            api.list(f"pulls/{number}/files", ChangedFile),
            api.list(f"pulls/{number}/commits", PullCommit),
            api.list(f"issues/{number}/comments", Comment) if pull.comments != 0 else (),
            api.list(f"pulls/{number}/comments", Comment) if pull.review_comments != 0 else (),
            api.list(f"issues/{number}/events", IssueEvent) if dismissed else (),
        )
        one = self._one()
        try:
            state_bundle(one, bundle)
        except msgspec.ValidationError:
            self._unreadable(f"pulls/{number}")
            return
        self._add(one)

    # -- workflow runs

    def _runs(self) -> Iterator[None]:
        cursor = self._cursor
        listed = self._api.list(
            "actions/runs",
            Run,
            key="workflow_runs",
            more=lambda page: all(r.id > cursor.runs and _at(r.created_at) >= self._since for r in page),
        )
        found = {r.id: r for r in listed if r.id > cursor.runs and _at(r.created_at) >= self._since}
        self._workflows.update({r.id: r.name or "" for r in listed})
        for run_id in sorted({*map(int, cursor.open_runs), *found}):
            run = found.get(run_id) or self._api.one(f"actions/runs/{run_id}", Run)
            before = cursor.open_runs.pop(str(run_id), "")
            cursor.runs = max(cursor.runs, run_id)
            if run is not None:
                self._run(run, before)
            yield

    def _run(self, run: Run, before: str) -> None:
        digest = digest_of(run)
        if run.status != "completed" and self._now - _at(run.created_at) < _GIVEN_UP_AFTER:
            self._cursor.open_runs[str(run.id)] = digest
        if digest == before:
            return
        jobs = (
            self._api.list(f"actions/runs/{run.id}/jobs", Job, {"filter": "all"}, key="jobs")
            if run.conclusion in FAILURES
            else []
        )
        one = self._one()
        try:
            state_run(one, run)
            for job in jobs:
                state_job(one, job)
        except msgspec.ValidationError:
            self._unreadable(f"actions/runs/{run.id}")
            return
        self._add(one)

    # -- deployments

    def _deployments(self) -> Iterator[None]:
        cursor = self._cursor
        listed = self._api.list(
            "deployments",
            Deployment,
            more=lambda page: all(d.id > cursor.deployments and _at(d.created_at) >= self._since for d in page),
        )
        found = {d.id: d for d in listed if d.id > cursor.deployments and _at(d.created_at) >= self._since}
        for deployment_id in sorted({*map(int, cursor.open_deployments), *found}):
            one = found.get(deployment_id) or self._api.one(f"deployments/{deployment_id}", Deployment)
            statuses = (
                self._api.list(f"deployments/{deployment_id}/statuses", DeploymentStatus) if one is not None else []
            )
            before = cursor.open_deployments.pop(str(deployment_id), "")
            cursor.deployments = max(cursor.deployments, deployment_id)
            if one is not None:
                self._deployment(one, statuses, before)
            yield

    def _deployment(self, one: Deployment, statuses: list[DeploymentStatus], before: str) -> None:
        digest = digest_of([one, statuses])
        ended = any(s.state in FINAL for s in statuses)
        if not ended and self._now - _at(one.created_at) < _GIVEN_UP_AFTER:
            self._cursor.open_deployments[str(one.id)] = digest
        if digest == before:
            return
        said = self._one()
        try:
            shipped = state_deployment(said, one, self._rules, self._workflow(statuses))
            for status in sorted(statuses, key=lambda s: s.id):
                state_status(said, one, shipped, status)
        except msgspec.ValidationError:
            self._unreadable(f"deployments/{one.id}")
            return
        self._add(said)

    def _workflow(self, statuses: list[DeploymentStatus]) -> str:
        """The name of the workflow that deployed, asked for only where a setting depends on it."""
        if not (self._rules.applies or self._rules.services):
            return ""
        run_id = next((i for i in map(run_id_of, statuses) if i is not None), None)
        if run_id is None:
            return ""
        if run_id not in self._workflows:
            run = self._api.one(f"actions/runs/{run_id}", Run)
            self._workflows[run_id] = (run.name or "") if run is not None else ""
        return self._workflows[run_id]

    # -- releases

    def _releases(self) -> Iterator[None]:
        releases = [
            r
            for r in self._api.list("releases", Release)
            if not r.draft and r.published_at and _at(r.published_at) >= self._since
        ]
        digest = digest_of(releases)
        if digest == self._cursor.releases:
            return
        for release in sorted(releases, key=lambda r: r.id):
            one = self._one()
            try:
                state_release(one, release)
            except msgspec.ValidationError:
                self._unreadable(f"releases/{release.id}")
                continue
            self._add(one)
            yield
        self._cursor.releases = digest


def _at(text: str) -> Instant:
    """A time to order by; what cannot be read is old, and quarantined when its object is."""
    try:
        return moment(text)
    except msgspec.ValidationError:
        return 0
