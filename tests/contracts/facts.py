"""Short words for building facts and batches in store tests."""

from __future__ import annotations

from itertools import count

from graph.clock import Instant
from graph.model import (
    PUBLIC,
    Alias,
    Assertion,
    Entity,
    EntityRef,
    Fact,
    FactBatch,
    Passage,
    Quarantined,
    Relation,
    Snapshot,
    Value,
    Withdrawal,
)
from graph.store import Limits, View

GIT, SLACK = "git", "slack"
ALL = Limits()
_ids = count(1)


def block(name: str) -> EntityRef:
    return EntityRef(f"Block:{name}")


def commit(name: str) -> EntityRef:
    return EntityRef(f"Commit:{name}")


def account(name: str) -> EntityRef:
    return EntityRef(f"Account:{name}")


def entity(ref: EntityRef, **properties: Value) -> Entity:
    return Entity(ref, properties)


def relation(type_: str, src: EntityRef, dst: EntityRef, discriminator: str = "", **properties: Value) -> Relation:
    return Relation(type_, src, dst, properties, discriminator)


def changed(change: EntityRef, target: EntityRef, effect: str = "updated") -> Relation:
    return Relation("CHANGED", change, target, {"effect": effect})


def alias(ref: EntityRef, name: str, scheme: str = "address") -> Alias:
    return Alias(ref, scheme, name)


def passage(ref: EntityRef, text: str, slot: str = "body") -> Passage:
    return Passage(ref, slot, text)


def says(
    fact: Fact,
    at: Instant,
    *,
    until: Instant | None = None,
    seen: Instant | None = None,
    label: str = PUBLIC,
    present: bool = True,
    locator: str = "somewhere",
    url: str | None = None,
) -> Assertion:
    """An assertion; observed when it became true unless `seen` says otherwise."""
    return Assertion(fact, at, at if seen is None else seen, locator, until, present, label, url)


def denies(fact: Fact, at: Instant, *, seen: Instant | None = None, label: str = PUBLIC) -> Assertion:
    """An assertion that the fact does not hold from `at` on."""
    return says(fact, at, seen=seen, label=label, present=False)


def batch(
    *assertions: Assertion,
    source: str = GIT,
    scope: str = "org/name",
    id: str | None = None,
    withdrawals: tuple[Withdrawal, ...] = (),
    snapshot: tuple[Instant, int] | Instant | None = None,
    cursor: str | None = None,
    fresh_until: Instant | None = None,
    quarantined: tuple[Quarantined, ...] = (),
    extractor: str = "test/1",
) -> FactBatch:
    """A batch with an id of its own; a snapshot given as one number is its own generation."""
    if isinstance(snapshot, int):
        snapshot = (snapshot, snapshot)
    return FactBatch(
        id or f"batch-{next(_ids)}",
        source,
        scope,
        extractor,
        assertions,
        withdrawals,
        Snapshot(*snapshot) if snapshot is not None else None,
        cursor,
        fresh_until,
        quarantined,
    )


def at(moment: Instant | None, *labels: str, known_at: int | None = None) -> View:
    """A view of this moment by a reader who holds `public` and these labels."""
    return View(moment, known_at, frozenset({PUBLIC, *labels}))


NOW = at(None)
