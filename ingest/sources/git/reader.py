"""Stating one mainline step after another: commits, files, blocks, owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

from graph.clock import Instant
from ingest.sources.git.attribution import Attribution
from ingest.sources.git.batches import Batches
from ingest.sources.git.blobs import Blobs
from ingest.sources.git.block_facts import NO_LINKS, BlockFacts, Links, links_of
from ingest.sources.git.blocks import BlockChange, BlockDiffer, FileChange, Language, Place
from ingest.sources.git.changed_lines import NO_LINES, ChangedLines
from ingest.sources.git.codeowners_facts import CodeownersFacts
from ingest.sources.git.commit_facts import CommitFacts
from ingest.sources.git.file_facts import FileFacts
from ingest.sources.git.log import REGULAR_MODES, Commit, FileEntry
from ingest.sources.git.mainline import Step
from ingest.sources.git.people import Accounts
from ingest.sources.git.repository import Repository
from ingest.sources.git.withheld import without_secrets


class UnreadablePart(Protocol):
    """A part of a file that a differ could not read as blocks."""

    @property
    def path(self) -> str:
        """The file."""
        ...

    @property
    def blob(self) -> str:
        """The version."""
        ...

    @property
    def line(self) -> int:
        """Where the part begins."""
        ...

    @property
    def reason(self) -> str:
        """Why."""
        ...


@runtime_checkable
class Reporting(Protocol):
    """A differ that says what it could not read."""

    def take_unreadable(self) -> Sequence[UnreadablePart]:
        """What was new since the last call."""
        ...


class Reader:
    """States what mainline steps say, into the batches' list. It lives for one pull."""

    def __init__(
        self,
        repository: Repository,
        languages: Sequence[Language],
        differ: BlockDiffer,
        batches: Batches,
        blobs: Blobs,
        lines: ChangedLines,
        now: Instant,
        *,
        from_the_start: bool,
    ) -> None:
        site, out = repository.site, batches.out
        self._site = site
        self._languages = languages
        self._differ = differ
        self._reporting = differ if isinstance(differ, Reporting) else None
        self._batches = batches
        self._blobs = blobs
        self._lines = lines
        self._language: Callable[[str], Language | None] = lru_cache(maxsize=65_536)(self._find_language)
        self._accounts = Accounts(out, now)
        self._commits = CommitFacts(site, out, now, self._accounts, lru_cache(maxsize=1_024)(repository.commit))
        self._files = FileFacts(site, out, now, self._language_name)
        self._blocks = BlockFacts(site, out, now, self._links_before, from_the_start=from_the_start)
        self._owners = CodeownersFacts(site, repository.git, out, now, self._accounts, blobs.read)
        self._quarantined: set[tuple[str, str]] = set()

    def prefetch(self, step: Step) -> None:
        """Ask for the contents that `state` will need."""
        self._blobs.prefetch(c.new_blob for c in self._readable(step.commit.files) if c.new_blob is not None)
        if not step.cut:
            self._lines.prefetch(step.commit)

    def state(self, step: Step) -> None:
        """State one step."""
        self._commits.state(step)
        if not step.cut:
            self._content(step, Attribution(step, self._inner_changes))
            return
        self._content(step, None)
        locator = self._site.locator(step.commit.sha)
        self._batches.quarantine(locator, "the clone is shallow: what was before this commit is not here")

    def state_content(self, step: Step) -> None:
        """State what files and blocks are after the step's diff, and nothing of who made it so."""
        self._content(step, None)

    def _content(self, step: Step, attribution: Attribution | None) -> None:
        commit = step.commit
        lines = NO_LINES if attribution is None else self._lines.read(commit)
        readable = self._readable(commit.files)
        changes = self._differ.changes(readable, self._blobs.read) if readable else ()
        self._files.state(step, attribution, without_secrets(lines, readable, changes, self._blobs.read))
        if (reason := self._lines.unreadable.pop(commit.sha, None)) is not None:
            self._batches.quarantine(self._site.locator(commit.sha), reason)
        if readable:
            entries = {entry.path: entry for entry in commit.files}
            self._blocks.state(changes, commit, step.point.at, entries, attribution)
            self._end_modules(step, readable)
            self._note_unreadable(commit, readable)
        self._owners.state(step)
        while self._owners.unread:
            path, blob = self._owners.unread.pop()
            reason = self._blobs.unreadable.get(blob, "")
            self._quarantine(commit, path, None, f"its owners were not read: {reason}")

    def _end_modules(self, step: Step, files: Iterable[FileChange]) -> None:
        """End the modules whose last file of code is gone."""
        directories = {
            language.directory(file.path): file.path
            for file in files
            if file.new_blob is None and (language := self._language(file.path)) is not None
        }
        for directory, path in directories.items():
            if directory == path:
                continue
            left = self._blobs.folder(step.commit.sha, directory)
            prefix = f"{directory}/" if directory else ""
            if not any(self._holds_code(prefix + name, directory) for name in left):
                sha = step.commit.parents[0] if step.commit.parents else step.commit.sha
                self._blocks.end_module(directory, step.point.at, self._site.locator(sha, path))

    def _holds_code(self, path: str, directory: str) -> bool:
        language = self._language(path)
        return language is not None and language.directory(path) == directory

    def _inner_changes(self, files: Sequence[FileEntry]) -> Sequence[BlockChange]:
        readable = self._readable(files)
        return self._differ.changes(readable, self._blobs.read) if readable else ()

    def _readable(self, files: Iterable[FileEntry]) -> list[FileChange]:
        changes: list[FileChange] = []
        for entry in files:
            if self._language(entry.path) is None:
                continue
            old = entry.old_blob if entry.old_mode in REGULAR_MODES else None
            new = entry.new_blob if entry.new_mode in REGULAR_MODES else None
            if old != new:
                changes.append(FileChange(entry.path, old, new))
        return changes

    def _note_unreadable(self, commit: Commit, files: Iterable[FileChange]) -> None:
        blobs = {file.new_blob: file.path for file in files if file.new_blob is not None}
        if self._blobs.unreadable:
            for blob, path in blobs.items():
                if (reason := self._blobs.unreadable.get(blob)) is not None:
                    self._quarantine(commit, path, None, f"its blocks were not read: {reason}")
        if self._reporting is not None:
            for row in self._reporting.take_unreadable():
                if blobs.get(row.blob) == row.path:
                    self._quarantine(commit, row.path, row.line, row.reason)

    def _quarantine(self, commit: Commit, path: str, line: int | None, reason: str) -> None:
        # A file that stays broken is noted once, not at each of its versions.
        if (path, reason) not in self._quarantined:
            self._quarantined.add((path, reason))
            lines = (line, line) if line is not None else None
            self._batches.quarantine(self._site.locator(commit.sha, path, lines), reason)

    def _links_before(self, place: Place, entries: Mapping[str, FileEntry]) -> Links:
        for file in self._readable(entries.values()):
            language = self._language(file.path)
            if language is None or file.old_blob is None or language.directory(file.path) != place.directory:
                continue
            data = self._blobs.read(file.old_blob)
            if data is None:
                continue
            for span in language.split(file.path, data).spans:
                if span.address == place.address:
                    return links_of(language.meaning(span))
        return NO_LINKS

    def _find_language(self, path: str) -> Language | None:
        return next((language for language in self._languages if language.matches(path)), None)

    def _language_name(self, path: str) -> str:
        language = self._language(path)
        return language.name if language is not None else ""
