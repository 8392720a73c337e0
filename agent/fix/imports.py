"""Code for what is there and is not in it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.fix.commands import terraform
from agent.fix.compare import writable
from agent.fix.files import Files, normal
from agent.fix.known_types import DEFAULTS, NEEDS, SECRET
from agent.fix.model import Code, Fix
from agent.fix.patch import fix_of
from agent.fix.remove import remove_block
from agent.fix.render import body
from agent.fix.syntax import quoted
from agent.fix.values import empty
from graph.model import Value

__all__ = ["import_block", "remove_block"]


def import_block(
    code: Code,
    directory: str,
    type: str,
    name_hint: str,
    cloud_id: str,
    attributes: Mapping[str, Value],
    *,
    drift: str = "",
    file: str = "",
) -> Fix:
    """An `import` block and a resource block for what no code knows, in `directory`.

    Args:
        name_hint: what it is called there; the block's name is made of it and differs from all that are taken.
        attributes: what is known of it, by attribute name, nested ones as lists of maps; computed ones are left out.
        file: where to write, as a path in the repository; a new `imported.tf` of the directory when empty.

    Returns a `Fix` of `how="import"`; unsafe when attributes that the type requires are not known, and for types whose requirements are
    not known here: then `terraform plan -generate-config-out` has to write the block.
    """
    files = Files(code)
    found = files.directory(directory)
    here = next(
        (b for b in found.blocks("import") if _says(b.source.data[b.node.start_byte : b.node.end_byte], cloud_id)), None
    )
    if here is not None:
        return fix_of(
            files,
            drift=drift,
            how="import",
            safe=True,
            why=f"It is imported at {here.at} already; nothing is to be changed.",
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", type) or not cloud_id:
        why = f"{type or 'A resource without a type'} cannot be imported: its type or its id is not known."
        return fix_of(files, drift=drift, how="import", safe=False, why=why)
    taken = {b.labels[1] for b in found.blocks("resource", type) if len(b.labels) == 2}
    name = _name(name_hint or cloud_id, taken)
    needs = NEEDS.get(type)
    missing = [r for r in needs.required if attributes.get(r) in (None, "", [], {})] if needs is not None else []
    path = file or "/".join(p for p in (normal(directory), "imported.tf") if p)
    before = files.read(path)
    newline = b"\r\n" if before is not None and b"\r\n" in before else b"\n"
    block = _import(type, name, cloud_id, newline)
    generated = needs is None or bool(missing)
    if needs is not None and not missing:
        known = _settable(type, (*needs.required, *needs.optional), attributes)
        head = f'resource "{type}" "{name}" {{'.encode()
        inside = body(known, b"  ", newline)
        block += newline + head + (newline + inside if inside else b"") + b"}" + newline
    gap = b"" if not before else newline if before.endswith(b"\n") else newline * 2
    files.write(path, (before or b"") + gap + block)
    where = normal(directory)
    commands = [terraform(where, "plan -generate-config-out=generated.tf" if generated else "plan")]
    if generated:
        lack = (
            f"{', '.join(missing)} of {type} not being known" if missing else f"what {type} needs not being known here"
        )
        why = f"Only the import block is written, {lack}: terraform plan -generate-config-out has to write the resource block."
    else:
        why = f"{type}.{name} is written with what is known of it; a plan shows whether anything is left to say."
    place = f"import block and resource {type}.{name} in {path}" if not generated else f"import block in {path}"
    return fix_of(files, drift=drift, how="import", safe=not generated, why=why, commands=commands, places=[place])


def _import(type: str, name: str, cloud_id: str, newline: bytes) -> bytes:
    return newline.join(
        (b"import {", f"  to = {type}.{name}".encode(), f"  id = {quoted(cloud_id)}".encode(), b"}", b"")
    )


def _settable(type: str, names: tuple[str, ...], attributes: Mapping[str, Value]) -> dict[str, Value]:
    defaults = DEFAULTS.get(type, {})
    kept: dict[str, Value] = {}
    for name in names:
        value = attributes.get(name)
        if name in SECRET or value is None or (name in defaults and defaults[name] == value):
            continue
        if empty(value) and not (value is False and defaults.get(name) is True):
            continue
        kept[name] = value
    return writable(kept, tuple(kept))


def _name(hint: str, taken: set[str]) -> str:
    """A name for the block, made of what the thing is called."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", hint).strip("_").lower()[:60] or "imported"
    if not name[0].isalpha() and name[0] != "_":
        name = f"_{name}"
    candidate, n = name, 2
    while candidate in taken:
        candidate, n = f"{name}_{n}", n + 1
    return candidate


def _says(block: bytes, cloud_id: str) -> bool:
    return quoted(cloud_id).encode() in block
