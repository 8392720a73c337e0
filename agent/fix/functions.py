"""The few functions of Terraform whose results are worth knowing to find a value: each pure, on known arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.fix.values import is_list
from graph.model import Value


@dataclass(frozen=True, slots=True)
class Known:
    """A result."""

    value: Value


def call(name: str, arguments: Sequence[Value]) -> Known | None:
    """What a function gives; None for functions and arguments that are not known here."""
    match name, list(arguments):
        case "concat", [*lists] if all(is_list(x) for x in lists):
            return Known([item for x in lists for item in _items(x)])
        case "merge", [*maps] if all(isinstance(x, Mapping) for x in maps):
            return Known({k: v for x in maps if isinstance(x, Mapping) for k, v in x.items()})
        case "lower", [str(text)]:
            return Known(text.lower())
        case "upper", [str(text)]:
            return Known(text.upper())
        case "length", [x] if isinstance(x, (str, Mapping)) or is_list(x):
            return Known(len(x) if isinstance(x, (str, Mapping)) else len(_items(x)))
        case "jsonencode", [x]:
            return Known(json.dumps(x, separators=(",", ":"), ensure_ascii=False))
        case "join", [str(between), x] if all(isinstance(i, str) for i in _items(x)):
            return Known(between.join(str(i) for i in _items(x)))
        case "split", [str(between), str(text)] if between:
            return Known(list(text.split(between)))
        case "element", [x, int(index)] if _items(x):
            return Known(_items(x)[index % len(_items(x))])
        case "keys", [x] if isinstance(x, Mapping):
            return Known(sorted(x))
        case "values", [x] if isinstance(x, Mapping):
            return Known([x[k] for k in sorted(x)])
        case "distinct" | "compact" as which, [x] if is_list(x):
            kept: list[Value] = []
            for item in _items(x):
                if (which == "compact" and item in ("", None)) or (which == "distinct" and item in kept):
                    continue
                kept.append(item)
            return Known(kept)
        case _:
            return None


def _items(value: Value) -> list[Value]:
    return list(value) if is_list(value) else []
