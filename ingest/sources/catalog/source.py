"""The catalog source: each file of a catalog is a complete snapshot of what it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec

from graph.clock import Instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot
from ingest.repository_files import RepositoryFile, RepositoryFiles, open_files
from ingest.source import SourceDataInvalid
from ingest.source_doc import SourceDoc
from ingest.sources.catalog.backstage import read_descriptors
from ingest.sources.catalog.entries import Entry, Origin
from ingest.sources.catalog.facts import codeowners_facts, facts_of, whole
from ingest.sources.catalog.settings import CatalogSettings
from ingest.sources.catalog.sheet import read_sheet
from ingest.sources.git.codeowners import Rule, file_order, read_rules
from ingest.sources.terraform_state.facts import batch_id

__all__ = ["DOC", "CatalogSettings", "CatalogSource"]

EXTRACTOR = "catalog/1"
_CODEOWNERS = file_order("github")


class _Known(msgspec.Struct):
    """What was last delivered of a file. `taken_at` only grows."""

    digest: str
    taken_at: int


class _Cursor(msgspec.Struct):
    shape: str = ""
    files: dict[str, _Known] = msgspec.field(default_factory=dict[str, _Known])
    notes: str = ""


@dataclasses.dataclass(slots=True)
class _Read:
    """A file read. `broken` holds what could not be: then what is not found is not gone."""

    path: str
    entries: list[Entry]
    rules: list[tuple[Rule, Origin]]
    broken: list[Quarantined]


class CatalogSource:
    """Reads the service catalog of a directory or repository."""

    name = "catalog"

    def __init__(self, settings: CatalogSettings) -> None:
        self._settings = settings
        self._told = settings.name

    @property
    def scope(self) -> str:
        """The setting `name`, else what the place calls itself."""
        self._told = self._told or self._open().name
        return self._told

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. A file of which something cannot be read ends nothing."""
        known = self._cursor(cursor)
        place = self._open()
        read = [self._read(file, now) for file in place.files(self._include(place), self._settings.exclude)]
        found = [one for one in read if one.entries or one.rules or one.broken]
        broken = [*place.quarantined, *(q for one in found for q in one.broken)]
        if not found and not known.files:
            raise SourceDataInvalid(
                f"there is no service catalog in {self._settings.path}",
                "put a catalog-info.yaml, a services.csv or CODEOWNERS there, or widen the setting `include`",
            )
        if not any(one.entries or one.rules for one in found) and broken:
            raise SourceDataInvalid(f"{broken[0].locator} cannot be read: {broken[0].reason}", "correct the file")
        taken_at = place.committed_at if place.committed_at is not None else now
        yield from self._files(found, known, taken_at)
        unread = {q.locator.removeprefix(f"{place.name}@{place.revision}:") for q in place.quarantined}
        yield from self._gone({one.path for one in found} | unread, known, taken_at)
        digest = batch_id(broken)
        quarantined = tuple(broken) if broken and known.notes != digest else ()
        known.notes = digest if broken else ""
        yield self._batch(self.scope, [], quarantined=quarantined, cursor=_dump(known), fresh_until=now)

    # -- files

    def _read(self, file: RepositoryFile, now: Instant) -> _Read:
        at = file.changed_at if file.changed_at is not None else now
        read = _Read(file.path, [], [], [])
        if file.path.rpartition("/")[2] == "CODEOWNERS":
            for rule in read_rules(file.text()):
                locator, url = file.cite(rule.line)
                read.rules.append((rule, Origin(locator, url, at)))
            return read
        is_sheet = file.path.endswith(".csv")
        for one in read_sheet(file, at, self._settings.columns) if is_sheet else read_descriptors(file, at):
            if isinstance(one, Quarantined):
                read.broken.append(one)
            else:
                read.entries.append(one)
        return read

    def _files(self, found: Sequence[_Read], known: _Cursor, taken_at: Instant) -> Iterator[FactBatch]:
        context = whole(self.scope, self._settings.owners, [entry for one in found for entry in one.entries])
        for one in found:
            facts = [*facts_of(one.entries, context), *codeowners_facts(self.scope, one.rules)]
            digest = _digest(facts, one.broken)
            before = known.files.get(one.path)
            if before is not None and before.digest == digest and known.shape == self._shape():
                continue
            at = taken_at if before is None else max(taken_at, before.taken_at + 1)
            stated = [dataclasses.replace(a, valid_from=min(a.valid_from, at), observed_at=at) for a in facts]
            snapshot = None if one.broken else Snapshot(at, at)
            yield self._batch(f"{self.scope}#{one.path}", stated, snapshot=snapshot)
            known.files[one.path] = _Known(digest, at)
            yield self._batch(self.scope, [], cursor=_dump(known))
        known.shape = self._shape()

    def _gone(self, there: set[str], known: _Cursor, taken_at: Instant) -> Iterator[FactBatch]:
        for path in sorted(known.files.keys() - there):
            at = max(taken_at, known.files.pop(path).taken_at + 1)
            yield self._batch(f"{self.scope}#{path}", [], snapshot=Snapshot(at, at))
            yield self._batch(self.scope, [], cursor=_dump(known))

    def _include(self, place: RepositoryFiles) -> Sequence[str]:
        if place.is_git:
            return self._settings.include  # the git source reads CODEOWNERS, with its history
        first = next((path for path in _CODEOWNERS if (place.root / path).is_file()), None)
        return (*self._settings.include, *([f"/{first}"] if first else ()))

    # -- batches and cursors

    def _open(self) -> RepositoryFiles:
        return open_files(self._settings.path, self._settings.name, self._settings.rev)

    def _cursor(self, cursor: str | None) -> _Cursor:
        if cursor is None:
            return _Cursor(self._shape())
        try:
            return msgspec.json.decode(cursor, type=_Cursor)
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None

    def _shape(self) -> str:
        settings = dataclasses.asdict(self._settings)
        told = sorted((k, v) for k, v in settings.items() if k not in ("path", "rev"))
        return blake2b(repr((EXTRACTOR, told)).encode(), digest_size=8).hexdigest()

    def _batch(
        self,
        scope: str,
        assertions: list[Assertion],
        snapshot: Snapshot | None = None,
        cursor: str | None = None,
        fresh_until: Instant | None = None,
        quarantined: tuple[Quarantined, ...] = (),
    ) -> FactBatch:
        return FactBatch(
            id=batch_id(self.name, scope, snapshot, cursor, fresh_until, quarantined, assertions=assertions),
            source=self.name,
            scope=scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            snapshot=snapshot,
            cursor=cursor,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )


