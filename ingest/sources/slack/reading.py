"""What both ways of pulling have in common: the directory of names, and a list of messages made into facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from graph.clock import DAY, Instant, instant
from graph.model import Assertion, FactBatch, Quarantined, Withdrawal
from ingest.sources.slack.batching import BATCH_ASSERTIONS, chunks, fact_batch
from ingest.sources.slack.cursor import Cursor
from ingest.sources.slack.directory_facts import member, shown_name
from ingest.sources.slack.message_facts import TOMBSTONE, erased_keys, message_facts
from ingest.sources.slack.payloads import Channel, Message, User, ts_instant
from ingest.sources.slack.text import Directory
from ingest.sources.slack.workspace import Room, Workspace

JOINS = {"channel_join": True, "group_join": True, "channel_leave": False, "group_leave": False}
"""Subtypes of messages that tell of members, and whether they came."""


@dataclass(slots=True)
class Read:
    """What some messages of one channel state. `members` belong into the scope of the channel's members."""

    facts: list[Assertion] = field(default_factory=list[Assertion])
    members: list[Assertion] = field(default_factory=list[Assertion])
    erased: list[str] = field(default_factory=list[str])
    withdrawals: list[Withdrawal] = field(default_factory=list[Withdrawal])
    quarantined: list[Quarantined] = field(default_factory=list[Quarantined])

    @property
    def full(self) -> bool:
        """Whether it is time to tell it."""
        return len(self.facts) + len(self.withdrawals) >= BATCH_ASSERTIONS * 3 // 4

    def add(self, other: Read) -> None:
        """Take what another one holds, its members excepted."""
        self.facts += other.facts
        self.erased += other.erased
        self.withdrawals += other.withdrawals
        self.quarantined += other.quarantined

    def take(self, message: Message, room: Room, workspace: Workspace) -> None:
        """Add what a message states. Raises `ValueError` when one of its timestamps is none."""
        at = ts_instant(message.ts)
        came = JOINS.get(message.subtype or "")
        if came is not None and message.user:
            self.members.append(member(message.user, room, at, at, present=came))
            return
        self.facts += message_facts(message, room, workspace)
        if message.subtype == TOMBSTONE:
            self.erased += erased_keys(message.ts, message.root_ts, room)


def read_messages(items: Iterable[tuple[str, object]], room: Room, workspace: Workspace) -> Read:
    """What messages state, each with the locator to name it by when it cannot be read."""
    read = Read()
    for locator, item in items:
        message = parse_message(item)
        if message is None:
            read.quarantined.append(Quarantined(locator, "it is no message of Slack's"))
            continue
        try:
            read.take(message, room, workspace)
        except ValueError as error:
            read.quarantined.append(Quarantined(locator, str(error)))
    return read


def parse_message(item: object) -> Message | None:
    """A message, None when it has not the shape of one."""
    try:
        return msgspec.convert(item, Message)
    except msgspec.ValidationError:
        return None


def told(read: Read, scope: str, cursor: Cursor) -> Iterator[FactBatch]:
    """Batches of what was read; the last one carries the cursor. None when there is nothing."""
    if not (read.facts or read.erased or read.quarantined):
        return
    parts = list(chunks(read.facts)) or [()]
    for part in parts[:-1]:
        yield fact_batch(scope, part)
    yield fact_batch(
        scope,
        parts[-1],
        withdrawals=read.withdrawals,
        quarantined=read.quarantined,
        erased=read.erased,
        cursor=cursor.dump(),
    )


def relabelled(facts: Sequence[Assertion], room: Room, cursor: Cursor) -> list[Withdrawal]:
    """Takes back what was told with another label, of a channel that was made private (or public) since."""
    before = cursor.labels.get(room.id, room.label)
    if before == room.label:
        return []
    return list(dict.fromkeys(Withdrawal(a.fact.key, a.valid_from, before) for a in facts))


def directory(users: Sequence[User], channels: Iterable[tuple[Channel, bool]]) -> Directory:
    """Names by id; the name of a private channel is not for everybody."""
    return Directory(
        {user.id: shown_name(user) for user in users},
        {channel.id: channel.name for channel, private in channels if channel.name and not private},
    )


def room_of(channel: Channel, private: bool, names: Directory) -> Room:
    """A conversation; one without a name is called by its members."""
    name = channel.name or ""
    if not name:
        people = channel.members or ([channel.user] if channel.user else [])
        name = ", ".join(sorted(names.users.get(user_id, user_id) for user_id in people))
    return Room(channel.id, name, private)


def end_of_day(date: str) -> Instant:
    """The midnight that ends a day. Raises `ValueError` when it is none."""
    return instant(date) + DAY
