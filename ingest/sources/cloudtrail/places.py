"""Where log files lie: a file, a directory tree or an S3 bucket, as CloudTrail itself lays them out or not.

Layout: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.cloudtrail.ledger import Ledger, log_of

if TYPE_CHECKING:  # the SDK takes long to import, and files need none
    from ingest.aws_client import Aws

_NAMED = re.compile(r"\.(?:json|jsonl|ndjson)(?:\.gz)?$|\.gz$", re.I)
_BESIDE = re.compile(r"(?:^|/)CloudTrail-(?:Digest|Insight|Aggregated)/|_CloudTrail-(?:Digest|Insight)_")
_REGION = re.compile(r"(?:^|/)CloudTrail/[a-z]{2}(?:-[a-z]+)+-\d/$")


@dataclass(frozen=True, slots=True)
class Place:
    """A file to read. `path` is relative to what the setting names; `version` of an object that may be written again, else empty."""

    path: str
    read: Callable[[], bytes]
    version: str = ""


def places(path: str, ledger: Ledger, aws: Callable[[], Aws]) -> Iterator[Place]:
    """The files that may hold something new, those of one folder together and in order.

    Raises:
        SourceError: the place cannot be listed.
    """
    return _objects(path, ledger, aws()) if path.startswith("s3://") else _files(Path(path).expanduser(), ledger)


# -- files


def _files(location: Path, ledger: Ledger) -> Iterator[Place]:
    try:
        names = _walk(location) if location.is_dir() else [location.name]
        root = location if location.is_dir() else location.parent
        if not location.is_dir() and not location.exists():
            raise SourceDataInvalid(f"there is no {location}", "give a file, a directory or s3://bucket/prefix")
    except PermissionError as error:
        raise SourceDataInvalid(f"{error.filename} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{location} cannot be read: {error.strerror}", "check the disk or the mount") from None
    for name in sorted(names, key=_in_order):
        if not ledger.is_read(name):
            yield Place(name, lambda file=root / name: _read(file))


def _in_order(path: str) -> tuple[str, str]:
    log = log_of(path)
    return (log.series, log.delivered) if log is not None else ("", path)


def _walk(root: Path) -> list[str]:
    found: list[str] = []
    for directory, names, files in os.walk(root, onerror=_raise):
        names[:] = sorted(n for n in names if not n.startswith("."))
        at = Path(directory).relative_to(root)
        found += [path for f in files if _NAMED.search(f) and not _BESIDE.search(path := (at / f).as_posix())]
    return found


def _raise(error: OSError) -> None:
    raise error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except PermissionError:
        raise SourceDataInvalid(f"{file} may not be read", "let the user who runs this read it") from None
    except OSError as error:
        raise SourceUnavailable(f"{file} cannot be read: {error.strerror}", "check the disk or the mount") from None


# -- objects


def _objects(location: str, ledger: Ledger, aws: Aws) -> Iterator[Place]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not bucket:
        raise SourceDataInvalid(f"{location} names no bucket", "write s3://bucket/prefix")
    for key in sorted(ledger.broken):
        yield _object(aws, bucket, key)
    # Below a region all is listed at once, from where the last pull ended; above it, folder by folder.
    waiting = [prefix]
    while waiting:
        folder = waiting.pop()
        whole = _REGION.search(folder) is not None or re.search(r"/\d{4}/", folder) is not None
        start = ledger.start_of(folder) if whole else ""
        below: list[str] = []
        for page in aws.pages("s3", "list_objects_v2", "", **_listing(bucket, folder, start, whole)):
            for item in cast("list[Mapping[str, object]]", page.get("Contents", [])):
                key, version = str(item["Key"]), str(item.get("ETag", ""))
                if (
                    _NAMED.search(key)
                    and not _BESIDE.search(key)
                    and not ledger.is_read(key)
                    and key not in ledger.broken
                ):
                    yield _object(aws, bucket, key, "" if log_of(key) is not None else version)
            below += [str(p["Prefix"]) for p in cast("list[Mapping[str, object]]", page.get("CommonPrefixes", []))]
        waiting += reversed([p for p in sorted(below) if not _BESIDE.search(p)])


def _listing(bucket: str, folder: str, start: str, whole: bool) -> dict[str, object]:
    arguments: dict[str, object] = {"Bucket": bucket, "Prefix": folder}
    return arguments | ({"StartAfter": start} if start else {}) | ({} if whole else {"Delimiter": "/"})


def _object(aws: Aws, bucket: str, key: str, version: str = "") -> Place:
    return Place(key, lambda: aws.object_body(bucket, key), version)
