"""Reads HCL expressions, of Terraform 0.11 as of today, into what they say (`hcl_values`).

These come out the same: `"${var.x}"` and `var.x`, at any depth; redundant parentheses; `.0.` and `[0]`; `.*.id` and
`[*].id`; `list("a")` and `["a"]`; `map("k", "v")` and `{k = "v"}`; `key = v`, `"key" = v` and `key: v`; a trailing comma;
a heredoc and the quoted string of equal text; escapes and the characters they stand for; `aws_alb…` and `aws_lb…`.
These do not: quoted and unquoted operands inside an expression, `lookup(m, "k")` and `m["k"]`, another order of elements.

Syntax: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md and, for 0.11, https://github.com/hashicorp/hil.
"""

from __future__ import annotations

import re

from ingest.sources.git.languages.hcl_cursor import MAX_DEPTH, SPACE, SPACE_LINES, NotUnderstood
from ingest.sources.git.languages.hcl_template import FOR, TemplateReader
from ingest.sources.git.languages.hcl_values import (
    TERNARY,
    TIGHTEST,
    UNARY,
    Code,
    Node,
    Template,
    canonical_type,
    code,
    key_text,
    operand,
    references_of,
)

_NUMBER = re.compile(r"\d++(?:\.\d++)?(?:[eE][+-]?\d++)?")
_IDENTIFIER = re.compile(r"[^\W\d][\w-]*+(?:::[^\W\d][\w-]*+)*+")
_OPERATOR = re.compile(r"==|!=|<=|>=|&&|\|\||[<>+*/%-]")
_KEY = re.compile(r'(?:"((?:[^"\\\n$%]|\\.)*+)"|([^\W\d][\w-]*+(?:\.[\w-]++)*+|\d++))[ \t]*+[=:](?![=>])')
_DIGITS = re.compile(r"\d++")
_FULL_SPLAT = re.compile(r"\s*+\*\s*+\]")
_IF = re.compile(r"if(?![\w-])")
_TYPE = re.compile(r"(?:string|number|bool|any|list|map|set|tuple|object)(?![\w.\[-])")
_BINDING = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_NO_BLOCK = frozenset({"each", "count", "self", "path", "terraform", "null", "true", "false", "for", "if", "in"})
_NAMED = {"var": 1, "local": 1, "module": 1, "dependency": 1, "include": 1, "data": 2, "source": 2, "ephemeral": 2}
_MAX_SAFE_INTEGER = 2**53


