"""The stream of commits with the files each one touched, as `git log --raw -z` prints it.

Messages, names and paths are whatever somebody once typed: fields are separated by NUL, which git allows in none of them,
and read by position, so that no content can be taken for structure. The raw format is described in
https://git-scm.com/docs/git-diff-index#_raw_output_format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from ingest.sources.git.command import Git

_FIELDS = ("%H", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B")
_RAW_OPTIONS = ("--raw", "-z", "--no-renames", "--no-abbrev", "--no-relative", "--ignore-submodules=none")
_CHUNK_BYTES = 1 << 20

REGULAR_MODES = frozenset({"100644", "100755", "100664"})
"""Modes of files with content; the others are symbolic links (120000) and submodules (160000)."""


class FileEntry(NamedTuple):
    """One file in one diff. A blob is None on the side where the file is absent; of a submodule it names a commit."""

    path: str
    old_mode: str
    new_mode: str
    old_blob: str | None
    new_blob: str | None


class Commit(NamedTuple):
    """A commit as git logs it. `files` is its diff against its first parent (of a root: against nothing).

    Times are Unix seconds as written by whoever committed; they may be anything.
    """

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored_s: int
    committer_name: str
    committer_email: str
    committed_s: int
    message: str
    files: Sequence[FileEntry]


def read_log(git: Git, revisions: Sequence[str]) -> Iterator[Commit]:
    """Commits that `revisions` select (`new`, `^old`), every one after all its parents.

    Raises:
        GitFailed: git stopped early, after the commits that were yielded.
    """
    arguments = (
        *("log", "--reverse", "--topo-order", "--diff-merges=first-parent", "--encoding=UTF-8", "--no-notes"),
        *_RAW_OPTIONS,
        *("--format=" + "%x00".join(_FIELDS), "--end-of-options", *revisions, "--"),
    )
    last: Commit | None = None
    with git.stream(*arguments) as output:
        for commit in _commits(_tokens(output)):
            # What a stopped git wrote last may lack files: it counts only once the exit code has been read.
            if last is not None:
                yield last
            last = commit
    if last is not None:
        yield last


def diff_trees(git: Git, old: str, new: str) -> list[FileEntry]:
    """The files that differ between two commits' trees."""
    output = git.run("diff-tree", "-r", *_RAW_OPTIONS, "--end-of-options", old, new, "--")
    tokens = _decoded(output)
    return [_file_entry(tokens[i], tokens[i + 1]) for i in range(0, len(tokens) - 1, 2)]


def _commits(tokens: Iterator[list[str]]) -> Iterator[Commit]:
    rest: list[str] = []
    for chunk in tokens:
        rest = rest + chunk if rest else chunk
        at, size = 0, len(rest)
        while True:
            end = at + len(_FIELDS)
            while end < size and rest[end][:2] in _RAW_STARTS:
                end += 2
            # Only the first token of the next commit shows that this one is complete.
            if end >= size:
                break
            yield _commit(rest, at, end)
            at = end
        rest = rest[at:]
    if len(rest) >= len(_FIELDS):
        yield _commit(rest, 0, len(rest))


_RAW_STARTS = frozenset({"\n:", ":0", ":1"})


def _commit(tokens: Sequence[str], at: int, end: int) -> Commit:
    return Commit(
        tokens[at],
        tuple(tokens[at + 1].split()),
        tokens[at + 2],
        tokens[at + 3],
        _seconds(tokens[at + 4]),
        tokens[at + 5],
        tokens[at + 6],
        _seconds(tokens[at + 7]),
        tokens[at + 8],
        [_file_entry(tokens[i], tokens[i + 1]) for i in range(at + len(_FIELDS), end - 1, 2)],
    )


def _file_entry(raw: str, path: str) -> FileEntry:
    old_mode, new_mode, old_blob, new_blob, _ = raw.lstrip("\n").split(" ")
    old_mode = old_mode[1:]
    return FileEntry(
        path,
        old_mode,
        new_mode,
        None if old_mode == "000000" else old_blob,
        None if new_mode == "000000" else new_blob,
    )


def _seconds(text: str) -> int:
    # A commit object may hold any digits as its time, or none; git prints what it could read.
    try:
        return max(-(1 << 40), min(int(text), 1 << 40))
    except ValueError:
        return 0


def _tokens(output: IO[bytes]) -> Iterator[list[str]]:
    rest = b""
    while chunk := output.read(_CHUNK_BYTES):
        chunk = rest + chunk
        end = chunk.rfind(b"\0")
        if end < 0:
            rest = chunk
            continue
        yield _decoded(chunk[:end])
        rest = chunk[end + 1 :]
    if rest:
        yield _decoded(rest)


def _decoded(tokens: bytes) -> list[str]:
    # Bytes that are no UTF-8 are written as \xe9: two different paths stay different.
    return tokens.decode("utf-8", "backslashreplace").split("\0")
