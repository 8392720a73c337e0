"""Which files make one bill, and which bill is the newest.

AWS writes a manifest for each billing period, which lists the files of its newest version; files of older versions may lie beside it.
Manifests: https://docs.aws.amazon.com/cur/latest/userguide/cur-s3-files.html ·
https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html ·
https://learn.microsoft.com/azure/cost-management-billing/costs/tutorial-improved-exports
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec

from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.deployments.files import InputFile, find_files

_SUFFIXES = (
    ".csv",
    ".csv.gz",
    ".jsonl",
    ".jsonl.gz",
    ".ndjson",
    ".ndjson.gz",
    ".json.gz",
    ".parquet",
    "anifest.json",
    ".json",
)
_GUID = re.compile(r"_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.csv(\.gz)?$", re.I)


@dataclass(frozen=True, slots=True)
class Bill:
    """Files that are one export. `id` is its place, the same for a newer export that overwrites it."""

    id: str
    files: tuple[InputFile, ...]

    def digest(self) -> str:
        """What equal contents share. Raises `SourceUnavailable`."""
        found = blake2b(digest_size=12)
        for file in self.files:
            found.update(file.path.encode() + b"\0")
            found.update(file_digest(file.file))
        return found.hexdigest()


class _Blob(msgspec.Struct, rename="camel"):
    blob_name: str = ""


class _Manifest(msgspec.Struct, rename="camel"):
    """What is used of AWS's two manifests and of Azure's."""

    report_keys: list[str] = []
    data_files: list[str] = []
    blobs: list[_Blob] = []

    def listed(self) -> list[str]:
        return [*self.report_keys, *self.data_files, *(b.blob_name for b in self.blobs if b.blob_name)]


def find_bills(location: str, layout: str) -> list[Bill]:
    """The bills at a location, the newest first. Raises `SourceDataInvalid`, `SourceUnavailable`."""
    found = find_files(location, _SUFFIXES, "bills")
    manifests = [f for f in found if f.path.endswith("anifest.json")]
    files = {f.path: f for f in found if not f.path.endswith(".json") or len(found) == 1}
    if not files:
        raise SourceDataInvalid(
            f"there are no bills in {location}", "files that are read end in .csv, .csv.gz, .jsonl or .parquet"
        )
    bills: list[tuple[tuple[int, int, str], Bill]] = []
    listed: set[str] = set()
    for manifest in sorted(manifests, key=lambda m: (_time(m), m.path), reverse=True):
        paths = _listed(manifest, files)
        listed.update(paths)
        if paths:
            # The copy in the period's own directory is that of its newest version.
            rank = -len(Path(manifest.path).parts)
            of = tuple(files[p] for p in sorted(paths))
            bills.append(((rank, max(map(_time, of)), manifest.path), Bill(manifest.path, of)))
    rest = [f for path, f in sorted(files.items()) if path not in listed]
    if manifests and listed:
        # Beside a manifest lie files of versions that it has replaced.
        homes = {str(Path(m.path).parent) for m in manifests}
        rest = [f for f in rest if not any(str(Path(f.path).parent).startswith(h) for h in homes if h != ".")]
    groups: dict[str, list[InputFile]] = {}
    for file in rest:
        groups.setdefault(_group(file, layout), []).append(file)
    for name, group in groups.items():
        bills.append(((-99, max(map(_time, group)), name), Bill(name, tuple(_once(group)))))
    return [bill for _, bill in sorted(bills, key=lambda b: b[0], reverse=True)]


def file_digest(file: Path) -> bytes:
    """Digest of a file's bytes. Raises `SourceUnavailable`."""
    found = blake2b(digest_size=12)
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                found.update(chunk)
    except OSError as error:
        raise SourceUnavailable(
            f"{file.name} cannot be read: {error.strerror}", "check the disk or the mount"
        ) from None
    return found.digest()


def _group(file: InputFile, layout: str) -> str:
    if layout == "together":
        return "."
    if layout == "each" or _GUID.search(file.path):  # Azure writes the month so far anew each day, under a new id
        return file.path
    return str(Path(file.path).parent)


def _once(files: Sequence[InputFile]) -> list[InputFile]:
    """Without copies: the same bytes under two names are one part."""
    kept: dict[tuple[int, bytes], InputFile] = {}
    sizes = [_size(f) for f in files]
    for file, size in zip(files, sizes, strict=True):
        kept.setdefault((size, file_digest(file.file) if sizes.count(size) > 1 else b""), file)
    return list(kept.values())


def _listed(manifest: InputFile, files: dict[str, InputFile]) -> set[str]:
    """Those of the files that a manifest lists: by the longest end of their path that is told."""
    try:
        told = msgspec.json.decode(manifest.file.read_bytes(), type=_Manifest).listed()
    except (msgspec.DecodeError, OSError):
        return set()
    found: set[str] = set()
    by_name: dict[str, list[str]] = {}
    for path in files:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for key in told:
        parts = key.split("/")
        candidates = by_name.get(parts[-1], [])
        if not candidates:
            return set()  # not whole: a part has not been copied yet
        found.add(max(candidates, key=lambda c: (_common(c.split("/"), parts), c)))
    return found


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count


def _time(file: InputFile) -> int:
    try:
        return file.file.stat().st_mtime_ns
    except OSError:
        return 0


def _size(file: InputFile) -> int:
    try:
        return file.file.stat().st_size
    except OSError:
        return 0
