"""Accounts to people: what identity states, as the difference to what it stated before.

A join says what always was so: it holds from when its account is known to exist, whenever we found out, so that a question about last
year finds last year's author. For the same reason a join that was wrong is withdrawn and not ended. What was known when is on the
record clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from graph.clock import Instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Relation, Withdrawal, ref
from graph.store import GraphStore
from ingest.identity.accounts import Account, Labels, Sort, display_name
from ingest.identity.clusters import Clusters, Evidence
from ingest.identity.reading import SCOPE, SOURCE, Known, Stated, label_of, labels_of, read
from ingest.identity.rules import join_people
from ingest.identity.verified import Selectors, Verified

EXTRACTOR = "identity/1"
MAX_ASSERTIONS = 2_000
"""How many assertions a batch has at most; what concerns one account stays together."""
_FIRST = "own_account"
"""The rule of the account that its person was made from."""


def resolve_people(
    store: GraphStore, now: Instant, audience: frozenset[str], verified: Verified | None = None
) -> list[FactBatch]:
    """Say who is who, from all accounts that `audience` may read.

    Args:
        store: read only; apply the batches in order.
        now: the moment of this reading.
        audience: every label there is, so that what only some may read is joined as well; each join carries the labels of what it
            follows from.
        verified: what the team says.

    Returns:
        Batches of source `identity`, scope `people`: what is new, and withdrawals of what no longer holds, first. None at all when
        nothing changed. Ids follow from the content and the moment.

    Raises:
        TooMuch: the store did not give everything in time.
    """
    known = read(store, audience)
    wanted = list(facts(known, verified or Verified()))
    return list(_batches(known, wanted, now))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fact that should be stated: since when, under which label, read where."""

    fact: Fact
    since: Instant
    labels: Labels
    locator: str


def facts(known: Known, verified: Verified) -> Iterator[Wanted]:
    """Everything identity states of these accounts."""
    sorts = _sorts(known.accounts, verified)
    humans = [account for account in known.accounts if sorts[account.ref] is Sort.HUMAN]
    clusters = join_people(
        humans, _told(known, verified, humans), _foes(known, verified), verified.shared_logins, verified.domains
    )
    trees = [_tree(clusters, cluster.members) for _, cluster in clusters]
    persons = _persons(clusters, trees, known)
    names = _stated_names(verified, humans)
    for tree in trees:
        person = persons[tree[0].account]
        yield from _person([humans[j.account] for j in tree], tree, person, names)
    yield from _gone(known, clusters, persons)
    yield from _bots([account for account in known.accounts if sorts[account.ref] is Sort.BOT])


def _sorts(accounts: Sequence[Account], verified: Verified) -> dict[EntityRef, Sort]:
    sorts = {account.ref: account.sort for account in accounts}
    selectors = Selectors(accounts)
    for person in verified.people:  # a person with an account that looks like a machine's
        for selector in person.accounts:
            sorts |= {accounts[i].ref: Sort.HUMAN for i in selectors.of(selector)}
    for sort, selected in ((Sort.SHARED, verified.shared), (Sort.BOT, verified.bots)):
        for selector in selected:
            sorts |= {accounts[i].ref: sort for i in selectors.of(selector)}
    return sorts


def _told(known: Known, verified: Verified, humans: Sequence[Account]) -> Iterator[Evidence]:
    position = {account.ref: i for i, account in enumerate(humans)}
    selectors = Selectors(humans)
    for person in verified.people:
        members = sorted({i for selector in person.accounts for i in selectors.of(selector)})
        yield from (Evidence(members[0], i, "verified", 1.0, person.name or "file") for i in members[1:])
    for a, b, rule, labels in known.told:
        if a in position and b in position:
            yield Evidence(position[a], position[b], "told_by_source", 0.99, rule, labels)


