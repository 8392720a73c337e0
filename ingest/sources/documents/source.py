"""The documents source: Markdown of a directory or repository, as a complete snapshot each time something changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import msgspec

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot
from ingest.repository_files import RepositoryFiles, open_files
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.documents.facts import Place, document_facts

EXTRACTOR = "documents/1"
INCLUDE = (
    "docs/**/*.md",
    "doc/**/*.md",
    "runbooks/**/*.md",
    "playbooks/**/*.md",
    "adr/**/*.md",
    "adrs/**/*.md",
    "decisions/**/*.md",
    "postmortems/**/*.md",
    "post-mortems/**/*.md",
    "incidents/**/*.md",
    "services/**/*.md",
    "README.md",
)


@dataclass(frozen=True, slots=True)
class DocumentsSettings:
    """Where the documents are.

    Attributes:
        path: a directory, a git work tree or a bare repository; of a repository what is committed counts.
        name: `owner/name` of the repository, spelled as the forge does; by default as its remote tells, or the directory's name.
        rev: branch, tag or hash to read of a repository; HEAD when empty.
        include: which files, as patterns of a `.gitignore` file.
        exclude: which of them not.
        services: path prefix -> service that the documents below it are about (`runbooks/checkout` -> `checkout`).
    """

    path: str
    name: str = ""
    rev: str = ""
    include: tuple[str, ...] = INCLUDE
    exclude: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict[str, str])


DOC = SourceDoc(
    about="""\
Runbooks, decisions (ADRs), post-mortems and READMEs in Markdown, section by section, cited by line. A document's type comes from its front matter
(`type: runbook`), its directory (`runbooks/`, `adr/`, `postmortems/` …) or its title. It is about the services that its front matter or a line
`Service: checkout` at its top names, that `services` maps its path to, or below whose `services/<name>/` it lies.

A post-mortem becomes an incident of the past: title, severity, service, beginning and end from its front matter or the lines at its top
(`Severity:`, `Started:`, `Resolved:`), its cause and its fix from the sections of these names (*Root cause*, *Cause*, *Resolution*, *Fix*, *Mitigation*
…). The commits, pull requests and resources that these sections name by link or full id are what it was caused and fixed by.

Of a repository each document holds since its own last change on the mainline; a directory tells no time, so there it holds since it was first read.
""",
    yields=("Document", "Incident", "Service", "MENTIONS", "ABOUT", "CAUSED_BY", "FIXED_BY"),
    permissions="It reads files that the user who runs infralore may read. Nothing is fetched: clone the repository, or keep a mirror of it.",
    example="""\
sources:
  - documents:
      path: /srv/git/handbook.git
      name: example/handbook
      include: [runbooks/**/*.md, postmortems/**/*.md]
""",
    limits=(
        "only Markdown, and only as it is now: earlier versions of a document are not read",
        "times without a zone are taken as UTC",
    ),
)


class _Cursor(msgspec.Struct):
    """What was read: digest of it, when it was told to hold, and digest of what could not be read."""

    digest: str = ""
    taken_at: Instant = 0
    notes: str = ""


class DocumentsSource:
    """Reads Markdown."""

    name = "documents"

    def __init__(self, settings: DocumentsSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The name as set, else the absolute path."""
        return self._settings.name or Path(self._settings.path).expanduser().absolute().as_posix()

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`."""
        settings = self._settings
        memory = self._memory(cursor)
        opened = open_files(settings.path, settings.name, settings.rev)
        files = list(opened.files(settings.include, settings.exclude))
        mark = self._digest([(f.path, f.changed_at, blake2b(f.content, digest_size=16).digest()) for f in files])
        notes = self._digest(opened.quarantined) if opened.quarantined else ""
        quarantined = tuple(opened.quarantined) if notes != memory.notes else ()
        if mark == memory.digest:
            memory.notes = notes
            yield self._batch((), now, memory, quarantined, None)
            return
        taken_at = self._taken_at(opened, memory, now)
        place = Place(opened.name, taken_at, taken_at, frozenset(f.path for f in files), settings.services)
        assertions: dict[tuple[str, Instant], Assertion] = {}
        for file in files:
            for assertion in document_facts(file, place):
                # Two documents may state one service; the first says it.
                assertions.setdefault((assertion.fact.key, assertion.valid_from), assertion)
        memory = _Cursor(mark, taken_at, notes)
        snapshot = Snapshot(taken_at, taken_at)
        yield self._batch(tuple(assertions.values()), now, memory, quarantined, snapshot)

    def _taken_at(self, opened: RepositoryFiles, memory: _Cursor, now: Instant) -> Instant:
        """When what is read holds: a repository's commit says it, a directory holds now. Later than what was read before."""
        at = opened.committed_at if opened.committed_at is not None else now
        return at if at > memory.taken_at else max(memory.taken_at + 1, now)

    def _digest(self, of: object) -> str:
        settings = self._settings
        shape = (EXTRACTOR, settings.name, sorted(settings.services.items()), of)
        return blake2b(repr(shape).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def _memory(self, cursor: str | None) -> _Cursor:
        try:
            return msgspec.json.decode(cursor, type=_Cursor) if cursor else _Cursor()
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None

    def _batch(
        self,
        assertions: tuple[Assertion, ...],
        now: Instant,
        memory: _Cursor,
        quarantined: tuple[Quarantined, ...],
        snapshot: Snapshot | None,
    ) -> FactBatch:
        dumped = msgspec.json.encode(memory).decode()
        digest = blake2b(digest_size=16)
        for part in (self.scope, EXTRACTOR, dumped, now, snapshot, *quarantined, *assertions):
            digest.update(repr(part).encode("utf-8", "surrogatepass") + b"\x1f")
        return FactBatch(
            id=f"documents:{digest.hexdigest()}",
            source=self.name,
            scope=self.scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            snapshot=snapshot,
            cursor=dumped,
            fresh_until=now,
            quarantined=quarantined,
        )
