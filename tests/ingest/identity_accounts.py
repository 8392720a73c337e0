"""Accounts as sources state them, in a real store, and the persons that identity makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graph.clock import Instant, instant
from graph.model import PUBLIC, Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Value
from graph.store import GraphStore, Limits, View
from graph.stores import open_store
from ingest import names
from ingest.identity import Verified, resolve_people

NOW: Instant = instant("2026-06-01T00:00:00Z")
SINCE: Instant = instant("2025-01-01T00:00:00Z")
ALL = Limits(rows=100_000, deadline_s=60)


@dataclass(frozen=True)
class Told:
    """An account as its source states it."""

    system: str
    login: str
    names: Sequence[str] = ()
    mails: Sequence[str] = ()
    logins: Sequence[str] = ()
    arn: str = ""
    bot: bool = False
    type: str = ""
    label: str = PUBLIC
    since: Instant = SINCE

    @property
    def ref(self) -> EntityRef:
        return names.account(self.system, self.login)

    def facts(self) -> Iterable[Fact]:
        properties: dict[str, Value] = {"system": self.system, "login": self.login, "bot": self.bot}
        properties |= {"name": self.names[0]} if self.names else {}
        properties |= {"email": self.mails[0].lower()} if self.mails else {}
        properties |= {"type": self.type} if self.type else {}
        yield Entity(self.ref, properties)
        for scheme, texts in (("name", self.names), ("email", self.mails), ("login", self.logins)):
            yield from (Alias(self.ref, scheme, text) for text in texts)
        if self.arn:
            yield Alias(self.ref, "arn", self.arn)


def git(email: str, *called: str, **more: object) -> Told:
    """An address in commits, with the names it was used with."""
    return Told("git", email, called, (email,) if email else (), **more)  # type: ignore[arg-type]


def forge(login: str, name: str = "", system: str = "github", **more: object) -> Told:
    """A login on a forge."""
    return Told(system, login, (name,) if name else (), logins=(login,), **more)  # type: ignore[arg-type]


def slack(user: str, name: str, *mails: str, **more: object) -> Told:
    """A Slack user."""
    return Told("slack", user, (name,), mails, (user,), **more)  # type: ignore[arg-type]


def user(system: str, login: str, name: str = "", *mails: str, **more: object) -> Told:
    """An account on any other system."""
    return Told(system, login, (name,) if name else (), mails, (login,), **more)  # type: ignore[arg-type]


def session(role: str, name: str, account: str = "111122223333") -> Told:
    """A session of an AWS role, as the audit log names it."""
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{name}"
    kind = "sso_session" if role.startswith("AWSReservedSSO_") else "role_session"
    return Told("aws", arn, (name,), (name,) if "@" in name else (), (name,), arn, type=kind)


def store_at(directory: Path, name: str = "graph") -> GraphStore:
    """An empty store."""
    return open_store(f"sqlite:///{directory / f'{name}.db'}")


def tell(store: GraphStore, accounts: Iterable[Told], *, gone: bool = False, at: Instant = NOW) -> None:
    """State accounts (or that they are gone from `at` on)."""
    told = list(accounts)
    assertions = [
        Assertion(fact, at if gone else one.since, at, f"{one.system}:{one.login}", present=not gone, label=one.label)
        for one in told
        for fact in one.facts()
    ]
    number = store.record() + 1
    store.apply(FactBatch(f"accounts-{number}", "test", "accounts", "test/1", assertions))


def resolve(
    store: GraphStore, verified: Verified | None = None, *, labels: Iterable[str] = (), at: Instant = NOW
) -> list[FactBatch]:
    """Resolve and apply."""
    batches = resolve_people(store, at, frozenset({PUBLIC, *labels}), verified)
    for batch in batches:
        store.apply(batch)
    return batches


def people(store: GraphStore, view: View | None = None) -> set[frozenset[EntityRef]]:
    """The accounts of each person."""
    persons = store.select("Person", {}, view or View(), ALL).items
    return {frozenset(r for r in person.refs if r.kind == "Account") for person in persons}


def person_of(store: GraphStore, account: Told, view: View | None = None) -> EntityRef | None:
    """The person of an account."""
    entity = store.entity(account.ref, view or View())
    return next((r for r in entity.refs if r.kind == "Person"), None) if entity is not None else None


def rule_of(store: GraphStore, account: Told) -> str:
    """The rule by which an account hangs on its person."""
    edges = store.neighbours([account.ref], View(), ALL, types=["SAME_AS"]).items
    return next(str(e.properties["rule"]) for e in edges if e.src == account.ref)


def together(tmp_path: Path, *accounts: Told, verified: Verified | None = None) -> bool:
    """Whether all of these accounts, alone in a store, are one person."""
    with store_at(tmp_path, f"together-{abs(hash((accounts, tmp_path)))}") as store:
        tell(store, accounts)
        resolve(store, verified)
        found = {person_of(store, account) for account in accounts}
        return len(found) == 1 and None not in found