def _foes(known: Known, verified: Verified) -> Iterator[tuple[EntityRef, EntityRef]]:
    """Pairs of accounts that are not to be one person. Splits from a person mean all other accounts that it has."""
    members: dict[EntityRef, list[EntityRef]] = defaultdict(list)
    for account, person in known.person_of.items():
        members[person].append(account)
    for a, b in known.split:
        yield from ((x, y) for x in members.get(a, [a]) for y in members.get(b, [b]) if x != y)
    selectors = Selectors(known.accounts)
    for one, other in verified.not_same:
        mine, yours = selectors.of(one), selectors.of(other)
        yield from ((known.accounts[i].ref, known.accounts[j].ref) for i in mine for j in yours if i != j)
    groups = [{i for s in p.accounts for i in selectors.of(s)} for p in verified.people]
    for n, one_group in enumerate(groups):  # two people of the file are two
        for other_group in groups[n + 1 :]:
            if one_group.isdisjoint(other_group):
                yield from ((known.accounts[i].ref, known.accounts[j].ref) for i in one_group for j in other_group)


# -- how each account hangs on its person


@dataclass(frozen=True, slots=True)
class Joined:
    """An account in its person's tree: the evidence that it hangs on, the weakest confidence up to the root, all labels up to it."""

    account: int
    rule: str
    confidence: float
    text: str
    labels: Labels


def _tree(clusters: Clusters, members: Sequence[int]) -> list[Joined]:
    """The accounts of a cluster, root first, each by the way to it that most may read and that is surest.

    The root is an account that most may read: so nothing private decides what a person is called.
    """
    accounts = clusters.accounts
    beside: dict[int, list[Evidence]] = defaultdict(list)
    for evidence in clusters.evidence_of(members):
        beside[evidence.a].append(evidence)
        beside[evidence.b].append(evidence)
    root = min(members, key=lambda i: (len(accounts[i].labels), accounts[i].ref))
    done = {root: Joined(root, _FIRST, 1.0, "", accounts[root].labels)}
    open_: list[Joined] = list(_reach(done[root], beside[root], accounts))
    while open_:
        best = min(open_, key=lambda j: (len(j.labels), -j.confidence, accounts[j.account].ref, j.rule))
        if best.account not in done:
            done[best.account] = best
            open_ += _reach(best, beside[best.account], accounts)
        open_ = [j for j in open_ if j.account not in done]
    return list(done.values())


def _reach(at: Joined, evidence: Iterable[Evidence], accounts: Sequence[Account]) -> Iterator[Joined]:
    for one in evidence:
        other = one.b if one.a == at.account else one.a
        labels = at.labels | one.labels | accounts[other].labels
        yield Joined(other, one.rule, min(at.confidence, one.confidence), one.text, labels)


# -- which person a cluster is


def _persons(clusters: Clusters, trees: Sequence[Sequence[Joined]], known: Known) -> dict[int, EntityRef]:
    """The person of each tree by its root.

    A person that was stays with the tree that most of its accounts are in, and a tree is one person. An account that was split from a
    person never gets that one.
    """
    accounts, before = clusters.accounts, known.person_of
    votes: Counter[tuple[EntityRef, int]] = Counter()
    for tree in trees:
        for joined in tree:
            if (person := before.get(accounts[joined.account].ref)) is not None:
                votes[person, tree[0].account] += 1
    found: dict[int, EntityRef] = {}
    taken = set[EntityRef]()
    members = {tree[0].account: [accounts[joined.account].ref for joined in tree] for tree in trees}
    for (person, root), _ in sorted(votes.items(), key=lambda v: (-v[1], v[0][0], accounts[v[0][1]].ref)):
        if any(tuple(sorted((member, person))) in known.split for member in members[root]):
            continue
        if person not in taken and root not in found:
            found[root] = person
            taken.add(person)
    taken |= set(before.values())
    for tree in trees:
        root = tree[0].account
        if root not in found:
            found[root] = _new_person(accounts[root].ref, taken)
            taken.add(found[root])
    return found


