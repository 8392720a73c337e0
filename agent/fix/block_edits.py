"""Nested blocks of one instance: what comes, changes and goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.fix.body_edits import attribute_inserted, block_inserted, block_removed
from agent.fix.compare import alike, equal, former, writable
from agent.fix.edits import Edits, Spot, Want
from agent.fix.literal_edits import item_inserted, item_removed, member_removed
from agent.fix.model import Absent
from agent.fix.modules import Frame, Level
from agent.fix.paths import Path, path_of, told
from agent.fix.refusal import InTheWay
from agent.fix.render import is_blocks
from agent.fix.repeated import Item, values_of
from agent.fix.resolve import Resolver
from agent.fix.scope import Trail
from agent.fix.values import empty, gone, same
from graph.model import Value


class BlockEdits(Edits):
    """Edits of blocks, written one by one or made by `dynamic`."""

    def _unwritten(self, spot: Spot, path: Path, want: Want) -> None:
        """An attribute or block that the code does not have."""
        if (
            isinstance(want, Absent)
            or want is None
            or (isinstance(want, (Mapping, Sequence)) and len(want) == 0 and want != "")
        ):
            return
        frame, level, _ = self.look()
        if level.block.labels[0] == "aws_security_group" and spot.name in ("ingress", "egress"):
            self._no_rules_apart(frame, level)
        self._judge_block(frame, level, spot.block, str(path[0]))
        source = spot.block.source
        blocks = is_blocks(want) and (self.wanted.nested is None or _schema_name(path) in self.wanted.nested)
        if not spot.rest and blocks and isinstance(want, Sequence):
            for n, values in enumerate(want):
                frame, level, resolver = self.look()
                here = self._block_of(path[:-1], level.block, resolver.scope(frame, level), resolver)
                like = here.blocks(spot.name)
                if isinstance(values, Mapping):
                    made = block_inserted(here, spot.name, writable(values, ()), like[-1] if like and n else None)
                    self._write(here.source, made)
        elif not spot.rest:
            self._write(source, attribute_inserted(spot.block, spot.name, want))
        elif isinstance(spot.rest[0], int):
            values = self._siblings(path, spot)
            like = spot.block.blocks(spot.name)
            self._write(source, block_inserted(spot.block, spot.name, values, like[-1] if like else None))
        else:
            value: Value = want
            for step in reversed(spot.rest):
                value = [value] if isinstance(step, int) else {step: value}
            self._write(source, attribute_inserted(spot.block, spot.name, value))
        self.places.append(f"{spot.name} added to {spot.block.name} at {spot.block.at}")

    def _no_rules_apart(self, frame: Frame, level: Level) -> None:
        """A group whose rules are resources of their own takes none in its block."""
        for ref in frame.directory.refs():
            if ref.symbol == level.block.labels and ref.block is not None and ref.attribute == "security_group_id":
                raise InTheWay(
                    f"the rules of {level.block.name} are resources of their own, as {ref.block.name} at {ref.block.at}"
                )

    def _siblings(self, path: Path, spot: Spot) -> Mapping[str, Value]:
        """All that is wanted of a block that is not written."""
        prefix = path[: len(path) - len(spot.rest) + 1]
        prefix = self._fresh.get(prefix, prefix)
        values: dict[str, Value] = {}
        for text, value in self.wanted.values.items():
            steps = path_of(text)
            if steps[: len(prefix)] != prefix or isinstance(value, Absent):
                continue
            rest = steps[len(prefix) :]
            if not rest and isinstance(value, Mapping):
                values.update(value)
            elif len(rest) == 1:
                values[str(rest[0])] = value
            else:
                raise InTheWay(
                    f"{spot.name} is not written in {spot.block.name} at {spot.block.at}, nor the blocks in it"
                )
        return writable(values, ())

    def _item(self, path: Path, item: Item, want: Want) -> None:
        """A nested block as a whole."""
        frame, level, resolver = self.look()
        if gone(want):
            self._drop(item, frame, level, resolver)
            return
        if not isinstance(want, Mapping):
            raise InTheWay(f"{told(path)} is a block at {item.block.at}")
        for key, value in want.items():
            here = item.block.attribute(key)
            if here is None and (value is None or value == "" or value is False or value == [] or value == {}):
                continue
            self.change((*path, key), value, None)

    def _drop(self, item: Item, frame: Frame, level: Level, resolver: Resolver) -> None:
        if item.element is None:
            self._judge_block(frame, level, item.block, item.name)
            self._write(item.block.source, block_removed(item.block.source, item.block.node))
            self.places.append(f"{item.block.name} block taken out at {item.block.at}")
            return
        trail = Trail()
        collection, key, scope = item.element
        place = resolver.locate(collection, (), scope, trail)
        node = place.term.first.children[0] if place.term.first.type == "collection_value" else None
        if node is None:
            self._refuse_term(place.term)
            return
        self._judge(place, trail, frame, level, resolver, ())
        if node.type == "tuple":
            index = (
                key if isinstance(key, int) else [str(v) for _, v in resolver.elements(collection, scope)].index(key)
            )
            self._write(place.term.source, item_removed(place.term.source, node, index))
        else:
            keys = [k for k, _, _ in resolver.members(place.term, place.scope)]
            self._write(place.term.source, member_removed(place.term.source, node, keys.index(str(key))))
        self._told(place, trail)

    def _blocks(self, path: Path, items: list[Item], want: Want, before: Want | None) -> None:
        """All nested blocks of a name: what goes, what changes, what comes."""
        _, _, resolver = self.look()
        goal: list[Mapping[str, Value]] = []
        if isinstance(want, Sequence) and not isinstance(want, str):
            goal = [w for w in want if isinstance(w, Mapping)]
        old: list[Mapping[str, Value]] | None = None
        if isinstance(before, Sequence) and not isinstance(before, str):
            old = [b for b in before if isinstance(b, Mapping)]
        told_of = {k for block in (*goal, *(old or ())) for k in block}
        now = [{k: v for k, v in values_of(i, resolver).items() if not goal or k in told_of} for i in items]
        full = former(now, old)
        if old is not None and any(n is None for n in full) and any(i.element is not None for i in items):
            raise InTheWay(f"the dynamic block at {items[0].block.at} does not make what was planned")
        left = list(range(len(goal)))
        kept: dict[int, int] = {}
        for n, (values, whole) in enumerate(zip(now, full, strict=True)):
            match = next((g for g in left if equal(values, whole, goal[g])), None)
            if match is not None:
                left.remove(match)
                kept[n] = match
        leaving = [n for n in range(len(items)) if n not in kept]
        pairs: dict[int, int] = {}
        scored = sorted(
            ((-alike(full[n] or now[n], goal[g]), n, g) for n in leaving for g in left),
            key=lambda s: (s[0], s[1], s[2]),
        )
        for score, n, g in scored:
            if score < 0 and n not in pairs and g not in pairs.values():
                pairs[n] = g
        left = [g for g in left if g not in pairs.values()]
        for n in sorted(leaving, reverse=True):
            if n in pairs:
                self._reshape(path, n, items, full[n] or now[n], goal[pairs[n]])
        for n in sorted((n for n in leaving if n not in pairs), reverse=True):
            frame, level, resolver = self.look()
            found = self._spot(level.block, resolver.scope(frame, level), path, resolver)
            if isinstance(found, list) and n < len(found):
                self._drop(found[n], frame, level, resolver)
        for g in left:
            self._grow(path, items, goal[g])

    def _reshape(
        self, path: Path, n: int, items: list[Item], now: Mapping[str, Value], want: Mapping[str, Value]
    ) -> None:
        for key, value in want.items():
            written = items[n].block.attribute(key) is not None or bool(items[n].block.blocks(key))
            if (key in now and same(now[key], value)) or (not written and empty(value)):
                continue
            self.change((*path, n, key), value, now.get(key))
        for key in now:
            if key not in want:
                self.change((*path, n, key), Absent(), None)

    def _grow(self, path: Path, items: list[Item], want: Mapping[str, Value]) -> None:
        """One more block of a kind that is there."""
        frame, level, resolver = self.look()
        found = self._spot(level.block, resolver.scope(frame, level), path, resolver)
        siblings = found if isinstance(found, list) else []
        static = [i for i in siblings if i.element is None]
        written = tuple(dict.fromkeys(k for i in static or items for k in values_of(i, resolver)))
        values = writable(want, written)
        if siblings and not static:
            self._grow_collection(siblings[-1], want, frame, level, resolver)
            return
        parent = self._block_of(path[:-1], level.block, resolver.scope(frame, level), resolver)
        self._judge_block(frame, level, parent, str(path[0]))
        after = static[-1].block if static else None
        self._write(parent.source, block_inserted(parent, str(path[-1]), values, after))
        self.places.append(f"{path[-1]} block added to {parent.name} at {parent.at}")

    def _grow_collection(
        self, item: Item, want: Mapping[str, Value], frame: Frame, level: Level, resolver: Resolver
    ) -> None:
        """One more element in the list that a dynamic block goes through, when its attributes tell which."""
        assert item.element is not None
        collection, _, scope = item.element
        trail = Trail()
        place = resolver.locate(collection, (), scope, trail)
        if place.term.first.type != "collection_value" or place.term.first.children[0].type != "tuple":
            raise InTheWay(f"the dynamic block at {item.block.at} goes through {place.term.text} at {place.term.at}")
        element = item.inverse(want)
        self._judge(place, trail, frame, level, resolver, ())
        node = place.term.first.children[0]
        count = sum(n.type == "expression" for n in node.children)
        self._write(place.term.source, item_inserted(place.term.source, node, count, element))
        self._told(place, trail)


def _schema_name(path: Path) -> str:
    return ".".join(s for s in path if isinstance(s, str))
