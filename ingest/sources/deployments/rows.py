"""The documents in a file, one by one, and how far it was read.

A file of JSON lines goes on where it was left, as long as what was read of it is unchanged; other files are read whole when they change.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import cast

import msgspec

from ingest.sources.deployments.files import FileInvalid, InputFile, content_digest, decode_json

_DIGEST_BYTES = 12


class Read(msgspec.Struct, frozen=True, array_like=True):
    """How far a file was read.

    Attributes:
        bytes, lines: so many, and `digest` is of these bytes.
        rest: digest of a last line without its end that was looked at already, empty for none.
        refused: why nothing of the file could be read, empty when something was.
    """

    bytes: int
    lines: int
    digest: str
    rest: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One document of a file, or why it is none (`reason`), or neither: only a position.

    `read` is the position after it; None where reading cannot go on from here.
    """

    locator: str
    document: object = None
    reason: str = ""
    read: Read | None = None


def steps(file: InputFile, known: Read | None) -> Iterator[Step]:
    """What is new in a file since `known`; nothing when it is unchanged. The last step holds the position."""
    try:
        data = file.read()
    except FileInvalid as error:
        yield _refused(file, known, b"", str(error))
        return
    if known is not None and known.bytes == len(data) and known.digest == content_digest(data):
        return
    name = file.path.removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        yield from _lines(file, data, known)
        return
    try:
        documents = list(_rows(file, data) if name.endswith(".csv") else _elements(file, data))
    except FileInvalid as error:
        yield _refused(file, known, data, str(error))
        return
    yield from documents
    yield Step(file.path, read=Read(len(data), 0, content_digest(data)))


def _refused(file: InputFile, known: Read | None, data: bytes, reason: str) -> Step:
    read = Read(len(data), 0, content_digest(data), refused=reason)
    return Step(file.path, reason="" if known == read else reason, read=read)


# -- JSON lines


def _lines(file: InputFile, data: bytes, known: Read | None) -> Iterator[Step]:
    start, line = 0, 0
    if known is not None and not known.refused and content_digest(data[: known.bytes]) == known.digest:
        start, line = known.bytes, known.lines
    if start == 0 and data[:256].lstrip().startswith(b"<"):
        yield _refused(file, known, data, "it holds a web page and not JSON")
        return
    digest = blake2b(data[:start], digest_size=_DIGEST_BYTES)
    while (end := data.find(b"\n", start)) != -1:
        line += 1
        digest.update(data[start : end + 1])
        read = Read(end + 1, line, digest.hexdigest())
        yield _line(f"{file.path}#L{line}", data[start:end], read)
        start = end + 1
    if start < len(data):
        yield _last_line(file, data[start:], known, Read(start, line, digest.hexdigest()))


def _line(locator: str, text: bytes, read: Read) -> Step:
    if not text.strip(b" \t\r\xef\xbb\xbf"):
        return Step(locator, read=read)
    try:
        return Step(locator, decode_json(text), read=read)
    except FileInvalid:
        return Step(locator, reason="the line is not JSON", read=read)


def _last_line(file: InputFile, text: bytes, known: Read | None, before: Read) -> Step:
    """A line without its end: perhaps it is being written. Taken when it is whole JSON, else noted; read again when there is more."""
    locator = f"{file.path}#L{before.lines + 1}"
    rest = content_digest(text)
    if not text.strip():
        return Step(locator, read=before)
    read = msgspec.structs.replace(before, rest=rest)
    if known is not None and known.rest == rest and known.bytes == before.bytes:
        return Step(locator, read=read)
    try:
        return Step(locator, decode_json(text), read=read)
    except FileInvalid:
        return Step(locator, reason="the last line is cut off; it is read when it is whole", read=read)


# -- JSON and CSV


def _elements(file: InputFile, data: bytes) -> Iterator[Step]:
    found = decode_json(data)
    if isinstance(found, list):
        for index, document in enumerate(cast("list[object]", found)):
            yield Step(f"{file.path}#[{index}]", document)
    else:
        yield Step(file.path, found)


def _rows(file: InputFile, data: bytes) -> Iterator[Step]:
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    head = text.partition("\n")[0]
    if not head.strip() or head.lstrip().startswith("<"):
        raise FileInvalid("its first line holds no names of columns")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in next(reader)]
    except csv.Error:
        raise FileInvalid("its first line cannot be read as CSV") from None
    if "environment" not in columns or not {"service", "workspace"} & set(columns):
        raise FileInvalid("its first line must name the columns environment and service (or workspace)")
    before = reader.line_num
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Step(f"{file.path}#L{before + 1}", reason="the row cannot be read as CSV")
            before = reader.line_num
            continue
        locator, before = f"{file.path}#L{before + 1}", reader.line_num
        if any(cell.strip() for cell in row):
            if len(row) > len(columns):
                yield Step(locator, reason="the row has more cells than there are columns")
            else:
                yield Step(locator, dict(zip(columns, row, strict=False)))
