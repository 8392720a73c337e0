"""GitHub's objects, as its REST API and its webhooks both send them. Unknown fields are ignored, most may be missing.

https://docs.github.com/rest and https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType

from graph.clock import Instant, instant


class User(Struct, frozen=True):
    """An account. Deleted ones are null: `GHOST` stands for them."""

    login: str
    type: str = "User"
    html_url: str = ""


GHOST = User("ghost")
"""What GitHub shows for deleted accounts."""


class Repo(Struct, frozen=True):
    """A repository."""

    full_name: str
    html_url: str = ""


class Branch(Struct, frozen=True):
    """One end of a pull request. `repo` is null when a fork was deleted."""

    ref: str = ""
    sha: str = ""


class Label(Struct, frozen=True):
    """A label."""

    name: str = ""


class Pull(Struct, frozen=True):
    """A pull request. `merged_by` is missing in lists and in the events of others (reviews)."""

    number: int
    created_at: str
    updated_at: str
    state: str = "open"
    title: str = ""
    html_url: str = ""
    body: str | None = None
    user: User | None = None
    head: Branch = Branch()
    base: Branch = Branch()
    draft: bool = False
    labels: tuple[Label, ...] = ()
    closed_at: str | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    merged_by: User | UnsetType | None = UNSET
    comments: int | None = None
    review_comments: int | None = None


class Review(Struct, frozen=True):
    """A review. `submitted_at` is null while it is pending."""

    id: int
    state: str = ""
    user: User | None = None
    body: str | None = None
    html_url: str = ""
    submitted_at: str | None = None
    updated_at: str | None = None


class Comment(Struct, frozen=True):
    """A comment of the conversation or, with a `path`, on the code."""

    id: int
    created_at: str
    updated_at: str = ""
    user: User | None = None
    body: str | None = None
    html_url: str = ""
    path: str = ""


class ChangedFile(Struct, frozen=True):
    """A file of a pull request."""

    filename: str
    previous_filename: str = ""


class GitPerson(Struct, frozen=True):
    """An author as the commit itself names one."""

    email: str | None = None
    date: str = ""


class GitCommit(Struct, frozen=True):
    """The commit itself."""

    author: GitPerson | None = None
    committer: GitPerson | None = None


class PullCommit(Struct, frozen=True):
    """A commit of a pull request. `author` is the account that GitHub knows by the commit's mail address; `{}` for none."""

    sha: str
    commit: GitCommit = GitCommit()
    author: object = None
    html_url: str = ""


class DismissedReview(Struct, frozen=True):
    """Which review an issue event dismissed."""

    review_id: int = 0


class IssueEvent(Struct, frozen=True):
    """An event of a pull request's history."""

    event: str = ""
    created_at: str = ""
    dismissed_review: DismissedReview | None = None


class Deployment(Struct, frozen=True):
    """A deployment. `payload` is an object, or text that may be JSON."""

    id: int
    created_at: str
    sha: str = ""
    ref: str = ""
    task: str = "deploy"
    payload: object = None
    original_environment: str | None = None
    environment: str | None = None
    description: str | None = None
    creator: User | None = None


class DeploymentStatus(Struct, frozen=True):
    """What became of a deployment, at one moment."""

    id: int
    created_at: str
    state: str = ""
    description: str | None = None
    target_url: str | None = None
    log_url: str | None = None


class Run(Struct, frozen=True):
    """A workflow run. `name` is null for some dynamic workflows."""

    id: int
    created_at: str
    updated_at: str = ""
    name: str | None = None
    display_title: str | None = None
    run_number: int | None = None
    run_attempt: int = 1
    run_started_at: str | None = None
    event: str = ""
    status: str | None = None
    conclusion: str | None = None
    head_branch: str | None = None
    head_sha: str = ""
    html_url: str = ""
    path: str = ""
    actor: User | None = None
    triggering_actor: User | None = None


class Step(Struct, frozen=True):
    """A step of a job."""

    name: str = ""
    conclusion: str | None = None


class Job(Struct, frozen=True):
    """A job of a workflow run."""

    id: int
    run_id: int
    name: str = ""
    html_url: str | None = None
    conclusion: str | None = None
    completed_at: str | None = None
    steps: tuple[Step, ...] = ()


class Release(Struct, frozen=True):
    """A release. `published_at` is null for drafts."""

    id: int
    tag_name: str = ""
    name: str | None = None
    body: str | None = None
    html_url: str = ""
    draft: bool = False
    prerelease: bool = False
    author: User | None = None
    published_at: str | None = None
    updated_at: str | None = None


def moment(text: str) -> Instant:
    """A time of GitHub.

    Raises:
        msgspec.ValidationError: it is none, so that its object is quarantined like any other that cannot be read.
    """
    try:
        return instant(text)
    except ValueError:
        raise msgspec.ValidationError("a time cannot be read") from None
