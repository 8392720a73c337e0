"""From bytes to records: log files, what `aws cloudtrail lookup-events` prints, EventBridge events, one record a line."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec

from graph.model import Quarantined
from ingest.sources.cloudtrail.records import Record, read_record

MAX_BYTES = 512 * 1024 * 1024
"""A file that holds more, unpacked, is not read."""


class DocumentInvalid(Exception):
    """This file cannot be read; `str()` says why in part of a sentence."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(slots=True)
class Document:
    """What a file holds.

    Attributes:
        records: those that could be read, in its order.
        broken: those that could not.
        passed_over: True for what CloudTrail writes beside logs: digests of files.
    """

    records: list[Record] = field(default_factory=list[Record])
    broken: list[Quarantined] = field(default_factory=list[Quarantined])
    passed_over: bool = False


def read_document(data: bytes, locator: str) -> Document:
    """The records of a file.

    Raises:
        DocumentInvalid: it is cut off, or not CloudTrail's.
    """
    text = _unpacked(data).removeprefix(b"\xef\xbb\xbf")
    head = text[:256].lstrip().lower()
    if not head:
        raise DocumentInvalid("is empty", "copy the file again")
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        raise DocumentInvalid(
            "is a web page or an error message, not a log", "download it with credentials that may read it"
        )
    document = Document()
    for number, item in enumerate(_items(text, document)):
        _take(item, f"{locator}#{number}", document)
    return document


def read_text(text: str, locator: str, document: Document) -> None:
    """Add the record in a JSON text, as LookupEvents gives it, to `document`."""
    try:
        _take(msgspec.json.decode(text), locator, document)
    except msgspec.DecodeError:
        document.broken.append(Quarantined(locator, "it is not JSON"))


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    parts: list[bytes] = []
    size = 0
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(data, MAX_BYTES + 1 - size)
        except zlib.error:
            raise DocumentInvalid("is no valid gzip file", "copy the file again") from None
        size += len(part)
        if size > MAX_BYTES:
            raise DocumentInvalid(f"holds more than {MAX_BYTES // 1024**2} MiB", "split it")
        if not unpacker.eof:
            raise DocumentInvalid("is cut off", "copy the file again")
        parts.append(part)
        data = unpacker.unused_data
        if not data.startswith(b"\x1f\x8b"):
            break
    return b"".join(parts)


def _items(text: bytes, document: Document) -> Iterator[object]:
    try:
        whole: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        yield from _lines(text)
        return
    if isinstance(whole, list):
        yield from cast("list[object]", whole)
        return
    if not isinstance(whole, dict):
        raise DocumentInvalid("holds no CloudTrail records", 'a log is {"Records": […]}')
    fields = cast("dict[str, object]", whole)
    for key in ("Records", "Events"):
        if isinstance(listed := fields.get(key), list):
            yield from cast("list[object]", listed)
            return
    if "digestStartTime" in fields or "previousDigestS3Object" in fields:
        document.passed_over = True
        return
    if not _is_record(fields):
        raise DocumentInvalid("holds no CloudTrail records", 'a log is {"Records": […]}')
    yield fields


def _lines(text: bytes) -> Iterator[object]:
    lines: Sequence[bytes] = [line for line in text.split(b"\n") if line.strip()]
    found: list[object] = []
    good = 0
    for line in lines:
        try:
            found.append(msgspec.json.decode(line))
            good += 1
        except msgspec.DecodeError:
            found.append(None)
    if good == 0 or len(lines) < 2:
        raise DocumentInvalid("is not JSON, or is cut off", 'a log is {"Records": […]}, or one record on each line')
    yield from found


def _is_record(fields: dict[str, object]) -> bool:
    return "eventID" in fields or "CloudTrailEvent" in fields or "detail" in fields


def _take(item: object, locator: str, document: Document) -> None:
    if not isinstance(item, dict):
        document.broken.append(Quarantined(locator, "it is no JSON object"))
        return
    fields = cast("dict[str, object]", item)
    inner = fields.get("CloudTrailEvent")
    if isinstance(inner, str):
        read_text(inner, locator, document)
        return
    if isinstance(detail := fields.get("detail"), dict):
        fields = cast("dict[str, object]", detail)
    try:
        document.records.append(read_record(fields))
    except msgspec.ValidationError as error:
        document.broken.append(Quarantined(locator, _reason(error)))


def _reason(error: msgspec.ValidationError) -> str:
    # msgspec names fields and types, never values.
    what, _, where = str(error).partition(" - at `$.")
    return f"{where.rstrip('`')}: {what}" if where else what
