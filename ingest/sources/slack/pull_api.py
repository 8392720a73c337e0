"""Reading through the Web API: channel by channel, page by page from the newest message down.

Facts do not depend on the order in which they come, so each page is told at once and the cursor keeps how far down a reading has come. What
was posted shortly before the last reading is read again and compared with what was there: edits, replies and deletes are found so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from graph.clock import DAY, SECOND, Instant
from graph.model import FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.slack.batching import chunks, fact_batch
from ingest.sources.slack.cursor import ChannelState, Cursor, Seen, digest
from ingest.sources.slack.directory_facts import channel_facts, members, user_facts
from ingest.sources.slack.message_facts import deleted_facts, erased_keys
from ingest.sources.slack.payloads import Channel, Message, ts_instant
from ingest.sources.slack.reading import Read, directory, parse_message, relabelled, room_of, told
from ingest.sources.slack.settings import SlackSettings
from ingest.sources.slack.web_api import ChannelRefused, WebApi
from ingest.sources.slack.workspace import EXTRACTOR, PULL_RANK, Room, Workspace


def pull_api(settings: SlackSettings, scope: str, cursor: Cursor, now: Instant) -> Iterator[FactBatch]:
    """The batches of the Web API. Those with messages carry the cursor of what was read up to them.

    Raises:
        SourceUnavailable: a rate limit, a failing server or connection; the next pull goes on from there.
        SourceDataInvalid: the token, a scope or the address is wrong.
    """
    before = cursor.dump()
    try:
        for batch in _pull(WebApi(settings), settings, scope, cursor, now):
            before = batch.cursor or before
            yield batch
    except SourceUnavailable:
        reached = cursor.dump()
        if reached != before:  # what held nothing new need not be read again
            yield fact_batch(scope, cursor=reached)
        raise


def _pull(api: WebApi, settings: SlackSettings, scope: str, cursor: Cursor, now: Instant) -> Iterator[FactBatch]:
    users = api.users()
    listed = api.channels(",".join(settings.types))
    names = directory(users, ((channel, channel.private) for channel in listed))
    workspace = Workspace(scope, PULL_RANK, names)
    mark = digest((EXTRACTOR, users))
    if mark != cursor.users:
        for part in chunks([fact for user in users for fact in user_facts(user, workspace)]):
            yield fact_batch(scope, part)
        cursor.users = mark
    notes: list[Quarantined] = []
    for channel in _wanted(listed, settings):
        if channel.id in cursor.finished:
            continue
        try:
            user_ids = api.members(channel.id)
            room = room_of(msgspec.structs.replace(channel, members=user_ids), channel.private, names)
            yield from _listed(channel, room, workspace, cursor)
            yield from _members(user_ids, room, workspace, cursor, now)
            yield from _Channel(api, room, workspace, cursor, settings, now).batches()
        except ChannelRefused as refused:
            remedy = "; invite the app to it" if refused.reason == "not_in_channel" else ""
            notes.append(Quarantined(f"slack:{channel.id}", f"Slack refuses to read it: {refused.reason}{remedy}"))
        cursor.finished.append(channel.id)
    mark = digest(notes) if notes else ""
    new = notes if mark != cursor.notes else []
    cursor.notes = mark
    cursor.finished.clear()
    yield fact_batch(scope, quarantined=new, cursor=cursor.dump(), fresh_until=now)


def _wanted(listed: Sequence[Channel], settings: SlackSettings) -> list[Channel]:
    if not settings.channels:
        return [c for c in listed if c.is_member or c.is_im or c.is_mpim]
    asked = {name.removeprefix("#") for name in settings.channels}
    found = [c for c in listed if c.id in asked or c.name in asked]
    known = {c.id for c in found} | {c.name for c in found}
    if missing := sorted(asked - known):
        raise SourceDataInvalid(
            f"Slack lists no channel {missing[0]!r}",
            "check `channels` and `types`; a private channel is listed when the app was invited to it",
        )
    return found


def _listed(channel: Channel, room: Room, workspace: Workspace, cursor: Cursor) -> Iterator[FactBatch]:
    mark = digest((EXTRACTOR, room, channel))
    if cursor.rooms.get(channel.id) != mark:
        facts = list(channel_facts(channel, room, workspace))
        yield fact_batch(workspace.name, facts, withdrawals=relabelled(facts, room, cursor))
        cursor.rooms[channel.id] = mark


def _members(
    user_ids: Sequence[str], room: Room, workspace: Workspace, cursor: Cursor, now: Instant
) -> Iterator[FactBatch]:
    mark = digest((room.label, sorted(user_ids)))
    if cursor.members.get(room.id) != mark:
        facts = members(user_ids, room, now)
        scope = workspace.members_scope(room.id)
        taken_back = relabelled(facts, room, cursor)
        yield fact_batch(scope, facts, withdrawals=taken_back, snapshot=Snapshot(now, now))
        cursor.members[room.id] = mark


class _Thread(NamedTuple):
    """A thread's messages, None when there is no such thread any more, and what of it could not be read."""

    root: str
    messages: list[Message] | None
    bad: list[Quarantined]


