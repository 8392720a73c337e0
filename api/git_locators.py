"""Citations of git, read again in the clones that are configured: `owner/name@sha`, `owner/name@sha:path`, `…#L10-L20`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.source import SourceError
from ingest.sources.git.command import Git, GitFailed, stop

_LOCATOR = re.compile(
    r"(?P<name>[^@]+)@(?P<sha>[0-9a-f]{40}|[0-9a-f]{64})(?::(?P<path>.+?)(?:#L(?P<first>\d+)(?:-L(?P<last>\d+))?)?)?",
    re.DOTALL,
)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class GitPlace:
    """A place in a repository; `last` is 0 when no lines are named."""

    name: str
    sha: str
    path: str = ""
    first: int = 0
    last: int = 0


def git_place(locator: str) -> GitPlace | None:
    """The place that a locator names; None when it is of another form.

    >>> git_place("a/b@" + "0" * 40 + ":x/y.tf#L3-L5") == GitPlace("a/b", "0" * 40, "x/y.tf", 3, 5)
    True
    """
    found = _LOCATOR.fullmatch(locator)
    if found is None:
        return None
    first = int(found["first"] or 0)
    return GitPlace(found["name"], found["sha"], found["path"] or "", first, int(found["last"] or first))


class Clones:
    """The clones by repository name."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = dict(paths)

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def path(self, name: str) -> Path | None:
        """Where the clone of a repository is; None when none is configured."""
        return self._paths.get(name)

    def check(self, places: Sequence[GitPlace]) -> dict[GitPlace, str]:
        """Why a place cannot be read, empty when it can; for those whose repository is here.

        Raises:
            SourceError: git, or a clone, cannot be used.
        """
        found: dict[GitPlace, str] = {}
        by_name: dict[str, list[GitPlace]] = {}
        for place in dict.fromkeys(places):
            if place.name in self._paths:
                by_name.setdefault(place.name, []).append(place)
        for name, some in sorted(by_name.items()):
            git = Git(self._paths[name])
            for start in range(0, len(some), _AT_ONCE):
                found.update(_check(git, some[start : start + _AT_ONCE]))
        return found


def _check(git: Git, places: Sequence[GitPlace]) -> dict[GitPlace, str]:
    asked = sorted({name for p in places for name in _names(p) if "\n" not in name})
    lines = _read(git, asked)
    return {place: _flaw(git, place, lines) for place in places}


def _names(place: GitPlace) -> tuple[str, ...]:
    """What git is asked for; a file that the commit deleted stands in its parent."""
    commit = place.sha + "^{commit}"
    return (commit, f"{place.sha}:{place.path}", f"{place.sha}^:{place.path}") if place.path else (commit,)


def _flaw(git: Git, place: GitPlace, lines: Mapping[str, int]) -> str:
    commit, *files = _names(place)
    if commit not in lines:
        return "the clone has no such commit: fetch, or its history was rewritten"
    if not files:
        return ""
    counts = [lines[name] if name in lines else _one(git, name) for name in files]
    if all(count < 0 for count in counts):
        return "the commit has no such file"
    if place.last and max(counts) < place.last:
        return f"the file has only {max(counts)} lines in this commit"
    return ""


def _one(git: Git, name: str) -> int:
    """For names that hold a newline, which git's own protocol cannot carry."""
    if "\n" not in name:
        return -1
    try:
        return _count(git.run("cat-file", "-p", name))
    except GitFailed:
        return -1


def _read(git: Git, names: Sequence[str]) -> dict[str, int]:
    """Number of lines by name, for those that git has: one process for all."""
    if not names:
        return {}
    process = git.converse("cat-file", "--batch")
    try:
        output, _ = process.communicate("".join(f"{n}\n" for n in names).encode("utf-8", "surrogateescape"))
    finally:
        stop(process)
    found: dict[str, int] = {}
    at = 0
    for name in names:
        end = output.find(b"\n", at)
        if end < 0:
            break
        header, at = output[at:end], end + 1
        if header.endswith((b" missing", b" ambiguous")):
            continue
        size = int(header.rpartition(b" ")[2])
        found[name] = _count(output[at : at + size])
        at += size + 1
    return found


def _count(content: bytes) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


def clones(named: Sequence[tuple[str, str | None]]) -> Clones:
    """The clones among (path, name); what is no repository is left out. A name that is not given is read from the clone."""
    from ingest.sources.git.repository import open_repository

    paths: dict[str, Path] = {}
    for path, name in named:
        try:
            opened = open_repository(Path(path), name or None)
        except SourceError:
            continue
        paths.setdefault(opened.site.name, Path(path))
    return Clones(paths)
