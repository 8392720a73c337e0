"""Where the value of an expression is written, and what it is, as far as the code alone tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from agent.fix.functions import call
from agent.fix.model import Wanted
from agent.fix.modules import AnyStep, Files, Frame, InTheWay, Level, index_of, json_sets, reference
from agent.fix.paths import Path, Step, told
from agent.fix.syntax import Source, meaningful, number, parse, scalar, top, top_attribute, unquoted, value_of
from graph.model import Value

_DEPTH = 60
INTO_JSON = "\0json"
"""A step from the text of `jsonencode(…)` to what it encodes."""


class Missing(InTheWay):
    """A map has not the key, a list not the item."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A whole expression: a primary node and what is taken of it, or one operation."""

    source: Source
    nodes: tuple[Node, ...]

    @property
    def first(self) -> Node:
        """Its first node."""
        return self.nodes[0]

    @property
    def span(self) -> tuple[int, int]:
        """Its bytes."""
        return self.nodes[0].start_byte, self.nodes[-1].end_byte

    @property
    def text(self) -> str:
        """As it stands, shortened, in one line."""
        start, end = self.span
        text = " ".join(self.source.data[start:end].decode("utf-8", "replace").split())
        return text if len(text) <= 80 else text[:77] + "…"

    @property
    def at(self) -> str:
        """`path:line`."""
        return self.source.at(self.first)


def term(source: Source, expression: Node) -> Term:
    """An expression node's term, out of its parentheses."""
    nodes = meaningful(expression.children) if expression.type == "expression" else [expression]
    while len(nodes) == 3 and nodes[0].type == "(" and nodes[1].type == "expression":
        nodes = meaningful(nodes[1].children)
    return Term(source, tuple(nodes))


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """What `each`, a dynamic block's iterator or a `for`'s variable stands for: one element of a collection.

    Attributes:
        scope: where the collection stands.
        level: the block that `each` belongs to.
        iterator: whether code says `name.value` and `name.key` for it, as with `each`, and not just the name.
    """

    collection: Term
    scope: Scope
    key: Step
    level: Level | None = None
    iterator: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What names mean where an expression stands."""

    frame: Frame
    level: Level | None = None
    bindings: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    keys: Mapping[str, Step] = field(default_factory=dict[str, Step])

    def bound(self, name: str, binding: Binding) -> Scope:
        """With one more name."""
        return replace(self, bindings={**self.bindings, name: binding})


@dataclass(slots=True)
class Trail:
    """The way that led to a place.

    Attributes:
        hops: `var.x` and `local.x` that were followed: in which module instance, which symbol, what is taken of it.
        followed: the mentions that were followed.
        told_apart: the levels whose key chose the place.
        words: the way in words.
    """

    hops: list[tuple[Frame, tuple[str, str], Path]] = field(default_factory=list[tuple[Frame, tuple[str, str], Path]])
    followed: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    told_apart: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    words: list[str] = field(default_factory=list[str])
    by_workspace: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The term that holds a value, and the steps into it that are not written there; `sort` says in words what kind of place it is."""

    term: Term
    rest: Path
    scope: Scope
    sort: str


def level_id(level: Level) -> tuple[str, int]:
    """What tells two levels apart."""
    return level.block.source.path, level.block.node.start_byte


