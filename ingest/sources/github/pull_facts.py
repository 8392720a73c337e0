"""From a pull request, its reviews and comments to facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from graph.clock import Instant, rfc3339
from graph.model import Alias, Entity, EntityRef, Passage, Value
from ingest import names
from ingest.sources.forge.statements import Statements, closed_issues
from ingest.sources.github.payloads import (
    GHOST,
    ChangedFile,
    Comment,
    IssueEvent,
    Pull,
    PullCommit,
    Review,
    User,
    moment,
)


@dataclass(frozen=True, slots=True)
class PullBundle:
    """A pull request with what belongs to it, as far as it was read (None: not read)."""

    pull: Pull
    reviews: Sequence[Review] = ()
    files: Sequence[ChangedFile] | None = None
    commits: Sequence[PullCommit] = ()
    comments: Sequence[Comment] = ()
    review_comments: Sequence[Comment] = ()
    events: Sequence[IssueEvent] = ()


def state_bundle(said: Statements, bundle: PullBundle) -> None:
    """State all of it."""
    pull = bundle.pull
    state_pull(said, pull)
    if bundle.files is not None:
        _files(said, pull, bundle.files)
    for commit in bundle.commits:
        _commit(said, pull, commit)
    dismissed = {
        e.dismissed_review.review_id: e.created_at
        for e in bundle.events
        if e.event == "review_dismissed" and e.dismissed_review is not None
    }
    for review in bundle.reviews:
        superseded = review.state.upper() == "DISMISSED" and any(_decides(later, review) for later in bundle.reviews)
        state_review(said, pull, review, dismissed.get(review.id, ""), superseded=superseded)
    for comment in bundle.comments:
        state_comment(said, pull.number, comment)
    for comment in bundle.review_comments:
        state_comment(said, pull.number, comment, "review-comment")


def account(said: Statements, user: User | None, at: Instant) -> EntityRef:
    """The account of a user, stated; null is GitHub's ghost."""
    user = user or GHOST
    return said.account(user.login, at, kind=user.type.lower() or "user", url=user.html_url)


def state_pull(said: Statements, pull: Pull, body_before: str | None = None) -> None:
    """State a pull request by its own object. `body_before`: the body that an edit at `updated_at` replaced.

    There is a version for its creation, one for its end, and one for the moment it was updated last: only that one tells its labels and
    whether it is a draft, which have no times of their own. A reopened one is open again in the last. GitHub does not tell when a
    title or a body was edited: these are as told last throughout.
    """
    repository = said.repository
    this = names.pull_request(repository, pull.number)
    locator = f"{repository}#{pull.number}"
    url = pull.html_url or None
    created, updated = moment(pull.created_at), moment(pull.updated_at)
    said.itself(created)

    for at, properties in _versions(repository, pull, created, updated):
        said.state(Entity(this, properties), at, locator, observed_at=updated, url=url)
    said.state(Alias(this, "number", locator), created, locator, url=url)
    if url:
        said.state(Alias(this, "url", url), created, locator, url=url)
    said.relate("AUTHORED_BY", this, account(said, pull.user, created), created, locator, url=url)
    _body(said, this, pull, locator, body_before)

    if pull.merged_at:
        merged = moment(pull.merged_at)
        if pull.merged_by is not UNSET:
            said.relate("MERGED_BY", this, account(said, pull.merged_by, merged), merged, locator, url=url)
        if (commit := said.commit(pull.merge_commit_sha or "", merged)) is not None:
            said.relate("MERGED_AS", this, commit, merged, locator, url=url)


def _versions(
    repository: str, pull: Pull, created: Instant, updated: Instant
) -> list[tuple[Instant, dict[str, Value]]]:
    opened: dict[str, Value] = {
        "repository": repository,
        "number": pull.number,
        "title": pull.title,
        "url": pull.html_url,
        "branch": pull.head.ref,
        "base": pull.base.ref,
        "state": "open",
        "created_at": rfc3339(created),
    }
    versions = {created: opened}
    last = opened
    if pull.merged_at:
        merged = moment(pull.merged_at)
        last = opened | {"state": "merged", "merged_at": rfc3339(merged), "closed_at": rfc3339(merged)}
        if names.is_commit_hash(pull.merge_commit_sha or ""):
            last["merge_commit"] = pull.merge_commit_sha
        versions[merged] = last
    elif pull.closed_at and pull.state == "closed":
        closed = moment(pull.closed_at)
        last = opened | {"state": "closed", "closed_at": rfc3339(closed)}
        versions[closed] = last
    if updated >= max(versions):
        versions[updated] = last | {"draft": pull.draft, "labels": [label.name for label in pull.labels]}
    return sorted(versions.items())


def _body(said: Statements, this: EntityRef, pull: Pull, locator: str, before: str | None) -> None:
    created, updated = moment(pull.created_at), moment(pull.updated_at)
    body = (pull.body or "").strip()
    url = pull.html_url or None
    said.text(this, "body", f"{pull.title}\n\n{body}".strip(), created, locator, observed_at=updated, url=url)
    closes = closed_issues(body, said.repository)
    for repository, number in closes:
        issue = said.issue(repository, number, created)
        said.relate("CLOSES", this, issue, created, locator, observed_at=updated, url=url)
    if before is None:
        return
    for repository, number in closed_issues(before, said.repository):
        if (repository, number) not in closes:
            issue = names.issue(repository, number)
            said.relate("CLOSES", this, issue, updated, locator, present=False)
    now = f"{pull.title}\n\n{body}".strip()
    said.text(this, "body", now, updated, locator, url=url, before=before)


