"""Files of an inventory and of an audit log -> batches. What a record says is for a cloud's own reader; how it is delivered is here.

Events only add, and are read file by file. An inventory is a complete statement: for each place (a file's path without its dates) there is
a sub-scope, and each export is a snapshot of it, at the time it tells; older ones land in the past. One that tells no time was made when it
is read, and delivers nothing when it says the same as the one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from graph.clock import Instant, instant
from graph.model import Assertion, Fact, FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid
from ingest.sources.alerts.exports import ExportFile, digest_of, export_files, json_records
from ingest.sources.terraform_state.facts import batch_id

MAX_ASSERTIONS = 2_000
_DATE = re.compile(r"(20\d\d)[-_]?([01]\d)[-_]?([0-3]\d)(?:[T_ -]?([0-2]\d)[:_-]?([0-5]\d)(?:[:_-]?([0-5]\d))?Z?)?")


@dataclass(frozen=True, slots=True)
class Events:
    """What a record of a log says. `apart` goes to the sub-scope `#outcomes`: what is known later of an event, and is not all of it."""

    assertions: Sequence[Assertion]
    apart: Sequence[Assertion] = ()


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource of an inventory.

    Attributes:
        at: when it became as it is, where told.
        read_at: when it was read, where told.
    """

    facts: Sequence[Fact]
    locator: str
    url: str | None = None
    at: Instant | None = None
    read_at: Instant | None = None


Record = Events | Thing | Quarantined | None
"""What a record says; None for one of no interest."""


class _Inventory(msgspec.Struct):
    """What was last delivered of a place."""

    taken_at: int
    digest: str = ""


class _Cursor(msgspec.Struct):
    shape: str = ""
    files: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    inventories: dict[str, _Inventory] = msgspec.field(default_factory=dict[str, _Inventory])


