"""Names of the items of a list, for lists that are read again at every version: each item's text is looked at once.

A list of a thousand projects is a thousand things that people speak of, not one: such items are blocks of their own, also where they
stand below a key. Beside items that name themselves (`- name: api`) there are those of one key that says what they are, as Jenkins Job
Builder and Zuul write them: `- job: {name: unit}` is `job.unit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from ingest.sources.git.languages.readers import Children, Entry, Reader, StructureUnclear
from ingest.sources.git.languages.yaml_lines import LineReader

LONG_BYTES = 16_384
"""A member of this size is no longer one thing to those who edit it."""
_FEW = 16
_MAX_NAME = 200
_KEYS = ("name", "id", "key", "title", "job_name", "alert", "record", "path", "hosts", "project")


def item_names(reader: Reader, items: Sequence[Entry], by: Sequence[str]) -> list[str]:
    """The names of items by the first of these keys that names them all; else by the one key that each of them has. Empty when
    some stay without a name.

    Raises:
        StructureUnclear: the reader cannot tell.
    """
    named = [_names(reader, item, remember=len(items) > _FEW) for item in items]
    for key in by:
        if all(key in one for one in named):
            return [one[key] for one in named]
    kinds = [one.get("", "") for one in named]
    return kinds if all(kinds) and any("." in kind for kind in kinds) else []


def _names(reader: Reader, item: Entry, *, remember: bool) -> Mapping[str, str]:
    if remember and isinstance(reader, LineReader) and reader.is_plain:
        known = _names_of_text(reader.source[item.start : item.end])
        if known is not None:
            return known
    return _read(reader, item)


@lru_cache(maxsize=16_384)
def _names_of_text(text: bytes) -> Mapping[str, str] | None:
    """As `_read`, of an item's own text; None when lines alone do not show it."""
    reader = LineReader(text)
    try:
        (root,) = reader.documents()
        (item,) = reader.children(root).entries
        return _read(reader, item)
    except (StructureUnclear, ValueError):
        return None


def _read(reader: Reader, item: Entry) -> Mapping[str, str]:
    children = reader.children(item)
    if children.kind != "mapping":
        return {}
    found = {m.key: text for m in children.entries if m.key in _KEYS and (text := _text(reader.children(m)))}
    if len(children.entries) == 1 and not found:
        (only,) = children.entries
        inner = reader.children(only)
        if only.key and inner.kind == "mapping":
            name = next((_text(reader.children(m)) for m in inner.entries if m.key == "name"), "")
            found[""] = f"{only.key}.{name}" if name else only.key
    return found


def _text(children: Children) -> str:
    return " ".join(children.text.split())[:_MAX_NAME] if children.kind == "scalar" else ""
