"""What the graph is made of: facts, the assertions that state them, and the batches that carry assertions.

A *fact* says what (an entity's properties, a relation, a name, a text). An *assertion* says of a fact since when it
holds, who says so and who may read it. A *batch* is what one source delivers at once; `GraphStore.apply` stores it
whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

from graph.clock import Instant

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value] | None"
"""A JSON value. Floats are finite; strings hold no lone surrogates (the store quarantines what breaks this)."""

Properties: TypeAlias = Mapping[str, Value]

PUBLIC = "public"
"""The label of what everybody may read."""


class EntityRef(str):
    """`Kind:opaque-id`. Stable across re-ingest and stores; never parsed beyond its kind, never shown as a name."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """The entity kind: what stands before the first colon."""
        return self.partition(":")[0]

    @property
    def id(self) -> str:
        """What stands after the first colon."""
        return self.partition(":")[2]


def ref(kind: str, *parts: str) -> EntityRef:
    """The ref of the entity of this kind that these parts identify, in this order.

    A single part that is short and plain (a commit's hash) is kept readable, everything else is hashed.
    """
    if len(parts) == 1 and len(parts[0]) <= 64 and parts[0].isalnum() and parts[0].isascii():
        return EntityRef(f"{kind}:{parts[0]}")
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return EntityRef(f"{kind}:{blake2b(text, digest_size=15).hexdigest()}")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing and what one source says of it. `kind` and which properties are searchable: `graph.schema`."""

    ref: EntityRef
    properties: Properties

    @property
    def key(self) -> str:
        """Identity of the fact, equal across sources and versions."""
        return "e\x1f" + self.ref


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed edge. `discriminator` tells parallel edges of one type between the same two apart (REACHED per environment)."""

    type: str
    src: EntityRef
    dst: EntityRef
    properties: Properties
    discriminator: str = ""

    @property
    def key(self) -> str:
        """Identity of the fact, equal across sources and versions."""
        return f"r\x1f{self.type}\x1f{self.src}\x1f{self.dst}\x1f{self.discriminator}"


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of an entity, true for a time. `scheme` says of what sort: address, path, arn, id, email, login …"""

    ref: EntityRef
    scheme: str
    name: str

    @property
    def key(self) -> str:
        """Identity of the fact, equal across sources and versions."""
        return f"a\x1f{self.ref}\x1f{self.scheme}\x1f{self.name}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that belongs to an entity and is searched in full and by meaning. `slot` names it: message, body, heading-3 …"""

    ref: EntityRef
    slot: str
    text: str

    @property
    def key(self) -> str:
        """Identity of the fact, equal across sources and versions."""
        return f"p\x1f{self.ref}\x1f{self.slot}"

    @property
    def content_hash(self) -> str:
        """What a vector of this text is keyed by, beside the embedder's id."""
        return blake2b(self.text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


Fact: TypeAlias = Entity | Relation | Alias | Passage


@dataclass(frozen=True, slots=True)
class Assertion:
    """One statement of one source about one fact.

    Attributes:
        fact: what is said.
        valid_from: since when it is true in the world (closed).
        observed_at: when the source saw it; decides between two statements of the same `valid_from`.
        locator: where it can be read: `org/name@sha:path#L10-L20`, a permalink, an audit event id.
        valid_to: until when it is stated to be true (open end); None when the source states no end.
        present: False states that the fact does not hold from `valid_from` on.
        label: who may read it; several labels that are all needed are joined by `+` in sorted order.
        url: the same place for a browser, when there is one.
    """

    fact: Fact
    valid_from: Instant
    observed_at: Instant
    locator: str
    valid_to: Instant | None = None
    present: bool = True
    label: str = PUBLIC
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Takes back what this source said of a fact at exactly this `valid_from`: the predecessor holds on instead."""

    fact_key: str
    valid_from: Instant
    label: str = PUBLIC


@dataclass(frozen=True, slots=True)
class Snapshot:
    """States that the batch's assertions are *all* that its source and scope hold at `taken_at`.

    `generation` grows with `taken_at` (a state's serial, a counter); a pair that disagrees with the ledger refuses the batch.
    """

    taken_at: Instant
    generation: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Input that could not become facts: where it is, why, and nothing of its content."""

    locator: str
    reason: str


@dataclass(frozen=True, slots=True)
class FactBatch:
    """What a source delivers at once. Stored in one transaction together with the cursor, or not at all.

    Attributes:
        id: the same id again changes nothing.
        source: the source's registered name (`git`).
        scope: what of it (`org/name`); timelines, cursors and snapshots are per source and scope.
        extractor: name and version of the code that read it; kept in provenance, not part of a fact's identity.
        cursor: where to go on after this batch, opaque to the store; None keeps the stored one.
        fresh_until: the moment up to which the source has been read with this batch, for `status` and coverage.
        erased: keys of facts whose content must go for good (a message that its author deleted). `apply` leaves them alone: whoever
            syncs purges them before, so that nothing is lost between the two.
    """

    id: str
    source: str
    scope: str
    extractor: str
    assertions: Sequence[Assertion] = ()
    withdrawals: Sequence[Withdrawal] = ()
    snapshot: Snapshot | None = None
    cursor: str | None = None
    fresh_until: Instant | None = None
    quarantined: Sequence[Quarantined] = ()
    erased: Sequence[str] = ()
