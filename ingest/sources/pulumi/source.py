"""The pulumi source: exports of stacks as snapshots, previews as plans, histories as applies."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from graph.clock import Instant, instant
from graph.model import Assertion, FactBatch, Quarantined, Snapshot
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.source_doc import SourceDoc
from ingest.sources.deployments.batching import BATCH_ASSERTIONS, content_batch
from ingest.sources.deployments.files import FileInvalid, InputFile, content_digest, find_files
from ingest.sources.deployments.record import RecordInvalid
from ingest.sources.pulumi.document import Document, Export, Preview, read_document
from ingest.sources.pulumi.facts import Stack, preview_facts, stack_facts, stack_of_urn, update_facts

EXTRACTOR = "pulumi/1"


@dataclass(frozen=True, slots=True)
class PulumiSettings:
    """Where documents of Pulumi are and what they belong to.

    Attributes:
        path: a file or a directory (read recursively) of `*.json`: `pulumi stack export`, `pulumi preview --json` and
            `pulumi stack history --json`, in any number and under any names.
        name: what to call this location instead of its path.
        stacks: path prefix of files relative to `path` -> `project/stack`, for documents that do not tell (a history, an empty stack) and lie
            beside no export of one stack alone. `*` for all others.
        environments: `project/stack` or stack -> environment. Otherwise a stack's name is its environment.
        created_at: path of a preview -> RFC 3339 time it was made; a preview tells none, else the file's time counts.
    """

    path: str
    name: str = ""
    stacks: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    created_at: Mapping[str, str] = field(default_factory=dict[str, str])


DOC = SourceDoc(
    about="""\
Pulumi, from three documents: `pulumi stack export` says what a stack holds (a complete snapshot; resources are named by their URN and are the same
as what their ARN names), `pulumi preview --json` what would be changed (a plan), `pulumi stack history --json` which updates were made (applies,
with the commit and the pipeline run that Pulumi recorded).

Secrets are dropped by their mark, encrypted or not (`--show-secrets`), and what is marked secret in one place is withheld in all of the document.
""",
    yields=(
        "Resource",
        "Plan",
        "Deployment",
        "Environment",
        "Commit",
        "DEPENDS_ON",
        "PART_OF",
        "SAME_AS",
        "RUNS_IN",
        "PLANS",
        "DEPLOYS",
        "REACHED",
        "TRIGGERED_BY",
    ),
    permissions="""\
It reads files that the user who runs infralore may read. Who writes them needs read access to the stack. Export without `--show-secrets`.
""",
    example="""\
sources:
  - pulumi:
      path: /var/lib/pulumi
      environments: {shop/production: prod}
""",
    limits=(
        "what an update did to which resource: a history tells only how many; the next export tells what is there",
        "who made an update: a history names the author of the commit, not who ran it",
        "other settings (environments) count for what is read from then on: documents already told are told anew only after a purge",
        "refreshes, imports and renames of a history are passed over, and so are stack outputs and providers",
    ),
)


class _Ledger(msgspec.Struct):
    """The cursor's content: path -> digest of what was told, and why the others could not be read."""

    files: dict[str, str] = {}
    refused: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Found:
    file: InputFile
    digest: str
    document: Document
    at: Instant | None


