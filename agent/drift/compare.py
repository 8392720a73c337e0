"""What a state wants of a thing against what an inventory says of it, attribute by attribute over what both know."""

from __future__ import annotations

from collections.abc import Mapping

from agent.drift.dialects import (
    AWS,
    AWS_STATE,
    AZURE,
    AZURE_STATE,
    CLOUDFORMATION,
    GCP,
    GCP_STATE,
    KINDS,
    KUBERNETES,
    KUBERNETES_INVENTORY,
    KUBERNETES_STEPS,
    PARTS,
    TYPES,
    Dialect,
)
from agent.drift.model import AttributeDrift
from agent.drift.paths import is_indexed
from agent.drift.sides import Side
from agent.drift.spelling import Told, spelled, steps_of
from agent.drift.values import alike, as_wanted, comparable
from agent.evidence import text_of
from agent.model import AttributeState
from graph.model import Value

_NEVER_COMPARED = frozenset({"id", "arn", "region", "owner_id", "account_id", "status", "tags", "tags_all", "timeouts"})
_LABELS = ("tags_all", "tags", "effective_labels", "labels", "metadata[0].labels", "metadata.labels")
"""Where states tell tags, the fullest first."""
_ABSENT = AttributeState(state="absent")
_REDACTED = "[redacted"
_NONE = Dialect()
_UNREADABLE = "(may not be read)"
"""What the aws inventory says where a permission is missing."""


def type_in_words(type_: str) -> str:
    """The type as the inventories call it: `AWS::RDS::DBInstance` is `aws_db_instance`, `kubernetes_service_v1` is `kubernetes:Service`."""
    if type_.startswith("kubernetes_"):
        return f"kubernetes:{kind}" if (kind := KINDS.get(type_.partition("_v")[0])) is not None else type_
    if type_.startswith("kubernetes:") and type_.count(":") > 1:
        return f"kubernetes:{type_.rpartition(':')[2]}"  # of Pulumi: kubernetes:apps/v1:Deployment
    return TYPES.get(type_, type_)


def changed(state: Side, there: Side) -> list[AttributeDrift]:
    """What differs. Rules of security groups are not among it: see `security_groups`."""
    cloud = there.statement.provenance.source
    type_ = _type(state, there)
    desired, actual = state_words(state, type_), _inventory_words(there, type_)
    hidden = _dialect_of_state(state, type_).hidden
    found: list[AttributeDrift] = []
    for word in sorted(desired.keys() & actual.keys()):
        if str(steps_of(word)[0]) in _NEVER_COMPARED or is_indexed(word) or actual[word].value == _UNREADABLE:
            continue
        ours, theirs = desired[word], actual[word]
        if not alike(ours.same, theirs.same, cloud):
            one = AttributeDrift(
                path=ours.path, desired=_value(ours.value), actual=_value(as_wanted(ours.value, theirs.value, cloud))
            )
            if word in hidden:
                secret = AttributeState(state="redacted")
                one = AttributeDrift(path=ours.path, desired=secret, actual=secret)
            found.append(one)
    found += _tags(state, there)
    return found if type_ == "aws_security_group" else [*found, *_blocks(desired, actual, cloud)]


def of_part(state: Side, parent: Side) -> list[AttributeDrift] | None:
    """What differs of a resource that configures another, as the inventory tells of that other; None when it tells nothing of it."""
    names = PARTS[text_of(state.statement.properties, "type")].names
    desired = spelled(state.attributes, _NONE)
    told = spelled(parent.attributes, _NONE)
    actual = {
        ours: told[theirs]
        for theirs, ours in names.items()
        if isinstance(ours, str) and theirs in told and told[theirs].value != _UNREADABLE
    }
    if not actual:
        return None
    return [
        AttributeDrift(path=desired[w].path, desired=_value(desired[w].value), actual=_value(actual[w].value))
        for w in sorted(actual.keys() & desired.keys())
        if not alike(desired[w].value, actual[w].value)
    ]


def _type(state: Side, there: Side) -> str:
    told = text_of(there.statement.properties, "type")
    return told or type_in_words(text_of(state.statement.properties, "type"))


# -- words


def state_words(state: Side, type_: str) -> Mapping[str, Told]:
    """What a state tells, in shared words."""
    source = state.statement.provenance.source
    return spelled(state.attributes, _dialect_of_state(state, type_), snake=source != "terraform_state")


