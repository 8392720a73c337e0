"""Reading an export: each file once, and again when it changed."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from graph.clock import Instant
from graph.model import FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid
from ingest.sources.slack.batching import chunks, fact_batch
from ingest.sources.slack.cursor import Cursor, digest
from ingest.sources.slack.directory_facts import channel_facts, members, user_facts
from ingest.sources.slack.export import Export
from ingest.sources.slack.reading import Read, directory, end_of_day, read_messages, relabelled, room_of, told
from ingest.sources.slack.workspace import EXTRACTOR, PULL_RANK, Room, Workspace


def pull_export(path: str, scope: str, cursor: Cursor, now: Instant) -> Iterator[FactBatch]:
    """The batches of an export. Each carries the cursor of what was read up to it.

    Raises:
        SourceDataInvalid: there is no export, or nothing of it can be read.
    """
    with Export(path) as export:
        yield from _Pull(export, scope, cursor, now).batches()


class _Pull:
    def __init__(self, export: Export, scope: str, cursor: Cursor, now: Instant) -> None:
        self._export = export
        self._scope = scope
        self._cursor = cursor
        self._now = now
        self._users = export.users()
        self._channels = list(export.channels())
        names = directory(self._users, self._channels)
        self._workspace = Workspace(scope, PULL_RANK, names)
        self._rooms = {channel.id: room_of(channel, private, names) for channel, private in self._channels}

    def batches(self) -> Iterator[FactBatch]:
        notes = self._export.take_notes()
        if not self._users and not self._channels and notes:
            raise SourceDataInvalid(
                f"the Slack export cannot be read: {notes[0].locator}, {notes[0].reason}",
                "export it again, or unpack it whole",
            )
        yield from self._people()
        yield from self._listed()
        yield from self._members()
        yield from self._days()
        for channel_id, room in self._rooms.items():
            self._cursor.labels[channel_id] = room.label
        mark = digest(notes) if notes else ""
        told = notes if mark != self._cursor.notes else []
        self._cursor.notes = mark
        cursor = self._cursor.dump()
        yield fact_batch(self._scope, quarantined=told, cursor=cursor, fresh_until=self._now)

    def _people(self) -> Iterator[FactBatch]:
        mark = digest((EXTRACTOR, self._users))
        if not self._users or mark == self._cursor.users:
            return
        for part in chunks([fact for user in self._users for fact in user_facts(user, self._workspace)]):
            yield fact_batch(self._scope, part)
        self._cursor.users = mark

    def _listed(self) -> Iterator[FactBatch]:
        for channel, _ in self._channels:
            room = self._rooms[channel.id]
            self._cursor.labels.setdefault(channel.id, room.label)
            mark = digest((EXTRACTOR, room, channel))
            if self._cursor.rooms.get(channel.id) != mark:
                facts = list(channel_facts(channel, room, self._workspace))
                yield fact_batch(self._scope, facts, withdrawals=relabelled(facts, room, self._cursor))
                self._cursor.rooms[channel.id] = mark

    def _members(self) -> Iterator[FactBatch]:
        """Members as of the end of the export: what an event tells of them later counts."""
        days = [day.date for day in self._export.days()]
        told = max((user.updated_at for user in self._users), default=0) or self._now
        at = min(end_of_day(max(days)) if days else told, self._now)
        for channel, _ in self._channels:
            if channel.members is None:
                continue
            room = self._rooms[channel.id]
            mark = digest((at, room.label, sorted(channel.members)))
            if self._cursor.members.get(channel.id) != mark:
                scope = self._workspace.members_scope(channel.id)
                facts = members(channel.members, room, at)
                taken_back = relabelled(facts, room, self._cursor)
                yield fact_batch(scope, facts, withdrawals=taken_back, snapshot=Snapshot(at, at))
                self._cursor.members[channel.id] = mark

    def _days(self) -> Iterator[FactBatch]:
        folders = self._folders()
        read = Read()
        for day in self._export.days():
            room = folders.get(day.folder)
            data = self._export.read(day.path)
            mark = digest((EXTRACTOR, room, blake2b(data or b"", digest_size=16).hexdigest()))
            if self._cursor.files.get(day.path) == mark:
                self._export.take_notes()
                continue
            self._cursor.files[day.path] = mark
            if room is None:
                reason = "its folder is that of no channel listed, so that who may read it is not known"
                read.quarantined.append(Quarantined(day.path, reason))
            elif data is not None:
                items = self._export.items(day.path, data)
                locators = ((f"{day.path}#{index}", item) for index, item in enumerate(items))
                one = read_messages(locators, room, self._workspace)
                one.withdrawals += relabelled(one.facts, room, self._cursor)
                if one.members:
                    yield fact_batch(self._workspace.members_scope(room.id), one.members)
                read.add(one)
            read.quarantined += self._export.take_notes()
            if read.full:
                yield from told(read, self._scope, self._cursor)
                read = Read()
        yield from told(read, self._scope, self._cursor)

    def _folders(self) -> dict[str, Room]:
        """Folder -> its channel. Where a public and a private one have the same, it counts as private."""
        folders: dict[str, Room] = {}
        for channel, _ in self._channels:
            room = self._rooms[channel.id]
            for folder in (channel.name, channel.id):
                known = folders.get(folder) if folder else room
                if folder and (known is None or (room.private and not known.private)):
                    folders[folder] = room
        return folders
