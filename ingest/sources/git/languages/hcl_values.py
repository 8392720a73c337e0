"""What HCL says: values, and expressions as text.

Literals become JSON values. Everything else is kept in the form of Terraform's JSON syntax: a reference is the string
`${var.x}`, a template `web-${var.env}`, and the literal text `${` is escaped as `$${`. So the string "var.x" and the
reference stay apart, and both read as Terraform users write them.

JSON form: https://developer.hashicorp.com/terraform/language/syntax/json#expression-mapping.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from graph.model import Value

LOOSEST, TERNARY, UNARY, TIGHTEST = -1, 0, 7, 9
"""How tightly expressions bind; binary operators lie between."""


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is no literal: canonical text, how tightly it binds (for parentheses), and what it refers to."""

    text: str
    binding: int
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A string with interpolations: its text in Terraform's JSON form, and what stands between quotes in an expression."""

    text: str
    quoted: str
    references: tuple[str, ...] = ()


class Spliced(list["Node"]):
    """A list that was written as an interpolation-only string; 0.11 put brackets around such a string."""


Node: TypeAlias = "Code | Template | str | int | float | bool | list[Node] | dict[str, Node] | None"
"""What an expression says. A `str` is a literal that was quoted."""

_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{0,14}[1-9])?")
_ALIASES = (("aws_alb", "aws_lb"),)


@lru_cache(maxsize=4096)
def canonical_type(resource_type: str) -> str:
    """The resource type under which a renamed one is compared: `aws_alb_listener` is `aws_lb_listener`.

    Only names that the provider itself documents as names of the same resource.
    """
    for alias, name in _ALIASES:
        if resource_type == alias or resource_type.startswith(alias + "_"):
            return name + resource_type[len(alias) :]
    return resource_type


def json_value(node: Node) -> Value:
    """The node as JSON. A quoted number or boolean becomes the number or boolean that prints like it."""
    if isinstance(node, Code):
        return f"${{{node.text}}}"
    if isinstance(node, Template):
        return node.text
    if isinstance(node, str):
        return literal(node)
    if isinstance(node, list):
        return [json_value(item) for item in node]
    if isinstance(node, dict):
        return {key: json_value(node[key]) for key in sorted(node)}
    return node


def literal(text: str) -> str | int | float | bool:
    """A quoted literal: `80` for "80", true for "true"; "080" and "1.10" stay text, since they would not print the same."""
    if text in ("true", "false"):
        return text == "true"
    if _PLAIN_NUMBER.fullmatch(text) and text != "-0":
        return float(text) if "." in text else int(text)
    return escaped(text)


def escaped(text: str) -> str:
    """Literal text in Terraform's JSON form, where `${` and `%{` would begin an expression."""
    return text.replace("${", "$${").replace("%{", "%%{") if "{" in text else text


def code(node: Node) -> str:
    """The node as it stands inside an expression."""
    if isinstance(node, Code):
        return node.text
    if isinstance(node, Template):
        return f'"{node.quoted}"'
    if isinstance(node, str):
        return f'"{within_quotes(escaped(node))}"'
    if isinstance(node, list):
        return f"[{', '.join(code(item) for item in node)}]"
    if isinstance(node, dict):
        entries = (f"{_bare_or_quoted(key)} = {code(node[key])}" for key in sorted(node))
        return "{" + ", ".join(entries) + "}"
    return json.dumps(node)


def within_quotes(text: str) -> str:
    """The text with quotes, backslashes and control characters escaped."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def operand(node: Node, binding: int) -> str:
    """The node as an operand of something that binds this tightly, in parentheses where they are needed."""
    if isinstance(node, Code) and node.binding < binding:
        return f"({node.text})"
    return code(node)


def references_of(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The addresses that the nodes refer to, each once, in order."""
    found: list[str] = []
    for node in nodes:
        if isinstance(node, (Code, Template)):
            found.extend(node.references)
        elif isinstance(node, list):
            found.extend(references_of(node))
        elif isinstance(node, dict):
            found.extend(references_of(node.values()))
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def key_text(key: Node) -> str:
    """An object key: the text of a literal, the JSON form of everything else."""
    if isinstance(key, str):
        return escaped(key)
    value = json_value(key)
    return value if isinstance(value, str) else json.dumps(value)


def _bare_or_quoted(key: str) -> str:
    return key if key.isidentifier() else json.dumps(key, ensure_ascii=False)
