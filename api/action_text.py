"""The audit log and the grants for a reader: a terminal, and `lore.actions/1`, `lore.grants/1` for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from agent.model import Struct
from api.action_log import Entry
from api.grants import Grant
from api.render import plain
from graph.clock import Instant, rfc3339


class Action(Struct, frozen=True, kw_only=True):
    """An entry of the audit log. `payload` is a digest; `attempt` joins the entry before a write and the one after it."""

    number: int
    at: str
    attempt: str
    state: str
    action: str
    target: str
    key: str
    payload: str
    requested_by: str
    reason: str
    granted_by: str
    id: str
    url: str
    detail: str
    digest: str


class Actions(Struct, frozen=True, kw_only=True):
    """`lore actions --output json`, oldest first."""

    schema: Literal["lore.actions/1"] = "lore.actions/1"
    actions: tuple[Action, ...] = ()


class GrantShown(Struct, frozen=True, kw_only=True):
    """A standing grant. `holds`: it has not run out."""

    who: str
    action: str
    target: str
    until: str
    holds: bool


class Grants(Struct, frozen=True, kw_only=True):
    """`lore grants --output json`, in the order of lore.yaml."""

    schema: Literal["lore.grants/1"] = "lore.grants/1"
    at: str
    grants: tuple[GrantShown, ...] = ()


def actions_json(entries: Sequence[Entry]) -> str:
    """One line of `lore.actions/1`."""
    shown = tuple(Action(**{name: getattr(e, name) for name in Action.__struct_fields__}) for e in entries)
    return msgspec.json.encode(Actions(actions=shown)).decode()


def actions_text(entries: Sequence[Entry]) -> str:
    """Two lines or three an entry."""
    if not entries:
        return "nothing was written outward, nor asked to be"
    return "\n".join(_entry(e) for e in entries)


def grants_json(grants: Sequence[Grant], now: Instant) -> str:
    """One line of `lore.grants/1`."""
    shown = tuple(
        GrantShown(who=g.who, action=g.action, target=g.target, until=rfc3339(g.until), holds=g.holds(now))
        for g in grants
    )
    return msgspec.json.encode(Grants(at=rfc3339(now), grants=shown)).decode()


def grants_text(grants: Sequence[Grant], now: Instant) -> str:
    """A line a grant."""
    if not grants:
        return "no grants: every outward write needs a person's yes (docs/gateway.md)"
    return "\n".join(
        plain(
            f"{'holds until' if g.holds(now) else 'ran out at'} {rfc3339(g.until)}  {g.who} may {g.action} in {g.target}"
        )
        for g in grants
    )


def _entry(entry: Entry) -> str:
    asked = f" for {entry.requested_by}" if entry.requested_by else ""
    right = f", {entry.granted_by}" if entry.granted_by else ""
    lines = [f"{entry.number}  {entry.at}  {entry.state}  {entry.action}  {entry.target}  {entry.key}{asked}{right}"]
    lines += [f"    {text}" for text in (entry.detail, entry.url) if text]
    return "\n".join(plain(line) for line in lines)
