"""How the tests read what a source said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from graph.clock import Instant, instant
from graph.model import EntityRef, FactBatch
from graph.store import GraphStore, Limits, View
from ingest.redact import redact_batch
from ingest.source import Source
from ingest.sync import Retry, SyncReport, erase, sync
from tests.contracts.source_contract import KEY, NOW


def read(store: GraphStore, source: Source, now: Instant = NOW, attempts: int = 1) -> SyncReport:
    return sync(store, source, now, KEY, retry=Retry(attempts=attempts, sleep=lambda _: None), processes="none")


def put(store: GraphStore, batches: Iterable[FactBatch]) -> None:
    for batch in batches:
        if batch.erased:
            erase(store, batch)
        store.apply(redact_batch(batch, KEY))


def current(store: GraphStore) -> list[dict[str, Any]]:
    """The facts that hold now on the record clock, without when they were recorded."""
    lines = [json.loads(line) for line in store.dump()]
    facts = [f for f in lines if f["line"] == "fact" and f["known_to"] is None]
    shown = [{k: v for k, v in f.items() if k not in ("known_from", "known_to", "line")} for f in facts]
    return sorted(shown, key=lambda fact: json.dumps(fact, sort_keys=True))


def view_of(facts: Sequence[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """(fact, scope, content) of what holds for good: without history and provenance."""
    return {(f["fact"], f["scope"], json.dumps(f["body"])) for f in facts if f["to"] is None}


def properties(store: GraphStore, ref: EntityRef, at: str | None = None) -> dict[str, Any]:
    entity = store.entity(ref, View(as_of=instant(at) if at else None))
    return dict(entity.properties) if entity is not None else {}


def ends(store: GraphStore, ref: EntityRef, kind: str, at: str | None = None) -> set[EntityRef]:
    view = View(as_of=instant(at) if at else None)
    return {r.dst for r in store.neighbours([ref], view, Limits(), types=[kind], direction="out").items}
