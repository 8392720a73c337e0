"""From what several sources state to one thing as read: kept apart in `statements`, merged in `properties`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graph.merge import OPEN, Row
from graph.model import EntityRef, Properties, Value
from graph.rows import decode_properties
from graph.store import EntityView, Provenance, RelationView, Statement


def statement(ref: EntityRef, row: Row, source: str, scope: str, label: str) -> Statement:
    """One source's version of an entity or relation, from its (coalesced) row."""
    return Statement(
        ref,
        decode_properties(row.body),
        row.valid_from,
        None if row.valid_to == OPEN else row.valid_to,
        label,
        provenance(row, source, scope),
    )


def provenance(row: Row, source: str, scope: str) -> Provenance:
    """Where a row comes from."""
    return Provenance(source, scope, row.locator, row.observed_at, row.url, row.extractor)


def preferred(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Statements with the one that a merge believes first: newest `valid_from`, then source, scope, label and ref."""
    return tuple(sorted(statements, key=_preference))


def merged(statements: Sequence[Statement]) -> Properties:
    """Each property as the first statement that has it says (statements in order of preference)."""
    if len(statements) == 1:
        return statements[0].properties
    properties: dict[str, Value] = {}
    for one in reversed(statements):
        properties.update(one.properties)
    return properties


def entity_view(ref: EntityRef, refs: Iterable[EntityRef], statements: Iterable[Statement]) -> EntityView:
    """The joined thing, as asked for by one of its refs."""
    ordered = preferred(statements)
    return EntityView(ref, tuple(sorted(refs)), merged(ordered), ordered)


def relation_view(
    type_: str, src: EntityRef, dst: EntityRef, discriminator: str, statements: Sequence[Statement]
) -> RelationView:
    """The edge with what each source says of it."""
    ordered = tuple(statements) if len(statements) == 1 else preferred(statements)
    return RelationView(type_, src, dst, discriminator, merged(ordered), ordered)


def _preference(one: Statement) -> tuple[int, str, str, str, str]:
    return (-one.valid_from, one.provenance.source, one.provenance.scope, one.label, one.ref)
