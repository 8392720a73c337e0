"""What a change did to values: which way they went, and the keys that changed lines of configuration hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal, TypeAlias

from agent.evidence import shown
from agent.symptom_words import words_of
from graph.model import Value

Direction: TypeAlias = Literal[
    "lowered", "raised", "added", "removed", "replaced", "enabled", "disabled", "changed", "created", "deleted"
]
"""`changed`: what it was before, or is now, is not told."""

_Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Side:
    """A value on one side of a change. `state` is one of value, absent, redacted, unknown."""

    state: str
    value: Value = None

    @property
    def text(self) -> str:
        """The value in a sentence, empty when it is not told."""
        return shown(self.value, 60) if self.state == "value" else ""


ABSENT: Final = Side("absent")
UNTOLD: Final = Side("unknown")

MAX_LINES = 240
"""Of each side of a change's lines."""

MAX_LINE_CHARS = 500
_JSON_CHARS = 50_000
_DEEPEST = 40

_NUMBER = re.compile(r"([-+]?\d[\d_,]*(?:\.\d+)?)\s*([A-Za-z%µ]{0,6})")
_SECONDS = {"ms": 0.001, "us": 1e-6, "µs": 1e-6, "s": 1.0, "sec": 1.0, "secs": 1.0, "min": 60.0, "mins": 60.0, "h": 3600.0, "hr": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0, "w": 604800.0}  # fmt: skip
_BYTES = {"b": 1.0, "k": 1e3, "kb": 1e3, "ki": 1024.0, "kib": 1024.0, "mb": 1e6, "mi": 1024.0**2, "mib": 1024.0**2, "g": 1e9, "gb": 1e9, "gi": 1024.0**3, "gib": 1024.0**3, "t": 1e12, "tb": 1e12, "ti": 1024.0**4}  # fmt: skip
_ON = frozenset({"true", "on", "yes", "enabled", "enable", "active"})
_OFF = frozenset({"false", "off", "no", "disabled", "disable", "inactive", "none", "suspended"})
_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge")
_SIZE = re.compile(r"(?P<family>[a-z][\w.-]*?)[.-](?P<times>\d{0,3})(?P<size>nano|micro|small|medium|large|xlarge)")


def direction(before: Side, after: Side) -> Direction:
    """Which way a value went."""
    if before.state == "absent" and after.state != "absent":
        return "added"
    if after.state == "absent" and before.state != "absent":
        return "removed"
    if after.state == "unknown" or before.state == "unknown":
        return _alone(after)
    if before.state == "redacted" or after.state == "redacted":
        return "replaced"
    return _between(before.value, after.value)


def _alone(after: Side) -> Direction:
    """What a new value alone tells: a switch's position."""
    switch = _switch(after.value) if after.state == "value" else None
    return "changed" if switch is None else "enabled" if switch else "disabled"


def _between(old: Value, new: Value) -> Direction:
    first, second = _switch(old), _switch(new)
    if first is not None and second is not None and first != second:
        return "enabled" if second else "disabled"
    a, b = _number(old), _number(new)
    if a is not None and b is not None and a[1] == b[1] and a[0] != b[0]:
        return "raised" if b[0] > a[0] else "lowered"
    sizes = _machine(old), _machine(new)
    if sizes[0] is not None and sizes[1] is not None and sizes[0] != sizes[1]:
        return "raised" if sizes[1] > sizes[0] else "lowered"
    before, after = _networks(old), _networks(new)
    if before and after:
        return "added" if all(any(_covers(n, m) for n in after) for m in before) else "removed"
    return _of_sets(_leaves(old), _leaves(new))


def _of_sets(before: frozenset[str], after: frozenset[str]) -> Direction:
    if len(before) <= 1 and len(after) <= 1 and before and after:
        return "replaced"
    gone, new = before - after, after - before
    if any(leaf.rpartition("=")[2].strip('"').casefold() == "deny" for leaf in new):
        return "removed"  # a denial more is an allowance less
    if gone and not new:
        return "removed"
    return "added" if new and not gone else "replaced"


