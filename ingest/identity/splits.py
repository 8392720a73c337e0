"""Joins taken apart by hand, and why two names are one thing.

A split says that two were never the same, so it holds from the beginning of time; what was believed when is on the record clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from graph.clock import EARLIEST, Instant
from graph.model import Assertion, EntityRef, FactBatch, Relation, Withdrawal
from graph.store import GraphStore, Limits, RelationView, View
from ingest.source import SourceDataInvalid

SOURCE = "people"
SCOPE = "splits"
EXTRACTOR = "people/1"
MAX_PAIRS = 2_000
"""How many pairs of accounts one split may keep apart."""
_EDGES = Limits(rows=20_000, deadline_s=30.0)
_JOINS = ("SAME_AS", "NOT_SAME_AS")


@dataclass(frozen=True, slots=True)
class Link:
    """One `SAME_AS` of a chain, in the direction of the chain: which source says by which rule, how surely, and what it saw."""

    src: EntityRef
    dst: EntityRef
    source: str
    rule: str
    confidence: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Split:
    """A `NOT_SAME_AS` between two refs: who said so and why."""

    a: EntityRef
    b: EntityRef
    by: str
    reason: str


Outcome = Literal["same_ref", "joined", "split", "different_people", "nothing_joins", "unknown"]


@dataclass(frozen=True, slots=True)
class Why:
    """Why two refs are one thing, or are not.

    Attributes:
        outcome: `joined` with the chain; `split` with who took them apart; `different_people` with the person of each; `unknown` when one
            of them is not visible.
        chain: the surest way from one to the other.
        splits: what keeps them apart.
        people: the person of each, where they are of two.
    """

    a: EntityRef
    b: EntityRef
    outcome: Outcome
    chain: tuple[Link, ...] = ()
    splits: tuple[Split, ...] = ()
    people: tuple[EntityRef, ...] = ()

    @property
    def confidence(self) -> float:
        """That of the weakest link; 0 when they are not joined."""
        if self.outcome == "same_ref":
            return 1.0
        return min((link.confidence for link in self.chain), default=0.0)


def split(
    store: GraphStore, a: EntityRef, b: EntityRef, by: str, reason: str, now: Instant, view: View | None = None
) -> FactBatch:
    """State that two refs never were the same. Apply it, then `resolve_people`: it puts them on two persons.

    Between an account and a person it also keeps the account from all other accounts that the person has now, and between two persons
    all accounts of one from all of the other, so that it stays so when persons are numbered anew.

    Args:
        view: what may be seen of the persons' accounts; everything public when left out. Whoever splits should hold every label.

    Raises:
        SourceDataInvalid: they are one ref, or things (no accounts) that are joined by way of others: split one of those links.
    """
    if a == b:
        raise SourceDataInvalid(
            "These are two names for the very same reference; there is nothing to split.", "Name two accounts."
        )
    seen = view or View()
    pairs = _pairs(store, a, b, seen)
    if len(pairs) > MAX_PAIRS:
        raise SourceDataInvalid(
            f"This would keep {len(pairs)} pairs of accounts apart.", "Split single accounts from the person."
        )
    if not {a.kind, b.kind} <= {"Account", "Person"}:
        _check_direct(store, a, b, seen)
    told = {"by": by, "reason": reason}
    assertions = [Assertion(Relation("NOT_SAME_AS", x, y, told), EARLIEST, now, f"{SOURCE}:split") for x, y in pairs]
    return _batch("split", now, assertions, ())


def unsplit(store: GraphStore, a: EntityRef, b: EntityRef, now: Instant, view: View | None = None) -> FactBatch:
    """Take back every split between two refs and the accounts of the persons that they are; without assertions when there is none."""
    seen = view or View()
    group_a, group_b = ({*_members(store, ref, seen), ref} for ref in (a, b))
    found = store.neighbours(sorted(group_a), seen, _EDGES, types=("NOT_SAME_AS",)).items
    withdrawals = [
        Withdrawal(relation.key_, one.valid_from, one.label)
        for relation in map(_Edge, found)
        if relation.between(group_a, group_b)
        for one in relation.view.statements
        if one.provenance.source == SOURCE and one.provenance.scope == SCOPE
    ]
    return _batch("unsplit", now, (), sorted(withdrawals, key=lambda w: (w.fact_key, w.label)))


def why_same(store: GraphStore, a: EntityRef, b: EntityRef, view: View) -> Why:
    """Why two refs of any kind are one thing: the chain of joins with the surest weakest link, or why they are not one."""
    if a == b:
        return Why(a, b, "same_ref")
    if store.entity(a, view) is None or store.entity(b, view) is None:
        return Why(a, b, "unknown")
    edges = list(store.neighbours([a], view, _EDGES, types=_JOINS).items)
    apart = {frozenset((e.src, e.dst)): e for e in edges if e.type == "NOT_SAME_AS"}
    joins = [e for e in edges if e.type == "SAME_AS" and frozenset((e.src, e.dst)) not in apart]
    if chain := _surest(a, b, joins):
        return Why(a, b, "joined", chain)
    group_a, group_b = _group(store, a, view), _group(store, b, view)
    splits = tuple(
        _split(e) for e in sorted(apart.values(), key=lambda e: (e.src, e.dst)) if _Edge(e).between(group_a, group_b)
    )
    if splits:
        return Why(a, b, "split", splits=splits)
    people = [next((r for r in sorted(group) if r.kind == "Person"), None) for group in (group_a, group_b)]
    if people[0] is not None and people[1] is not None:
        return Why(a, b, "different_people", people=(people[0], people[1]))
    return Why(a, b, "nothing_joins")


@dataclass(frozen=True, slots=True)
class _Edge:
    view: RelationView

    @property
    def key_(self) -> str:
        return Relation(self.view.type, self.view.src, self.view.dst, {}, self.view.discriminator).key

    def between(self, one: set[EntityRef], other: set[EntityRef]) -> bool:
        src, dst = self.view.src, self.view.dst
        return (src in one and dst in other) or (dst in one and src in other)


def _group(store: GraphStore, ref: EntityRef, view: View) -> set[EntityRef]:
    entity = store.entity(ref, view)
    return {ref, *(entity.refs if entity is not None else ())}


def _members(store: GraphStore, ref: EntityRef, view: View) -> list[EntityRef]:
    """The accounts of a person; an account alone."""
    if ref.kind != "Person":
        return [ref]
    return sorted(r for r in _group(store, ref, view) if r.kind == "Account")


def _pairs(store: GraphStore, a: EntityRef, b: EntityRef, view: View) -> list[tuple[EntityRef, EntityRef]]:
    found = {_pair(a, b)}
    if {a.kind, b.kind} <= {"Account", "Person"}:
        found |= {_pair(x, y) for x in _members(store, a, view) for y in _members(store, b, view) if x != y}
    return sorted(found)


def _pair(a: EntityRef, b: EntityRef) -> tuple[EntityRef, EntityRef]:
    return (a, b) if a < b else (b, a)


def _check_direct(store: GraphStore, a: EntityRef, b: EntityRef, view: View) -> None:
    edges = store.neighbours([a], view, _EDGES, types=("SAME_AS",)).items
    direct = any({edge.src, edge.dst} == {a, b} for edge in edges)
    why = why_same(store, a, b, view)
    if why.outcome == "joined" and not direct:
        raise SourceDataInvalid(
            f"These two are joined by way of {len(why.chain) - 1} other, and none of the joins is between them.",
            "Ask why they are the same, and split the two ends of the join that is wrong.",
        )


def _surest(a: EntityRef, b: EntityRef, joins: Iterable[RelationView]) -> tuple[Link, ...]:
    """The way whose weakest link is strongest; of those a shortest."""
    links = [link for relation in joins for link in _links(relation)]
    for floor in sorted({link.confidence for link in links}, reverse=True):
        beside: dict[EntityRef, list[Link]] = {}
        for link in sorted((k for k in links if k.confidence >= floor), key=lambda k: (-k.confidence, k.dst, k.rule)):
            beside.setdefault(link.src, []).append(link)
        if chain := _shortest(a, b, beside):
            return chain
    return ()


def _shortest(a: EntityRef, b: EntityRef, beside: dict[EntityRef, list[Link]]) -> tuple[Link, ...]:
    came: dict[EntityRef, Link] = {}
    waiting = deque([a])
    while waiting:
        at = waiting.popleft()
        for link in beside.get(at, ()):
            if link.dst not in came and link.dst != a:
                came[link.dst] = link
                waiting.append(link.dst)
    if b not in came:
        return ()
    chain: list[Link] = []
    while b != a:
        chain.append(came[b])
        b = came[b].src
    return tuple(reversed(chain))


def _links(relation: RelationView) -> Iterator[Link]:
    for one in relation.statements:
        confidence = one.properties.get("confidence")
        sure = float(confidence) if isinstance(confidence, (int, float)) else 1.0
        told = (
            one.provenance.source,
            str(one.properties.get("rule", "")),
            sure,
            str(one.properties.get("evidence", "")),
        )
        yield Link(relation.src, relation.dst, *told)
        yield Link(relation.dst, relation.src, *told)


def _split(relation: RelationView) -> Split:
    told = relation.properties
    return Split(relation.src, relation.dst, str(told.get("by", "")), str(told.get("reason", "")))


def _batch(what: str, now: Instant, assertions: Sequence[Assertion], withdrawals: Sequence[Withdrawal]) -> FactBatch:
    digest = blake2b(repr((what, now, assertions, withdrawals)).encode(), digest_size=15).hexdigest()
    return FactBatch(
        f"{SOURCE}-{digest}", SOURCE, SCOPE, EXTRACTOR, tuple(assertions), tuple(withdrawals), fresh_until=now
    )
