"""What an HCL block says: its attributes as flat paths for people, and a digest that decides whether two blocks say the same.

Paths: a map's entry is `tags.Name`, the i-th nested block of a name is `ingress[i]` in the order written, and labels are part
of a nested block's name, `dynamic.setting[0].content[0].value`. The value of a `locals` entry or a top-level key is `value`.

The digest leaves out what does not matter:

- the order of attributes, and of nested blocks except those that are taken in order (`ORDERED`);
- whether a single nested block is written `tags { … }` or `tags = { … }`, which 0.11 did not tell apart;
- brackets around an attribute's single element when that is an expression: 0.11 needed `["${var.ids}"]` for `var.ids`;
- quotes around numbers and booleans, and around what is always an expression: types of variables, `depends_on`,
  `ignore_changes`, `provider`, `providers`, `when`, `on_failure`, the addresses of `moved`, `import` and `removed`.
  Those are shown as plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from graph.model import Value
from ingest.sources.git.blocks import Meaning
from ingest.sources.git.languages.hcl_body import Body, read_attribute, read_body, words
from ingest.sources.git.languages.hcl_cursor import NotUnderstood
from ingest.sources.git.languages.hcl_expression import Reader
from ingest.sources.git.languages.hcl_values import Code, Node, Spliced, json_value, references_of

ORDERED = frozenset(
    {"provisioner", "ordered_cache_behavior", "default_action", "action", "stage", "init_container", "member"}
)
"""Nested block types whose order is part of what they say."""

MAP_ARGUMENTS = frozenset(
    {
        "annotations",
        "config",
        "dimensions",
        "labels",
        "match_labels",
        "providers",
        "query",
        "request_parameters",
        "response_parameters",
        "tags",
        "triggers",
        "variables",
        "vars",
    }
)
"""Arguments that are maps: 0.11's `tags { … }` is shown as `tags.Name`, not `tags[0].Name`. For display only."""

_QUOTED_TYPES = {"list": "list(string)", "map": "map(string)"}
"""What the quoted types of 0.11 say today; `terraform fmt` rewrites them so."""
_BARE_TYPES = {"list": "list(any)", "map": "map(any)", "set": "set(any)"}
_PLAIN_KEY = re.compile(r"[^\W\d][\w-]*+")
_VALUE = "value"
_TEXT = "text"
_ENCODER = msgspec.json.Encoder(order="deterministic")