class Resolver:
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
        if first.type == "template_expr" and (inside := _only_interpolation(first)) is not None:
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
        return self._literal(place.term, place.scope)

    def _literal(self, at: Term, scope: Scope) -> Value:
        first = at.first
        if len(at.nodes) > 1:
            raise InTheWay(f"{at.text} at {at.at} is computed")
        match first.type:
            case "literal_value":
                return _plain(at.source, first)
            case "template_expr":
                return self._template(at, scope)
            case "collection_value":
                return self._collection(at, scope)
            case "operation":
                return self._operation(at, scope)
            case "function_call":
                name, arguments = parts_of_call(at)
                known = call(name, [self.value(a, scope) for a in arguments])
                if known is not None:
                    return known.value
            case "for_expr":
                return self._for(at, scope)
            case _:
                pass
        raise InTheWay(f"{at.text} at {at.at} is computed")

    def _template(self, at: Term, scope: Scope) -> Value:
        inner = at.first.children[0]
        parts = [n for n in inner.children if n.type in ("template_interpolation", "template_directive")]
        if inner.type != "quoted_template" or any(n.type == "template_directive" for n in parts):
            raise InTheWay(f"the text at {at.at} is a template")
        out: list[Value] = []
        position = inner.start_byte + 1
        for node in parts:
            out.append(unquoted('"' + at.source.data[position : node.start_byte].decode() + '"'))
            expression = next(c for c in node.children if c.type == "expression")
            out.append(self.value(term(at.source, expression), scope))
            position = node.end_byte
        out.append(unquoted('"' + at.source.data[position : inner.end_byte - 1].decode() + '"'))
        if len(parts) == 1 and out[0] == "" and out[-1] == "":
            return out[1]
        return "".join(_as_text(v, at) for v in out)

    def _collection(self, at: Term, scope: Scope) -> Value:
        inner = at.first.children[0]
        if inner.type == "tuple":
            return [self.value(term(at.source, n), scope) for n in inner.children if n.type == "expression"]
        return {key: self.value(v, scope) for key, v, _ in self.members(at, scope)}

    def members(self, at: Term, scope: Scope) -> list[tuple[str, Term, Node]]:
        """An object literal's keys, values and element nodes. Raises `InTheWay` for a key that is not told."""
        found: list[tuple[str, Term, Node]] = []
        for element in at.first.children[0].children:
            if element.type == "object_elem":
                key, *_, value = [c for c in element.children if c.type == "expression"]
                found.append((self._key(at.source, key, scope), term(at.source, value), element))
        return found

    def _key(self, source: Source, expression: Node, scope: Scope) -> str:
        nodes = meaningful(expression.children)
        if len(nodes) == 1 and nodes[0].type == "variable_expr":
            return source.text(nodes[0])
        return _as_text(self.value(term(source, expression), scope), Term(source, tuple(nodes)))

    def _operation(self, at: Term, scope: Scope) -> Value:
        node = at.first.children[0]
        parts = meaningful(node.children)
        if node.type == "unary_operation":
            value = self.value(_operand(at.source, parts[1:]), scope)
            if parts[0].type == "-" and isinstance(value, (int, float)) and not isinstance(value, bool):
                return -value
            if parts[0].type == "!" and isinstance(value, bool):
                return not value
        else:
            left, operator, right = _sides(at.source, parts)
            one, two = self.value(left, scope), self.value(right, scope)
            match operator:
                case "==":
                    return same(one, two)
                case "!=":
                    return not same(one, two)
                case "&&" | "||" if isinstance(one, bool) and isinstance(two, bool):
                    return (one and two) if operator == "&&" else (one or two)
                case "+" | "-" | "*" if isinstance(one, (int, float)) and isinstance(two, (int, float)):
                    return one + two if operator == "+" else one - two if operator == "-" else one * two
                case ">" | "<" | ">=" | "<=" if isinstance(one, (int, float)) and isinstance(two, (int, float)):
                    return {">": one > two, "<": one < two, ">=": one >= two, "<=": one <= two}[operator]
                case _:
                    pass
        raise InTheWay(f"{at.text} at {at.at} is computed")

    def _for(self, at: Term, scope: Scope) -> Value:
        """What a `for` makes."""
        form = at.first.children[0]
        names, collection, results, condition = _for_parts(at.source, form)
        made: list[tuple[Value, ...]] = []
        for key, _ in self._elements(collection, scope):
            inner = self._for_scope(names, collection, scope, key)
            if condition is None or self.value(condition, inner) is True:
                made.append(tuple(self.value(r, inner) for r in results))
        if form.type == "for_tuple_expr":
            return [m[0] for m in made]
        if at.source.text(form).rstrip("} \n\r\t").endswith("..."):
            raise InTheWay(f"{at.text} at {at.at} is computed")
        return {_as_text(m[0], at): m[1] for m in made}

    def _for_scope(self, names: Sequence[str], collection: Term, scope: Scope, key: Step) -> Scope:
        inner = scope.bound(names[-1], Binding(collection, scope, key, iterator=False))
        return replace(inner, keys={**scope.keys, names[0]: key}) if len(names) == 2 else inner

    def _elements(self, collection: Term, scope: Scope) -> list[tuple[Step, Value]]:
        value = self.value(collection, scope)
        if isinstance(value, Mapping):
            return [(k, v) for k, v in sorted(value.items())]
        if isinstance(value, Sequence) and not isinstance(value, str):
            return list(enumerate(value))
        raise InTheWay(f"{collection.text} at {collection.at} is no list or map")

    def elements(self, collection: Term, scope: Scope) -> list[tuple[Step, Value]]:
        """Keys and values of a collection; a set of strings is keyed by itself."""
        found = self._elements(collection, scope)
        if is_set(collection):
            return [(str(v), v) for _, v in found if isinstance(v, (str, int, float))]
        return found

    def _generated(self, at: Term, path: Path, scope: Scope, trail: Trail, sort: str, depth: int) -> Place:
        """Into what a `for` makes: the element that it made it of."""
        form = at.first.children[0]
        names, collection, results, condition = _for_parts(at.source, form)
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
        if chosen and _tells_apart(condition) and scope.level is not None:
            trail.told_apart.add(level_id(scope.level))
        if chosen and _tells_apart(condition, {b"terraform.workspace"}):
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