def _dump(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor, order="sorted").decode()


def _digest(facts: Sequence[Assertion], broken: Sequence[Quarantined]) -> str:
    """Of what is said, not of when or at which commit."""
    digest = blake2b(repr(len(broken)).encode(), digest_size=12)
    for assertion in facts:
        digest.update(repr(assertion.fact).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


DOC = SourceDoc(
    about="""Who owns what, who is on call, what depends on what: Backstage descriptors (`catalog-info.yaml` and any other YAML with
`apiVersion: backstage.io/…`, several documents a file), CSV sheets of services (OpsLevel exports and the like; columns for service and
owner are needed, in any order), and CODEOWNERS of a plain directory (inside a repository the `git` source reads it, with its history).

It reads a directory, or a git repository at HEAD or `rev`. In a repository an entry holds since its file last changed; a directory tells no
times, so that an entry holds since it was first read. Each file is a snapshot of its own: an entry that is gone ends, and a file with a
document that cannot be read ends nothing until it is corrected. What several files say of one service is merged when it is read.

Annotations that are understood: `github.com/project-slug`, `gitlab.com/project-slug`, `backstage.io/source-location`,
`pagerduty.com/service-id`, `opsgenie.com/service-id`, `backstage.io/kubernetes-id`, `argocd/app-name`, `slack.com/channel`,
`github.com/user-login`, `github.com/team-slug`, `slack.com/user-id`, and ARNs of resources. Others are not kept: some hold keys.""",
    yields=(
        "Service",
        "Team",
        "Account",
        "System",
        "Api",
        "Resource",
        "Repository",
        "Environment",
        "OwnershipRule",
        "OWNED_BY",
        "MEMBER_OF",
        "ON_CALL_FOR",
        "DEPENDS_ON",
        "PROVIDES",
        "BUILT_FROM",
        "PART_OF",
        "RUNS_IN",
        "MENTIONS",
        "SAME_AS",
    ),
    permissions="The right to read the directory or repository; nothing else.",
    example="""sources:
  - catalog:
      path: ~/src/catalog
      name: shop/catalog""",
    limits=(
        "`Location` entities are not followed: name every place that is to be read.",
        "Placeholders (`$text`, `$yaml`) are not filled in; definitions of APIs are not read.",
        "CSV files other than services*.csv, *catalog*.csv and *opslevel*.csv are read only when `include` names them.",
    ),
)
