"""Whom else an edit at a place would touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.fix.files import Directory, Files
from agent.fix.model import Wanted
from agent.fix.modules import Frame, Level, inside, source_of
from agent.fix.paths import Path, path_of
from agent.fix.references import Ref, overlap
from agent.fix.refusal import InTheWay
from agent.fix.resolve import Resolver
from agent.fix.scope import Place, Scope, Trail, level_id
from agent.fix.syntax import Block, value_of
from agent.fix.terms import term

_DEPTH = 12
_CHILDREN = 400


@dataclass(frozen=True, slots=True)
class Sharing:
    """Judges places for one instance.

    Attributes:
        target: the resource's block and the key of the instance.
        frame: the module instance that holds it.
        goes: the instance is taken away whole, so that what its own block takes does not count.
    """

    files: Files
    wanted: Wanted
    resolver: Resolver
    frame: Frame
    target: Level
    goes: bool = False

    def reasons(self, place: Place, trail: Trail) -> list[str]:
        """Why an edit there is not for this instance alone, a clause each; empty when it is."""
        found = [
            f"every instance of {level.block.name} at {level.block.at} takes its value from there"
            for level in self._levels()
            if level_id(level) not in trail.told_apart and self._many(level)
        ]
        found += self.called_elsewhere(place.scope.frame)
        for frame, symbol, rest in trail.hops:
            found += self._uses(frame, symbol, rest, trail, 0, len(rest) - len(place.rest))
        if self.wanted.shares and not trail.by_workspace and place.term.source.path not in self.wanted.var_files:
            found.append(f"{_listed(self.wanted.shares)} is made from the same code")
        if place.term.source.generated:
            found.append(f"{place.term.source.path} says that a tool writes it")
        return list(dict.fromkeys(found))

    def _levels(self) -> list[Level]:
        levels = [self.target]
        frame: Frame | None = self.frame
        while frame is not None and frame.call is not None:
            levels.append(frame.call)
            frame = frame.parent
        return levels

    def _frame_of(self, level: Level) -> Frame:
        frame: Frame = self.frame
        if level is self.target:
            return frame
        while frame.call is not level and frame.parent is not None:
            frame = frame.parent
        return frame.parent or frame

    def _many(self, level: Level) -> bool:
        """Whether a block makes more than one instance, or may."""
        node = level.source_of_many
        if node is None:
            return False
        scope = Scope(self._frame_of(level))
        source = level.block.source
        try:
            value = self.resolver.value(term(source, value_of(node)), scope)
        except InTheWay:
            return source.text(node.children[0]) != "count" or not _at_most_one(source.text(value_of(node)))
        if isinstance(value, bool) or value is None:
            return True
        if isinstance(value, (int, float)):
            return value > 1
        return isinstance(value, str) or len(value) > 1

    def called_elsewhere(self, frame: Frame) -> list[str]:
        """Calls of the module that holds the place, other than the one in question."""
        if frame.call is None or frame.parent is None:
            return []
        own = {level_id(level) for level in self._levels()}
        directory = frame.directory.path
        others = [b.at for b in self._calls(directory) if (b.source.path, b.node.start_byte) not in own]
        if others:
            return [f"the module {directory} is called at {_listed(others)} too"]
        return self.called_elsewhere(frame.parent)

    def _calls(self, directory: str) -> list[Block]:
        """The calls of a directory from the root modules and from what they call."""
        found: list[Block] = []
        queue = [self.frame_root().path, *self.wanted.roots]
        seen: set[str] = set()
        while queue and len(seen) < _CHILDREN:
            path = queue.pop(0)
            if path in seen:
                continue
            seen.add(path)
            for call in self.files.directory(path).blocks("module"):
                where = inside(path, source_of(call))
                if where == directory:
                    found.append(call)
                if where is not None:
                    queue.append(where)
        return found

    def frame_root(self) -> Directory:
        """The root module's code."""
        frame = self.frame
        while frame.parent is not None:
            frame = frame.parent
        return frame.directory

    def _uses(
        self, frame: Frame, symbol: tuple[str, str], path: Path, trail: Trail, depth: int, written: int = 0
    ) -> list[str]:
        """Mentions of a symbol that the way to the place did not follow, and what becomes of them.

        Args:
            written: how many steps of `path` are there already; beyond them something is added.
        """
        found: list[str] = []
        if depth > _DEPTH:
            return [f"{'.'.join(symbol)} is used in too many ways to follow"]
        if frame.directory.broken:
            found.append(f"{frame.directory.broken[0]} has a syntax error, so that its uses are not known")
        if frame.directory.json:
            found.append(f"{frame.directory.json[0]} is not read, so that its uses are not known")
        for ref in frame.directory.refs():
            if ref.symbol == symbol and ref.block is not None and overlap(ref.path, path):
                if ref.counted and len(ref.path) < written:
                    continue
                if depth or ref.place not in trail.followed:
                    found += self._use(frame, ref, ".".join(symbol), trail, depth)
                elif ref.attribute == "for_each" and len(path) > len(ref.path):
                    found += self._each(frame, ref, path[len(ref.path) + 1 :], trail)
        return found

    def _each(self, frame: Frame, ref: Ref, rest: Path, trail: Trail) -> list[str]:
        """Uses of `each.value` in the block whose `for_each` a mention is."""
        assert ref.block is not None
        start, end = ref.block.node.start_byte, ref.block.node.end_byte
        return [
            f"{ref.block.name} takes each.value at {other.source.at(other.node)} too"
            for other in frame.directory.refs()
            if other.symbol == ("each", "value")
            and other.source is ref.source
            and start <= other.node.start_byte < end
            and other.place not in trail.followed
            and overlap(other.path, rest)
            and not self._asked(frame, other)
        ]

    def _use(self, frame: Frame, ref: Ref, name: str, trail: Trail, depth: int) -> list[str]:
        block = ref.block
        assert block is not None
        if block.type in ("variable", "check", "moved", "import", "removed"):
            return []
        if block.type == "locals":
            return self._uses(frame, ("local", ref.attribute), (), trail, depth + 1)
        if block.type == "output":
            if frame.parent is None or frame.call is None:
                return []
            call = frame.call.block
            users = [
                r.source.at(r.node)
                for r in frame.parent.directory.refs()
                if r.symbol == ("module", call.labels[0]) and _names(r, block.labels[0])
            ]
            return [f"{name} reaches {_listed(users)} by output {block.labels[0]}"] if users else []
        if self._asked(frame, ref):
            return []
        return [f"{name} is used at {ref.source.at(ref.node)} too"]

    def _asked(self, frame: Frame, ref: Ref) -> bool:
        """Whether a mention stands in an attribute of the target that is to follow what is there as well."""
        if frame is not self.frame or ref.block is None:
            return False
        if (ref.source.path, ref.block.node.start_byte) != level_id(self.target):
            return False
        if self.goes:
            return True
        return any(path_of(p)[0] == ref.attribute for p in self.wanted.values)

    def read_by_others(self, attribute: str) -> list[str]:
        """Where code takes this attribute of the resource for something else than an output."""
        block = self.target.block
        found: list[str] = []
        for ref in self.frame.directory.refs():
            if ref.symbol != block.labels or ref.block is None or ref.block.type in ("output", "check"):
                continue
            steps = list(ref.path)
            if self.target.source_of_many is not None and steps:
                steps = steps[1:]
            if steps[:1] == [attribute]:
                found.append(ref.source.at(ref.node))
        return found


def _names(ref: Ref, output: str) -> bool:
    return not ref.path or output in ref.path[:2]


def _at_most_one(text: str) -> bool:
    """`… ? 1 : 0`."""
    sides = [side.strip(" ()") for side in text.rpartition("?")[2].split(":")]
    return "?" in text and set(sides) <= {"0", "1"}


def _listed(items: Sequence[str]) -> str:
    shown = ", ".join(items[:3])
    return shown if len(items) <= 3 else f"{shown} and {len(items) - 3} more"
