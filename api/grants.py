"""Standing grants: who may write what where until when, without a person's yes each time (`grants:` in lore.yaml). What none covers is not written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from api.errors import SettingsError
from graph.clock import DAY, Instant, from_datetime, instant, rfc3339

ACTIONS = (
    "github.pull_request",
    "github.comment",
    "slack.message",
    "slack.update",
    "slack.file",
    "mail.message",
)
_KEYS = ("who", "action", "target", "until")
_EXAMPLE = "write it like {who: 'schedule:*', action: slack.message, target: '#infra', until: 2027-01-01}; docs/gateway.md explains it"


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant.

    Attributes:
        who: a login as it asks, or one sort of asker: `schedule:weekly-*`, `slack:*`.
        action: one of `ACTIONS`, or one system's: `slack.*`.
        target: a repository, channel or address, or a pattern: `acme/*`. A repository covers its issues and pull requests.
        until: the first moment at which it no longer holds.
    """

    who: str
    action: str
    target: str
    until: Instant

    def covers(self, who: str, action: str, target: str) -> bool:
        """Whether it is about this, whatever the time. Nobody (an empty `who`) is covered by nothing."""
        return (
            bool(who)
            and _like(self.who, who)
            and fnmatchcase(action, self.action)
            and any(_like(self.target, name) for name in _names(action, target))
        )

    def holds(self, at: Instant) -> bool:
        """Whether it has not run out."""
        return at < self.until

    @property
    def name(self) -> str:
        """As the audit log tells it: `grant:who/action/target`."""
        return f"grant:{self.who}/{self.action}/{self.target}"


def read_grants(given: Sequence[Mapping[str, object]]) -> tuple[Grant, ...]:
    """The grants of the settings.

    Raises:
        SettingsError: one has no `who`, `action`, `target` or `until`, or one that cannot be meant.
    """
    return tuple(_grant(one, i) for i, one in enumerate(given, 1))


def matching(grants: Sequence[Grant], who: str, action: str, target: str, at: Instant) -> Grant | str:
    """The grant that covers a write now (the one that holds longest), or a sentence that says why none does."""
    about = [g for g in grants if g.covers(who, action, target)]
    holding = sorted((g for g in about if g.holds(at)), key=lambda g: -g.until)
    if holding:
        return holding[0]
    if about:
        last = max(about, key=lambda g: g.until)
        return f"the grant {last.name.removeprefix('grant:')} ran out at {rfc3339(last.until)}"
    return "nobody said yes, and no standing grant covers it"


def _grant(given: Mapping[str, object], number: int) -> Grant:
    where = f"grants, number {number}"
    unknown = sorted(set(given) - set(_KEYS))
    if unknown:
        raise SettingsError(f"{where}: there is no {unknown[0]!r}", f"a grant has {', '.join(_KEYS)}")
    who, action, target = (_text(given, key, where) for key in _KEYS[:3])
    if "*" in who.partition(":")[0] or (":" not in who and _is_pattern(who)):
        raise SettingsError(
            f"{where}: `who: {who}` would be anybody", "name a login, or one sort of asker: 'schedule:*', 'slack:*'"
        )
    if action not in ACTIONS and action not in {f"{a.partition('.')[0]}.*" for a in ACTIONS}:
        raise SettingsError(
            f"{where}: there is no action {action!r}",
            f"it is one of {', '.join(ACTIONS)}, or one system's, like slack.*",
        )
    return Grant(who, action, target, _until(given.get("until"), where))


def _text(given: Mapping[str, object], key: str, where: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{where}: `{key}` is missing or no text", _EXAMPLE)
    return value.strip()


def _until(value: object, where: str) -> Instant:
    """YAML reads a date as a date; one without a time is meant to its end."""
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC)) + DAY
    if isinstance(value, str):
        text = value.strip()
        try:
            found = instant(text)
        except ValueError:
            found = None
        if found is not None:
            return found + DAY if len(text) <= len("2026-12-31") else found
    raise SettingsError(f"{where}: `until` is missing or no time", f"a grant ends some day: {_EXAMPLE}")


def _names(action: str, target: str) -> tuple[str, ...]:
    """What a target goes by: `acme/infra#41` is also of `acme/infra`; a mail to several is none of them alone."""
    if action.startswith("github."):
        return (target, target.partition("#")[0])
    return (target,)


def _like(pattern: str, name: str) -> bool:
    return (
        fnmatchcase(name.casefold(), pattern.casefold())
        if _is_pattern(pattern)
        else name.casefold() == pattern.casefold()
    )


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text