def _new_person(account: EntityRef, taken: set[EntityRef]) -> EntityRef:
    number = 0
    while (person := ref("Person", account, *([str(number)] if number else []))) in taken:
        number += 1
    return person


# -- facts


def _stated_names(verified: Verified, humans: Sequence[Account]) -> dict[EntityRef, str]:
    selectors = Selectors(humans)
    return {humans[i].ref: p.name for p in verified.people if p.name for s in p.accounts for i in selectors.of(s)}


def _person(
    accounts: Sequence[Account], tree: Sequence[Joined], person: EntityRef, names: Mapping[EntityRef, str]
) -> Iterator[Wanted]:
    needed = tree[0].labels
    # Only what whoever sees the person may read decides how it is shown.
    shown = [
        _as_seen(account, needed) for account, joined in zip(accounts, tree, strict=True) if joined.labels <= needed
    ]
    name = next((names[account.ref] for account in accounts if account.ref in names), "") or display_name(shown)
    properties = {"name": name, "email": _best_mail(shown)}
    since = min(account.since for account in accounts)
    locator = f"{SOURCE}:{person.id}"
    yield Wanted(Entity(person, {k: v for k, v in properties.items() if v}), since, needed, locator)
    aliases: dict[Alias, tuple[Instant, Labels]] = {}
    if name:
        aliases[Alias(person, "name", name)] = (since, needed)
    for account, joined in zip(accounts, tree, strict=True):
        told = {"rule": joined.rule, "confidence": round(joined.confidence, 2)} | (
            {"evidence": joined.text} if joined.text else {}
        )
        yield Wanted(Relation("SAME_AS", account.ref, person, told), account.since, joined.labels, locator)
        for alias, labels in _aliases(account, person):
            if labels <= joined.labels:  # others are found by the account itself
                old_since, old = aliases.get(alias, (account.since, joined.labels))
                least = min(old, joined.labels, key=lambda found: (len(found), sorted(found)))
                aliases[alias] = (min(old_since, account.since), least)
    for alias, (from_, labels) in aliases.items():
        yield Wanted(alias, from_, labels, locator)


def _as_seen(account: Account, held: Labels) -> Account:
    return replace(account, named=[one for one in account.named if one.labels <= held])


def _best_mail(accounts: Iterable[Account]) -> str:
    """The address most accounts have; a real one, no forge's private one."""
    votes = Counter(
        address.address for account in accounts for address in account.mails if address.real and not address.forge
    )
    return min(votes, key=lambda address: (-votes[address], address)) if votes else ""


def _aliases(account: Account, person: EntityRef) -> Iterator[tuple[Alias, Labels]]:
    for one in account.named:
        if one.scheme in ("name", "email", "login") and not one.name.startswith("arn:"):
            yield Alias(person, one.scheme, one.name), one.labels


def _gone(known: Known, clusters: Clusters, persons: Mapping[int, EntityRef]) -> Iterator[Wanted]:
    """Joins of accounts that are no longer there (somebody left) stay, on whichever person most of the others are now."""
    here = {account.ref for account in known.accounts}
    moved: dict[EntityRef, Counter[EntityRef]] = defaultdict(Counter)
    of = {clusters.accounts[i].ref: persons[root] for root, members in _by_root(clusters, persons) for i in members}
    for account, person in known.person_of.items():
        if account in of:
            moved[person][of[account]] += 1
    kept = set[EntityRef]()
    for stated in known.stated.values():
        if not isinstance(stated.fact, Relation) or stated.fact.src in here:
            continue
        if stated.fact.dst.kind == "Account":
            yield Wanted(stated.fact, stated.valid_from, labels_of(stated.label), f"{SOURCE}:{stated.fact.dst.id}")
        else:
            person = stated.fact.dst
            heirs = moved.get(person, Counter[EntityRef]())
            heir = min(heirs, key=lambda p: (p != person, -heirs[p], p)) if heirs else person
            fact = replace(stated.fact, dst=heir)
            yield Wanted(fact, stated.valid_from, labels_of(stated.label), f"{SOURCE}:{heir.id}")
            if not heirs:
                kept.add(person)
    for stated in known.stated.values():  # nobody of it is left: it stays as it was
        if not isinstance(stated.fact, Relation) and stated.fact.ref in kept:
            yield Wanted(stated.fact, stated.valid_from, labels_of(stated.label), f"{SOURCE}:{stated.fact.ref.id}")