class Reader(TemplateReader):
    """Reads expressions from a text at a moving position."""

    __slots__ = ()

    def value(self) -> Node:
        """The expression at the position, which then stands behind it.

        Raises:
            NotUnderstood: there is no expression, or it nests too deeply.
        """
        try:
            return self._expression()
        except IndexError:
            raise NotUnderstood("the text ends inside an expression") from None

    # -- operators

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotUnderstood("nested too deeply")
        condition = self._binary(1)
        if self._peek() == "?":
            self.position += 1
            first = self._expression()
            self._expect(":")
            second = self._expression()
            parts = (condition, first, second)
            text = f"{operand(condition, 1)} ? {operand(first, 0)} : {operand(second, 0)}"
            condition = Code(text, TERNARY, references_of(parts))
        self._depth -= 1
        return condition

    def _binary(self, tightness: int) -> Node:
        left = self._unary()
        while True:
            self._skip()
            found = _OPERATOR.match(self.text, self.position)
            if found is None:
                return left
            binding = _BINDING[found[0]]
            if binding < tightness:
                return left
            self.position = found.end()
            right = self._binary(binding + 1)
            text = f"{operand(left, binding)} {found[0]} {operand(right, binding + 1)}"
            left = Code(text, binding, references_of((left, right)))

    def _unary(self) -> Node:
        char = self._peek()
        if char not in ("-", "!"):
            return self._postfix(self._primary(char))
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotUnderstood("nested too deeply")
        self.position += 1
        node = self._unary()
        self._depth -= 1
        if char == "-" and isinstance(node, (int, float)) and not isinstance(node, bool):
            return -node
        return Code(char + operand(node, UNARY), UNARY, references_of((node,)))

    # -- operands

    def _primary(self, char: str) -> Node:
        text = self.text
        if char == '"':
            self.position += 1
            return self._template(quoted=True)
        if char == "\\" and text.startswith('\\"', self.position):
            return self._escaped_string()
        if char == "(":
            self.position += 1
            inner = self._nested(self._expression)
            self._close(")")
            return inner
        if char == "[":
            return self._tuple()
        if char == "{":
            return self._object()
        if char == "<":
            return self._heredoc()
        number = _NUMBER.match(text, self.position)
        if number is not None:
            self.position = number.end()
            return _number(number[0])
        name = _IDENTIFIER.match(text, self.position)
        if name is None:
            raise NotUnderstood(f"no expression begins with {char!r}")
        self.position = name.end()
        return self._named(name[0])

    def _named(self, name: str) -> Node:
        if self.position < len(self.text) and self.text[self.position] == "(":
            return self._call(name)
        if name == "true":
            return True
        if name == "false":
            return False
        if name == "null":
            return None
        return self._traversal(name)

    def _traversal(self, root: str) -> Code:
        """A variable and the names behind it: `data.aws_ami.base`. Indexes and splats follow in `_postfix`."""
        segments = [root]
        text = self.text
        while self.position < len(text) and text[self.position] == ".":
            name = _IDENTIFIER.match(text, self.position + 1)
            if name is None:
                break
            segments.append(name[0])
            self.position = name.end()
        references = () if root in self._bound else _address(segments)
        if root == "data" and len(segments) > 1:
            segments[1] = canonical_type(segments[1])
        elif root.startswith("aws_"):
            segments[0] = canonical_type(root)
        return Code(".".join(segments), TIGHTEST, references)

    def _postfix(self, node: Node) -> Node:
        """Attributes, indexes and splats behind an operand."""
        text = self.text
        while True:
            if self._space is SPACE_LINES:
                self._skip()
            char = text[self.position] if self.position < len(text) else ""
            if char == "." and not text.startswith("...", self.position):
                self.position += 1
                self._skip()
                name = _IDENTIFIER.match(text, self.position)
                number = None if name else _DIGITS.match(text, self.position)
                if name is not None:
                    self.position = name.end()
                    node = _behind(node, "." + name[0])
                elif number is not None:
                    self.position = number.end()
                    node = _behind(node, f"[{int(number[0])}]")
                elif text.startswith("*", self.position):
                    self.position += 1
                    node = self._attribute_splat(node)
                else:
                    raise NotUnderstood("no name follows the dot")
            elif char == "[":
                self.position += 1
                if _FULL_SPLAT.match(text, self.position):
                    self.position = text.index("]", self.position) + 1
                    node = _behind(node, "[*]")
                else:
                    key = self._nested(self._expression)
                    self._close("]")
                    node = _behind(node, f"[{code(key)}]", key)
            else:
                return node

    def _attribute_splat(self, node: Node) -> Node:
        """`.*.id` says `[*].id`, unless an index follows, which applies to the whole list here and to each element there."""
        names: list[str] = []
        text = self.text
        while self.position < len(text) and text[self.position] == ".":
            name = _IDENTIFIER.match(text, self.position + 1)
            if name is None:
                break
            names.append("." + name[0])
            self.position = name.end()
        following = text[self.position : self.position + 2]
        indexed = following[:1] == "[" or (following[:1] == "." and following[1:].isdigit())
        return _behind(node, (".*" if indexed else "[*]") + "".join(names))

    def _call(self, name: str) -> Node:
        self.position += 1
        arguments: list[Node] = []
        spread = ""
        saved, self._space = self._space, SPACE_LINES
        while self._peek() != ")":
            arguments.append(self._expression())
            if self._peek() == "." and self.text.startswith("...", self.position):
                spread = "..."
                self.position += 3
            if self._peek() == ",":
                self.position += 1
            elif self._peek() != ")":
                raise NotUnderstood("neither comma nor parenthesis follows the argument")
        self.position += 1
        self._space = saved
        literal = None if spread else _literal_call(name, arguments)
        if literal is not None:
            return literal
        text = f"{name}({', '.join(code(argument) for argument in arguments)}{spread})"
        return Code(text, TIGHTEST, references_of(arguments))

    def _tuple(self) -> Node:
        self.position += 1
        saved, self._space = self._space, SPACE_LINES
        self._skip()
        loop = FOR.match(self.text, self.position)
        if loop is not None:
            node = self._loop(loop, "]")
            self._space = saved
            return node
        items: list[Node] = []
        while self._peek() != "]":
            items.append(self._expression())
            if self._peek() == ",":
                self.position += 1
            elif self._peek() != "]":
                raise NotUnderstood("neither comma nor bracket follows the element")
        self.position += 1
        self._space = saved
        return items

    def _object(self) -> Node:
        self.position += 1
        saved, self._space = self._space, SPACE_LINES
        self._skip()
        loop = FOR.match(self.text, self.position)
        if loop is not None:
            node = self._loop(loop, "}")
            self._space = saved
            return node
        items: dict[str, Node] = {}
        while self._peek() != "}":
            key = self._object_key()
            self._space = SPACE
            self._skip_lines()
            items[key] = self._expression()
            self._space = SPACE_LINES
            if self._peek() == ",":
                self.position += 1
        self.position += 1
        self._space = saved
        return items

    def _object_key(self) -> str:
        plain = _KEY.match(self.text, self.position)
        if plain is not None:
            self.position = plain.end()
            return _unescaped(plain[1]) if plain[1] is not None else plain[2]
        key = self._binary(1)
        if self._peek() not in ("=", ":"):
            raise NotUnderstood("no value follows the key")
        self.position += 1
        return key_text(key)

    def _loop(self, loop: re.Match[str], closer: str) -> Code:
        """A `for` expression, behind its opening bracket."""
        self.position = loop.end()
        names = tuple(name for name in loop.groups() if name)
        collection = self._expression()
        self._expect(":")
        outer, self._bound = self._bound, (*self._bound, *names)
        parts: list[Node] = [collection, self._expression()]
        text = f"for {', '.join(names)} in {code(collection)} : {code(parts[1])}"
        if closer == "}":
            self._expect("=")
            self._expect(">")
            parts.append(self._expression())
            text += f" => {code(parts[-1])}"
            if self._peek() == "." and self.text.startswith("...", self.position):
                self.position += 3
                text += "..."
        self._skip()
        if _IF.match(self.text, self.position):
            self.position += 2
            parts.append(self._expression())
            text += f" if {code(parts[-1])}"
        self._bound = outer
        self._expect(closer)
        return Code(("[" if closer == "]" else "{") + text + closer, TIGHTEST, references_of(parts))


