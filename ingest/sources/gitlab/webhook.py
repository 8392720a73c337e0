"""GitLab's webhooks as facts: https://docs.gitlab.com/user/project/integrations/webhook_events/.

They tell less than the API: an entity of which they tell only a part is stated under the sub-scope `<scope>#hooks`, beside what a pull
says of it and never instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from graph.clock import rfc3339
from graph.model import Entity, FactBatch, Value
from ingest import names
from ingest.source import SourceDataInvalid
from ingest.sources.forge.lenient import decode
from ingest.sources.forge.rules import DeployRules, version_of
from ingest.sources.forge.statements import Statements, batches_of
from ingest.sources.gitlab.api_pull import EXTRACTOR
from ingest.sources.gitlab.delivery_facts import (
    OUTCOMES,
    deployment_of,
    state_deployed,
    state_effect,
    state_pipeline,
)
from ingest.sources.gitlab.merge_facts import (
    STATES,
    account,
    request_of,
    state_approval,
    state_names,
    state_note,
    state_words,
)
from ingest.sources.gitlab.payloads import Job, Note, Pipeline, Project, User, moment
from ingest.webhook import Delivery

_APPROVALS = {"approved": True, "approval": True, "unapproved": False, "unapproval": False}
"""Action of a merge request event -> whether its user approves now."""


class _Label(Struct, frozen=True):
    title: str = ""


class _Attributes(Struct, frozen=True):
    """A merge request."""

    iid: int
    created_at: str
    updated_at: str
    action: str = ""
    state: str = "opened"
    title: str = ""
    description: str | None = None
    url: str = ""
    source_branch: str = ""
    target_branch: str = ""
    author_id: int = 0
    draft: bool = False
    labels: tuple[_Label, ...] = ()
    merge_commit_sha: str | None = None


class _PipelineAttributes(Struct, frozen=True):
    id: int
    created_at: str
    iid: int | None = None
    name: str | None = None
    ref: str = ""
    sha: str = ""
    source: str = ""
    status: str = ""
    finished_at: str | None = None
    url: str | None = None


class _NoteAttributes(Struct, frozen=True):
    id: int
    created_at: str
    updated_at: str = ""
    note: str | None = None
    noteable_type: str = ""
    author_id: int = 0
    system: bool = False
    internal: bool = False
    confidential: bool = False


class _NotedRequest(Struct, frozen=True):
    iid: int


class _Event(Struct, frozen=True):
    """A delivery's body."""

    project: Project
    user: User | None = None


class _MergeRequestEvent(_Event, frozen=True, kw_only=True):
    object_attributes: _Attributes
    assignees: tuple[User, ...] = ()
    reviewers: tuple[User, ...] = ()


class _PipelineEvent(_Event, frozen=True, kw_only=True):
    object_attributes: _PipelineAttributes
    builds: tuple[Job, ...] = ()


class _NoteEvent(_Event, frozen=True, kw_only=True):
    object_attributes: _NoteAttributes
    merge_request: _NotedRequest | None = None


class _DeploymentEvent(_Event, frozen=True, kw_only=True):
    deployment_id: int
    status: str = ""
    status_changed_at: str = ""
    environment: str = ""
    ref: str = ""
    commit_url: str = ""


class _Kind(Struct, frozen=True):
    object_kind: str = ""


def read_webhook(delivery: Delivery, settings: Mapping[str, object]) -> Sequence[FactBatch]:
    """The batches of a delivery; none for events that say nothing of interest.

    Of the settings `services`, `environments`, `applies` and `renamed` count, like in `GitLabSettings`.

    Raises:
        SourceDataInvalid: the body is not what GitLab sends.
    """
    try:
        rules = msgspec.convert(
            {name: settings[name] for name in ("services", "environments", "applies") if name in settings}, DeployRules
        )
        renamed = msgspec.convert(settings.get("renamed", {}), dict[str, str])
    except msgspec.ValidationError:
        raise SourceDataInvalid(
            "the settings of the gitlab webhook cannot be used", "see the settings of the gitlab source"
        ) from None
    try:
        shape = _SHAPES.get(msgspec.json.decode(delivery.body, type=_Kind).object_kind)
        if shape is None:
            return ()
        event = decode(delivery.body, shape)
        told = event.project.path_with_namespace
        said = Statements("gitlab", renamed.get(told, told))
        _state(said, event, rules)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # a ValidationError is a DecodeError
        raise SourceDataInvalid(
            "this is not what GitLab sends", "point a GitLab webhook at this address, without a template of its own"
        ) from None
    return list(batches_of("gitlab", said.repository, EXTRACTOR, said))


_SHAPES: Mapping[str, type[_Event]] = {
    "merge_request": _MergeRequestEvent,
    "pipeline": _PipelineEvent,
    "note": _NoteEvent,
    "deployment": _DeploymentEvent,
}


def _state(said: Statements, event: _Event, rules: DeployRules) -> None:
    match event:
        case _MergeRequestEvent():
            _merge_request(said, event)
        case _PipelineEvent():
            _pipeline(said, event)
        case _NoteEvent():
            _note(said, event)
        case _DeploymentEvent():
            _deployment(said, event, rules)
        case _:
            pass


