"""What a usage file tells: how much of each resource is used in a month, in the shape that Infracost's usage files have.

https://www.infracost.io/docs/features/usage_based_resources/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

LARGEST = Decimal(10) ** 15
"""No quantity is as large; what is told so is a mistake and counts as not told."""
_INDEX = re.compile(r"\[[^\]]*\]")


class UsageValues:
    """What is known of one resource's use."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values = dict(values or {})

    def __bool__(self) -> bool:
        return bool(self._values)

    def number(self, *names: str) -> Decimal | None:
        """The first of these that is told and a number that is not negative; None when none is."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                continue
            try:
                told = Decimal(str(value).replace("_", ""))
            except InvalidOperation:
                continue
            if told.is_finite() and 0 <= told < LARGEST:
                return told
        return None

    def text(self, name: str, default: str = "") -> str:
        """A word; the default when none is told."""
        value = self._values.get(name)
        return value if isinstance(value, str) and value else default

    def part(self, name: str) -> UsageValues:
        """What is told under a name."""
        value = self._values.get(name)
        return UsageValues(cast("Mapping[str, object]", value)) if isinstance(value, dict) else UsageValues()


NOTHING = UsageValues()


class Usage:
    """A usage file.

    Args:
        resources: address -> values; an address may have `[*]` for every instance.
        defaults: resource type -> values for what is told nowhere else.
    """

    def __init__(
        self,
        resources: Mapping[str, Mapping[str, object]] | None = None,
        defaults: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self._resources = dict(resources or {})
        self._defaults = dict(defaults or {})

    @classmethod
    def of(cls, document: object) -> Usage:
        """A usage file's content. Raises `ValueError` when it has another shape."""
        if document is None:
            return cls()
        if not isinstance(document, dict):
            raise ValueError("it is no mapping")
        told = cast("dict[object, object]", document)
        return cls(_section(told, "resource_usage"), _section(told, "resource_type_default_usage"))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that it tells of."""
        return tuple(sorted(self._resources))

    def of_type(self, prefix: str) -> list[tuple[str, UsageValues]]:
        """Addresses that begin with this, with their values, in order: for what stands in the usage file alone."""
        return [
            (address, UsageValues(self._resources[address])) for address in self.addresses if address.startswith(prefix)
        ]

    def values(self, address: str, type_: str) -> UsageValues:
        """What is told of an instance: its own address before that of all instances before its type (in either section)."""
        found = _merged(self._defaults.get(type_, {}), self._resources.get(type_, {}))
        wild = _INDEX.sub("[*]", address)
        last = address[: address.rfind("[")] + "[*]" if address.endswith("]") else address
        for name in dict.fromkeys((wild, last, address)):
            found = _merged(found, self._resources.get(name, {}))
        return UsageValues(found)


def _merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    both = dict(under)
    for name, value in over.items():
        below = both.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            both[name] = _merged(cast("dict[str, object]", below), cast("dict[str, object]", value))
        else:
            both[name] = value
    return both


def _section(document: Mapping[object, object], name: str) -> dict[str, Mapping[str, object]]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise ValueError(f"{name} is no mapping")
    found: dict[str, Mapping[str, object]] = {}
    for address, values in cast("dict[object, object]", section).items():
        if values is None:
            continue
        if not isinstance(values, dict):
            raise ValueError(f"{name}: an entry is no mapping")
        found[str(address)] = {str(key): value for key, value in cast("dict[object, object]", values).items()}
    return found
