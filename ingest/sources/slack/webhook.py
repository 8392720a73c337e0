"""The Events API: one event becomes facts by itself.

Events: https://docs.slack.dev/reference/events. Events that tell nothing of interest give nothing, `url_verification` included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec

from graph.clock import Instant
from graph.model import Assertion, FactBatch
from ingest.source import SourceDataInvalid
from ingest.sources.slack.batching import fact_batch
from ingest.sources.slack.directory_facts import member, room_facts, unseen_room, user_facts
from ingest.sources.slack.message_facts import (
    SILENT,
    TOMBSTONE,
    deleted_facts,
    erased_keys,
    message_facts,
    reacted,
    vanished_mentions,
)
from ingest.sources.slack.payloads import Channel, Edited, Message, User, ts_instant
from ingest.sources.slack.reading import JOINS
from ingest.sources.slack.workspace import EVENT_RANK, Room, Workspace, workspace_name
from ingest.webhook import Delivery

_HINT = "point Slack's event subscriptions here, and nothing else"


class _Item(msgspec.Struct, frozen=True):
    type: str = ""
    channel: str = ""
    ts: str = ""


class _Event(msgspec.Struct, frozen=True):
    """What all events have, and what those that are read have. `channel` and `user` are an id or an object."""

    type: str
    subtype: str | None = None
    channel: object = None
    channel_type: str | None = None
    user: object = None
    event_ts: str | None = None
    ts: str | None = None
    deleted_ts: str | None = None
    message: Message | None = None
    previous_message: Message | None = None
    reaction: str | None = None
    item: _Item | None = None


class _Envelope(msgspec.Struct, frozen=True):
    type: str
    event: msgspec.Raw = msgspec.Raw(b"")
    event_time: int | float | None = None


def read_webhook(delivery: Delivery, settings: Mapping[str, object]) -> Sequence[FactBatch]:
    """The batches of an event.

    Args:
        delivery: the body is the outer event.
        settings: `workspace` and `public_channels`, as those of the source (`SlackSettings`).

    Raises:
        SourceDataInvalid: the body is not an event of Slack's, or the settings name no workspace.
    """
    told = settings.get("workspace")
    workspace = Workspace(workspace_name(told if isinstance(told, str) else ""), EVENT_RANK)
    try:
        envelope = msgspec.json.decode(delivery.body, type=_Envelope)
        if envelope.type != "event_callback":
            return []
        event = msgspec.json.decode(envelope.event, type=_Event)
        batches = _Reader(event, bytes(envelope.event), envelope, workspace, _ids(settings)).batches()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceDataInvalid("the webhook's body is not an event of Slack's", _HINT) from None
    except ValueError as error:
        raise SourceDataInvalid(f"the event of Slack's cannot be read: {error}", _HINT) from None
    return [
        fact_batch(scope, facts, erased=erased, fresh_until=delivery.received_at)
        for scope, facts, erased in batches
        if facts or erased
    ]


_Told = tuple[str, Sequence[Assertion], Sequence[str]]
"""Scope, facts and the keys of facts to destroy."""


class _Reader:
    def __init__(
        self, event: _Event, raw: bytes, envelope: _Envelope, workspace: Workspace, public: frozenset[str]
    ) -> None:
        self._event = event
        self._raw = raw
        self._envelope = envelope
        self._workspace = workspace
        self._public = public

    def batches(self) -> list[_Told]:
        readers: Mapping[str, Callable[[], list[_Told]]] = {
            "message": self._message,
            "reaction_added": lambda: self._reaction(present=True),
            "reaction_removed": lambda: self._reaction(present=False),
            "member_joined_channel": lambda: self._member(present=True),
            "member_left_channel": lambda: self._member(present=False),
            "channel_created": lambda: self._channel(None),
            "channel_rename": lambda: self._channel(None),
            "channel_archive": lambda: self._channel(archived=True),
            "channel_unarchive": lambda: self._channel(archived=False),
            "group_rename": lambda: self._channel(None),
            "group_archive": lambda: self._channel(archived=True),
            "group_unarchive": lambda: self._channel(archived=False),
            "user_change": self._user,
            "team_join": self._user,
        }
        read = readers.get(self._event.type)
        return read() if read is not None else []

    # -- messages

    def _message(self) -> list[_Told]:
        event = self._event
        room = self._room(self._channel_id(), event.channel_type or "")
        if event.subtype == "message_changed" and event.message is not None:
            if event.message.subtype == TOMBSTONE:
                return self._deleted(event.message.ts, room, event.previous_message)
            return self._said(room, *self._changed(event.message, event.previous_message, room))
        if event.subtype == "message_deleted" and event.deleted_ts:
            return self._deleted(event.deleted_ts, room, event.previous_message)
        if event.subtype in JOINS and isinstance(event.user, str):
            at = ts_instant(event.ts or "")
            fact = member(event.user, room, at, at, present=JOINS[event.subtype])
            return [(self._workspace.members_scope(room.id), [fact], ())]
        if event.subtype in ("message_changed", "message_deleted") or event.subtype in SILENT:
            return []
        return self._said(room, *message_facts(msgspec.json.decode(self._raw, type=Message), room, self._workspace))

    def _changed(self, message: Message, before: Message | None, room: Room) -> list[Assertion]:
        if before is not None and not message.edited_ts and (before.text or "") != (message.text or ""):
            # An app that changes its own message leaves no mark on it.
            message = msgspec.structs.replace(message, edited=Edited(self._event.event_ts or self._event.ts or ""))
        facts = message_facts(message, room, self._workspace)
        if before is not None and before.ts == message.ts:
            # Without an edit (a link was unfurled, a reply counted) both say the same; after one, this is how it was.
            if before.edited_ts != message.edited_ts:
                facts += message_facts(before, room, self._workspace)
            facts += vanished_mentions(before, message, room, self._workspace)
        return facts

    def _deleted(self, ts: str, room: Room, last: Message | None) -> list[_Told]:
        at = self._at()
        known = last if last is not None and last.ts == ts else None
        said = message_facts(known, room, self._workspace) if known is not None else []
        # Without its last text it may have begun a thread: then its words are the thread's title.
        root_ts = known.root_ts if known is not None else ts
        facts = deleted_facts(ts, room, at, self._workspace, known)
        return [(self._workspace.name, facts, erased_keys(ts, root_ts, room, said))]

    def _said(self, room: Room, *facts: Assertion) -> list[_Told]:
        return [(self._workspace.name, [*facts, unseen_room(room, self._workspace)] if facts else [], ())]

    # -- all else

    def _reaction(self, *, present: bool) -> list[_Told]:
        event = self._event
        item = event.item
        if item is None or item.type != "message" or not event.reaction or not isinstance(event.user, str):
            return []
        ts_instant(item.ts)
        room = self._room(item.channel, "")
        fact = reacted(event.user, event.reaction, item.ts, room, self._at(), self._workspace, present=present)
        return [(self._workspace.name, [fact], ())]

    def _member(self, *, present: bool) -> list[_Told]:
        if not isinstance(self._event.user, str):
            return []
        room = self._room(self._channel_id(), {"C": "channel", "G": "group"}.get(self._event.channel_type or "", ""))
        at = self._at()
        fact = member(self._event.user, room, at, at, present=present)
        return [(self._workspace.members_scope(room.id), [fact], ())]

    def _channel(self, archived: bool | None) -> list[_Told]:
        private = self._event.type.startswith("group_")
        told = self._event.channel
        channel = Channel(told) if isinstance(told, str) else msgspec.convert(told, Channel)
        room = Room(channel.id, channel.name or "", private or channel.private)
        at = channel.created_at if self._event.type == "channel_created" and channel.created else self._at()
        return [(self._workspace.name, list(room_facts(room, at, self._workspace, archived)), ())]

    def _user(self) -> list[_Told]:
        user = msgspec.convert(self._event.user, User)
        return [(self._workspace.name, list(user_facts(user, self._workspace)), ())]

    # -- what they share

    def _channel_id(self) -> str:
        if not isinstance(self._event.channel, str) or not self._event.channel:
            raise ValueError("it names no channel")
        return self._event.channel

    def _room(self, channel_id: str, channel_type: str) -> Room:
        # What is not said to be public is not: the id alone does not tell.
        public = channel_type == "channel" or (not channel_type and channel_id in self._public)
        return Room(channel_id, "", not public)

    def _at(self) -> Instant:
        event = self._event
        if event.event_ts or event.ts:
            return ts_instant(event.event_ts or event.ts or "")
        if self._envelope.event_time is None:
            raise ValueError("it tells no time")
        return int(self._envelope.event_time) * 1_000_000


def _ids(settings: Mapping[str, object]) -> frozenset[str]:
    told = settings.get("public_channels")
    items = cast("Sequence[object]", told) if isinstance(told, (list, tuple)) else ()
    return frozenset(item for item in items if isinstance(item, str))
