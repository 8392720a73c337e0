"""Which accounts are of one human being, rule by rule, strongest first.

A stage looks at the clusters the stages before it made and joins more. Strong evidence (addresses, numbers, what the team says) joins
whatever it finds; evidence of names joins only what nothing speaks against; and where weak evidence leads to several people it joins
to none of them. A stage decides on what it found as a whole, so that the order of the accounts does not matter.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from graph.model import EntityRef
from ingest.identity.accounts import MANY_LOGINS, Account, Labels
from ingest.identity.clusters import Clusters, Evidence, groups
from ingest.identity.common_names import FAMILY, GIVEN
from ingest.identity.likeness import (
    Likeness,
    alike,
    fits,
    is_common,
    is_frequent,
    likeness,
    short_logins,
    tells_family,
    whole_logins,
)
from ingest.identity.words import Name, family

MIN_OWN = 3
"""How many people with an address at a domain make it an organisation's."""
MAX_HOLDERS = 12
"""A handle that more clusters than this have tells nothing."""
MAX_BLOCK = 400
"""Names that share a word are compared one by one up to so many."""

Keys = Callable[[Account], Mapping[object, Labels]]


def own_domains(accounts: Sequence[Account], stated: Iterable[str] = ()) -> frozenset[str]:
    """Organisations (`acme` of acme.com) that enough people have an address of, and those that the team names."""
    people: dict[str, set[str]] = defaultdict(set)
    for account in accounts:
        for address in account.mails:
            if address.real and not address.forge and (group := family(address.domain)):
                people[group].add(address.local)
    return frozenset(g for g, locals_ in people.items() if len(locals_) >= MIN_OWN) | {
        group for domain in stated if (group := family(domain.strip().lower()))
    }


def join_people(
    accounts: Sequence[Account],
    told: Iterable[Evidence],
    foes: Iterable[tuple[EntityRef, EntityRef]],
    shared_logins: Sequence[Sequence[str]] = (),
    domains: Iterable[str] = (),
) -> Clusters:
    """Clusters of the accounts, in the order given (sorted by ref for a result that does not depend on arrival).

    Args:
        accounts: accounts of human beings only.
        told: what the team's file and other sources say.
        foes: pairs that were split.
        shared_logins: groups of systems on which one login is one person.
        domains: domains that the team says are its own.
    """
    own = own_domains(accounts, domains)
    clusters = Clusters(accounts, foes, own)
    _strong(clusters, told, shared_logins)
    _at_work(clusters, own)
    _full_names(clusters, own)
    for _ in range(2):  # what a name joined may have a handle that leads on
        _handles(clusters)
        _logins_of_names(clusters)
        _like_names(clusters)
    return clusters


# -- strong: addresses, numbers, and what was told


def _strong(clusters: Clusters, told: Iterable[Evidence], shared_logins: Sequence[Sequence[str]]) -> None:
    found = list(told)
    accounts = clusters.accounts
    found += _stars(accounts, lambda a: _mailboxes(a), "same_mail", 0.99)
    found = [e for e in found if e.rule != "same_mail" or _may_share_mail(accounts, e)]
    found += _stars(accounts, lambda a: a.forge_ids, "same_forge_id", 0.99)
    found += _forge_logins(accounts)
    for systems in shared_logins:
        among = frozenset(systems)
        found += _stars(accounts, lambda a: a.logins if a.system in among else {}, "shared_login", 0.97)  # noqa: B023
    for evidence in sorted(found, key=lambda e: (-e.confidence, e.rule, e.a, e.b)):
        clusters.join(evidence)


def _mailboxes(account: Account) -> dict[str, Labels]:
    return {m.address: labels for m, labels in account.mails.items() if m.real and not m.forge}


def _may_share_mail(accounts: Sequence[Account], evidence: Evidence) -> bool:
    """Whether one address means one person: of `hello@` it does not when the names say otherwise."""
    one, other = accounts[evidence.a], accounts[evidence.b]
    if not any(m.open and m.address == evidence.text for m in one.mails):
        return True
    return likeness(one.full_names, other.full_names) > Likeness.UNKNOWN


def _stars(
    accounts: Sequence[Account],
    keys: Callable[[Account], Mapping[str, Labels] | Mapping[tuple[str, str], Labels]],
    rule: str,
    confidence: float,
) -> list[Evidence]:
    """Everybody with the same key joined to the one of them that most may read."""
    holders: dict[str | tuple[str, str], list[tuple[int, Labels]]] = defaultdict(list)
    for i, account in enumerate(accounts):
        for key, labels in keys(account).items():
            holders[key].append((i, labels))
    found: list[Evidence] = []
    for key, having in holders.items():
        if len(having) < 2:
            continue
        first, first_labels = min(having, key=lambda h: (len(h[1] | accounts[h[0]].labels), h[0]))
        text = key if isinstance(key, str) else " ".join(key)
        found += [
            Evidence(first, i, rule, confidence, text, first_labels | labels) for i, labels in having if i != first
        ]
    return found


