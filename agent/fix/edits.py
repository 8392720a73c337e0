"""What every edit of one instance needs: the way to its attributes, the judgement of a place, and the write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from agent.fix.compare import fits
from agent.fix.files import Files
from agent.fix.layout import aligned
from agent.fix.model import Absent, Wanted
from agent.fix.modules import Frame, Level, descend
from agent.fix.paths import Address, Path, path_of, told
from agent.fix.refusal import InTheWay
from agent.fix.repeated import Item, items_of, values_of
from agent.fix.resolve import Resolver
from agent.fix.scope import Place, Scope, Trail
from agent.fix.sharing import Sharing
from agent.fix.syntax import Block, Source, parse, value_of
from agent.fix.terms import Term, term
from agent.fix.values import gone
from graph.model import Value

Want: TypeAlias = "Value | Absent"


@dataclass(frozen=True, slots=True)
class Spot:
    """The attribute that a path leads to: its expression, the rest of the path, and what names mean there; None when it is not written."""

    at: Term | None
    rest: Path
    scope: Scope
    block: Block
    name: str


@dataclass(slots=True)
class Edits:
    """The state of the edits of `files` for one instance.

    Attributes:
        places: where something was written, in words.
        unsafe: why what was written is not for this instance alone.
    """

    files: Files
    wanted: Wanted
    address: Address
    places: list[str] = field(default_factory=list[str])
    unsafe: list[str] = field(default_factory=list[str])
    _fresh: dict[Path, Path] = field(default_factory=dict[Path, Path])

    def look(self) -> tuple[Frame, Level, Resolver]:
        """The instance as the code is now. Raises `InTheWay`."""
        frame, level = descend(self.files, self.wanted.directory, self.address)
        return frame, level, Resolver(self.files, self.wanted)

    def settle(self, path: Path) -> Path:
        """A path with the indexes of blocks as the code has them, told by what was there before. Raises `InTheWay`."""
        frame, level, resolver = self.look()
        block, scope = level.block, resolver.scope(frame, level)
        settled: Path = ()
        rest: Path = path
        while len(rest) > 1 and block.attribute(str(rest[0])) is None:
            items = items_of(block, str(rest[0]), scope, resolver)
            if isinstance(rest[1], str):
                if len(items) != 1:
                    break
                rest = (rest[0], 0, *rest[1:])  # the only block may be named without its index
            asked = rest[1]
            assert isinstance(asked, int)
            index = self._index_of(items, asked, path[: len(settled) + 2], resolver) if items else None
            if index is None:
                return (*self._new(settled, str(rest[0]), len(items), path[: len(settled) + 2]), *rest[2:])
            settled = (*settled, rest[0], index)
            block, scope, rest = items[index].block, items[index].scope, rest[2:]
        return (*settled, *rest)

    def _new(self, above: Path, name: str, count: int, asked: Path) -> Path:
        """A place after the blocks that are there, the same for all paths of one new block."""
        for settled, former_path in self._fresh.items():
            if former_path == asked:
                return settled
        taken = sum(s[:-1] == (*above, name) for s in self._fresh)
        self._fresh[(*above, name, count + taken)] = asked
        return (*above, name, count + taken)

    def _spot(self, block: Block, scope: Scope, path: Path, resolver: Resolver) -> Spot | Item | list[Item]:
        name = str(path[0])
        node = block.attribute(name)
        if node is not None:
            if block.writes(name) > 1:
                raise InTheWay(f"{name} is written {block.writes(name)} times in {block.name} at {block.at}")
            return Spot(term(block.source, value_of(node)), path[1:], scope, block, name)
        items = items_of(block, name, scope, resolver)
        if not items:
            return Spot(None, path[1:], scope, block, name)
        if len(path) == 1:
            return items
        index, rest = (path[1], path[2:]) if isinstance(path[1], int) else (0, path[1:])
        if isinstance(path[1], str) and len(items) > 1:
            raise InTheWay(f"{told(path)} does not tell which {name} block of {block.name} is meant")
        item = items[int(index)] if int(index) < len(items) else None
        if item is None:
            return Spot(None, path[1:], scope, block, name)
        return self._spot(item.block, item.scope, rest, resolver) if rest else item

    def _index_of(self, items: Sequence[Item], index: int, path: Path, resolver: Resolver) -> int | None:
        """The only block that fits what was there before; the one at the index when nothing of it is known."""
        known = {p[len(path) :]: v for t, v in self.wanted.before.items() if _below(p := path_of(t), path)}
        now = {p[len(path) :]: v for t, v in self.wanted.values.items() if _below(p := path_of(t), path)}
        values = [values_of(i, resolver) for i in items]
        fitting = [n for n, v in enumerate(values) if fits(v, known) or (now and fits(v, now))]
        if not known:
            named = [n for n, v in enumerate(values) if now and fits(v, now)]
            return index if index < len(items) else named[0] if len(named) == 1 else None
        going = any(path_of(t) == path and gone(v) for t, v in self.wanted.values.items())
        if len(fitting) == 1 or (fitting and not going and all(values[n] == values[fitting[0]] for n in fitting)):
            return index if index in fitting else fitting[0]
        if not fitting and (index >= len(items) or going):
            return None
        raise InTheWay(
            f"it is not told which {items[0].name} block is meant: {len(fitting)} of {len(items)} fit what was planned"
        )

    def _block_of(self, path: Path, block: Block, scope: Scope, resolver: Resolver) -> Block:
        """The block whose attributes the last step after `path` names."""
        if not path:
            return block
        spot = self._spot(block, scope, path, resolver)
        if not isinstance(spot, Item):
            raise InTheWay(f"{told(path)} is not written in {block.name} at {block.at}")
        return spot.block

    def _refuse_term(self, at: Term) -> None:
        inner = at.first
        if inner.type == "template_expr":
            kind = "a heredoc" if inner.children[0].type == "heredoc_template" else "a text with interpolations"
            raise InTheWay(f"{at.text} at {at.at} is {kind}")
        raise InTheWay(f"{at.text} at {at.at} is an expression")

    def _judge(self, place: Place, trail: Trail, frame: Frame, level: Level, resolver: Resolver, path: Path) -> None:
        sharing = Sharing(self.files, self.wanted, resolver, frame, level)
        self.unsafe += [f"{place.sort} at {place.term.at}: {r}" for r in sharing.reasons(place, trail)]
        if path:
            self._judge_readers(sharing, level, str(path[0]))

    def _judge_block(self, frame: Frame, level: Level, block: Block, name: str) -> None:
        """The same for what is put into, or taken out of, the resource's own block."""
        place = Place(Term(block.source, (block.node,)), (), Scope(frame, level), "block")
        sharing = Sharing(self.files, self.wanted, Resolver(self.files, self.wanted), frame, level)
        self.unsafe += [f"{block.name} at {block.at}: {r}" for r in sharing.reasons(place, Trail())]
        self._judge_readers(sharing, level, name)

    def _judge_readers(self, sharing: Sharing, level: Level, name: str) -> None:
        if readers := sharing.read_by_others(name):
            self.unsafe.append(
                f"{level.block.name}.{name} is read at {', '.join(readers[:3])}, which would change with it"
            )

    def _told(self, place: Place, trail: Trail) -> None:
        words = f"{place.sort} at {place.term.at}"
        way = [w for w in trail.words if "condition" in w or place.term.at not in w]
        self.places.append(words + (f", by way of {', '.join(way)}" if way else ""))

    def _write(self, source: Source, data: bytes) -> None:
        if source.broken:
            raise InTheWay(f"{source.path}:{source.broken} has a syntax error")
        if parse(source.path, data).broken:
            raise InTheWay(f"the edit of {source.path} would not parse")
        self.files.write(source.path, aligned(source.data, data))

    def change(self, path: Path, want: Want, before: Want | None) -> None:
        """Make the code say `want` at a settled path. Raises `InTheWay`."""
        raise NotImplementedError


def _below(path: Path, prefix: Path) -> bool:
    return path[: len(prefix)] == prefix and len(path) > len(prefix)