def _merge_request(said: Statements, event: _MergeRequestEvent) -> None:
    one = event.object_attributes
    this, locator = request_of(said, one.iid)
    created, updated = moment(one.created_at), moment(one.updated_at)
    opened: dict[str, Value] = {
        "repository": said.repository,
        "number": one.iid,
        "title": one.title,
        "url": one.url,
        "branch": one.source_branch,
        "base": one.target_branch,
        "state": "open",
        "created_at": rfc3339(created),
    }
    now = opened | {"state": STATES.get(one.state, one.state), "draft": one.draft}
    now["labels"] = [label.title for label in one.labels]
    commit = one.merge_commit_sha or ""
    if one.state == "merged" and names.is_commit_hash(commit):
        now["merge_commit"] = commit
    url = one.url or None
    for at, properties in {created: opened, updated: now}.items():
        said.state(Entity(this, properties), at, locator, observed_at=updated, url=url, part="hooks")
    state_names(said, one.iid, one.url, created)
    state_words(said, one.iid, one.url, one.title, one.description or "", created, updated)
    people = [*((event.user,) if event.user else ()), *event.assignees, *event.reviewers]
    author = next((u for u in people if u.id and u.id == one.author_id), None)
    if author is not None:
        said.relate("AUTHORED_BY", this, account(said, author, created), created, locator, url=url)
    if event.user is None:
        return
    if one.action in _APPROVALS:
        state_approval(said, one.iid, one.url, event.user, updated, approved=_APPROVALS[one.action])
    if one.action == "merge":
        said.relate("MERGED_BY", this, account(said, event.user, updated), updated, locator, url=url)
        if (merged := said.commit(commit, updated)) is not None:
            said.relate("MERGED_AS", this, merged, updated, locator, url=url)


def _pipeline(said: Statements, event: _PipelineEvent) -> None:
    one = event.object_attributes
    web = event.project.web_url
    pipeline = Pipeline(
        one.id,
        one.created_at,
        iid=one.iid,
        name=one.name,
        ref=one.ref,
        sha=one.sha,
        source=one.source,
        status=one.status,
        finished_at=one.finished_at,
        web_url=one.url or (f"{web}/-/pipelines/{one.id}" if web else ""),
        user=event.user,
    )
    state_pipeline(said, pipeline, event.builds)


def _note(said: Statements, event: _NoteEvent) -> None:
    one = event.object_attributes
    if event.merge_request is None or one.noteable_type != "MergeRequest":
        return
    author = event.user if event.user is not None and one.author_id in (0, event.user.id) else None
    if author is None:  # somebody else edited it, and its author is not told: a pull tells
        return
    iid = event.merge_request.iid
    web = event.project.web_url
    note = Note(one.id, one.created_at, one.updated_at, one.note, author, one.system, one.internal, one.confidential)
    state_note(said, iid, f"{web}/-/merge_requests/{iid}" if web else "", note)


def _deployment(said: Statements, event: _DeploymentEvent, rules: DeployRules) -> None:
    at = moment(event.status_changed_at)
    if event.status in (
        "approved",
        "rejected",
    ):  # of somebody who decided on a blocked deployment, not of the deployment
        if event.user is not None and event.status == "approved":
            this, locator = deployment_of(said, event.deployment_id)
            said.relate("APPROVED_BY", this, account(said, event.user, at), at, locator)
        return
    environment = rules.environment(event.environment)
    sha = event.commit_url.rpartition("/")[2]
    version = version_of("", event.ref, sha)
    apply, service = _about(said, event.environment, rules)
    outcome = OUTCOMES.get(event.status, event.status)
    this, locator = deployment_of(said, event.deployment_id)
    properties: dict[str, Value] = {
        "environment": environment,
        "version": version,
        "commit": sha if names.is_commit_hash(sha) else "",
        "repository": said.repository,
        "outcome": outcome,
        "tool": "gitlab",
        "deployment_id": str(event.deployment_id),
    }
    if apply is not None:
        properties |= {"service": service, "action": "apply" if apply else "deploy"}
        properties["title"] = f"{'apply' if apply else service} {version[:40]} to {environment}"
    properties["started_at" if outcome == "in_progress" else "finished_at"] = rfc3339(at)
    properties = {k: v for k, v in properties.items() if v != "" or k == "service"}
    said.itself(at)
    said.state(Entity(this, properties), at, locator, part="hooks")
    state_deployed(said, event.deployment_id, environment, sha, at)
    if event.user is not None:
        said.relate("PERFORMED_BY", this, account(said, event.user, at), at, locator)
    if outcome == "succeeded" and apply is not None:
        state_effect(said, event.deployment_id, environment, service, version, at, applied=apply)


def _about(said: Statements, environment: str, rules: DeployRules) -> tuple[bool | None, str]:
    """(whether it is an apply, the service). (None, "") where settings ask for the job, which the event does not name."""
    if rules.is_apply(workflow="", task="", environment=environment):
        return True, ""
    named = any(fnmatchcase(told, glob) for told in (environment, said.repository) for glob in rules.services)
    if rules.applies or (rules.services and not named):
        return None, ""
    service = rules.service(repository=said.repository, workflow="", task="", environment=environment)
    return False, service
