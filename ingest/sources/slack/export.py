"""The files of a workspace export, from a ZIP or a directory.

Format: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from graph.model import Quarantined
from ingest.source import SourceDataInvalid
from ingest.sources.slack.payloads import Channel, User

MAX_FILE_BYTES = 256 * 1024 * 1024
"""A larger file is not read."""

LISTS = (("channels.json", False), ("groups.json", True), ("dms.json", True), ("mpims.json", True))
"""Lists of conversations, and whether they are private."""
_DIRECT = ("dms.json", "mpims.json")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})\.json")
_HINT = "name the ZIP that Slack gave, or the directory it was unpacked into: it holds channels.json and users.json"

_T = TypeVar("_T", User, Channel)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a channel: its folder, its date and its file."""

    folder: str
    date: str
    path: str


class Export:
    """An opened export; use it in a `with` statement. What cannot be read is noted, and `take_notes` gives it out."""

    def __init__(self, path: str) -> None:
        """Raises `SourceDataInvalid` when there is no export."""
        self._root = Path(path).expanduser()
        self._zip: zipfile.ZipFile | None = None
        self._notes: list[Quarantined] = []
        try:
            if self._root.is_dir():
                found = [p.relative_to(self._root).as_posix() for p in self._root.rglob("*.json")]
            else:
                self._zip = zipfile.ZipFile(self._root)
                found = [name for name in self._zip.namelist() if name.endswith(".json")]
        except FileNotFoundError:
            raise SourceDataInvalid(f"there is no Slack export at {path}", _HINT) from None
        except (zipfile.BadZipFile, OSError, ValueError):
            raise SourceDataInvalid(f"{path} is neither a ZIP that can be read nor a directory", _HINT) from None
        listing = sorted((p for p in found if posixpath.basename(p) == "channels.json"), key=len)
        listing = listing or sorted((p for p in found if posixpath.basename(p) == "users.json"), key=len)
        if not listing:
            raise SourceDataInvalid(f"{path} is not a Slack export: it holds no channels.json and no users.json", _HINT)
        self._base = posixpath.dirname(listing[0])
        prefix = self._base + "/" if self._base else ""
        self._paths = frozenset(p.removeprefix(prefix) for p in found if p.startswith(prefix))

    def __enter__(self) -> Export:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._zip is not None:
            self._zip.close()

    def take_notes(self) -> list[Quarantined]:
        """What could not be read since this was last asked."""
        notes, self._notes = self._notes, []
        return notes

    def users(self) -> list[User]:
        """Everybody."""
        return self._list("users.json", User) if "users.json" in self._paths else []

    def channels(self) -> Iterator[tuple[Channel, bool]]:
        """Every conversation, and whether it is private. A conversation of two lists is private if one of them says so."""
        found: dict[str, tuple[Channel, bool]] = {}
        for name, private in LISTS:
            for listed in self._list(name, Channel) if name in self._paths else ():
                channel = listed
                if name in _DIRECT:
                    channel = msgspec.structs.replace(listed, is_im=name == "dms.json", is_mpim=name == "mpims.json")
                known = found.get(channel.id)
                found[channel.id] = channel, private or channel.private or (known is not None and known[1])
        yield from found.values()

    def days(self) -> list[Day]:
        """The files of messages, by folder and date."""
        days: list[Day] = []
        for path in sorted(self._paths):
            folder, _, name = path.rpartition("/")
            if folder and "/" not in folder and (found := _DAY.fullmatch(name)):
                days.append(Day(folder, found[1], path))
        return days

    def read(self, path: str) -> bytes | None:
        """The file's bytes; None when it cannot be read, which is noted."""
        full = posixpath.join(self._base, path) if self._base else path
        try:
            if self._zip is None:
                file = self._root / full
                size = file.stat().st_size
                data = file.read_bytes() if size <= MAX_FILE_BYTES else None
            else:
                size = self._zip.getinfo(full).file_size
                data = None
                if size <= MAX_FILE_BYTES:
                    with self._zip.open(full) as stream:
                        data = stream.read(MAX_FILE_BYTES + 1)
        except (OSError, KeyError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
            self._notes.append(Quarantined(path, "the file is damaged, encrypted or cannot be read"))
            return None
        if data is None or len(data) > MAX_FILE_BYTES:
            self._notes.append(Quarantined(path, f"the file is larger than {MAX_FILE_BYTES} bytes"))
            return None
        return data

    def items(self, path: str, data: bytes) -> list[object]:
        """The items of a JSON array; none when it is none, which is noted."""
        try:
            items: object = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._notes.append(Quarantined(path, "the file is not JSON"))
            return []
        if not isinstance(items, list):
            self._notes.append(Quarantined(path, "the file is not a JSON array"))
            return []
        return cast("list[object]", items)

    def _list(self, path: str, shape: type[_T]) -> list[_T]:
        data = self.read(path)
        found: list[_T] = []
        for index, item in enumerate(self.items(path, data) if data is not None else ()):
            try:
                found.append(msgspec.convert(item, shape))
            except msgspec.ValidationError:
                self._notes.append(Quarantined(f"{path}#{index}", f"it is no {shape.__name__.lower()} of Slack's"))
        return found
