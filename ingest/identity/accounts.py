"""Accounts as the rules see them: what each is called, where, and whether it is somebody at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeVar

from graph.clock import Instant
from graph.model import EntityRef
from ingest.aws_names import session_name
from ingest.identity import words
from ingest.identity.likeness import Likeness, alike
from ingest.identity.words import Mail, Name

MANY_LOGINS = frozenset(
    [
        "git",
        "aws",
        "gcp",
        "azure",
        "kubernetes",
        "deployments",
        "argocd",
        "terraform",
        "catalog",
        "alertmanager",
        "grafana",
        "jenkins",
        "documents",
    ]
)
"""Systems on which one human being has many names. On all others two logins are two people, unless a mail address says otherwise."""

Labels = frozenset[str]
"""The labels that are all needed; empty for what everybody may read."""

EVERYBODY: Labels = frozenset()

_SLACK_ID = re.compile(r"[UW][A-Z0-9]{6,}")
_NUMBER = re.compile(r"\d+")
_MACHINE_USER = re.compile(
    r"system:(?!admin$).*|kube-.*|kubernetes-admin|.*gserviceaccount\.com|.*@.*\.iam\.gserviceaccount\.com|eks:.*|aks:.*|gke:.*"
    r"|i-[0-9a-f]{8,17}|botocore-session-\d+|aws-(?:go|sdk|cli|java)[\w-]*\d+|.*\.amazonaws\.com|GitHubActions|.*-serviceaccount"
)
_MACHINE_TYPES = frozenset(
    [
        "bot",
        "app",
        "application",
        "organization",
        "role",
        "service",
        "service_account",
        "serviceaccount",
        "service_principal",
        "serviceprincipal",
        "machine",
        "awsservice",
        "managedidentity",
        "managed_identity",
        "system",
    ]
)
_SHARED_TYPES = frozenset({"root", "group"})
_IAM_USER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:user/(?:.*/)?([^/]+)")


_Key = TypeVar("_Key")


class Sort(Enum):
    """What an account is."""

    HUMAN = "human"
    BOT = "bot"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Named:
    """A name of an account and the labels that reading it needs."""

    scheme: str
    name: str
    labels: Labels = EVERYBODY


@dataclass(frozen=True)
class Account:
    """An account and everything it is called.

    Attributes:
        ref: its own ref.
        system: `git`, `github`, `slack` …
        named: its names: schemes email, login, name, id, arn.
        bot: whether its source says that it is automation.
        type: as its source tells.
        since: since when it is known to exist.
        labels: what reading the account itself needs.
    """

    ref: EntityRef
    system: str
    named: Sequence[Named]
    bot: bool = False
    type: str = ""
    since: Instant = 0
    labels: Labels = EVERYBODY

    @cached_property
    def mails(self) -> Mapping[Mail, Labels]:
        """Its addresses, those inside its logins (`oidc:jane@acme.io`, an SSO session) included."""
        found: dict[Mail, Labels] = {}
        for one in self.named:
            texts = [one.name] if one.scheme != "arn" else [session_name(one.name), one.name.rpartition("/")[2]]
            for text in texts:
                if one.scheme != "name" and "@" in text and (address := words.mail(text)) is not None:
                    _keep(found, address, one.labels)
        return found

    @cached_property
    def names(self) -> Mapping[Name, Labels]:
        """Its display names that could be somebody's."""
        found: dict[Name, Labels] = {}
        for one in self.named:
            if (one.scheme == "name" or (one.scheme == "login" and " " in one.name.strip())) and (
                parsed := words.name(one.name)
            ) is not None:
                _keep(found, parsed, one.labels)
        if not any(name.full for name in found):  # `jane.doe@acme.io` says what she is called, too
            for address, labels in self.mails.items():
                if (
                    address.real
                    and (parsed := words.name(address.local)) is not None
                    and parsed.full
                    and "." in address.local
                ):
                    _keep(found, parsed, labels)
        return found

    @cached_property
    def full_names(self) -> Mapping[Name, Labels]:
        """Those of a given and a family name."""
        return {name: labels for name, labels in self.names.items() if name.full}

    @cached_property
    def strangers(self) -> bool:
        """Whether it was used under full names that have nothing in common, so that its names alone do not tell whose it is."""
        sure = [name for name in self.full_names if not name.guessed]
        return any(_are_strangers(a, b) for a in sure for b in sure)

    @cached_property
    def logins(self) -> Mapping[str, Labels]:
        """Its logins on its own system, user names and session names of clouds included; no opaque ids."""
        found: dict[str, Labels] = {}
        for one in self.named:
            for text in _logins_in(one):
                bare = text.rpartition(":")[2] if "@" not in text else ""
                opaque = _SLACK_ID.fullmatch(bare) or _NUMBER.fullmatch(bare)
                if not opaque and (handle := words.as_handle(bare.removesuffix("[bot]"))):
                    _keep(found, handle, one.labels)
        return found

    @cached_property
    def forge_logins(self) -> Mapping[tuple[str, str], Labels]:
        """(`github`, login): its own, or those that a private address of the forge tells."""
        found: dict[tuple[str, str], Labels] = {}
        if self.system in ("github", "gitlab"):
            for login, labels in self.logins.items():
                _keep(found, (self.system, login), labels)
        for address, labels in self.mails.items():
            if address.forge:
                _keep(found, (address.forge, address.local), labels)
        return found

    @cached_property
    def forge_ids(self) -> Mapping[tuple[str, str], Labels]:
        """(`github`, number): the account's number on a forge."""
        found: dict[tuple[str, str], Labels] = {}
        for address, labels in self.mails.items():
            if address.forge_id:
                _keep(found, (address.forge, address.forge_id), labels)
        if self.system in ("github", "gitlab"):
            for one in self.named:
                if one.scheme in ("id", "uid") and _NUMBER.fullmatch(one.name):
                    _keep(found, (self.system, one.name), one.labels)
        return found

    @cached_property
    def handles(self) -> Mapping[str, Labels]:
        """What it goes by in one word: logins, local parts of real addresses, nicks."""
        found = dict(self.logins)
        for address, labels in self.mails.items():
            if (address.real or address.domain) and (handle := words.as_handle(address.local)):
                _keep(found, handle, labels)
        for name, labels in self.names.items():
            for nick in name.nick:
                _keep(found, nick, labels)
        return found

    @cached_property
    def sort(self) -> Sort:
        """Human, bot, or shared by several."""
        if self.bot or self.type.lower() in _MACHINE_TYPES:
            return Sort.BOT
        if self.type.lower() in _SHARED_TYPES:
            return Sort.SHARED
        if any(_MACHINE_USER.fullmatch(one.name) for one in self.named if one.scheme in ("login", "id", "email")):
            return Sort.BOT
        if any(address.local.endswith("[bot]") for address in self.mails):
            return Sort.BOT
        nameless = not (self.names or self.logins or any(address.real for address in self.mails))
        if nameless and not any(_SLACK_ID.fullmatch(one.name) for one in self.named if one.scheme in ("login", "id")):
            return Sort.SHARED
        if self._is_of_a_role():
            return Sort.SHARED
        return Sort.HUMAN

    def _is_of_a_role(self) -> bool:
        """Only of shared addresses or a machine's user, and without one full name that tells whose it is."""
        crowd = _crowd([name for name in self.full_names if not name.guessed])
        if any(address.real and not address.open for address in self.mails):
            return crowd > 2
        if any(address.real for address in self.mails):
            # `me@doe.org` is Jane Doe's; `dev@acme.com` with nobody's name, or several, is a team's.
            return not self.names or crowd > 1 or (not self.full_names and len({n.key for n in self.names}) > 1)
        if self.mails and crowd > 1:
            return True
        if self.mails and all(_is_for_anybody(address) for address in self.mails):
            return True
        told = [one.name for one in self.named if one.scheme == "login"]
        return bool(told) and all(words.is_role(login) for login in told) and not self.full_names


