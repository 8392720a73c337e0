"""Alerts and incidents of a view: by name, by time, by service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.cached import PerView
from agent.evidence import text_of
from agent.shipments import moment
from graph.clock import DAY, Instant
from graph.model import EntityRef
from graph.store import EntityView, GraphStore, Limits, Provenance, View
from graph.text import name_tokens

_MOST = 100_000
_NUMBER = re.compile(r"\b(?:incidents?|inc|outage)\b[-# (]{0,3}(\d{1,9})\b", re.I)
_DULL = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "at",
        "for",
        "alert",
        "alerts",
        "alarm",
        "incident",
        "outage",
        "page",
        "pager",
        "that",
        "this",
        "firing",
        "fired",
    ]
)


@dataclass(frozen=True, slots=True)
class Signal:
    """An alert's firing, or an incident."""

    ref: EntityRef
    name: str
    title: str
    key: str
    number: str
    system: str
    service: str
    environment: str
    severity: str
    state: str
    started_at: Instant
    ended_at: Instant | None
    cause: str
    fix: str
    said: Provenance

    @property
    def is_incident(self) -> bool:
        """An incident, and not an alert."""
        return self.ref.kind == "Incident"

    @property
    def by_hindsight(self) -> bool:
        """Only a write-up tells of it: nobody knew of it while it went on."""
        return self.said.source == "documents"

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or self.title or self.key or self.ref.id


class Signals:
    """All signals of a view, oldest first."""

    def __init__(self, found: Sequence[Signal]) -> None:
        self.all = tuple(sorted(found, key=lambda s: (s.started_at, s.ref)))

    def between(self, since: Instant | None, until: Instant | None) -> tuple[Signal, ...]:
        """Those that began at `since <= t < until`."""
        return tuple(
            s for s in self.all if (since is None or s.started_at >= since) and (until is None or s.started_at < until)
        )

    def named(self, text: str, near: Instant | None = None) -> tuple[Signal, ...]:
        """Those that words name, likeliest first: by id or whole name, else by most of the words of name, title and service."""
        words = [w for w in name_tokens(text) if w not in _DULL]
        chunks = {c.strip("\"'`.,;:()[]“”?!#").casefold() for c in text.split()}
        numbers = set(_NUMBER.findall(text))
        scored: list[tuple[float, Signal]] = []
        for one in self.all:
            own = {one.name.casefold(), one.key.casefold(), f"{one.system}:{one.key}".casefold()} - {"", ":"}
            if numbers and one.is_incident and one.number:
                score = 5.0 if one.number in numbers else 0.0
            elif chunks & own:
                # An alert's name is that of its rule: service and environment tell its firings apart.
                score = 3.0 + sum(bool(w) and w in words for w in (one.service, one.environment)) / 4
            else:
                score = _likeness(words, one)
            if score > 0:
                scored.append((score, one))
        if not scored:
            return ()
        best = max(score for score, _ in scored)
        top = [one for score, one in scored if score >= best - 1e-9]
        if near is not None and len(top) > 1:
            same_day = [one for one in top if abs(one.started_at - near) <= DAY]
            top = same_day or top
        return tuple(
            sorted(top, key=lambda s: (abs(s.started_at - near) if near is not None else -s.started_at, s.ref))
        )


def _likeness(words: Sequence[str], one: Signal) -> float:
    """The share of the words said that are its own, when it is most of them and most of the words of its name or title."""
    if not words:
        return 0.0
    own = set(name_tokens(f"{one.name} {one.title} {one.service} {one.environment}"))
    named = set(name_tokens(one.name or one.title)) - _DULL
    said = set(words)
    covered = len(said & own) / len(said)
    complete = len(said & named) / len(named) if named else 0.0
    return covered + complete / 2 if covered >= 0.6 and (complete >= 0.5 or one.service in said) else 0.0


def _read(store: GraphStore, view: View) -> Signals:
    found: list[Signal] = []
    for kind in ("Alert", "Incident"):
        page = store.select(kind, {}, view, Limits(rows=_MOST, deadline_s=20.0))
        refs = [r for e in page.items for r in e.refs] if kind == "Incident" else []
        numbers = {a.ref: a.name for a in (store.aliases(refs, view) if refs else ()) if a.scheme == "number"}
        found += [_signal(entity, next((numbers[r] for r in entity.refs if r in numbers), "")) for entity in page.items]
    return Signals(found)


signals = PerView(_read)
"""All alerts and incidents that are visible in a view; kept while nothing new is recorded."""


def _signal(entity: EntityView, number: str) -> Signal:
    said = entity.properties
    newest = max(entity.statements, key=lambda s: (s.valid_from, s.provenance.observed_at))
    first = min(s.valid_from for s in entity.statements)
    started = moment(text_of(said, "started_at"))
    return Signal(
        ref=entity.ref,
        name=text_of(said, "name"),
        title=text_of(said, "title") or text_of(said, "summary"),
        key=text_of(said, "alert_id") or text_of(said, "incident_id"),
        number=number,
        system=text_of(said, "system"),
        service=text_of(said, "service"),
        environment=text_of(said, "environment"),
        severity=text_of(said, "severity"),
        state=text_of(said, "state"),
        started_at=started if started is not None else first,
        ended_at=moment(text_of(said, "ended_at") or text_of(said, "resolved_at")),
        cause=text_of(said, "cause"),
        fix=text_of(said, "fix"),
        said=newest.provenance,
    )