def _switch(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().casefold()
        return True if word in _ON else False if word in _OFF else None
    return None


def _number(value: Value) -> tuple[float, str] | None:
    """A number and its dimension: seconds, bytes, percent, none or a unit of its own."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value), ""
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) and len(value) < 40 else None
    if not found:
        return None
    number, unit = float(found[1].replace("_", "").replace(",", "")), found[2].casefold()
    if unit in _SECONDS:
        return number * _SECONDS[unit], "s"
    if found[2] == "m":  # thousandths of a processor, minutes: alike on both sides either way
        return number / 1000, ""
    if unit in _BYTES or found[2] == "M":
        return number * _BYTES.get(unit, 1e6), "b"
    return number, unit


def _machine(value: Value) -> tuple[str, float] | None:
    found = _SIZE.fullmatch(value) if isinstance(value, str) and len(value) < 60 else None
    if not found:
        return None
    rank = _SIZES.index(found["size"])
    return "", rank + (int(found["times"]) if found["times"] and found["size"] == "xlarge" else 0)


def _networks(value: Value) -> list[_Network]:
    """The value as address ranges, empty when it is anything else."""
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else []
    found: list[_Network] = []
    for text in texts[:200]:
        if not isinstance(text, str) or "/" not in text or len(text) > 50:
            return []
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            return []
    return found


def _covers(wide: _Network, narrow: _Network) -> bool:
    if isinstance(wide, IPv4Network) and isinstance(narrow, IPv4Network):
        return narrow.subnet_of(wide)
    return isinstance(wide, IPv6Network) and isinstance(narrow, IPv6Network) and narrow.subnet_of(wide)


def _leaves(value: Value, path: str = "", depth: int = 0) -> frozenset[str]:
    """The single values in a value, with the keys that lead to them; JSON text is read as what it says."""
    if depth > _DEEPEST:
        return frozenset({f"{path}=…"})
    if isinstance(value, str) and value[:1] in ("{", "[") and len(value) <= _JSON_CHARS and depth < 3:
        try:
            parsed: Value = json.loads(value)
        except (ValueError, RecursionError):
            return frozenset({f"{path}={value}"})
        return _leaves(parsed, path, depth + 1)
    if isinstance(value, Mapping):
        return frozenset(leaf for k, v in list(value.items())[:200] for leaf in _leaves(v, f"{path}.{k}", depth + 1))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return frozenset(leaf for v in value[:500] for leaf in _leaves(v, path, depth + 1))
    return frozenset({f"{path}={json.dumps(value, ensure_ascii=False)}"})


# -- changed lines


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key that changed lines hold, with its values; `key` is empty for an entry of a list."""

    key: str
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class LineChanges:
    """What changed lines hold: keys with values, entries of lists, and how many lines were comments or anything else."""

    keys: tuple[KeyChange, ...]
    comments: int
    others: int
    same: bool
    """The lines of both sides differ in white space, order and trailing commas only."""


_KEY = re.compile(
    r"""^[-+*]?\s*(?:export\s+|ENV\s+|ARG\s+|set\s+|local\s+|const\s+|let\s+|var\s+|final\s+|static\s+|public\s+|private\s+|define\(\s*)*
    (?P<quote>["']?)(?P<key>[$@]?[A-Za-z_][\w.\-/:$]{0,100}?(?:\[['"]?[\w.\-/ ]{1,80}['"]?\])*)(?P=quote)
    (?:\s*(?P<sign>:=|=>|\?=|=|:(?![:/])|,(?=\s*\S)(?<=["'],))\s*|(?P<blank>\s+))(?P<value>\S.*)?$""",
    re.X,
)
_COMMENT = ("#", "//", "--", "/*", "*/", "* ", "<!--", ";", "%", "rem ", '"""')
_TRAILING = re.compile(r"\s+(?:#|//)\s.*$")
_NOT_KEYS = words_of(
    "if else elif for while return import from def class function case when then do done end try except catch with raise throw "
    "assert print echo yield await async switch foreach unless include require package use"
)
_ENTRY = re.compile(r"""^(?:-\s+)?["']?([\w.\-/@*:+ ]{2,120}?)["']?\s*,?$""")


def read_lines(removed: str, added: str) -> LineChanges:
    """The keys and entries that lines of configuration changed: YAML, JSON, ini, HCL, env, nginx, PHP, Python and their like."""
    gone, new = _lines(removed), _lines(added)
    comments = sum(line.startswith(_COMMENT) for line in (*gone, *new))
    gone = [x for x in gone if not line_is_comment(x)]
    new = [x for x in new if not line_is_comment(x)]
    same = sorted(_bare(x) for x in gone) == sorted(_bare(x) for x in new)
    before, others_before = _keys(gone)
    after, others_after = _keys(new)
    keys = [
        KeyChange(key.partition("\x1f")[0], before.get(key, ABSENT), after.get(key, ABSENT))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]
    return LineChanges(tuple(keys), comments, others_before + others_after, same)


def line_is_comment(line: str) -> bool:
    """Whether a line is one that no program executes."""
    return line.startswith(_COMMENT) and not line.startswith(("#!", "#include", "#define", "--- "))


def _lines(text: str) -> list[str]:
    return [s for line in text.split("\n")[:MAX_LINES] if (s := line.strip()[:MAX_LINE_CHARS]) and s not in _BRACKETS]


_BRACKETS = frozenset({"{", "}", "[", "]", "(", ")", "},", "],", "),", "};", "];", ");", "---", "...", "end"})


def _bare(line: str) -> str:
    return re.sub(r"[\s,;\"']+", "", line)


def _keys(lines: Iterable[str]) -> tuple[dict[str, Side], int]:
    found: dict[str, Side] = {}
    others = 0
    for line in (_TRAILING.sub("", x) for x in lines):
        pair = _pair(line)
        if pair:
            found[_free(pair[0], found)] = Side("value", pair[1])
        elif (entry := _ENTRY.match(line)) and (line.startswith("- ") or line.endswith(",") or " " not in entry[1]):
            found["\x1f" + entry[1]] = Side("value", entry[1])
        else:
            others += 1
    return found, others


def _free(key: str, found: Mapping[str, Side]) -> str:
    """The same key may stand in several sections: they are told apart by their order."""
    number = 1
    name = key
    while name in found and number < 50:
        number += 1
        name = f"{key}\x1f{number}"
    return name


def _pair(line: str) -> tuple[str, str] | None:
    found = _KEY.match(line)
    if not found:
        return None
    key, value = found["key"], _TRAILING.sub("", found["value"] or "").rstrip(",;").strip()
    if key.partition(".")[0].casefold() in _NOT_KEYS:
        return None
    if found["blank"] is not None and not ("_" in key and value and " " not in value):
        return None  # words of a sentence or of code
    if found["sign"] == "," and value.endswith(")"):
        value = value[:-1]
    value = value.rstrip(")") if value.count(")") > value.count("(") else value
    if not value or value in ("{", "[", "(", "|", ">", "|-", ">-"):
        return None
    return key.lstrip("$@"), value.strip("\"'")
