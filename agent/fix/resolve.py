"""Where the value of an expression is written, as far as the code alone tells."""

from __future__ import annotations

from collections.abc import Mapping

from tree_sitter import Node

from agent.fix.evaluate import Evaluator
from agent.fix.files import Files, json_sets
from agent.fix.model import Wanted
from agent.fix.modules import Frame, Level
from agent.fix.paths import Path, Step, told
from agent.fix.references import AnyStep, index_of, reference
from agent.fix.refusal import InTheWay, Missing
from agent.fix.scope import Binding, Place, Scope, Trail, level_id
from agent.fix.syntax import top_attribute, value_of
from agent.fix.terms import Term, for_parts, is_set, only_interpolation, parse_literal, parts_of_call, tells_apart, term
from graph.model import Value

_DEPTH = 60
INTO_JSON = "\0json"
"""A step from the text of `jsonencode(…)` to what it encodes."""


class Resolver(Evaluator):
    """Follows names through one root module's code."""

    def __init__(self, files: Files, wanted: Wanted) -> None:
        self._files = files
        self._wanted = wanted

    def scope(self, frame: Frame, level: Level) -> Scope:
        """What names mean in a resource or module call of a module instance."""
        scope = Scope(frame, level)
        node = level.block.attribute("for_each")
        if node is not None and isinstance(level.key, str):
            collection = term(level.block.source, value_of(node))
            scope = scope.bound("each", Binding(collection, Scope(frame), level.key, level))
        return scope

    def locate(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str = "literal", depth: int = 0) -> Place:
        """The place of what `path` takes of a term: a literal, or the expression that stands in the way. Raises `InTheWay`."""
        if depth > _DEPTH:
            raise InTheWay(f"{at.text} at {at.at} refers to itself")
        first = at.first
        read = reference(at.source, at.nodes)
        if read is not None and read[2] == len(at.nodes):
            return self._named(at, path, scope, trail, sort, depth)
        if len(at.nodes) > 1:
            return self._taken(at, path, scope, trail, sort, depth)
        if first.type == "template_expr" and (inside := only_interpolation(first)) is not None:
            return self.locate(term(at.source, inside), path, scope, trail, sort, depth + 1)
        if first.type == "conditional":
            chosen = self._branch(at, scope, trail)
            return self.locate(chosen, path, scope, trail, sort, depth + 1)
        if first.type == "collection_value" and path:
            return self._member(at, path, scope, trail, sort, depth)
        if first.type == "function_call":
            return self._called(at, path, scope, trail, sort, depth)
        if first.type == "for_expr" and path:
            return self._generated(at, path, scope, trail, sort, depth)
        if path and first.type not in ("collection_value", "literal_value"):
            raise InTheWay(f"{at.text} at {at.at} is computed")
        return Place(at, path, scope, sort)

    def value(self, at: Term, scope: Scope, path: Path = (), trail: Trail | None = None) -> Value:
        """What an expression is. Raises `InTheWay` when the code alone does not tell, `Missing` when it is not there."""
        place = self.locate(at, path, scope, trail or Trail())
        if place.rest:
            raise Missing(f"{told(place.rest)} is not in {place.term.text} at {place.term.at}")
        return self.literal(place.term, place.scope)

    def _generated(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str, depth: int) -> Place:
        """Into what a `for` makes: the element that it made it of."""
        form = at.first.children[0]
        names, collection, results, condition = for_parts(at.source, form)
        position = -1
        for key, _ in self._elements(collection, scope):
            inner = self._for_scope(names, collection, scope, key)
            if condition is not None and self.value(condition, inner) is not True:
                continue
            position += 1
            mine = position if form.type == "for_tuple_expr" else self.value(results[0], inner)
            if str(mine) == str(path[0]):
                return self.locate(results[-1], path[1:], inner, trail, sort, depth + 1)
        raise Missing(f"{told(path[:1]) if isinstance(path[0], str) else path[0]} is not in {at.text} at {at.at}")

    def _branch(self, at: Term, scope: Scope, trail: Trail) -> Term:
        condition, yes, no = [term(at.source, c) for c in at.first.children if c.type == "expression"]
        used = Trail()
        try:
            chosen = self.value(condition, scope, trail=used)
        except InTheWay as error:
            raise InTheWay(f"{at.text} at {at.at} depends on a condition that is not known: {error.why}") from None
        if not isinstance(chosen, bool):
            raise InTheWay(f"{at.text} at {at.at} depends on a condition that is not known")
        if chosen and tells_apart(condition) and scope.level is not None:
            trail.told_apart.add(level_id(scope.level))
        if chosen and tells_apart(condition, {b"terraform.workspace"}):
            trail.by_workspace = True
        trail.words.append(f"the {'first' if chosen else 'second'} case of the condition at {at.at}")
        return yes if chosen else no

    def _member(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str, depth: int) -> Place:
        inner = at.first.children[0]
        if inner.type == "tuple":
            items = [n for n in inner.children if n.type == "expression"]
            index = int(path[0]) if str(path[0]).isdigit() else -1
            if 0 <= index < len(items):
                return self.locate(term(at.source, items[index]), path[1:], scope, trail, sort, depth + 1)
            return Place(at, path, scope, sort)
        for key, value, _ in self.members(at, scope):
            if key == str(path[0]):
                return self.locate(value, path[1:], scope, trail, sort, depth + 1)
        return Place(at, path, scope, sort)

    def _taken(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str, depth: int) -> Place:
        """`lookup(…).x`, `(…)[0]`, `{…}[var.key]`."""
        steps: list[Step] = []
        for node in at.nodes[1:]:
            if node.type == "get_attr":
                steps.append(at.source.text(node.children[-1]))
            elif node.type == "index":
                steps.append(self._index(at, node, scope, trail))
            else:
                raise InTheWay(f"{at.text} at {at.at} is computed")
        return self.locate(Term(at.source, at.nodes[:1]), (*steps, *path), scope, trail, sort, depth + 1)

    def _index(self, at: Term, node: Node, scope: Scope, trail: Trail) -> Step:
        expression = index_of(node)
        if expression is None:
            return int(at.source.text(node).lstrip("."))
        return self._chosen(term(at.source, expression), scope, trail)

    def _chosen(self, at: Term, scope: Scope, trail: Trail) -> Step:
        """A key that an expression tells. It tells instances apart only when it is their own key, as it is."""
        inner = Trail()
        place = self.locate(at, (), scope, inner)
        key = self.value(at, scope)
        if place.sort.startswith("key:"):
            trail.told_apart |= inner.told_apart
            trail.by_workspace = trail.by_workspace or inner.by_workspace
        if isinstance(key, (str, int)) and not isinstance(key, bool):
            return key
        raise InTheWay(f"{at.text} at {at.at} is computed")

    def _called(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str, depth: int) -> Place:
        name, arguments = parts_of_call(at)
        if (
            name in ("toset", "tolist", "tomap", "tonumber", "tostring", "tobool", "sensitive", "nonsensitive")
            and arguments
        ):
            if name == "sensitive":
                raise InTheWay(f"{at.text} at {at.at} is sensitive")
            return self.locate(arguments[0], path, scope, trail, sort, depth + 1)
        if name == "lookup" and len(arguments) >= 2:
            key = self._chosen(arguments[1], scope, trail)
            place = self.locate(arguments[0], (key, *path), scope, trail, sort, depth + 1)
            if len(place.rest) <= len(path) or len(arguments) < 3:
                return place
            raise InTheWay(f"{at.text} at {at.at} takes its default")
        if name == "jsonencode" and path[:1] == (INTO_JSON,) and len(arguments) == 1:
            return self.locate(arguments[0], path[1:], scope, trail, sort, depth + 1)
        if name == "merge" and path and arguments:
            for argument in reversed(arguments):
                value = self.value(argument, scope)
                if isinstance(value, Mapping) and str(path[0]) in value:
                    return self.locate(argument, path, scope, trail, sort, depth + 1)
            for argument in reversed(arguments):
                if argument.first.type == "collection_value":
                    return self.locate(argument, path, scope, trail, sort, depth + 1)
        if path:
            raise InTheWay(f"{at.text} at {at.at} is computed")
        return Place(at, path, scope, sort)

    def _named(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str, depth: int) -> Place:
        read = reference(at.source, at.nodes)
        assert read is not None
        name = read[0]
        if any(n.type == "splat" for n in at.nodes):
            raise InTheWay(f"{at.text} at {at.at} is computed")
        steps: list[Step] = []
        for node, known in zip(at.nodes[1:], read[1], strict=True):
            steps.append(self._index(at, node, scope, trail) if isinstance(known, AnyStep) else known)
        trail.followed.add((at.source.path, at.first.start_byte))
        if name in scope.bindings:
            return self._bound(at, name, steps, path, scope, trail, depth)
        if name in scope.keys and not steps and not path:
            return self._known(scope.keys[name], at, scope)
        match name, steps:
            case "count", ["index"] if scope.level is not None and isinstance(scope.level.key, int) and not path:
                trail.told_apart.add(level_id(scope.level))
                return self._known(scope.level.key, at, scope)
            case "terraform", ["workspace"] if self._wanted.workspace and not path:
                trail.by_workspace = True
                return self._known(self._wanted.workspace, at, scope)
            case "var", [str(variable), *more]:
                return self._variable(at, variable, (*more, *path), scope, trail, depth)
            case "local", [str(local), *more]:
                found = scope.frame.directory.local(local)
                if found is not None:
                    rest = (*more, *path)
                    trail.hops.append((scope.frame, ("local", local), rest))
                    trail.words.append(f"local.{local} at {found[0].at(found[1])}")
                    inner = term(found[0], value_of(found[1]))
                    return self.locate(inner, rest, Scope(scope.frame), trail, "local", depth + 1)
            case _:
                pass
        raise InTheWay(f"{at.text} at {at.at} is not written in this code")

    def _known(self, value: Step, at: Term, scope: Scope) -> Place:
        """A key as if it were written here: it has a value, but cannot be edited."""
        made = parse_literal(value)
        return Place(made, (), scope, f"key:{at.text} at {at.at}")

    def _bound(
        self, at: Term, name: str, steps: list[Step], path: Path, scope: Scope, trail: Trail, depth: int
    ) -> Place:
        binding = scope.bindings[name]
        if binding.level is not None:
            trail.told_apart.add(level_id(binding.level))
        if binding.iterator and (steps == ["key"] or is_set(binding.collection)) and not path:
            return self._known(binding.key, at, scope)
        if binding.iterator:
            if steps[:1] != ["value"]:
                raise InTheWay(f"{at.text} at {at.at} is computed")
            steps = steps[1:]
        sort = "element of " + ("for_each" if binding.iterator else "a list")
        return self.locate(binding.collection, (binding.key, *steps, *path), binding.scope, trail, sort, depth + 1)

    def _variable(self, at: Term, name: str, path: Path, scope: Scope, trail: Trail, depth: int) -> Place:
        frame = scope.frame
        trail.hops.append((frame, ("var", name), path))
        declared = frame.directory.one("variable", name)
        flag = declared.attribute("sensitive") if declared is not None else None
        if declared is not None and flag is not None and declared.source.text(value_of(flag)) == "true":
            raise InTheWay(f"var.{name} at {declared.at} is sensitive")
        if frame.call is not None and frame.parent is not None:
            argument = frame.call.block.attribute(name)
            if argument is not None:
                call = frame.call.block
                trail.words.append(f"argument {name} of {call.name} at {call.source.at(argument)}")
                outer = self.scope(frame.parent, frame.call)
                inner = term(call.source, value_of(argument))
                return self.locate(inner, path, outer, trail, "module argument", depth + 1)
        elif name in self._wanted.set_elsewhere:
            raise InTheWay(f"var.{name} at {at.at} is set from outside the code")
        elif frame.parent is None:
            for file in self._files.variable_files(self._wanted, frame.directory.path):
                data = self._files.read(file) or b""
                if file.endswith(".json"):
                    if json_sets(data, name):
                        raise InTheWay(f"var.{name} is set in {file}, which is JSON")
                    continue
                source = self._files.source(file)
                node = top_attribute(source, name) if source is not None else None
                if source is not None and node is not None:
                    trail.words.append(f"variable value in {source.at(node)}")
                    return self.locate(
                        term(source, value_of(node)), path, Scope(frame), trail, "variable value", depth + 1
                    )
        default = declared.attribute("default") if declared is not None else None
        if declared is None or default is None:
            raise InTheWay(f"var.{name} at {at.at} is set from outside the code")
        trail.words.append(f"default of var.{name} at {declared.source.at(default)}")
        inner = term(declared.source, value_of(default))
        return self.locate(inner, path, Scope(frame), trail, "default", depth + 1)
