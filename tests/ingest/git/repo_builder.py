"""Makes real repositories with git, the same bytes on every machine: fixed identities, a clock that ticks an hour a commit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

START_S = 1_600_000_000
HOUR_S = 3_600
ANN = "Ann Archer <ann@example.org>"
BEN = "Ben Baker <ben@example.org>"


class RepoBuilder:
    """A repository in a folder. Methods that commit return the new commit's hash."""

    def __init__(self, path: Path, *, bare: bool = False) -> None:
        self.path = path
        self.clock_s = START_S
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *(["--bare"] if bare else []))

    def git(self, *arguments: str, stdin: bytes | None = None, environment: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.path),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_AUTHOR_NAME": "Ann Archer",
                "GIT_AUTHOR_EMAIL": "ann@example.org",
                "GIT_COMMITTER_NAME": "Ann Archer",
                "GIT_COMMITTER_EMAIL": "ann@example.org",
                "GIT_AUTHOR_DATE": f"{self.clock_s} +0000",
                "GIT_COMMITTER_DATE": f"{self.clock_s} +0000",
                **(environment or {}),
            },
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "replace").strip()

    @staticmethod
    def git_in(path: Path, *arguments: str) -> None:
        """Run git in a clone."""
        command = ["git", "-C", str(path), "-c", "protocol.file.allow=always", *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def write(self, path: str, content: str | bytes) -> None:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(
        self,
        message: str | bytes,
        files: Mapping[str, str | bytes | None] | None = None,
        *,
        author: str = ANN,
        committer: str | None = None,
        at_s: int | None = None,
    ) -> str:
        """Commit these files (None removes one). The clock goes on an hour, or to `at_s`."""
        self.tick(at_s)
        for path, content in (files or {}).items():
            if content is None:
                (self.path / path).unlink()
            else:
                self.write(path, content)
        self.git("add", "--all")
        raw = message if isinstance(message, bytes) else message.encode()
        self.git(
            *("commit", "--quiet", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim", "--file=-"),
            stdin=raw,
            environment=self._who(author, committer or author),
        )
        return self.head()

    def reword(self, message: bytes) -> str:
        """Give the newest commit this message, byte for byte: `git commit` would make UTF-8 of it."""
        headers = self.git("cat-file", "commit", "HEAD").partition("\n\n")[0]
        commit = headers.encode() + b"\n\n" + message
        sha = self.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=commit)
        self.git("update-ref", "HEAD", sha)
        return sha

    def merge(self, branch: str, message: str, *, author: str = ANN, files: Mapping[str, str] | None = None) -> str:
        """Merge with a merge commit; `files` are what an evil merge adds, or how a conflict ends."""
        self.tick(None)
        subprocess.run(
            ["git", "-C", str(self.path), "merge", "--quiet", "--no-ff", "--no-commit", *branch.split()],
            capture_output=True,
            check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
            | self._who(author, author),
        )
        for path, content in (files or {}).items():
            self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, environment=self._who(author, author))
        return self.head()

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and go there."""
        self.git("checkout", "--quiet", "-b", name, start)

    def checkout(self, name: str) -> None:
        self.git("checkout", "--quiet", name)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def tick(self, at_s: int | None) -> None:
        self.clock_s = at_s if at_s is not None else self.clock_s + HOUR_S

    @staticmethod
    def _who(author: str, committer: str) -> dict[str, str]:
        who: dict[str, str] = {}
        for role, person in (("AUTHOR", author), ("COMMITTER", committer)):
            name, _, mail = person.partition(" <")
            who |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": mail.rstrip(">")}
        return who
