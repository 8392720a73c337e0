"""Code taken away for what is gone and is to stay so."""

from __future__ import annotations

from agent.fix.body_edits import block_node, block_removed
from agent.fix.files import Files
from agent.fix.layout import aligned
from agent.fix.literal_edits import item_removed, member_removed, replaced
from agent.fix.model import Code, Fix, Wanted
from agent.fix.modules import Frame, Level, descend
from agent.fix.patch import fix_of
from agent.fix.paths import BadPath, address_of
from agent.fix.references import Ref
from agent.fix.refusal import InTheWay
from agent.fix.resolve import Resolver
from agent.fix.scope import Place, Scope, Trail, level_id
from agent.fix.sharing import Sharing
from agent.fix.syntax import Block, Source, parse, value_of
from agent.fix.terms import Term, is_set, parts_of_call, term

_ASIDE = ("import", "moved", "removed")


def remove_block(code: Code, address: str, directory: str, *, drift: str = "", roots: tuple[str, ...] = ()) -> Fix:
    """The edit after which the code no longer wants an instance that is gone and is to stay so.

    A whole block goes when it makes this one instance; of `for_each` and `count` the element of the collection goes. Unsafe, with the list of
    the references, when something else still speaks of it.

    Returns a `Fix` of `how="remove"`.
    """
    files = Files(code)
    wanted = Wanted(address=address, directory=directory, values={}, before={}, roots=roots)
    try:
        read = address_of(address)
        frame, level = descend(files, directory, read)
        remover = _Remover(files, wanted, frame, level)
        if level.source_of_many is None:
            remover.whole()
        elif level.block.attribute("for_each") is not None:
            remover.of_collection()
        else:
            remover.of_count()
    except RecursionError:
        return fix_of(Files(code), drift=drift, how="remove", safe=False, why="The code is nested too deeply.")
    except BadPath:
        return fix_of(
            files, drift=drift, how="remove", safe=False, why=f"{address} is no address of a managed resource."
        )
    except InTheWay as error:
        return fix_of(files, drift=drift, how="remove", safe=False, why=error.why + ".")
    why = f"{address} is taken out, and nothing else in the code speaks of it."
    if remover.unsafe:
        why = "The patch is not enough, or too much: " + "; ".join(dict.fromkeys(remover.unsafe)) + "."
    elif not remover.places:
        why = f"The code does not make {address} any more; nothing is to be changed."
    return fix_of(files, drift=drift, how="remove", safe=not remover.unsafe, why=why, places=remover.places)