def _forge_logins(accounts: Sequence[Account]) -> list[Evidence]:
    """The same login on a forge, unless the forge's numbers say that it changed hands."""
    found: list[Evidence] = []
    for evidence in _stars(accounts, lambda a: a.forge_logins, "forge_login", 0.98):
        forge = evidence.text.partition(" ")[0]
        mine, yours = ({n for f, n in accounts[i].forge_ids if f == forge} for i in (evidence.a, evidence.b))
        if not (mine and yours) or mine & yours:
            found.append(evidence)
    return found


# -- at work: one organisation gives a local part once


def _at_work(clusters: Clusters, own: frozenset[str]) -> None:
    accounts = clusters.accounts

    def local_parts(account: Account) -> dict[tuple[str, str], Labels]:
        return {
            (family(m.domain), m.local): labels
            for m, labels in account.mails.items()
            if m.real and not m.forge and family(m.domain) in own
        }

    for evidence in _stars(accounts, local_parts, "same_local_part_at_work", 0.95):
        a, b = clusters.of(evidence.a), clusters.of(evidence.b)
        local = evidence.text.partition(" ")[2]
        alike_ = likeness(clusters.cluster(a).names, clusters.cluster(b).names)
        if alike_ is Likeness.CONFLICT or (alike_ is Likeness.UNKNOWN and local in GIVEN):
            continue
        if not clusters.clash(a, b):
            clusters.join(evidence)
    _logins_at_work(clusters, own)


def _logins_at_work(clusters: Clusters, own: frozenset[str]) -> None:
    """A login on a system inside, and the local part of one address of the organisation."""
    inside = MANY_LOGINS - {"git"} | {"gitlab", "slack", "pagerduty", "opsgenie", "okta"}
    by_local: dict[str, set[int]] = defaultdict(set)
    holder: dict[tuple[str, int], tuple[int, Labels]] = {}
    for i, account in enumerate(clusters.accounts):
        for m, labels in account.mails.items():
            if m.real and not m.forge and family(m.domain) in own:
                by_local[m.local].add(clusters.of(i))
                holder.setdefault((m.local, clusters.of(i)), (i, labels))
    found: list[Evidence] = []
    for i, account in enumerate(clusters.accounts):
        if account.system not in inside:
            continue
        for login, labels in account.logins.items():
            people = by_local.get(login, set())
            if len(people) != 1 or login in GIVEN or clusters.of(i) in people:
                continue
            (person,) = people
            alike_ = likeness(account.names, clusters.cluster(person).names)
            if alike_ is not Likeness.CONFLICT and not clusters.clash(clusters.of(i), person):
                other, other_labels = holder[login, person]
                found.append(Evidence(other, i, "login_at_work", 0.9, login, labels | other_labels))
    for evidence in found:
        clusters.join(evidence)


# -- names: the same full name


def _full_names(clusters: Clusters, own: frozenset[str]) -> None:
    """One full name, several addresses. Not when it is a common one, nor when those who bear it look like several people.

    A name that is only frequent is taken for a common one when those who bear it work for different organisations.
    """
    rare = _rarity(clusters)
    holders: dict[str, set[int]] = defaultdict(set)
    bearer: dict[tuple[str, int], tuple[int, Labels, Name]] = {}
    for i, account in enumerate(clusters.accounts):
        for name, labels in account.full_names.items() if not account.strangers else ():
            for key in name.keys:
                number = clusters.of(i)
                holders[key].add(number)
                best = bearer.get((key, number))
                if best is None or len(labels | account.labels) < len(best[1]):
                    bearer[key, number] = (i, labels | account.labels, name)
    found: list[Evidence] = []
    for key, numbers in groups(holders):
        if any(clusters.clash(a, b) for a, b in combinations(numbers[:60], 2)):
            continue
        first = min(numbers, key=lambda n: (len(bearer[key, n][1]), n))
        name = bearer[key, first][2]
        common = not rare(name) or (is_frequent(name) and _work_apart(clusters, numbers, own))
        for number in numbers:
            if number == first or (common and not _corroborated(clusters, first, number, name)):
                continue
            (a, of_a, _), (b, of_b, _) = bearer[key, first], bearer[key, number]
            found.append(Evidence(a, b, "same_full_name", 0.93 if not common else 0.85, name.written, of_a | of_b))
    for evidence in found:
        clusters.join(evidence)
    _of_several_names(clusters, rare, bearer)


