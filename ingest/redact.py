"""Secrets out of texts and batches, before they reach a store, a log or an embedder. Which texts are secrets: `secret_patterns`."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, cast

from graph.model import Alias, Assertion, Entity, EntityRef, Fact, FactBatch, Passage, Quarantined, Relation, Value
from ingest.secret_patterns import is_reference, is_secret_name, literals_in_expression, secret_spans

REDACTED = "[redacted]"
"""Stands where a secret stood."""

_CACHED_CHARS = 256
_OWN_VALUE = frozenset({"", "value", "default", "body"})
"""Attribute paths that hold the value of the thing itself: a variable's default, a local's or a YAML key's value."""
_NAME_KEYS = ("name", "Name", "key", "Key")
_VALUE_KEYS = ("value", "Value")


def redact_text(text: str) -> str:
    """The text with every secret in it replaced by `REDACTED`. The same object when there is none; idempotent."""
    if len(text) > _CACHED_CHARS:
        return _redact(text)
    clean = _redact_cached(text)
    return text if clean is None else clean


def redact_value(name: str, value: Value) -> Value:
    """The value of an attribute of this name or path, without secrets. The same object when there is none.

    A literal under a secret's name goes whole; a reference (`var.db_password`, an ARN) stays; other texts are searched.
    """
    # Plain type tests, most frequent first: this runs for every value of every fact.
    if isinstance(value, str):
        return _redact_named(value) if is_secret_name(name) else redact_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return REDACTED if is_secret_name(name) else value
    if isinstance(value, Mapping):
        return _redact_mapping(name, value)
    return _redact_items(name, value)


def redact_batch(batch: FactBatch, key: bytes) -> FactBatch:
    """The batch without secrets; the same object when it holds none.

    In entities and passages a secret becomes `REDACTED`. In a change's `attributes` a value that is a secret becomes
    `{"state": "redacted", "digest": …}`: equal digests mean equal values, and without `key` they cannot be guessed from.

    Args:
        batch: as the source yields it.
        key: up to 64 bytes, secret, the same for the whole life of a store.
    """
    secret_refs = _refs_with_secret_names(batch.assertions)
    assertions = [_redact_assertion(a, secret_refs, key) for a in batch.assertions]
    quarantined = [_redact_quarantined(q) for q in batch.quarantined]
    if _same(assertions, batch.assertions) and _same(quarantined, batch.quarantined):
        return batch
    return replace(batch, assertions=assertions, quarantined=quarantined)


# -- facts


def _redact_assertion(assertion: Assertion, secret_refs: frozenset[EntityRef], key: bytes) -> Assertion:
    fact = _redact_fact(assertion.fact, secret_refs, key)
    locator = redact_text(assertion.locator)
    url = redact_text(assertion.url) if assertion.url else assertion.url
    if fact is assertion.fact and locator is assertion.locator and url is assertion.url:
        return assertion
    return replace(assertion, fact=fact, locator=locator, url=url)


def _redact_fact(fact: Fact, secret_refs: frozenset[EntityRef], key: bytes) -> Fact:
    match fact:
        case Entity():
            if not fact.properties:
                return fact
            properties = _redact_mapping("", fact.properties, fact.ref in secret_refs)
            return fact if properties is fact.properties else replace(fact, properties=properties)
        case Relation():
            if not fact.properties:
                return fact
            relation = _redact_relation(fact.properties, fact.dst in secret_refs, key)
            return fact if relation is fact.properties else replace(fact, properties=relation)
        case Alias():
            name = redact_text(fact.name)
            return fact if name is fact.name else replace(fact, name=name)
        case Passage():
            text = redact_text(fact.text)
            return fact if text is fact.text else replace(fact, text=text)


def _refs_with_secret_names(assertions: Sequence[Assertion]) -> frozenset[EntityRef]:
    """Things that are themselves called like a secret: `variable "db_password"`, a YAML key `api_token`."""
    refs: set[EntityRef] = set()
    for assertion in assertions:
        fact = assertion.fact
        if isinstance(fact, Entity):
            name = fact.properties.get("name")
            if isinstance(name, str) and is_secret_name(name):
                refs.add(fact.ref)
        elif isinstance(fact, Alias) and fact.scheme == "address" and is_secret_name(fact.name):
            refs.add(fact.ref)
    return frozenset(refs)


def _redact_quarantined(item: Quarantined) -> Quarantined:
    locator, reason = redact_text(item.locator), redact_text(item.reason)
    return item if locator is item.locator and reason is item.reason else Quarantined(locator, reason)


# -- values


@lru_cache(maxsize=65_536)
def _redact_cached(text: str) -> str | None:
    # None for a clean text: an equal text must come back as the object that was asked about, "unchanged" is told by identity.
    clean = _redact(text)
    return None if clean is text else clean


def _redact(text: str) -> str:
    spans = secret_spans(text)
    return _cut(text, spans) if spans else text


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += (text[at:start], REDACTED)
        at = end
    return "".join((*parts, text[at:]))


def _redact_named(value: str) -> str:
    if value == REDACTED:
        return value
    if not is_reference(value):
        return REDACTED
    spans = list(literals_in_expression(value))
    return redact_text(_cut(value, spans) if spans else value)