class _Channel:
    """One reading of one channel."""

    def __init__(
        self, api: WebApi, room: Room, workspace: Workspace, cursor: Cursor, settings: SlackSettings, now: Instant
    ) -> None:
        self._api = api
        self._room = room
        self._workspace = workspace
        self._cursor = cursor
        self._lookback = round(settings.lookback_days * DAY)
        self._now = now
        self._state = cursor.channels.setdefault(room.id, ChannelState())
        if cursor.labels.setdefault(room.id, room.label) != room.label != self._state.label:
            self._state = cursor.channels[room.id] = ChannelState()  # all of it is told anew, with its new label
        self._state.label = room.label
        self._whole = not self._state.low
        self._met: set[str] = set()

    def batches(self) -> Iterator[FactBatch]:
        # The memory moves only between calls: one that fails leaves it as it was when the last batch was told.
        state = self._state
        oldest = self._horizon(state.done)
        for page in self._api.history(self._room.id, oldest, state.low):
            messages, bad = self._parsed(page)
            threads = [self._replies(m.ts) for m in messages if m.is_root and m.reply_count]
            read = Read(quarantined=bad)
            self._take(messages, read)
            for thread in threads:
                self._take_thread(thread, read)
            state.top = max((state.top, *(m.ts for m in messages)), key=_order)
            state.low = min((m.ts for m in messages), key=_order, default=state.low)
            if not state.done:  # a first reading need not remember what no later one will look at
                self._forget_before(state.top)
            yield from told(read, self._workspace.name, self._cursor)
        threads = [self._replies(root) for root in sorted(state.watched) if root not in self._met]
        read = Read()
        for thread in threads:
            self._take_thread(thread, read)
        if self._whole:
            self._find_deleted(oldest, read)
        self._finish()
        yield from told(read, self._workspace.name, self._cursor)

    def _parsed(self, items: Iterable[object]) -> tuple[list[Message], list[Quarantined]]:
        messages: list[Message] = []
        bad: list[Quarantined] = []
        for item in items:
            message = parse_message(item)
            try:
                if message is None:
                    raise ValueError("it is no message of Slack's")
                ts_instant(message.ts)
                ts_instant(message.root_ts)
            except ValueError as error:
                bad.append(Quarantined(f"slack:{self._room.id}", str(error)))
            else:
                messages.append(message)
        return messages, bad

    def _replies(self, root: str) -> _Thread:
        try:
            return _Thread(root, *self._parsed(self._api.replies(self._room.id, root)))
        except ChannelRefused:  # the whole thread is gone
            return _Thread(root, None, [])

    def _take_thread(self, thread: _Thread, read: Read) -> None:
        if thread.messages is None:
            self._state.watched.pop(thread.root, None)
            return
        self._met.add(thread.root)
        read.quarantined += thread.bad
        self._take(thread.messages, read)
        self._state.watched[thread.root] = max((m.ts for m in thread.messages), key=_order, default=thread.root)

    def _take(self, messages: Iterable[Message], read: Read) -> None:
        """What is new or other than it was."""
        for message in messages:
            self._met.add(message.ts)
            mark = Seen(digest((EXTRACTOR, self._room, _lasting(message))), message.root_ts)
            if self._state.seen.get(message.ts) == mark:
                continue
            one = Read()
            try:
                one.take(message, self._room, self._workspace)
            except ValueError as error:
                one.quarantined.append(Quarantined(f"slack:{self._room.id}/{message.ts}", str(error)))
            one.withdrawals += relabelled(one.facts, self._room, self._cursor)
            one.members.clear()  # the list of members says it
            read.add(one)
            self._state.seen[message.ts] = mark

    def _find_deleted(self, oldest: str, read: Read) -> None:
        """Messages that were there, should have been read again, and were not."""
        for ts, seen in sorted(self._state.seen.items()):
            if ts in self._met or (_order(ts) <= _order(oldest) and seen.root_ts not in self._met):
                continue
            read.facts += deleted_facts(ts, self._room, self._now, self._workspace)
            read.erased += erased_keys(ts, seen.root_ts, self._room)
            del self._state.seen[ts]
            self._state.watched.pop(ts, None)

    def _finish(self) -> None:
        state = self._state
        state.done, state.top, state.low = max(state.done, state.top, key=_order), "", ""
        self._forget_before(state.done)
        self._cursor.labels[self._room.id] = self._room.label

    def _forget_before(self, newest: str) -> None:
        state, horizon = self._state, _order(self._horizon(newest))
        state.watched = {root: last for root, last in state.watched.items() if _order(last) > horizon}
        state.seen = {
            ts: seen for ts, seen in state.seen.items() if _order(ts) > horizon or seen.root_ts in state.watched
        }

    def _horizon(self, done: str) -> str:
        """The `ts` from which on messages are read again; empty for all."""
        if not done:
            return ""
        at = max(ts_instant(done) - self._lookback, 0)
        return f"{at // SECOND}.{at % SECOND:06d}"


def _order(ts: str) -> Instant:
    return ts_instant(ts) if ts else -1


def _lasting(message: Message) -> tuple[object, ...]:
    """All of a message but what changes with each reply: the reply is told by itself."""
    return tuple(getattr(message, name) for name in message.__struct_fields__ if name not in _COUNTS)


_COUNTS = frozenset({"reply_count", "latest_reply", "thread_ts"})
