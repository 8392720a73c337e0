"""Facts about people and channels: accounts with their names, channels, who is a member."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graph.clock import Instant
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Relation, Value
from ingest import names
from ingest.sources.slack.payloads import Channel, User
from ingest.sources.slack.workspace import SYSTEM, WEAK_RANK, Room, Workspace

BEGINNING: Instant = 0
"""Since when an account is stated to exist. A profile tells no history: the one that was updated last counts, for all of the past."""


def account_ref(user_id: str) -> EntityRef:
    """The account of a user's or bot's id."""
    return names.account(SYSTEM, user_id)


def shown_name(user: User) -> str:
    """The name that others see."""
    profile = user.profile
    told = (profile.display_name, profile.real_name) if profile is not None else ()
    return next((name for name in (*told, user.real_name, user.name) if name), user.id)


def user_facts(user: User, workspace: Workspace) -> Iterator[Assertion]:
    """An account with its names and its mail address."""
    account = account_ref(user.id)
    locator, observed_at = f"slack:{user.id}", max(user.updated_at, BEGINNING + 1)
    url = f"https://{workspace.name}.slack.com/team/{user.id}"
    profile = user.profile
    email = (profile.email or "").strip().lower() if profile is not None else ""
    properties: dict[str, Value] = {
        "system": SYSTEM,
        "login": user.id,
        "name": shown_name(user),
        "bot": bool(user.is_bot) or user.id == "USLACKBOT",
    }
    if email:
        properties["email"] = email
    facts: list[Fact] = [Entity(account, properties), Alias(account, "login", user.id)]
    real_names = (profile.display_name, profile.real_name) if profile is not None else ()
    told = dict.fromkeys(name.strip() for name in (*real_names, user.real_name, user.name) if name and name.strip())
    facts += [Alias(account, "name", name) for name in told]
    if email:
        facts.append(Alias(account, "email", email))
    for fact in facts:
        yield Assertion(fact, BEGINNING, observed_at, locator, url=url)


def channel_facts(channel: Channel, room: Room, workspace: Workspace) -> Iterator[Assertion]:
    """A listed channel: as it was made, and as it has been since its last change."""
    url = workspace.channel_link(channel.id)
    visibility = "direct" if channel.is_im or channel.is_mpim else "private" if room.private else "public"
    made: dict[str, Value] = {
        "system": SYSTEM,
        "channel_id": channel.id,
        "name": room.name,
        "visibility": visibility,
    }
    now = dict(made)
    for key, about in (("topic", channel.topic), ("purpose", channel.purpose)):
        if about is not None and about.value:
            now[key] = about.value
    if channel.is_archived:
        now["archived"] = True
    created_at, changed_at = channel.created_at, channel.changed_at
    # When made it had neither today's topic nor, perhaps, today's name: an event that tells the first name wins.
    if changed_at > created_at:
        yield _of_channel(Entity(room.ref, made), created_at, created_at + WEAK_RANK, room, url)
    yield _of_channel(Entity(room.ref, now), changed_at, changed_at + workspace.rank, room, url)
    for alias in _names(room):
        yield _of_channel(alias, created_at, created_at, room, url)


def room_facts(room: Room, at: Instant, workspace: Workspace, archived: bool | None = None) -> Iterator[Assertion]:
    """A channel as an event tells of it: its name from then on, and whether it is archived."""
    properties: dict[str, Value] = {
        "system": SYSTEM,
        "channel_id": room.id,
        "visibility": "private" if room.private else "public",
    }
    if room.name:
        properties["name"] = room.name
    if archived is not None:
        properties["archived"] = archived
    url = workspace.channel_link(room.id)
    for fact in (Entity(room.ref, properties), *_names(room)):
        yield _of_channel(fact, at, at, room, url)


def unseen_room(room: Room, workspace: Workspace) -> Assertion:
    """That a channel exists, where a message is all that is known of it."""
    visibility = ("direct" if room.id.startswith("D") else "private") if room.private else "public"
    properties = {"system": SYSTEM, "channel_id": room.id, "visibility": visibility}
    url = workspace.channel_link(room.id)
    return _of_channel(Entity(room.ref, properties), BEGINNING, BEGINNING + WEAK_RANK, room, url)


def member(user_id: str, room: Room, at: Instant, observed_at: Instant, *, present: bool = True) -> Assertion:
    """That an account is a member of a channel from then on, or no longer. It belongs into the scope `members_scope`."""
    relation = Relation("MEMBER_OF", account_ref(user_id), room.ref, {})
    return Assertion(relation, at, observed_at, f"slack:{room.id}", present=present, label=room.label)


def members(user_ids: Sequence[str], room: Room, at: Instant) -> list[Assertion]:
    """The members of a channel at a moment."""
    return [member(user_id, room, at, at) for user_id in sorted(set(user_ids))]


def _names(room: Room) -> list[Alias]:
    aliases = [Alias(room.ref, "id", room.id)]
    if room.name:
        aliases.append(Alias(room.ref, "name", room.name))
        if " " not in room.name:  # not that of a direct message, which is called by its members
            aliases.append(Alias(room.ref, "name", f"#{room.name}"))
    return aliases


def _of_channel(fact: Fact, at: Instant, observed_at: Instant, room: Room, url: str) -> Assertion:
    return Assertion(fact, at, observed_at, url, label=room.label, url=url)