class _Remover:
    """Takes one instance out of the code."""

    def __init__(self, files: Files, wanted: Wanted, frame: Frame, level: Level) -> None:
        self._files = files
        self._frame = frame
        self._level = level
        self._resolver = Resolver(files, wanted)
        self._sharing = Sharing(files, wanted, self._resolver, frame, level, goes=True)
        self.places: list[str] = []
        self.unsafe: list[str] = []

    def whole(self) -> None:
        """The resource's block, and the import and moved blocks that name it."""
        block = self._level.block
        place = Place(Term(block.source, (block.node,)), (), Scope(self._frame, self._level), "block")
        self.unsafe += [f"{block.name} at {block.at}: {r}" for r in self._sharing.reasons(place, Trail())]
        references = self._references()
        left = [r for r in references if r.block is None or r.block.type not in _ASIDE]
        self.unsafe += [f"{block.name} is still spoken of at {r.source.at(r.node)}" for r in left]
        gone: list[Block] = [block]
        for ref in references:
            if (
                ref.block is not None
                and ref.block.type in _ASIDE
                and ref.block.node.id not in [b.node.id for b in gone]
            ):
                gone.append(ref.block)
        by_file: dict[str, list[Block]] = {}
        for item in gone:
            by_file.setdefault(item.source.path, []).append(item)
        for items in by_file.values():
            for item in sorted(items, key=lambda b: -b.node.start_byte):
                source = self._files.source(item.source.path)
                assert source is not None
                self._write(source, _with_comment_removed(item, source))
                self.places.append(f"{item.name} taken out at {item.at}")

    def of_collection(self) -> None:
        """The element of `for_each`."""
        block, key = self._level.block, self._level.key
        node = block.attribute("for_each")
        assert node is not None
        collection = term(block.source, value_of(node))
        trail = Trail()
        place = self._resolver.locate(collection, (), Scope(self._frame), trail)
        trail.told_apart.add(level_id(self._level))
        at = place.term
        if at.first.type != "collection_value" or len(at.nodes) > 1:
            raise InTheWay(f"{at.text} at {at.at}, which for_each goes through, is an expression")
        inner = at.first.children[0]
        self._judge(place, trail)
        self.unsafe += [
            f"{block.name}[…] is spoken of at {r.source.at(r.node)}"
            for r in self._references()
            if r.path and isinstance(r.path[0], str) and r.path[0] == key
        ]
        if inner.type == "tuple":
            if not is_set(collection) and place.sort == "literal":
                raise InTheWay(f"{at.text} at {at.at} is no map or set")
            items = self._resolver.value(at, place.scope)
            texts = [str(i) for i in items] if isinstance(items, list) else []
            if str(key) not in texts:
                return
            self._write(at.source, item_removed(at.source, inner, texts.index(str(key))))
        else:
            keys = [k for k, _, _ in self._resolver.members(at, place.scope)]
            if str(key) not in keys:
                return
            self._write(at.source, member_removed(at.source, inner, keys.index(str(key))))
        self.places.append(
            f"element {key} taken out of the {'for_each' if place.sort == 'literal' else place.sort} at {at.at}"
        )

    def of_count(self) -> None:
        """The last instance of a count, or an item of the list whose length it is."""
        block, key = self._level.block, self._level.key
        node = block.attribute("count")
        assert node is not None
        at = term(block.source, value_of(node))
        if not isinstance(key, int):
            raise InTheWay(f"{block.name} at {block.at} has a count, and the address has no index")
        count = self._resolver.value(at, Scope(self._frame))
        if not isinstance(count, int) or isinstance(count, bool):
            raise InTheWay(f"{at.text} at {at.at} is no number")
        if key >= count:
            return
        if key != count - 1:
            self.unsafe.append(f"{block.name}[{key}] is not the last one: those after it would move up and be replaced")
        trail = Trail()
        if at.first.type == "function_call" and parts_of_call(at)[0] == "length":
            place = self._resolver.locate(parts_of_call(at)[1][0], (), Scope(self._frame), trail)
            if place.term.first.type == "collection_value" and place.term.first.children[0].type == "tuple":
                trail.told_apart.add(level_id(self._level))
                self._judge(place, trail)
                source = place.term.source
                self._write(source, item_removed(source, place.term.first.children[0], key))
                self.places.append(f"item {key} taken out of the list at {place.term.at}")
                return
        place = self._resolver.locate(at, (), Scope(self._frame), trail)
        if place.term.first.type != "literal_value" or any("condition" in w for w in trail.words):
            raise InTheWay(f"{at.text} at {at.at} is an expression")
        trail.told_apart.add(level_id(self._level))
        self._judge(place, trail)
        self._write(place.term.source, replaced(place.term, count - 1))
        self.places.append(f"count at {place.term.at}: {count} becomes {count - 1}")

    def _judge(self, place: Place, trail: Trail) -> None:
        self.unsafe += [f"{place.sort} at {place.term.at}: {r}" for r in self._sharing.reasons(place, trail)]

    def _references(self) -> list[Ref]:
        block = self._level.block
        return [
            r
            for r in self._frame.directory.refs()
            if r.symbol == block.labels
            and not (
                r.source.path == block.source.path and block.node.start_byte <= r.node.start_byte < block.node.end_byte
            )
        ]

    def _write(self, source: Source, data: bytes) -> None:
        if source.broken:
            raise InTheWay(f"{source.path}:{source.broken} has a syntax error")
        self._files.write(source.path, aligned(source.data, data))


def _with_comment_removed(block: Block, source: Source) -> bytes:
    """Without a top-level block and the comment lines right above it, unless these head the file."""
    node = block_node(source, block.node.start_byte)
    start = source.data.rfind(b"\n", 0, node.start_byte) + 1
    first = start
    while first > 0:
        above = source.data.rfind(b"\n", 0, first - 1) + 1
        if not source.data[above:first].lstrip().startswith((b"#", b"//")):
            break
        first = above
    if first > 0 and first < start:
        again = parse(source.path, source.data[:first] + source.data[start:])
        return block_removed(again, block_node(again, node.start_byte - (start - first)))
    return block_removed(source, node)
