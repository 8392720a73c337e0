"""Answers of AWS as plain values: names in snake case, times as text, sets in one order; and flattened to attribute paths.

The API writes `VpcId`, AWS Config `vpcId`, Terraform `vpc_id`. Here all are `vpc_id`, so that one table reads both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias, cast
from urllib.parse import unquote

from graph.clock import from_datetime, rfc3339
from graph.model import Value

Item: TypeAlias = "dict[str, Value]"
"""One thing as AWS tells it, with names in snake case."""

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z][a-z]+[0-9]*|[a-z]+[0-9]*|[0-9]+")
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")
_PLURALS = re.compile(r"(IDs|ARNs|IPs|URLs|CIDRs)(?=[A-Z]|$)")
_FREE_MAPS = frozenset(
    {"tags", "tag_set", "variables", "labels", "docker_labels", "options", "node_selector", "attributes_map"}
)
"""Mappings whose keys are the user's own and are left alone."""
_SETS = re.compile(
    r"(_ids|_arns|_groups|_subnets|_zones|_ranges|_pairs|_lists|_permissions|_permissions_egress|_associations|_aliases|"
    r"_identifiers|_architectures|_events|_policies|_instances|_mappings)$"
)
_SET_NAMES = frozenset(
    [
        "attachments",
        "routes",
        "subnets",
        "items",
        "aliases",
        "layers",
        "cidrs",
        "events",
        "zones",
        "rules",
        "propagating_vgws",
        "capacity_providers",
        "availability_zones",
        "security_groups",
        "load_balancer_arns",
        "in_use_by",
        "subject_alternative_names",
        "logging_types",
    ]
)
"""Lists whose order AWS does not keep: sorted, so that the same inventory is told the same way."""
_POLICIES = frozenset({"policy", "policy_document", "assume_role_policy_document", "document", "filter_policy"})
MAX_TEXT_CHARS = 20_000


def plain(name: str, value: object) -> Value:
    """The value of a member of this snake-case name, with everything inside in our form."""
    if isinstance(value, (str, bool, int)) or value is None:
        return _policy(value) if name in _POLICIES and isinstance(value, str) else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        return rfc3339(from_datetime(value))
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        if name in _POLICIES:
            return _canonical(mapping)
        if name in _FREE_MAPS:
            return {str(k): plain("", v) for k, v in sorted(mapping.items())}
        return {(key := snake(str(k))): plain(key, v) for k, v in mapping.items()}
    if isinstance(value, (list, tuple, set)):
        items = [plain(_singular(name), item) for item in cast("Sequence[object]", value)]
        return sorted(items, key=_order) if name in _SET_NAMES or _SETS.search(name) else items
    return None  # bytes: never a fact


def item_of(value: object) -> Item:
    """A member of a collection; a plain text (a queue's URL) becomes `{"value": text}`."""
    told = plain("", value)
    return dict(cast("Mapping[str, Value]", told)) if isinstance(told, Mapping) else {"value": told}


@lru_cache(maxsize=8192)
def snake(name: str) -> str:
    """`DBInstanceIdentifier`, `dBInstanceIdentifier` and `db_instance_identifier` as the last; what is no such name is left alone."""
    if _PLAIN_NAME.fullmatch(name) is None:
        return name
    name = _PLURALS.sub(lambda m: m[1].capitalize(), name[:1].upper() + name[1:])
    return "_".join(word.lower() for word in _WORD.findall(name))


def at(item: Mapping[str, Value], path: str) -> Value:
    """What stands at `a.b.c`; None when nothing does. A step into a list takes its first member."""
    found: Value = item
    for step in path.split("."):
        if isinstance(found, (list, tuple)):
            found = cast("Sequence[Value]", found)[0] if found else None
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def text_at(item: Mapping[str, Value], path: str) -> str:
    """The same as text; empty when there is none."""
    found = at(item, path)
    return found if isinstance(found, str) else str(found) if isinstance(found, int) else ""


def items_at(item: Mapping[str, Value], path: str) -> list[Item]:
    """The mappings of the list there."""
    found = at(item, path)
    if isinstance(found, str) or not isinstance(found, Sequence):
        return []
    return [dict(one) for one in found if isinstance(one, Mapping)]


def texts_at(item: Mapping[str, Value], path: str) -> list[str]:
    """The texts of the list there."""
    found = at(item, path)
    if isinstance(found, str) or not isinstance(found, Sequence):
        return []
    return [one for one in found if isinstance(one, str)]


def tags_of(value: Value) -> dict[str, Value]:
    """Tags as `key -> value`, from a mapping or from a list of `{key, value}`; those of AWS itself (`aws:…`) included."""
    if isinstance(value, Mapping):
        return {k: v for k, v in sorted(value.items()) if isinstance(v, str)}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return {}
    pairs: dict[str, Value] = {}
    for tag in value:
        if isinstance(tag, Mapping):
            key = tag.get("key", tag.get("tag_key"))
            text = tag.get("value", tag.get("tag_value", ""))
            if isinstance(key, str):
                pairs[key] = text if isinstance(text, str) else ""
    return dict(sorted(pairs.items()))


def flat(value: Value, path: str = "") -> Iterator[tuple[str, Value]]:
    """Leaves by path, as Terraform's states name them: `ingress[0].cidr_blocks`; lists of plain values stay whole, nothing empty."""
    if isinstance(value, str):
        if value:
            yield path, value if len(value) <= MAX_TEXT_CHARS else value[:MAX_TEXT_CHARS] + "…"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            step = f".{key}" if _IDENTIFIER.fullmatch(key) else f'["{key}"]'
            yield from flat(inner, (path + step).removeprefix("."))
    elif isinstance(value, Sequence):
        if any(isinstance(one, (Mapping, list)) for one in value):
            for index, inner in enumerate(value):
                yield from flat(inner, f"{path}[{index}]")
        elif value:
            yield path, list(value)
    elif value is not None:
        yield path, value


def _singular(name: str) -> str:
    return name[:-1] if name in ("policies", "documents") else ""


def _order(value: Value) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _policy(text: str) -> str:
    """A policy document in one form: AWS Config has it percent-encoded, the API as JSON text or as a mapping."""
    document = unquote(text) if text.startswith("%7B") else text
    try:
        return _canonical(json.loads(document))
    except ValueError:
        return document


def _canonical(document: object) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
