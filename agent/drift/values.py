"""Values as two sides tell them, brought to one form: units, switches, names within full paths."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import cast

from agent.drift.noise import plain_scalar
from graph.model import Value

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:(m|k|[MGTPE]|[KMGTPE]i)|[eE]([0-9]{1,2}))?")
_SCALE = {"": Fraction(1), "m": Fraction(1, 1000), "k": Fraction(1000)} | {
    unit: Fraction(1000 ** (i + 2)) for i, unit in enumerate("MGTPE")
} | {f"{unit}i": Fraction(1024 ** (i + 1)) for i, unit in enumerate("KMGTPE")}  # fmt: skip
_RULE = re.compile(r"([^/]*)(/.*?) -> (.*):([^:]*)")
_PORT = re.compile(r"(\S+?)->(\S+)/(\w+)")
_TIERS = {"burstable": "B", "generalpurpose": "GP", "memoryoptimized": "MO"}
_PROJECT = re.compile(r".*?(?:^|/)(projects/.+)")


def as_word(steps: Sequence[str | int]) -> str:
    """Steps as a path: `a[0].b`."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")


def _texts(value: Value) -> list[str]:
    return [str(v) for v in value] if isinstance(value, Sequence) and not isinstance(value, str) else [str(value)]


def _quantity(value: Value, argument: str) -> Value | None:
    """A quantity of Kubernetes: `500m`, `0.5Gi`, `1e3`."""
    if (found := _QUANTITY.fullmatch(str(value))) is None:
        return value
    scale = Fraction(10 ** int(found[3])) if found[3] else _SCALE[found[2] or ""]
    return str(Fraction(found[1]) * scale)


def _switch(value: Value, argument: str) -> Value | None:
    text = str(value).casefold()
    return True if text in ("enabled", "true", "on", "yes") else False if text in ("disabled", "false", "off", "no", "securedbyperimeter") else None  # fmt: skip


def _number(value: Value) -> Fraction | None:
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        return None


def _whole(value: Fraction | None) -> Value | None:
    return None if value is None else int(value) if value.denominator == 1 else float(value)


def _times(value: Value, argument: str) -> Value | None:
    number = _number(value)
    return _whole(number * int(argument)) if number is not None else None


def _over(value: Value, argument: str) -> Value | None:
    number = _number(value)
    return _whole(number / int(argument)) if number is not None else None


def _before(value: Value, mark: str) -> Value | None:
    return str(value).partition(mark)[0]


def _after(value: Value, mark: str) -> Value | None:
    return str(value).partition(mark)[2] or None


def _http(part: int) -> Callable[[Value, str], Value | None]:
    def read(value: Value, argument: str) -> Value | None:
        words = str(value).split(" ")
        return words[part] if words[0] == "http" and len(words) == 3 else None

    return read


def _each(pattern: re.Pattern[str], group: int) -> Callable[[Value, str], Value | None]:
    def read(value: Value, argument: str) -> Value | None:
        return [found[group] for text in _texts(value) if (found := pattern.fullmatch(text)) is not None]

    return read


def _cpu_percent(value: Value, argument: str) -> Value | None:
    told = [t for t in _texts(value) if t.startswith("Resource cpu ") and t.endswith("%")]
    return int(told[0].split(" ")[2][:-1]) if len(told) == 1 and told[0].split(" ")[2][:-1].isdigit() else None


def _percents(value: Value, argument: str) -> Value | None:
    told = [t.rpartition(" ")[2][:-1] for t in _texts(value) if t.startswith("Resource ") and t.endswith("%")]
    return [int(t) for t in told if t.isdigit()]


CONVERTERS: Mapping[str, Callable[[Value, str], Value | None]] = {
    "quantity": _quantity,
    "switch": _switch,
    "lower": lambda value, _: str(value).casefold(),
    "host": lambda value, _: str(value).rstrip("."),
    "*": _times,
    "/": _over,
    "before": _before,
    "after": _after,
    "http port": _http(1),
    "http path": _http(2),
    "rule path": _each(_RULE, 2),
    "rule service": _each(_RULE, 3),
    "rule port": _each(_RULE, 4),
    "port": _each(_PORT, 1),
    "target port": _each(_PORT, 2),
    "port protocol": _each(_PORT, 3),
    "cpu percent": _cpu_percent,
    "percents": _percents,
    "database tier": lambda value, _: _TIERS.get(str(value).casefold()),
}
"""By name: a value, and what stands after the name, to another value; None when it tells nothing."""


# -- the same?


def comparable(value: Value) -> str:
    """Equal for equal values: lists without their order, numbers and switches as text, JSON documents by content."""
    return json.dumps(_comparable(value), sort_keys=True, ensure_ascii=False)


def alike(desired: Value, actual: Value, cloud: str = "") -> bool:
    """Whether both mean the same. Azure does not tell upper from lower case; Google names things by their name, their path, or their link."""
    if comparable(desired) == comparable(actual):
        return True
    if cloud == "azure":
        return comparable(desired).casefold() == comparable(actual).casefold()
    if cloud == "gcp":
        ours, theirs = _paths(desired), _paths(actual)
        if comparable(ours) == comparable(theirs):
            return True
        bare = [not any("/" in text for text in _texts(side)) for side in (ours, theirs)]
        return bare[0] != bare[1] and comparable(_ends(ours)) == comparable(_ends(theirs))
    return False


def as_wanted(desired: Value, actual: Value, cloud: str) -> Value:
    """What is there, to show: by its name alone where code names such things so."""
    return _ends(actual) if cloud == "gcp" and not any("/" in text for text in _texts(desired)) else actual


def _paths(value: Value) -> Value:
    """Links of Google as the paths in them."""
    if isinstance(value, str):
        return found[1] if (found := _PROJECT.fullmatch(value)) is not None else value
    if isinstance(value, Sequence):
        return [_paths(v) for v in value]
    return value


def _ends(value: Value) -> Value:
    if isinstance(value, str):
        return value.rpartition("/")[2] if "projects/" in value or value.startswith("https://") else value
    if isinstance(value, Sequence):
        return [_ends(v) for v in value]
    return value


def _comparable(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _comparable(v) for k, v in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_comparable(item) for item in cast("Sequence[object]", value)]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return _comparable(json.loads(value))
        except ValueError:
            return value
    return plain_scalar(value)
