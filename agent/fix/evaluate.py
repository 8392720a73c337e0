"""The value of an expression, as far as the code alone tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tree_sitter import Node

from agent.fix.functions import Known, call
from agent.fix.paths import Path, Step
from agent.fix.refusal import InTheWay
from agent.fix.scope import Binding, Scope, Trail
from agent.fix.syntax import Source, meaningful, number, scalar, unquoted
from agent.fix.terms import Term, for_parts, is_set, operand, parts_of_call, sides_of, term
from agent.fix.values import same
from graph.model import Value


class Evaluator:
    """What literals, templates, operations and `for`s are. Names are for who follows them: see `agent.fix.resolve`."""

    def value(self, at: Term, scope: Scope, path: Path = (), trail: Trail | None = None) -> Value:
        """What an expression is. Raises `InTheWay` when the code alone does not tell, `Missing` when it is not there."""
        raise NotImplementedError

    def known(self, at: Term, scope: Scope) -> Known | None:
        """What an expression is; None when the code alone does not tell."""
        try:
            return Known(self.value(at, scope))
        except InTheWay:
            return None

    def literal(self, at: Term, scope: Scope) -> Value:
        """What a term is that stands where it is written. Raises `InTheWay` when the code alone does not tell."""
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
        if len(nodes) == 1:
            text = source.text(nodes[0])
            # As a key, a bare word is itself: also null, true and false.
            if nodes[0].type == "variable_expr" or text in ("null", "true", "false"):
                return text
        return _as_text(self.value(term(source, expression), scope), Term(source, tuple(nodes)))

    def _operation(self, at: Term, scope: Scope) -> Value:
        node = at.first.children[0]
        parts = meaningful(node.children)
        if node.type == "unary_operation":
            value = self.value(operand(at.source, parts[1:]), scope)
            if parts[0].type == "-" and isinstance(value, (int, float)) and not isinstance(value, bool):
                return -value
            if parts[0].type == "!" and isinstance(value, bool):
                return not value
        else:
            left, operator, right = sides_of(at.source, parts)
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
        names, collection, results, condition = for_parts(at.source, form)
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
