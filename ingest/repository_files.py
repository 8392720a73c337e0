"""The files of a directory, or of a git repository at a revision, for sources that read what people keep beside their code.

A path that is the root of a work tree, or a bare repository, is read as git has it: what is not committed is not there, and each file says since
when it is as it is. Any other directory is read from disk; it tells no times. Links and submodules are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pathspec

from graph.clock import SECOND, Instant
from graph.model import Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.git.blobs import Blobs
from ingest.sources.git.command import GitFailed
from ingest.sources.git.remote import Web
from ingest.sources.git.repository import Repository, open_repository

MAX_FILE_BYTES = 2_000_000
"""Larger files are quarantined: nobody wrote them by hand."""
MAX_FILES = 20_000
"""More files than these that match are refused: the patterns are too wide."""

_NOT_ENTERED = frozenset({".git", ".terraform", ".venv", "node_modules", "__pycache__"})
_SNIFF_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file.

    Attributes:
        path: below the root, with `/`.
        content: its bytes.
        revision: full hash of the commit it was read at; empty in a directory.
        changed_at: when the last change of it reached the mainline; None in a directory, which tells no time.
        locator: `owner/name@sha:path`, or the path alone in a directory.
        url: the file in a browser, where the forge is known.
    """

    path: str
    content: bytes
    revision: str
    changed_at: Instant | None
    locator: str
    url: str | None
    web: Web = field(default=Web(), repr=False)

    def text(self) -> str:
        """The content as text; what is not UTF-8 becomes the replacement character. A byte-order mark is left out, lines end in `\\n`."""
        return self.content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")

    def cite(self, first: int, last: int | None = None) -> tuple[str, str | None]:
        """Locator and URL of its lines, counted from 1."""
        lines = f"#L{first}" if last is None or last == first else f"#L{first}-L{last}"
        return self.locator + lines, self.web.file(self.revision, self.path, (first, last or first))


@dataclass(slots=True)
class RepositoryFiles:
    """An opened place. `files` reads it; afterwards `quarantined` holds what could not be read.

    Attributes:
        root: the directory.
        name: `owner/name` as given, or as the remote's URL tells, or the directory's name.
        revision: full hash of the commit that is read; empty for a directory and for a repository without commits.
        committed_at: when that commit was made; None where there is none.
        is_git: whether it is a repository.
    """

    root: Path
    name: str
    revision: str = ""
    committed_at: Instant | None = None
    is_git: bool = False
    quarantined: list[Quarantined] = field(default_factory=list[Quarantined])
    _repository: Repository | None = field(default=None, repr=False)

    def files(
        self,
        include: Sequence[str],
        exclude: Sequence[str] = (),
        *,
        max_file_bytes: int = MAX_FILE_BYTES,
        max_files: int = MAX_FILES,
    ) -> Iterator[RepositoryFile]:
        """The files whose path matches, in order of their paths. Patterns are those of `.gitignore` (`docs/**/*.md`, `CODEOWNERS`).

        What is too large, binary or not readable is left out and noted in `quarantined`.

        Raises:
            SourceUnavailable: git stopped in the middle.
            SourceDataInvalid: a pattern is malformed, or more than `max_files` match.
        """
        wanted = _Patterns(include, exclude)
        self.quarantined.clear()
        if self._repository is None:
            yield from self._on_disk(wanted, max_file_bytes, max_files)
        elif self.revision:
            yield from self._in_git(self._repository, wanted, max_file_bytes, max_files)

    def _locator(self, path: str) -> str:
        return f"{self.name}@{self.revision}:{path}" if self.is_git else path

    # -- a repository

    def _in_git(
        self, repository: Repository, wanted: _Patterns, max_file_bytes: int, max_files: int
    ) -> Iterator[RepositoryFile]:
        try:
            blobs = {path: (blob, size) for path, blob, size in _tree(repository, self.revision) if wanted.match(path)}
            self._refuse_too_many(len(blobs), max_files)
            changed = last_changes(repository, self.revision, frozenset(blobs))
        except GitFailed as error:
            raise _unreadable(self.name, error) from None
        small: list[tuple[str, str]] = []
        for path, (blob, size) in sorted(blobs.items()):
            if size is not None and size > max_file_bytes:
                self._too_large(path, size, max_file_bytes)
            else:
                small.append((path, blob))
        with Blobs(repository.git, partial=repository.partial) as reader:
            reader.prefetch(blob for _, blob in small)
            for path, blob in small:
                content = reader.read(blob)
                if content is None:
                    self.quarantined.append(Quarantined(self._locator(path), reader.unreadable[blob]))
                    continue
                web = repository.site.web
                url = web.file(self.revision, path)
                at = changed.get(path, self.committed_at)
                yield RepositoryFile(path, content, self.revision, at, self._locator(path), url, web)

    # -- a directory

    def _on_disk(self, wanted: _Patterns, max_file_bytes: int, max_files: int) -> Iterator[RepositoryFile]:
        paths = sorted(path for path in self._walk() if wanted.match(path))
        self._refuse_too_many(len(paths), max_files)
        for path in paths:
            try:
                found = (self.root / path).lstat()
                if not stat.S_ISREG(found.st_mode):
                    continue
                if found.st_size > max_file_bytes:
                    self._too_large(path, found.st_size, max_file_bytes)
                    continue
                content = (self.root / path).read_bytes()
            except OSError as error:
                self.quarantined.append(Quarantined(path, f"it cannot be read: {error.strerror}"))
                continue
            if b"\0" in content[:_SNIFF_BYTES]:
                self.quarantined.append(Quarantined(path, "it is binary"))
                continue
            yield RepositoryFile(path, content, "", None, path, None)

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name not in _NOT_ENTERED)
            base = Path(folder).relative_to(self.root)
            for name in names:
                path = (base / name).as_posix()
                try:
                    path.encode("utf-8")
                except UnicodeEncodeError:
                    shown = path.encode("utf-8", "backslashreplace").decode()
                    self.quarantined.append(Quarantined(shown, "its name is not UTF-8"))
                    continue
                yield path

    # -- limits

    def _too_large(self, path: str, size: int, limit: int) -> None:
        reason = f"it has {size} bytes, more than the {limit} that are read"
        self.quarantined.append(Quarantined(self._locator(path), reason))

    def _refuse_too_many(self, count: int, limit: int) -> None:
        if count > limit:
            raise SourceDataInvalid(
                f"{self.name} holds {count} files that match, more than the {limit} that are read",
                "narrow the patterns of `include`",
            )


