"""The lines that a commit took out and put in, file by file, from one long-running `git diff-tree --stdin`.

They say in the repository's own words what a change was about: the host that left a list, the key that got another value.
Only what somebody wrote by hand is kept, and not much of it. Formats: https://git-scm.com/docs/git-diff-tree and
https://git-scm.com/docs/diff-format#generate_patch_text_with_p.
"""

from __future__ import annotations

import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from ingest.sources.git.command import Git, stop
from ingest.sources.git.log import Commit
from ingest.sources.git.withheld import SECRET_MANIFEST, Withholding

MAX_FILE_CHARS = 2_000
"""Of each side of a file. Lines are kept whole, from the first on."""
MAX_COMMIT_CHARS = 16_000
"""Of both sides of all files together, in the order of their paths."""
MAX_LINE_CHARS = 400
"""Longer lines are not read: nobody writes them by hand."""

_OPTIONS = ("--no-commit-id", "--root", "-r", "-p", "-U0", "--no-renames", "--no-color", "--no-ext-diff")
_MORE = ("--no-textconv", "--no-prefix", "--no-relative", "--ignore-submodules=all", "--diff-algorithm=myers")
# The section a hunk stands in, which git writes behind its `@@`: in general the nearest line before that opens something
# (`'wgLogo' => [`, `resource "aws_lb" "main" {`), in YAML the nearest that names something. Which is which: sections.attributes.
_BLOCK = r"^([A-Za-z_].*\{)[ \t]*$"
_OPENING = r"^[ \t]*(.*[A-Za-z].*(\[|\(|\{|:))[ \t]*$"
_NAMED = r"^[ \t]*((- +)?(name|id|job|project|host|hosts|namespace): .*)$|^([A-Za-z_.-]+:.*)$"
_CONFIGURATION = (
    *("-c", "core.bigFileThreshold=2m"),  # git takes what is larger for binary and leaves it unread
    *("-c", f"core.attributesFile={Path(__file__).with_name('sections.attributes')}"),
    *("-c", f"diff.lore-block.xfuncname={_BLOCK}"),
    *("-c", f"diff.lore-opening.xfuncname={_OPENING}"),
    *("-c", f"diff.lore-named.xfuncname={_NAMED}"),
)
MAX_SECTIONS = 12
"""Of a file."""
_END = b"=end="
_DAMAGED = "its changed lines were not all read: git cannot read a content; the repository is damaged or incomplete"
_SUBMODULE = "160000"
_SKIPPED = re.compile(
    r"(^|/)(vendor|node_modules|third_party|bower_components|\.terraform)/"
    r"|(^|/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|[^/]*\.lock|\.terraform\.lock\.hcl)$"
    r"|(^|/)(\.env[^/]*|\.?htpasswd|\.netrc|\.npmrc|\.pypirc|id_(rsa|dsa|ecdsa|ed25519)|shadow)$"
    r"|(^|[/._-])(secrets?|credentials?|passwords?)([/._-]|$)"
    r"|\.(min\.(js|css)|map|svg|tfstate(\.backup)?|pem|key|p12|pfx|jks|enc|asc|gpg|po|pot|ipynb)$",
    re.IGNORECASE,
)
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abfnrtv"\\])')
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class Lines:
    """What of a file went and what came: lines joined by newlines, without their markers, capped.

    `sections`: the lines that open or name what the changed lines stand in, once each.
    """

    removed: str
    added: str
    sections: str = ""


NO_LINES: Mapping[str, Lines] = MappingProxyType({})


