"""Pull requests and comments on GitHub, by its REST API.

A pull request is named by its key: its branch is `infralore/<key>`, its body carries `<!-- infralore:<key> -->`. A comment carries the same
mark. So an attempt that died at any point is found by the next one, also by another host's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, cast

import github
from github import GithubException

from agent.evidence import inline
from api.errors import OutwardRefused
from api.gateway import ActionRequest, Outcome, slug
from api.outward.github_errors import asking, is_missing, said
from api.outward.github_tree import TRAILER, Tree, commit_on

if TYPE_CHECKING:
    from github.GitCommit import GitCommit
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest
    from github.Repository import Repository

    from api.outward.settings import GithubSettings

MAX_BODY_CHARS = 65_536
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_NUMBERED = re.compile(rf"({_REPOSITORY.pattern})#([1-9]\d*)")


class GithubPerformer:
    """`github.pull_request` (target `owner/name`) and `github.comment` (target `owner/name#41`).

    Payload of a pull request: title, body, base (the default branch), branch (`infralore/<key>`), message (of the commit; the title), draft
    (`true`). Payload of a comment: body.
    """

    def __init__(self, given: GithubSettings) -> None:
        self._settings = given
        self._login = given.login
        self._just_seen = local()  # `perform` follows `find` at once: what that read need not be read again

    def find(self, request: ActionRequest) -> Outcome | None:
        """The pull request or comment of this key; `refused` when a person closed it with just this content."""
        with asking(request.target):
            if request.action == "github.comment":
                return self._find_comment(request)
            pull = self._pull(request)
            self._just_seen.pull = (request, pull)
            return _found(pull, request)

    def perform(self, request: ActionRequest, found: Outcome | None) -> Outcome:
        """Open it or write it, or update what was found."""
        with asking(request.target):
            if request.action == "github.comment":
                return self._comment(request)
            seen: object = self._just_seen.__dict__.pop("pull", None)
            known = cast("tuple[ActionRequest, _Pull]", seen) if isinstance(seen, tuple) else None
            return _opened(known[1] if known is not None and known[0] is request else self._pull(request), request)

    def _open(self) -> github.Github:
        given = self._settings
        # No retries of its own: it would repeat a POST whose answer was lost, and write twice.
        return github.Github(
            auth=github.Auth.Token(given.token),
            base_url=given.base_url,
            timeout=given.timeout_s,
            retry=None,
            per_page=100,
            seconds_between_requests=0,
            seconds_between_writes=given.seconds_between_writes,
        )

    # -- comments

    def _find_comment(self, request: ActionRequest) -> Outcome | None:
        comment = self._own_comment(request)
        if comment is None:
            return None
        same = _lines(comment.body) == _lines(_body(request))
        return Outcome(
            "already" if same else "done",
            str(comment.id),
            comment.html_url,
            "the comment is there already" if same else "",
        )

    def _comment(self, request: ActionRequest) -> Outcome:
        body = _body(request)
        comment = self._own_comment(request)
        if comment is not None:
            comment.edit(body)
            return Outcome("done", str(comment.id), comment.html_url, f"edited the comment on {request.target}")
        repository, number = _numbered(request.target)
        made = self._open().get_repo(repository).get_issue(number).create_comment(body)
        return Outcome("done", str(made.id), made.html_url, f"commented on {request.target}")

    def _own_comment(self, request: ActionRequest) -> IssueComment | None:
        """The first comment with our mark that we wrote ourselves: a mark alone could be anybody's."""
        repository, number = _numbered(request.target)
        opened = self._open()
        if not self._login:
            self._login = opened.get_user().login
        comments = opened.get_repo(repository).get_issue(number).get_comments()
        mark = marker(request.key)
        return next((c for c in comments if _lines(c.body)[-1] == mark and c.user.login == self._login), None)

    # -- pull requests

    def _pull(self, request: ActionRequest) -> _Pull:
        if not _REPOSITORY.fullmatch(request.target):
            raise OutwardRefused(f"{inline(request.target, 120)} is no repository", "write it as owner/name")
        if not request.files:
            raise OutwardRefused("a pull request without files changes nothing", "give the files that it is to change")
        if not request.payload.get("title", "").strip():
            raise OutwardRefused("a pull request needs a title", "give one in the payload")
        repository = self._open().get_repo(request.target)
        name = request.payload.get("base") or repository.default_branch
        head = _head(repository, name)
        if head is None:
            raise OutwardRefused(f"{request.target} has no branch {inline(name, 80)}", "name an existing one as `base`")
        branch = request.payload.get("branch") or f"infralore/{slug(request.key)}"
        if branch == name:
            raise OutwardRefused("a pull request cannot be of its own base branch", "leave `branch` out")
        pulls = [
            p
            for p in repository.get_pulls(state="all", head=f"{repository.owner.login}:{branch}")
            if p.head.ref == branch
        ]
        pulls.sort(key=lambda p: p.number, reverse=True)
        commit = repository.get_git_commit(head)
        return _Pull(
            repository, name, commit, Tree(repository, commit.tree.sha), branch, _head(repository, branch), pulls
        )


@dataclass(frozen=True, slots=True)
class _Pull:
    """How things stand for one key: `head` is its branch's commit, None without a branch; `pulls` are its pull requests, newest first."""

    repository: Repository
    base: str
    base_commit: GitCommit
    base_tree: Tree
    branch: str
    head: str | None
    pulls: list[PullRequest]

    @property
    def open(self) -> PullRequest | None:
        return next((p for p in self.pulls if p.state == "open"), None)

    def behind(self, head: str) -> tuple[bool, str]:
        """Whether the base went on since the branch left it, and where it left."""
        compared = self.repository.compare(self.base_commit.sha, head)
        return compared.behind_by > 0, compared.merge_base_commit.sha


