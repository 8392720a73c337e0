"""From the inbox into the graph: deliveries are read, redacted, put together by source and scope, and applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from api.inbox import Inbox, Pending
from api.signatures import SENDERS
from graph.model import FactBatch
from graph.store import GraphStore
from ingest.redact import redact_batch, redact_text
from ingest.registry import webhook_reader
from ingest.source import SourceDataInvalid
from ingest.sync import erase

CHUNK = 500
"""Deliveries that are taken from the inbox at once; together they make few large batches, which Neo4j needs."""


def drain(
    inbox: Inbox, store: GraphStore, settings: Mapping[str, Mapping[str, object]], redact_key: bytes, most: int = CHUNK
) -> int:
    """Work off the oldest deliveries; how many were taken. Killed in between, the same deliveries are worked off again, to no other effect.

    Raises:
        GraphError: the store cannot be written; the deliveries stay.
    """
    waiting = inbox.pending(most)
    batches: list[FactBatch] = []
    done: list[int] = []
    failed: dict[int, str] = {}
    for one in waiting:
        try:
            batches += [redact_batch(b, redact_key) for b in _read(one, settings.get(one.sender, {}))]
            done.append(one.number)
        except SourceDataInvalid as error:
            failed[one.number] = redact_text(str(error))
    for batch in together(batches):
        if batch.erased:
            erase(store, batch)
        store.apply(batch)
    inbox.done(done)
    for number, problem in failed.items():
        inbox.failed(number, problem)
    return len(waiting)


def together(batches: Sequence[FactBatch]) -> list[FactBatch]:
    """Batches of the same source and scope as one; its id follows from theirs.

    Batches with a cursor or a snapshot stay as they are. The same batch twice counts once, and the order of arrival does not show: the
    same deliveries put together in another order make the same batch.
    """
    batches = sorted({b.id: b for b in reversed(batches)}.values(), key=lambda b: b.id)
    grouped: dict[tuple[str, str, str], list[FactBatch]] = {}
    whole: list[FactBatch] = []
    for batch in batches:
        if batch.cursor is not None or batch.snapshot is not None:
            whole.append(batch)
        else:
            grouped.setdefault((batch.source, batch.scope, batch.extractor), []).append(batch)
    for some in grouped.values():
        ids = list(dict.fromkeys(b.id for b in some))
        if len(ids) == 1:
            whole.append(some[0])
            continue
        fresh = [b.fresh_until for b in some if b.fresh_until is not None]
        whole.append(
            replace(
                some[0],
                id=blake2b("\n".join(sorted(ids)).encode(), digest_size=16).hexdigest(),
                assertions=[a for b in some for a in b.assertions],
                withdrawals=[w for b in some for w in b.withdrawals],
                quarantined=[q for b in some for q in b.quarantined],
                erased=[key for b in some for key in b.erased],
                fresh_until=max(fresh, default=None),
            )
        )
    return whole


def _read(one: Pending, settings: Mapping[str, object]) -> Sequence[FactBatch]:
    reader = webhook_reader(SENDERS[one.sender].source)
    if reader is None:
        return ()
    known = {name: value for name, value in settings.items() if name not in ("secret", "topics")}
    return reader(one.delivery, known)
