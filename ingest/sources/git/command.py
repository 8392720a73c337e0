"""Running git: a scrubbed environment, no hooks, no network, and never an exit code unread."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ingest.source import SourceDataInvalid, SourceUnavailable

OLDEST_VERSION = (2, 31)
"""The first git that has `--diff-merges=first-parent`."""

# A repository's own configuration is not to be trusted: it may name programs to run and diffs to bend.
_OPTIONS = (
    "--no-pager",
    "--no-replace-objects",
    "--no-optional-locks",
    "--literal-pathspecs",
    *("-c", "safe.directory=*"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "log.showRoot=true"),
    *("-c", "diff.orderFile=/dev/null"),
    *("-c", "protocol.allow=never"),
)

# Nothing of the caller's environment: no GIT_DIR, no identity, no locale, no user's configuration.
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
}


class GitFailed(Exception):
    """A git command ended with an exit code other than 0. `message` is the first line it wrote to standard error."""

    def __init__(self, command: str, code: int, message: str) -> None:
        super().__init__(f"git {command} ended with exit code {code}: {message}")
        self.code = code
        self.message = message


class Git:
    """Runs git commands in one repository.

    Raises:
        SourceDataInvalid: there is no git, or no such folder.
    """

    def __init__(self, path: Path) -> None:
        executable = shutil.which("git")
        if executable is None:
            raise SourceDataInvalid("The program git was not found.", "Install git and put it on the PATH.")
        if not path.is_dir():
            raise SourceDataInvalid(
                f"{path} is not a folder.", "Name the folder of a git repository or of a bare clone."
            )
        self._command = [executable, "-C", str(path), *_OPTIONS]
        self.path = path

    def run(self, *arguments: str, given: bytes = b"", index: Path | None = None) -> bytes:
        """The command's standard output. Raises `GitFailed` when its exit code is not 0.

        Args:
            given: its standard input.
            index: file that serves as the index, so that the repository's own stays as it is.
        """
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                input=given,
                capture_output=True,
                env=_ENVIRONMENT if index is None else {**_ENVIRONMENT, "GIT_INDEX_FILE": str(index)},
                check=False,
            )
        except OSError as error:
            raise SourceUnavailable(
                f"git could not be started: {error}.", "Check that git runs on this machine."
            ) from None
        if done.returncode != 0:
            raise GitFailed(arguments[0], done.returncode, _first_line(done.stderr))
        return done.stdout

    def text(self, *arguments: str) -> str:
        """The command's standard output as text without its last newline."""
        return self.run(*arguments).decode("utf-8", "replace").rstrip("\n")

    @contextmanager
    def stream(self, *arguments: str) -> Generator[IO[bytes]]:
        """The command's standard output, to be read to its end. Raises `GitFailed` on leaving when its exit code is not 0."""
        with tempfile.TemporaryFile() as errors:
            process = self._start(arguments, subprocess.DEVNULL, errors)
            assert process.stdout is not None
            try:
                yield process.stdout
            except BaseException:
                stop(process)
                raise
            process.stdout.close()
            if (code := process.wait()) != 0:
                errors.seek(0)
                raise GitFailed(arguments[0], code, _first_line(errors.read(4096)))

    def converse(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A running command with both standard input and output as pipes; standard error is dropped. The caller ends it."""
        return self._start(arguments, subprocess.PIPE, subprocess.DEVNULL)

    def require_version(self) -> None:
        """Raise `SourceDataInvalid` when this git is older than `OLDEST_VERSION`."""
        said = self.text("version")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found is not None and (int(found[1]), int(found[2])) < OLDEST_VERSION:
            wanted = ".".join(map(str, OLDEST_VERSION))
            raise SourceDataInvalid(f"git {found[0]} is too old.", f"Install git {wanted} or newer.")

    def _start(self, arguments: Sequence[str], stdin: int, stderr: int | IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*self._command, *arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_ENVIRONMENT,
                bufsize=1 << 18,
            )
        except OSError as error:
            raise SourceUnavailable(
                f"git could not be started: {error}.", "Check that git runs on this machine."
            ) from None


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a command that nobody listens to any more."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # unsent requests of a process that is gone
                continue
    process.wait()


def _first_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["no message"])[0][:300]
