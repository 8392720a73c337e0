"""What every part of a digest works with: the graph as of the window's end, read once, and the citations of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from agent.context import Context
from agent.cost.model import CostReport
from agent.digest.incidents import Told, incidents
from agent.digest.model import Item, Section, SectionName
from agent.evidence import Citations
from agent.model import Citation, Question
from agent.ownership import Ownership, owned, ownership
from agent.reach import ENVIRONMENT_WORDS
from agent.shipments import Shipment, Shipments, shipments
from graph.clock import DAY, Instant, instant
from graph.model import EntityRef
from graph.store import GraphStore, View

SHOWN = 12
"""So many lines of a section are listed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is not in the graph and somebody else worked out.

    Attributes:
        cost: the bill of the window; None when none is connected.
        why_no_cost: the sentence that stands instead.
        cost_before: of the window before, for its own trend.
        organisation: what to call the whole.
        seen_until: how far the clock had come: what expires or is stale is judged by the earlier of this and the window's end.
    """

    cost: CostReport | None = None
    cost_before: CostReport | None = None
    why_no_cost: str = "no bill is connected: the source costs reads one"
    organisation: str = ""
    seen_until: Instant | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """One digest being made. `view` is as of the last moment of the window."""

    store: GraphStore
    view: View
    since: Instant
    until: Instant
    before: Instant
    given: Given = field(default_factory=Given)
    team: str = ""
    citations: Citations = field(default_factory=Citations)

    @cached_property
    def context(self) -> Context:
        """For the parts of the agent that answer questions; its citations are the digest's."""
        question = Question(kind="what_changed", text="", since=self.since, until=self.until)
        return Context(self.store, question, self.view, self.until, self.view.as_of, None, citations=self.citations)

    @cached_property
    def ownership(self) -> Ownership:
        """Who owns what at the window's end."""
        return ownership(self.store, self.view)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the team that the digest is for; empty when it is for all. Raises `UnknownTeam`."""
        return self.ownership.names_of(self.team) if self.team else frozenset()

    @cached_property
    def shipments(self) -> Shipments:
        """All deployments and applies up to the window's end."""
        return shipments(self.store, self.view)

    @cached_property
    def incidents(self) -> tuple[Told, ...]:
        """All incidents up to the window's end, each once, that are the team's."""
        return tuple(i for i in incidents(self.store, self.view) if self.is_ours(service=i.service))

    @property
    def now(self) -> Instant:
        """The window's end, or the moment itself of a window that has not ended."""
        seen = self.given.seen_until
        return self.until if seen is None else min(seen, self.until)

    @property
    def earlier(self) -> str:
        """What to call the window before: `the week before`."""
        days = round((self.until - self.since) / DAY)
        return {1: "the day before", 7: "the week before"}.get(
            days, "the month before" if 28 <= days <= 31 else "the time before"
        )

    def is_ours(
        self,
        refs: Iterable[EntityRef] = (),
        *,
        service: str = "",
        places: Iterable[tuple[str, str]] = (),
        names: Iterable[str] = (),
    ) -> bool:
        """Whether the team that the digest is for owns any of it; always when it is for all.

        Args:
            service: name of a service.
            places: repository and path of code.
            names: owners as somebody else told them.
        """
        if not self.names:
            return True
        plain = {n.strip().lstrip("@").casefold() for n in names}
        if plain & self.names or owned(self.ownership.service_owner.get(service), self.names):
            return True
        if any(owned(self.ownership.of(r), self.names) for r in refs):
            return True
        return any(owned(self.ownership.of_path(repository, path), self.names) for repository, path in places)

    @cached_property
    def production(self) -> frozenset[str]:
        """Names of the environments that count as production."""
        known = self.shipments.environments
        return frozenset(n for n in known if ENVIRONMENT_WORDS.get(n.casefold(), n.casefold()) == "prod")

    def in_production(self, one: Shipment) -> bool:
        """Whether it took effect in production."""
        return one.took_effect and one.environment in self.production

    def borrowed(self, cited: Iterable[str], of: Iterable[Citation]) -> tuple[str, ...]:
        """Citations of another result as the digest's own."""
        by_id = {c.id: c for c in of}
        return tuple(
            self.citations.add(c.source, c.locator, c.url, _moment(c.observed_at, self.until))
            for i in cited
            if (c := by_id.get(i)) is not None
        )


def section(
    name: SectionName, title: str, items: list[Item], empty: str, *, summary: str = "", most: int = SHOWN
) -> Section:
    """A section of these lines, the first `most` of them listed."""
    return Section(
        name=name,
        title=title,
        summary=summary,
        items=tuple(items[:most]),
        more=max(0, len(items) - most),
        empty="" if items else empty,
    )


def _moment(text: str, otherwise: Instant) -> Instant:
    try:
        return instant(text)
    except ValueError:
        return otherwise
