"""A pull from a directory of exported answers. A repository whose files did not change says nothing again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from graph.clock import Instant
from graph.model import FactBatch, Quarantined
from ingest.source import SourceDataInvalid
from ingest.sources.forge.export import ExportedRepository
from ingest.sources.forge.statements import MAX_ASSERTIONS, Statements, batch, batches_of


class PathCursor(msgspec.Struct):
    """Where to go on: digests of the repositories read, and of the one in work how many of its batches were delivered."""

    v: int = 1
    read: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    reading: str = ""
    digest: str = ""
    delivered: int = 0


ObjectReader = Callable[[Statements], None]
"""States one object. Raises `msgspec.ValidationError` when something in it cannot be read."""


@dataclass(frozen=True, slots=True)
class PathPull:
    """What a forge's source says of itself to have its directories read.

    `shape` is all that facts depend on beside the files. `objects` yields (path, reader) of each object of a repository, in order.
    """

    system: str
    scope: str
    extractor: str
    shape: str
    renamed: Mapping[str, str]
    objects: Callable[[ExportedRepository], Iterable[tuple[str, ObjectReader]]]

    def batches(
        self, repositories: Iterable[ExportedRepository], cursor: str | None, now: Instant
    ) -> Iterator[FactBatch]:
        """What is new. A repository that cannot be read is raised after the others were."""
        try:
            at = msgspec.json.decode(cursor, type=PathCursor) if cursor else PathCursor()
        except (msgspec.DecodeError, UnicodeError):
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None
        refusal: SourceDataInvalid | None = None
        for repository in repositories:
            digest = repository.digest(self.shape)
            if at.read.get(repository.name) == digest:
                continue
            try:
                yield from self._repository(repository, at, digest)
            except SourceDataInvalid as error:
                refusal = refusal or error
        if refusal is not None:
            raise refusal
        yield batch(self.system, self.scope, self.extractor, (), _dump(at), fresh_until=now)

    def _repository(self, repository: ExportedRepository, at: PathCursor, digest: str) -> Iterator[FactBatch]:
        name = self.renamed.get(repository.name, repository.name)
        skip = at.delivered if (at.reading, at.digest) == (repository.name, digest) else 0
        at.reading, at.digest, at.delivered = repository.name, digest, 0
        for said in self._packed(repository, name):
            at.delivered += 1
            if at.delivered <= skip:
                continue
            if name == self.scope:
                yield from batches_of(self.system, name, self.extractor, said, _dump(at))
            else:
                yield from batches_of(self.system, name, self.extractor, said)
                yield batch(self.system, self.scope, self.extractor, (), _dump(at))
        if repository.unreadable:
            notes = tuple(sorted(set(repository.unreadable), key=lambda q: (q.locator, q.reason)))
            yield batch(self.system, self.scope, self.extractor, (), quarantined=notes)
        at.read[repository.name] = digest
        at.reading, at.digest, at.delivered = "", "", 0
        yield batch(self.system, self.scope, self.extractor, (), _dump(at))

    def _packed(self, repository: ExportedRepository, name: str) -> Iterator[Statements]:
        packed = Statements(self.system, name)
        for path, read in self.objects(repository):
            one = Statements(self.system, name)
            try:
                read(one)
            except msgspec.ValidationError:
                repository.unreadable.append(Quarantined(f"{repository.name}/{path}", "a time in it cannot be read"))
                continue
            packed.extend(one)
            if len(packed) >= MAX_ASSERTIONS // 2:
                yield packed
                packed = Statements(self.system, name)
        if len(packed):
            yield packed


def _dump(cursor: PathCursor) -> str:
    return msgspec.json.encode(cursor, order="sorted").decode()