def _found(pull: _Pull, request: ActionRequest) -> Outcome | None:
    there = pull.open
    if pull.base_tree.holds(request.files):
        url = there.html_url if there is not None else pull.pulls[0].html_url if pull.pulls else ""
        number = str(there.number) if there is not None else str(pull.pulls[0].number) if pull.pulls else ""
        return Outcome("already", number, url, f"{pull.base} holds exactly this, there is nothing to change")
    if there is None:
        last = pull.pulls[0] if pull.pulls else None
        if last is not None and not last.merged_at and Tree(pull.repository, last.head.sha).holds(request.files):
            return Outcome(
                "refused",
                str(last.number),
                last.html_url,
                f"#{last.number} proposed just this and was closed; reopen it when it is wanted after all",
            )
        return None
    same = there.title == request.payload["title"] and _lines(there.body or "") == _lines(_body(request))
    if same and pull.head is not None and _is_current(pull, pull.head, request):
        return Outcome("already", str(there.number), there.html_url, f"#{there.number} is open with exactly this")
    return Outcome("done", str(there.number), there.html_url)


def _opened(pull: _Pull, request: ActionRequest) -> Outcome:
    body = _body(request)
    pushed = pull.head is None or not _is_current(pull, pull.head, request)
    if pushed:
        _push(pull, request)
    there = pull.open
    if there is None:
        there = _create(pull, request, body)
        return Outcome("done", str(there.number), there.html_url, f"opened #{there.number} in {request.target}")
    if there.title != request.payload["title"] or _lines(there.body or "") != _lines(body):
        there.edit(title=request.payload["title"], body=body)
    return Outcome(
        "done",
        str(there.number),
        there.html_url,
        f"updated #{there.number} in {request.target}{' with a new commit' if pushed else ''}",
    )


def _is_current(pull: _Pull, head: str, request: ActionRequest) -> bool:
    """Whether the branch holds just these files, and the base has not changed them since it left.

    A base that went on elsewhere leaves the branch alone: a new commit for it would call all reviewers again for nothing.
    """
    if not Tree(pull.repository, head).holds(request.files):
        return False
    behind, left_at = pull.behind(head)
    return not behind or Tree(pull.repository, left_at).agrees(pull.base_tree, request.files)


def _push(pull: _Pull, request: ActionRequest) -> None:
    """A commit on top of our branch, or on top of the base's head where that went on or there is no branch."""
    parent, force = pull.base_commit, True
    if pull.head is not None:
        last = pull.repository.get_git_commit(pull.head)
        merged = any(p.merged_at and p.head.sha == pull.head for p in pull.pulls)
        if f"{TRAILER}: " not in last.message and not merged and pull.head != pull.base_commit.sha:
            raise OutwardRefused(
                f"somebody else pushed to {pull.branch}: what it holds is not overwritten",
                "merge or close its pull request and delete the branch, then try again",
            )
        if pull.open is not None and not pull.behind(pull.head)[0]:
            parent, force = last, False
    message = f"{request.payload.get('message') or request.payload['title']}\n\n{TRAILER}: {slug(request.key)}\n"
    commit = commit_on(pull.repository, pull.base_tree, parent, request.files, message)
    if pull.head is None:
        pull.repository.create_git_ref(f"refs/heads/{pull.branch}", commit.sha)
    else:
        pull.repository.get_git_ref(f"heads/{pull.branch}").edit(commit.sha, force=force)


def _create(pull: _Pull, request: ActionRequest, body: str) -> PullRequest:
    draft = request.payload.get("draft", "") == "true"
    try:
        return pull.repository.create_pull(
            pull.base, pull.branch, title=request.payload["title"], body=body, draft=draft
        )
    except GithubException as error:
        # Another host was faster: GitHub itself allows one open pull request for a branch.
        if error.status != 422 or "already exists" not in said(error):
            raise
        theirs = pull.repository.get_pulls(state="open", head=f"{pull.repository.owner.login}:{pull.branch}")
        found = next((p for p in theirs if p.head.ref == pull.branch), None)
        if found is None:
            raise
        return found


def marker(key: str) -> str:
    """What names the key in a body; readers do not see it."""
    return f"<!-- infralore:{slug(key)} -->"


def _body(request: ActionRequest) -> str:
    body = f"{request.payload.get('body', '').strip()}\n\n{marker(request.key)}".lstrip()
    if len(body) > MAX_BODY_CHARS:
        raise OutwardRefused(f"the text has {len(body)} characters, GitHub takes {MAX_BODY_CHARS}", "shorten it")
    return body


def _lines(text: str) -> list[str]:
    """GitHub may keep other line ends than it was sent."""
    return text.replace("\r\n", "\n").strip().split("\n")


def _numbered(target: str) -> tuple[str, int]:
    found = _NUMBERED.fullmatch(target)
    if found is None:
        raise OutwardRefused(f"{inline(target, 120)} is no pull request or issue", "write it as owner/name#41")
    return found[1], int(found[2])


def _head(repository: Repository, branch: str) -> str | None:
    try:
        return repository.get_git_ref(f"heads/{branch}").object.sha
    except GithubException as error:
        if is_missing(error):
            return None
        raise
