"""Precision and recall of joining accounts to people, on real histories with a `.mailmap`.

    python -m bench.identity --repo owner/name=PATH … [--errata bench/identity_errata.json] [--show N]

Accounts are the distinct mail addresses of a history with the names they were used with, as the git source states them: raw, `.mailmap`
not applied. The truth is `.mailmap`: two addresses are of one person when it maps both to one address. It is read only here, after
the joining is done.

A `.mailmap` lists those whom somebody bothered to list, so a join that it does not know is not wrong for that. Three figures are given:
*raw* counts each of them as wrong; *listed* looks only at pairs of two addresses that the file names; *adjudicated* counts as right
those that were looked at by hand and found to be one person (`--errata`, by digests of the addresses).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import combinations
from pathlib import Path

from bench.repositories import add_repository_option, machine, repositories
from graph.model import PUBLIC, Alias, Assertion, Entity, FactBatch, ref
from graph.stores import open_store
from ingest.identity import resolve_people
from ingest.identity.accounts import Account, Named, Sort
from ingest.identity.clusters import Clusters
from ingest.identity.rules import join_people
from ingest.names import account as account_ref
from ingest.sources.git.people import is_bot

Pair = tuple[str, str]
Result = tuple["History", "Score", Mapping[Pair, str]]


@dataclass(frozen=True, slots=True)
class History:
    """The addresses of a repository's commits with names and numbers of commits, and which addresses `.mailmap` says are one."""

    name: str
    names: Mapping[str, Mapping[str, int]]
    truth: Mapping[str, str]
    listed: frozenset[str]


@dataclass
class Score:
    """Pairs counted."""

    right: set[Pair] = field(default_factory=set[Pair])
    unknown: set[Pair] = field(default_factory=set[Pair])
    missed: set[Pair] = field(default_factory=set[Pair])


def git(path: Path, *arguments: str, stdin: str | None = None) -> str:
    """Standard output of a git command."""
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], check=True, capture_output=True, input=stdin.encode() if stdin else None
    )
    return done.stdout.decode("utf-8", "replace")


def history(name: str, path: Path) -> History:
    """Read a repository: authors of all commits of HEAD."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for line in git(path, "log", "--no-mailmap", "--format=%an%x09%ae").splitlines():
        author, _, email = line.partition("\t")
        names[email.strip().lower()][author.strip()] += 1
    names.pop("", None)
    mailmap = git(path, "show", "HEAD:.mailmap")
    contacts = [(email, author) for email, authors in names.items() for author in authors]
    asked = "".join(
        f"{' '.join(author.replace('<', '').replace('>', '').split())} <{email}>\n" for email, author in contacts
    )
    with_map = ["-c", "mailmap.blob=HEAD:.mailmap", "-c", "mailmap.file="]
    mapped = git(path, *with_map, "check-mailmap", "--stdin", stdin=asked).splitlines()
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for (email, author), line in zip(contacts, mapped, strict=True):
        votes[email][line.rpartition("<")[2].rstrip(">").strip().lower()] += names[email][author]
    truth = {email: max(sorted(v), key=v.__getitem__) for email, v in votes.items()}
    listed = {
        part.partition(">")[0].strip().lower()
        for line in mailmap.splitlines()
        if not line.startswith("#")
        for part in line.split("<")[1:]
    }
    return History(name, names, truth, frozenset(listed & truth.keys()))


def accounts(of: History) -> list[Account]:
    """The history's addresses as accounts."""
    found: list[Account] = []
    for email, names in of.names.items():
        first = max(sorted(names), key=names.__getitem__)
        named = [Named("email", email), *(Named("name", name) for name in names if name)]
        found.append(Account(ref("Account", "git", email), "git", named, bot=is_bot(first, email)))
    return sorted(found, key=lambda a: a.ref)


def addresses(joined: Clusters) -> list[list[str]]:
    """The clusters as addresses."""
    return [[joined.accounts[i].named[0].name for i in cluster.members] for _, cluster in joined]


def pairs(groups: Iterable[Sequence[str]]) -> set[Pair]:
    """All pairs within groups."""
    return {(a, b) for group in groups for a, b in combinations(sorted(group), 2)}


def score(of: History, predicted: set[Pair]) -> Score:
    """Predicted pairs against the truth."""
    people: dict[str, list[str]] = defaultdict(list)
    for email, person in of.truth.items():
        people[person].append(email)
    true = pairs(people.values())
    return Score(predicted & true, predicted - true, true - predicted)


def digest(pair: Pair) -> str:
    """How the errata name a pair: its addresses are not kept."""
    return blake2b("\x1f".join(pair).encode(), digest_size=8).hexdigest()


