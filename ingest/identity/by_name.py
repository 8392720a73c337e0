"""Accounts with one full name."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from ingest.identity.accounts import Labels
from ingest.identity.clusters import Clusters, Evidence, groups
from ingest.identity.common_names import FAMILY, GIVEN
from ingest.identity.likeness import (
    fits,
    is_common,
    is_frequent,
)
from ingest.identity.words import Name


def join_full_names(clusters: Clusters, own: frozenset[str]) -> None:
    """One full name, several addresses. Not when it is a common one, nor when those who bear it look like several people.

    A name that is only frequent is taken for a common one when those who bear it work for different organisations.
    """
    rare = rarity(clusters)
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


def rarity(clusters: Clusters) -> Callable[[Name], bool]:
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
    return any(is_telling(handle) and not fits(name, handle) for handle in one.handles & other.handles)


def _all_given(bare: str) -> bool:
    """`alex`, `jean-louis`: nothing but given names."""
    return all(part in GIVEN or not part for part in re.split(r"[-_.]", bare))


def is_telling(handle: str) -> bool:
    """Whether a handle is somebody's own, and not a given or family name that others have too."""
    bare = handle.rstrip("0123456789")
    long_enough = len(handle) >= 4 and (len(bare) >= 3 or len(handle) >= 5)
    return long_enough and bare not in FAMILY and not _all_given(bare)
