"""From a struct to the JSON schema that a model is given, and from a model's text back to the struct."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

from agent.llm import Form, T

MAX_ANSWER_CHARS = 200_000
"""A longer answer is not looked at."""
_ATTEMPTS = 20
_DEPTH = 12
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL)


class NotTheForm(ValueError):
    """A text holds no answer of the form; the message says what is wrong with it, without quoting it."""


def form_of(schema: type[msgspec.Struct]) -> Form:
    """The form that a struct is, as strict as providers want it: no references, every field required, nothing besides.

    Raises:
        ValueError: the struct contains itself.
    """
    (root,), parts = msgspec.json.schema_components((schema,))
    plain = _plain(root, cast("Mapping[str, object]", parts), 0)
    return Form(schema.__name__.strip("_"), cast("Mapping[str, object]", plain))


def answer_in(text: str, schema: type[T]) -> T:
    """The answer in a model's text: the whole text, what a code fence holds, or the first JSON object that fits.

    Raises:
        NotTheForm: there is none.
    """
    if len(text) > MAX_ANSWER_CHARS:
        raise NotTheForm("the answer is far too long")
    text = _THOUGHT.sub("", text).strip()
    if not text:
        raise NotTheForm("the answer is empty")
    said: list[str] = []
    for candidate in _candidates(text):
        try:
            # Read as UTF-8 bytes and strictly: "3" is no number.
            return msgspec.json.decode(candidate.encode("utf-8", "replace"), type=schema)
        except msgspec.ValidationError as error:
            said.append(str(error))
        except msgspec.DecodeError:
            continue
        except RecursionError:
            said.append("the answer is nested too deeply")
    raise NotTheForm(said[0] if said else "the answer holds no complete JSON object")


def _candidates(text: str) -> Iterator[str]:
    yield text
    for fenced in list(_FENCED.finditer(text))[:_ATTEMPTS]:
        yield fenced[1]
    decoder = json.JSONDecoder()
    at = -1
    for _ in range(_ATTEMPTS):
        at = text.find("{", at + 1)
        if at < 0:
            return
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        yield text[at:end]
        at = end - 1


def _plain(node: object, parts: Mapping[str, object], depth: int) -> object:
    """A schema's node with references replaced by what they refer to, and without defaults."""
    if depth > _DEPTH * 4:
        raise ValueError("a form cannot contain itself")
    if isinstance(node, list):
        return [_plain(one, parts, depth + 1) for one in cast("list[object]", node)]
    if not isinstance(node, Mapping):
        return node
    given = cast("Mapping[str, object]", node)
    if isinstance(reference := given.get("$ref"), str):
        return _plain(parts[reference.rpartition("/")[2]], parts, depth + 1)
    made: dict[str, object] = {}
    for key, value in given.items():
        if key == "properties":
            fields = cast("Mapping[str, object]", value)
            made[key] = {name: _plain(one, parts, depth + 1) for name, one in fields.items()}
        elif key not in ("default", "title"):
            made[key] = _plain(value, parts, depth + 1)
    if made.get("type") == "object":
        made["required"] = list(cast("Mapping[str, object]", made.get("properties", {})))
        made["additionalProperties"] = False
    return made