def _of_several_names(
    clusters: Clusters, rare: Callable[[Name], bool], bearer: Mapping[tuple[str, int], tuple[int, Labels, Name]]
) -> None:
    """Accounts used under names that have nothing in common: to the one person that these lead to, or that its address is made of."""
    by_key: dict[str, dict[int, tuple[int, Labels]]] = defaultdict(dict)
    for (key, _), (i, labels, _) in sorted(bearer.items(), key=lambda b: (b[0][0], b[1][0])):
        by_key[key].setdefault(clusters.of(i), (i, labels))
    found: list[Evidence] = []
    for i, account in enumerate(clusters.accounts):
        if not account.strangers:
            continue
        ways: dict[int, Evidence] = {}
        fitting = set[int]()
        for name, labels in account.full_names.items():
            for key in name.keys if rare(name) else ():
                for number, (other, of_other) in by_key.get(key, {}).items():
                    ways.setdefault(number, Evidence(other, i, "same_full_name", 0.9, name.written, labels | of_other))
                    if any(fits(name, handle) for handle in account.handles):
                        fitting.add(number)
        chosen = set(ways) if len(ways) == 1 else fitting
        if len(chosen) == 1:
            found.append(ways[chosen.pop()])
    for evidence in found:
        if not clusters.clash(clusters.of(evidence.a), clusters.of(evidence.b)):
            clusters.join(evidence)


def _work_apart(clusters: Clusters, numbers: Sequence[int], own: frozenset[str]) -> bool:
    employers = [at for number in numbers if (at := clusters.cluster(number).families & own)]
    return any(one.isdisjoint(other) for one, other in combinations(employers, 2))


def _rarity(clusters: Clusters) -> Callable[[Name], bool]:
    """Whether a full name is rare enough to mean one person: neither of common words, nor of words frequent among these accounts."""
    firsts, lasts = Counter[str](), Counter[str]()
    seen = set[str]()
    for account in clusters.accounts:
        for name in account.full_names:
            if name.key not in seen:
                seen.add(name.key)
                firsts[name.tokens[0]] += 1
                lasts[name.tokens[-1]] += 1
    total = max(len(seen), 1)

    def rare(name: Name) -> bool:
        if is_common(name):
            return False
        expected = firsts[name.tokens[0]] * lasts[name.tokens[-1]] / total
        return total < 500 or expected < 0.5

    return rare


def _corroborated(clusters: Clusters, a: int, b: int, name: Name) -> bool:
    """Whether something beside a common name says that two clusters are one person: the same employer, or a handle not made of the name."""
    one, other = clusters.cluster(a), clusters.cluster(b)
    if one.families & other.families:
        return True
    return any(_telling(handle) and not fits(name, handle) for handle in one.handles & other.handles)


# -- handles: the same login, local part or nick


def _all_given(bare: str) -> bool:
    """`alex`, `jean-louis`: nothing but given names."""
    return all(part in GIVEN or not part for part in re.split(r"[-_.]", bare))


def _telling(handle: str) -> bool:
    """Whether a handle is somebody's own, and not a given or family name that others have too."""
    bare = handle.rstrip("0123456789")
    long_enough = len(handle) >= 4 and (len(bare) >= 3 or len(handle) >= 5)
    return long_enough and bare not in FAMILY and not _all_given(bare)


def _handles(clusters: Clusters) -> None:
    rare = _rarity(clusters)
    given = _given_names(clusters)
    holders: dict[str, set[int]] = defaultdict(set)
    for number, cluster in clusters:
        for handle in cluster.handles:
            if _telling(handle):
                holders[handle].add(number)
    found: list[Evidence] = []
    for handle, numbers in groups(holders):
        if len(numbers) > MAX_HOLDERS:
            continue
        pairs = {pair: _by_handle(clusters, *pair, handle, rare, given) for pair in combinations(numbers, 2)}
        conflict = any(score is None for score in pairs.values())
        for (a, b), score in pairs.items():
            if score is None or (conflict and score < 0.9) or score == 0.0:
                continue
            found.append(_between(clusters, a, b, "same_handle", score, handle, lambda x: x.handles, handle))
    _join_unambiguous(clusters, found, Likeness.CONFLICT)


def _given_names(clusters: Clusters) -> frozenset[str]:
    """Words that several full names at hand begin with: alone they are given names, whatever the lists say."""
    names = {name.key: name for a in clusters.accounts for name in a.full_names if len(name.tokens) > 1}
    first = Counter(name.tokens[0] for name in names.values() if not name.guessed)
    return frozenset(word for word, count in first.items() if count > 1)