def rule_of(joined: Clusters) -> dict[Pair, str]:
    """The weakest rule on the strongest path between each pair of one cluster: the rule that the pair hangs on."""
    found: dict[Pair, str] = {}
    edges = sorted(joined.evidence, key=lambda e: -e.confidence)
    root = list(range(len(joined.accounts)))
    members = {i: [i] for i in root}

    def top(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for edge in edges:
        a, b = top(edge.a), top(edge.b)
        if a == b:
            continue
        for i in members[a]:
            for j in members[b]:
                x, y = sorted((joined.accounts[i].named[0].name, joined.accounts[j].named[0].name))
                found[x, y] = edge.rule
        root[b] = a
        members[a] += members.pop(b)
    return found


def ratio(part: int, whole: int) -> str:
    """`0.987 (76/77)`."""
    return f"{part / whole:.4f} ({part}/{whole})" if whole else "– (0)"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_repository_option(parser)
    parser.add_argument("--errata", type=Path, default=Path(__file__).parent / "identity_errata.json")
    parser.add_argument(
        "--show", type=int, default=0, help="print up to so many misses and unlisted joins of each repository"
    )
    parser.add_argument("--accounts", type=int, default=0, help="also time so many made-up accounts in a store")
    options = parser.parse_args()
    errata: dict[str, str] = (
        {e["pair"]: e["verdict"] for e in json.loads(options.errata.read_text())} if options.errata.exists() else {}
    )
    print(machine())
    every_result: list[Result] = []
    for name, path in repositories(options.repo).items():
        of = history(name, path)
        every = accounts(of)
        humans = [a for a in every if a.sort is Sort.HUMAN]
        started = time.process_time()
        joined = join_people(humans, (), ())
        elapsed = time.process_time() - started
        predicted = pairs(addresses(joined))
        result = score(of, predicted)
        print(
            f"\n{of.name}: {len(every)} addresses, {len(humans)} of people, {len(of.listed)} listed, {elapsed:.2f} s of CPU"
        )
        report([(of, result, rule_of(joined))], errata)
        every_result.append((of, result, rule_of(joined)))
        if options.show:
            show(of, result, rule_of(joined), errata, options.show)
    if len(every_result) > 1:
        print("\nall together")
        report(every_result, errata)
    if options.accounts:
        speed(options.accounts)


def report(results: Sequence[Result], errata: Mapping[str, str]) -> None:
    """The figures of some repositories together."""
    right = unknown = missed = listed = same = looked_at = apart = 0
    by_rule: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for of, result, rules in results:
        right, unknown, missed = right + len(result.right), unknown + len(result.unknown), missed + len(result.missed)
        listed += sum(a in of.listed and b in of.listed for a, b in result.unknown)
        verdicts = {pair: errata.get(digest(pair), "") for pair in result.unknown | result.missed}
        same += sum(verdicts[pair] == "same" for pair in result.unknown)
        looked_at += sum(verdicts[pair] != "" for pair in result.unknown)
        apart += sum(verdicts[pair] == "different" for pair in result.missed)
        for pair, rule in rules.items():
            counts = by_rule[rule]
            counts[0] += 1
            counts[1] += pair in result.right
            counts[2] += pair in result.right or verdicts.get(pair) == "same"
    print(f"  precision raw          {ratio(right, right + unknown)}")
    print(f"  precision listed       {ratio(right, right + listed)}")
    print(f"  precision adjudicated  {ratio(right + same, right + unknown)}, not looked at {unknown - looked_at}")
    print(f"  recall raw             {ratio(right, right + missed)}")
    print(f"  recall adjudicated     {ratio(right + same, right + same + missed - apart)}")
    for rule, (count, good, adjudicated) in sorted(by_rule.items()):
        print(f"    {rule:26} raw {ratio(good, count):22} adjudicated {ratio(adjudicated, count)}")


def speed(count: int) -> None:
    """Seconds to read so many accounts from a SQLite store and to say who is who; then to apply it, and to find nothing new."""
    letters = "abdefghiklmnoprstuvz"
    given = [f"{a}{b}nirk".title() for a in letters for b in letters]
    assertions: list[Assertion] = []
    for n in range(count // 2):
        name = f"{given[n % 400]} {given[n * 7 % 397]}ovics"
        for system, login in (("git", f"{name.replace(' ', '.').lower()}{n}@home.org"), ("github", f"login-{n:05d}")):
            account = account_ref(system, login)
            facts = (
                Entity(account, {"system": system, "login": login, "name": name}),
                Alias(account, "email" if system == "git" else "login", login),
                Alias(account, "name", name),
            )
            assertions += [Assertion(fact, 1, 1, "made up") for fact in facts]
    with tempfile.TemporaryDirectory() as directory, open_store(f"sqlite:///{directory}/graph.db") as store:
        store.apply(FactBatch("accounts", "bench", "accounts", "bench/1", assertions))
        for what in ("all new", "nothing new"):
            started, cpu = time.perf_counter(), time.process_time()
            batches = resolve_people(store, 2, frozenset({PUBLIC}))
            took = time.perf_counter() - started
            print(
                f"\n{count} accounts, {what}: {took:.2f} s, {time.process_time() - cpu:.2f} s of CPU, {len(batches)} batches"
            )
            started = time.perf_counter()
            for batch in batches:
                store.apply(batch)
            print(f"  applied in {time.perf_counter() - started:.2f} s")


def show(of: History, result: Score, rules: Mapping[Pair, str], errata: Mapping[str, str], most: int) -> None:
    """Misses, and joins that `.mailmap` does not know, for reading."""

    def who(email: str) -> str:
        return f"{email} {dict(of.names[email])}"

    for title, found in (("MISSED", result.missed), ("UNLISTED", result.unknown)):
        for pair in sorted(p for p in found if digest(p) not in errata)[:most]:
            print(f"  {title} {digest(pair)} {rules.get(pair, '')}: {who(pair[0])} | {who(pair[1])}")


if __name__ == "__main__":
    main()
