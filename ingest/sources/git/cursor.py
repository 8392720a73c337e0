"""Where a pull stopped, as it is stored between pulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from graph.clock import Instant
from ingest.sources.git.mainline import ORIGIN, Point

FORMAT = 1
"""Grows when facts are read in another way; a cursor of another format has everything read again."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the mainline has been read.

    Attributes:
        tip: hash of the last mainline commit that was read.
        position, at: its point on the mainline.
        cut: of a shallow clone, the oldest mainline commit that was there; else empty.
        tags: tag name -> hash of the commit it names, for the tags that were stated.
        all_tags: digest of all tags there were.
        fresh: up to when the repository had been read.
    """

    tip: str
    position: int
    at: Instant
    cut: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    all_tags: str = ""
    fresh: Instant = 0

    @property
    def point(self) -> Point:
        """The tip's point on the mainline."""
        return Point(self.position, self.at) if self.tip else ORIGIN

    def moved(self, tip: str, point: Point) -> Cursor:
        """The same after one more mainline commit."""
        return replace(self, tip=tip, position=point.position, at=point.at)

    def text(self) -> str:
        """The stored form."""
        return msgspec.json.encode(_Stored(FORMAT, self)).decode()


class _Stored(msgspec.Struct):
    format: int
    cursor: Cursor


def read_cursor(text: str) -> Cursor | None:
    """The cursor, or None when it is of another format."""
    try:
        stored = msgspec.json.decode(text, type=_Stored)
    except msgspec.MsgspecError:
        return None
    return stored.cursor if stored.format == FORMAT else None
