"""Attributes of a thing as one side tells them, in words that both sides share (`agent.drift.dialects`), with the path and the value to show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from agent.drift.dialects import Dialect, Words
from agent.drift.values import CONVERTERS, as_word
from graph.model import Value

Steps = tuple[str | int, ...]
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_FREE = frozenset(["tags", "tags_all", "labels", "match_labels", "annotations", "data", "binary_data", "selector", "variables", "limits", "requests", "node_selector"])  # fmt: skip
"""Mappings whose keys are the user's own: they keep their spelling."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of one word: where, and the value as it is shown. `same` is equal for what means the same."""

    path: str
    value: Value
    same: Value


def spelled(attributes: Mapping[str, Value], dialect: Dialect, *, snake: bool = False) -> dict[str, Told]:
    """Shared word -> what is told.

    Args:
        snake: the side spells names in camel case.
    """
    raw = [
        (_own(steps_of(path), dialect.steps, snake), _shown(path, snake), value)
        for path, whole in attributes.items()
        for path, value in _leaves(path, whole)
    ]
    raw = _without_single(_by_member(raw, dialect.keyed))
    told: dict[str, Told] = {}
    collected: dict[str, list[tuple[str, Value]]] = {}
    for steps, path, value in raw:
        words = _words(steps, dialect.names)
        for word, convert in words:
            found = _converted(value, convert, steps)
            if found is None:
                continue
            if word.endswith("[]"):
                collected.setdefault(word[:-2], []).append((path, found[0]))
            else:
                at = word if word in attributes else path
                told[word] = Told(at, *found)
        if not words and (word := as_word(steps)) not in told:
            told[word] = Told(path, value, value)
    for word, found in collected.items():
        values = [v for _, more in found for v in (more if isinstance(more, list) else [more])]
        unique = list({json.dumps(v): v for v in values}.values()) if word in ("keys", "hosts") else values
        told[word] = Told(_path_of_all([path for path, _ in found]), unique, unique)
    told.update(_joined(raw, dialect))
    if dialect.digest is not None and (digest := _digest(raw, dialect.digest)) is not None:
        told["data_sha256"] = Told(dialect.digest[0], digest, digest)
    return told


# -- paths


@lru_cache(maxsize=65_536)
def steps_of(path: str) -> Steps:
    """`a[0].b["c.d"]` as its steps."""
    return tuple(int(m[2]) if m[2] is not None else m[1] if m[1] is not None else m[3] for m in _STEP.finditer(path))


@lru_cache(maxsize=65_536)
def snake_step(step: str) -> str:
    """A name in snake case: `mfaDelete`, `DBInstanceClass`, `diskSizeGB`."""
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", step))
    return apart.lower()


