"""Destroying content: versions, texts, names, index entries, vectors. What stays is a digest, a reason and numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from graph.bm25 import ENTRY, passage_terms
from graph.rows import RELATION, parse_key
from graph.store import PurgeReceipt, PurgeSelector
from graph.stores import cypher
from graph.stores.neo4j_connection import Connection, Transaction, batched
from graph.stores.neo4j_read import storable
from graph.stores.neo4j_rows import RELATIONSHIPS, node_key
from graph.stores.neo4j_texts import PART, posting_term
from graph.stores.neo4j_tombstones import digests

TIMELINES = 5_000
"""Timelines destroyed in one transaction."""

REMAINS = (
    "Neo4j's transaction logs, and backups, keep the content until they are pruned: "
    "see db.tx_log.rotation.retention_policy."
)


def purge(connection: Connection, selector: PurgeSelector, reason: str) -> PurgeReceipt:
    """Leave the tombstones, then destroy what is selected, some at a time; running it again finishes what was interrupted."""
    salt: bytes = connection.read(cypher.SALT, {})[0][0]
    marks = digests(salt, selector)

    def remember(transaction: Transaction) -> None:
        transaction.run(cypher.LOCK_CLOCK)
        transaction.run(cypher.ADD_TOMBSTONES, digests=marks, reason=reason)

    connection.write(remember, again=False)
    versions = 0
    for some in batched(sorted(_selected(connection, selector)), TIMELINES):
        versions += connection.write(lambda transaction, some=some: _destroy(transaction, some))
    return PurgeReceipt(versions, REMAINS)


def _selected(connection: Connection, selector: PurgeSelector) -> set[int]:
    """The timelines of all that is selected."""
    refs = [node_key(ref) for ref in selector.refs if storable(ref)]
    rows = connection.read(cypher.TIMELINES_OF_REFS, {"refs": refs}) if refs else []
    for fact_key in selector.fact_keys:
        key = parse_key(fact_key, "") if storable(fact_key) else None
        if key is not None:
            relationships = ["SRC", "SAME_SRC"] if key.form == RELATION else [RELATIONSHIPS[key.form]]
            wanted = {
                "ref": node_key(key.ref),
                "relationships": relationships,
                "type": key.type,
                "other": key.other,
                "discriminator": key.discriminator,
            }
            rows += connection.read(cypher.TIMELINES_OF_FACT, wanted)
    if selector.source is not None or selector.scope is not None:
        rows += connection.read(cypher.TIMELINES_OF_SCOPE, {"source": selector.source, "name": selector.scope})
    return {number for (number,) in rows}


def _destroy(transaction: Transaction, timelines: Sequence[int]) -> int:
    """Destroy timelines with all that hangs on them; returns the number of their versions."""
    transaction.run(cypher.LOCK_CLOCK)
    texts = transaction.rows(cypher.TEXTS_OF_TIMELINES, timelines=timelines)
    _forget_words(transaction, texts)
    versions, refs = transaction.rows(cypher.DELETE_TIMELINES, timelines=timelines)[0]
    transaction.run(cypher.DELETE_BARE_REFS, refs=refs)
    if texts:
        transaction.run(cypher.DELETE_BARE_VECTORS, hashes=list({key for _, _, key, _ in texts}))
    return int(versions)


def _forget_words(transaction: Transaction, texts: Sequence[Sequence[Any]]) -> None:
    """Take texts (label, number, hash, text) out of the posting lists and statistics."""
    if not texts:
        return
    labels = {label: number for label, number, _, _ in transaction.rows(cypher.LABELS)}
    gone: dict[tuple[str, int], set[int]] = defaultdict(set)
    statistics: dict[str, list[int]] = {}
    for label, number, _, text in texts:
        counts, length = passage_terms(text)
        for token in counts:
            gone[(posting_term(labels[label], token), number // PART)].add(number)
        statistics.setdefault(label, [0, 0])
        statistics[label][0] += 1
        statistics[label][1] += length
    keys = sorted(gone)
    for some in batched(keys, TIMELINES):
        asked = [[place, *key] for place, key in enumerate(some)]
        kept: list[list[object]] = []
        emptied: list[list[object]] = []
        for place, entries in transaction.rows(cypher.READ_POSTINGS, rows=asked):
            numbers = gone[some[place]]
            rest = b"".join(
                entries[at : at + ENTRY.size]
                for at in range(0, len(entries), ENTRY.size)
                if ENTRY.unpack_from(entries, at)[0] not in numbers
            )
            (kept if rest else emptied).append([*some[place], rest])
        transaction.run(cypher.WRITE_POSTINGS, rows=kept)
        transaction.run(cypher.DELETE_POSTINGS, rows=emptied)
    transaction.run(cypher.UNCOUNT_TEXTS, rows=[[node_key(label), *counted] for label, counted in statistics.items()])
