"""What of an instance would change: attribute paths with their values before and after, secrets and what is not known yet left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast

from graph.model import Value
from ingest.redact import REDACTED
from ingest.sources.terraform_plan.document import Plan, ResourceChange
from ingest.sources.terraform_state.attributes import Attributes, read_attributes

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:\S+")
_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")
_SECRET_CHARS, _PART_CHARS = 4, 8
"""Shorter sensitive texts are too common to be looked for elsewhere: as a whole value, and within a longer one."""
_NOTHING = Attributes({}, {})
_ABSENT: Value = {"state": "absent"}
_UNKNOWN: Value = {"state": "unknown"}


def secrets_of(plan: Plan) -> frozenset[str]:
    """The texts that the plan itself marks sensitive, anywhere.

    Terraform does not carry the mark into what a provider computes: the `output` of a `terraform_data` repeats its sensitive `input` without
    one. So what is sensitive in one place is withheld in all.
    """
    found = {
        text
        for name, variable in plan.configuration.root_module.variables.items()
        if variable.sensitive and name in plan.variables
        for text in texts_in(plan.variables[name].value)
    }
    for one in plan.resource_changes:
        change = one.change
        for values, marks in ((change.before, change.before_sensitive), (change.after, change.after_sensitive)):
            for path in _marked(marks):
                found.update(texts_in(_at(values, path)))
    return frozenset(text for text in found if len(text) >= _SECRET_CHARS)


def differences(one: ResourceChange, secrets: frozenset[str]) -> list[Value]:
    """`{path, before, after}` of each attribute that would change, sorted by path; `secrets` are those of the plan."""
    change = one.change
    before = withheld(_side(one, change.before, change.before_sensitive), secrets)
    after = withheld(_side(one, change.after, change.after_sensitive), secrets)
    unknown = [_path(steps) for steps in _marked(change.after_unknown)]
    found: list[Value] = []
    named = sorted(before.values.keys() | after.values.keys())
    for path in named:
        if any(_within(path, prefix) for prefix in unknown):
            found.append({"path": path, "before": _told(before, path), "after": _UNKNOWN})
        elif _real(before, path) != _real(after, path):
            found.append({"path": path, "before": _told(before, path), "after": _told(after, path)})
    # What will be known only when it is made, and was not there before.
    new = (prefix for prefix in set(unknown) if prefix and not any(_within(path, prefix) for path in named))
    found.extend({"path": prefix, "before": _ABSENT, "after": _UNKNOWN} for prefix in new)
    return sorted(found, key=lambda item: str(cast("Mapping[str, Value]", item)["path"]))


def arn_of(one: ResourceChange) -> str:
    """The ARN that the instance has, or is known to get; empty when none is told."""
    for side in (one.change.before, one.change.after):
        arn = cast("Mapping[str, object]", side).get("arn") if isinstance(side, dict) else None
        if isinstance(arn, str) and len(arn) < 2_000 and _ARN.fullmatch(arn):
            return arn
    return ""


def _side(one: ResourceChange, values: object, sensitive: object) -> Attributes:
    storable = _storable(values)
    if not isinstance(storable, dict):
        return _NOTHING
    steps: list[object] = list(_steps(sensitive))
    return read_attributes(one.type, cast("Mapping[str, object]", storable), steps)


def withheld(attributes: Attributes, secrets: frozenset[str]) -> Attributes:
    """The attributes without values that are one of these secrets, or hold a long one."""
    found = {
        path: value
        for path, value in attributes.values.items()
        if path not in attributes.secrets and any(_holds(text, secrets) for text in texts_in(value))
    }
    if not found:
        return attributes
    hidden = dict.fromkeys(found, REDACTED)
    return replace(attributes, values={**attributes.values, **hidden}, secrets={**attributes.secrets, **found})


def _holds(text: str, secrets: frozenset[str]) -> bool:
    return text in secrets or any(len(s) >= _PART_CHARS and s in text for s in secrets)


def texts_in(value: object) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in cast("Mapping[str, object]", value).values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from texts_in(item)


def _at(value: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = cast("Mapping[str, object]", value).get(step)
        elif isinstance(step, int) and isinstance(value, list):
            items = cast("list[object]", value)
            value = items[step] if step < len(items) else None
        else:
            return None
    return value


def _steps(sensitive: object) -> Iterator[list[dict[str, object]]]:
    """The paths marked true, in the form in which a state tells its sensitive attributes."""
    for path in _marked(sensitive):
        yield [
            {"type": "get_attr", "value": step}
            if isinstance(step, str)
            else {"type": "index", "value": {"value": step, "type": "number"}}
            for step in path
        ]


def _marked(tree: object) -> Iterator[tuple[str | int, ...]]:
    if tree is True:
        yield ()
    elif isinstance(tree, dict):
        for key, item in cast("Mapping[str, object]", tree).items():
            for rest in _marked(item):
                yield (key, *rest)
    elif isinstance(tree, list):
        for index, item in enumerate(cast("list[object]", tree)):
            for rest in _marked(item):
                yield (index, *rest)


def _path(steps: tuple[str | int, ...]) -> str:
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step}" if _IDENTIFIER.fullmatch(step) else f'["{step}"]'
    return path.removeprefix(".")


def _within(path: str, prefix: str) -> bool:
    if prefix == "" or path == prefix or path.startswith((prefix + ".", prefix + "[")):
        return True
    # An element of a list that was kept whole: the whole list is not known.
    return prefix.startswith(path + "[") and "." not in prefix[len(path) :]


def _real(attributes: Attributes, path: str) -> tuple[Value] | None:
    return (attributes.secrets.get(path, attributes.values[path]),) if path in attributes.values else None


def _told(attributes: Attributes, path: str) -> Value:
    if path not in attributes.values:
        return _ABSENT
    if path in attributes.secrets:
        return {"state": "redacted"}
    return {"state": "value", "value": attributes.values[path]}


def _storable(value: object) -> object:
    """The value with whole numbers that the graph can hold: Terraform's have any size."""
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_storable(item) for item in cast("list[object]", value)]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 10**300 else str(value)
    return value
