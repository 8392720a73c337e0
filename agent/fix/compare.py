"""Values held against each other: which block of the code is which of the plan, and what of a value has to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.fix.functions import Known
from agent.fix.model import Absent
from agent.fix.paths import Path, Step
from agent.fix.refusal import InTheWay
from agent.fix.terms import Term
from agent.fix.values import empty, loosely, same
from graph.model import Value


def items_now(items: Sequence[Term], known: Sequence[Known | None], old: Sequence[Value] | None) -> list[Value]:
    """A list literal's items; of those that the code alone does not tell, what the plan says. Raises `InTheWay`."""
    if all(k is not None for k in known):
        return [k.value for k in known if k is not None]
    unknown = next(i for i, k in zip(items, known, strict=True) if k is None)
    if old is None:
        raise InTheWay(f"{unknown.text} at {unknown.at} is an expression")
    if len(old) == len(items) and all(k is None or same(k.value, o) for k, o in zip(known, old, strict=True)):
        return list(old)
    left = list(old)
    for k in known:
        match = next((n for n, o in enumerate(left) if k is not None and same(k.value, o)), None)
        if match is not None:
            left.pop(match)
    holes = sum(k is None for k in known)
    if len(left) != 1 or holes != 1:
        raise InTheWay(f"{unknown.text} at {unknown.at} is an expression")
    return [left[0] if k is None else k.value for k in known]


def fits(values: Mapping[str, Value], known: Mapping[Path, Value | Absent]) -> bool:
    """Whether a block that is written could be the one that the plan tells of."""
    for path, want in known.items():
        found = _at(values, path)
        if found is None:
            if str(path[0]) not in values and not empty(want):
                return False
            continue
        if isinstance(want, Absent) or not loosely(found.value, want):
            return False
    return True


def _at(values: Value, path: Sequence[Step]) -> Known | None:
    here = values
    for step in path:
        if isinstance(here, Mapping) and str(step) in here:
            here = here[str(step)]
        elif isinstance(here, Sequence) and not isinstance(here, str) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return None
    return Known(here)


def former(
    now: Sequence[Mapping[str, Value]], old: Sequence[Mapping[str, Value]] | None
) -> list[Mapping[str, Value] | None]:
    """For each block that is written, the whole of it as the plan tells it; each of the plan's for one at most."""
    left = list(old or ())
    found: list[Mapping[str, Value] | None] = []
    for values in now:
        match = next((n for n, o in enumerate(left) if _within(values, o)), None)
        found.append(None if match is None else left.pop(match))
    return found


def equal(values: Mapping[str, Value], whole: Mapping[str, Value] | None, goal: Mapping[str, Value]) -> bool:
    """Whether a block that is written says all of what is wanted."""
    if whole is not None:
        return all(
            loosely(whole.get(k), goal.get(k)) or (empty(whole.get(k)) and empty(goal.get(k))) for k in {*whole, *goal}
        )
    return _within(values, goal) and all(k in values or empty(v) for k, v in goal.items())


def _within(values: Mapping[str, Value], whole: Mapping[str, Value]) -> bool:
    return all(loosely(v, whole.get(k)) or (empty(v) and empty(whole.get(k))) for k, v in values.items())


def alike(one: Mapping[str, Value], two: Mapping[str, Value]) -> int:
    """In how many attributes that say something two blocks agree."""
    return sum(k in two and not empty(v) and loosely(v, two[k]) for k, v in one.items())


def writable(values: Mapping[str, Value], written: Sequence[str]) -> dict[str, Value]:
    """What of a block's attributes is to be written: those that say something, in the order of its neighbours, and what these write."""
    kept = [k for k in written if k in values and values[k] is not None]
    rest = [
        k for k, v in values.items() if k not in kept and not (empty(v) and (v is not False or written or k == "self"))
    ]
    out: dict[str, Value] = {}
    for key in (*kept, *rest):
        value = values[key]
        if isinstance(value, Mapping):
            out[key] = {k: v for k, v in value.items() if v is not None}
        elif isinstance(value, Sequence) and not isinstance(value, str):
            out[key] = [writable(v, ()) if isinstance(v, Mapping) else v for v in value]
        else:
            out[key] = value
    return out