def snaked(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """The attributes of a side that spells names in camel case, in snake case."""
    return {as_word(_own(steps_of(path), {}, snake=True)): value for path, value in attributes.items()}


def _shown(path: str, snake: bool) -> str:
    return as_word(_own(steps_of(path), {}, snake=True)) if snake else path


def _own(steps: Steps, names: Mapping[str, str], snake: bool) -> Steps:
    if not snake and not names:
        return steps
    found: list[str | int] = []
    free = False
    for step in steps:
        if isinstance(step, int) or free:
            found.append(step)
            continue
        name = snake_step(step) if snake else step
        found.append(names.get(name, name))
        free = name in _FREE
    return tuple(found)


def _leaves(path: str, value: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f'{path}["{key}"]' if "." in key or "/" in key else f"{path}.{key}", inner)
    else:
        yield path, value


_Raw = list[tuple[Steps, str, Value]]


def _by_member(raw: _Raw, keyed: Mapping[str, str]) -> _Raw:
    """Blocks under the member that tells them apart instead of their place."""
    if not keyed:
        return raw
    name: dict[Steps, str] = {}
    for steps, _, value in raw:
        if len(steps) > 2 and isinstance(steps[-2], int) and keyed.get(_plain(steps[:-2])) == steps[-1]:
            name[steps[:-1]] = str(value)
    return [
        (tuple(name.get(steps[: i + 1], s) if isinstance(s, int) else s for i, s in enumerate(steps)), path, value)
        for steps, path, value in raw
    ]


def _without_single(raw: _Raw) -> _Raw:
    """Without the index of blocks that are alone in their list."""
    several = {steps[:i] for steps, _, _ in raw for i, s in enumerate(steps) if isinstance(s, int) and s > 0}
    return [
        (tuple(s for i, s in enumerate(steps) if s != 0 or isinstance(s, str) or steps[:i] in several), path, value)
        for steps, path, value in raw
    ]


def _plain(steps: Steps) -> str:
    return ".".join(s for s in steps if isinstance(s, str))


def _path_of_all(paths: Sequence[str]) -> str:
    """One path for values collected from blocks: the only one, or that of the member in all of them."""
    if len(paths) == 1:
        return paths[0]
    first, last = paths[0], paths[-1]
    at = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    head = first[:at].rpartition("[")[0] or first[:at].rpartition(".")[0]
    return head + first[len(head) :].partition("]")[2] if "[" in first[len(head) :] else head


# -- names


@lru_cache(maxsize=4096)
def _pattern(text: str) -> tuple[str, ...]:
    return tuple(text.replace("[]", ".[]").split("."))


def _words(steps: Steps, names: Words) -> list[tuple[str, str]]:
    """The shared words of a path with how to read its value; none when it has no other name."""
    best: tuple[int, list[tuple[str, str]]] = (0, [])
    for left, right in names.items():
        pattern = _pattern(left)
        if len(pattern) <= best[0] or (found := _fitting(pattern, steps)) is None:
            continue
        caught, rest = found
        words: list[tuple[str, str]] = []
        for one in (right,) if isinstance(right, str) else right:
            word, _, convert = one.partition("|")
            if rest and (convert or word.endswith("[]")):
                continue
            for step in caught:
                word = word.replace("*", step, 1)
            words.append((word + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in rest), convert))
        if words:
            best = len(pattern), words
    return best[1]


def _fitting(pattern: tuple[str, ...], steps: Steps) -> tuple[list[str], Steps] | None:
    """What stands for its stars, and the steps after it."""
    caught: list[str] = []
    i = 0
    for part in pattern:
        here = steps[i] if i < len(steps) else None
        if part == "[]":
            i += isinstance(here, int)
            continue
        if not isinstance(here, str) or part not in ("*", here):
            return None
        if part == "*":
            caught.append(here)
        i += 1
    return caught, steps[i:]


def _converted(value: Value, convert: str, steps: Steps) -> tuple[Value, Value] | None:
    """The value to show and the one to compare."""
    if not convert:
        return value, value
    if convert == "key":
        return str(steps[-1]), str(steps[-1])
    name, _, argument = convert.rpartition(" ") if convert not in CONVERTERS else (convert, "", "")
    found = CONVERTERS[name](value, argument)
    return None if found is None else (value, found) if name == "quantity" else (found, found)


def _joined(raw: _Raw, dialect: Dialect) -> dict[str, Told]:
    by_path = {_plain(steps): (path, value) for steps, path, value in raw}
    found: dict[str, Told] = {}
    for word, parts in dialect.joined.items():
        texts: list[str] = []
        for part in parts:
            path, _, convert = part.partition("|")
            value = by_path[path][1] if path in by_path else None
            read = _converted(value, convert, (path,)) if value is not None else None
            if read is not None:
                texts.append(str(read[0]))
        if len(texts) == len(parts):
            text = "_".join(texts)
            found[word] = Told(by_path[parts[-1].partition("|")[0]][0], text, text)
    return found


def _digest(raw: _Raw, of: tuple[str, str]) -> str | None:
    """As the inventory makes it; None when a value was withheld."""
    told: list[dict[str, Value]] = [{}, {}]
    for steps, _, value in raw:
        if len(steps) == 2 and steps[0] in of:
            if not isinstance(value, str) or "[redacted" in value:
                return None
            told[of.index(str(steps[0]))][str(steps[1])] = value
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