def _by_handle(
    clusters: Clusters, a: int, b: int, handle: str, rare: Callable[[Name], bool], given: frozenset[str]
) -> float | None:
    """How sure a shared handle makes that two clusters are one person; None when they are two, 0 when it says nothing."""
    if clusters.clash(a, b) or clusters.forbidden(a, b):
        return None
    one, other = clusters.cluster(a), clusters.cluster(b)
    alike_ = likeness(one.names, other.names)
    if alike_ is Likeness.CONFLICT:
        return None
    if alike_ is Likeness.UNKNOWN:
        names = [n for n in (*one.names, *other.names) if n.full]
        if len(handle) < 5 and not names and not one.families & other.families:
            return 0.0
        # `koen` of Koen Punt is no more than his given name.
        if handle in given or any(n.tokens[0] == handle for n in names):
            return 0.0
        if any(not rare(n) and fits(n, handle) for n in names):
            return 0.0
        return 0.8
    shared = [n for n in one.names if n.full and any(n.keys & m.keys for m in other.names)]
    if shared and all(not rare(n) and fits(n, handle) for n in shared):
        return 0.0
    return {Likeness.SAME: 0.96, Likeness.LIKELY: 0.95}.get(alike_, 0.9)


def _between(
    clusters: Clusters,
    a: int,
    b: int,
    rule: str,
    confidence: float,
    text: str,
    keys: Callable[[Account], Mapping[str, Labels] | Mapping[Name, Labels]],
    *wanted: object,
) -> Evidence:
    """Evidence between the member of each cluster that shows it and that most may read."""

    def shows(number: int) -> tuple[int, int, Labels]:
        options: list[tuple[int, int, Labels]] = []
        for i in clusters.cluster(number).members:
            account = clusters.accounts[i]
            for key, labels in keys(account).items():
                if key in wanted:
                    needed = labels | account.labels
                    options.append((len(needed), i, needed))
        return min(options, key=lambda o: o[:2])

    (_, i, of_i), (_, j, of_j) = shows(a), shows(b)
    return Evidence(i, j, rule, confidence, text, of_i | of_j)


def _join_unambiguous(clusters: Clusters, found: list[Evidence], strangers: Likeness = Likeness.UNKNOWN) -> None:
    """Join where evidence leads to one person. Where it leads one cluster to two that are not linked themselves, to neither.

    Two that are not linked are `strangers` when their names are no more alike than that.
    """
    best: dict[tuple[int, int], Evidence] = {}
    for evidence in sorted(found, key=lambda e: (-e.confidence, e.rule, e.a, e.b)):
        a, b = sorted((clusters.of(evidence.a), clusters.of(evidence.b)))
        if a != b:
            best.setdefault((a, b), evidence)
    beside: dict[int, dict[int, float]] = defaultdict(dict)
    for (a, b), evidence in best.items():
        beside[a][b] = beside[b][a] = evidence.confidence
    certain = [
        evidence
        for (a, b), evidence in best.items()
        if not any(
            rival != other
            and score >= evidence.confidence - 0.05
            and rival not in beside[other]
            and _rival(clusters, other, rival, strangers)
            for end, other in ((a, b), (b, a))
            for rival, score in beside[end].items()
        )
    ]
    for evidence in certain:
        a, b = clusters.of(evidence.a), clusters.of(evidence.b)
        if a == b or (not clusters.clash(a, b) and _agree(clusters, a, b)):
            clusters.join(evidence)


def _rival(clusters: Clusters, a: int, b: int, strangers: Likeness) -> bool:
    """Whether two clusters that were not linked look like different people."""
    return clusters.clash(a, b) or likeness(clusters.cluster(a).names, clusters.cluster(b).names) <= strangers


def _agree(clusters: Clusters, a: int, b: int) -> bool:
    """Whether two clusters, as they have grown by now, still are not of different names."""
    return likeness(clusters.cluster(a).names, clusters.cluster(b).names) is not Likeness.CONFLICT


# -- a name on one side, a login made of it on the other