def _literal_call(name: str, arguments: list[Node]) -> Node:
    """The list or map that 0.11 wrote as a call, `list("a")` and `map("k", "v")`; None for any other call.

    `list(string)` is a type.
    """
    if name == "list":
        only = arguments[0] if len(arguments) == 1 else None
        return None if isinstance(only, Code) and _TYPE.match(only.text) else arguments
    if len(arguments) == 1 and (
        (name == "tolist" and isinstance(arguments[0], list)) or (name == "tomap" and isinstance(arguments[0], dict))
    ):
        return arguments[0]
    if name == "map" and len(arguments) % 2 == 0:
        keys = arguments[::2]
        if all(isinstance(key, (str, Code, Template)) for key in keys):
            return {key_text(key): item for key, item in zip(keys, arguments[1::2], strict=True)}
    return None


def _behind(node: Node, text: str, key: Node = None) -> Code:
    """An operand with an attribute, index or splat behind it."""
    return Code(operand(node, TIGHTEST) + text, TIGHTEST, references_of((node, key)))


def _address(segments: list[str]) -> tuple[str, ...]:
    """The address in the same directory that a traversal begins with; none for `each.key`, `path.module` and the like."""
    root = segments[0]
    if root in _NO_BLOCK:
        return ()
    length = _NAMED.get(root, 1 if "_" in root else 0)
    return (".".join(segments[: length + 1]),) if length and len(segments) > length else ()


def _number(text: str) -> Node:
    number = float(text)
    if not number.is_integer():
        return number
    if abs(number) >= _MAX_SAFE_INTEGER:
        return Code(text, TIGHTEST)
    return int(number)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    node = Reader(f'"{text}"').value()
    return node if isinstance(node, str) else text
