"""The edit that makes code say what is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from agent.fix.change import Changer
from agent.fix.commands import terraform
from agent.fix.edits import Want
from agent.fix.files import Files, normal
from agent.fix.model import Absent, Code, Fix, Wanted
from agent.fix.patch import fix_of
from agent.fix.paths import BadPath, Path, address_of, path_of, told
from agent.fix.refusal import InTheWay
from agent.fix.repeated import body_values
from agent.fix.resolve import INTO_JSON
from agent.fix.syntax import value_of
from agent.fix.terms import term
from agent.fix.values import decoded, empty, gone, loosely, same
from graph.model import Value

_META = ("for_each", "count", "depends_on", "lifecycle", "provider", "provisioner", "connection")


def adopt(code: Code, wanted: Wanted, drift: str) -> Fix:
    """The edits after which the code wants for one instance what is there, and nothing else for any other.

    A path names attributes and map keys with dots and list items by `[0]`; a key that is no name stands as `["a.b"]`. Of a block that
    repeats, or of any set, give the whole list at its name (`ingress` -> all rules, in `before` too), since sets have no order; an
    indexed path means the only block that fits what `before` tells below that index, and the block at that place in the code when it tells
    nothing. Of blocks, `Absent` for `ingress[0]` takes the block away. Paths below `tags_all` count only where `tags` says nothing.

    Returns a `Fix` of `how="adopt"`. `files` is empty and `safe` true when the code says it all already. Never raises for what the code
    looks like: what stands in the way is told in `why`, with its file and line.
    """
    try:
        return _adopted(code, wanted, drift)
    except RecursionError:
        return _refused(Files(code), drift, f"the code of {wanted.address} is nested too deeply")


def _adopted(code: Code, wanted: Wanted, drift: str) -> Fix:
    files = Files(code)
    try:
        address = address_of(wanted.address)
    except BadPath:
        return _refused(files, drift, f"{wanted.address} is no address of a managed resource")
    changer = Changer(files, wanted, address)
    blocked: list[str] = []
    try:
        frame, level, resolver = changer.look()
        ignored = _ignored(changer)
        before = body_values(level.block, resolver.scope(frame, level), resolver)
    except InTheWay as error:
        return _refused(files, drift, _sentence(error.why))
    if level.block.source.broken:
        return _refused(files, drift, f"{level.block.source.path}:{level.block.source.broken} has a syntax error.")
    blocked += [f"{s} is sensitive and is not written down" for s in sorted(wanted.sensitive - wanted.values.keys())]
    paths = _ordered(changer)
    for text, path in paths:
        if isinstance(path, str):
            blocked.append(f"{text}: {path}")
            continue
        if any(_under(path, i) for i in ignored):
            blocked.append(
                f"{text} is under ignore_changes of {level.block.name} at {level.block.at}: Terraform leaves it as it is"
            )
            continue
        if any(text == s or _under(path, path_of(s)) for s in wanted.sensitive):
            blocked.append(f"{text} is sensitive and is not written down")
            continue
        kept, places, unsafe = files.edited, len(changer.places), len(changer.unsafe)
        try:
            changer.change(path, wanted.values[text], wanted.before.get(text))
        except InTheWay as error:
            files.restore(kept)
            del changer.places[places:], changer.unsafe[unsafe:]
            blocked.append(f"{text}: {error.why}")
    changed = any(files.original(p) != data for p, data in files.edited.items())
    if changed:
        changer.unsafe += _strays(changer, before, {t: p for t, p in paths if not isinstance(p, str)})
    return _told(files, drift, changer, blocked, changed)


def _told(files: Files, drift: str, changer: Changer, blocked: list[str], changed: bool) -> Fix:
    unsafe = list(dict.fromkeys(changer.unsafe))
    if not changed and not blocked:
        return fix_of(
            files, drift=drift, how="adopt", safe=True, why="The code says so already; nothing is to be changed."
        )
    if blocked:
        why = "Not all of it can be edited: " + "; ".join(blocked)
        if changed:
            why += ". The rest is in the patch" + (": " + "; ".join(unsafe) if unsafe else "")
    elif unsafe:
        why = "The patch is not for this instance alone: " + "; ".join(unsafe)
    else:
        why = f"Written where {changer.wanted.address} alone takes it from"
    return fix_of(
        files,
        drift=drift,
        how="adopt",
        safe=not blocked and not unsafe,
        why=_sentence(why),
        places=changer.places,
        commands=[_plan(changer.wanted)] if changed else [],
    )


def _plan(wanted: Wanted) -> str:
    directory = normal(wanted.directory)
    files = [posixpath.relpath(v, directory or ".") for v in wanted.var_files]
    return terraform(directory, "plan", var_files=files)


def _refused(files: Files, drift: str, why: str) -> Fix:
    return fix_of(files, drift=drift, how="adopt", safe=False, why=_sentence(why))


def _sentence(text: str) -> str:
    text = text.replace(INTO_JSON, "")
    return text if text.endswith((".", "…")) else text + "."


def _ordered(changer: Changer) -> list[tuple[str, Path | str]]:
    """The paths in the order in which indexes stay true: what comes and changes first, then what goes, from the last index down.

    Instead of a path, why it cannot be told which one it is.
    """
    wanted = changer.wanted
    tags = {told(path_of(t)) for t in wanted.values if re.match(r"tags[.\[]", t)} | ({"tags"} & wanted.values.keys())
    refused: list[tuple[str, Path | str]] = []
    coming: list[tuple[str, Path]] = []
    going: list[tuple[str, Path]] = []
    for text, value in wanted.values.items():
        try:
            path = path_of(text)
            if path[0] == "tags_all":
                if not tags & {told(("tags", *path[1:])), "tags"}:
                    refused.append(
                        (text, "it comes from default_tags of the provider, which all of its resources share")
                    )
                continue
            path = changer.settle(path)
        except BadPath:
            refused.append((text, "it is no path of an attribute"))
        except InTheWay as error:
            refused.append((text, error.why))
        else:
            (going if gone(value) else coming).append((text, path))
    coming.sort(key=lambda r: _sortable(r[1]))
    going.sort(key=lambda r: _sortable(r[1]), reverse=True)
    return [*refused, *coming, *going]


def _sortable(path: Path) -> list[tuple[int, int, str]]:
    return [(0, s, "") if isinstance(s, int) else (1, 0, s) for s in path]


def _ignored(changer: Changer) -> list[Path]:
    """The attributes that Terraform is told not to look at; one empty path for all."""
    _, level, _ = changer.look()
    found: list[Path] = []
    for block in level.block.blocks("lifecycle"):
        node = block.attribute("ignore_changes")
        if node is None:
            continue
        at = term(block.source, value_of(node))
        if at.text == "all":
            return [()]
        for item in at.first.children[0].children if at.first.type == "collection_value" else ():
            if item.type == "expression":
                text = block.source.text(item).strip('"')
                if text in ("*", "all"):
                    return [()]
                found.append(path_of(text))
    return found


def _under(path: Path, prefix: Path) -> bool:
    return path[: len(prefix)] == prefix


def _strays(changer: Changer, before: Mapping[str, Value], asked: Mapping[str, Path]) -> list[str]:
    """What of the resource itself an edit changed that nobody asked for, or did not bring to where it is to be."""
    try:
        frame, level, resolver = changer.look()
        after = body_values(level.block, resolver.scope(frame, level), resolver)
    except InTheWay as error:
        return [error.why]
    found = [
        f"{told(path)} of {level.block.name} changes with it"
        for path in _differences((), before, after)
        if path[0] not in _META and not any(_under(path, a) or _under(a, path) for a in asked.values())
    ]
    for text, path in asked.items():
        want = changer.wanted.values[text]
        if any(isinstance(s, int) for s in path):
            continue  # taking out an earlier one moves it
        try:
            now = changer.current(path)
        except InTheWay:
            continue
        if not _reached(now, want):
            found.append(f"{text} would still not be what is there")
    return found


def _reached(now: Want, want: Want) -> bool:
    if gone(want) or isinstance(want, Absent) or isinstance(now, Absent):
        return empty(now) and (gone(want) or empty(want))
    if isinstance(want, (list, tuple)) and all(isinstance(w, Mapping) for w in want):
        return isinstance(now, list) and len(now) == len(want)
    if isinstance(now, str) and isinstance(want, str):
        return now == want or same(decoded(now), decoded(want))
    if isinstance(want, Mapping) and isinstance(now, Mapping):
        return all(loosely(v, want.get(k)) or (empty(v) and empty(want.get(k))) for k, v in now.items())
    return loosely(now, want)


def _differences(path: Path, one: Value, two: Value) -> list[Path]:
    """Paths at which two values differ."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return [
            p
            for k in {**one, **two}
            for p in ([(*path, k)] if (k in one) != (k in two) else _differences((*path, k), one[k], two[k]))
        ]
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [p for n, (a, b) in enumerate(zip(one, two, strict=True)) for p in _differences((*path, n), a, b)]
    return [] if same(one, two) else [path]
