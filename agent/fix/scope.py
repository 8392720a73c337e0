"""What names mean where an expression stands, and the way that led to a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.fix.modules import Frame, Level
from agent.fix.paths import Path, Step
from agent.fix.terms import Term


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """What `each`, a dynamic block's iterator or a `for`'s variable stands for: one element of a collection.

    Attributes:
        scope: where the collection stands.
        level: the block that `each` belongs to.
        iterator: whether code says `name.value` and `name.key` for it, as with `each`, and not just the name.
    """

    collection: Term
    scope: Scope
    key: Step
    level: Level | None = None
    iterator: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What names mean where an expression stands."""

    frame: Frame
    level: Level | None = None
    bindings: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    keys: Mapping[str, Step] = field(default_factory=dict[str, Step])

    def bound(self, name: str, binding: Binding) -> Scope:
        """With one more name."""
        return replace(self, bindings={**self.bindings, name: binding})


@dataclass(slots=True)
class Trail:
    """The way that led to a place.

    Attributes:
        hops: `var.x` and `local.x` that were followed: in which module instance, which symbol, what is taken of it.
        followed: the mentions that were followed.
        told_apart: the levels whose key chose the place.
        words: the way in words.
    """

    hops: list[tuple[Frame, tuple[str, str], Path]] = field(default_factory=list[tuple[Frame, tuple[str, str], Path]])
    followed: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    told_apart: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    words: list[str] = field(default_factory=list[str])
    by_workspace: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The term that holds a value, and the steps into it that are not written there; `sort` says in words what kind of place it is."""

    term: Term
    rest: Path
    scope: Scope
    sort: str


def level_id(level: Level) -> tuple[str, int]:
    """What tells two levels apart."""
    return level.block.source.path, level.block.node.start_byte
