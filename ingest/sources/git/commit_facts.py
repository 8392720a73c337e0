"""Facts of the commits themselves: who, when, why, with which pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graph.clock import SECOND, Instant, rfc3339
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, Fact, Passage, Properties, Relation, ref
from ingest.sources.git.log import Commit
from ingest.sources.git.mainline import Step
from ingest.sources.git.messages import Message, PullRequestNote, read_message
from ingest.sources.git.people import WEB_FLOW, Accounts
from ingest.sources.git.site import Site

_NOTHING: Properties = {}


class CommitFacts:
    """States what commits say of themselves."""

    def __init__(
        self, site: Site, out: list[Assertion], now: Instant, accounts: Accounts, full_hash: Callable[[str], str | None]
    ) -> None:
        """`full_hash` resolves the abbreviated hash of a commit."""
        self._site = site
        self._out = out
        self._now = now
        self._accounts = accounts
        self._full_hash = full_hash

    def state(self, step: Step) -> None:
        """State the step's commits, inner ones first, and the pull requests they came with."""
        if not step.inner:
            message = read_message(step.commit.message)
            self._commit(step.commit, message, step, message.pull_request)
            return
        own = read_message(step.commit.message)
        inner = [(commit, read_message(commit.message)) for commit in step.inner]
        came_with = _inner_pull_requests(inner)
        for commit, message in inner:
            request = came_with.get(commit.sha) or own.pull_request or message.pull_request
            self._commit(commit, message, step, request, names_it=request is message.pull_request)
        self._commit(step.commit, own, step, own.pull_request)

    def _commit(
        self, commit: Commit, message: Message, step: Step, request: PullRequestNote | None, *, names_it: bool = True
    ) -> None:
        site, at = self._site, step.point.at
        this = EntityRef("Commit:" + commit.sha)
        locator = f"{site.name}@{commit.sha}"
        url = site.web.commit(commit.sha)
        properties: Properties = {
            "repository": site.name,
            "short": commit.sha[:7],
            "title": message.title,
            "authored_at": rfc3339(commit.authored_s * SECOND),
            "committed_at": rfc3339(commit.committed_s * SECOND),
            "parents": commit.parents,
            "mainline": step.commit.sha,
            "position": step.point.position,
            "merged_at": rfc3339(at),
        }

        def state(fact: Fact) -> None:
            self._out.append(Assertion(fact, at, self._now, locator, None, True, PUBLIC, url))

        def relate(type_: str, other: EntityRef) -> None:
            state(Relation(type_, this, other, _NOTHING))

        state(Entity(this, properties))
        if message.text:
            state(Passage(this, "message", message.text))
        account = self._accounts.account
        author = account(commit.author_name, commit.author_email, at, locator)
        if author is not None:
            relate("AUTHORED_BY", author)
        if commit.committer_email != commit.author_email and commit.committer_email != WEB_FLOW:
            committer = account(commit.committer_name, commit.committer_email, at, locator)
            if committer is not None and committer != author:
                relate("COMMITTED_BY", committer)
        if message.people:
            for relation, name, email in message.people:
                person = account(name, email, at, locator)
                if person is not None and not (relation == "CO_AUTHORED_BY" and person == author):
                    relate(relation, person)
        for change_id in message.change_ids:
            state(Alias(this, "change_id", change_id))
        for relation, hashes in (("REVERTS", message.reverts), ("CHERRY_PICKED_FROM", message.picked_from)):
            for other in self._commits(hashes, commit.sha):
                relate(relation, other)
        if request is not None:
            pull_request = site.pull_request(request.number)
            if names_it:
                self._pull_request(pull_request, request, at, locator)
            relate("PART_OF", pull_request)

    def _pull_request(self, this: EntityRef, request: PullRequestNote, at: Instant, locator: str) -> None:
        url = self._site.web.pull_request(request.number)
        properties: dict[str, str | int | None] = {
            "repository": self._site.name,
            "number": request.number,
            "title": request.title,
        }
        if url is not None:
            properties["url"] = url
        if request.branch:
            properties["branch"] = request.branch
        self._out.append(Assertion(Entity(this, properties), at, self._now, locator, None, True, PUBLIC, url))

    def _commits(self, hashes: Iterable[str], own: str) -> Iterable[EntityRef]:
        for written in hashes:
            sha = written if len(written) == len(own) else self._full_hash(written)
            if sha is not None and sha != own:
                yield ref("Commit", sha)


def _inner_pull_requests(inner: list[tuple[Commit, Message]]) -> dict[str, PullRequestNote]:
    """Of commits that came with a pull request merged into the branch: the innermost such request.

    Inside a merge a number in parentheses may also be an issue's; only a merge's subject is taken at its word here.
    """
    merges = [
        (commit, request)
        for commit, message in inner
        if (request := message.pull_request) is not None and not request.squashed and len(commit.parents) > 1
    ]
    found: dict[str, PullRequestNote] = {}
    if not merges:
        return found
    parents = {commit.sha: commit.parents for commit, _ in inner}
    for merge, request in merges:
        before = _reachable(merge.parents[:1], parents)
        for sha in _reachable(merge.parents[1:], parents) - before:
            found.setdefault(sha, request)
        found[merge.sha] = request
    return found


def _reachable(tips: Iterable[str], parents: dict[str, tuple[str, ...]]) -> set[str]:
    seen: set[str] = set()
    ahead = list(tips)
    while ahead:
        sha = ahead.pop()
        if sha in parents and sha not in seen:
            seen.add(sha)
            ahead.extend(parents[sha])
    return seen
