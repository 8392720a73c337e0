"""Maps and lists made equal to what is wanted: the members and items that differ, one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from agent.fix.block_edits import BlockEdits
from agent.fix.compare import items_now
from agent.fix.edits import Spot, Want
from agent.fix.literal_edits import item_inserted, item_removed, list_at
from agent.fix.model import Absent
from agent.fix.modules import Frame, Level
from agent.fix.paths import Path, told
from agent.fix.refusal import InTheWay
from agent.fix.resolve import Resolver
from agent.fix.scope import Place, Trail
from agent.fix.syntax import parse
from agent.fix.terms import is_plain, parts_of_call, term
from agent.fix.values import canonical, same
from graph.model import Value

_Edit: TypeAlias = "Callable[[Place], bytes]"


class CollectionEdits(BlockEdits):
    """Edits of what is in maps and lists: what goes, what changes, what comes."""

    def _collection(self, place: Place, path: Path, want: Value, before: Want | None, resolver: Resolver) -> None:
        at = place.term
        if isinstance(want, Mapping):
            old: Mapping[str, Value] = before if isinstance(before, Mapping) else {}
            members = resolver.members(at, place.scope)
            for key, value, _ in members:
                if key not in want:
                    self.change((*path, key), Absent(), None)
                else:
                    now = resolver.known(value, place.scope)
                    if now is None and key in old and same(old[key], want[key]):
                        continue
                    if now is None or not same(now.value, want[key]):
                        self.change((*path, key), want[key], old.get(key))
            known = {key for key, _, _ in members}
            for key, value in want.items():
                if key not in known and value is not None:
                    self.change((*path, key), value, None)
            return
        assert isinstance(want, Sequence)
        self._list(place, path, list(want), before, resolver)

    def _list(self, place: Place, path: Path, want: list[Value], before: Want | None, resolver: Resolver) -> None:
        """A list literal: the items that differ, from the last to the first."""
        at = place.term
        tuple_node = at.first.children[0]
        items = [term(at.source, n) for n in tuple_node.children if n.type == "expression"]
        old = list(before) if isinstance(before, Sequence) and not isinstance(before, str) else None
        now = items_now(items, [resolver.known(i, place.scope) for i in items], old)
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
                if is_plain(items[i]) or not self._followed((*path, i), value, now[i]):
                    self._swap(path, i, value, now[i], plain=is_plain(items[i]) or isinstance(now[i], Mapping))

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
        whole = resolver.known(at, place.scope)
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
            said = {canonical(k.value) for i in inside if (k := resolver.known(i, place.scope)) is not None}
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
                value = resolver.known(item, place.scope)
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
            self.change(path, value, now)
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
            self.change((*path, index), value, now)
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
