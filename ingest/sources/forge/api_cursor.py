"""What both forges' API pulls need to go on: the cursor read back, the time to begin at, and digests of what was seen."""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeVar

import msgspec

from graph.clock import Instant, instant
from ingest.source import SourceDataInvalid

_Cursor = TypeVar("_Cursor")


def since_of(text: str) -> Instant:
    """The time of the setting `since`; 0 for none. Raises `SourceDataInvalid` for what is no time."""
    if not text:
        return 0
    try:
        return instant(text)
    except ValueError:
        raise SourceDataInvalid("since is not a time", "write it as 2026-01-31 or 2026-01-31T12:00:00Z") from None


def read_cursor(cursor: str | None, shape: type[_Cursor], scope: str) -> _Cursor:
    """The cursor of a scope; an empty one when there is none. Raises `SourceDataInvalid` for another source's."""
    try:
        return msgspec.json.decode(cursor, type=shape) if cursor else shape()
    except (msgspec.DecodeError, UnicodeError):
        raise SourceDataInvalid(
            f"the cursor of {scope} is not one of this source", "purge this source and scope, then read it again"
        ) from None


def digest_of(value: object) -> str:
    """A short digest of a payload, to tell whether it is as it was."""
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=8).hexdigest()
