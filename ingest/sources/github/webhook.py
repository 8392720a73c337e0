"""GitHub's webhooks as facts: https://docs.github.com/webhooks/webhook-events-and-payloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from graph.model import FactBatch
from ingest.source import SourceDataInvalid
from ingest.sources.forge.lenient import decode
from ingest.sources.forge.rules import DeployRules
from ingest.sources.forge.statements import Statements, batches_of
from ingest.sources.github.api_pull import EXTRACTOR
from ingest.sources.github.deployment_facts import state_deployment, state_status
from ingest.sources.github.payloads import (
    Comment,
    Deployment,
    DeploymentStatus,
    Job,
    Pull,
    Release,
    Repo,
    Review,
    Run,
    moment,
)
from ingest.sources.github.pull_facts import (
    state_comment,
    state_comment_deleted,
    state_pull,
    state_review,
)
from ingest.sources.github.run_facts import state_job, state_release, state_run
from ingest.webhook import Delivery


class _From(Struct, frozen=True):
    """What an edit replaced."""

    from_: str | None = msgspec.field(name="from", default=None)


class _Changes(Struct, frozen=True):
    """What an edit changed."""

    title: _From | None = None
    body: _From | None = None


class _Issue(Struct, frozen=True):
    """The issue or, with `pull_request`, the pull request that was commented on."""

    number: int
    updated_at: str = ""
    pull_request: object = None


class _Workflow(Struct, frozen=True):
    """The run, or the workflow, that made a deployment."""

    id: int
    name: str | None = None


class _Event(Struct, frozen=True):
    """A delivery's body."""

    repository: Repo
    action: str = ""


class _PullEvent(_Event, frozen=True, kw_only=True):
    pull_request: Pull
    changes: _Changes = _Changes()


class _ReviewEvent(_Event, frozen=True, kw_only=True):
    pull_request: Pull
    review: Review


class _CommentEvent(_Event, frozen=True, kw_only=True):
    comment: Comment
    changes: _Changes = _Changes()
    issue: _Issue | None = None
    pull_request: Pull | None = None


class _DeploymentEvent(_Event, frozen=True, kw_only=True):
    deployment: Deployment
    deployment_status: DeploymentStatus | None = None
    workflow_run: _Workflow | None = None
    workflow: _Workflow | None = None


class _RunEvent(_Event, frozen=True, kw_only=True):
    workflow_run: Run


class _JobEvent(_Event, frozen=True, kw_only=True):
    workflow_job: Job


class _ReleaseEvent(_Event, frozen=True, kw_only=True):
    release: Release


def read_webhook(delivery: Delivery, settings: Mapping[str, object]) -> Sequence[FactBatch]:
    """The batches of a delivery; none for events and actions that say nothing of interest.

    Of the settings `services`, `environments`, `applies` and `renamed` count, like in `GitHubSettings`.

    Raises:
        SourceDataInvalid: the body is not what GitHub sends.
    """
    shape = _SHAPES.get(delivery.event)
    if shape is None:
        return ()
    try:
        rules = msgspec.convert(
            {name: settings[name] for name in ("services", "environments", "applies") if name in settings}, DeployRules
        )
        renamed = msgspec.convert(settings.get("renamed", {}), dict[str, str])
    except msgspec.ValidationError:
        raise SourceDataInvalid(
            "the settings of the github webhook cannot be used", "see the settings of the github source"
        ) from None
    try:
        event = decode(_json(delivery.body), shape)
        told = event.repository.full_name
        said = Statements("github", renamed.get(told, told))
        erased = _state(said, event, rules)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # a ValidationError is a DecodeError
        raise SourceDataInvalid(
            f"this is not what GitHub sends as {delivery.event}",
            "set the content type of the webhook to application/json",
        ) from None
    batches = list(batches_of("github", said.repository, EXTRACTOR, said))
    if erased:
        batches[-1] = replace(batches[-1], id=f"{batches[-1].id}-erased", erased=(erased,))
    return batches


_SHAPES: Mapping[str, type[_Event]] = {
    "pull_request": _PullEvent,
    "pull_request_review": _ReviewEvent,
    "pull_request_review_comment": _CommentEvent,
    "issue_comment": _CommentEvent,
    "deployment": _DeploymentEvent,
    "deployment_status": _DeploymentEvent,
    "workflow_run": _RunEvent,
    "workflow_job": _JobEvent,
    "release": _ReleaseEvent,
}
"""What is read. A push says nothing that the git source does not say."""


def _json(body: bytes) -> bytes:
    if body.startswith(b"payload="):  # the content type application/x-www-form-urlencoded
        return parse_qs(body.decode("utf-8", "replace")).get("payload", [""])[0].encode("utf-8", "replace")
    return body


def _state(said: Statements, event: _Event, rules: DeployRules) -> str:
    """State what an event tells. Returns the key of a text that was deleted."""
    match event:
        case _PullEvent():
            edited = event.action == "edited" and event.changes.body is not None
            before = (event.changes.body.from_ or "") if edited and event.changes.body else None
            state_pull(said, event.pull_request, before)
        case _ReviewEvent():
            state_pull(said, event.pull_request)
            state_review(said, event.pull_request, event.review)
        case _CommentEvent():
            return _comment(said, event)
        case _DeploymentEvent():
            _deployment(said, event, rules)
        case _RunEvent():
            state_run(said, event.workflow_run)
        case _JobEvent():
            state_job(said, event.workflow_job)
        case _ReleaseEvent():
            if event.action not in ("deleted", "unpublished"):
                state_release(said, event.release)
        case _:
            pass
    return ""


def _comment(said: Statements, event: _CommentEvent) -> str:
    if event.pull_request is not None:
        number, updated_at, sort = event.pull_request.number, event.pull_request.updated_at, "review-comment"
        state_pull(said, event.pull_request)
    elif event.issue is not None and event.issue.pull_request is not None:
        number, updated_at, sort = event.issue.number, event.issue.updated_at, "comment"
    else:
        return ""  # a comment on an issue
    comment = event.comment
    if event.action == "deleted":
        last = max(moment(comment.updated_at or comment.created_at) + 1, moment(updated_at or comment.created_at))
        return state_comment_deleted(said, number, comment, last, sort)
    before = event.changes.body.from_ if event.action == "edited" and event.changes.body is not None else None
    state_comment(said, number, comment, sort, before=before or "")
    return ""


def _deployment(said: Statements, event: _DeploymentEvent, rules: DeployRules) -> None:
    run, one = event.workflow_run, event.deployment
    workflow = (run.name if run is not None else None) or (event.workflow.name if event.workflow is not None else None)
    shipped = state_deployment(said, one, rules, workflow or "", run.id if run is not None else None)
    if event.deployment_status is not None:
        state_status(said, one, shipped, event.deployment_status)
