"""A cache bounded by the bytes it holds, for results that are cheap to make again."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Keeps what was used lately within `max_bytes`, as weighed by the caller.

    Two generations instead of a linked list: a lookup is one dictionary access, and when the young half is full the old
    half is forgotten at once. What was used within the last half of the budget is always still there.
    """

    __slots__ = ("_half", "_held", "_old", "_young")

    def __init__(self, max_bytes: int) -> None:
        self._half = max_bytes // 2
        self._held = 0
        self._young: dict[K, tuple[V, int]] = {}
        self._old: dict[K, tuple[V, int]] = {}

    def get(self, key: K) -> V | None:
        """The value kept for `key`, or None."""
        entry = self._young.get(key)
        if entry is not None:
            return entry[0]
        entry = self._old.pop(key, None)
        if entry is None:
            return None
        self._keep(key, entry)
        return entry[0]

    def put(self, key: K, value: V, size_bytes: int) -> V:
        """Keep `value`, which weighs `size_bytes`, and return it. What weighs more than half the budget is not kept."""
        if size_bytes <= self._half:
            self._keep(key, (value, size_bytes))
        return value

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _keep(self, key: K, entry: tuple[V, int]) -> None:
        if self._held + entry[1] > self._half:
            self._old = self._young
            self._young = {}
            self._held = 0
        self._young[key] = entry
        self._held += entry[1]
