"""A digest for a terminal."""

from __future__ import annotations

from agent.digest.model import Digest, Item, Section
from api.digest_words import SIGNS, basis, days, figure, more, title, told, trend
from api.text_layout import plain, wrap

WIDTH = 100


def digest_text(digest: Digest, width: int = WIDTH) -> str:
    """Headline, sections, measures, citations; one line where nothing happened."""
    head = f"{plain(title(digest))}, {days(digest)}"
    if digest.quiet:
        return f"{head}: {plain(digest.headline)}\n"
    lines = [head, "", *wrap(digest.headline, width)]
    lines += [line for note in digest.notes for line in wrap(note, width, first="  note: ", then="        ")]
    for section in told(digest):
        lines += ["", *_section(section, width)]
    if digest.measures:
        lines += ["", "Measures"]
        for m in digest.measures:
            before = f" ({trend(m)})" if trend(m) else ""
            lines += wrap(f"{m.title}: {figure(m)}{before}{_marks(m.citations)}", width, first="  ", then="    ")
            lines += wrap(basis(m), width, first="    ", then="    ")
    lines += ["", "Citations"]
    for c in digest.citations:
        lines += wrap(
            f"[{c.id}] {c.source} {c.locator}{f' {c.url}' if c.url else ''}", width, first="  ", then="      "
        )
    return "\n".join(lines) + "\n"


def _section(section: Section, width: int) -> list[str]:
    lines = [plain(section.title)]
    if section.empty:
        return [*lines, *wrap(section.empty, width, first="  ", then="  ")]
    if section.summary:
        lines += wrap(section.summary + _marks(section.citations), width, first="  ", then="  ")
    lines += [line for item in section.items for line in _item(item, width)]
    lines += [line for chart in section.charts for line in wrap(chart.alt, width, first="  ", then="  ")]
    return [*lines, f"  … {more(section)}"] if section.more else lines


def _item(item: Item, width: int) -> list[str]:
    lines = wrap(f"{item.text}{_marks(item.citations)}", width, first=f"  {SIGNS[item.severity]} ", then="    ")
    return [*lines, *wrap(item.detail, width, first="      ", then="      ")] if item.detail else lines


def _marks(ids: tuple[str, ...]) -> str:
    return f" [{', '.join(ids)}]" if ids else ""
