"""What the source remembers between pulls: its cursor.

Log files are never changed once they are delivered, and the names of an account's files in a region sort by time. So of each such series only
the file is kept up to which everything was read, and those after it that were. Deliveries come late now and then: it lags behind by `LATE`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from graph.clock import Instant

LATE = timedelta(hours=6)
"""A file may be delivered so much later than others with a later name."""
_KEPT = 200
_KEPT_STEP = 20
_MAX_BROKEN = 200
_LOG = re.compile(
    r"(?P<folder>.*?)(?:\d{4}/\d{2}/\d{2}/)?(?P<origin>\d{12}_CloudTrail_[a-z0-9-]+)_(?P<at>\d{8}T\d{4}Z_[A-Za-z0-9]+)\.json(?:\.gz)?",
    re.S,
)


class Series(msgspec.Struct, array_like=True):
    """How far an account's log files of a region are read: all up to the path `upto`, and `after` it those delivered at these times."""

    upto: str = ""
    after: list[str] = []


class Log(NamedTuple):
    """A log file with CloudTrail's own name.

    Attributes:
        series: folder, account and region: `AWSLogs/1111…/CloudTrail/eu-west-1/1111…_CloudTrail_eu-west-1`.
        delivered: the rest of its name, by which the series sorts: `20260301T0915Z_x8f2…`.
    """

    series: str
    delivered: str


class Lookup(msgspec.Struct, array_like=True):
    """How far LookupEvents is read in a region, and the marks of events that the next look back will see again."""

    until: Instant = 0
    seen: list[str] = []


class Ledger(msgspec.Struct):
    """The cursor's content.

    Attributes:
        series: series -> how far its log files are read.
        files: path of any other file -> digest of its content as it was read.
        broken: path of a file that could not be read -> digest of its content then; tried again when that changes.
        regions: region -> how far LookupEvents is read there.
        passed_over: why -> how many records were left out for it.
    """

    series: dict[str, Series] = {}
    files: dict[str, str] = {}
    broken: dict[str, str] = {}
    regions: dict[str, Lookup] = {}
    passed_over: dict[str, int] = {}

    @classmethod
    def load(cls, cursor: str | None) -> Ledger:
        """The ledger of a cursor; an empty one for none. Raises `msgspec.DecodeError` when it is no cursor of this source."""
        return msgspec.json.decode(cursor, type=Ledger) if cursor else Ledger()

    def dump(self) -> str:
        """The cursor; equal ledgers give equal texts."""
        return msgspec.json.encode(self, order="sorted").decode()

    def is_read(self, path: str) -> bool:
        """Whether a log file of CloudTrail was read; for other files their content decides."""
        log = log_of(path)
        if log is None or path in self.broken:
            return False
        known = self.series.get(log.series)
        return known is not None and (log.delivered <= _delivered(known.upto) or log.delivered in known.after)

    def has_read(self, path: str, digest: str) -> None:
        """Note a file that was read. Those of a series are read in their order."""
        self.broken.pop(path, None)
        log = log_of(path)
        if log is None:
            self.files[path] = digest
            return
        known = self.series.setdefault(log.series, Series())
        if log.delivered > _delivered(known.upto) and log.delivered not in known.after:
            known.after.append(log.delivered)
            if len(known.after) >= _KEPT and len(known.after) % _KEPT_STEP == 0:
                _follow(known, path)

    def start_of(self, folder: str) -> str:
        """The path after which a folder's listing may hold something new; empty for its beginning."""
        return min((s.upto for name, s in self.series.items() if name.startswith(folder)), default="")

    def could_not_read(self, path: str, digest: str) -> bool:
        """Note a file that could not be read; False when that is known already."""
        if self.broken.get(path) == digest:
            return False
        if len(self.broken) < _MAX_BROKEN:
            self.broken[path] = digest
        return True

    def pass_over(self, why: str) -> None:
        """Count a record that is left out."""
        self.passed_over[why] = self.passed_over.get(why, 0) + 1


def log_of(path: str) -> Log | None:
    """A path in its parts; None for a file that is not named as CloudTrail does."""
    found = _LOG.fullmatch(path)
    return Log(found["folder"] + found["origin"], found["at"]) if found is not None else None


def mark(text: str) -> str:
    """Ten characters that stand for a name."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


def _delivered(path: str) -> str:
    log = log_of(path)
    return log.delivered if log is not None else ""


def _follow(known: Series, path: str) -> None:
    """Let `upto` follow the newest file read: what was delivered long before it is not remembered one by one."""
    newest = max(known.after)
    try:
        at = datetime.strptime(newest[:13], "%Y%m%dT%H%M").replace(tzinfo=UTC)
    except ValueError:
        return
    horizon = f"{at - LATE:%Y%m%dT%H%M}"
    if passed := max((d for d in known.after if d < horizon), default=""):
        known.upto = _path_like(path, passed)
        known.after = sorted(d for d in known.after if d > passed)


def _path_like(path: str, delivered: str) -> str:
    """The path of a file of the same series that was delivered then."""
    found = _LOG.fullmatch(path)
    if found is None:
        return path
    middle = path[len(found["folder"]) : found.start("origin")]
    day = f"{delivered[:4]}/{delivered[4:6]}/{delivered[6:8]}/" if middle else ""
    return f"{found['folder']}{day}{found['origin']}_{delivered}{path[found.end('at') :]}"
