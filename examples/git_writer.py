"""Write a git repository with given authors and dates through `git fast-import`: the same input gives the same hashes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

MAIN = "refs/heads/main"


@dataclass(frozen=True, slots=True)
class Identity:
    """A git identity."""

    name: str
    email: str


@dataclass(slots=True)
class GitWriter:
    """Collects commits of one mainline with short-lived branches; `write` makes the repository.

    `files` is the mainline's tree as it stands: path to text.
    """

    files: dict[str, str] = field(default_factory=dict[str, str])
    _stream: list[bytes] = field(default_factory=list[bytes])
    _mark: int = 0
    _tip: int = 0

    def commit(
        self,
        message: str,
        author: Identity,
        at: datetime,
        files: dict[str, str],
        *,
        committer: Identity | None = None,
        parent: int | None = None,
        merge: int | None = None,
        branch: str = MAIN,
    ) -> int:
        """Record a commit whose whole tree is `files`; returns its mark. On the mainline `self.files` follows."""
        self._mark += 1
        stamp = f"{int(at.timestamp())} +0000"
        who = committer or author
        parent = self._tip if parent is None else parent
        lines = [
            f"commit {branch}",
            f"mark :{self._mark}",
            f"author {author.name} <{author.email}> {stamp}",
            f"committer {who.name} <{who.email}> {stamp}",
        ]
        self._stream.append(("\n".join(lines) + "\n").encode())
        self._data(message)
        if parent:
            self._stream.append(f"from :{parent}\n".encode())
        if merge:
            self._stream.append(f"merge :{merge}\n".encode())
        self._stream.append(b"deleteall\n")
        for path in sorted(files):
            self._stream.append(f"M 100644 inline {path}\n".encode())
            self._data(files[path])
        self._stream.append(b"\n")
        if branch == MAIN:
            self._tip = self._mark
            self.files = dict(files)
        return self._mark

    @property
    def tip(self) -> int:
        """Mark of the mainline's newest commit, 0 before the first."""
        return self._tip

    def tag(self, name: str, mark: int, tagger: Identity, at: datetime, message: str) -> None:
        """Record an annotated tag."""
        self._stream.append(
            f"tag {name}\nfrom :{mark}\ntagger {tagger.name} <{tagger.email}> {int(at.timestamp())} +0000\n".encode()
        )
        self._data(message)

    def write(self, directory: Path, remote: str) -> dict[int, str]:
        """Make the repository at `directory` (which must not exist) and check its mainline out. Returns mark -> hash."""
        directory.mkdir(parents=True)
        git = ["git", "-C", str(directory)]
        subprocess.run([*git, "init", "--quiet", "--template=", "--initial-branch=main"], check=True)
        marks = directory / ".git" / "marks"
        subprocess.run(
            [*git, "fast-import", "--quiet", "--done", f"--export-marks={marks.resolve()}"],
            input=b"".join(self._stream) + b"done\n",
            check=True,
        )
        branches = subprocess.run(
            [*git, "for-each-ref", "--format=%(refname)", "refs/heads/topic"],
            check=True,
            capture_output=True,
            text=True,
        )
        for branch in branches.stdout.split():
            subprocess.run([*git, "update-ref", "-d", branch], check=True)
        subprocess.run([*git, "remote", "add", "origin", remote], check=True)
        subprocess.run([*git, "reset", "--quiet", "--hard", "main"], check=True)
        pairs = [line.split() for line in marks.read_text().splitlines()]
        marks.unlink()
        return {int(mark.removeprefix(":")): sha for mark, sha in pairs}

    def _data(self, text: str) -> None:
        body = text.encode()
        self._stream.append(b"data %d\n%s\n" % (len(body), body))
