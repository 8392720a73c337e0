"""Rows of a bill's file, streamed: CSV, JSON lines and Parquet, each recognised by its columns."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import msgspec

from ingest.source import SourceDataInvalid
from ingest.sources.costs import aws_bill, other_bills
from ingest.sources.costs.line import Line, LineInvalid, Row

_MAX_FIELD = 1 << 20
_BATCH_ROWS = 20_000


class FileRefused(ValueError):
    """A file is no bill, or not whole. `str(error)` says why and holds nothing of its content."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a bill's rows are read: columns of the file by the reader's names, and the reader."""

    name: str
    columns: dict[str, str]
    lines: Callable[[Row, str], Iterator[Line]]


def dialect_of(columns: Sequence[str]) -> Dialect:
    """Whose bill has these columns. Raises `FileRefused`."""
    aws = {c: aws_bill.column(c.strip()) for c in columns}
    if set(aws.values()) >= aws_bill.NEEDS:
        keep = set(aws_bill.wanted(list(aws.values())))
        chosen = {c: ours for c, ours in aws.items() if ours in keep}
        return Dialect("aws", chosen, aws_bill.reader(list(chosen.values())))
    lower = {c: c.strip().lower().replace(".", "_").replace(" ", "") for c in columns}
    there = set(lower.values())
    if there >= other_bills.FOCUS_NEEDS:
        chosen = {c: n for c, n in lower.items() if n in other_bills.FOCUS_WANTED}
        return Dialect("focus", chosen, other_bills.focus_lines)
    if there >= other_bills.GCP_NEEDS:
        return Dialect("gcp", {c: n for c, n in lower.items() if n in other_bills.GCP_WANTED}, other_bills.gcp_lines)
    azure = other_bills.azure_columns(list(lower.values()))
    if set(azure.values()) >= other_bills.AZURE_NEEDS:
        return Dialect("azure", {c: azure[n] for c, n in lower.items() if n in azure}, other_bills.azure_lines)
    raise FileRefused("its columns are those of no bill that is known: AWS CUR, FOCUS, Google Cloud or Azure")


def file_lines(file: Path, basis: str, refused: Callable[[str, str], None]) -> Iterator[Line]:
    """The lines of a file. A row that is none is told to `refused` with its place (`L12`) and the reason.

    Raises:
        FileRefused: the file is no bill or not whole; what was yielded before is not all of it.
        SourceDataInvalid: it is Parquet, and nothing here can read that.
        OSError: it cannot be read.
    """
    try:
        for number, row, dialect in _rows(file):
            try:
                yield from dialect.lines(row, basis)
            except LineInvalid as error:
                refused(f"L{number}", str(error))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FileRefused("it is cut off or no gzip") from None
    except (UnicodeDecodeError, csv.Error):
        raise FileRefused("it cannot be read as CSV in UTF-8") from None


_Rows = Iterator[tuple[int, Row, Dialect]]
"""The number of a line, its row by the reader's names, and how it is read."""


def _rows(file: Path) -> _Rows:
    name = file.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        yield from _parquet(file)
        return
    with _opened(file) as stream:
        head = stream.peek(512)[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
        if not head:
            raise FileRefused("it is empty")
        if head[:1] == b"<":
            raise FileRefused("it holds a web page and no bill")
        yield from _json_lines(stream) if head[:1] in b"{[" else _csv(stream)


def _opened(file: Path) -> io.BufferedReader:
    raw = file.open("rb")
    if raw.read(2) == b"\x1f\x8b":
        raw.seek(0)
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)), 1 << 16)
    raw.seek(0)
    return raw


def _csv(stream: BinaryIO) -> _Rows:
    csv.field_size_limit(min(_MAX_FIELD, sys.maxsize))
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    first = text.readline()
    delimiter = max(",;\t", key=first.count)
    columns = next(csv.reader([first], delimiter=delimiter))
    dialect = dialect_of(columns)
    names = list(dialect.columns.values())
    pick = itemgetter(*(columns.index(c) for c in dialect.columns))
    reader = csv.reader(text, delimiter=delimiter)
    most = len(columns)
    for row in reader:
        if len(row) == most:
            yield reader.line_num + 1, dict(zip(names, pick(row), strict=True)), dialect
        elif any(cell.strip() for cell in row):
            raise FileRefused(
                f"line {reader.line_num + 1} has {len(row)} columns in place of {most}: it is cut off or broken"
            )


def _json_lines(stream: BinaryIO) -> _Rows:
    known: frozenset[str] = frozenset()
    dialect: Dialect | None = None
    for number, line in enumerate(stream, 1):
        line = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not line:
            continue
        try:
            row = _flat(msgspec.json.decode(line, type=dict[str, object]))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise FileRefused(f"line {number} is no JSON object: it is cut off or not JSON lines") from None
        if not known.issuperset(row):  # a table's export leaves out what is null
            known = known.union(row)
            dialect = dialect_of(sorted(known))
        if dialect is not None:
            yield number, {ours: row.get(c) for c, ours in dialect.columns.items()}, dialect
    if not known:
        raise FileRefused("it holds no line")


def _flat(row: dict[str, object], prefix: str = "") -> dict[str, object]:
    """Records inside a record by dotted names; lists are kept."""
    found: dict[str, object] = {}
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and key.lower() not in ("tags", "resource_tags", "labels"):
            found.update(_flat(cast("dict[str, object]", value), f"{name}."))
        elif value is not None:
            found[name] = value
    return found


# -- Parquet: pyarrow has no types


class _Schema(Protocol):
    names: list[str]


class _Batch(Protocol):
    def to_pylist(self) -> list[dict[str, object]]: ...


class _ParquetFile(Protocol):
    schema_arrow: _Schema

    def iter_batches(self, *, batch_size: int, columns: list[str]) -> Iterator[_Batch]: ...


def _parquet(file: Path) -> _Rows:
    try:
        from pyarrow import ArrowException  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
        from pyarrow.parquet import ParquetFile  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
    except ImportError:
        raise SourceDataInvalid(
            f"{file.name} is Parquet, and pyarrow is not installed",
            "install the extra: `pip install 'infralore[parquet]'`, or export the bill as CSV",
        ) from None
    errors = cast("tuple[type[Exception], ...]", (ArrowException, OSError))
    try:
        opened = cast("Callable[[str], _ParquetFile]", ParquetFile)(str(file))
        columns = list(opened.schema_arrow.names)
        dialect = dialect_of(columns)
        number = 0
        for batch in opened.iter_batches(batch_size=_BATCH_ROWS, columns=list(dialect.columns)):
            for row in batch.to_pylist():
                number += 1
                yield number, {ours: row[c] for c, ours in dialect.columns.items()}, dialect
    except FileRefused:
        raise
    except errors:
        raise FileRefused("it cannot be read as Parquet: it is cut off or another format") from None
