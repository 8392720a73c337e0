"""What a rewritten history takes back: the facts of commits that are gone end now, and files and blocks are what the new
history says.

Nothing says when a branch was pushed by force. It is noticed now, so it is now that the old facts end; until now they held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from graph.clock import Instant
from graph.model import Assertion, Relation

_OF_COMMITS = frozenset({"Commit", "PullRequest"})


class Vanishing:
    """The facts of a lost stretch of history, less those that the new history states too."""

    def __init__(self) -> None:
        self._old: dict[str, Assertion] = {}
        self._new: dict[str, Assertion] = {}

    def lose(self, assertions: Iterable[Assertion]) -> None:
        """Facts stated from the lost stretch."""
        self._old.update((a.fact.key, a) for a in assertions if _is_of_commit(a))

    def meet(self, assertions: Iterable[Assertion]) -> None:
        """Facts stated from the new stretch."""
        if self._old:
            self._new.update((key, a) for a in assertions if (key := a.fact.key) in self._old)

    def ended(self, at: Instant) -> list[Assertion]:
        """What is to be stated at `at`, so that from then on only the new history holds."""
        out: list[Assertion] = []
        for key, old in self._old.items():
            new = self._new.get(key)
            if new is None:
                out.append(replace(old, valid_from=at, present=False))
            elif new.fact != old.fact and new.valid_from <= old.valid_from:
                out.append(replace(new, valid_from=at))
        return out


def _is_of_commit(assertion: Assertion) -> bool:
    fact = assertion.fact
    if isinstance(fact, Relation):
        return fact.src.kind in _OF_COMMITS or fact.type == "MOVED_FROM"
    return fact.ref.kind in _OF_COMMITS