def _only_interpolation(template: Node) -> Node | None:
    """The expression of `"${…}"`, which is the same without the quotes."""
    parts = template.children[0].children
    if [p.type for p in parts] != ["quoted_template_start", "template_interpolation", "quoted_template_end"]:
        return None
    inside = parts[1]
    if parts[0].end_byte != inside.start_byte or inside.end_byte != parts[2].start_byte:
        return None
    return next((c for c in inside.children if c.type == "expression"), None)


def is_set(collection: Term) -> bool:
    """Whether it is `toset(…)`, whose keys are its values."""
    return (
        len(collection.nodes) == 1
        and collection.first.type == "function_call"
        and parts_of_call(collection)[0] == "toset"
    )


def parts_of_call(at: Term) -> tuple[str, list[Term]]:
    """A function call's name and arguments. An argument with `...` counts as computed by its function."""
    node = at.first
    arguments = next((c for c in node.children if c.type == "function_arguments"), None)
    name = at.source.text(node.children[0])
    if arguments is None:
        return name, []
    if any(c.type == "ellipsis" for c in arguments.children):
        return f"{name}...", []
    return name, [term(at.source, c) for c in arguments.children if c.type == "expression"]


def parse_literal(value: Step) -> Term:
    """A key as a term of its own."""
    source = parse("", f"x = {scalar(value)}\n".encode())
    return term(source, value_of(top(source)[0]))


def same(one: Value, two: Value) -> bool:
    """Whether Terraform takes two values for the same: a number in quotes is the number."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two or {str(one).lower(), str(two).lower()} in ({"true"}, {"false"})
    if isinstance(one, (int, float)) and isinstance(two, (int, float)):
        return float(one) == float(two)
    if isinstance(one, (int, float, str)) and isinstance(two, (int, float, str)):
        return _unquote(one) == _unquote(two)
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(same(one[k], two[k]) for k in one)
    if (
        isinstance(one, Sequence)
        and isinstance(two, Sequence)
        and not isinstance(one, str)
        and not isinstance(two, str)
    ):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return one is None and two is None


def _unquote(value: Value) -> str | None:
    return value if isinstance(value, str) else scalar(value)


def _plain(source: Source, node: Node) -> Value:
    text = source.text(node)
    match node.children[0].type:
        case "string_lit":
            return unquoted(text)
        case "numeric_lit":
            return number(text)
        case "bool_lit":
            return text == "true"
        case _:
            return None


def _as_text(value: Value, at: Term) -> str:
    if isinstance(value, str):
        return value
    text = None if value is None else scalar(value)
    if text is None:
        raise InTheWay(f"{at.text} at {at.at} is computed")
    return text


def _operand(source: Source, nodes: Sequence[Node]) -> Term:
    nodes = list(nodes)
    if len(nodes) == 1 and nodes[0].type == "expression":
        return term(source, nodes[0])
    if len(nodes) == 3 and nodes[0].type == "(":
        return term(source, nodes[1])
    return Term(source, tuple(nodes))


def _sides(source: Source, nodes: Sequence[Node]) -> tuple[Term, str, Term]:
    operators = ("==", "!=", "&&", "||", "+", "-", "*", "/", "%", ">", "<", ">=", "<=")
    at = next(i for i, n in enumerate(nodes) if n.type in operators)
    return _operand(source, nodes[:at]), nodes[at].type, _operand(source, nodes[at + 1 :])


def _tells_apart(condition: Term, names: Set[bytes] = frozenset({b"each.key", b"count.index"})) -> bool:
    """Whether it is `each.key == …` or `count.index == …`, which only one instance fulfils."""
    if condition.first.type != "operation":
        return False
    parts = meaningful(condition.first.children[0].children)
    if not any(p.type == "==" for p in parts):
        return False
    sides = _sides(condition.source, parts)
    texts = {condition.source.data[s.span[0] : s.span[1]] for s in (sides[0], sides[2])}
    return bool(texts & names)


def _for_parts(source: Source, form: Node) -> tuple[list[str], Term, list[Term], Term | None]:
    intro = next(c for c in form.children if c.type == "for_intro")
    names = [source.text(c) for c in intro.children if c.type == "identifier"]
    collection = term(source, next(c for c in intro.children if c.type == "expression"))
    results = [term(source, c) for c in form.children if c.type == "expression"]
    guard = next((c for c in form.children if c.type == "for_cond"), None)
    condition = None
    if guard is not None:
        condition = term(source, next(c for c in guard.children if c.type == "expression"))
    return names, collection, results, condition
