"""The live inventory: each collection at each place is a sub-scope of its own with complete snapshots.

A collection that could not be read to its end delivers nothing, so that nothing of it ends; the others do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graph.clock import Instant
from graph.model import Assertion, Fact, FactBatch, Quarantined, Snapshot
from ingest.aws_client import Aws, Caller
from ingest.aws_errors import AccessDenied
from ingest.source import SourceDataInvalid, SourceError, SourceUnavailable
from ingest.sources.aws.batches import EXTRACTOR, GLOBAL, SOURCE, cursor_batch, part_of, set_of, tagging
from ingest.sources.aws.collections import ALL
from ingest.sources.aws.facts import account_facts, resource_facts
from ingest.sources.aws.ledger import Ledger, batch_id, facts_digest
from ingest.sources.aws.quotas import quota_facts
from ingest.sources.aws.reading import Reader
from ingest.sources.aws.settings import AwsSettings
from ingest.sources.aws.table import Collection, Place
from ingest.sources.aws.values import item_of, items_at, text_at, texts_at

_HOPELESS = 3
"""So many collections in a row that cannot be reached: then the rest is not tried either."""
_HINTS = 12
"""So many remedies are named at once."""


class Inventory:
    """One pull of the live inventory."""

    def __init__(self, settings: AwsSettings, scope: str, aws: Aws, ledger: Ledger, now: Instant) -> None:
        self._settings = settings
        self._scope = scope
        self._aws = aws
        self._ledger = ledger
        self._now = now
        self._tagging = tagging(settings)
        self._errors: list[SourceError] = []
        self._in_a_row = 0
        self.regions: list[str] = []
        """The regions that are read, known when batches come."""

    def batches(self) -> Iterator[FactBatch]:
        """Snapshots of what changed, and the cursor after each service that did; then raises what went wrong on the way."""
        caller = self._caller()
        reader = Reader(self._aws, caller.account_id, caller.partition)
        self.regions = self._regions()
        yield from self._service([self._account(caller)])
        for region in (GLOBAL, *self.regions):
            for collections in self._by_service(region == GLOBAL):
                yield from self._service([self._collection(reader, c, region, caller) for c in collections])
            if region != GLOBAL:
                yield from self._service([self._quota(service, region, caller) for service in self._settings.quotas])
        self._raise()

    def _caller(self) -> Caller:
        caller = self._aws.caller()
        wanted = self._settings.account_id
        if wanted != caller.account_id:
            raise SourceDataInvalid(
                f"these credentials are of the account {caller.account_id}, not of {wanted}",
                "check account_id, profile and role_arn",
            )
        return caller

    def _regions(self) -> list[str]:
        regions = self._settings.regions or (self._aws.region,)
        if "all" not in regions:
            return list(dict.fromkeys(regions))
        answer = self._aws.call("ec2", "describe_regions", AllRegions=False)
        return sorted(text_at(one, "region_name") for one in items_at(item_of(answer), "regions"))

    def _by_service(self, is_global: bool) -> list[list[Collection]]:
        settings = self._settings
        services: dict[str, list[Collection]] = {}
        for collection in ALL:
            wanted = not settings.services or collection.service in settings.services
            left_out = {collection.service, collection.type} & {*settings.exclude}
            if wanted and not left_out and collection.is_global is is_global:
                services.setdefault(collection.service, []).append(collection)
        return list(services.values())

    # -- sub-scopes

    def _account(self, caller: Caller) -> _Part:
        def read() -> _Told:
            answer, notes = {}, []
            try:
                answer = item_of(self._aws.call("iam", "list_account_aliases"))
            except AccessDenied as error:
                notes = [Quarantined("account", f"{error}; {error.hint}")]
            name = next(iter(texts_at(answer, "account_aliases")), "")
            return [(caller.arn, fact) for fact in account_facts(caller.account_id, name)], notes

        return _Part(f"{caller.account_id}/{GLOBAL}/account", read)

    def _collection(self, reader: Reader, collection: Collection, region: str, caller: Caller) -> _Part:
        place = Place(caller.account_id, "" if region == GLOBAL else region, caller.partition)

        def read() -> _Told:
            reading = reader.read(collection, place.region)
            facts = [
                (one.arn, fact)
                for one in reading.found
                for fact in resource_facts(collection, one.arn, one.item, place, self._tagging)
            ]
            return facts, reading.notes

        return _Part(part_of(collection, caller.account_id, place.region), read)

    def _quota(self, service: str, region: str, caller: Caller) -> _Part:
        place = Place(caller.account_id, region, caller.partition)
        part = f"{caller.account_id}/{region}/service-quotas/{service}"
        return _Part(part, lambda: (list(quota_facts(self._aws, service, place)), []))

    def _service(self, parts: Sequence[_Part]) -> Iterator[FactBatch]:
        """The sub-scopes of one service, and the cursor when there was something new."""
        delivered = False
        for part in parts:
            for batch in self._batch(part):
                delivered = True
                yield batch
        if delivered:
            yield cursor_batch(self._scope, self._ledger)

    def _batch(self, part: _Part) -> Iterator[FactBatch]:
        if part.name in self._ledger.done:
            return
        try:
            told, notes = part.read()
        except SourceError as error:
            self._failed(error)
            return
        self._in_a_row = 0
        self._ledger.done.append(part.name)
        told = sorted(set_of(told), key=lambda pair: (pair[1].key, pair[0]))
        digest = facts_digest([fact for _, fact in told], notes)
        if self._ledger.parts.get(part.name) == digest:
            return
        self._ledger.parts[part.name] = digest
        scope = f"{self._scope}#{part.name}"
        assertions = [Assertion(fact, self._now, self._now, locator) for locator, fact in told]
        yield FactBatch(
            id=batch_id(scope, self._now, notes, assertions=assertions),
            source=SOURCE,
            scope=scope,
            extractor=EXTRACTOR,
            assertions=assertions,
            snapshot=Snapshot(self._now, self._now),
            quarantined=tuple(notes),
        )

    # -- errors

    def _failed(self, error: SourceError) -> None:
        self._errors.append(error)
        self._in_a_row = self._in_a_row + 1 if isinstance(error, SourceUnavailable) else 0
        if self._in_a_row >= _HOPELESS:
            raise error

    def _raise(self) -> None:
        """What can be tried again comes first: the next pull of the same moment reads only what is missing."""
        if not self._errors:
            return
        for error in self._errors:
            if isinstance(error, SourceUnavailable):
                raise error
        first, others = self._errors[0], len(self._errors) - 1
        hints = list(dict.fromkeys(error.hint for error in self._errors))
        raise SourceDataInvalid(
            f"{first}, and {others} more collections could not be read" if others else str(first),
            "; ".join(hints[:_HINTS]) + (" …" if len(hints) > _HINTS else ""),
        )


_Told: TypeAlias = "tuple[list[tuple[str, Fact]], list[Quarantined]]"
"""Facts with their locators, and notes."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A sub-scope and how to read it."""

    name: str
    read: Callable[[], _Told]
