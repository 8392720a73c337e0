"""The mainline: the first-parent chain of a revision, what each of its commits brought along, and when.

A change counts from when it reached the mainline. So every commit belongs to exactly one mainline commit: the first that
can reach it. Committer clocks run askew; the mainline's own clock is made to grow with every commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from graph.clock import SECOND, Instant
from ingest.sources.git.command import Git
from ingest.sources.git.log import Commit


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the mainline: its index there (-1 before the root) and its instant."""

    position: int
    at: Instant


ORIGIN = Point(-1, -(1 << 62))
"""Before the first commit."""


@dataclass(frozen=True, slots=True)
class Step:
    """A mainline commit and the commits it brought along.

    Attributes:
        commit: the mainline commit; `files` is its diff against the mainline before it.
        inner: what became reachable with it, parents first, without itself; empty unless it is a merge.
        point: where and when on the mainline.
        cut: its parents exist but are not here (shallow clone), so `files` holds all that was there, not what it changed.
    """

    commit: Commit
    inner: tuple[Commit, ...]
    point: Point
    cut: bool = False


class Link(NamedTuple):
    """A mainline commit in the chain."""

    sha: str
    parent: str | None
    committed_s: int


def chain(git: Git, tip: str, since: str | None = None) -> list[Link]:
    """The first-parent chain down from `tip`, newest first; with `since` without what that reaches."""
    exclude = [f"^{since}"] if since else []
    output = git.text("rev-list", "--first-parent", "--parents", "--timestamp", "--end-of-options", tip, *exclude, "--")
    rows = (line.split(" ", 3) for line in output.splitlines())
    return [Link(row[1], row[2] if len(row) > 2 else None, int(row[0])) for row in rows]


def next_point(last: Point, committed_s: int, now: Instant) -> Point:
    """The point after `last` of a commit with this committer time: later than `last`, and not in the future unless it must."""
    at = committed_s * SECOND
    if at > now:
        at = now if last is ORIGIN else last.at + 1
    return Point(last.position + 1, max(at, last.at + 1))


def steps(
    commits: Iterable[Commit], mainline: Collection[str], start: Point, now: Instant, cuts: Collection[str] = ()
) -> Iterator[Step]:
    """The mainline commits among `commits` in order, each with what it brought.

    Args:
        commits: every commit after its parents.
        mainline: hashes of the first-parent chain; needs fast membership.
        start: the point of the mainline commit before the first one here.
        now: the present, which no commit is later than.
        cuts: hashes of commits whose parents are not here.
    """
    waiting: dict[str, tuple[int, Commit]] = {}
    point = start
    for order, commit in enumerate(commits):
        if commit.sha not in mainline:
            waiting[commit.sha] = (order, commit if commit.sha not in cuts else commit._replace(files=()))
            continue
        inner = _brought_by(commit, waiting) if len(commit.parents) > 1 and waiting else ()
        point = next_point(point, commit.committed_s, now)
        yield Step(commit, inner, point, commit.sha in cuts)


def _brought_by(merge: Commit, waiting: dict[str, tuple[int, Commit]]) -> tuple[Commit, ...]:
    found: list[tuple[int, Commit]] = []
    ahead = list(merge.parents[1:])
    while ahead:
        if (row := waiting.pop(ahead.pop(), None)) is not None:
            found.append(row)
            ahead.extend(row[1].parents)
    found.sort(key=lambda row: row[0])
    return tuple(commit for _, commit in found)
