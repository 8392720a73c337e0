"""What a question's answerer works with, and how it puts its answer together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent.evidence import Citations, inline
from agent.model import Answer, Change, EntityItem, Match, Question, RelationItem, StatedFact, Status
from graph.clock import Instant, rfc3339
from graph.lexicon import Thing, things
from graph.model import EntityRef
from graph.resolve import Found, Resolution, resolve
from graph.store import GraphStore, View

if TYPE_CHECKING:
    from agent.reach import Reach

Search = Callable[[str], Sequence[EntityRef]]
"""Finds entities by meaning, best first: the fallback when no name fits."""

CANDIDATES = 10


@dataclass(slots=True)
class Context:
    """One question being answered."""

    store: GraphStore
    question: Question
    view: View
    now: Instant
    as_of: Instant | None
    known_at: Instant | None
    search: Search | None = None
    citations: Citations = field(default_factory=Citations)
    missing: list[str] = field(default_factory=list[str])
    facts: list[StatedFact] = field(default_factory=list[StatedFact])
    _reach: Reach | None = None
    environments: frozenset[str] = frozenset()
    """The only environments that count, when the question is about these."""
    notes: list[str] = field(default_factory=list[str])
    """Sentences before the answer: what in the question was not understood."""
    _resolved: dict[tuple[str, View], Resolution] = field(default_factory=dict[tuple[str, View], Resolution])

    @property
    def reach(self) -> Reach:
        """What deployments carried where, in the question's view; one for the whole answer."""
        if self._reach is None:
            from agent.reach import Reach

            self._reach = Reach(self.store, self.view)
        return self._reach

    def resolve(self, mention: str, view: View | None = None) -> Resolution:
        """What a mention names in the question's view, or in another."""
        gone_first = self.question.effects == frozenset({"deleted"})
        key = (mention, view or self.view)
        if key not in self._resolved:
            self._resolved[key] = resolve(self.store, mention, key[1], gone_first=gone_first)
        return self._resolved[key]

    def state(self, sentence: str, *citations: str) -> str:
        """Add a sentence as a fact of the answer; returns it with its marks."""
        cited = tuple(dict.fromkeys(c for c in citations if c))
        self.facts.append(StatedFact(statement=sentence, citations=cited))
        mark = "".join(f"[{c}]" for c in cited)
        return f"{sentence.rstrip('.')} {mark}." if mark else sentence

    def answer(
        self,
        status: Status,
        text: str,
        *,
        confidence: float,
        resolved: Sequence[Match] = (),
        candidates: Sequence[Match] = (),
        changes: Sequence[Change] = (),
        entities: Sequence[EntityItem] = (),
        relations: Sequence[RelationItem] = (),
        truncated: bool = False,
    ) -> Answer:
        """The answer with everything gathered so far."""
        resolved, candidates = self._told_apart(resolved, candidates)
        return Answer(
            question=self.question.text,
            kind=self.question.kind,
            as_of=rfc3339(self.as_of) if self.as_of is not None else None,
            known_at=rfc3339(self.known_at) if self.known_at is not None else None,
            status=status,
            resolved=tuple(resolved),
            candidates=tuple(candidates),
            changes=tuple(changes),
            entities=tuple(entities),
            relations=tuple(relations),
            truncated=truncated,
            text=text,
            facts=tuple(self.facts),
            citations=self.citations.all(),
            confidence=round(max(0.0, min(confidence, 1.0)), 4),
            missing=tuple(dict.fromkeys(self.missing)),
        )

    def _told_apart(
        self, resolved: Sequence[Match], candidates: Sequence[Match]
    ) -> tuple[Sequence[Match], Sequence[Match]]:
        """What looks the same (an address and a path that several repositories have) with the repository before its path."""
        looks = Counter((m.label, m.locator) for m in {m.ref: m for m in (*resolved, *candidates)}.values())
        alike = [m for m in (*resolved, *candidates) if looks[m.label, m.locator] > 1]
        if not alike:
            return resolved, candidates
        seen = things(self.store, list(dict.fromkeys(EntityRef(m.ref) for m in alike)), self.view)
        where = {str(t.ref): inline(t.text("repository")) for t in seen}

        def placed(m: Match) -> Match:
            repository = where.get(m.ref, "")
            return msgspec.structs.replace(m, locator=f"{repository}:{m.locator}") if repository else m

        return [placed(m) for m in resolved], [placed(m) for m in candidates]


def match(found: Thing, confidence: float) -> Match:
    """A thing as one of the answer's matches."""
    return Match(
        ref=str(found.ref),
        label=inline(found.label),
        locator=place_of(found),
        confidence=round(min(max(confidence, 0.0), 1.0), 4),
        environment=inline(found.text("environment")) or None,
    )


def place_of(found: Thing) -> str:
    """Where a thing stands: its file, its directory, or where it was said."""
    return inline(found.text("path") or found.text("directory") or found.locator, 400)


def named(found: Thing) -> str:
    """A thing in a sentence: what it is called and where it stands."""
    # Where the state of an instance was read tells a reader less than where it runs.
    place = inline(found.text("environment")) if found.ref.kind == "Resource" else ""
    place = place or place_of(found)
    label = inline(found.label, 200)
    return label if not place or place == label else f"{label} ({place})"


def matches(found: Sequence[Found]) -> tuple[Match, ...]:
    """The first few as candidates."""
    return tuple(match(f.thing, f.confidence) for f in found[:CANDIDATES])