def _redact_mapping(name: str, value: Mapping[str, Value], own_secret: bool = False) -> Mapping[str, Value]:
    """`name` is that of the mapping, for keys that are only numbers; `own_secret`: the entity itself is called like a secret."""
    changed: dict[str, Value] = {}
    clean_keys: dict[str, str] = {}
    named: list[str] = []
    for key, item in value.items():
        plan = _key_plan(key)
        if plan.clean is not None:
            clean_keys[key] = plan.clean
        if isinstance(item, str) and not plan.numeric:  # nine of ten values: `redact_value`, without its calls
            if plan.secret:
                clean: Value = _redact_named(item)
            elif len(item) > _CACHED_CHARS:
                clean = _redact(item)
            else:
                cached = _redact_cached(item)
                clean = item if cached is None else cached
        elif own_secret and key == "attributes" and isinstance(item, Mapping):
            clean = _redact_own_values(item)
        else:
            clean = redact_value(name if plan.numeric else key, item)
        if clean is not item:
            changed[key] = clean
        if plan.names and isinstance(item, str) and is_secret_name(item):
            named.append(key)
    for key in _siblings(named, value):
        clean = redact_value("secret", value[key])
        if clean is not value[key]:
            changed[key] = clean
    if not changed and not clean_keys:
        return value
    return {clean_keys.get(key, key): changed.get(key, item) for key, item in value.items()}


class _KeyPlan(NamedTuple):
    clean: str | None
    """The key without secrets, None when it holds none."""
    secret: bool
    numeric: bool
    names: bool
    """Whether its value may be the name of what stands under a sibling key."""


@lru_cache(maxsize=65_536)
def _key_plan(key: str) -> _KeyPlan:
    return _KeyPlan(_redact_cached(key), is_secret_name(key), key.isdigit(), key.rpartition(".")[2] in _NAME_KEYS)


def _redact_own_values(attributes: Mapping[str, Value]) -> Mapping[str, Value]:
    clean = {k: redact_value("secret" if k in _OWN_VALUE else k, v) for k, v in attributes.items()}
    return clean if any(clean[k] is not attributes[k] for k in attributes) else attributes


def _redact_items(name: str, items: Sequence[Value]) -> Sequence[Value]:
    clean = [redact_value(name, item) for item in items]
    return items if _same(clean, items) else clean


def _siblings(named: Sequence[str], keys: Container[str]) -> Iterator[str]:
    """Of keys whose value names a secret, the keys that hold it: `env[0].value` for `env[0].name = "DB_PASSWORD"`."""
    for key in named:
        stem, dot, _ = key.rpartition(".")
        for last in _VALUE_KEYS:
            if (sibling := f"{stem}{dot}{last}") in keys:
                yield sibling


# -- changes


def _redact_relation(properties: Mapping[str, Value], own_secret: bool, key: bytes) -> Mapping[str, Value]:
    attributes = properties.get("attributes")
    rest = {k: v for k, v in properties.items() if k != "attributes"} if attributes is not None else properties
    clean_rest = _redact_mapping("", rest)
    if not isinstance(attributes, Sequence) or isinstance(attributes, str):
        return properties if clean_rest is rest and attributes is None else {**clean_rest, "attributes": attributes}
    pairs = _secret_change_pairs(attributes)
    clean = [_redact_change(item, own_secret, pairs, key) for item in attributes]
    if clean_rest is rest and _same(clean, attributes):
        return properties
    return {**clean_rest, "attributes": clean}


def _secret_change_pairs(attributes: Sequence[Value]) -> frozenset[str]:
    paths: set[str] = set()
    named: list[str] = []
    for item in attributes:
        if isinstance(item, Mapping) and isinstance(path := item.get("path"), str):
            paths.add(path)
            if _key_plan(path).names:
                sides = (item.get("before"), item.get("after"))
                values = (side.get("value") for side in sides if isinstance(side, Mapping))
                if any(isinstance(value, str) and is_secret_name(value) for value in values):
                    named.append(path)
    return frozenset(_siblings(named, paths)) if named else frozenset()


def _redact_change(item: Value, own_secret: bool, pairs: frozenset[str], key: bytes) -> Value:
    if not isinstance(item, Mapping) or not isinstance(path := item.get("path"), str):
        return redact_value("", item)
    name = "secret" if path in pairs or (own_secret and path in _OWN_VALUE) else path
    before = _redact_side(name, item.get("before"), key)
    after = _redact_side(name, item.get("after"), key)
    clean_path = redact_text(path)
    if before is item.get("before") and after is item.get("after") and clean_path is path:
        return item
    if (
        isinstance(before, Mapping)
        and isinstance(after, Mapping)
        and before.get("value") == after.get("value") is not None
    ):
        # Only the secret inside a longer text changed: without this both sides would read as the same value.
        before, after = _without_value(before), _without_value(after)
    return {**item, "path": clean_path, "before": before, "after": after}


def _redact_side(name: str, side: Value, key: bytes) -> Value:
    if not isinstance(side, Mapping) or side.get("state") != "value":
        return side
    value = side.get("value")
    clean = redact_value(name, value)
    if clean is value:
        return side
    digest = value_digest(value, key)
    return (
        {"state": "redacted", "digest": digest}
        if clean == REDACTED
        else {"state": "value", "value": clean, "digest": digest}
    )


def _without_value(side: Mapping[str, Value]) -> Mapping[str, Value]:
    return {"state": "redacted", "digest": side.get("digest")} if "digest" in side else side


def value_digest(value: Value, key: bytes) -> str:
    """A keyed digest of a JSON value, 16 hex digits: equal for equal values under the same key."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=_plain)
    return blake2b(text.encode("ascii"), key=key[:64], digest_size=8).hexdigest()


def _plain(value: object) -> object:
    return (
        dict(cast("Mapping[str, object]", value))
        if isinstance(value, Mapping)
        else list(cast("Sequence[object]", value))
    )


def _same(clean: Sequence[object], original: Sequence[object]) -> bool:
    return all(a is b for a, b in zip(clean, original, strict=True))
