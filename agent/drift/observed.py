"""What differs, before anything is known of who did it: what a plan's comparison and an inventory's both come down to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agent.drift.model import AttributeDrift, Basis, DriftKind
from graph.clock import Instant
from graph.model import EntityRef, Value

_NONE: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Observed:
    """One instance that is not as it should be.

    Attributes:
        scope: which scan looks for it: `terraform/<root>`, `inventory/<environment>`.
        ref: the instance in the graph; of a plan's instance the graph may not know it yet.
        cloud_refs: further refs that name the same thing, and may not be joined yet.
        since: when the state was last known to be true of it: who changed it did so after that.
        tags, properties: what the inventory says of what is there, for rules that look at a whole thing.
        autoscaled: an autoscaler that is there sets how many of it run.
    """

    kind: DriftKind
    basis: Basis
    scope: str
    ref: EntityRef
    address: str
    type: str
    cloud_refs: tuple[EntityRef, ...] = ()
    environment: str = ""
    repository: str = ""
    directory: str = ""
    cloud_id: str = ""
    attributes: tuple[AttributeDrift, ...] = ()
    since: Instant | None = None
    tags: Mapping[str, Value] | None = None
    properties: Mapping[str, Value] | None = None
    autoscaled: bool = False

    @property
    def attributes_there(self) -> Mapping[str, Value]:
        """Attribute path -> value, as the inventory tells it."""
        told = (self.properties or {}).get("attributes")
        return told if isinstance(told, Mapping) else _NONE


@dataclass(frozen=True, slots=True)
class Rule:
    """What is no drift. Globs; every one must fit, and `*` fits all.

    Attributes:
        name: what it is counted under.
        reason: why this is no drift.
        attribute: of an attribute path. A rule that leaves it at `*` and has no `test` ignores whole instances.
        kinds: changed, missing, unmanaged; empty means any.
        test: name of a test in `agent.drift.noise`, on an attribute or on an unmanaged thing.
    """

    name: str
    reason: str
    type: str = "*"
    address: str = "*"
    attribute: str = "*"
    kinds: tuple[DriftKind, ...] = ()
    environment: str = "*"
    test: str = ""

    def fits(self, observed: Observed) -> bool:
        """Whether it speaks of this instance at all."""
        return (
            (not self.kinds or observed.kind in self.kinds)
            and fits(self.type, observed.type)
            and fits(self.environment, observed.environment)
            and fits(self.address, observed.address)
        )


def fits(pattern: str, text: str) -> bool:
    """A glob where only `*` and `?` mean something: brackets stand in addresses and paths."""
    return pattern == "*" or fnmatchcase(text, pattern.replace("[", "[[]"))
