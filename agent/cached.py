"""What is read of a view once and kept while nothing new is recorded."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from graph.clock import Instant
from graph.store import GraphStore, View

T = TypeVar("T")
_KEPT_VIEWS = 6
_Key = tuple[int, "Instant | None", frozenset[str]]


class PerView(Generic[T]):
    """A reader whose result is kept per store, record, moment and audience."""

    def __init__(self, read: Callable[[GraphStore, View], T]) -> None:
        self._read = read
        self._lock = Lock()
        self._kept: WeakKeyDictionary[GraphStore, dict[_Key, T]] = WeakKeyDictionary()

    def __call__(self, store: GraphStore, view: View) -> T:
        """What the reader makes of this view."""
        record = view.known_at if view.known_at is not None else store.record()
        key = (record, view.as_of, view.audience)
        with self._lock:
            kept = self._kept.setdefault(store, {})
            if key in kept:
                return kept[key]
        found = self._read(store, view)
        with self._lock:
            while len(kept) >= _KEPT_VIEWS:
                del kept[next(iter(kept))]
            kept[key] = found
        return found
