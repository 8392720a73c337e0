"""GitLab's objects as its REST API v4 sends them: https://docs.gitlab.com/api/rest/. Unknown fields are ignored, most may be missing."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from graph.clock import SECOND, Instant, instant

_ZONE = re.compile(r"\s+(UTC|Z|[+-]\d{2}:?\d{2})$")


class User(Struct, frozen=True):
    """An account."""

    username: str
    id: int = 0
    name: str = ""
    web_url: str = ""
    bot: bool = False


GHOST = User("ghost")
"""What GitLab shows for deleted accounts."""


class Project(Struct, frozen=True):
    """A project."""

    path_with_namespace: str
    web_url: str = ""


class MergeRequest(Struct, frozen=True):
    """A merge request. `merge_user` replaced `merged_by`."""

    iid: int
    created_at: str
    updated_at: str
    state: str = "opened"
    title: str = ""
    description: str | None = None
    web_url: str = ""
    author: User | None = None
    source_branch: str = ""
    target_branch: str = ""
    draft: bool = False
    labels: tuple[str, ...] = ()
    merged_at: str | None = None
    closed_at: str | None = None
    merge_user: User | None = None
    merged_by: User | None = None
    sha: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    user_notes_count: int | None = None


class Approval(Struct, frozen=True):
    """One who approved. Older versions tell no time."""

    user: User
    approved_at: str | None = None


class Approvals(Struct, frozen=True):
    """Who approves a merge request now."""

    approved_by: tuple[Approval, ...] = ()


class Note(Struct, frozen=True):
    """A comment, or with `system` a line of the merge request's history. `internal`, `confidential` of old: for members only."""

    id: int
    created_at: str
    updated_at: str = ""
    body: str | None = None
    author: User | None = None
    system: bool = False
    internal: bool = False
    confidential: bool = False


class Commit(Struct, frozen=True):
    """A commit of a merge request."""

    id: str
    committed_date: str = ""
    web_url: str = ""


class Diff(Struct, frozen=True):
    """A file of a merge request."""

    new_path: str = ""
    old_path: str = ""


class Pipeline(Struct, frozen=True):
    """A pipeline. Lists leave out `user` and `finished_at`."""

    id: int
    created_at: str
    updated_at: str = ""
    iid: int | None = None
    name: str | None = None
    ref: str = ""
    sha: str = ""
    source: str = ""
    status: str = ""
    finished_at: str | None = None
    web_url: str = ""
    user: User | None = None


class Job(Struct, frozen=True):
    """A job of a pipeline."""

    id: int
    name: str = ""
    stage: str = ""
    status: str = ""
    allow_failure: bool = False
    finished_at: str | None = None


class Environment(Struct, frozen=True):
    """An environment."""

    name: str = ""


class PipelineId(Struct, frozen=True):
    """Which pipeline."""

    id: int = 0


class Deployable(Struct, frozen=True):
    """The job that deployed."""

    name: str = ""
    finished_at: str | None = None
    pipeline: PipelineId | None = None


class Deployment(Struct, frozen=True):
    """A deployment."""

    id: int
    created_at: str
    updated_at: str = ""
    finished_at: str | None = None
    ref: str = ""
    sha: str = ""
    status: str = ""
    user: User | None = None
    environment: Environment | None = None
    deployable: Deployable | None = None


def moment(text: str) -> Instant:
    """A time of GitLab, in whole seconds: its webhooks tell no more, in one of three forms.

    Raises:
        msgspec.ValidationError: it is none, so that its object is quarantined like any other that cannot be read.
    """
    try:
        at = instant(_ZONE.sub(lambda m: "Z" if m[1] in ("UTC", "Z") else m[1], text.strip()))
    except ValueError:
        raise msgspec.ValidationError("a time cannot be read") from None
    return at - at % SECOND
