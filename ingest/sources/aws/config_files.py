"""AWS Config's snapshot and history files, as its delivery channel writes them: JSON, mostly compressed.

When one file is new all are read again, because what a resource no longer has is only told by its item before; stated are the
histories of the resources that the new files speak of. Stating something twice changes nothing.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec

from graph.model import Assertion, FactBatch, Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.aws.batches import EXTRACTOR, SOURCE, cursor_batch, tagging
from ingest.sources.aws.config_items import ConfigItem, ItemInvalid, config_item, history, part_of_item
from ingest.sources.aws.ledger import Ledger, batch_id
from ingest.sources.aws.settings import AwsSettings

MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
"""Largest file, decompressed."""
_BATCH = 1500
_NEVER = ("ConfigWritabilityCheckFile",)
"""Empty files that AWS Config writes to see whether it may."""


class _File(msgspec.Struct):
    configurationItems: list[msgspec.Raw]


def file_batches(settings: AwsSettings, scope: str, ledger: Ledger) -> Iterator[FactBatch]:
    """Histories of what the new files speak of, then the cursor.

    Raises:
        SourceDataInvalid: there is no such file or directory, or nothing in it can be read.
        SourceUnavailable: it cannot be read now.
    """
    files = _files(settings.path)
    known = set(ledger.files)
    new = {digest for digest in files if digest not in known}
    if not new:
        return
    items, touched, notes = _items(files, new, settings.path)
    parts: dict[str, list[Assertion]] = {}
    for arn in sorted(touched):
        of_one = items[arn]
        parts.setdefault(part_of_item(of_one[0]), []).extend(history(of_one, tagging(settings)))
    for part, assertions in sorted(parts.items()):
        ledger.parts.pop(part, None)  # the inventory has the last word again, even if it is unchanged
        yield from assertion_batches(f"{scope}#{part}", assertions)
    if notes:
        yield FactBatch(batch_id(scope, notes), SOURCE, scope, EXTRACTOR, quarantined=tuple(notes))
    ledger.files = sorted(known | new)
    yield cursor_batch(scope, ledger)


def assertion_batches(scope: str, assertions: list[Assertion]) -> Iterator[FactBatch]:
    """The assertions in batches of bounded size, with ids that follow from their content."""
    for start in range(0, len(assertions), _BATCH):
        chunk = assertions[start : start + _BATCH]
        yield FactBatch(batch_id(scope, assertions=chunk), SOURCE, scope, EXTRACTOR, chunk)


def _items(
    files: Mapping[str, Path], new: set[str], root: str
) -> tuple[dict[str, list[ConfigItem]], set[str], list[Quarantined]]:
    items: dict[str, list[ConfigItem]] = {}
    touched: set[str] = set()
    notes: list[Quarantined] = []
    readable = 0
    for digest, path in sorted(files.items(), key=lambda pair: pair[1]):
        name = _name(path, root)
        try:
            raw = msgspec.json.decode(_read(path), type=_File).configurationItems
        except (msgspec.DecodeError, OSError, EOFError, zlib.error):
            if digest in new:
                notes.append(Quarantined(name, "it is no AWS Config snapshot or history"))
            continue
        readable += 1
        for index, one in enumerate(raw):
            locator = f"{name}#{index}"
            try:
                item = config_item(msgspec.json.decode(one, type=dict[str, object]), locator)
            except (ItemInvalid, msgspec.DecodeError) as error:
                if digest in new:
                    notes.append(
                        Quarantined(locator, str(error) if isinstance(error, ItemInvalid) else "it is no item")
                    )
                continue
            if item is not None:
                items.setdefault(item.arn, []).append(item)
                if digest in new:
                    touched.add(item.arn)
    if not readable:
        raise SourceDataInvalid(
            f"nothing in {root} is a snapshot or a history of AWS Config",
            'point `path:` at the files of the delivery channel: {"fileVersion": …, "configurationItems": […]}',
        )
    return items, touched, notes


def _files(root: str) -> dict[str, Path]:
    """Content digest -> file."""
    path = Path(root).expanduser()
    if not path.exists():
        raise SourceDataInvalid(f"there is no {root}", "check `path:`")
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.name.endswith((".json", ".json.gz")))
    if not found:
        raise SourceDataInvalid(f"there is no .json or .json.gz file in {root}", "check `path:`")
    digests: dict[str, Path] = {}
    for one in found:
        if any(word in one.name for word in _NEVER):
            continue
        try:
            digests.setdefault(blake2b(one.read_bytes(), digest_size=8).hexdigest(), one)
        except OSError as error:
            raise SourceUnavailable(f"{one} cannot be read ({type(error).__name__})", "check its permissions") from None
    return digests


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        with gzip.open(path) as file:
            data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError("too large")
    return data


def _name(path: Path, root: str) -> str:
    base = Path(root).expanduser()
    return path.name if base.is_file() else path.relative_to(base).as_posix()
