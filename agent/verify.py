"""What an investigation cites, and where: so that each citation can be read again at its source, and none is named that is not listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import msgspec

from agent.investigation import Investigation
from agent.model import Citation

_MARK = re.compile(r"\[(c\d+)\]")


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation and the places that use it, as paths in the JSON, in order."""

    citation: Citation
    used_in: tuple[str, ...]


def citations_of(investigation: Investigation) -> list[Cited]:
    """Every citation of an investigation with its uses, in the order in which they are listed; those that nothing uses too."""
    used = _uses(investigation)
    return [Cited(c, tuple(used.get(c.id, ()))) for c in investigation.citations]


def unlisted(investigation: Investigation) -> list[tuple[str, tuple[str, ...]]]:
    """Ids of citations that something uses and that are not listed, with their uses: a defect of the report."""
    listed = {c.id for c in investigation.citations}
    return [(mark, tuple(places)) for mark, places in sorted(_uses(investigation).items()) if mark not in listed]


def _uses(investigation: Investigation) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    whole = cast("dict[str, object]", msgspec.to_builtins(investigation))
    shown = {key: value for key, value in whole.items() if key not in ("citations", "symptom")}
    for mark, place in _walk("", shown):
        places = found.setdefault(mark, [])
        if place not in places:
            places.append(place)
    return found


def _walk(path: str, of: object) -> Iterator[tuple[str, str]]:
    if isinstance(of, dict):
        for key, value in cast("dict[str, object]", of).items():
            inner = f"{path}.{key}" if path else key
            if key == "citations" and isinstance(value, (list, tuple)):
                yield from ((str(mark), inner) for mark in cast("list[object]", value))
            else:
                yield from _walk(inner, value)
    elif isinstance(of, (list, tuple)):
        for i, value in enumerate(cast("list[object]", of)):
            yield from _walk(f"{path}[{i}]", value)
    elif isinstance(of, str):
        yield from ((mark, path) for mark in _MARK.findall(of))