class ChangedLines:
    """Reads the changed lines of commits against one parent each. Close it, or use it as a context manager."""

    def __init__(self, git: Git, is_here: Callable[[str], bool] | None = None) -> None:
        """`is_here` says of a blob whether git can read it without a network; by default all can."""
        self._git = git
        self._is_here = is_here
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: deque[str] = deque()
        self._lines: deque[str] = deque()
        self._read: dict[str, Mapping[str, Lines]] = {}
        self.unreadable: dict[str, str] = {}
        """Commit -> why its changed lines were not all read. Take out what was told."""

    def __enter__(self) -> ChangedLines:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the git process. Reading again starts another."""
        if self._process is not None:
            stop(self._process)
            self._process = None
        self._sent.clear()
        self._lines.clear()

    def prefetch(self, commit: Commit) -> None:
        """Say that this commit will be read soon; not more than some hundred at a time, for they all stand in one pipe."""
        if commit.sha in self._sent or commit.sha in self._read:
            return
        if not any(is_read(entry.path) for entry in commit.files):
            self._read[commit.sha] = NO_LINES
        elif self._is_here is not None and not all(map(self._is_here, _blobs(commit))):
            self._read[commit.sha] = (
                NO_LINES  # absent on purpose: nothing is damaged, and each file that is missed is told once
            )
        else:
            self._request([_line(commit)], [commit.sha])

    def read(self, commit: Commit) -> Mapping[str, Lines]:
        """Path to its changed lines against the first parent; without files that are binary, generated, vendored, secret by
        name or too large. Files behind one that git cannot read are left out, with a reason in `unreadable`."""
        self.prefetch(commit)
        while commit.sha not in self._read:
            self._receive()
        return self._read.pop(commit.sha)

    def _request(self, lines: Sequence[str], commits: Sequence[str]) -> None:
        if self._process is None:
            self._process = self._git.converse(*_CONFIGURATION, "diff-tree", "--stdin", *_OPTIONS, *_MORE)
        assert self._process.stdin is not None
        self._sent.extend(commits)
        # A line that names no object is echoed: that ends the answer.
        try:
            self._process.stdin.write(b"".join(line.encode("ascii") + b"\n" + _END + b"\n" for line in lines))
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # _receive finds the process gone
        self._lines.extend(lines)

    def _receive(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        found, whole = _patch(self._process.stdout)
        asked = self._sent.popleft()
        self._lines.popleft()
        self._read[asked] = found
        if not whole:
            # git died of this commit; the others are asked again.
            self.unreadable[asked] = _DAMAGED
            commits, lines = list(self._sent), list(self._lines)
            self.close()
            if commits:
                self._request(lines, commits)


def _line(commit: Commit) -> str:
    return f"{commit.sha} {commit.parents[0]}" if commit.parents else commit.sha


def _blobs(commit: Commit) -> Iterator[str]:
    for entry in commit.files:
        for mode, blob in ((entry.old_mode, entry.old_blob), (entry.new_mode, entry.new_blob)):
            if blob is not None and mode != _SUBMODULE:
                yield blob


def is_read(path: str) -> bool:
    """Whether changed lines of a file of this path are kept."""
    return _SKIPPED.search(path) is None


class _File:
    """One file's section of a patch while it is read."""

    __slots__ = ("added", "left", "path", "removed", "sections", "withholding")

    def __init__(self, path: str, left: int) -> None:
        self.path = path
        self.removed: list[str] = []
        self.added: list[str] = []
        self.sections: dict[str, None] = {}
        self.withholding = {b"-": Withholding(""), b"+": Withholding("")}
        self.left = {b"-": min(MAX_FILE_CHARS, left), b"+": min(MAX_FILE_CHARS, left)}

    def take(self, sign: bytes, line: bytes) -> None:
        if self.left[sign] <= 0 or len(line) > MAX_LINE_CHARS:
            return
        whole = line[1:].decode("utf-8", "replace")
        text = whole.strip()
        if not text or "\0" in text or self.withholding[sign].withholds(whole):
            return
        self.left[sign] -= len(text) + 1
        if self.left[sign] > 0:
            (self.removed if sign == b"-" else self.added).append(text)

    def enter(self, header: bytes) -> None:
        """A hunk begins: `@@ -1 +1,2 @@ what it stands in`."""
        section = header.split(b"@@", 2)[-1].decode("utf-8", "replace").strip()
        self.withholding = {b"-": Withholding(section), b"+": Withholding(section)}
        if section and "\0" not in section and len(self.sections) < MAX_SECTIONS:
            self.sections[section] = None

    def lines(self, left: int) -> Lines:
        removed = "\n".join(self.removed)
        added = "\n".join(self.added)
        if SECRET_MANIFEST.search(removed) or SECRET_MANIFEST.search(added):
            return Lines("", "", "")
        added = added[: max(0, left - len(removed))]
        return Lines(removed, added, "\n".join(self.sections))


def _patch(output: IO[bytes]) -> tuple[Mapping[str, Lines], bool]:
    """The files of one answer, and whether it came to its end."""
    found: dict[str, Lines] = {}
    left = MAX_COMMIT_CHARS
    file: _File | None = None
    old = b""
    in_body = False

    def keep() -> None:
        nonlocal left
        if file is not None and (file.removed or file.added):
            lines = file.lines(left)
            left -= len(lines.removed) + len(lines.added)
            found[file.path] = lines

    for line in output:
        first = line[:1]
        if in_body and first in (b"+", b"-"):
            if file is not None:
                file.take(first, line)
        elif first == b"@":
            in_body = True
            if file is not None:
                file.enter(line)
        elif line.startswith(b"diff --git "):
            keep()
            file, in_body = None, False
        elif line.startswith(b"--- "):
            old = line[4:]
        elif line.startswith(b"+++ "):
            path = _path(line[4:]) or _path(old)
            file = _File(path, left) if path and left > 0 and is_read(path) else None
        elif line.startswith(_END):
            keep()
            return found, True
    return found, False


def _path(written: bytes) -> str:
    """The path as git writes it in a patch header; empty for the side where there is no file."""
    text = written.rstrip(b"\n")
    if text.endswith(b"\t"):
        text = text[:-1]
    if text == b"/dev/null":
        return ""
    if text.startswith(b'"') and text.endswith(b'"'):
        text = _ESCAPE.sub(_unescaped, text[1:-1])
    return text.decode("utf-8", "backslashreplace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if len(code) == 3 else _ESCAPED.get(code, code)
