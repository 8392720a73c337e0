"""Weak evidence: handles, logins made of a name, and like names. Joins where it leads to one person only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

from ingest.identity.accounts import Account, Labels
from ingest.identity.by_name import is_telling, rarity
from ingest.identity.clusters import Clusters, Evidence, groups
from ingest.identity.common_names import FAMILY, GIVEN
from ingest.identity.likeness import (
    Likeness,
    alike,
    fits,
    likeness,
    short_logins,
    tells_family,
    whole_logins,
)
from ingest.identity.words import Name

MAX_HOLDERS = 12
"""A handle that more clusters than this have tells nothing."""
MAX_BLOCK = 400
"""Names that are alike at first sight are compared one by one up to so many."""


def join_handles(clusters: Clusters) -> None:
    """The same login, local part or nick, where the names do not say otherwise."""
    rare = rarity(clusters)
    given = _given_names(clusters)
    holders: dict[str, set[int]] = defaultdict(set)
    for number, cluster in clusters:
        for handle in cluster.handles:
            if is_telling(handle):
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


def join_logins_of_names(clusters: Clusters) -> None:
    """A full name on one side, an account without one whose login is made of it on the other."""
    rare = rarity(clusters)
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
    if not is_telling(handle) or clusters.clash(nameless, person) or not _agree(clusters, nameless, person):
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


def join_like_names(clusters: Clusters) -> None:
    """Misspelled names, names without their middle, and initials where both work at one place."""
    rare = rarity(clusters)
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
    handle = any(is_telling(h) for h in one.handles & other.handles)
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