@dataclass(slots=True)
class ExportPull:
    """One pull. `read` turns the JSON text of a record and its locator into what it says.

    `end_file` gives what a reader kept back until it has seen all of a file: one operation may be several records.
    """

    source: str
    scope: str
    extractor: str
    location: str
    what: str
    wrappers: Sequence[str]
    shape: str
    read: Callable[[str, bytes], Record]
    end_file: Callable[[], Iterable[Events]] | None = None
    _cursor: _Cursor = field(default_factory=_Cursor)
    _waiting: dict[str, Assertion] = field(default_factory=dict[str, Assertion])
    _apart: list[Assertion] = field(default_factory=list[Assertion])
    _broken: list[Quarantined] = field(default_factory=list[Quarantined])

    def batches(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """Everything new since the cursor.

        Raises:
            SourceUnavailable, SourceDataInvalid: as `Source.pull`; also when nothing of it can be read.
        """
        self._cursor = self._load(cursor)
        files = export_files(self.location, self.what)
        paths = {file.path for file in files}
        self._cursor.files = {path: digest for path, digest in self._cursor.files.items() if path in paths}
        readable = 0
        for file in sorted(files, key=lambda f: (_dated(f.path) or 0, f.path)):
            packed = file.packed()
            digest = digest_of(packed)
            if self._cursor.files.get(file.path) == digest:
                readable += 1
                continue
            things: list[Thing] = []
            whole = True
            for record in self._records(file, packed):
                if isinstance(record, Quarantined):
                    self._broken.append(record)
                    whole = False
                    continue
                readable += 1
                if isinstance(record, Thing):
                    things.append(record)
                elif record is not None:
                    yield from self._events(record)
            for events in self.end_file() if self.end_file is not None else ():
                yield from self._events(events)
            if things:
                yield from self._inventory(file, things, now, whole)
            self._cursor.files[file.path] = digest
            if len(self._waiting) >= MAX_ASSERTIONS // 2 or things:
                yield from self._flush(self._dump())
        if not readable and self._broken:
            raise SourceDataInvalid(
                f"{self._broken[0].locator} and all else in {self.location} cannot be read: {self._broken[0].reason}",
                f"give {self.what}, as JSON",
            )
        yield from self._flush(self._dump(), now)

    # -- events

    def _records(self, file: ExportFile, packed: bytes) -> Iterator[Record]:
        for item in json_records(file, packed, self.wrappers):
            if isinstance(item, Quarantined):
                yield item
            else:
                yield self.read(*item)

    def _events(self, events: Events) -> Iterator[FactBatch]:
        self._apart += events.apart
        for assertion in events.assertions:
            self._wait(assertion)
        if len(self._waiting) + len(self._apart) >= MAX_ASSERTIONS - 400:
            yield from self._flush(None)

    def _wait(self, assertion: Assertion) -> None:
        # An account or a resource is named by many events and is the same each time: the earliest statement says it all.
        same = repr((assertion.fact, assertion.present, assertion.valid_to))
        before = self._waiting.get(same)
        if before is None or (assertion.valid_from, before.locator) < (before.valid_from, assertion.locator):
            self._waiting[same] = assertion

    # -- inventories

    def _inventory(self, file: ExportFile, things: list[Thing], now: Instant, whole: bool) -> Iterator[FactBatch]:
        place = _DATE.sub("*", file.path)
        told = _dated(file.path) or max((t.read_at for t in things if t.read_at is not None), default=None)
        known = self._cursor.inventories.get(place)
        taken_at = told if told is not None else now
        late = told is not None and known is not None and told < known.taken_at
        if known is not None and not late and taken_at <= known.taken_at:
            taken_at = known.taken_at + 1
        digest = _digest(things)
        if told is not None or known is None or known.digest != digest or not whole:
            yield self._snapshot(f"{self.scope}#{place}", things, taken_at, whole)
        if not late:
            before = known.digest if known is not None else ""
            self._cursor.inventories[place] = _Inventory(taken_at, digest if whole else before)

    def _snapshot(self, scope: str, things: Sequence[Thing], taken_at: Instant, whole: bool) -> FactBatch:
        assertions: dict[str, Assertion] = {}
        for thing in things:
            at = min(thing.at, taken_at) if thing.at is not None else taken_at
            for fact in thing.facts:
                assertions.setdefault(fact.key, Assertion(fact, at, taken_at, thing.locator, url=thing.url))
        snapshot = Snapshot(taken_at, taken_at) if whole else None
        return self._batch(scope, list(assertions.values()), snapshot=snapshot)

    # -- batches

    def _flush(self, cursor: str | None, fresh_until: Instant | None = None) -> Iterator[FactBatch]:
        if self._apart:
            apart, self._apart = self._apart, []
            yield self._batch(f"{self.scope}#outcomes", apart)
        assertions, quarantined = list(self._waiting.values()), tuple(self._broken)
        self._waiting, self._broken = {}, []
        yield self._batch(self.scope, assertions, cursor, fresh_until, quarantined)

    def _batch(
        self,
        scope: str,
        assertions: list[Assertion],
        cursor: str | None = None,
        fresh_until: Instant | None = None,
        quarantined: tuple[Quarantined, ...] = (),
        snapshot: Snapshot | None = None,
    ) -> FactBatch:
        return FactBatch(
            id=batch_id(self.source, scope, snapshot, cursor, fresh_until, quarantined, assertions=assertions),
            source=self.source,
            scope=scope,
            extractor=self.extractor,
            assertions=assertions,
            snapshot=snapshot,
            cursor=cursor,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )

    # -- the cursor

    def _load(self, cursor: str | None) -> _Cursor:
        if cursor is None:
            return _Cursor(self.shape)
        try:
            found = msgspec.json.decode(cursor, type=_Cursor)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None
        if found.shape == self.shape:
            return found
        # Other settings make other facts: everything is read again, and each inventory once more, later than before.
        inventories = {place: _Inventory(known.taken_at) for place, known in found.inventories.items()}
        return _Cursor(self.shape, {}, inventories)

    def _dump(self) -> str:
        return msgspec.json.encode(self._cursor, order="sorted").decode()


def _digest(things: Sequence[Thing]) -> str:
    digest = blake2b(digest_size=12)
    for thing in sorted(things, key=lambda t: t.locator):
        digest.update(repr((thing.at, thing.facts)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _dated(path: str) -> Instant | None:
    """The moment in a path, the last of several."""
    for m in reversed(list(_DATE.finditer(path))):
        try:
            return instant(f"{m[1]}-{m[2]}-{m[3]}T{m[4] or '00'}:{m[5] or '00'}:{m[6] or '00'}Z")
        except ValueError:
            continue
    return None
