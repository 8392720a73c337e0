"""What the store knows that identity needs: accounts with their names and labels, who split what, and what was joined before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graph.clock import Instant
from graph.labels import may_read
from graph.model import PUBLIC, Alias, Entity, EntityRef, Fact, Relation, Value
from graph.store import AliasView, GraphStore, Limits, RelationView, Statement, View
from ingest.identity.accounts import Account, Labels, Named

SOURCE = "identity"
SCOPE = "people"
EVERYTHING = Limits(rows=10_000_000, deadline_s=600.0)
_CHUNK = 20_000
_NAMES = frozenset(("email", "login", "name", "id", "uid", "arn"))


class TooMuch(Exception):
    """The store did not give everything in time; nothing is concluded from a part."""


def labels_of(label: str) -> Labels:
    """The labels a fact needs; what everybody may read needs none."""
    return frozenset(label.split("+")) - {PUBLIC}


def label_of(labels: Labels) -> str:
    """The label of a fact that needs all of these."""
    return "+".join(sorted(labels)) if labels else PUBLIC


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact as identity stated it before."""

    fact: Fact
    label: str
    valid_from: Instant


@dataclass(frozen=True, slots=True)
class Known:
    """Everything identity starts from.

    Attributes:
        accounts: all visible accounts, sorted by ref.
        told: pairs of accounts that other sources say are one, with the rule they give.
        split: pairs of refs that somebody split.
        stated: what identity states now, by fact key and label.
        person_of: the person that each account has now, gone accounts included.
    """

    accounts: tuple[Account, ...]
    told: tuple[tuple[EntityRef, EntityRef, str, Labels], ...]
    split: frozenset[tuple[EntityRef, EntityRef]]
    stated: Mapping[tuple[str, str], Stated]
    person_of: Mapping[EntityRef, EntityRef]


def read(store: GraphStore, audience: frozenset[str]) -> Known:
    """Read it all, as somebody who holds `audience`.

    Raises:
        TooMuch: the store's deadline passed.
    """
    view = View(known_at=store.record(), audience=audience)
    statements = _statements(store, view, "Account")
    persons = _statements(store, view, "Person")
    refs = sorted({one.ref for one in statements} | {one.ref for one in persons})
    relations = list(_relations(store, view, refs))
    aliases = list(_aliases(store, view, refs, _labels_in_use(statements, persons, relations)))
    stated, person_of = _own(persons, relations, aliases)
    return Known(
        tuple(_accounts(statements, aliases)),
        tuple(_told(relations)),
        frozenset(tuple(sorted((r.src, r.dst))) for r in relations if r.type == "NOT_SAME_AS"),  # type: ignore[misc]
        stated,
        person_of,
    )


def _statements(store: GraphStore, view: View, kind: str) -> list[Statement]:
    page = store.select(kind, {}, view, EVERYTHING)
    if page.cut:
        raise TooMuch(f"not every {kind} could be read in time")
    # A joined thing holds statements of refs of other kinds as well.
    return [one for thing in page.items for one in thing.statements if one.ref.kind == kind]


def _relations(store: GraphStore, view: View, refs: Sequence[EntityRef]) -> Iterator[RelationView]:
    met = set[tuple[str, EntityRef, EntityRef]]()
    for start in range(0, len(refs), _CHUNK):
        page = store.neighbours(refs[start : start + _CHUNK], view, EVERYTHING, types=("SAME_AS", "NOT_SAME_AS"))
        if page.cut:
            raise TooMuch("not every join could be read in time")
        for relation in page.items:
            key = (relation.type, relation.src, relation.dst)
            if key not in met:
                met.add(key)
                yield relation


@dataclass(frozen=True, slots=True)
class _Name:
    alias: Alias
    label: str
    valid_from: Instant


def _labels_in_use(*found: Iterable[Statement] | Iterable[RelationView]) -> list[str]:
    labels = {PUBLIC}
    for group in found:
        for one in group:
            labels |= {one.label} if isinstance(one, Statement) else {s.label for s in one.statements}
    return sorted(labels, key=lambda label: (len(labels_of(label)), label))