@dataclass(slots=True)
class _Flat:
    """Attributes and references of a block by path."""

    block_type: str
    attributes: dict[str, Value] = field(default_factory=dict[str, Value])
    references: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def read_meaning(block_type: str, text: bytes) -> tuple[Meaning, bytes]:
    """The meaning of a block's bytes, and the digest that is equal for all bytes that say the same.

    Text that cannot be understood is its own meaning: its words in order under the path `text`.
    """
    source = text.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    flat = _Flat(block_type)
    try:
        canonical = _read(flat, source)
        digest = blake2b(_ENCODER.encode(canonical), digest_size=16).digest()
    except (NotUnderstood, RecursionError):
        kept, addresses = words(source)
        flat = _Flat(block_type, {_TEXT: kept}, {_TEXT: addresses} if addresses else {})
        digest = blake2b(kept.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    module_source = flat.attributes.get("source") if block_type == "module" else None
    return Meaning(flat.attributes, flat.references, module_source if isinstance(module_source, str) else ""), digest


def _read(flat: _Flat, source: str) -> Value:
    if flat.block_type in ("local", "key"):
        node = read_attribute(source)
        if isinstance(node, Body):
            return _walk(flat, node, _VALUE, frozenset())
        return _attribute(flat, _VALUE, node, frozenset())
    start = source.index("{") if "{" in source else len(source)
    return _walk(flat, read_body(source, start + 1), "", frozenset())


def _walk(flat: _Flat, body: Body, prefix: str, bound: frozenset[str]) -> dict[str, Value]:
    """Adds what a body says under `prefix`; returns it in a form that is equal for bodies that say the same."""
    count: dict[str, int] = {}
    for name, _ in body.items:
        count[name] = count.get(name, 0) + 1
    canonical: dict[str, Value] = {}
    repeated: dict[str, list[Value]] = {}
    for name, item in body.items:
        path = _joined(prefix, name, is_key=not isinstance(item, Body))
        single = count[name] == 1
        if isinstance(item, Body):
            if not (single and _is_map(name, item)):
                path += f"[{len(repeated.get(name, ()))}]"
            said: Value = _walk(flat, item, path, bound | _iterators(name, item))
            if not item.items:
                flat.attributes[path] = {}
        else:
            if not single:
                path += f"[{len(repeated.get(name, ()))}]"
            said = _attribute(flat, path, _plain_argument(flat, prefix, name, item), bound)
        if single:
            canonical[name] = said
        else:
            repeated.setdefault(name, []).append(said)
    for name, several in repeated.items():
        canonical[name] = several if name.partition(".")[0] in ORDERED else sorted(several, key=_ENCODER.encode)
    return canonical


def _attribute(flat: _Flat, path: str, node: Node, bound: frozenset[str]) -> Value:
    """Adds what an attribute says under its path, maps and lists of maps flattened; returns it as JSON."""
    if isinstance(node, list) and len(node) == 1 and isinstance(node[0], (Spliced, Code)):
        node = node[0]
    if isinstance(node, dict) and node:
        return {key: _attribute(flat, path + _step(key), node[key], bound) for key in node}
    if isinstance(node, list) and node and all(isinstance(item, dict) and item for item in node):
        return [_attribute(flat, f"{path}[{index}]", item, bound) for index, item in enumerate(node)]
    value = json_value(node)
    flat.attributes[path] = value
    if not isinstance(node, (str, int, float)):
        references = references_of((node,))
        if references and bound:
            references = tuple(address for address in references if address.partition(".")[0] not in bound)
        if references:
            flat.references[path] = references
    return value


def _iterators(name: str, body: Body) -> frozenset[str]:
    """The variables that a `dynamic` block defines for its content."""
    if not name.startswith("dynamic."):
        return frozenset()
    named = [node.text for key, node in body.items if key == "iterator" and isinstance(node, Code)]
    return frozenset(named or [name.removeprefix("dynamic.")])


def _is_map(name: str, body: Body) -> bool:
    return not any(isinstance(item, Body) for _, item in body.items) and (
        name in MAP_ARGUMENTS or any(not _PLAIN_KEY.fullmatch(key) for key, _ in body.items)
    )


def _plain_argument(flat: _Flat, prefix: str, name: str, node: Node) -> Node:
    """The arguments that are always expressions, quoted or not, as plain text; any other argument as it is."""
    block_type = flat.block_type
    if not prefix:
        if name == "depends_on":
            return _as_list(_plain(flat, name, node))
        if (name == "provider" and block_type in ("resource", "data", "import")) or (
            name == "providers" and block_type == "module"
        ):
            return _plain(flat, name, node, "provider.")
        if name == "type" and block_type == "variable":
            plain = _plain(flat, name, node)
            shorthand = _QUOTED_TYPES if isinstance(node, str) else _BARE_TYPES
            return shorthand.get(plain, plain) if isinstance(plain, str) else plain
        if name in ("from", "to") and block_type in ("moved", "import", "removed"):
            return _plain(flat, name, node)
    elif prefix == "lifecycle[0]" and name in ("ignore_changes", "replace_triggered_by"):
        plain = _plain(flat, f"{prefix}.{name}", node)
        return "all" if plain == ["*"] else _as_list(plain)
    elif prefix.startswith("provisioner.") and name in ("when", "on_failure"):
        return _plain(flat, f"{prefix}.{name}", node)
    return node


def _plain(flat: _Flat, path: str, node: Node, namespace: str = "") -> Node:
    """The node with every expression and every string that is one as plain canonical text; notes their references."""
    if isinstance(node, dict):
        step = path
        return {key: _plain(flat, step + _step(key), item, namespace) for key, item in node.items()}
    if isinstance(node, list):
        return [_plain(flat, path, item, namespace) for item in node]
    if isinstance(node, str):
        node = _expression(node)
    if not isinstance(node, Code):
        return node
    references = (namespace + node.text,) if namespace else node.references
    if references:
        known = flat.references.get(path, ())
        flat.references[path] = tuple(dict.fromkeys((*known, *references)))
    return node.text


def _expression(text: str) -> Node:
    reader = Reader(text)
    try:
        node = reader.value()
        return node if isinstance(node, Code) and reader.at_end_of_line() else text
    except NotUnderstood:
        return text


def _as_list(node: Node) -> Node:
    return [node] if isinstance(node, str) and node != "all" else node


def _joined(prefix: str, name: str, *, is_key: bool) -> str:
    """The path of an attribute or nested block; the dots in a block's name stand before its labels."""
    if prefix:
        return prefix + _step(name) if is_key else f"{prefix}.{name}"
    return name if not is_key or _PLAIN_KEY.fullmatch(name) else f'["{name}"]'


def _step(key: str) -> str:
    return "." + key if _PLAIN_KEY.fullmatch(key) else f'["{key}"]'
