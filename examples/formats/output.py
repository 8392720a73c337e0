"""What the writers share: JSON with a fixed look, times as each system writes them, ids that follow from names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

Json = Mapping[str, object]

Plant = Callable[[str], str]
"""Gives the text to put where a secret could stand; its argument names the place (`slack.message`, `cloudtrail.request`)."""


def nothing(place: str) -> str:
    """The plant that plants nothing."""
    del place
    return ""


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, as GitHub and AWS write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_ms(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def maybe(at: datetime | None) -> str | None:
    """`stamp`, or None."""
    return None if at is None else stamp(at)


def hex_id(*parts: object, digits: int = 16) -> str:
    """Lower-case hex that follows from `parts`; at most 128 digits."""
    return blake2b("/".join(map(str, parts)).encode(), digest_size=(digits + 1) // 2).hexdigest()[:digits]


def number_id(*parts: object, digits: int = 10) -> int:
    """A number of exactly `digits` digits that follows from `parts`."""
    low = int("1" + "0" * (digits - 1))
    return low + int(hex_id(*parts, digits=16), 16) % (9 * low)


def letters(*parts: object, length: int = 10, alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") -> str:
    """Capital letters and digits that follow from `parts`, as Slack and AWS number things."""
    value = int(hex_id(*parts, digits=64), 16)
    out: list[str] = []
    for _ in range(length):
        value, rest = divmod(value, len(alphabet))
        out.append(alphabet[rest])
    return "".join(out)


def uuid_of(*parts: object) -> str:
    """A version-4-looking UUID that follows from `parts`."""
    return str(UUID(hex=hex_id(*parts, digits=32), version=4))


def write_text(path: Path, text: str) -> None:
    """Write a file, making its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object, *, indent: int | None = 2) -> None:
    """Write JSON; compressed when the path ends in `.gz`, without the time that gzip would keep."""
    text = json.dumps(value, indent=indent, ensure_ascii=False) + "\n"
    if path.suffix == ".gz":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        write_text(path, text)


def json_lines(values: list[Json]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
