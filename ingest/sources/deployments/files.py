"""Input files of a source: which there are, their bytes, and what makes one unreadable."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import cast

import msgspec

from ingest.source import SourceDataInvalid, SourceUnavailable

MAX_BYTES = 512 * 1024 * 1024


class FileInvalid(ValueError):
    """A file cannot be read. `str(error)` says why and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file: where it is, and its path relative to the location that was searched."""

    file: Path
    path: str

    def read(self) -> bytes:
        """Its bytes, decompressed when it is named `.gz`.

        Raises:
            FileInvalid: it is too large or no gzip.
            SourceUnavailable, SourceDataInvalid: it is gone or may not be read.
        """
        try:
            if self.file.stat().st_size > MAX_BYTES:
                raise FileInvalid(f"the file is larger than {MAX_BYTES >> 20} MiB")
            data = self.file.read_bytes()
        except OSError as error:
            raise _of_os(error, self.file) from None
        return gunzip(data, MAX_BYTES) if self.path.endswith(".gz") else data


def find_files(location: str, suffixes: Sequence[str], what: str) -> list[InputFile]:
    """The files at a location (a file, or a directory read recursively) whose names end so, sorted by path.

    Args:
        location: a path; `~` is the home directory. A file given itself is taken whatever its name.
        suffixes: `.json`, `.jsonl.gz` …
        what: what they hold, for messages: `deployments`.

    Raises:
        SourceDataInvalid: there is nothing, or it may not be read.
        SourceUnavailable: it cannot be reached now.
    """
    root = Path(location).expanduser()
    endings = ", ".join(suffixes)
    try:
        if not root.is_dir():
            root.stat()
            return [InputFile(root, root.name)]
        found = list(_walk(root, tuple(suffixes)))
    except OSError as error:
        raise _of_os(error, root) from None
    if not found:
        raise SourceDataInvalid(f"there are no {what} in {location}", f"files that are read end in {endings}")
    return sorted(found, key=lambda f: f.path)


def decode_json(data: bytes) -> object:
    """The JSON value in these bytes. Raises `FileInvalid`."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    head = data[:256].lstrip()
    if not head:
        raise FileInvalid("the file is empty")
    if head.startswith(b"<"):
        raise FileInvalid("it holds a web page and not JSON")
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise FileInvalid("it is not whole JSON") from None
    except RecursionError:
        raise FileInvalid("it is nested too deeply") from None


def without_nulls(value: object) -> object:
    """The JSON value without keys whose value is null: writers leave out what is empty, or write null, as their version has it."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {key: without_nulls(item) for key, item in fields.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in cast("list[object]", value)]
    return value


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """The content of gzip, all its members. Raises `FileInvalid` when it is none, is cut, or unpacks to more than that."""
    out = bytearray()
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            out += unpacker.decompress(data, max_bytes + 1 - len(out))
        except zlib.error:
            raise FileInvalid("it is not gzip") from None
        if len(out) > max_bytes:
            raise FileInvalid(f"it unpacks to more than {max_bytes >> 20} MiB")
        if not unpacker.eof:
            raise FileInvalid("it is cut off")
        data = unpacker.unused_data.lstrip(b"\0")
    return bytes(out)


def content_digest(data: bytes) -> str:
    """What equal bytes share."""
    return blake2b(data, digest_size=12).hexdigest()


def _walk(root: Path, suffixes: tuple[str, ...]) -> Iterator[InputFile]:
    for directory, names, files in os.walk(root, onerror=_raise):
        names[:] = [name for name in names if not name.startswith(".")]  # neither .git nor .terraform
        for name in files:
            if name.endswith(suffixes) and not name.startswith("."):
                file = Path(directory) / name
                yield InputFile(file, file.relative_to(root).as_posix())


def _raise(error: OSError) -> None:
    raise error


def _of_os(error: OSError, path: Path) -> SourceDataInvalid | SourceUnavailable:
    if isinstance(error, FileNotFoundError):
        return SourceDataInvalid(f"there is no {path}", "give a file or a directory that exists")
    if isinstance(error, PermissionError):
        return SourceDataInvalid(f"{error.filename or path} may not be read", "let the user who runs this read it")
    return SourceUnavailable(f"{path} cannot be read: {error.strerror}", "check the disk or the mount")
