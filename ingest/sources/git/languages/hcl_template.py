"""HCL's strings: quoted ones and heredocs, with interpolations and directives."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache

from ingest.sources.git.languages.hcl_cursor import SPACE_LINES, Cursor, NotUnderstood
from ingest.sources.git.languages.hcl_values import (
    Node,
    Spliced,
    Template,
    code,
    escaped,
    references_of,
    within_quotes,
)

FOR = re.compile(r"for\s++([^\W\d][\w-]*+)\s*+(?:,\s*+([^\W\d][\w-]*+)\s*+)?in(?![\w-])")
"""The head of a `for` expression or directive."""

_QUOTED_TEXT = re.compile(r'[^"\\$%\n]++')
_RAW_TEXT = re.compile(r"[^$%]++")
_HEREDOC = re.compile(r"<<(-?)([^\W\d][\w-]*+)\r?\n")
_DIRECTIVE = re.compile(r"\s*+(if|else|endif|for|endfor)(?![\w-])\s*+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class _Interpolation:
    """`${ node }` within a template, with its strip markers."""

    node: Node
    left: str
    right: str


_Part = str | Template | _Interpolation


class TemplateReader(Cursor):
    """Reads strings; the expressions in them are the business of who derives from it."""

    __slots__ = ()

    @abstractmethod
    def _expression(self) -> Node: ...

    def heredoc_body(self) -> Node:
        """The rest of the text as a template without quotes and escapes."""
        return self._template(quoted=False)

    def _template(self, *, quoted: bool) -> Node:
        """A string from behind its opening quote, or a heredoc's body to the end of the text."""
        text = self.text
        size = len(text)
        run = _QUOTED_TEXT if quoted else _RAW_TEXT
        parts: list[_Part] = []
        literal: list[str] = []
        while True:
            if self.position >= size:
                if quoted:
                    raise NotUnderstood("the string does not end")
                break
            found = run.match(text, self.position)
            if found is not None:
                literal.append(found[0])
                self.position = found.end()
                continue
            char = text[self.position]
            if quoted and char == '"':
                self.position += 1
                break
            if quoted and char == "\n":
                raise NotUnderstood("the string does not end on its line")
            if quoted and char == "\\":
                literal.append(self._escape())
                continue
            if text.startswith(("$${", "%%{"), self.position):
                literal.append(char + "{")
                self.position += 3
                continue
            if not text.startswith("{", self.position + 1):
                literal.append(char)
                self.position += 1
                continue
            self.position += 2
            if literal:
                parts.append(escaped("".join(literal)))
                literal = []
            if char == "$":
                parts.append(self._interpolation())
            else:
                parts.append(self._directive())
        if not parts:
            return "".join(literal)
        if literal:
            parts.append(escaped("".join(literal)))
        return _joined(parts)

    def _interpolation(self) -> _Interpolation:
        """The expression of `${ … }`, from behind the brace."""
        left = self._strip_marker()
        saved, self._space = self._space, SPACE_LINES
        node = self._expression()
        self._skip()
        right = self._strip_marker()
        self._space = saved
        self._expect("}", skip=False)
        return _Interpolation(node, left, right)

    def _directive(self) -> Template:
        """`%{ if … }`, `%{ for … }` and their ends, from behind the brace."""
        left = self._strip_marker()
        saved, self._space = self._space, SPACE_LINES
        found = _DIRECTIVE.match(self.text, self.position)
        if found is None:
            raise NotUnderstood("no directive")
        self.position = found.end()
        word = found[1]
        references: tuple[str, ...] = ()
        if word == "if":
            condition = self._expression()
            word += " " + code(condition)
            references = references_of((condition,))
        elif word == "for":
            self.position = found.start(1)
            loop = FOR.match(self.text, self.position)
            if loop is None:
                raise NotUnderstood("no loop")
            self.position = loop.end()
            collection = self._expression()
            word = f"for {', '.join(name for name in loop.groups() if name)} in {code(collection)}"
            references = references_of((collection,))
        self._skip()
        right = self._strip_marker()
        self._space = saved
        self._expect("}", skip=False)
        text = f"%{{{left} {word} {right}}}"
        return Template(text, text, references)

    def _strip_marker(self) -> str:
        if self.text.startswith("~", self.position):
            self.position += 1
            return "~"
        return ""

    def _escape(self) -> str:
        """The character of an escape sequence. An unknown one, which 0.11 let pass, stands for itself."""
        kind = self.text[self.position + 1]
        digits = {"u": 4, "U": 8}.get(kind, 0)
        if digits:
            hexadecimal = self.text[self.position + 2 : self.position + 2 + digits]
            try:
                number = int(hexadecimal, 16)
            except ValueError:
                number = -1
            if len(hexadecimal) == digits and 0 <= number < 0x110000 and not 0xD800 <= number < 0xE000:
                self.position += 2 + digits
                return chr(number)
        self.position += 2
        return _ESCAPES.get(kind, "\\" + kind)

    def _escaped_string(self) -> str:
        r"""`\"text\"` inside an interpolation: how 0.11 let quotes be written within a string."""
        end = self.text.find('\\"', self.position + 2)
        if end < 0:
            raise NotUnderstood("the string does not end")
        inner = self.text[self.position + 2 : end]
        self.position = end + 2
        return inner

    def _heredoc(self) -> Node:
        found = _HEREDOC.match(self.text, self.position)
        if found is None:
            raise NotUnderstood("no expression begins with '<'")
        end = _heredoc_end(found[2]).search(self.text, found.end())
        if end is None:
            raise NotUnderstood("the heredoc does not end")
        body = self.text[found.end() : end.start()]
        if found[1]:
            body = _dedented(body)
        self.position = end.end()
        return type(self)(body, depth=self._depth, bound=self._bound).heredoc_body()


def _joined(parts: list[_Part]) -> Node:
    """The template of these parts; what an interpolation without any text around it holds."""
    only = parts[0]
    if len(parts) == 1 and isinstance(only, _Interpolation) and not only.left and not only.right:
        return Spliced(only.node) if isinstance(only.node, list) else only.node
    texts: list[str] = []
    quoted: list[str] = []
    references: list[str] = []
    for part in parts:
        if isinstance(part, _Interpolation):
            node = part.node
            references.extend(references_of((node,)))
            if part.left or part.right or not isinstance(node, (str, Template)):
                part = Template(text := f"${{{part.left}{code(node)}{part.right}}}", text)
            else:
                part = escaped(node) if isinstance(node, str) else node
        if isinstance(part, Template):
            references.extend(part.references)
            texts.append(part.text)
            quoted.append(part.quoted)
        else:
            texts.append(part)
            quoted.append(within_quotes(part))
    return Template("".join(texts), "".join(quoted), tuple(dict.fromkeys(references)))


@lru_cache(maxsize=256)
def _heredoc_end(tag: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*+{re.escape(tag)}(?=[ \t\r]*+$)", re.MULTILINE)


def _dedented(body: str) -> str:
    """The text of a `<<-` heredoc: without the indentation that all its lines share."""
    lines = body.split("\n")
    indents = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    shared = min(indents, default=0)
    return "\n".join(line[shared:] for line in lines)
