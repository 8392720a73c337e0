"""From a source into a store: cursor, pull, redact, apply, batch by batch; what is transient is tried again.

Killed at any moment nothing is half done: a batch and its cursor are one transaction, and the next run goes on from the cursor.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from graph.clock import Instant
from graph.errors import GraphError, StoreUnavailable
from graph.model import Entity, FactBatch
from graph.schema import KINDS
from graph.store import GraphStore, PurgeSelector, Receipt
from ingest.extraction import Processes, extract, fewer_collections
from ingest.redact import redact_text
from ingest.source import Source, SourceError, SourceUnavailable

_Result = TypeVar("_Result")
_CHANGE_KINDS = frozenset(kind.name for kind in KINDS.values() if kind.change)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is. `changes` counts commits, state versions and other change entities among the assertions."""

    source: str
    scope: str
    batches: int = 0
    assertions: int = 0
    changes: int = 0
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. With an `error` it stopped there; everything before is stored, and the next sync goes on from it.

    Attributes:
        batches, assertions, changes: delivered by the source, those that the store knew already included.
        applied: batches the store did not know.
        rows_written: rows the store wrote for them.
        quarantined: items of input that could not be read.
        retries: how often something transient was tried again.
        error: why it stopped, None when it finished. It carries a `hint` unless it is a defect.
    """

    source: str
    scope: str
    batches: int = 0
    assertions: int = 0
    changes: int = 0
    applied: int = 0
    rows_written: int = 0
    quarantined: int = 0
    retries: int = 0
    elapsed_s: float = 0.0
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """When to try again. `attempts` in a row without a batch stored, then the error is final.

    The n-th wait is `first_s` · 2ⁿ, at most `longest_s`, varied by up to a quarter so that many readers do not come back at once; a
    server's own `retry_after_s` is a minimum. Where that exceeds `patience_s` the error is final at once: the next sync comes later.
    """

    attempts: int = 5
    first_s: float = 0.5
    longest_s: float = 60.0
    patience_s: float = 900.0
    sleep: Callable[[float], None] = time.sleep

    def wait_s(self, failures: int, retry_after_s: float | None) -> float | None:
        """How long to wait after so many failures in a row; None to give up."""
        if failures >= self.attempts or (retry_after_s or 0.0) > self.patience_s:
            return None
        backoff = min(self.first_s * 2 ** (failures - 1), self.longest_s)
        return max(backoff * random.uniform(0.75, 1.25), retry_after_s or 0.0)


def sync(
    store: GraphStore,
    source: Source,
    now: Instant,
    redact_key: bytes,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    retry: Retry | None = None,
    processes: Processes = "auto",
) -> SyncReport:
    """Bring the store up to what the source says at `now`.

    Args:
        store: used from the calling thread only.
        source: pulled in a process of its own where that is safe (`ingest.extraction`).
        now: the moment of this sync, for freshness.
        redact_key: keys the digests that stand for secrets; the same for the whole life of a store.
        on_progress: called after each batch, in the calling thread.
        retry: when to try again what is transient; the default waits about ten seconds in all.
        processes: whether the source is read in another process.

    Returns:
        What was done. Errors of the source and of the store are in the report; what is neither (a defect, an interrupt) is raised.
    """
    try:
        run = _Run(store, source, now, redact_key, on_progress, retry or Retry(), processes)
    except SourceError as error:  # nothing is there to take a scope from
        return SyncReport(source.name, "", error=_without_secrets(error))
    try:
        with fewer_collections():
            run.to_end()
    except (SourceError, GraphError) as error:
        return run.report(_without_secrets(error))
    return run.report(None)


def sync_all(
    store: GraphStore,
    sources: Sequence[Source],
    now: Instant,
    redact_key: bytes,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    retry: Retry | None = None,
    processes: Processes = "auto",
) -> list[SyncReport]:
    """`sync` each source in turn; one that fails, even by a defect of its own, leaves the others alone. Reports in the same order."""
    reports: list[SyncReport] = []
    for source in sources:
        try:
            reports.append(sync(store, source, now, redact_key, on_progress, retry=retry, processes=processes))
        except Exception as error:
            reports.append(SyncReport(source.name, _scope(source), error=_without_secrets(error)))
    return reports


def _scope(source: Source) -> str:
    """The source's scope, or nothing where it cannot tell."""
    try:
        return source.scope
    except SourceError:
        return ""


