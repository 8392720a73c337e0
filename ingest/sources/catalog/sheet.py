"""Spreadsheets of services as CSV: a header, then a service a line. OpsLevel exports such files, and people keep them.

Columns are found by their names, in any order, spelled with spaces, dashes or underscores; further ones are passed over.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from graph.model import Quarantined
from ingest.repository_files import RepositoryFile
from ingest.sources.catalog.entries import Entry, Origin, target

_COLUMNS = {
    "service": ("service", "name", "service_name", "component"),
    "title": ("title", "display_name", "full_name"),
    "description": ("description",),
    "owner": ("owner", "team", "owner_team", "owning_team", "owned_by"),
    "tier": ("tier", "criticality", "service_tier"),
    "lifecycle": ("lifecycle", "lifecycle_stage"),
    "type": ("type", "kind"),
    "system": ("system", "product"),
    "on_call": ("on_call", "oncall", "on_call_email"),
    "slack_channel": ("slack_channel", "slack", "channel"),
    "repository": ("repository", "repo", "repositories"),
    "environment": ("environment", "environments", "env"),
}
_WORD = re.compile(r"[^a-z0-9]+")
_SEVERAL = re.compile(r"[;,|]\s*")
_FORGE = re.compile(r"^(?:https?://|git@)[^/:]+[/:]")


def read_sheet(file: RepositoryFile, at: int, columns: Mapping[str, str]) -> Iterator[Entry | Quarantined]:
    """The services of a CSV; nothing when it has no columns for service and owner. A row without a service is quarantined."""
    rows = csv.reader(io.StringIO(file.text(), newline=""), strict=True)
    try:
        header = _header(next(rows, list[str]()), columns)
        if "service" not in header or "owner" not in header:
            return
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _entry(file, row, header, rows.line_num, at)
    except csv.Error:
        yield Quarantined(file.cite(rows.line_num or 1)[0], "the line is no CSV; what follows was not read")


def _header(row: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Meaning of a column -> its index; the first of several counts."""
    own = {_word(column): meaning for column, meaning in columns.items()}
    meanings = {name: meaning for meaning, names in _COLUMNS.items() for name in names} | own
    found: dict[str, tuple[int, int]] = {}
    for index, cell in enumerate(row):
        if (meaning := meanings.get(_word(cell))) is not None:
            names = _COLUMNS.get(meaning, ())
            rank = names.index(_word(cell)) if _word(cell) in names and _word(cell) not in own else -1
            found[meaning] = min(found.get(meaning, (rank, index)), (rank, index))
    return {meaning: index for meaning, (_, index) in found.items()}


def _entry(file: RepositoryFile, row: list[str], header: Mapping[str, int], line: int, at: int) -> Entry | Quarantined:
    def cell(meaning: str) -> str:
        index = header.get(meaning, len(row))
        return row[index].strip() if index < len(row) else ""

    locator, url = file.cite(line)
    name = cell("service")
    if not name:
        return Quarantined(locator, "the row names no service")
    repositories = (_FORGE.sub("", r).removesuffix(".git").strip("/") for r in _several(cell("repository")))
    return Entry(
        kind="component",
        name=name,
        origin=Origin(locator, url, at),
        title=cell("title"),
        description=cell("description"),
        type=cell("type"),
        lifecycle=cell("lifecycle"),
        tier=cell("tier"),
        system=target(cell("system"), "system"),
        owner=target(cell("owner"), "group"),
        owner_rule="catalog column owner",
        channel=cell("slack_channel"),
        repositories=tuple((r, "column repository") for r in repositories if "/" in r),
        on_call=_several(cell("on_call")),
        environments=_several(cell("environment")),
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEVERAL.split(cell) if part.strip())


def _word(text: str) -> str:
    return _WORD.sub("_", text.strip().lower()).strip("_")
