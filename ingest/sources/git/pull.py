"""One pull: from a cursor to the tip of the mainline, step by step."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from graph.clock import Instant
from graph.model import Alias, Assertion, Entity, FactBatch, Snapshot
from ingest.source import SourceDataInvalid
from ingest.sources.git.batches import Batches
from ingest.sources.git.blobs import Blobs
from ingest.sources.git.blocks import BlockDiffer, Language
from ingest.sources.git.changed_lines import ChangedLines
from ingest.sources.git.command import GitFailed
from ingest.sources.git.cursor import Cursor
from ingest.sources.git.log import Commit, diff_trees, read_log
from ingest.sources.git.mainline import Point, Step, steps
from ingest.sources.git.reader import Reader
from ingest.sources.git.repository import Repository
from ingest.sources.git.rewritten import Vanishing
from ingest.sources.git.route import Lost, Route, find_route
from ingest.sources.git.tags import tag_assertions, tags_digest, tags_within

_LOOKAHEAD = 32  # steps whose contents are asked for before they are needed
_PINNED = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)

Reading = Callable[[], tuple[Sequence[Language], BlockDiffer]]
"""Gives the languages to read and a differ for one pull."""


def pull(
    repository: Repository, revision: str, text: str | None, now: Instant, reading: Reading
) -> Iterator[FactBatch]:
    """The batches since the cursor `text`. See `ingest.source.Source.pull`."""
    tip = repository.commit(revision)
    if tip is None:
        raise _no_such_revision(repository, revision)
    route = find_route(repository, text, tip, now)
    batches = Batches(repository.site.name, text, tip, now)
    if not route.mainline and route.kind == "go_on":
        yield from _finish(repository, revision, batches, route.before, route.before, now)
        return
    with (
        Blobs(repository.git, partial=repository.partial) as blobs,
        ChangedLines(repository.git, blobs.is_here) as lines,
    ):
        yield from _Pull(repository, revision, route, batches, blobs, lines, reading, now).batches()


class _Pull:
    """The state of one pull that has something to read."""

    def __init__(
        self,
        repository: Repository,
        revision: str,
        route: Route,
        batches: Batches,
        blobs: Blobs,
        lines: ChangedLines,
        reading: Reading,
        now: Instant,
    ) -> None:
        self._repository = repository
        self._revision = revision
        self._route = route
        self._batches = batches
        self._blobs = blobs
        self._lines = lines
        self._languages, self._differ = reading()
        self._now = now
        self._cursor: Cursor = route.start
        self._stopped: GitFailed | None = None

    def batches(self) -> Iterator[FactBatch]:
        route = self._route
        if route.kind == "go_on":
            yield from self._go_on()
        elif route.lost is not None:
            yield from self._rewritten(route.lost)
        else:
            yield from self._again()

    def _go_on(self) -> Iterator[FactBatch]:
        for _ in self._read():
            if self._batches.full:
                yield from self._batches.cut(self._cursor.text(), self._cursor.at)
        if self._stopped is not None:
            if self._batches.out:
                yield from self._batches.cut(self._cursor.text(), self._cursor.at)
            raise _incomplete(self._repository, self._stopped)
        yield from self._end()

    def _rewritten(self, lost: Lost) -> Iterator[FactBatch]:
        # The cursor moves only with the last batch: stopped before it, all this is done again.
        vanishing = Vanishing()
        for assertions in self._lost_facts(lost):
            vanishing.lose(assertions)
        seen = 0
        for _ in self._read():
            vanishing.meet(self._batches.out[seen:])
            seen = len(self._batches.out)
            if self._batches.full:
                yield from self._batches.cut(None, None)
                seen = 0
        self._raise_if_stopped()
        at = max(self._now, self._cursor.at + 1, self._route.before.at + 1)
        self._batches.out.extend(vanishing.ended(at))
        self._state_difference(lost.tip, at)
        self._cursor = replace(self._cursor, at=at)
        yield from self._end()

    def _again(self) -> Iterator[FactBatch]:
        current: dict[str, Assertion] = {}
        seen = 0
        for _ in self._read():
            for assertion in self._batches.out[seen:]:
                if assertion.present:
                    current[assertion.fact.key] = assertion
                else:
                    current.pop(assertion.fact.key, None)
            seen = len(self._batches.out)
            if self._batches.full:
                yield from self._batches.cut(None, None)
                seen = 0
        self._raise_if_stopped()
        yield from self._batches.cut(None, None)
        at = max(self._now, self._cursor.at + 1, self._route.before.at + 1)
        self._batches.out.extend(replace(assertion, valid_from=at) for assertion in current.values())
        self._cursor = replace(self._cursor, at=at)
        yield from self._end(Snapshot(at, at))

    def _read(self) -> Iterator[Step]:
        """State the route's steps one by one. When git stops early, so does this, after the last whole step."""
        route, repository = self._route, self._repository
        reader = self._reader(self._batches, from_the_start=route.from_the_start)
        commits = read_log(repository.git, route.revisions)
        stream = steps(commits, route.mainline, route.start.point, self._now, repository.cuts)
        for step in self._ahead(stream, reader):
            if self._cursor.position < 0:
                _state_repository(repository, self._batches, step, self._now)
            reader.state(step)
            self._cursor = self._cursor.moved(step.commit.sha, step.point)
            if step.cut:
                self._cursor = replace(self._cursor, cut=step.commit.sha)
            yield step

    def _ahead(self, stream: Iterator[Step], reader: Reader) -> Iterator[Step]:
        waiting: deque[Step] = deque()
        try:
            for step in stream:
                reader.prefetch(step)
                waiting.append(step)
                if len(waiting) > _LOOKAHEAD:
                    yield waiting.popleft()
        except GitFailed as error:
            self._stopped = error
        yield from waiting

    def _lost_facts(self, lost: Lost) -> Iterator[Sequence[Assertion]]:
        route, repository = self._route, self._repository
        scratch = Batches(repository.site.name, None, lost.tip, self._now)
        reader = self._reader(scratch, from_the_start=False)
        exclude = (f"^{route.start.tip}",) if route.start.tip else ()
        commits = read_log(repository.git, (lost.tip, *exclude))
        for step in steps(commits, lost.mainline, route.start.point, self._now, repository.cuts):
            reader.state(step)
            yield scratch.out
            scratch.out.clear()

    def _state_difference(self, old_tip: str, at: Instant) -> None:
        """State at `at` what files and blocks are now, where the old tip had them otherwise."""
        new_tip = self._cursor.tip
        files = diff_trees(self._repository.git, old_tip, new_tip)
        change = Commit(new_tip, (old_tip,), "", "", 0, "", "", 0, "", files)
        reader = self._reader(self._batches, from_the_start=False)
        reader.state_content(Step(change, (), Point(self._cursor.position, at)))

    def _reader(self, batches: Batches, *, from_the_start: bool) -> Reader:
        return Reader(
            self._repository,
            self._languages,
            self._differ,
            batches,
            self._blobs,
            self._lines,
            self._now,
            from_the_start=from_the_start,
        )

    def _raise_if_stopped(self) -> None:
        if self._stopped is not None:
            raise _incomplete(self._repository, self._stopped)

    def _end(self, snapshot: Snapshot | None = None) -> Iterator[FactBatch]:
        yield from _finish(
            self._repository, self._revision, self._batches, self._route.before, self._cursor, self._now, snapshot
        )