def _dialect_of_state(state: Side, type_: str) -> Dialect:
    source = state.statement.provenance.source
    if type_.startswith("kubernetes:"):
        dialect = KUBERNETES.get(type_.partition(":")[2], _NONE)
        if source == "pulumi":
            return Dialect(dialect.names, dialect.keyed, KUBERNETES_STEPS, dialect.hidden, dialect.digest)
        return dialect
    if source == "cloudformation":
        return CLOUDFORMATION.get(type_, _NONE)
    return {**AWS_STATE, **GCP_STATE, **AZURE_STATE}.get(type_, _NONE)


def _inventory_words(there: Side, type_: str) -> Mapping[str, Told]:
    match there.statement.provenance.source:
        case "kubernetes":
            return spelled(there.attributes, KUBERNETES_INVENTORY)
        case "gcp":
            return spelled(there.attributes, GCP.get(type_, _NONE), snake=True)
        case "azure":
            return spelled(there.attributes, AZURE.get(type_, _NONE), snake=True)
        case _:
            return spelled(there.attributes, AWS.get(type_, _NONE))


# -- tags, blocks


def _tags(state: Side, there: Side) -> list[AttributeDrift]:
    """Tags and labels, where both tell some; under the name that the code has for them."""
    told = there.statement.properties.get("tags")
    found_in = next((name for name in _LABELS if _tags_in(state.attributes, name)), "")
    if not found_in or not isinstance(told, Mapping):
        return []
    wanted = _tags_in(state.attributes, found_in)
    shown = {"tags_all": "tags", "effective_labels": "labels"}.get(found_in, found_in)
    found: list[AttributeDrift] = []
    for key in sorted(wanted.keys() | told.keys()):
        if (key in wanted) != (key in told) or comparable(wanted.get(key)) != comparable(told.get(key)):
            plain = key.replace("_", "a").replace("-", "a").isalnum()
            before = _value(wanted[key]) if key in wanted else _ABSENT
            after = _value(told[key]) if key in told else _ABSENT
            found.append(
                AttributeDrift(path=f"{shown}.{key}" if plain else f'{shown}["{key}"]', desired=before, actual=after)
            )
    return found


def _tags_in(attributes: Mapping[str, Value], name: str) -> dict[str, Value]:
    found = {
        path[len(name) :].removeprefix(".").removeprefix('["').removesuffix('"]'): value
        for path, value in attributes.items()
        if path.startswith((name + ".", name + '["'))
    }
    keys = {path[len(name) :]: value for path, value in attributes.items() if path.startswith(name + "[")}
    pairs = {p.partition("]")[0]: v for p, v in keys.items() if p.casefold().endswith("].key")}
    values = {p.partition("]")[0]: v for p, v in keys.items() if p.casefold().endswith("].value")}
    return found or {str(key): values[at] for at, key in pairs.items() if at in values}


def _blocks(desired: Mapping[str, Told], actual: Mapping[str, Told], cloud: str) -> list[AttributeDrift]:
    """Lists of several blocks that both tell with the same members: compared as a whole, whatever their order."""
    found: list[AttributeDrift] = []
    roots = {w.partition("[")[0] for side in (desired, actual) for w in side if is_indexed(w)}
    for root in sorted(roots):
        ours, theirs = _members(desired, root), _members(actual, root)
        for member in sorted(ours.keys() & theirs.keys()):
            before, after = ours[member], theirs[member]
            if root.partition(".")[0] in _NEVER_COMPARED or alike(before, after, cloud):
                continue
            found.append(AttributeDrift(path=f"{root}.{member}", desired=_value(before), actual=_value(after)))
    return found


def _members(words: Mapping[str, Told], root: str) -> dict[str, list[Value]]:
    told: dict[str, list[Value]] = {}
    for word, one in words.items():
        if word.startswith(root + "["):
            told.setdefault(word.removeprefix(root).partition("].")[2], []).append(one.same)
        elif word.startswith(root + "."):  # it is alone there
            told.setdefault(word.removeprefix(root + "."), []).append(one.same)
    return {member: values for member, values in told.items() if member and not is_indexed(member)}


def _value(value: Value) -> AttributeState:
    if isinstance(value, str) and value.startswith(_REDACTED):
        return AttributeState(state="redacted")
    return AttributeState(state="value", value=value)
