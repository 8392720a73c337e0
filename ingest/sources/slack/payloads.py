"""Slack's objects as exports, the Web API and events give them, reduced to what is read.

Formats: https://docs.slack.dev/reference/objects/conversation-object, https://docs.slack.dev/reference/events/message and
https://docs.slack.dev/reference/objects/user-object. Unknown fields are ignored, and every field but the ids may be absent or null.
"""

from __future__ import annotations

import re

import msgspec

from graph.clock import SECOND, Instant

_TS = re.compile(r"([0-9]{1,11})\.([0-9]{1,6})")


class Profile(msgspec.Struct, frozen=True):
    """Of a user, or of a message's author."""

    display_name: str | None = None
    real_name: str | None = None
    name: str | None = None
    email: str | None = None


class User(msgspec.Struct, frozen=True):
    """A member, guest or app of the workspace."""

    id: str
    name: str | None = None
    real_name: str | None = None
    deleted: bool | None = None
    is_bot: bool | None = None
    updated: int | float | None = None
    profile: Profile | None = None

    @property
    def updated_at(self) -> Instant:
        """When the profile last changed; 0 when that is not told."""
        return int(self.updated or 0) * SECOND


class About(msgspec.Struct, frozen=True):
    """A topic or purpose. `last_set` is in seconds."""

    value: str | None = None
    last_set: int | float | None = None


class Channel(msgspec.Struct, frozen=True):
    """A conversation. `created` is in seconds, `updated` in milliseconds."""

    id: str
    name: str | None = None
    created: int | float | None = None
    updated: int | float | None = None
    user: str | None = None
    members: list[str] | None = None
    is_private: bool | None = None
    is_group: bool | None = None
    is_im: bool | None = None
    is_mpim: bool | None = None
    is_member: bool | None = None
    is_archived: bool | None = None
    topic: About | None = None
    purpose: About | None = None

    @property
    def private(self) -> bool:
        """Whether not everybody of the workspace may read it."""
        return bool(self.is_private or self.is_group or self.is_im or self.is_mpim)

    @property
    def created_at(self) -> Instant:
        """When it was made; 0 when that is not told."""
        return int(self.created or 0) * SECOND

    @property
    def changed_at(self) -> Instant:
        """The last change that is told of."""
        set_at = [int(about.last_set or 0) * SECOND for about in (self.topic, self.purpose) if about is not None]
        return max(self.created_at, int(self.updated or 0) * 1_000, *set_at)


class Edited(msgspec.Struct, frozen=True):
    """Who edited a message and when."""

    ts: str
    user: str | None = None


class Reaction(msgspec.Struct, frozen=True):
    """An emoji and who gave it. `users` may be cut; `count` is not."""

    name: str
    users: list[str] = []
    count: int | None = None


class Field(msgspec.Struct, frozen=True):
    """A field of an attachment."""

    title: str | None = None
    value: str | int | float | bool | None = None


class Attachment(msgspec.Struct, frozen=True):
    """What a bot attached, or what Slack shows of a link (then `from_url` is set)."""

    fallback: str | None = None
    pretext: str | None = None
    title: str | None = None
    title_link: str | None = None
    text: str | None = None
    fields: list[Field] | None = None
    from_url: str | None = None
    original_url: str | None = None
    is_msg_unfurl: bool | None = None
    is_share: bool | None = None
    blocks: list[object] | None = None

    @property
    def unfurled(self) -> str:
        """The link that this shows, empty for an attachment of the message's own."""
        return self.from_url or self.original_url or ""


class SharedFile(msgspec.Struct, frozen=True):
    """A file of a message. `mode` is `tombstone` once it is deleted."""

    name: str | None = None
    title: str | None = None
    mode: str | None = None


class BotProfile(msgspec.Struct, frozen=True):
    """The app behind a message."""

    name: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A message."""

    ts: str
    user: str | None = None
    bot_id: str | None = None
    username: str | None = None
    bot_profile: BotProfile | None = None
    user_profile: Profile | None = None
    subtype: str | None = None
    text: str | None = None
    thread_ts: str | None = None
    reply_count: int | None = None
    latest_reply: str | None = None
    edited: Edited | None = None
    reactions: list[Reaction] | None = None
    attachments: list[Attachment] | None = None
    blocks: list[object] | None = None
    files: list[SharedFile] | None = None
    hidden: bool | None = None

    @property
    def root_ts(self) -> str:
        """The first message of its thread; itself when it is that."""
        return self.thread_ts or self.ts

    @property
    def is_root(self) -> bool:
        """Whether it is the first message of its thread."""
        return self.root_ts == self.ts

    @property
    def edited_ts(self) -> str:
        """When it was last edited, as Slack writes it; empty when never."""
        return self.edited.ts if self.edited is not None else ""


def ts_instant(ts: str) -> Instant:
    """The instant of a message's `ts`.

    Raises:
        ValueError: it is not seconds, a dot and up to six digits.
    """
    found = _TS.fullmatch(ts)
    if found is None:
        raise ValueError("it has no valid ts")
    return int(found[1]) * SECOND + int(found[2].ljust(6, "0"))