def _finish(
    repository: Repository,
    revision: str,
    batches: Batches,
    before: Cursor,
    cursor: Cursor,
    now: Instant,
    snapshot: Snapshot | None = None,
) -> Iterator[FactBatch]:
    """The last batch: tags, and how fresh it all is. Nothing when there is nothing to say."""
    all_tags = tags_digest(repository)
    if all_tags != before.all_tags or (cursor.tip != before.tip and all_tags):
        known: Mapping[str, str] = {} if snapshot is not None else before.tags
        tags = tags_within(repository, cursor.tip)
        stated = tag_assertions(repository, known, tags, now)
        batches.out.extend(stated)
        if snapshot is not None:
            batches.out.extend(replace(assertion, valid_from=snapshot.taken_at) for assertion in stated)
        cursor = replace(cursor, tags={name: tag.commit for name, tag in tags.items()}, all_tags=all_tags)
    else:
        cursor = replace(cursor, tags=before.tags, all_tags=before.all_tags)
    fresh = max(before.fresh, _fresh_until(repository, revision, cursor.at, now))
    cursor = replace(cursor, fresh=fresh)
    if batches.out or batches.quarantined or snapshot is not None or cursor != before:
        yield from batches.cut(cursor.text(), fresh, snapshot)


def _fresh_until(repository: Repository, revision: str, at: Instant, now: Instant) -> Instant:
    """Up to when the history is known: a copy knows as much as its last fetch, a pinned revision only itself."""
    if _PINNED.fullmatch(revision) is not None:
        return at
    if not repository.has_remote:
        return max(at, now)
    fetched_at = repository.fetched_at()
    return at if fetched_at is None else max(at, min(fetched_at, now))


def _state_repository(repository: Repository, batches: Batches, step: Step, now: Instant) -> None:
    site = repository.site
    locator, url = site.locator(step.commit.sha), site.web.base or None
    properties = {"name": site.name, "url": url} if url else {"name": site.name}
    batches.out.append(Assertion(Entity(site.repository, properties), step.point.at, now, locator, url=url))
    batches.out.append(Assertion(Alias(site.repository, "name", site.name), step.point.at, now, locator, url=url))


def _no_such_revision(repository: Repository, revision: str) -> SourceDataInvalid:
    if revision == "HEAD":
        return SourceDataInvalid(
            f"{repository.site.name} has no commits.", "Commit something, or name a branch that has commits with --rev."
        )
    return SourceDataInvalid(
        f"{repository.site.name} has no revision {revision}.", "Name a branch, a tag or a commit that `git log` knows."
    )


def _incomplete(repository: Repository, error: GitFailed) -> SourceDataInvalid:
    return SourceDataInvalid(
        f"git could not read all of {repository.site.name}: {error.message}.",
        "Run `git fsck` there, or clone it again; what could be read is kept.",
    )