def _by_root(clusters: Clusters, persons: Mapping[int, EntityRef]) -> Iterator[tuple[int, Sequence[int]]]:
    for _, cluster in clusters:
        yield next(i for i in cluster.members if i in persons), cluster.members


def _bots(bots: Sequence[Account]) -> Iterator[Wanted]:
    """One bot's names on one system or several: joined among themselves by address or by the login on a forge."""
    holders: dict[str, list[tuple[int, Labels]]] = defaultdict(list)
    for i, bot in enumerate(bots):
        for key, labels in _bot_keys(bot):
            holders[key].append((i, labels))
    done = set[int]()
    for key in sorted(holders):
        first, first_labels = min(holders[key], key=lambda h: (len(h[1] | bots[h[0]].labels), bots[h[0]].ref))
        for i, labels in holders[key]:
            if i != first and i not in done:
                done.add(i)
                needed = bots[first].labels | bots[i].labels | labels | first_labels
                told = {"rule": "same_bot", "confidence": 0.95, "evidence": key}
                yield Wanted(
                    Relation("SAME_AS", bots[i].ref, bots[first].ref, told),
                    bots[i].since,
                    needed,
                    f"{SOURCE}:{bots[first].ref.id}",
                )


def _bot_keys(bot: Account) -> Iterator[tuple[str, Labels]]:
    for address, labels in bot.mails.items():
        if address.real and not address.forge:
            yield address.address, labels
    for (forge, login), labels in bot.forge_logins.items():
        yield f"{forge} {login.removesuffix('[bot]')}", labels


# -- the difference to what was stated


def _batches(known: Known, wanted: Iterable[Wanted], now: Instant) -> Iterator[FactBatch]:
    withdrawals: list[Withdrawal] = []
    assertions: list[Assertion] = []
    stated = dict(known.stated)
    done = set[tuple[str, str]]()
    for one in wanted:
        key = (one.fact.key, label_of(one.labels))
        if key in done:
            continue
        done.add(key)
        old = stated.pop(key, None)
        since = one.since if old is None else min(one.since, old.valid_from)
        if old is not None and old.valid_from == since and _same(old, one):
            continue
        if old is not None and old.valid_from != since:
            withdrawals.append(Withdrawal(one.fact.key, old.valid_from, old.label))
        assertions.append(Assertion(one.fact, since, now, one.locator, label=key[1]))
    withdrawals += [Withdrawal(old.fact.key, old.valid_from, old.label) for old in stated.values()]
    withdrawals.sort(key=lambda w: (w.fact_key, w.label, w.valid_from))
    for start in range(0, len(withdrawals), MAX_ASSERTIONS):
        yield _batch((), withdrawals[start : start + MAX_ASSERTIONS], now)
    for start in range(0, len(assertions), MAX_ASSERTIONS):
        yield _batch(assertions[start : start + MAX_ASSERTIONS], (), now)


def _same(old: Stated, new: Wanted) -> bool:
    if isinstance(old.fact, (Entity, Relation)) and isinstance(new.fact, (Entity, Relation)):
        return dict(old.fact.properties) == dict(new.fact.properties)
    return True


def _batch(assertions: Sequence[Assertion], withdrawals: Sequence[Withdrawal], now: Instant) -> FactBatch:
    digest = blake2b(repr((now, assertions, withdrawals)).encode(), digest_size=15).hexdigest()
    return FactBatch(
        f"{SOURCE}-{digest}", SOURCE, SCOPE, EXTRACTOR, tuple(assertions), tuple(withdrawals), fresh_until=now
    )
