"""Stacks asked of CloudFormation itself: a stack is read anew when its status or its times changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from graph.clock import Instant
from graph.model import Assertion, FactBatch
from ingest.aws_client import Aws
from ingest.aws_errors import ServiceRefused
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.aws.ledger import facts_digest
from ingest.sources.cloudformation.answers import (
    AnswerInvalid,
    Event,
    Stack,
    event,
    mappings,
    stack,
    stack_resource,
    text,
)
from ingest.sources.cloudformation.batches import (
    Ledger,
    assertion_batches,
    cursor_batch,
    event_batches,
    snapshot_batch,
    told_at,
)
from ingest.sources.cloudformation.change_sets import change_set, plan
from ingest.sources.cloudformation.facts import Belonging, account_facts, belonging, resource_facts, stack_facts
from ingest.sources.cloudformation.settings import CloudFormationSettings

_GONE = ("ValidationError", "ChangeSetNotFound", "ChangeSetNotFoundException", "StackNotFoundException")
"""Codes that CloudFormation answers with when a stack or a change set is no more."""


class Live:
    """One pull of the live account."""

    def __init__(self, settings: CloudFormationSettings, scope: str, aws: Aws, ledger: Ledger, now: Instant) -> None:
        self._settings = settings
        self._scope = scope
        self._aws = aws
        self._ledger = ledger
        self._now = now
        self._errors: list[SourceError] = []

    def batches(self) -> Iterator[FactBatch]:
        """Everything new, the cursor after each stack; then raises what went wrong on the way."""
        account_id = self._aws.caller().account_id
        if self._settings.account_id != account_id:
            raise SourceDataInvalid(
                f"these credentials are of the account {account_id}, not of {self._settings.account_id}",
                "check account_id, profile and role_arn",
            )
        for region in dict.fromkeys(self._settings.regions or (self._aws.region,)):
            try:
                stacks = self._listed(region)
                deleted = self._deleted(region)
            except SourceError as error:
                self._errors.append(error)
                continue
            yield from self._stacks(account_id, region, stacks)
            for one in (*stacks, *deleted):
                yield from self._one(one, region)
            yield from self._gone(f"{account_id}/{region}/", {one.id.part for one in stacks})
        self._raise()

    # -- what there is

    def _listed(self, region: str) -> list[Stack]:
        pages = self._aws.pages("cloudformation", "describe_stacks", region)
        return [_whole(stack, one) for page in pages for one in mappings(page, "Stacks")]

    def _deleted(self, region: str) -> list[Stack]:
        """Those deleted within 90 days, which CloudFormation still knows."""
        pages = self._aws.pages("cloudformation", "list_stacks", region, StackStatusFilter=["DELETE_COMPLETE"])
        return [_whole(stack, one) for page in pages for one in mappings(page, "StackSummaries")]

    def _stacks(self, account_id: str, region: str, stacks: list[Stack]) -> Iterator[FactBatch]:
        told = told_at(account_facts(account_id), self._now, self._now, f"{account_id}/{region}")
        for one in stacks:
            told += told_at(stack_facts(one, self._belonging(one)), self._now, self._now, one.id.arn)
        once = list({a.fact.key: a for a in sorted(told, key=lambda a: (a.fact.key, a.locator))}.values())
        yield from self._snapshot(f"{account_id}/{region}/stacks", once)

    def _snapshot(self, part: str, told: list[Assertion]) -> Iterator[FactBatch]:
        digest = facts_digest([a.fact for a in told])
        if self._ledger.parts.get(part) != digest:
            self._ledger.parts[part] = digest
            yield snapshot_batch(f"{self._scope}#{part}", told, self._now)

    def _gone(self, prefix: str, there: set[str]) -> Iterator[FactBatch]:
        for part in sorted(self._ledger.parts):
            if part.startswith(prefix) and part != f"{prefix}stacks" and part not in there:
                del self._ledger.parts[part]
                yield snapshot_batch(f"{self._scope}#{part}", [], self._now)

    def _belonging(self, one: Stack) -> Belonging:
        return belonging(self._settings, one.id.name, one.tags)

    # -- one stack

    def _one(self, one: Stack, region: str) -> Iterator[FactBatch]:
        if one.id.arn in self._ledger.done:
            return
        try:
            batches = [*self._read(one, region), *(self._plans(one, region) if one.deleted_at is None else ())]
        except SourceError as error:
            self._errors.append(error)
            if isinstance(error, SourceUnavailable) and len(self._errors) > 2:
                raise
            return
        self._ledger.done.append(one.id.arn)
        yield from batches
        if batches:
            yield cursor_batch(self._scope, self._ledger)

    def _read(self, one: Stack, region: str) -> Iterator[FactBatch]:
        mark = f"{one.status} {one.updated_at} {one.deleted_at}"
        if self._ledger.stacks.get(one.id.arn) == mark and not one.status.endswith("_IN_PROGRESS"):
            return
        # A deleted stack is listed without its tags.
        of = self._belonging(one if one.tags or one.status != "DELETE_COMPLETE" else self._described(one, region))
        events = self._events(one, region)
        yield from event_batches(self._scope, one.id, events, of)
        if one.status != "DELETE_COMPLETE":
            yield from self._resources(one, region, of)
        self._ledger.stacks[one.id.arn] = mark

    def _described(self, one: Stack, region: str) -> Stack:
        try:
            answer = self._aws.call("cloudformation", "describe_stacks", region, StackName=one.id.arn)
            return next((_whole(stack, told) for told in mappings(answer, "Stacks")), one)
        except ServiceRefused:
            return one

    def _resources(self, one: Stack, region: str, of: Belonging) -> Iterator[FactBatch]:
        told: list[Assertion] = []
        for page in self._aws.pages("cloudformation", "list_stack_resources", region, StackName=one.id.arn):
            for summary in mappings(page, "StackResourceSummaries"):
                resource = _whole(lambda told: stack_resource(told, one.id), summary)
                if resource.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
                    at = min(resource.at, self._now)
                    told += told_at(resource_facts(resource, of), at, at, f"{one.id.arn}/{resource.logical_id}")
        yield from self._snapshot(one.id.part, list({a.fact.key: a for a in told}.values()))

    def _events(self, one: Stack, region: str) -> list[Event]:
        pages = self._aws.pages("cloudformation", "describe_stack_events", region, StackName=one.id.arn)
        try:
            return [_whole(event, told) for page in pages for told in mappings(page, "StackEvents")]
        except ServiceRefused as error:
            if error.code in _GONE:
                return []
            raise

    def _plans(self, one: Stack, region: str) -> Iterator[FactBatch]:
        if not self._settings.change_sets:
            return
        known = set(self._ledger.change_sets)
        for page in self._aws.pages("cloudformation", "list_change_sets", region, StackName=one.id.arn):
            for summary in mappings(page, "Summaries"):
                id_, status = text(summary, "ChangeSetId"), text(summary, "Status")
                if id_ in known or status.endswith(("_IN_PROGRESS", "_PENDING")) or not id_:
                    continue
                pages = self._described_change_set(id_, one, region)
                if pages:
                    yield from assertion_batches(self._scope, plan(_whole(change_set, pages), self._belonging(one)))
                known.add(id_)
        self._ledger.change_sets = sorted(known)

    def _described_change_set(self, id_: str, one: Stack, region: str) -> list[Mapping[str, object]]:
        parameters = {"ChangeSetName": id_, "StackName": one.id.arn}
        try:
            return list(self._aws.pages("cloudformation", "describe_change_set", region, **parameters))
        except ServiceRefused as error:
            if error.code in _GONE:
                return []
            raise

    def _raise(self) -> None:
        for error in self._errors:
            if isinstance(error, SourceUnavailable):
                raise error
        if self._errors:
            raise self._errors[0]


_Told = TypeVar("_Told")
_Read = TypeVar("_Read")


def _whole(read: Callable[[_Told], _Read], told: _Told) -> _Read:
    """What is read of it. A list with a member that cannot be read is not the whole list: nothing may end by it."""
    try:
        return read(told)
    except AnswerInvalid as error:
        raise SourceUnavailable(
            f"CloudFormation answered with what cannot be read: {error}", "try again later; check endpoint_url"
        ) from None
