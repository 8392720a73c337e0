"""From what Slack sends to a line that somebody asked: what is not to be answered falls out here, before anything is looked up."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from api.slack_bot.payloads import Command, Envelope, Interaction
from ingest.sources.slack.text import Directory as Names
from ingest.sources.slack.text import decode

How: TypeAlias = Literal["mention", "direct", "thread", "command", "button"]
_SUBTYPES = frozenset({"", "thread_broadcast", "file_share"})
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_OTHERS = re.compile(r"\s*(?:<@[A-Z0-9]+(?:\|[^>]*)?>|<!(?:here|channel|everyone)(?:\|[^>]*)?>)")
MAX_CHARS = 2_000


class Line(msgspec.Struct, frozen=True):
    """A line that somebody asked, or a button that somebody clicked.

    Attributes:
        id: of the delivery; what is written for it is keyed by it.
        thread_ts: the thread it stands in; empty when it stands in none.
        ts: of the message; empty for a command.
        shared: the event said that the channel is shared with another organisation.
        action, value: of the button.
    """

    id: str
    how: How
    channel: str
    user: str
    text: str = ""
    ts: str = ""
    thread_ts: str = ""
    shared: bool = False
    action: str = ""
    value: str = ""


def of_event(envelope: Envelope, me: str) -> Line | None:
    """The line of an event; None for what is not asked of the bot: bots, edits, joins, its own words, a talk between others."""
    event = envelope.event
    if envelope.type != "event_callback" or not envelope.event_id:
        return None
    if event.type not in ("app_mention", "message") or event.subtype not in _SUBTYPES or event.hidden:
        return None
    if (
        event.bot_id
        or event.app_id
        or not event.user
        or event.user in (me, "USLACKBOT")
        or not event.channel
        or not event.ts
    ):
        return None
    direct = event.channel_type == "im" or (not event.channel_type and event.channel.startswith("D"))
    mentioned = me in _MENTION.findall(event.text)
    in_thread = bool(event.thread_ts) and event.thread_ts != event.ts
    # A mention comes as `app_mention` too; a message that begins with somebody else's name is for them.
    if event.type == "message" and not direct and (mentioned or not in_thread or _OTHERS.match(event.text)):
        return None
    how: How = "direct" if direct else "mention" if event.type == "app_mention" else "thread"
    return Line(
        id=f"event:{envelope.event_id}",
        how=how,
        channel=event.channel,
        user=event.user,
        text=said(event.text, me),
        ts=event.ts,
        thread_ts=event.thread_ts,
        shared=envelope.is_ext_shared_channel,
    )


def of_command(command: Command) -> Line | None:
    """The line of `/lore …`: `ask` and `investigate` may be left out of what follows them."""
    if not (command.channel_id and command.user_id and command.trigger_id):
        return None
    text = said(command.text, "")
    word, _, rest = text.partition(" ")
    if word.casefold() == "ask":
        text = rest.strip() or "help"
    return Line(
        id=f"command:{command.trigger_id}",
        how="command",
        channel=command.channel_id,
        user=command.user_id,
        text=text or "help",
    )


def of_interaction(given: Interaction) -> Line | None:
    """The click of one of our buttons."""
    if given.type != "block_actions" or not given.actions or not (given.channel.id and given.user.id):
        return None
    action = given.actions[0]
    if not action.action_id.startswith("lore_"):
        return None
    # The same button shows the same tree twice only to those who ask twice: each click is one.
    return Line(
        id=f"click:{given.channel.id}:{given.message.ts}:{action.action_id}:{action.action_ts}:{given.user.id}",
        how="button",
        channel=given.channel.id,
        user=given.user.id,
        ts=given.message.ts,
        thread_ts=given.message.thread_ts,
        action=action.action_id,
        value=action.value,
    )


def ids_of(line: Line) -> tuple[str, ...]:
    """By what a line is known again: one message may come as two events."""
    return (line.id, f"said:{line.channel}:{line.ts}") if line.id.startswith("event:") else (line.id,)


def said(text: str, me: str) -> str:
    """A message's words, without the bot's own name; other people stay as their ids, which the graph knows."""
    words = _MENTION.sub(lambda m: " " if m[1] == me else f" {m[1]} ", text)
    return " ".join(decode(words, Names()).split())[:MAX_CHARS]


__all__ = ["How", "Line", "ids_of", "of_command", "of_event", "of_interaction", "said"]
