"""Files of events that some other program wrote: which there are, what is new in them, and their records one by one.

Events only add facts, so that a file that changed is read again from its beginning: what is known already changes nothing.
"""

from __future__ import annotations

import gzip
import os
import posixpath
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import msgspec

from graph.model import Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
"""Endings of the files that are read. A file with `l` or `nd` holds one document a line."""
_SKIPPED = frozenset({".git"})
_MAX_BYTES = 1 << 30
_NULL = msgspec.Raw(b"null")
_NEXT_PAGE = ("skip_token", "skipToken", "$skipToken", "nextLink", "nextPageToken", "next_page_token")


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file. `path` is relative to the place that was given; a file given itself has its own name."""

    path: str
    file: Path

    @property
    def lines(self) -> bool:
        """Whether each line is a document of its own."""
        return self.path.removesuffix(".gz").endswith(("jsonl", ".ndjson"))

    def packed(self) -> bytes:
        """The bytes as they lie there.

        Raises:
            SourceUnavailable, SourceDataInvalid: the file cannot be read.
        """
        try:
            return self.file.read_bytes()
        except PermissionError:
            raise SourceDataInvalid(f"{self.file} may not be read", "let the user who runs this read it") from None
        except OSError as error:
            raise SourceUnavailable(
                f"{self.file} cannot be read: {error.strerror}", "check the disk or the mount"
            ) from None

    def documents(self, packed: bytes) -> Iterator[tuple[str, bytes]]:
        """(locator, JSON text) of its documents: the whole file, or each line that is not blank.

        Raises:
            ValueError: the file is damaged, or too large to be what it should be.
        """
        data = _unpacked(packed) if self.path.endswith(".gz") else packed
        if not self.lines:
            yield self.path, data
            return
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip():
                yield f"{self.path}#L{number}", line


def export_files(location: str, what: str, suffixes: Sequence[str] = JSON_SUFFIXES) -> tuple[ExportFile, ...]:
    """The files at a place, sorted by path. `what` says in messages what they should be.

    Raises:
        SourceDataInvalid: there is no such place, it may not be read, or no file there has one of the endings.
        SourceUnavailable: it cannot be read now.
    """
    root = Path(location).expanduser()
    try:
        if root.is_dir():
            found = [ExportFile(path, root / path) for path in _walk(root) if path.endswith(tuple(suffixes))]
        else:
            root.stat()
            found = [ExportFile(root.name, root)]
    except FileNotFoundError:
        raise SourceDataInvalid(f"there is no {root}", f"give a file or a directory of {what}") from None
    except PermissionError as error:
        raise SourceDataInvalid(f"{error.filename} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{root} cannot be read: {error.strerror}", "check the disk or the mount") from None
    if not found:
        raise SourceDataInvalid(
            f"there is nothing to read in {root}", f"put {what} there, in files that end in {', '.join(suffixes)}"
        )
    return tuple(found)


class Ledger(msgspec.Struct):
    """What was read: path -> digest of the bytes. `shape` is a digest of what else shapes facts; another one reads everything again."""

    shape: str = ""
    files: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @classmethod
    def load(cls, cursor: str | None, shape: str, scope: str) -> Ledger:
        """The ledger of a cursor, empty where the shape is another.

        Raises:
            SourceDataInvalid: the cursor is not one of these.
        """
        if cursor is None:
            return cls(shape)
        try:
            found = msgspec.json.decode(cursor, type=cls)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {scope} is not one of this source", "purge this source and scope, then read it again"
            ) from None
        return found if found.shape == shape else cls(shape)

    def dump(self) -> str:
        """As a cursor."""
        return msgspec.json.encode(self, order="sorted").decode()

    def keep(self, files: Sequence[ExportFile]) -> None:
        """Forget files that are gone."""
        paths = {file.path for file in files}
        self.files = {path: digest for path, digest in self.files.items() if path in paths}


def digest_of(data: bytes) -> str:
    """What equal bytes share."""
    return blake2b(data, digest_size=12).hexdigest()


def shape_of(extractor: str, settings: Mapping[str, object]) -> str:
    """Digest of the extractor and of the settings that shape facts."""
    return blake2b(repr((extractor, sorted(settings.items()))).encode(), digest_size=8).hexdigest()


def _unpacked(packed: bytes) -> bytes:
    try:
        with gzip.open(BytesIO(packed)) as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise ValueError("it is damaged") from None
    if len(data) > _MAX_BYTES:
        raise ValueError("it unpacks to more than 1 GiB")
    return data


def _walk(root: Path) -> list[str]:
    found: list[str] = []
    for directory, names, files in os.walk(root, onerror=_raise):
        names[:] = sorted(n for n in names if n not in _SKIPPED)
        relative = Path(directory).relative_to(root).as_posix()
        found += [posixpath.normpath(posixpath.join(relative, name)) for name in files]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def json_records(
    file: ExportFile, packed: bytes, wrappers: Sequence[str] = ()
) -> Iterator[tuple[str, bytes] | Quarantined]:
    """(locator, JSON text) of the records of a file: one object, an array of them, an object that holds the array under one of
    `wrappers`, or an object a line whatever the file's ending says. What is none of these is quarantined, and so is a page's
    token for the next one: the list goes on elsewhere.
    """
    try:
        documents = list(file.documents(packed))
    except ValueError as error:
        yield Quarantined(file.path, str(error))
        return
    for locator, body in documents:
        records = _records(locator, body, wrappers)
        if records is None and not file.lines and b"\n" in body.strip():
            for number, line in enumerate(body.split(b"\n"), 1):
                if line.strip():
                    place = f"{locator}#L{number}"
                    yield from _records(place, line, wrappers) or (Quarantined(place, "it is no JSON"),)
        else:
            yield from (Quarantined(locator, "it is no JSON"),) if records is None else records


def _records(locator: str, body: bytes, wrappers: Sequence[str]) -> list[tuple[str, bytes] | Quarantined] | None:
    """None for what is no JSON object or array."""
    more: list[Quarantined] = []
    try:
        found: list[msgspec.Raw] | dict[str, msgspec.Raw] = msgspec.json.decode(
            body, type=list[msgspec.Raw] | dict[str, msgspec.Raw]
        )
        if isinstance(found, list):
            items = found
        elif (held := next((found[key] for key in wrappers if key in found), None)) is not None:
            items = msgspec.json.decode(held, type=list[msgspec.Raw])
            if any(bytes(found.get(key, _NULL)) not in (b"null", b'""') for key in _NEXT_PAGE):
                more = [Quarantined(locator, "it is one page of a longer list: what it does not list is not gone")]
        else:
            return [(locator, body)]
    except msgspec.DecodeError:
        return None
    return [*((f"{locator}[{index}]", bytes(raw)) for index, raw in enumerate(items)), *more]
