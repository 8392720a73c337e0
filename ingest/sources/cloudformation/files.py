"""What `aws cloudformation describe-…` printed, from files.

When one file is new all are read again: the events of a stack make its operations only together. Stated is what the files say of stacks
that the new ones speak of; stating something twice changes nothing.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import cast

from graph.model import Assertion, Entity, FactBatch, Quarantined
from ingest.source import SourceDataInvalid, SourceUnavailable
from ingest.sources.cloudformation.answers import (
    AnswerInvalid,
    Event,
    Stack,
    StackId,
    StackResource,
    event,
    mappings,
    stack,
    stack_resource,
)
from ingest.sources.cloudformation.batches import (
    Ledger,
    assertion_batches,
    cursor_batch,
    event_batches,
    quarantine_batch,
    told_at,
)
from ingest.sources.cloudformation.change_sets import ChangeSet, change_set, plan
from ingest.sources.cloudformation.facts import (
    account_facts,
    belonging,
    resource_facts,
    stack_facts,
    stack_ref,
)
from ingest.sources.cloudformation.settings import CloudFormationSettings

_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_MEMBERS = ("Stacks", "StackEvents", "StackResources", "Changes")


@dataclass(slots=True)
class _Of:
    """What the files say of one stack, with where."""

    id: StackId
    stacks: list[tuple[str, Stack]] = field(default_factory=list[tuple[str, Stack]])
    resources: list[tuple[str, StackResource]] = field(default_factory=list[tuple[str, StackResource]])
    events: list[Event] = field(default_factory=list[Event])
    plans: list[ChangeSet] = field(default_factory=list[ChangeSet])
    touched: bool = False


def file_batches(settings: CloudFormationSettings, scope: str, ledger: Ledger) -> Iterator[FactBatch]:
    """What the new files say, then the cursor.

    Raises:
        SourceDataInvalid: there is no such file or directory, or nothing in it can be read.
        SourceUnavailable: it cannot be read now.
    """
    files = _files(settings.path)
    known = set(ledger.files)
    new = set(files) - known
    if not new:
        return
    stacks, notes = _read_all(files, new, settings.path)
    for arn in sorted(stacks):
        if stacks[arn].touched:
            place = stacks[arn].id.place
            ledger.stacks.pop(arn, None)
            for part in (stacks[arn].id.part, f"{place.account_id}/{place.region}/stacks"):
                ledger.parts[part] = ""  # what the account itself says has the last word again
            yield from _batches(stacks[arn], settings, scope)
    if notes:
        yield quarantine_batch(scope, notes)
    ledger.files = sorted(known | new)
    yield cursor_batch(scope, ledger)


def _batches(of_stack: _Of, settings: CloudFormationSettings, scope: str) -> Iterator[FactBatch]:
    newest = max((one for _, one in of_stack.stacks), key=lambda s: (s.updated_at, s.status), default=None)
    of = belonging(settings, of_stack.id.name, newest.tags if newest is not None else {})
    place = of_stack.id.place
    told: list[Assertion] = []
    for locator, one in of_stack.stacks:
        # Of one update, a file made while it ran and one made after it: the later one has the last word.
        observed_at = one.updated_at + (0 if one.status.endswith("_IN_PROGRESS") else 1)
        told += told_at(account_facts(place.account_id), one.created_at, one.created_at, locator)
        told += told_at(stack_facts(one, of), one.updated_at, observed_at, locator)
        if one.deleted_at is not None:
            gone = Entity(stack_ref(one.id), {})
            told.append(Assertion(gone, one.deleted_at, one.deleted_at, locator, present=False))
    yield from assertion_batches(f"{scope}#{place.account_id}/{place.region}/stacks", told)
    resources: list[Assertion] = []
    for locator, resource in of_stack.resources:
        if resource.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
            resources += told_at(resource_facts(resource, of), resource.at, resource.at, locator)
    yield from assertion_batches(f"{scope}#{of_stack.id.part}", resources)
    yield from event_batches(scope, of_stack.id, of_stack.events, of)
    for one_plan in of_stack.plans:
        yield from assertion_batches(scope, plan(one_plan, of))


# -- reading


def _read_all(files: Mapping[str, Path], new: set[str], root: str) -> tuple[dict[str, _Of], list[Quarantined]]:
    stacks: dict[str, _Of] = {}
    notes: list[Quarantined] = []
    readable = 0
    for digest, path in sorted(files.items(), key=lambda pair: pair[1]):
        name = _name(path, root)
        own: list[Quarantined] = []
        for locator, document in _documents(path, name, own):
            if any(member in document for member in _MEMBERS):
                readable += 1
                _take(document, locator, stacks, own, touched=digest in new)
            else:
                own.append(Quarantined(locator, _why_not(document)))
        if digest in new:
            notes += own
    if not readable:
        raise SourceDataInvalid(
            f"nothing in {root} is an answer of CloudFormation",
            "save what `aws cloudformation describe-stacks` and `describe-stack-events` print, as JSON",
        )
    return stacks, notes


def _take(
    document: Mapping[str, object], locator: str, stacks: dict[str, _Of], notes: list[Quarantined], *, touched: bool
) -> None:
    def of(one: StackId) -> _Of:
        known = stacks.setdefault(one.arn, _Of(one))
        known.touched = known.touched or touched
        return known

    if "Changes" in document:
        try:
            told = change_set([document])
            of(told.stack).plans.append(told)
        except AnswerInvalid as error:
            notes.append(Quarantined(locator, str(error)))
    for member in ("Stacks", "StackEvents", "StackResources"):
        for index, one in enumerate(mappings(document, member)):
            where = f"{locator}/{member}/{index}"
            try:
                if member == "Stacks":
                    read = stack(one)
                    of(read.id).stacks.append((where, read))
                elif member == "StackEvents":
                    happened = event(one)
                    of(happened.stack).events.append(happened)
                else:
                    resource = stack_resource(one)
                    of(resource.stack).resources.append((where, resource))
            except AnswerInvalid as error:
                notes.append(Quarantined(where, str(error)))


def _why_not(document: Mapping[str, object]) -> str:
    if "StackResourceSummaries" in document:
        return "it does not say of which stack it is; save what `describe-stack-resources` prints instead"
    return "it is no answer of CloudFormation"


def _documents(path: Path, name: str, notes: list[Quarantined]) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        notes.append(Quarantined(name, "it cannot be read"))
        return
    lines = enumerate(text.splitlines(), 1) if ".jsonl" in path.name else ((0, text),)
    for number, line in lines:
        if not line.strip():
            continue
        locator = f"{name}#L{number}" if number else name
        try:
            found = cast("object", json.loads(line))
        except (ValueError, RecursionError):
            notes.append(Quarantined(locator, "it is no JSON"))
            continue
        for one in cast("list[object]", found) if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield locator, cast("Mapping[str, object]", one)
            else:
                notes.append(Quarantined(locator, "it is no JSON object"))


def _files(root: str) -> dict[str, Path]:
    """Content digest -> file."""
    path = Path(root).expanduser()
    if not path.exists():
        raise SourceDataInvalid(f"there is no {root}", "check `path:`")
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.name.endswith(_ENDINGS))
    if not found:
        raise SourceDataInvalid(f"there is no .json or .jsonl file in {root}", "check `path:`")
    digests: dict[str, Path] = {}
    for one in found:
        try:
            digests.setdefault(blake2b(one.read_bytes(), digest_size=8).hexdigest(), one)
        except OSError as error:
            raise SourceUnavailable(f"{one} cannot be read ({type(error).__name__})", "check its permissions") from None
    return digests


def _name(path: Path, root: str) -> str:
    base = Path(root).expanduser()
    return path.name if base.is_file() else path.relative_to(base).as_posix()
