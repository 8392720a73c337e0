"""The costs source: what the clouds bill, by what it is for and by day."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from graph.clock import Instant
from graph.model import Assertion, Entity, EntityRef, FactBatch, Quarantined, Withdrawal
from ingest.source import SourceDataInvalid
from ingest.sources.costs.adding import Adder, Slice
from ingest.sources.costs.bills import Bill, find_bills
from ingest.sources.costs.doc import DOC
from ingest.sources.costs.facts import month_bounds, slice_facts
from ingest.sources.costs.settings import CostsSettings
from ingest.sources.costs.tables import FileRefused, file_lines
from ingest.sources.deployments.batching import BATCH_ASSERTIONS

if TYPE_CHECKING:
    from ingest.aws_client import Aws

__all__ = ["DOC", "CostsSettings", "CostsSource"]

EXTRACTOR = "costs/1"
_EXPLORER = "cost-explorer"
_MOST_REFUSED = 200
_SLICES_KEPT = 400
_REF_BYTES = 15


class _Told(msgspec.Struct, array_like=True):
    """What was said of a slice: from which bill, and of which items (15 bytes each, in base 64)."""

    bill: str
    items: str


class _Ledger(msgspec.Struct):
    """The cursor's content.

    Attributes:
        settings: digest of the settings that decide what is said.
        bills: id -> digest of what was read of it.
        refused: bills that could not be read, id -> why.
        slices: `provider payer month`, joined -> what was said of it.
    """

    settings: str = ""
    bills: dict[str, str] = {}
    refused: dict[str, str] = {}
    slices: dict[str, _Told] = {}


class CostsSource:
    """Reads bills. `aws` stands in for the client in tests."""

    name = "costs"

    def __init__(self, settings: CostsSettings, aws: Aws | None = None) -> None:
        self._settings = settings
        self._aws = aws

    @property
    def scope(self) -> str:
        """The name of the settings."""
        return self._settings.name

    def pull(self, cursor: str | None, now: Instant) -> Iterator[FactBatch]:
        """See `Source.pull`. A bill that cannot be read whole is quarantined, and what was said of its months before stays."""
        settings = self._settings
        if not settings.path and not settings.cost_explorer:
            raise SourceDataInvalid(
                "the source costs has neither a `path` nor `cost_explorer: true`",
                "name the directory that bills are exported to, or let the Cost Explorer API be asked",
            )
        run = _Run(settings, self._ledger(cursor), now)
        if settings.path:
            yield from run.read_files(find_bills(settings.path, settings.layout))
        if settings.cost_explorer:
            yield from run.read_explorer(self._client())
        yield run.last()
        if settings.path and not settings.cost_explorer:
            run.raise_if_nothing()

    def _client(self) -> Aws:
        if self._aws is None:
            from ingest.aws_client import Aws, access_of

            self._aws = Aws(access_of(self._settings))
        return self._aws

    def _ledger(self, cursor: str | None) -> _Ledger:
        try:
            return msgspec.json.decode(cursor, type=_Ledger) if cursor else _Ledger()
        except msgspec.DecodeError:
            raise SourceDataInvalid(
                f"the cursor of {self.scope} is not one of this source",
                "purge this source and scope, then read it again",
            ) from None


class _Run:
    """One pull."""

    def __init__(self, settings: CostsSettings, ledger: _Ledger, now: Instant) -> None:
        self._settings = settings
        self._ledger = ledger
        self._now = now
        self._quarantined: list[Quarantined] = []
        self._present: list[str] = []
        shape = blake2b(repr((EXTRACTOR, _shape(settings))).encode(), digest_size=8).hexdigest()
        if ledger.settings != shape:
            ledger.settings, ledger.bills, ledger.refused = shape, {}, {}

    # -- files

    def read_files(self, bills: Sequence[Bill]) -> Iterator[FactBatch]:
        """What is new in bills, newest first: a month that a newer one tells is not taken from an older one."""
        self._present = [b.id for b in bills]
        self._ledger.bills = {i: d for i, d in self._ledger.bills.items() if i in self._present or i == _EXPLORER}
        self._ledger.refused = {i: r for i, r in self._ledger.refused.items() if i in self._present}
        rank = {bill.id: i for i, bill in enumerate(bills)}
        for bill in bills:
            digest = bill.digest()
            if self._ledger.bills.get(bill.id) == digest:
                continue
            self._ledger.bills[bill.id] = digest
            self._ledger.refused.pop(bill.id, None)
            adder = self._added(bill)
            if adder is None:
                continue
            mine = [
                of
                for of in sorted(adder.slices)
                if (told := self._ledger.slices.get(_joined(of))) is None
                or rank.get(told.bill, len(bills)) >= rank[bill.id]
            ]
            yield from self._told(bill.id, adder, mine)

    def _added(self, bill: Bill) -> Adder | None:
        adder = Adder(self._settings)
        for file in bill.files:

            def refused(place: str, reason: str, path: str = file.path) -> None:
                if len(self._quarantined) < _MOST_REFUSED:
                    self._quarantined.append(Quarantined(f"{path}#{place}", reason))

            try:
                for line in file_lines(file.file, self._settings.basis, refused):
                    adder.add(line)
            except FileRefused as error:
                reason = str(error)
            except OSError as error:
                reason = f"it cannot be read: {error.strerror or 'an error of the disk'}"
            else:
                continue
            self._ledger.refused[bill.id] = reason
            self._quarantined.append(Quarantined(file.path, f"{reason}; nothing of this bill was taken over"))
            return None
        return adder

    def raise_if_nothing(self) -> None:
        """Raises `SourceDataInvalid` where no bill could be read."""
        refused = self._ledger.refused
        if refused and set(refused) >= set(self._present):
            path, reason = min(refused.items())
            raise SourceDataInvalid(
                f"the bill {path} cannot be read: {reason}",
                "give an AWS Cost and Usage Report, a FOCUS export, a BigQuery billing export or an Azure cost export",
            )

    # -- Cost Explorer

    def read_explorer(self, aws: Aws) -> Iterator[FactBatch]:
        """Months that are not final, and those never asked for."""
        from ingest.sources.costs.explorer import is_final, month_lines, months

        account = aws.caller().account_id
        done = frozenset(self._ledger.bills.get(_EXPLORER, "").split())
        for month, since, until in months(self._now, self._settings.days, done):
            adder = Adder(self._settings)
            for line in month_lines(aws, self._settings, account, since, until):
                adder.add(line)
            if is_final(month, self._now):
                done |= {month}
            self._ledger.bills[_EXPLORER] = " ".join(sorted(done))
            yield from self._told(_EXPLORER, adder, sorted(adder.slices))

    # -- out

    def _told(self, bill: str, adder: Adder, slices: Sequence[Slice]) -> Iterator[FactBatch]:
        """The facts of slices; the cursor comes with the last batch, so that a bill is taken over whole or again."""
        facts: list[Assertion] = []
        withdrawn: list[Withdrawal] = []
        for of in slices:
            begins, _ = month_bounds(of.month)
            items: list[EntityRef] = []
            locator = bill if bill == _EXPLORER else f"{bill}#{of.month}"
            for item, told in slice_facts(
                self._settings.name, of, adder.slices[of], self._settings.basis, locator, self._now
            ):
                items.append(item)
                facts += told
                if len(facts) >= BATCH_ASSERTIONS:
                    yield self._batch(facts, [])
                    facts = []
            before = self._ledger.slices.get(_joined(of))
            gone = _unpacked(before.items) - set(items) if before is not None else set[EntityRef]()
            withdrawn += [Withdrawal(Entity(item, {}).key, begins) for item in sorted(gone)]
            self._ledger.slices[_joined(of)] = _Told(bill, _packed(items))
        if adder.folded:
            reason = f"more than {self._settings.max_items} items a month: {adder.folded} lines were added up without their resource"
            self._quarantined.append(Quarantined(bill, reason))
        if facts or withdrawn:
            yield self._batch(facts, withdrawn, cursor=True)

    def last(self) -> FactBatch:
        """The batch that says how far was read."""
        return self._batch([], [], cursor=True, fresh_until=self._now)

    def _batch(
        self,
        facts: list[Assertion],
        withdrawn: list[Withdrawal],
        *,
        cursor: bool = False,
        fresh_until: Instant | None = None,
    ) -> FactBatch:
        quarantined, self._quarantined = tuple(self._quarantined), []
        kept = self._cursor() if cursor else None
        digest = blake2b(digest_size=16)
        for part in (self._settings.name, kept, fresh_until, *facts, *withdrawn, *quarantined):
            digest.update(repr(part).encode("utf-8", "surrogatepass") + b"\x1f")
        return FactBatch(
            id=f"costs:{digest.hexdigest()}",
            source="costs",
            scope=self._settings.name,
            extractor=EXTRACTOR,
            assertions=tuple(facts),
            withdrawals=tuple(withdrawn),
            cursor=kept,
            fresh_until=fresh_until,
            quarantined=quarantined,
        )

    def _cursor(self) -> str:
        slices = self._ledger.slices
        if len(slices) > _SLICES_KEPT:
            newest = sorted(slices, key=lambda s: s.rpartition("\x1f")[2])[-_SLICES_KEPT:]
            self._ledger.slices = {s: slices[s] for s in newest}
        return msgspec.json.encode(self._ledger, order="sorted").decode()


def _shape(settings: CostsSettings) -> tuple[object, ...]:
    return (
        settings.name,
        settings.basis,
        sorted(settings.environments.items()),
        settings.environment_tag,
        settings.team_tag,
        settings.service_tag,
        settings.tags,
        settings.max_items,
        settings.layout,
        settings.group_by,
    )


def _joined(of: Slice) -> str:
    return "\x1f".join(of)


def _packed(items: Sequence[EntityRef]) -> str:
    return base64.b85encode(b"".join(bytes.fromhex(i.id) for i in items)).decode()


def _unpacked(text: str) -> set[EntityRef]:
    data = base64.b85decode(text)
    return {EntityRef(f"CostItem:{data[i : i + _REF_BYTES].hex()}") for i in range(0, len(data), _REF_BYTES)}
