"""What a state, or an inventory, says of a thing last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graph.model import Value
from graph.store import EntityView, Statement

STATES = frozenset({"terraform_state", "pulumi", "cloudformation"})
INVENTORIES = frozenset({"aws", "kubernetes", "azure", "gcp"})
_NONE: Mapping[str, Value] = {}


@dataclass(frozen=True, slots=True)
class Side:
    """What a state, or an inventory, says of a thing last."""

    statement: Statement
    attributes: Mapping[str, Value]


def side_of(thing: EntityView, sources: frozenset[str]) -> Side | None:
    """What these sources say of a thing last; None when they say nothing."""
    told = [s for s in thing.statements if s.provenance.source in sources]
    if not told:
        return None
    last = max(told, key=lambda s: (s.valid_from, s.provenance.source, s.ref))
    return Side(last, attributes_of(last))


def attributes_of(statement: Statement) -> Mapping[str, Value]:
    """Attribute path -> value; empty when none are told."""
    told = statement.properties.get("attributes")
    return told if isinstance(told, Mapping) else _NONE


def last_state(thing: EntityView) -> Statement | None:
    """What a state said of it last."""
    side = side_of(thing, STATES)
    return side.statement if side is not None else None


def last_inventory(thing: EntityView) -> Statement | None:
    """What an inventory said of it last."""
    side = side_of(thing, INVENTORIES)
    return side.statement if side is not None else None
