"""A credential as a source of them tells it, and the snapshots that many of them make.

Inventories tell what is, and some of when it came to be. A version holds from the latest moment that it speaks of (made, rotated, last used);
when something changed of which no time is told, from when it was seen. So the past never holds what became known later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from graph.clock import Instant
from graph.model import Assertion, Fact, FactBatch, Quarantined, Snapshot

SOURCE = "secrets"
EXTRACTOR = "secrets/1"


@dataclass(frozen=True, slots=True)
class Item:
    """A credential.

    Attributes:
        key: names it within its part: ARN, key id, serial number with issuer, namespace and name.
        facts: the credential, its names and relations.
        since: the latest moment that the facts speak of; None when they tell no time.
        locator: where it was read.
    """

    key: str
    facts: Sequence[Fact]
    since: Instant | None
    locator: str


class Known(msgspec.Struct, array_like=True):
    """An item as it was told last: digest of its facts, and since when they hold."""

    digest: str
    since: Instant


class Part(msgspec.Struct, array_like=True):
    """A part of the inventory as it was told last: what it held by the mark of its key, and what was left out of it."""

    digest: str = ""
    items: dict[str, Known] = {}


class Ledger(msgspec.Struct):
    """The cursor's content: parts by name."""

    parts: dict[str, Part] = {}

    @classmethod
    def load(cls, cursor: str | None) -> Ledger:
        """The ledger of a cursor; an empty one for none. Raises `msgspec.DecodeError` when it is no cursor of this source."""
        return msgspec.json.decode(cursor, type=Ledger) if cursor else Ledger()

    def dump(self) -> str:
        """The cursor; equal ledgers give equal texts."""
        return msgspec.json.encode(self, order="sorted").decode()


def snapshot(
    scope: str, part: str, items: Sequence[Item], broken: Sequence[Quarantined], ledger: Ledger, now: Instant
) -> FactBatch | None:
    """All that a part holds, and the ledger with it; None when it is what was told before."""
    known = ledger.parts.get(part, Part())
    told = Part(items={_mark(item.key): _told(item, known, now) for item in items})
    told.digest = _digest(sorted((k, v.digest) for k, v in told.items.items()), broken)
    if told.digest == known.digest:
        return None
    ledger.parts[part] = told
    assertions: list[Assertion] = []
    for item in items:
        since = told.items[_mark(item.key)].since
        assertions += [Assertion(fact, since, now, item.locator) for fact in item.facts]
    return FactBatch(
        id=_digest(scope, part, now, told.digest),
        source=SOURCE,
        scope=f"{scope}#{part}",
        extractor=EXTRACTOR,
        assertions=assertions,
        snapshot=Snapshot(now, now),
        quarantined=tuple(broken),
    )


def _told(item: Item, part: Part, now: Instant) -> Known:
    digest = _digest(*item.facts)
    known = part.items.get(_mark(item.key))
    if known is not None and known.digest == digest:
        return known
    since = min(item.since, now) if item.since is not None else None
    if since is None or (known is not None and since <= known.since):
        since = now
    return Known(digest, since)


def _mark(key: str) -> str:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _digest(*parts: object) -> str:
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