class PulumiSource:
    """Reads documents of Pulumi."""

    name = "pulumi"

    def __init__(self, settings: PulumiSettings) -> None:
        self._settings = settings

    @property
    def scope(self) -> str:
        """The location's name: as set, or the absolute path."""
        return self._settings.name or Path(self._settings.path).expanduser().absolute().as_posix()

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. A file that is none of Pulumi's is quarantined; when none is one, `SourceDataInvalid` is raised."""
        ledger = self._ledger(cursor)
        refused: dict[str, str] = {}
        quarantined: list[Quarantined] = []
        files = find_files(self._settings.path, (".json", ".json.gz"), "documents of Pulumi")
        found = self._read(files, refused)
        stacks = _stacks_by_directory(found)
        taken: dict[tuple[str, Instant], str] = {}
        # Exports first and in their order, so that a stack's snapshots grow.
        for one in sorted(found, key=lambda f: (not isinstance(f.document, Export), f.at or now, f.file.path)):
            if ledger.files.get(one.file.path) == one.digest:
                continue
            try:
                yield from self._told(one, stacks, taken, quarantined, ledger, now)
            except FileInvalid as error:
                refused[one.file.path] = str(error)
        for path, reason in sorted(refused.items()):
            if ledger.refused.get(path) != reason:
                quarantined.append(Quarantined(path, reason))
        ledger.files = {f.path: ledger.files[f.path] for f in files if f.path in ledger.files and f.path not in refused}
        ledger.refused = refused
        yield self._batch([], ledger, quarantined, now)
        if len(refused) == len(files):
            path, reason = min(refused.items())
            raise SourceDataInvalid(
                f"{path} cannot be read: {reason}", "write it with `pulumi stack export --file stack.json`"
            )

    def _read(self, files: list[InputFile], refused: dict[str, str]) -> list[_Found]:
        found: list[_Found] = []
        for file in files:
            try:
                data = file.read()
                document = read_document(data)
            except FileInvalid as error:
                refused[file.path] = str(error)
            else:
                at = _time(document.deployment.manifest.time) if isinstance(document, Export) else None
                found.append(_Found(file, content_digest(data), document, at))
        return found

    def _told(
        self,
        one: _Found,
        stacks: Mapping[str, set[tuple[str, str]]],
        taken: dict[tuple[str, Instant], str],
        quarantined: list[Quarantined],
        ledger: _Ledger,
        now: Instant,
    ) -> Iterator[FactBatch]:
        stack = self._stack(one, stacks)
        path = one.file.path
        facts: list[Assertion] = []
        match one.document:
            case Export():
                at = one.at if one.at is not None else now
                if taken.setdefault((stack.full, at), one.digest) != one.digest:
                    raise FileInvalid("another export of the same stack and time says something else")
                snapshot = Snapshot(at, at)
                scope = f"{self.scope}#{stack.full}"
                held = list(stack_facts(one.document, stack, path, at))
                yield content_batch(self.name, scope, EXTRACTOR, held, snapshot=snapshot)
            case Preview():
                at = self._previewed_at(one.file)
                facts = list(preview_facts(one.document, stack, path, one.digest, self.scope, at))
            case _:
                for index, update in enumerate(one.document):
                    try:
                        facts += update_facts(update, stack, self.scope)
                    except RecordInvalid as error:
                        quarantined.append(Quarantined(f"{path}#[{index}]", str(error)))
        while len(facts) > BATCH_ASSERTIONS:
            yield self._batch(facts[:BATCH_ASSERTIONS], ledger)
            facts = facts[BATCH_ASSERTIONS:]
        ledger.files[path] = one.digest
        yield self._batch(facts, ledger)

    def _stack(self, one: _Found, stacks: Mapping[str, set[tuple[str, str]]]) -> Stack:
        """The stack that a document tells, that the settings tell, or that is the only one beside it."""
        told = _named(one.document) or self._set(one.file.path)
        beside = stacks.get(posixpath.dirname(one.file.path), set())
        if told is None and len(beside) == 1:
            [told] = beside
        if told is None:
            raise FileInvalid("it does not tell its stack: name it in `stacks`")
        project, name = told
        full = f"{project}/{name}" if project else name
        environment = self._settings.environments.get(full) or self._settings.environments.get(name) or name
        return Stack(project, name, environment)

    def _set(self, path: str) -> tuple[str, str] | None:
        stacks = self._settings.stacks
        prefixes = [key for key in stacks if path == key.strip("/") or path.startswith(key.strip("/") + "/")]
        told = stacks[max(prefixes, key=len)] if prefixes else stacks.get("*", "")
        project, _, name = told.rpartition("/")
        return (project, name) if name else None

    def _previewed_at(self, file: InputFile) -> Instant:
        if stated := self._settings.created_at.get(file.path, ""):
            at = _time(stated)
            if at is None:
                raise SourceDataInvalid(f"created_at of {file.path} is no time", "write it as 2026-05-04T14:00:00Z")
            return at
        try:
            return file.file.stat().st_mtime_ns // 1_000
        except OSError:
            raise SourceUnavailable(f"{file.path} is gone", "read it again") from None

    def _ledger(self, cursor: str | None) -> _Ledger:
        try:
            return msgspec.json.decode(cursor, type=_Ledger) if cursor else _Ledger()
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None

    def _batch(
        self,
        assertions: list[Assertion],
        ledger: _Ledger,
        quarantined: list[Quarantined] | None = None,
        fresh_until: Instant | None = None,
    ) -> FactBatch:
        return content_batch(
            self.name,
            self.scope,
            EXTRACTOR,
            assertions,
            quarantined=quarantined or (),
            cursor=msgspec.json.encode(ledger, order="sorted").decode(),
            fresh_until=fresh_until,
        )


def _named(document: Document) -> tuple[str, str] | None:
    """Project and stack that a document's URNs name."""
    if isinstance(document, Export):
        urns = [one.urn for one in document.deployment.resources]
    elif isinstance(document, Preview):
        urns = [step.urn for step in document.steps]
    else:
        return None
    return next((told for urn in urns if (told := stack_of_urn(urn)) is not None), None)


def _stacks_by_directory(found: list[_Found]) -> dict[str, set[tuple[str, str]]]:
    stacks: dict[str, set[tuple[str, str]]] = {}
    for one in found:
        if (told := _named(one.document)) is not None:
            stacks.setdefault(posixpath.dirname(one.file.path), set()).add(told)
    return stacks


def _time(told: str) -> Instant | None:
    try:
        at = instant(told) if told else None
    except ValueError:
        return None
    return at if at is not None and at > 0 else None
