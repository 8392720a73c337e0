"""A digest: `lore.digest/1`. Every item cites."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from agent.model import Citation, Struct

Period: TypeAlias = Literal["daily", "weekly", "monthly"]
Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
SectionName: TypeAlias = Literal[
    "drift", "cost", "changes", "incidents", "expiring", "unowned", "stale", "waste", "measures"
]


class Item(Struct, frozen=True, kw_only=True):
    """One line. `severity` orders and colours; `detail` is a second line."""

    text: str
    detail: str = ""
    severity: Severity = "info"
    ref: str = ""
    citations: tuple[str, ...] = ()


class Measure(Struct, frozen=True, kw_only=True):
    """A figure that the team should see.

    Attributes:
        value: None when it cannot be computed; `why` says so then.
        unit: `hours`, `per week`, `%`, `USD`.
        previous: of the window before.
        how: how it was computed, a sentence.
        count: from how many incidents, deployments …
    """

    name: str
    title: str
    value: float | None
    unit: str
    previous: float | None = None
    better: Literal["lower", "higher", "neither"] = "neither"
    how: str
    count: int = 0
    why: str = ""
    citations: tuple[str, ...] = ()


class Series(Struct, frozen=True, kw_only=True):
    """One line or bar series of a chart; None is a gap."""

    name: str
    values: tuple[float | None, ...]


class Chart(Struct, frozen=True, kw_only=True):
    """A chart as data: drawn by the surfaces that can. `alt` says in words what it shows."""

    id: str
    title: str
    kind: Literal["line", "bar", "stacked"]
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    alt: str = ""


class Section(Struct, frozen=True, kw_only=True):
    """A part of a digest. `empty` is the one line that stands when nothing happened."""

    name: SectionName
    title: str
    summary: str = ""
    items: tuple[Item, ...] = ()
    more: int = 0
    empty: str = ""
    charts: tuple[Chart, ...] = ()
    citations: tuple[str, ...] = ()


class Digest(Struct, frozen=True, kw_only=True):
    """What happened from `since` up to `until`, for a team or for all.

    Attributes:
        headline: the one or two sentences that a reader in a hurry reads.
        quiet: nothing happened: surfaces show one line.
    """

    schema: Literal["lore.digest/1"] = "lore.digest/1"
    period: Period
    since: str
    until: str
    team: str = ""
    organisation: str = ""
    headline: str
    quiet: bool = False
    sections: tuple[Section, ...] = ()
    measures: tuple[Measure, ...] = ()
    notes: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()

    def to_json(self) -> str:
        """One line of `lore.digest/1`."""
        return msgspec.json.encode(self).decode()
