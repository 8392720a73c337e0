"""Template expressions in text: Go templates and Helm, Jinja, ERB, and Terraform's directives.

Two ways to make them bearable for a parser. `blanked` keeps every offset and line, for finding where things stand.
`marked` puts a placeholder for each expression, for reading values; `unmarked` gives their text back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXPRESSION = re.compile(
    # none reaches over another's opening, so that unclosed ones cost no more than their own length
    r"""\{\{(?:"[^"\n]*"|`[^`]*`|(?!\{\{|\}\}).)*+\}\}"""
    r"""|\{%(?:(?!\{%|%\}).)*+%\}"""
    r"""|\{\#(?:(?!\{\#|\#\}).)*+\#\}"""
    r"""|<%(?:(?!<%|%>).)*+%>"""
    r"""|(?<![%$])[%$]\{[^{}\n]*\}""",
    re.DOTALL,
)
_LEADING = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|" + _EXPRESSION.pattern.encode() + rb")*", re.DOTALL)
_COMMENT = re.compile(r"\{\{-?\s*/\*.*\*/\s*-?\}\}|\{\{!.*\}\}|\{#.*#\}|<%-?\s*#.*%>", re.DOTALL)
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_SPACE = re.compile(r"\s+")
_NOT_NEWLINE = re.compile(r"[^\n]")
_STRAY_MARKS = str.maketrans({_OPEN: "\ufffd", _CLOSE: "\ufffd"})


@dataclass(frozen=True, slots=True)
class _Place:
    """An expression in a text; `alone` when nothing but space and other expressions share its lines."""

    start: int
    end: int
    alone: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with placeholders. `lines` are the expressions that stood alone on a line, each with the line it precedes."""

    text: str
    expressions: tuple[str, ...]
    lines: tuple[str, ...]

    def unmarked(self, text: str) -> str:
        """The text with the expressions back in place of their marks."""
        if _OPEN not in text:
            return text
        return _MARK.sub(lambda mark: self.expressions[int(mark[1])], text)


def has_expressions(data: bytes) -> bool:
    """Whether there is anything that looks like a template expression."""
    return any(opener in data for opener in (b"{{", b"<%", b"{%", b"{#", b"%{", b"${"))


def first_character(data: bytes) -> bytes:
    """The first character that is neither space nor part of an expression."""
    found = _LEADING.match(data)
    return data[found.end() : found.end() + 1] if found else b""


def blanked(data: bytes, *, json: bool = False) -> bytes:
    """The bytes with expressions replaced by filler of the same length and line breaks.

    One that stands alone becomes a comment (in JSON, space), one within a line becomes letters (in JSON outside of
    quotes, a string).
    """
    text = data.decode("latin-1")
    pieces: list[str] = []
    position, in_quotes = 0, False
    for place in _places(text):
        before = text[position : place.start]
        pieces.append(before)
        position = place.end
        if json:
            in_quotes ^= _odd_quotes(before)
        body = text[place.start : place.end]
        if place.alone:
            pieces.append(_filled(body, " " if json else "#"))
        elif json and not in_quotes and "\n" not in body:
            pieces.append('"' + "x" * (len(body) - 2) + '"')
        else:
            pieces.append("x" * len(body))
    pieces.append(text[position:])
    return "".join(pieces).encode("latin-1")


def marked(text: str, *, json: bool = False) -> Marked:
    """The text with a placeholder for every expression. Comments vanish; those that stand alone become lines of `lines`."""
    text = text.translate(_STRAY_MARKS)
    pieces: list[str] = []
    expressions: list[str] = []
    lines: list[str] = []
    position, in_quotes = 0, False
    for place in _places(text):
        before = text[position : place.start]
        pieces.append(before)
        position = place.end
        if json:
            in_quotes ^= _odd_quotes(before)
        body = text[place.start : place.end]
        if _COMMENT.fullmatch(body):
            continue
        expression = normalised(body)
        if place.alone:
            lines.append(f"{expression} ‖ {_following(text, place.end)}")
            continue
        mark = f"{_OPEN}{len(expressions)}{_CLOSE}"
        expressions.append(expression)
        pieces.append(f'"{mark}"' if json and not in_quotes else mark)
    pieces.append(text[position:])
    return Marked("".join(pieces), tuple(expressions), tuple(lines))


def normalised(expression: str) -> str:
    """An expression without its trim marks and with single spaces: `{{- .Values.x }}` is `{{ .Values.x }}`."""
    opener, closer = (expression[:2], "}") if expression[0] in "%$" else (expression[:2], expression[-2:])
    inner = expression[len(opener) : -len(closer)]
    sign = ""
    if opener == "<%" and inner.startswith("="):
        sign, inner = "=", inner[1:]
    inner = inner.removeprefix("-").removeprefix("~").removesuffix("-").removesuffix("~")
    body = _SPACE.sub(" ", inner.strip())
    return f"${{{body}}}" if opener == "${" else f"{opener}{sign} {body} {closer}"


def normalised_line(line: str) -> str:
    """A line with every expression in it normalised."""
    return _EXPRESSION.sub(lambda found: normalised(found[0]), line).strip()


def _places(text: str) -> list[_Place]:
    found = list(_EXPRESSION.finditer(text))
    places: list[_Place] = []
    index = 0
    while index < len(found):
        # expressions that share a line stand or fall together
        group = [found[index]]
        while index + 1 < len(found) and "\n" not in text[group[-1].end() : found[index + 1].start()]:
            index += 1
            group.append(found[index])
        index += 1
        line_start = text.rfind("\n", 0, group[0].start()) + 1
        line_end = text.find("\n", group[-1].end())
        line_end = len(text) if line_end < 0 else line_end
        edges = [line_start, *(edge for match in group for edge in match.span()), line_end]
        between = "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
        alone = not between.strip()
        places += (_Place(match.start(), match.end(), alone) for match in group)
    return places


def _following(text: str, position: int) -> str:
    """The next line that is no template line, to say where a line of its own stood."""
    for line in text[position:].split("\n", 12)[1:12]:
        bare = _EXPRESSION.sub("", line).strip()
        if bare and not bare.startswith("#"):
            return normalised_line(line).rstrip(",")
    return ""


def _odd_quotes(text: str) -> bool:
    return (text.replace("\\\\", "").replace('\\"', "").count('"') & 1) == 1


def _filled(text: str, filler: str) -> str:
    return _NOT_NEWLINE.sub(filler, text)
