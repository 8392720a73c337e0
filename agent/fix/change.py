"""One value of one instance changed where it is written: the smallest edits, one after the other, each looked up anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from tree_sitter import Node

from agent.fix.block_edits import BlockEdits
from agent.fix.compare import canonical, decoded, gone, is_list, items_now
from agent.fix.edits import Spot, Want
from agent.fix.functions import Known
from agent.fix.model import Absent
from agent.fix.modules import Frame, InTheWay, Level
from agent.fix.paths import Path, told
from agent.fix.repeated import Item, values_of
from agent.fix.resolve import INTO_JSON, Missing, Place, Resolver, Scope, Term, Trail, parts_of_call, same, term
from agent.fix.sharing import Sharing
from agent.fix.syntax import parse, walk
from agent.fix.write import (
    attribute_inserted,
    attribute_removed,
    item_inserted,
    item_removed,
    list_at,
    member_inserted,
    member_removed,
    replaced,
)
from graph.model import Value

_Edit: TypeAlias = "Callable[[Place], bytes]"


class Changer(BlockEdits):
    """Edits of attributes and of what is in their values."""

    def current(self, path: Path) -> Want:
        """What the code says now. Raises `InTheWay` when it does not tell."""
        frame, level, resolver = self.look()
        block, scope = level.block, resolver.scope(frame, level)
        spot = self._spot(block, scope, path, resolver)
        if isinstance(spot, Item):
            return {k: v for k, v in values_of(spot, resolver).items() if k}
        if isinstance(spot, list):
            return [values_of(i, resolver) for i in spot]
        if spot.at is None:
            return Absent()
        try:
            return resolver.value(spot.at, spot.scope, spot.rest)
        except Missing:
            return Absent()

    def change(self, path: Path, want: Want, before: Want | None) -> None:
        """Make the code say `want` at a settled path. Raises `InTheWay`."""
        self._change(path, want, before)

    def _change(self, path: Path, want: Want, before: Want | None) -> None:
        frame, level, resolver = self.look()
        scope = resolver.scope(frame, level)
        spot = self._spot(level.block, scope, path, resolver)
        if isinstance(spot, list):
            self._blocks(path, spot, want, before)
        elif isinstance(spot, Item):
            self._item(path, spot, want)
        elif spot.at is None:
            self._unwritten(spot, path, want)
        elif not spot.rest and gone(want):
            self._judge_block(frame, level, spot.block, str(path[0]))
            self._write(spot.block.source, attribute_removed(spot.block.source, _attribute(spot)))
            self.places.append(f"{spot.name} taken out of {spot.block.name} at {spot.at.at}")
        elif gone(want):
            self._take(spot, path, resolver, frame, level)
        else:
            self._literal(spot, path, want, before, resolver, frame, level)

    def _literal(
        self,
        spot: Spot,
        path: Path,
        want: Value | Absent,
        before: Want | None,
        resolver: Resolver,
        frame: Frame,
        level: Level,
    ) -> None:
        assert spot.at is not None
        assert not isinstance(want, Absent)
        trail = Trail()
        place = resolver.locate(spot.at, spot.rest, spot.scope, trail)
        at = place.term
        if place.sort.startswith("key:"):
            raise InTheWay(f"{place.sort.removeprefix('key:')} is the key that names the instance")
        if place.rest:
            self._into(place, trail, want, frame, level, resolver, path)
            return
        now = _value(resolver, at, place.scope)
        if now is not None and same(now.value, want):
            return
        if at.first.type == "function_call" and isinstance(want, str):
            inner = decoded(want)
            if parts_of_call(at)[0] == "jsonencode" and inner is not None:
                if now is not None and isinstance(now.value, str) and same(decoded(now.value), inner):
                    return
                self._deep((*path, INTO_JSON), inner, None)
                return
        if at.first.type == "function_call" and parts_of_call(at)[0] == "concat" and is_list(want):
            self._joined(place, trail, path, want, before, resolver, frame, level)
            return
        if len(at.nodes) == 1 and at.first.type == "collection_value":
            kind = at.first.children[0].type
            if (kind == "object" and isinstance(want, Mapping)) or (kind == "tuple" and is_list(want)):
                self._collection(place, path, want, before, resolver)
                return
            if any(n.type == "comment" for n in at.first.children[0].children):
                raise InTheWay(f"{at.text} at {at.at} is of another kind and holds comments")
        if (
            now is not None
            and isinstance(now.value, str)
            and isinstance(want, str)
            and decoded(want) is not None
            and same(decoded(now.value), decoded(want))
        ):
            return
        if not _plain(at):
            self._refuse_term(at)
        sharing = Sharing(self.files, self.wanted, resolver, frame, level)
        if place.sort == "default" and not trail.hops[-1][2] and sharing.called_elsewhere(place.scope.frame):
            self._argument(place, trail, want, sharing)
            return
        self._judge(place, trail, frame, level, resolver, path)
        self._write(at.source, replaced(at, want))
        self._told(place, trail)

    def _argument(self, place: Place, trail: Trail, want: Value, sharing: Sharing) -> None:
        """Instead of the default that other calls of the module take as well: an argument of the call in question."""
        frame = place.scope.frame
        assert frame.call is not None
        assert frame.parent is not None
        call = frame.call.block
        name = trail.hops[-1][1][1]
        at = Place(Term(call.source, (call.node,)), (), Scope(frame.parent), "module argument")
        reasons = sharing.reasons(at, trail)
        self.unsafe += [f"argument {name} of {call.name} at {call.at}: {r}" for r in reasons]
        self._write(call.source, attribute_inserted(call, name, want))
        self.places.append(f"argument {name} added to {call.name} at {call.at}, since other calls take the default")

    def _deep(self, path: Path, want: Value, before: Value) -> None:
        """A value inside `jsonencode`: its parts by themselves."""
        self._change(path, want, before)

    def _collection(self, place: Place, path: Path, want: Value, before: Want | None, resolver: Resolver) -> None:
        at = place.term
        if isinstance(want, Mapping):
            old: Mapping[str, Value] = before if isinstance(before, Mapping) else {}
            members = resolver.members(at, place.scope)
            for key, value, _ in members:
                if key not in want:
                    self._change((*path, key), Absent(), None)
                else:
                    now = _value(resolver, value, place.scope)
                    if now is None and key in old and same(old[key], want[key]):
                        continue
                    if now is None or not same(now.value, want[key]):
                        self._change((*path, key), want[key], old.get(key))
            known = {key for key, _, _ in members}
            for key, value in want.items():
                if key not in known and value is not None:
                    self._change((*path, key), value, None)
            return
        assert isinstance(want, Sequence)
        self._list(place, path, list(want), before, resolver)

    def _list(self, place: Place, path: Path, want: list[Value], before: Want | None, resolver: Resolver) -> None:
        """A list literal: the items that differ, from the last to the first."""
        at = place.term
        tuple_node = at.first.children[0]
        items = [term(at.source, n) for n in tuple_node.children if n.type == "expression"]
        old = list(before) if isinstance(before, Sequence) and not isinstance(before, str) else None
        now = items_now(items, [_value(resolver, i, place.scope) for i in items], old)
        ordered = old is None or (len(old) == len(now) and all(same(a, b) for a, b in zip(old, now, strict=True)))
        have, goal = [canonical(v) for v in now], [canonical(v) for v in want]
        if not ordered:
            if sorted(have) == sorted(goal):
                return
            goal_left = list(goal)
            kept = [goal_left.remove(h) is None if h in goal_left else False for h in have]
            added = [
                w for w, text in zip(want, goal, strict=True) if text in goal_left and (goal_left.remove(text) is None)
            ]
            want = [v for v, keep in zip(now, kept, strict=True) if keep] + added
            goal = [canonical(v) for v in want]
        operations = SequenceMatcher(None, have, goal, autojunk=False).get_opcodes()
        for tag, i1, i2, j1, j2 in reversed(operations):
            if tag == "equal":
                continue
            pairs = min(i2 - i1, j2 - j1)
            for j in reversed(range(j1 + pairs, j2)):
                self._put_in(path, i1 + pairs, want[j])
            for i in reversed(range(i1 + pairs, i2)):
                self._take_out(path, i)
            for k in reversed(range(pairs)):
                i, value = i1 + k, want[j1 + k]
                if _plain(items[i]) or not self._followed((*path, i), value, now[i]):
                    self._swap(path, i, value, now[i], plain=_plain(items[i]) or isinstance(now[i], Mapping))

    def _joined(
        self,
        place: Place,
        trail: Trail,
        path: Path,
        want: Value,
        before: Want | None,
        resolver: Resolver,
        frame: Frame,
        level: Level,
    ) -> None:
        """Lists that `concat` joins: what goes, out of the literals among them; what comes, into the last of these."""
        at = place.term
        whole = _value(resolver, at, place.scope)
        now = whole.value if whole is not None else before
        if not isinstance(now, Sequence) or isinstance(now, str) or not isinstance(want, Sequence):
            self._refuse_term(at)
            return
        leaving: list[str] = [canonical(v) for v in now]
        coming: list[Value] = []
        for item in want:
            if canonical(item) in leaving:
                leaving.remove(canonical(item))
            else:
                coming.append(item)
        literals = [a for a in parts_of_call(at)[1] if a.text.startswith("[") and a.first.type == "collection_value"]
        if whole is None:  # what the code says beyond `before` came with an earlier adoption
            inside = [
                term(a.source, i) for a in literals for i in a.first.children[0].children if i.type == "expression"
            ]
            said = {canonical(k.value) for i in inside if (k := _value(resolver, i, place.scope)) is not None}
            coming = [c for c in coming if canonical(c) not in said]
        if not leaving and not coming:
            return
        if not literals:
            self._refuse_term(at)
        self._judge(place, trail, frame, level, resolver, path)
        source = at.source
        for n, argument in reversed(list(enumerate(literals))):
            start = argument.span[0]
            items = [term(argument.source, i) for i in argument.first.children[0].children if i.type == "expression"]
            if n == len(literals) - 1:
                for item in coming:
                    node = list_at(source, start)
                    count = sum(i.type == "expression" for i in node.children)
                    source = parse(source.path, item_inserted(source, node, count, item))
            for index, item in reversed(list(enumerate(items))):
                value = _value(resolver, item, place.scope)
                if value is not None and canonical(value.value) in leaving:
                    leaving.remove(canonical(value.value))
                    source = parse(source.path, item_removed(source, list_at(source, start), index))
        if leaving:
            self._refuse_term(at)
        self._write(at.source, source.data)
        self._told(place, trail)

    def _followed(self, path: Path, value: Value, now: Value) -> bool:
        """Change an item where it comes from, if that is for this instance alone."""
        kept, places, unsafe = self.files.edited, len(self.places), len(self.unsafe)
        try:
            self._change(path, value, now)
        except InTheWay:
            pass
        else:
            if len(self.unsafe) == unsafe:
                return True
        self.files.restore(kept)
        del self.places[places:], self.unsafe[unsafe:]
        return False

    def _swap(self, path: Path, index: int, value: Value, now: Value, *, plain: bool) -> None:
        if plain:
            self._change((*path, index), value, now)
        else:
            self._take_out(path, index)
            self._put_in(path, index, value)

    def _put_in(self, path: Path, index: int, value: Value) -> None:
        self._put(path, lambda p: item_inserted(p.term.source, p.term.first.children[0], index, value))

    def _take_out(self, path: Path, index: int) -> None:
        self._put(path, lambda p: item_removed(p.term.source, p.term.first.children[0], index))

    def _put(self, path: Path, edit: _Edit) -> None:
        """Edit the collection that a path names."""
        frame, level, resolver = self.look()
        spot = self._spot(level.block, resolver.scope(frame, level), path, resolver)
        if not isinstance(spot, Spot) or spot.at is None:
            raise InTheWay(f"{told(path)} is not written any more")
        trail = Trail()
        place = resolver.locate(spot.at, spot.rest, spot.scope, trail)
        self._judge(place, trail, frame, level, resolver, path)
        self._write(place.term.source, edit(place))
        self._told(place, trail)

    def _into(
        self, place: Place, trail: Trail, want: Value, frame: Frame, level: Level, resolver: Resolver, path: Path
    ) -> None:
        """A key or item that the literal has not."""
        at = place.term
        if at.first.type != "collection_value":
            raise InTheWay(f"{at.text} at {at.at} is no literal")
        value: Value = want
        for step in reversed(place.rest[1:]):
            if isinstance(step, int):
                if step != 0:
                    raise InTheWay(f"{told(path)} is past the end of what is written at {at.at}")
                value = [value]
            else:
                value = {step: value}
        self._judge(place, trail, frame, level, resolver, path)
        node = at.first.children[0]
        if node.type == "object":
            self._write(at.source, member_inserted(at.source, node, str(place.rest[0]), value))
        else:
            count = sum(n.type == "expression" for n in node.children)
            if place.rest[0] != count:
                raise InTheWay(f"{told(path)} is past the end of the list at {at.at}")
            self._write(at.source, item_inserted(at.source, node, count, value))
        self._told(place, trail)

    def _take(self, spot: Spot, path: Path, resolver: Resolver, frame: Frame, level: Level) -> None:
        """A key or item out of its literal."""
        assert spot.at is not None
        trail = Trail()
        step = spot.rest[-1]
        container = resolver.locate(spot.at, spot.rest[:-1], spot.scope, trail)
        if container.rest:
            return
        container = _part_with(resolver, container, str(step), trail)
        at = container.term
        if at.first.type != "collection_value" or len(at.nodes) > 1:
            self._refuse_term(at)
        node = at.first.children[0]
        if node.type == "object":
            keys = [k for k, _, _ in resolver.members(at, container.scope)]
            if str(step) not in keys:
                return
            self._judge(container, trail, frame, level, resolver, path)
            self._write(at.source, member_removed(at.source, node, keys.index(str(step))))
        else:
            count = sum(n.type == "expression" for n in node.children)
            if not isinstance(step, int) or step >= count:
                return
            self._judge(container, trail, frame, level, resolver, path)
            self._write(at.source, item_removed(at.source, node, step))
        self._told(container, trail)


def _attribute(spot: Spot) -> Node:
    node = spot.block.attribute(spot.name)
    assert node is not None
    return node


def _value(resolver: Resolver, at: Term, scope: Scope) -> Known | None:
    try:
        return Known(resolver.value(at, scope))
    except InTheWay:
        return None


def _plain(at: Term) -> bool:
    """Whether it is a literal that another may take the place of."""
    if len(at.nodes) > 1:
        return False
    if at.first.type == "operation":
        parts = at.first.children[0].children
        return at.first.children[0].type == "unary_operation" and parts[-1].type == "literal_value"
    if at.first.type == "collection_value":
        return not any(
            n.type in ("identifier", "comment") and n.parent is not None and not _is_key(n) for n in walk(at.first)
        )
    return at.first.type == "literal_value"


def _is_key(node: Node) -> bool:
    """Whether a name is an object's key."""
    expression = node.parent.parent if node.parent is not None else None
    element = expression.parent if expression is not None else None
    return (
        expression is not None
        and element is not None
        and element.type == "object_elem"
        and element.children[0].start_byte == expression.start_byte
    )


def _part_with(resolver: Resolver, container: Place, key: str, trail: Trail) -> Place:
    """Of a `merge`, the argument that has a key."""
    at = container.term
    if len(at.nodes) == 1 and at.first.type == "function_call":
        name, arguments = parts_of_call(at)
        if name == "merge":
            for argument in reversed(arguments):
                value = _value(resolver, argument, container.scope)
                if value is None:
                    break
                if isinstance(value.value, Mapping) and key in value.value:
                    return resolver.locate(argument, (), container.scope, trail)
    return container
