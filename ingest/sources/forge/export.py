"""Directories of exported API answers: one file a list of objects, one directory a repository.

An array may also be split into lines of arrays, as `gh api --paginate` and `glab api --paginate` write it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import msgspec

from graph.model import Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.forge.lenient import convert

_T = TypeVar("_T")


class ExportedRepository:
    """The files of one repository. `unreadable` collects single objects that are not what they should be."""

    def __init__(self, directory: Path, name: str, root: Path) -> None:
        self.directory = directory
        self.name = name
        self._root = root
        self.unreadable: list[Quarantined] = []

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return (self.directory / path).is_file()

    def list(self, path: str, shape: type[_T], key: str = "") -> list[_T]:
        """The objects of an array file; of an object file those under `key`. Empty when there is no such file.

        Raises:
            SourceDataInvalid: the file is no JSON, or not an array.
        """
        file = self.directory / path
        if not file.is_file():
            return []
        locator = file.relative_to(self._root).as_posix()
        items: list[object] = []
        for value in _values(file, locator):
            found: object = value.get(key) if key and isinstance(value, dict) else value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if not isinstance(found, list):
                raise SourceDataInvalid(
                    f"{locator} is not a list of objects", "write it as the API answers, see the source's page"
                )
            items += found  # pyright: ignore[reportUnknownArgumentType]
        objects: list[_T] = []
        for index, item in enumerate(items):
            try:
                objects.append(convert(item, shape))
            except msgspec.ValidationError as error:
                self.unreadable.append(Quarantined(f"{locator}#{index}", _reason(error)))
        return objects

    def digest(self, shape: str) -> str:
        """A digest of all files and of `shape`, what else the facts depend on."""
        digest = blake2b(shape.encode(), digest_size=16)
        for file in sorted(self.directory.rglob("*.json")):
            digest.update(file.relative_to(self.directory).as_posix().encode("utf-8", "surrogateescape") + b"\0")
            digest.update(blake2b(_read(file, file.name), digest_size=16).digest())
        return digest.hexdigest()


def quarantining(repository: ExportedRepository, path: str, shape: type[_T], key: str = "") -> list[_T]:
    """The objects of a file like `list`, but a file that cannot be read is one more unreadable item."""
    try:
        return repository.list(path, shape, key)
    except SourceDataInvalid:
        repository.unreadable.append(Quarantined(f"{repository.name}/{path}", "not JSON, or not a list of objects"))
        return []


def export_root(path: str) -> Path:
    """The directory at `path`.

    Raises:
        SourceDataInvalid: there is none.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise SourceDataInvalid(f"there is no directory {path}", "set path to the directory of exported answers")
    return root


def _values(file: Path, locator: str) -> Iterator[object]:
    data = _read(file, locator)
    try:
        yield msgspec.json.decode(data)
        return
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        lines = [line for line in data.splitlines() if line.strip()]
    try:
        values = [msgspec.json.decode(line) for line in lines]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        values = []
    if not values:
        raise SourceDataInvalid(f"{locator} is not JSON", "export it again: it may be cut off")
    yield from values


def _read(file: Path, locator: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"{locator} cannot be read ({type(error).__name__})", "check its permissions") from None


def _reason(error: msgspec.ValidationError) -> str:
    what, _, where = str(error).partition(" - at `$")
    return f"not as it should be: {what}{' at ' + where.rstrip('`').lstrip('.') if where else ''}"[:200]
