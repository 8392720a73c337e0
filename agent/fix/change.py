"""One value of one instance changed where it is written: the smallest edits, one after the other, each looked up anew."""

from __future__ import annotations

from collections.abc import Mapping

from tree_sitter import Node

from agent.fix.body_edits import attribute_inserted, attribute_removed
from agent.fix.collection_edits import CollectionEdits
from agent.fix.edits import Spot, Want
from agent.fix.literal_edits import item_inserted, item_removed, member_inserted, member_removed, replaced
from agent.fix.model import Absent
from agent.fix.modules import Frame, Level
from agent.fix.paths import Path, told
from agent.fix.promotion import declared, free_name, is_constant
from agent.fix.refusal import InTheWay, Missing
from agent.fix.repeated import Item, values_of
from agent.fix.resolve import INTO_JSON, Resolver
from agent.fix.scope import Place, Scope, Trail
from agent.fix.sharing import Sharing
from agent.fix.terms import Term, is_plain, parts_of_call
from agent.fix.values import decoded, gone, is_list, same
from graph.model import Value


class Changer(CollectionEdits):
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
        now = resolver.known(at, place.scope)
        if now is not None and same(now.value, want):
            return
        if (
            now is not None
            and not trail.hops
            and path == (spot.name,)
            and self._as_variable(spot, place, now.value, want, resolver, frame, level)
        ):
            return
        if at.first.type == "function_call" and isinstance(want, str):
            inner = decoded(want)
            if parts_of_call(at)[0] == "jsonencode" and inner is not None:
                if now is not None and isinstance(now.value, str) and same(decoded(now.value), inner):
                    return
                self.change((*path, INTO_JSON), inner, None)
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
        if not is_plain(at):
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

    def _as_variable(
        self, spot: Spot, place: Place, now: Value, want: Value, resolver: Resolver, frame: Frame, level: Level
    ) -> bool:
        """A literal of a module that is called elsewhere too, made its variable, with an argument of the call in question.

        False, and nothing done, when it is not shared that way, or when that would not be for this instance alone either.
        """
        module, call = frame.directory, frame.call
        at = place.term
        if place.sort != "literal" or call is None or frame.parent is None or not is_constant(at):
            return False
        sharing = Sharing(self.files, self.wanted, resolver, frame, level)
        name = free_name(module, level.block.labels[1], spot.name)
        if not sharing.called_elsewhere(frame) or name is None or module.json or module.broken or at.source.generated:
            return False
        there = Place(Term(call.block.source, (call.block.node,)), (), Scope(frame.parent), "module argument")
        if sharing.reasons(there, Trail()):
            return False
        self._judge_readers(sharing, level, spot.name)
        start, end = at.span
        self._write(at.source, at.source.data[:start] + b"var." + name.encode() + at.source.data[end:])
        path, data = declared(self.files, self.files.directory(module.path), name, now)
        self.files.write(path, data)
        self._write(call.block.source, attribute_inserted(call.block, name, want))
        self.places.append(
            f"variable {name} in {path} with what stands at {at.at} by default, and argument {name} added to"
            f" {call.block.name} at {call.block.at}, since other calls take the default"
        )
        return True

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


def _part_with(resolver: Resolver, container: Place, key: str, trail: Trail) -> Place:
    """Of a `merge`, the argument that has a key."""
    at = container.term
    if len(at.nodes) == 1 and at.first.type == "function_call":
        name, arguments = parts_of_call(at)
        if name == "merge":
            for argument in reversed(arguments):
                value = resolver.known(argument, container.scope)
                if value is None:
                    break
                if isinstance(value.value, Mapping) and key in value.value:
                    return resolver.locate(argument, (), container.scope, trail)
    return container