class _Run:
    """One sync of one source: counts, and the failures since the last batch that was stored."""

    def __init__(
        self,
        store: GraphStore,
        source: Source,
        now: Instant,
        redact_key: bytes,
        on_progress: Callable[[Progress], None] | None,
        retry: Retry,
        processes: Processes,
    ) -> None:
        self._store = store
        self._source = source
        self._now = now
        self._key = redact_key
        self._on_progress = on_progress
        self._retry = retry
        self._processes: Processes = processes
        self._started = time.monotonic()
        self._failures = 0
        self._counts = SyncReport(source.name, source.scope)

    def report(self, error: Exception | None) -> SyncReport:
        return replace(self._counts, elapsed_s=time.monotonic() - self._started, error=error)

    def to_end(self) -> None:
        while True:
            try:
                self._pull_once()
                return
            except SourceUnavailable as error:
                self._wait(error, error.retry_after_s)

    def _pull_once(self) -> None:
        cursor = self._patiently(lambda: self._store.cursor(self._source.name, self._source.scope))
        with closing(extract(self._source, cursor, self._now, self._key, self._processes)) as batches:
            for batch in batches:
                if batch.erased:
                    self._patiently(lambda batch=batch: erase(self._store, batch))
                receipt = self._patiently(lambda batch=batch: self._store.apply(batch))
                self._failures = 0
                self._count(batch, receipt)

    def _patiently(self, action: Callable[[], _Result]) -> _Result:
        while True:
            try:
                return action()
            except StoreUnavailable as error:
                self._wait(error, None)

    def _wait(self, error: Exception, retry_after_s: float | None) -> None:
        self._failures += 1
        wait_s = self._retry.wait_s(self._failures, retry_after_s)
        if wait_s is None:
            raise error
        self._counts = replace(self._counts, retries=self._counts.retries + 1)
        self._retry.sleep(wait_s)

    def _count(self, batch: FactBatch, receipt: Receipt) -> None:
        counts = self._counts
        changes = sum(1 for a in batch.assertions if isinstance(a.fact, Entity) and a.fact.ref.kind in _CHANGE_KINDS)
        self._counts = counts = replace(
            counts,
            batches=counts.batches + 1,
            assertions=counts.assertions + len(batch.assertions),
            changes=counts.changes + changes,
            applied=counts.applied + receipt.applied,
            rows_written=counts.rows_written + receipt.rows_written,
            quarantined=counts.quarantined + (len(batch.quarantined) if receipt.applied else 0),
        )
        if self._on_progress is not None:
            elapsed_s = time.monotonic() - self._started
            self._on_progress(
                Progress(counts.source, counts.scope, counts.batches, counts.assertions, counts.changes, elapsed_s)
            )


def erase(store: GraphStore, batch: FactBatch) -> None:
    """Destroy what the batch says must go. Before the batch is applied: killed in between, the next sync does both again."""
    store.purge(PurgeSelector(fact_keys=tuple(batch.erased)), f"deleted at its source, {batch.source} {batch.scope}")


def _without_secrets(error: Exception) -> Exception:
    """The error with its words redacted: a URL with a login may be in them."""
    error.args = tuple(redact_text(a) if isinstance(a, str) else a for a in cast("tuple[object, ...]", error.args))
    if isinstance(error, (SourceError, GraphError)):
        error.hint = redact_text(error.hint)
    return error
