"""Which accounts are of one human being, rule by rule, strongest first.

A stage looks at the clusters the stages before it made and joins more. Strong evidence (addresses, numbers, what the team says) joins
whatever it finds; evidence of names joins only what nothing speaks against; and where weak evidence leads to several people it joins
to none of them. A stage decides on what it found as a whole, so that the order of the accounts does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from graph.model import EntityRef
from ingest.identity.accounts import MANY_LOGINS, Account, Labels
from ingest.identity.by_name import join_full_names
from ingest.identity.clusters import Clusters, Evidence
from ingest.identity.common_names import GIVEN
from ingest.identity.likeness import (
    Likeness,
    likeness,
)
from ingest.identity.weak import join_handles, join_like_names, join_logins_of_names
from ingest.identity.words import family

MIN_OWN = 3
"""How many people with an address at a domain make it an organisation's."""


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
    join_full_names(clusters, own)
    for _ in range(2):  # what a name joined may have a handle that leads on
        join_handles(clusters)
        join_logins_of_names(clusters)
        join_like_names(clusters)
    return clusters


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
