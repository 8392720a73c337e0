"""What a question's answerer works with, and how it puts its answer together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.evidence import Citations, inline
from agent.model import Answer, Change, EntityItem, Match, Question, RelationItem, StatedFact, Status
from graph.clock import Instant, rfc3339
from graph.lexicon import Thing
from graph.model import EntityRef
from graph.resolve import Found, Resolution, resolve
from graph.store import GraphStore, View

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

    def resolve(self, mention: str, view: View | None = None) -> Resolution:
        """What a mention names in the question's view, or in another."""
        gone_first = self.question.effects == frozenset({"deleted"})
        return resolve(self.store, mention, view or self.view, gone_first=gone_first)

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


def match(found: Thing, confidence: float) -> Match:
    """A thing as one of the answer's matches."""
    return Match(
        ref=str(found.ref),
        label=inline(found.label),
        locator=place_of(found),
        confidence=round(min(max(confidence, 0.0), 1.0), 4),
    )


def place_of(found: Thing) -> str:
    """Where a thing stands: its file, its directory, or where it was said."""
    return inline(found.text("path") or found.text("directory") or found.locator, 400)


def named(found: Thing) -> str:
    """A thing in a sentence: what it is called and where it stands."""
    place = place_of(found)
    label = inline(found.label, 200)
    return label if not place or place == label else f"{label} ({place})"


def matches(found: Sequence[Found]) -> tuple[Match, ...]:
    """The first few as candidates."""
    return tuple(match(f.thing, f.confidence) for f in found[:CANDIDATES])
