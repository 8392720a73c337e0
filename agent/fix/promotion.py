"""A literal of a module that several callers share made a variable of the module: the others take the old value by default."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from tree_sitter import Node

from agent.fix.files import Directory, Files
from agent.fix.render import rendered
from agent.fix.terms import Term
from agent.fix.values import is_list
from graph.model import Value

_RESERVED = frozenset({"source", "version", "providers", "count", "for_each", "lifecycle", "depends_on", "locals"})
"""Names that a variable cannot have: https://developer.hashicorp.com/terraform/language/values/variables#declaring-an-input-variable"""
_NAMELESS = frozenset({"this", "main", "default", "self"})
"""Names of resources that say nothing."""
_COMPUTED = frozenset(
    {
        "variable_expr", "get_attr", "function_call", "for_expr", "conditional", "operation", "template_interpolation",
        "template_directive", "heredoc_template", "comment",
    }
)  # fmt: skip
"""What a default cannot hold, or what would be lost by writing it anew."""


def is_constant(at: Term) -> bool:
    """Whether an expression is literals alone, without a comment in it."""
    return all(_is_constant(node) for node in at.nodes)


def _is_constant(node: Node) -> bool:
    if node.type == "object_elem":  # a bare key is a name, and no variable
        return all(_is_constant(c) for c in node.children[1:])
    return node.type not in _COMPUTED and all(_is_constant(c) for c in node.children)


def free_name(directory: Directory, resource: str, attribute: str) -> str | None:
    """What to call a variable of this attribute; None when both names that suggest themselves are taken."""
    taken = {block.labels[0] for block in directory.blocks("variable") if block.labels}
    names = [f"{resource}_{attribute}", attribute]
    if resource in _NAMELESS:
        names.reverse()
    return next((n for n in names if n not in taken | _RESERVED), None)


def declared(files: Files, directory: Directory, name: str, default: Value) -> tuple[str, bytes]:
    """The file that declares one more variable, and its bytes then: where most of the module's variables are, else `variables.tf`."""
    count = {s.path: sum(b.source is s for b in directory.blocks("variable")) for s in directory.sources}
    usual = posixpath.join(directory.path, "variables.tf")
    path = min(count, key=lambda p: (-count[p], p != usual, p), default=usual)
    path = path if count.get(path) else usual
    data = files.read(path) or b""
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    gap = b"" if not data.strip() else newline if data.endswith(newline) else newline * 2
    return path, data + gap + _variable(name, default, newline)


def _variable(name: str, default: Value, newline: bytes) -> bytes:
    """The block, formatted: the `=` of lines that follow each other stand in one column, unless a value takes several lines."""
    value, type_ = rendered(default, b"  ", newline), _type_of(default)
    wide = b"type    = " if b"\n" not in value else b"type = "
    lines = [b'variable "' + name.encode() + b'" {']
    if type_:
        lines.append(b"  " + wide + type_.encode())
    lines += [b"  default = " + value, b"}", b""]
    return newline.join(lines)


def _type_of(value: Value) -> str:
    """The type constraint of a value; empty where it is not simple."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    inner: set[str] = set()
    if isinstance(value, Mapping):
        inner = {_type_of(v) for v in value.values()}
    elif is_list(value) and isinstance(value, (list, tuple)):
        inner = {_type_of(v) for v in value}
    if len(inner) != 1 or not inner <= {"bool", "number", "string"}:
        return ""
    return f"{'map' if isinstance(value, Mapping) else 'list'}({inner.pop()})"
