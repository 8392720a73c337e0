"""What a list of batches says: a small replay of the store's rules, enough to ask what holds now and what changed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from graph.clock import SECOND, Instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Properties, Quarantined, Relation
from ingest.sources.git.source import GitSettings, GitSource

NOW: Instant = 1_700_000_000 * SECOND
NAME = "shop/infra"


class World:
    """Everything that was said, in order of arrival. Later pulls go on from the last cursor."""

    def __init__(self, path: Path, *, rev: str = "HEAD", name: str | None = NAME) -> None:
        self.path, self.rev, self.name = path, rev, name
        self.batches: list[FactBatch] = []
        self.cursor: str | None = None

    def pull(self, now: Instant = NOW, *, rev: str | None = None) -> list[FactBatch]:
        source = GitSource(GitSettings(str(self.path), rev or self.rev, self.name))
        new: list[FactBatch] = []
        for batch in source.pull(self.cursor, now):
            new.append(batch)
            self.batches.append(batch)
            self.cursor = batch.cursor or self.cursor
        return new

    @property
    def assertions(self) -> list[Assertion]:
        return [a for batch in self.batches for a in batch.assertions]

    @property
    def quarantined(self) -> list[Quarantined]:
        return [q for batch in self.batches for q in batch.quarantined]

    def now(self) -> dict[str, Assertion]:
        """The facts that hold in the end, by key."""
        last: dict[str, tuple[Instant, int, Assertion]] = {}
        snapshot: tuple[Instant, frozenset[str]] | None = None
        for order, batch in enumerate(self.batches):
            for a in batch.assertions:
                known = last.get(a.fact.key)
                if known is None or (a.valid_from, order) >= known[:2]:
                    last[a.fact.key] = (a.valid_from, order, a)
            if batch.snapshot is not None:
                at = batch.snapshot.taken_at
                snapshot = (at, frozenset(a.fact.key for a in batch.assertions if a.valid_from == at and a.present))
        held = {key: a for key, (_, _, a) in last.items() if a.present}
        if snapshot is not None:
            at, keys = snapshot
            held = {key: a for key, a in held.items() if key in keys or a.valid_from > at}
        return held

    def facts_now(self) -> dict[str, Fact]:
        return {key: a.fact for key, a in self.now().items()}

    def relations(self, type_: str) -> list[Assertion]:
        return [a for a in self.now().values() if isinstance(a.fact, Relation) and a.fact.type == type_]

    def entity(self, ref: EntityRef) -> Properties | None:
        a = self.now().get("e\x1f" + ref)
        return a.fact.properties if a is not None and isinstance(a.fact, Entity) else None

    def entities(self, kind: str) -> list[Properties]:
        return [f.properties for f in self.facts_now().values() if isinstance(f, Entity) and f.ref.kind == kind]

    def rows(self, kind: str, *properties: str) -> set[tuple[str, ...]]:
        """These properties of every entity of a kind, as text."""
        return {tuple(str(entity[name]) for name in properties) for entity in self.entities(kind)}

    def names(self, kind: str, scheme: str) -> list[str]:
        aliases = (f for f in self.facts_now().values() if isinstance(f, Alias))
        return sorted(a.name for a in aliases if a.ref.kind == kind and a.scheme == scheme)

    def message(self, sha: str) -> str | None:
        a = self.now().get(f"p\x1fCommit:{sha}\x1fmessage")
        return a.fact.text if a is not None and isinstance(a.fact, Passage) else None

    def changes(self, target: EntityRef) -> list[Assertion]:
        """CHANGED relations to a target, oldest first."""
        found = [a for a in self.relations("CHANGED") if isinstance(a.fact, Relation) and a.fact.dst == target]
        return sorted(found, key=lambda a: a.valid_from)


def said(assertion: Assertion) -> tuple[str, Properties]:
    """Hash and properties of a CHANGED relation."""
    assert isinstance(assertion.fact, Relation)
    return assertion.fact.src.id, assertion.fact.properties


def statements(assertions: Iterable[Assertion], *, without: Iterable[str] = ()) -> set[str]:
    """Assertions as text to compare sets of them, but for entities and names of these kinds."""
    skipped = frozenset(without)
    return {
        repr((a.fact, a.valid_from, a.present, a.locator, a.url))
        for a in assertions
        if not (isinstance(a.fact, Entity | Alias) and a.fact.ref.kind in skipped)
    }
