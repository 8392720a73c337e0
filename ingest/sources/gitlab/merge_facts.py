"""From a merge request, its approvals and notes to facts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graph.clock import Instant, rfc3339
from graph.model import Alias, Entity, EntityRef, Value
from ingest import names
from ingest.sources.forge.statements import Statements, closed_issues
from ingest.sources.gitlab.payloads import (
    GHOST,
    Approvals,
    Commit,
    Diff,
    MergeRequest,
    Note,
    User,
    moment,
)

STATES = {"opened": "open", "locked": "open"}
"""GitLab's word -> ours; `locked` is the moment of being merged. Others stay as told."""
_BOT = re.compile(r"(?:project|group)_\d+_bot(?:_\w+)?", re.ASCII)
_APPROVED, _UNAPPROVED = "approved this merge request", "unapproved this merge request"


@dataclass(frozen=True, slots=True)
class MergeBundle:
    """A merge request with what belongs to it, as far as it was read (None: not read)."""

    request: MergeRequest
    approvals: Approvals | None = None
    notes: Sequence[Note] = ()
    commits: Sequence[Commit] = ()
    diffs: Sequence[Diff] | None = None


def state_bundle(said: Statements, bundle: MergeBundle) -> None:
    """State all of it."""
    one = bundle.request
    state_merge_request(said, one)
    if bundle.diffs is not None:
        _files(said, one, bundle.diffs)
    for commit in bundle.commits:
        _commit(said, one, commit)
    noted: set[str] = set()
    for note in sorted(bundle.notes, key=lambda n: n.id):
        who = state_note(said, one.iid, one.web_url, note)
        if who:
            noted.add(who)
    for approval in bundle.approvals.approved_by if bundle.approvals is not None else ():
        if (
            approval.user.username not in noted
        ):  # the history tells when; without it, the last update is all that is known
            at = moment(approval.approved_at or one.merged_at or one.updated_at)
            state_approval(said, one.iid, one.web_url, approval.user, at)


def account(said: Statements, user: User | None, at: Instant) -> EntityRef:
    """The account of a user, stated; null is GitLab's ghost."""
    user = user or GHOST
    bot = user.bot or _BOT.fullmatch(user.username) is not None
    return said.account(user.username, at, name=user.name, kind="bot" if bot else "user", url=user.web_url)


def request_of(said: Statements, iid: int) -> tuple[EntityRef, str]:
    """Ref and locator of a merge request."""
    return names.pull_request(said.repository, iid), f"{said.repository}#{iid}"


def state_merge_request(said: Statements, one: MergeRequest) -> None:
    """State a merge request by its own object: a version for its creation, one for its end and one for its last update.

    Labels and whether it is a draft have no times of their own: only the version of the last update tells them.
    """
    this, locator = request_of(said, one.iid)
    url = one.web_url or None
    created, updated = moment(one.created_at), moment(one.updated_at)
    for at, properties in _versions(said.repository, one, created, updated):
        said.state(Entity(this, properties), at, locator, observed_at=updated, url=url)
    state_names(said, one.iid, one.web_url, created)
    said.relate("AUTHORED_BY", this, account(said, one.author, created), created, locator, url=url)
    state_words(said, one.iid, one.web_url, one.title, one.description or "", created, updated)
    if one.state == "merged" and one.merged_at:
        merged = moment(one.merged_at)
        user = one.merge_user or one.merged_by
        said.relate("MERGED_BY", this, account(said, user, merged), merged, locator, url=url)
        if (commit := said.commit(merge_commit(one), merged)) is not None:
            said.relate("MERGED_AS", this, commit, merged, locator, url=url)


def merge_commit(one: MergeRequest) -> str:
    """The commit that brought it to its target: of a fast-forward its own last one."""
    return one.merge_commit_sha or one.squash_commit_sha or one.sha or ""


def state_names(said: Statements, iid: int, url: str, created: Instant) -> None:
    """State the repository and the names of a merge request."""
    this, locator = request_of(said, iid)
    said.itself(created)
    for name in (locator, f"{said.repository}!{iid}"):
        said.state(Alias(this, "number", name), created, locator, url=url or None)
    if url:
        said.state(Alias(this, "url", url), created, locator, url=url)


