"""Where a pull goes: from what its cursor says to the tip, over whatever happened to the history in between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from graph.clock import Instant
from ingest.sources.git.cursor import Cursor, read_cursor
from ingest.sources.git.mainline import ORIGIN, Link, chain, next_point
from ingest.sources.git.repository import Repository

START = Cursor("", ORIGIN.position, ORIGIN.at)


@dataclass(frozen=True, slots=True)
class Lost:
    """A stretch of mainline that is no longer part of it: its last commit and its chain."""

    tip: str
    mainline: Collection[str]


@dataclass(frozen=True, slots=True)
class Route:
    """What to read.

    Attributes:
        kind: `go_on`: what is new after the cursor. `again`: everything, because what was read before cannot be told from
            here; what is not found again has vanished. `rewritten`: from the last common mainline commit, `lost` has vanished.
        before: the cursor to go on from, `START` without one.
        start: the mainline commit before the first that is read.
        mainline: hashes of the mainline commits to read.
        revisions: what `git log` is asked for.
    """

    kind: Literal["go_on", "again", "rewritten"]
    before: Cursor
    start: Cursor
    mainline: Collection[str]
    revisions: tuple[str, ...]
    lost: Lost | None = None

    @property
    def from_the_start(self) -> bool:
        """Whether every fact of the repository will be met."""
        return not self.start.tip


def find_route(repository: Repository, text: str | None, tip: str, now: Instant) -> Route:
    """The route from a stored cursor to `tip`."""
    cursor = read_cursor(text) if text is not None else START
    if cursor is None or _was_deepened(repository, cursor, tip):
        return _everything(repository, "again", START, tip)
    if cursor is START:
        return _everything(repository, "go_on", START, tip)
    if cursor.tip == tip:
        return Route("go_on", cursor, cursor, frozenset(), ())
    if repository.commit(cursor.tip) is None:
        if repository.cuts:
            # A shallow clone made anew: between the cursor and the cut something is missing, but nothing has vanished.
            links = chain(repository.git, tip)
            return Route("go_on", cursor, cursor, {link.sha for link in links}, (tip,))
        return _everything(repository, "again", cursor, tip)
    links = chain(repository.git, tip, cursor.tip)
    if links and links[-1].parent == cursor.tip:
        return Route("go_on", cursor, cursor, {link.sha for link in links}, (tip, f"^{cursor.tip}"))
    return _rewritten(repository, cursor, tip, now)


def _everything(repository: Repository, kind: Literal["go_on", "again"], before: Cursor, tip: str) -> Route:
    return Route(kind, before, START, {link.sha for link in chain(repository.git, tip)}, (tip,))


def _was_deepened(repository: Repository, cursor: Cursor, tip: str) -> bool:
    """Whether a shallow clone has older history now than the cursor knows of."""
    if not cursor.cut or cursor.cut in repository.cuts:
        return False
    return any(link.sha == cursor.cut for link in chain(repository.git, tip))


def _rewritten(repository: Repository, cursor: Cursor, tip: str, now: Instant) -> Route:
    new, old = chain(repository.git, tip), chain(repository.git, cursor.tip)
    was_mainline = {link.sha for link in old}
    common = next((index for index, link in enumerate(new) if link.sha in was_mainline), len(new))
    start = replace(_cursor_at(new[common:], now), cut=cursor.cut)
    shared = {link.sha for link in new[common:]}
    lost = Lost(cursor.tip, {link.sha for link in old if link.sha not in shared})
    exclude = (f"^{start.tip}",) if start.tip else ()
    return Route("rewritten", cursor, start, {link.sha for link in new[:common]}, (tip, *exclude), lost)


def _cursor_at(links: list[Link], now: Instant) -> Cursor:
    """The cursor after the newest of these mainline commits, which go down to the root."""
    point = ORIGIN
    for link in reversed(links):
        point = next_point(point, link.committed_s, now)
    return START.moved(links[0].sha, point) if links else START
