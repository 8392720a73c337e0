"""The changes of a thing over all its names: what it was called before a move belongs to its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.evidence import text_of
from graph.clock import LATEST, Instant
from graph.model import EntityRef, ref
from graph.store import ChangeQuery, ChangeView, GraphStore, Limits, View

COSMETIC = frozenset({"format_only", "moved"})
"""Effects that leave the meaning as it was."""

_HOPS = 25
_MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Lineage:
    """Changes newest first, and whether older ones were left out."""

    changes: tuple[ChangeView, ...]
    cut: bool = False

    @property
    def meaningful(self) -> ChangeView | None:
        """The newest change that is more than a move or a reformatting."""
        return next((c for c in self.changes if effect(c) not in COSMETIC), None)


def effect(change: ChangeView) -> str:
    """What the change did."""
    value = change.properties.get("effect")
    return value if isinstance(value, str) else "updated"


def commits_of(found: ChangeView) -> tuple[EntityRef, ...]:
    """The commits inside a merge that made the change together, newest first; none when one commit made it."""
    commits = found.properties.get("commits")
    if not isinstance(commits, Sequence) or isinstance(commits, str):
        return ()
    return tuple(EntityRef(f"Commit:{sha}") for sha in commits)


def unit_of(found: ChangeView) -> EntityRef:
    """The change as it came to its mainline: the merge that brought it, else the change itself."""
    via = text_of(found.properties, "via")
    return EntityRef(f"Commit:{via}") if via else found.change


def moved_from(change: ChangeView) -> EntityRef | None:
    """What the target was before this change moved it; None when it stayed where it was."""
    before = change.properties.get("moved_from")
    if not isinstance(before, Mapping):
        return None
    directory, address, path = before.get("directory"), before.get("address"), before.get("path")
    if change.target.kind == "Block" and isinstance(directory, str) and isinstance(address, str):
        old = ref("Block", change.provenance.scope, directory, address)
    elif change.target.kind == "File" and isinstance(path, str):
        old = ref("File", change.provenance.scope, path)
    else:
        return None
    return old if old != change.target else None


def changes_of(
    store: GraphStore,
    targets: Sequence[EntityRef],
    view: View,
    *,
    rows: int,
    since: Instant | None = None,
    until: Instant | None = None,
    effects: frozenset[str] = frozenset(),
) -> Lineage:
    """The newest changes of these things and of what they were before, up to `rows`, or more until one is meaningful."""
    while True:
        found = _read(store, targets, view, rows, since, until)
        if effects:
            found = Lineage(tuple(c for c in found.changes if effect(c) in effects), found.cut)
        if found.meaningful or not found.cut or rows >= _MOST_ROWS or (effects and found.changes):
            return found
        rows *= 10


def _read(
    store: GraphStore, targets: Sequence[EntityRef], view: View, rows: int, since: Instant | None, until: Instant | None
) -> Lineage:
    """Walk each thing's history back; at a move go on with the earlier name, from the move on backwards."""
    fetched: dict[EntityRef, list[ChangeView]] = {}
    walked: set[tuple[EntityRef, Instant]] = set()
    found: dict[tuple[EntityRef, EntityRef, Instant], ChangeView] = {}
    ahead: list[tuple[EntityRef, Instant]] = [(target, LATEST) for target in targets]
    cut = False
    for _ in range(_HOPS):
        missing = list(dict.fromkeys(name for name, _ in ahead if name not in fetched))
        if missing:
            page = store.changes(ChangeQuery(targets=missing, since=since, until=until), view, Limits(rows=rows))
            cut = cut or page.cut
            fetched.update((name, []) for name in missing)
            for change in page.items:
                # What is joined with a target is spoken of by its own name.
                fetched.setdefault(change.target, []).append(change)
            ahead += [
                (name, LATEST)
                for name in fetched.keys() - set(missing) - {n for n, _ in ahead} - {n for n, _ in walked}
            ]
        earlier: list[tuple[EntityRef, Instant]] = []
        for name, end in ahead:
            walked.add((name, end))
            for change in fetched.get(name, ()):
                if change.at >= end:
                    continue
                found[change.change, change.target, change.at] = change
                old = moved_from(change)
                if old is not None:
                    if (old, change.at) not in walked:
                        earlier.append((old, change.at))
                    break
        ahead = earlier
        if not ahead:
            break
    ordered = sorted(found.values(), key=lambda c: (-c.at, c.change, c.target))
    return Lineage(tuple(ordered[:rows]), cut or bool(ahead) or len(ordered) > rows)