def _logins_of_names(clusters: Clusters) -> None:
    rare = _rarity(clusters)
    whole: dict[str, dict[int, Name]] = defaultdict(dict)
    short: dict[str, dict[int, Name]] = defaultdict(dict)
    for number, cluster in clusters:
        for name in cluster.names:
            if name.full:
                for login in whole_logins(name):
                    whole[login][number] = name
                for login in short_logins(name):
                    short[login][number] = name
    found: list[Evidence] = []
    for number, cluster in clusters:
        if any(name.full for name in cluster.names):
            continue
        for handle in sorted(cluster.handles):
            bare = handle.rstrip("0123456789")
            for candidates, login, confidence, rule in (
                (whole, handle, 0.85, "login_of_full_name"),
                (whole, bare, 0.75, "login_of_full_name"),
                (short, handle, 0.75, "login_of_short_name"),
            ):
                people = {n: name for n, name in candidates.get(login, {}).items() if n != number}
                if len(people) != 1:
                    continue
                ((person, name),) = people.items()
                if not _may_be(clusters, number, person, name, handle, rare, whole=rule == "login_of_full_name"):
                    continue
                evidence = _name_to_login(clusters, person, number, name, handle, rule, confidence)
                found.append(evidence)
    _join_unambiguous(clusters, found)


def _may_be(
    clusters: Clusters,
    nameless: int,
    person: int,
    name: Name,
    handle: str,
    rare: Callable[[Name], bool],
    *,
    whole: bool,
) -> bool:
    if not _telling(handle) or clusters.clash(nameless, person) or not _agree(clusters, nameless, person):
        return False
    one, other = clusters.cluster(nameless), clusters.cluster(person)
    if one.families & other.families:
        return True
    return rare(name) and (len(handle) >= 7 if whole else tells_family(name, handle))


def _name_to_login(
    clusters: Clusters, person: int, nameless: int, name: Name, handle: str, rule: str, confidence: float
) -> Evidence:
    by_name = _between(clusters, person, person, rule, confidence, "", lambda a: a.names, name)
    by_login = _between(clusters, nameless, nameless, rule, confidence, "", lambda a: a.handles, handle)
    return Evidence(
        by_name.a, by_login.a, rule, confidence, f"{name.written} – {handle}", by_name.labels | by_login.labels
    )


# -- like names


def _like_names(clusters: Clusters) -> None:
    """Misspelled names, names without their middle, and initials where both work at one place."""
    rare = _rarity(clusters)
    blocks: dict[str, set[int]] = defaultdict(set)
    for number, cluster in clusters:
        for name in cluster.names:
            if name.full or name.initialled:
                for key in _likeness_keys(name):
                    blocks[key].add(number)
    seen = set[tuple[int, int]]()
    found: list[Evidence] = []
    for _, numbers in groups(blocks):
        if len(numbers) > MAX_BLOCK:
            continue
        for pair in combinations(numbers, 2):
            if pair not in seen:
                seen.add(pair)
                found += _by_like_names(clusters, *pair, rare)
    _join_unambiguous(clusters, found)


def _likeness_keys(name: Name) -> Iterator[str]:
    """Like names share a word and the first letter of another one, or all letters."""
    for token in name.tokens:
        if len(token) > 2:
            yield from (f"{token} {other[0]}" for other in name.tokens if other != token)
    yield "".join(name.tokens)


def _by_like_names(clusters: Clusters, a: int, b: int, rare: Callable[[Name], bool]) -> list[Evidence]:
    one, other = clusters.cluster(a), clusters.cluster(b)
    best: tuple[Likeness, Name, Name] | None = None
    for mine in one.names:
        for yours in other.names:
            if (mine.full or mine.initialled) and (yours.full or yours.initialled):
                like = alike(mine, yours)
                if like > Likeness.UNKNOWN and (best is None or like > best[0]):
                    best = (like, mine, yours)
    if best is None or clusters.clash(a, b):
        return []
    like, mine, yours = best
    same_place = bool(one.families & other.families)
    handle = any(_telling(h) for h in one.handles & other.handles)
    if like is Likeness.SAME and (
        mine.full or yours.full or max(map(len, mine.tokens)) < 5 or set(mine.tokens) & (GIVEN | FAMILY)
    ):
        return []  # a common name: `_full_names` has looked at it
    if like is Likeness.SAME:  # `Joffrey F.` twice
        confidence = 0.8
    elif like is Likeness.LIKELY and (same_place or handle or (rare(mine) and rare(yours))):
        confidence = 0.85 if same_place or handle else 0.75
    elif like is Likeness.POSSIBLE and (same_place or handle) and all(not n.full or rare(n) for n in (mine, yours)):
        confidence = 0.7
    else:
        return []
    text = f"{mine.written} – {yours.written}"
    first = _between(clusters, a, a, "", 0, "", lambda x: x.names, mine)
    second = _between(clusters, b, b, "", 0, "", lambda x: x.names, yours)
    return [Evidence(first.a, second.a, "like_names", confidence, text, first.labels | second.labels)]