def _crowd(names: Sequence[Name]) -> int:
    """How many people so many names are, at least as far as they have no word in common."""
    apart: list[Name] = []
    for name in sorted(names, key=lambda n: n.key):
        if all(_are_strangers(name, other) for other in apart):
            apart.append(name)
    return len(apart)


def _are_strangers(a: Name, b: Name) -> bool:
    return alike(a, b) is Likeness.CONFLICT and not {t for t in a.tokens if len(t) > 2} & set(b.tokens)


def _is_for_anybody(address: Mail) -> bool:
    return words.is_role(address.local) or address.local.startswith(("noreply", "no-reply", "no.reply", "donotreply"))


def _logins_in(one: Named) -> Iterable[str]:
    if one.scheme == "login":
        return (one.name,) if not one.name.startswith("arn:") else _of_arn(one.name)
    return _of_arn(one.name) if one.scheme == "arn" else ()


def _of_arn(arn: str) -> tuple[str, ...]:
    if (user := _IAM_USER.fullmatch(arn)) is not None:
        return (user[1],)
    return (session,) if (session := session_name(arn)) else ()


def _keep(found: dict[_Key, Labels], key: _Key, labels: Labels) -> None:
    """Of two ways to know the same the one that more may read."""
    if key not in found or (len(labels), sorted(labels)) < (len(found[key]), sorted(found[key])):
        found[key] = labels


def display_name(accounts: Iterable[Account]) -> str:
    """The best name to show: the full name most accounts have, else any name, else a login, else an address."""
    votes: Counter[tuple[int, str]] = Counter()
    for account in accounts:
        for name in account.names:
            votes[(2 if name.full else 1), name.written] += 1
        for login in account.logins:
            votes[0, login] += 1
        for address in account.mails:
            votes[-1, address.address] += 1
    if not votes:
        return ""
    # Of equally frequent spellings the one with capitals and diacritics says most.
    return min(votes, key=lambda v: (-v[0], -votes[v], v[1].islower() or v[1].isupper(), v[1].isascii(), v[1]))[1]
