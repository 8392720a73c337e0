"""Accounts of people and machines, as commits name them."""

from __future__ import annotations

import re

from graph.clock import Instant
from graph.model import Alias, Assertion, Entity, EntityRef, ref

# `deploy-bot`, `Tag Bot`, `PuppetBot`, but nobody called Talbot.
_BOT_WORD = re.compile(r"(?:^|[\s._+\-\[(@])(?:bot|Bot|BOT)(?:$|[\s._+\-\])@0-9])|(?<=[a-z])Bot(?![a-z])")
_AUTOMATA = frozenset(
    [
        "dependabot",
        "renovate",
        "greenkeeper",
        "snyk",
        "pyup",
        "imgbot",
        "mergify",
        "bors",
        "homu",
        "jenkins",
        "travis",
        "circleci",
        "github-actions",
        "gitlab-ci",
        "concourse",
        "allcontributors",
        "whitesource",
        "weblate",
        "semantic-release",
        "terraform-cloud",
        "argocd",
        "fluxcd",
    ]
)
_NOREPLY = re.compile(r"(?:\d+\+)?([A-Za-z0-9\-_\[\]]+)@users\.noreply\.github\.com", re.IGNORECASE)
WEB_FLOW = "noreply@github.com"
"""GitHub's own committer address for what is clicked in the browser."""


def is_bot(name: str, email: str) -> bool:
    """A guess whether an account is automation, from how it is called."""
    local = email.partition("@")[0]
    for text in (name, local):
        plain = text.lower().removesuffix("[bot]")
        if plain in _AUTOMATA or text.lower().endswith("[bot]"):
            return True
        if _BOT_WORD.search(text) is not None:
            return True
    return False


class Accounts:
    """The accounts met in one pull. Each is stated when it is first met, and its further names as they come."""

    def __init__(self, out: list[Assertion], now: Instant) -> None:
        self._out = out
        self._now = now
        self._refs: dict[tuple[str, str], EntityRef] = {}
        self._stated: set[EntityRef] = set()

    def account(self, name: str, email: str, at: Instant, locator: str) -> EntityRef | None:
        """The account of this name and mail address, or None when both are empty. States it when it is new."""
        known = self._refs.get((name, email))
        return known if known is not None else self._meet(name, email, at, locator)

    def login(self, system: str, login: str, at: Instant, locator: str) -> EntityRef:
        """The account of a login on a forge. States it when it is new."""
        account = ref("Account", system, login.lower())
        if account not in self._stated:
            self._stated.add(account)
            properties = {"system": system, "name": login, "bot": is_bot(login, "")}
            self._state(Entity(account, properties), at, locator)
            self._state(Alias(account, "login", login), at, locator)
        return account

    def team(self, system: str, handle: str, at: Instant, locator: str) -> EntityRef:
        """The team of a handle `org/team` on a forge. States it when it is new."""
        team = ref("Team", system, handle.lower())
        if team not in self._stated:
            self._stated.add(team)
            self._state(Entity(team, {"name": handle}), at, locator)
            self._state(Alias(team, "name", handle), at, locator)
        return team

    def _meet(self, name: str, email: str, at: Instant, locator: str) -> EntityRef | None:
        key = (name, email)
        name, email = name.strip(), email.strip().lower()
        if not name and not email:
            return None
        account = ref("Account", "git", email or name)
        self._refs[key] = account
        if account not in self._stated:
            self._stated.add(account)
            properties = {"system": "git", "email": email, "name": name or email, "bot": is_bot(name, email)}
            self._state(Entity(account, properties), at, locator)
            if email:
                self._state(Alias(account, "email", email), at, locator)
            if (found := _NOREPLY.fullmatch(email)) is not None:
                self._state(Alias(account, "login", found[1]), at, locator)
        if name:
            self._state(Alias(account, "name", name), at, locator)
        return account

    def _state(self, fact: Entity | Alias, at: Instant, locator: str) -> None:
        self._out.append(Assertion(fact, at, self._now, locator))
