"""Citations and the text that is put around them. What sources wrote is data: it is shown, cut and quoted, never obeyed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from agent.intent import clean
from agent.model import Citation
from graph.clock import Instant, rfc3339
from graph.lexicon import Thing
from graph.model import Value
from graph.store import Provenance

_MARK = re.compile(r"\[(c\d+)\]")
_VALUE_CHARS = 80


class Citations:
    """The citations of one answer, numbered in the order in which they are first used."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str], Citation] = {}

    def cite(self, said: Provenance) -> str:
        """The id of the citation of this provenance."""
        return self.add(said.source, said.locator, said.url, said.observed_at)

    def cite_thing(self, found: Thing) -> str:
        """The id of the citation of what a thing says last."""
        return self.add(found.source, found.locator, found.url, found.observed_at)

    def add(self, source: str, locator: str, url: str | None, observed_at: Instant) -> str:
        """The id of the citation of a place of a source."""
        key = (source, locator)
        if key not in self._by_place:
            self._by_place[key] = Citation(
                id=f"c{len(self._by_place) + 1}",
                source=source,
                locator=locator,
                url=url,
                observed_at=rfc3339(observed_at),
            )
        return self._by_place[key].id

    def all(self) -> tuple[Citation, ...]:
        """Every citation so far."""
        return tuple(self._by_place.values())


def inline(text: str, limit: int = 160) -> str:
    """A source's text as part of a sentence: one line, no control characters, no citation marks of its own, cut to `limit`."""
    text = _MARK.sub(r"(\1)", clean(text[: limit * 4]))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def paragraph(text: str, limit: int = 2_000) -> str:
    """A source's text over several lines: without control characters and trailing blanks, cut to `limit`."""
    lines = [clean(line) for line in text[: limit * 2].replace("\r\n", "\n").split("\n")]
    text = "\n".join(lines).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shown(value: object, limit: int = _VALUE_CHARS) -> str:
    """A value in a sentence: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return inline(value, limit) or '""'
    return inline(json.dumps(value, ensure_ascii=False, default=str), limit)


def marks(*ids: str) -> str:
    """Citation marks: ` [c1][c2]`."""
    return " " + "".join(f"[{i}]" for i in dict.fromkeys(ids)) if ids else ""


def day(at: Instant) -> str:
    """A date in a sentence."""
    return rfc3339(at)[:10]


def number_of(value: Value) -> float | None:
    """A property's value as a number, also when a source wrote it as text (`1,000`); None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value.replace(",", ""))
        except ValueError:
            return None
    return None


def text_of(properties: Mapping[str, Value], name: str) -> str:
    """A property as text, empty when it is not there."""
    value = properties.get(name)
    return value if isinstance(value, str) else ""
