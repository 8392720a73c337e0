"""Tombstones: what was purged and may not come back, remembered without its content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from graph.merge import Row
from graph.rows import RELATION, TimelineKey
from graph.store import PurgeSelector
from graph.stores import cypher
from graph.stores.neo4j_connection import Transaction, batched


def without_purged(
    transaction: Transaction,
    salt: bytes,
    statements: Mapping[TimelineKey, Sequence[Row]],
    source: str,
    scope: str,
) -> Mapping[TimelineKey, Sequence[Row]]:
    """The statements but those about something purged."""
    of_scope = {_of_scope(salt, *pair) for pair in ((source, scope), (source, None), (None, scope))}
    digests: dict[TimelineKey, set[str]] = {}
    for key in statements:
        digests[key] = {_digest(salt, "r", key.ref), _digest(salt, "f", key.fact_key)}
        if key.form == RELATION:
            digests[key].add(_digest(salt, "r", key.other))
    asked = sorted(of_scope.union(*digests.values()))
    hit = {digest for some in batched(asked, 10_000) for (digest,) in transaction.rows(cypher.TOMBSTONES, digests=some)}
    if not hit:
        return statements
    if hit & of_scope:
        return {}
    return {key: rows for key, rows in statements.items() if hit.isdisjoint(digests[key])}


def digests(salt: bytes, selector: PurgeSelector) -> list[str]:
    """The tombstones that a purge leaves."""
    found = [_digest(salt, "r", ref) for ref in selector.refs]
    found += [_digest(salt, "f", fact_key) for fact_key in selector.fact_keys]
    if selector.source is not None or selector.scope is not None:
        found.append(_of_scope(salt, selector.source, selector.scope))
    return found


def _of_scope(salt: bytes, source: str | None, scope: str | None) -> str:
    return _digest(salt, "s", _part(source) + _part(scope))


def _digest(salt: bytes, sort: str, text: str) -> str:
    return blake2b(f"{sort}{text}".encode("utf-8", "surrogatepass"), digest_size=16, key=salt).hexdigest()


def _part(text: str | None) -> str:
    return "*" if text is None else f"{len(text)}:{text}"