def state_words(
    said: Statements, iid: int, url: str, title: str, description: str, created: Instant, updated: Instant
) -> None:
    """State title and description, and which issues it closes. As told last: GitLab does not tell when they were edited."""
    this, locator = request_of(said, iid)
    text = f"{title}\n\n{description.strip()}".strip()
    said.text(this, "body", text, created, locator, observed_at=updated, url=url or None)
    for repository, number in closed_issues(description, said.repository):
        issue = said.issue(repository, number, created)
        said.relate("CLOSES", this, issue, created, locator, observed_at=updated, url=url or None)


def _versions(
    repository: str, one: MergeRequest, created: Instant, updated: Instant
) -> list[tuple[Instant, dict[str, Value]]]:
    opened: dict[str, Value] = {
        "repository": repository,
        "number": one.iid,
        "title": one.title,
        "url": one.web_url,
        "branch": one.source_branch,
        "base": one.target_branch,
        "state": "open",
        "created_at": rfc3339(created),
    }
    versions = {created: opened}
    last = opened
    if one.state == "merged" and one.merged_at:
        merged = moment(one.merged_at)
        last = opened | {"state": "merged", "merged_at": rfc3339(merged), "closed_at": rfc3339(merged)}
        if names.is_commit_hash(merge_commit(one)):
            last["merge_commit"] = merge_commit(one)
        versions[merged] = last
    elif one.state == "closed" and one.closed_at:
        closed = moment(one.closed_at)
        last = opened | {"state": "closed", "closed_at": rfc3339(closed)}
        versions[closed] = last
    else:
        last = opened | {"state": STATES.get(one.state, one.state)}
    if updated >= max(versions):
        versions[updated] = last | {"draft": one.draft, "labels": list(one.labels)}
    return sorted(versions.items())


def _files(said: Statements, one: MergeRequest, diffs: Sequence[Diff]) -> None:
    updated = moment(one.updated_at)
    ended = one.merged_at if one.state == "merged" else one.closed_at if one.state == "closed" else None
    paths = sorted({p for d in diffs for p in (d.new_path, d.old_path) if p})
    this, locator = request_of(said, one.iid)
    at = moment(ended) if ended else updated
    said.state(Entity(this, {"files": paths}), at, locator, observed_at=updated, url=one.web_url or None, part="files")


def _commit(said: Statements, one: MergeRequest, commit: Commit) -> None:
    created, updated = moment(one.created_at), moment(one.updated_at)
    at = moment(commit.committed_date) if commit.committed_date else created
    at = max(created, min(at, updated))
    ref = said.commit(commit.id, at, commit.web_url or None)
    if ref is not None:
        this, locator = request_of(said, one.iid)
        said.relate("PART_OF", ref, this, at, locator, url=one.web_url or None)


def state_note(said: Statements, iid: int, url: str, note: Note) -> str:
    """State a note; an edited one has its text since the edit. Returns the login of who approved or took it back with it, else nothing."""
    created = moment(note.created_at)
    this, locator = request_of(said, iid)
    body = (note.body or "").strip()
    if note.system:
        if body not in (_APPROVED, _UNAPPROVED):
            return ""
        user = note.author or GHOST
        state_approval(said, iid, url, user, created, approved=body == _APPROVED)
        return user.username
    if note.internal or note.confidential:
        return ""  # whoever reads the graph need not be a member of the project
    updated = max(created, moment(note.updated_at or note.created_at))
    where = f"{locator}/notes/{note.id}"
    link = f"{url}#note_{note.id}" if url else None
    slot = f"note-{note.id}"
    said.relate("COMMENTED_BY", this, account(said, note.author, created), created, where, discriminator=slot, url=link)
    said.text(this, slot, body, updated, where, url=link)
    return ""


def state_approval(said: Statements, iid: int, url: str, user: User, at: Instant, *, approved: bool = True) -> None:
    """State that somebody approves, or does no longer, from `at` on."""
    this, locator = request_of(said, iid)
    who = account(said, user, at)
    state = {"state": "approved" if approved else "dismissed", "url": url}
    said.relate("REVIEWED_BY", this, who, at, locator, state, url=url or None)
    said.relate("APPROVED_BY", this, who, at, locator, url=url or None, present=approved)
