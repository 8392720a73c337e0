"""A plan's resources as the mappings to prices see them: their values, where they are, and which of the plan's resources they speak of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import cast

from agent.cost.usage import LARGEST

_INDEX = re.compile(r"\[[^\]]*\]")


class Values:
    """Attributes of a resource or of a block in it. What is unknown until the apply, sensitive, or of another type than asked for counts as not told."""

    __slots__ = ("_told", "_unknown")

    def __init__(self, told: Mapping[str, object] | None = None, unknown: Mapping[str, object] | None = None) -> None:
        self._told = told or {}
        self._unknown = unknown or {}

    def text(self, name: str, default: str = "") -> str:
        """A text; the default when none is told."""
        value = self._told.get(name)
        return value if isinstance(value, str) and value else default

    def number(self, name: str) -> Decimal | None:
        """A number, also one written as text; None when none is told."""
        value = self._told.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return None
        try:
            told = Decimal(str(value))
        except InvalidOperation:
            return None
        return told if told.is_finite() and abs(told) < LARGEST else None

    def flag(self, name: str) -> bool:
        """Whether it is told to be true."""
        return self._told.get(name) in (True, "true")

    def denied(self, name: str) -> bool:
        """Whether it is told to be false."""
        return self._told.get(name) in (False, "false")

    def told(self, name: str) -> bool:
        """Whether there is a value."""
        return self._told.get(name) not in (None, "", [], {})

    def unknown(self, name: str) -> bool:
        """Whether it is known only after the apply."""
        return self._unknown.get(name) is True

    def block(self, name: str) -> Values:
        """The one block of this name, or an object; without values when there is none."""
        found = self.blocks(name)
        return found[0] if found else Values()

    def blocks(self, name: str) -> list[Values]:
        """The blocks of this name, in order."""
        value, unknown = self._told.get(name), self._unknown.get(name)
        if isinstance(value, dict):
            return [Values(cast("dict[str, object]", value), _mapping(unknown))]
        if not isinstance(value, list):
            return []
        places = cast("list[object]", unknown) if isinstance(unknown, list) else []
        return [
            Values(cast("dict[str, object]", one), _mapping(places[number] if number < len(places) else None))
            for number, one in enumerate(cast("list[object]", value))
            if isinstance(one, dict)
        ]

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts in a list."""
        value = self._told.get(name)
        items = cast("list[object]", value) if isinstance(value, list) else []
        return tuple(one for one in items if isinstance(one, str))

    def scalars(self) -> tuple[tuple[str, str], ...]:
        """The attributes that are texts, numbers or flags, as text, in order of name."""
        plain = {name: value for name, value in self._told.items() if isinstance(value, (str, int, float))}
        return tuple(
            sorted(
                (name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in plain.items()
            )
        )

    def count(self, name: str) -> int:
        """How many items a list has, known or not; 0 when it is none."""
        value, unknown = self._told.get(name), self._unknown.get(name)
        told = len(cast("list[object]", value)) if isinstance(value, (list, dict)) else 0
        later = len(cast("list[object]", unknown)) if isinstance(unknown, list) else 0
        return max(told, later)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


NO_VALUES = Values()


@dataclass(frozen=True, slots=True)
class Planned:
    """A managed resource instance, before or after.

    Attributes:
        address: full instance address: `module.a["x"].aws_instance.web[0]`.
        region: where; empty when the plan does not tell.
        references: top-level attribute -> addresses (without the indexes of the last part) of resources that its expression speaks of, the nearest first;
            `block.attribute` for what stands in a block.
    """

    address: str
    type: str
    region: str
    values: Values
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])


class Scene:
    """All that is planned: mappings find here what a resource refers to."""

    def __init__(self, resources: Sequence[Planned]) -> None:
        self.resources = tuple(resources)
        self._by_address = {one.address: one for one in resources}
        self._by_block: dict[str, list[Planned]] = {}
        for one in resources:
            self._by_block.setdefault(block_of(one.address), []).append(one)
        self._referrers: dict[tuple[str, str, str], Mapping[str, Sequence[Planned]]] = {}
        self._by_type: dict[str, list[Planned]] = {}
        for one in resources:
            self._by_type.setdefault(one.type, []).append(one)

    def of_type(self, *types: str) -> list[Planned]:
        """The resources of these types."""
        return [one for type_ in types for one in self._by_type.get(type_, ())]

    def referred(self, planned: Planned, attribute: str, *types: str) -> Planned | None:
        """The resource of one of these types that an attribute's expression speaks of; the one with the same index when there are several."""
        for address in planned.references.get(attribute, ()):
            found = self._by_address.get(address)
            if found is not None and found.type in types:
                return found
            instances = [one for one in self._by_block.get(block_of(address), ()) if one.type in types]
            if instances:
                index = index_of(planned.address)
                return next((one for one in instances if index and index_of(one.address) == index), instances[0])
        return None

    def referring(self, planned: Planned, attribute: str, *types: str) -> list[Planned]:
        """The resources of these types whose attribute speaks of this one."""
        return [one for type_ in types for one in self._back(type_, attribute, planned.type).get(planned.address, ())]

    def _back(self, type_: str, attribute: str, target: str) -> Mapping[str, Sequence[Planned]]:
        """Address of a target -> the resources of a type whose attribute speaks of it. Worked out once for all targets."""
        key = (type_, attribute, target)
        if key not in self._referrers:
            found: dict[str, list[Planned]] = {}
            for one in self.of_type(type_):
                to = self.referred(one, attribute, target)
                if to is not None:
                    found.setdefault(to.address, []).append(one)
            self._referrers[key] = found
        return self._referrers[key]

    def by_value(self, attribute: str, value: str, *types: str) -> Planned | None:
        """The resource of one of these types whose attribute has this value."""
        if not value:
            return None
        return next((one for one in self.of_type(*types) if one.values.text(attribute) == value), None)


def block_of(address: str) -> str:
    """An address without indexes."""
    return _INDEX.sub("", address)


def index_of(address: str) -> str:
    """The indexes of an address, in order."""
    return "".join(_INDEX.findall(address))
