"""Which commit a change is credited to: inside a merge, the one commit that made it, when there is exactly one.

The merge's own diff says *what* reached the mainline; what a branch did and undid again never shows. The branch's commits
say *who* did it. Merges of the mainline back into the branch bring nothing of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ingest.sources.git.blocks import BlockChange, Effect, Place
from ingest.sources.git.log import Commit, FileEntry
from ingest.sources.git.mainline import Step

Name = tuple[str, str]
"""A block by (directory, address)."""

_ALTERS: frozenset[Effect] = frozenset({"created", "updated", "deleted"})


@dataclass(frozen=True, slots=True)
class Credit:
    """Who made a change.

    Attributes:
        commit: the change: a mainline commit, or a commit inside its merge.
        via: the mainline commit's hash when the change is a commit inside it, else None.
        commits: when several commits inside the merge made it: their hashes, newest first.
        place: for blocks: where it stands in that commit (deleted: in its first parent).
    """

    commit: Commit
    via: str | None = None
    commits: tuple[str, ...] = ()
    place: Place | None = None


class Attribution:
    """Credits the changes of one step."""

    def __init__(self, step: Step, block_changes: Callable[[Sequence[FileEntry]], Sequence[BlockChange]]) -> None:
        """`block_changes` compares files of a commit inside the merge with its parent's; it is asked only when needed."""
        self._step = step
        self._block_changes = block_changes
        self._compared: dict[tuple[str, str | None], dict[Name, BlockChange]] = {}
        self._touching: dict[str, list[Commit]] = {}
        self._only: dict[str, Commit | None] = {}
        self._entries: dict[tuple[str, str], FileEntry] = {}
        for commit in reversed(step.inner):
            if len(commit.parents) < 2:
                for entry in commit.files:
                    self._touching.setdefault(entry.path, []).append(commit)
                    self._entries[commit.sha, entry.path] = entry

    def file(self, path: str) -> Credit:
        """The credit of a file's change."""
        touching = self._touching.get(path)
        if touching is None:
            return Credit(self._step.commit)
        return self._credit([(commit, None) for commit in touching])

    def block(self, change: BlockChange, entries: Mapping[str, FileEntry]) -> Credit:
        """The credit of a block's change. `entries` is the step's own diff by path."""
        merge, place = self._step.commit, change.place
        paths = (place.path,) if change.moved_from is None else (place.path, change.moved_from.path)
        if not any(path in self._touching for path in paths):
            return Credit(merge, place=place)
        only = self._only_maker(place.path, entries)
        if only is not None and (len(paths) == 1 or only is self._only_maker(paths[1], entries)):
            return Credit(only, merge.sha, place=place)
        makers = self._makers(change)
        return self._credit([(commit, own.place) for commit, own in makers]) if makers else Credit(merge, place=place)

    def _credit(self, makers: Sequence[tuple[Commit, Place | None]]) -> Credit:
        if len(makers) == 1:
            commit, place = makers[0]
            return Credit(commit, self._step.commit.sha, place=place)
        return Credit(self._step.commit, commits=tuple(commit.sha for commit, _ in makers))

    def _only_maker(self, path: str, entries: Mapping[str, FileEntry]) -> Commit | None:
        """The commit that took this file from what it was to what it is, when one did all of it."""
        if path not in self._only:
            touching, entry = self._touching.get(path, []), entries.get(path)
            alone = len(touching) == 1 and self._entries[touching[0].sha, path] == entry
            self._only[path] = touching[0] if alone else None
        return self._only[path]

    def _makers(self, change: BlockChange) -> list[tuple[Commit, BlockChange]]:
        """The commits that made the block what it is, newest first, following it back through its names."""
        # Dictionaries serve as sets that keep their order: the same input has the same outcome in every process.
        names: dict[Name, None] = {}
        paths: dict[str, None] = {}
        for place in (change.place, change.moved_from):
            if place is not None:
                names[_name(place)] = None
                paths[place.path] = None
        touches: list[tuple[Commit, BlockChange]] = []
        for commit in reversed(self._step.inner):
            own = self._touch(commit, names, paths)
            if own is not None:
                touches.append((commit, own))
                if own.moved_from is not None:
                    names[_name(own.moved_from)] = None
                    paths[own.moved_from.path] = None
        return _decisive(change.effect, touches)

    def _touch(self, commit: Commit, names: Iterable[Name], paths: Iterable[str]) -> BlockChange | None:
        """What a commit did to the block that has one of these names in one of these files."""
        for path in paths:
            if (entry := self._entries.get((commit.sha, path))) is None:
                continue
            compared = self._compare(commit, (entry,), path)
            own = next((compared[name] for name in names if name in compared), None)
            # What came or went in this file may have moved from or to another one.
            if own is not None and own.effect in ("created", "deleted") and len(commit.files) > 1:
                compared = self._compare(commit, commit.files, None)
                own = next((compared[name] for name in names if name in compared), own)
            if own is not None:
                return own
        return None

    def _compare(self, commit: Commit, files: Sequence[FileEntry], path: str | None) -> dict[Name, BlockChange]:
        """What the commit did in these of its files, by every name it concerns."""
        compared = self._compared.get((commit.sha, path))
        if compared is None:
            compared = self._compared[commit.sha, path] = {}
            for own in self._block_changes(files):
                compared[_name(own.place)] = own
                if own.moved_from is not None:
                    compared.setdefault(_name(own.moved_from), own)
        return compared


def _decisive(effect: Effect, touches: list[tuple[Commit, BlockChange]]) -> list[tuple[Commit, BlockChange]]:
    """Of the commits that touched a block those that did this to it: a reformat beside a change of meaning made neither.

    What one commit wrote and another renamed reached the mainline by both.
    """
    if effect in _ALTERS:
        return [touch for touch in touches if touch[1].effect != "format_only"] or touches
    if effect == "moved":
        moves = [touch for touch in touches if touch[1].effect == "moved"]
        return moves or [touch for touch in touches if touch[1].effect != "format_only"] or touches
    return [touch for touch in touches if touch[1].effect == "format_only"] or touches


def _name(place: Place) -> Name:
    return place.directory, place.address
