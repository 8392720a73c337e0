"""Clusters of accounts that only grow together when nothing forbids it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graph.model import EntityRef
from ingest.identity.accounts import EVERYBODY, MANY_LOGINS, Account, Labels
from ingest.identity.words import Name, family


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why two accounts are of one human being.

    Attributes:
        a, b: positions of the accounts.
        rule: the rule's name.
        confidence: 0 to 1.
        text: what the rule saw, in words.
        labels: what reading that needs, beside the accounts' own labels.
    """

    a: int
    b: int
    rule: str
    confidence: float
    text: str
    labels: Labels = EVERYBODY


@dataclass(slots=True)
class Cluster:
    """Accounts joined so far, with all they are called."""

    members: list[int]
    names: dict[Name, None] = field(default_factory=dict[Name, None])
    handles: set[str] = field(default_factory=set[str])
    logins: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    families: set[str] = field(default_factory=set[str])
    locals_: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    foes: set[int] = field(default_factory=set[int])

    def absorb(self, other: Cluster) -> None:
        """Take in another one."""
        self.members += other.members
        self.names |= other.names
        self.handles |= other.handles
        self.families |= other.families
        self.foes |= other.foes
        for mine, yours in ((self.logins, other.logins), (self.locals_, other.locals_)):
            for key, values in yours.items():
                mine[key] = mine.get(key, set()) | values


class Clusters:
    """All accounts, each in one cluster; positions are those in `accounts`."""

    def __init__(
        self, accounts: Sequence[Account], foes: Iterable[tuple[EntityRef, EntityRef]], own: frozenset[str]
    ) -> None:
        """`foes` are pairs of accounts that never may be in one cluster, `own` the organisations that a domain names."""
        self.accounts = accounts
        self.evidence: list[Evidence] = []
        position = {account.ref: i for i, account in enumerate(accounts)}
        self._by_account: dict[int, list[Evidence]] | None = None
        self._root = list(range(len(accounts)))
        self._clusters = {i: _alone(i, account, own) for i, account in enumerate(accounts)}
        for a, b in foes:
            if a in position and b in position and a != b:
                self._clusters[position[a]].foes.add(position[b])
                self._clusters[position[b]].foes.add(position[a])

    def __iter__(self) -> Iterator[tuple[int, Cluster]]:
        return iter(sorted(self._clusters.items()))

    def of(self, account: int) -> int:
        """The number of the cluster that an account is in."""
        root = account
        while self._root[root] != root:
            root = self._root[root]
        while self._root[account] != root:
            self._root[account], account = root, self._root[account]
        return root

    def cluster(self, number: int) -> Cluster:
        """A cluster by its number."""
        return self._clusters[number]

    def evidence_of(self, members: Sequence[int]) -> list[Evidence]:
        """The evidence among the members of a cluster."""
        if self._by_account is None:
            self._by_account = defaultdict(list)
            for evidence in self.evidence:
                self._by_account[evidence.a].append(evidence)
        return [evidence for member in sorted(members) for evidence in self._by_account[member]]

    def forbidden(self, a: int, b: int) -> bool:
        """Whether somebody split accounts of these two clusters."""
        one, other = self._clusters[a], self._clusters[b]
        return not one.foes.isdisjoint(other.members)

    def clash(self, a: int, b: int) -> bool:
        """Whether two clusters look like two people: two logins on one system, or numbered addresses of one organisation."""
        one, other = self._clusters[a], self._clusters[b]
        for system in one.logins.keys() & other.logins.keys():
            if one.logins[system] != other.logins[system]:
                return True
        for domain in one.locals_.keys() & other.locals_.keys():
            mine = {local.rstrip("0123456789"): local for local in one.locals_[domain]}
            yours = {local.rstrip("0123456789"): local for local in other.locals_[domain]}
            if any(bare and mine[bare] != yours[bare] for bare in mine.keys() & yours.keys()):
                return True
        return False

    def join(self, evidence: Evidence) -> bool:
        """Make one cluster of the two, unless somebody split them. Returns whether they are one now."""
        a, b = self.of(evidence.a), self.of(evidence.b)
        if a != b:
            if self.forbidden(a, b):
                return False
            keep, gone = min(a, b), max(a, b)
            self._root[gone] = keep
            self._clusters[keep].absorb(self._clusters.pop(gone))
        self.evidence.append(evidence)
        self._by_account = None
        return True


def _alone(position: int, account: Account, own: frozenset[str]) -> Cluster:
    cluster = Cluster([position], dict.fromkeys(account.names), set(account.handles))
    if account.system not in MANY_LOGINS:
        cluster.logins[account.system] = {account.ref}
    for address in account.mails:
        group = family(address.domain)
        if group and not address.forge:
            cluster.families.add(group)
            if group in own:
                cluster.locals_.setdefault(address.domain, set()).add(address.local)
    return cluster


def groups(found: Mapping[str, Iterable[int]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Keys that several have, in order, with who has them."""
    for key in sorted(found):
        holders = tuple(sorted(set(found[key])))
        if len(holders) > 1:
            yield key, holders
