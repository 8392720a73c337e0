"""Hashes of the commits that `examples.git_writer` made: they are needed by all formats that name a commit."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CommitId:
    """A commit's hash, its parents' hashes and its subject."""

    sha: str
    parents: tuple[str, ...]
    subject: str


def mainline_ids(repository: Path) -> list[CommitId]:
    """The mainline's commits, oldest first: in the order in which they were given to `GitWriter.commit` on the mainline.

    The second parent of a merge is the tip of the branch that it merged.
    """
    done = subprocess.run(
        ["git", "-C", str(repository), "log", "--first-parent", "--reverse", "--format=%H%x00%P%x00%s", "main"],
        check=True,
        capture_output=True,
        text=True,
    )
    fields = [line.split("\0") for line in done.stdout.splitlines()]
    return [CommitId(sha, tuple(parents.split()), subject) for sha, parents, subject in fields]
