"""What Slack sends, as far as it is read (https://docs.slack.dev/apis/events-api, …/interactivity). Unknown fields are ignored."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
MAX_BYTES = 1_000_000


class Event(msgspec.Struct, frozen=True):
    """An event of the Events API: `app_mention` or `message`."""

    type: str = ""
    channel: str = ""
    channel_type: str = ""
    user: str = ""
    text: str = ""
    ts: str = ""
    thread_ts: str = ""
    subtype: str = ""
    bot_id: str = ""
    app_id: str = ""
    hidden: bool = False


class Envelope(msgspec.Struct, frozen=True):
    """The wrapper of an event."""

    type: str = ""
    challenge: str = ""
    event_id: str = ""
    team_id: str = ""
    is_ext_shared_channel: bool = False
    event: Event = Event()


class Command(msgspec.Struct, frozen=True):
    """A slash command."""

    command: str = ""
    text: str = ""
    channel_id: str = ""
    user_id: str = ""
    team_id: str = ""
    trigger_id: str = ""


class Named(msgspec.Struct, frozen=True):
    """A user, channel or team."""

    id: str = ""


class Message(msgspec.Struct, frozen=True):
    """The message that a button is in."""

    ts: str = ""
    thread_ts: str = ""


class Action(msgspec.Struct, frozen=True):
    """A button that was clicked."""

    action_id: str = ""
    value: str = ""
    action_ts: str = ""


class Interaction(msgspec.Struct, frozen=True):
    """A click."""

    type: str = ""
    user: Named = Named()
    channel: Named = Named()
    team: Named | None = None
    message: Message = Message()
    actions: tuple[Action, ...] = ()


def read(payload: object, shape: type[T]) -> T | None:
    """The payload in this shape; None when it is not of it. `null` counts as missing."""
    try:
        return msgspec.convert(_without_null(payload, 0), shape)
    except (msgspec.ValidationError, RecursionError):
        return None


def read_json(body: bytes | str, shape: type[T]) -> T | None:
    """The JSON in this shape; None when it is none."""
    try:
        return read(msgspec.json.decode(body), shape)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _without_null(value: object, depth: int) -> object:
    if isinstance(value, dict) and depth < 4:
        return {k: _without_null(v, depth + 1) for k, v in value.items() if v is not None}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value  # pyright: ignore[reportUnknownVariableType]