def open_files(path: str, name: str = "", rev: str = "") -> RepositoryFiles:
    """Open a directory or repository.

    Args:
        path: a directory, a work tree's root or a bare repository.
        name: `owner/name` to call it.
        rev: what to read of a repository: a branch, tag or hash; HEAD when empty.

    Raises:
        SourceDataInvalid: there is no such directory, no such revision, or `rev` is set where there is no repository.
    """
    root = Path(path).expanduser()
    try:
        is_directory, is_git = root.is_dir(), _is_repository(root)
    except (OSError, ValueError):
        is_directory = is_git = False
    if not is_directory:
        raise SourceDataInvalid(f"{path} is not a directory", "name a directory, a git work tree or a bare repository")
    if not is_git:
        if rev:
            raise SourceDataInvalid(f"{path} is not a git repository", "leave `rev` out, or name a repository's root")
        return RepositoryFiles(root, name or root.resolve().name)
    repository = open_repository(root, name or None)
    revision = repository.commit(rev or "HEAD")
    if revision is None:
        if rev:
            raise SourceDataInvalid(f"{path} has no revision {rev!r}", "name a branch, a tag or a hash that it has")
        return RepositoryFiles(root, repository.site.name, is_git=True, _repository=repository)
    try:
        at = int(repository.git.text("log", "-1", "--no-patch", "--format=%ct", revision)) * SECOND
    except GitFailed as error:
        raise _unreadable(repository.site.name, error) from None
    return RepositoryFiles(root, repository.site.name, revision, at, True, _repository=repository)


def _unreadable(name: str, error: GitFailed) -> SourceUnavailable:
    return SourceUnavailable(f"{name} could not be read: {error.message}", "check the repository with `git fsck`")


def last_changes(repository: Repository, revision: str, paths: frozenset[str]) -> dict[str, Instant]:
    """When each path was last changed on the first-parent history of a commit: the commit time of the change, or of its merge.

    One walk from the newest commit back, which ends where the last path is found. In a shallow clone the oldest commit counts as the
    change of all that it holds.
    """
    found: dict[str, Instant] = {}
    at: Instant = 0
    try:
        with repository.git.stream(
            *("log", "--first-parent", "--diff-merges=first-parent", "--no-renames", "--name-only", "-z"),
            *("--format=%x01%ct", revision, "--"),
        ) as output:
            for entry in _entries(output):
                # `-z` ends a header with NUL and a newline before the names, or with nothing where no name follows.
                name = entry.removeprefix("\n")
                if name.startswith("\x01"):
                    at = int(name[1:]) * SECOND
                elif name in paths and name not in found:
                    found[name] = at
                    if len(found) == len(paths):
                        raise _AllFound
    except _AllFound:
        return found
    return found


class _AllFound(Exception):
    """Ends the walk early."""


def _entries(output: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := output.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        for entry in whole:
            yield entry.decode("utf-8", "backslashreplace")
    if rest:
        yield rest.decode("utf-8", "backslashreplace")


def _tree(repository: Repository, revision: str) -> Iterator[tuple[str, str, int | None]]:
    """Path, hash and size of the regular files of a commit. A partial clone does not know the size of what it lacks, and is not asked."""
    size_option = () if repository.partial else ("--long",)
    rows = repository.git.run("ls-tree", "-r", "-z", "--full-tree", *size_option, revision)
    for row in rows.split(b"\0"):
        head, _, name = row.partition(b"\t")
        fields = head.split()
        if len(fields) >= 3 and fields[0].startswith(b"100"):
            size = int(fields[3]) if len(fields) > 3 and fields[3].isdigit() else None
            yield name.decode("utf-8", "backslashreplace"), fields[2].decode("ascii"), size


def _is_repository(root: Path) -> bool:
    if (root / ".git").exists():
        return True
    return (root / "HEAD").is_file() and (root / "objects").is_dir() and (root / "refs").is_dir()


class _Patterns:
    """Which paths are wanted."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        try:
            self._include = pathspec.GitIgnoreSpec.from_lines(include)
            self._exclude = pathspec.GitIgnoreSpec.from_lines(exclude)
        except ValueError as error:
            raise SourceDataInvalid(
                f"a pattern cannot be used: {str(error).splitlines()[0]}", "write patterns as in a .gitignore file"
            ) from None

    def match(self, path: str) -> bool:
        return self._include.match_file(path) and not self._exclude.match_file(path)