def _files(said: Statements, pull: Pull, files: Sequence[ChangedFile]) -> None:
    """Which files it changes, since its end or, while it is open, its last update: before that they may have been others."""
    updated = moment(pull.updated_at)
    ended = pull.merged_at or (pull.closed_at if pull.state == "closed" else None)
    at = moment(ended) if ended else updated
    paths = sorted({p for f in files for p in (f.filename, f.previous_filename) if p})
    this = names.pull_request(said.repository, pull.number)
    locator = f"{said.repository}#{pull.number}"
    said.state(
        Entity(this, {"files": paths}), at, locator, observed_at=updated, url=pull.html_url or None, part="files"
    )


def _commit(said: Statements, pull: Pull, commit: PullCommit) -> None:
    created, updated = moment(pull.created_at), moment(pull.updated_at)
    committer = commit.commit.committer
    at = moment(committer.date) if committer is not None and committer.date else created
    at = max(
        created, min(at, updated)
    )  # clocks of committers are wrong at times; before the pull request it was not part of it
    ref = said.commit(commit.sha, at, commit.html_url or None)
    if ref is None:
        return
    this = names.pull_request(said.repository, pull.number)
    said.relate("PART_OF", ref, this, at, f"{said.repository}#{pull.number}", url=pull.html_url or None)
    author = commit.commit.author
    login = commit.author.get("login") if isinstance(commit.author, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(login, str) and login and author is not None and author.email:
        # GitHub ties a mail address to an account only when the account has confirmed it.
        one = names.account(said.system, login)
        said.known(Alias(one, "email", author.email.strip().lower()), at, f"{said.system}:{login}")


def _decides(later: Review, review: Review) -> bool:
    """Whether a later review by the same account says what holds instead."""
    if later.state.upper() not in ("APPROVED", "CHANGES_REQUESTED") or (later.user or GHOST) != (review.user or GHOST):
        return False
    return bool(later.submitted_at and review.submitted_at and moment(later.submitted_at) > moment(review.submitted_at))


def state_review(
    said: Statements, pull: Pull, review: Review, dismissed_at: str = "", *, superseded: bool = False
) -> None:
    """State a review.

    An approval holds until the same account requests changes or its review is dismissed. A dismissed review does not say what it was
    before: only its dismissal is stated, at `dismissed_at`, else when the review or the pull request was updated last, and not at all when
    it is `superseded` by a later one.
    """
    if not review.submitted_at:
        return
    submitted, updated = moment(review.submitted_at), moment(pull.updated_at)
    this = names.pull_request(said.repository, pull.number)
    locator = f"{said.repository}#{pull.number}/reviews/{review.id}"
    url = review.html_url or None
    who = account(said, review.user, submitted)
    if (review.user or GHOST).login != (pull.user or GHOST).login:
        state = review.state.lower()
        at = submitted
        if state == "dismissed":
            at = max(submitted, moment(dismissed_at or review.updated_at or pull.updated_at))
        if not superseded:
            said.relate("REVIEWED_BY", this, who, at, locator, {"state": state, "url": review.html_url}, url=url)
            if state in ("approved", "changes_requested", "dismissed"):
                said.relate("APPROVED_BY", this, who, at, locator, url=url, present=state == "approved")
    said.text(
        this,
        f"review-{review.id}",
        (review.body or "").strip(),
        submitted,
        locator,
        observed_at=max(submitted, updated),
        url=url,
    )


def state_comment(said: Statements, number: int, comment: Comment, sort: str = "comment", *, before: str = "") -> None:
    """State a comment; an edited one has its text since the edit. `before`: the text that the edit replaced."""
    created = moment(comment.created_at)
    updated = max(created, moment(comment.updated_at or comment.created_at))
    this = names.pull_request(said.repository, number)
    locator = f"{said.repository}#{number}/{sort}s/{comment.id}"
    url = comment.html_url or None
    who = account(said, comment.user, created)
    said.relate("COMMENTED_BY", this, who, created, locator, discriminator=f"{sort}-{comment.id}", url=url)
    text = (comment.body or "").strip()
    if text and comment.path:
        text = f"{comment.path}: {text}"
    said.text(this, f"{sort}-{comment.id}", text, updated, locator, url=url, before=before)


def state_comment_deleted(said: Statements, number: int, comment: Comment, at: Instant, sort: str = "comment") -> str:
    """State that a comment was deleted at `at`; returns the key of the text that must go."""
    this = names.pull_request(said.repository, number)
    locator = f"{said.repository}#{number}/{sort}s/{comment.id}"
    slot = f"{sort}-{comment.id}"
    who = account(said, comment.user, at)
    said.relate("COMMENTED_BY", this, who, at, locator, discriminator=slot, present=False)
    said.text(this, slot, "", at, locator, before=(comment.body or "").strip())
    return Passage(this, slot, "").key