def _aliases(store: GraphStore, view: View, refs: Sequence[EntityRef], in_use: Sequence[str]) -> Iterator[_Name]:
    """Every alias under the label it was stated with. A read tells no label of a name: so it is asked label by label.

    A name under a label that no account, person or join carries is seen by the whole audience only, and proves nothing.
    """
    wanted = set(refs)
    for start in range(0, len(refs), _CHUNK):
        chunk = refs[start : start + _CHUNK]
        met: dict[str, dict[Alias, None]] = {}
        alone = len(view.audience) == 1  # then there is one label only, and nothing to tell apart
        rest = set[Alias]() if alone else {_alias(one) for one in store.aliases(chunk, view) if one.ref in wanted}
        for label in in_use:
            if not may_read(label, view.audience):
                continue
            seen = store.aliases(chunk, replace(view, audience=frozenset(label.split("+"))))
            below = [
                known
                for other, known in met.items()
                if other != label and set(other.split("+")) < set(label.split("+"))
            ]
            for one in seen:
                alias = _alias(one)
                if one.ref in wanted and not any(alias in known for known in below):
                    met.setdefault(label, {})[alias] = None
                    rest.discard(alias)
                    yield _Name(alias, label, one.valid_from)
            if not rest:
                break


def _alias(one: AliasView) -> Alias:
    return Alias(one.ref, one.scheme, one.name)


def _accounts(statements: Iterable[Statement], names: Iterable[_Name]) -> Iterator[Account]:
    stated: dict[EntityRef, list[Statement]] = defaultdict(list)
    for one in statements:
        stated[one.ref].append(one)
    named: dict[EntityRef, list[_Name]] = defaultdict(list)
    for name in names:
        if name.alias.ref in stated:
            named[name.alias.ref].append(name)
    for ref in sorted(stated):
        mine, called = stated[ref], named[ref]
        yield Account(
            ref,
            _text(mine, "system"),
            _names(mine, called),
            bot=any(one.properties.get("bot") is True for one in mine),
            type=_text(mine, "type"),
            since=min([one.valid_from for one in mine] + [name.valid_from for name in called]),
            labels=min((labels_of(one.label) for one in mine), key=lambda found: (len(found), sorted(found))),
        )


def _text(statements: Iterable[Statement], name: str) -> str:
    # By label first, so that what a private statement adds never hides what a public one says.
    for one in sorted(statements, key=lambda s: (len(labels_of(s.label)), -s.valid_from, s.provenance.source, s.label)):
        value: Value = one.properties.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _names(statements: Iterable[Statement], called: Iterable[_Name]) -> tuple[Named, ...]:
    found = {(n.alias.scheme, n.alias.name, labels_of(n.label)) for n in called if n.alias.scheme in _NAMES}
    for one in statements:
        for scheme in ("email", "login", "name"):
            value = one.properties.get(scheme)
            if isinstance(value, str) and value:
                found.add((scheme, value, labels_of(one.label)))
    least: dict[tuple[str, str], Labels] = {}
    for scheme, name, labels in sorted(found, key=lambda f: (len(f[2]), sorted(f[2]), f[0], f[1])):
        least.setdefault((scheme, name), labels)
    return tuple(Named(scheme, name, labels) for (scheme, name), labels in sorted(least.items()))


def _told(relations: Iterable[RelationView]) -> Iterator[tuple[EntityRef, EntityRef, str, Labels]]:
    for relation in relations:
        if relation.type == "SAME_AS" and relation.src.kind == relation.dst.kind == "Account":
            for one in relation.statements:
                if one.provenance.source != SOURCE:
                    yield relation.src, relation.dst, str(one.properties.get("rule", "")), labels_of(one.label)


def _own(
    persons: Iterable[Statement], relations: Iterable[RelationView], names: Iterable[_Name]
) -> tuple[dict[tuple[str, str], Stated], dict[EntityRef, EntityRef]]:
    found = [
        Stated(Entity(one.ref, one.properties), one.label, one.valid_from)
        for one in persons
        if one.provenance.source == SOURCE
    ]
    person_of: dict[EntityRef, EntityRef] = {}
    for relation in relations:
        for one in relation.statements:
            if relation.type == "SAME_AS" and one.provenance.source == SOURCE:
                fact = Relation(relation.type, relation.src, relation.dst, one.properties, relation.discriminator)
                found.append(Stated(fact, one.label, one.valid_from))
                if relation.dst.kind == "Person":
                    person_of[relation.src] = relation.dst
    found += [Stated(n.alias, n.label, n.valid_from) for n in names if n.alias.ref.kind == "Person"]
    return {(one.fact.key, one.label): one for one in found}, person_of
