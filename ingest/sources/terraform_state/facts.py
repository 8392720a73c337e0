"""From a state to facts: what exists, and what one serial changed against the one before."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import cast

from graph.clock import Instant, rfc3339
from graph.model import Alias, Assertion, Entity, EntityRef, Fact, Quarantined, Relation, Value, ref
from ingest import aws_names, names
from ingest.redact import value_digest
from ingest.sources.terraform_state.addresses import Dependencies, Named, named_instances
from ingest.sources.terraform_state.attributes import Attributes, read_attributes
from ingest.sources.terraform_state.document import State
from ingest.sources.terraform_state.settings import TerraformStateSettings

_ALIASES = {
    "id": "id",
    "arn": "arn",
    "self_link": "self_link",
    "name": "name",
    "tags.Name": "name",
    "tags_all.Name": "name",
    "labels.name": "name",
    "metadata[0].name": "name",
    "dns_name": "dns",
    "fqdn": "dns",
}
"""Attribute path -> scheme of the name that its value is."""
_MAX_NAME_CHARS = 512
_ARN_OF_ANOTHER = frozenset(
    [
        "aws_cloudwatch_event_target",
        "aws_secretsmanager_secret_policy",
        "aws_secretsmanager_secret_rotation",
        "aws_secretsmanager_secret_version",
        "aws_sns_topic_data_protection_policy",
        "aws_sns_topic_policy",
    ]
)
"""Resource types whose `arn` is that of what they belong to."""
_GCP_LINK = re.compile(
    r"https://(?:www\.googleapis\.com/([a-z]+)|([a-z]+)\.googleapis\.com(?:/[a-z]+)?)/(?:v|beta|alpha)[a-z0-9]*/(.+)"
)
_HASH_BYTES = 3


@dataclass(frozen=True, slots=True)
class Version:
    """One serial of one state, read. `observed_at` is `taken_at`, or later when the same serial is told again differently."""

    state: State
    path: str
    workspace: str
    locator: str
    taken_at: Instant
    observed_at: Instant


@dataclass(frozen=True, slots=True)
class Read:
    """A version's instances with their attributes, by address."""

    named: Mapping[str, Named]
    attributes: Mapping[str, Attributes]


Fingerprints = Mapping[str, str]
"""Address -> what is remembered of an instance's attributes: base64 of 3 bytes for each path and 3, keyed, for its value."""


def read_version(version: Version) -> Read:
    """The instances of a version, flattened and without secrets."""
    named = {one.address: one for one in named_instances(version.state)}
    attributes = {
        address: read_attributes(
            one.resource.type,
            one.instance.attributes if one.instance.attributes is not None else (one.instance.attributes_flat or {}),
            one.instance.sensitive_attributes,
        )
        for address, one in named.items()
    }
    return Read(named, attributes)


def existing(version: Version, read: Read, settings: TerraformStateSettings) -> Iterator[Assertion]:
    """Everything that exists as of this version: resources, their names, dependencies, code and environment."""
    environment = settings.environment(version.path, version.workspace)
    if environment is not None:
        yield _assert(
            version, Entity(names.environment(environment), {"name": names.environment_name(environment)}), ""
        )
    dependencies = Dependencies(list(read.named.values()))
    for address, one in read.named.items():
        resource = resource_ref(version, address)
        facts = (
            _resource(version, one, resource, read.attributes[address].values, environment),
            *_names(resource, one, read.attributes[address]),
            *_declared(version, one, resource, settings),
            *_same_as(resource, one, read.attributes[address]),
            *(Relation("DEPENDS_ON", resource, resource_ref(version, d.address), {}) for d in dependencies.of(one)),
        )
        for fact in facts:
            yield _assert(version, fact, address)
        if environment is not None:
            yield _assert(version, Relation("RUNS_IN", resource, names.environment(environment), {}), address)


def unreadable(version: Version, read: Read) -> Iterator[Quarantined]:
    """Attributes that could not be taken in."""
    for address, attributes in read.attributes.items():
        for path, reason in attributes.unreadable:
            yield Quarantined(f"{_locator(version, address)}.{path}", reason)


def resource_ref(version: Version, address: str) -> EntityRef:
    """The ref of an instance."""
    return ref("Resource", version.state.lineage, version.workspace, address)


def fingerprints(read: Read, key: bytes) -> dict[str, str]:
    """What to remember of a version, to tell changes against it when it is gone."""
    return {
        address: base64.b64encode(
            b"".join(_print(p, v, attributes, key) for p, v in attributes.values.items())
        ).decode()
        for address, attributes in read.attributes.items()
        if read.named[address].resource.mode == "managed"
    }


def recorded(
    version: Version, read: Read, before: Read | Fingerprints | None, settings: TerraformStateSettings, key: bytes
) -> Iterator[Assertion]:
    """That this version was recorded, and what it changed against the one before (None: not known, nothing is said of changes)."""
    lineage, serial = version.state.lineage, version.state.serial
    change = ref("StateVersion", lineage, version.workspace, str(serial))
    properties = {
        "lineage": lineage,
        "serial": serial,
        "workspace": version.workspace,
        "terraform_version": version.state.terraform_version,
    }
    yield _assert(version, Entity(change, properties), "")
    if (environment := settings.environment(version.path, version.workspace)) is not None:
        at, where = rfc3339(version.taken_at), names.environment(environment)
        yield _assert(version, Entity(where, {"name": names.environment_name(environment)}), "")
        yield _assert(version, Relation("RUNS_IN", change, where, {}), "")
        reached = {"earliest": at, "latest": at, "basis": "applied"}
        yield _assert(version, Relation("REACHED", change, where, reached, environment), "")
    if before is None and serial <= 1:
        before = {}
    if before is None:
        return
    for address, effect, attributes in _changes(read, before, key):
        changed = Relation(
            "CHANGED", change, resource_ref(version, address), {"effect": effect, "attributes": attributes}
        )
        yield _assert(version, changed, address)


# -- what exists


def _resource(
    version: Version, one: Named, resource: EntityRef, attributes: Mapping[str, Value], environment: str | None
) -> Entity:
    properties: dict[str, Value] = {
        "type": one.resource.type,
        "name": one.resource.name,
        "address": one.address,
        "lineage": version.state.lineage,
        "workspace": version.workspace,
        "provider": one.resource.provider,
        "attributes": attributes,
    }
    return Entity(resource, properties if environment is None else {**properties, "environment": environment})


def _names(resource: EntityRef, one: Named, attributes: Attributes) -> Iterator[Fact]:
    yield Alias(resource, "address", one.address)
    if one.resource.mode == "data":
        return  # a data source reads what is not its own: the id belongs to the real thing
    seen: set[tuple[str, str]] = set()
    for path, scheme in _ALIASES.items():
        name = attributes.values.get(path)
        if (
            isinstance(name, str)
            and 0 < len(name) <= _MAX_NAME_CHARS
            and path not in attributes.secrets
            and (scheme, name) not in seen
        ):
            seen.add((scheme, name))
            yield Alias(resource, scheme, name)


def _same_as(resource: EntityRef, one: Named, attributes: Attributes) -> Iterator[Fact]:
    """The instance under the strong name that every source knows it by; see `ingest.names.cloud_resource`."""
    if one.resource.mode != "managed":
        return
    strong, rule = _strong_name(one.resource.type, attributes)
    if strong:
        yield Relation("SAME_AS", resource, names.cloud_resource(strong), {"rule": rule, "confidence": 1.0})


def _strong_name(type_: str, attributes: Attributes) -> tuple[str, str]:
    """What names this very instance in its cloud, and the rule that says so; empty when the state tells nothing of the kind."""

    def text(path: str) -> str:
        value = attributes.values.get(path)
        return value if isinstance(value, str) and path not in attributes.secrets else ""

    if type_ == "aws_route53_record" and text("zone_id"):
        return (
            aws_names.route53_record(
                text("zone_id"), text("fqdn") or text("name"), text("type"), text("set_identifier")
            ),
            "state_record",
        )
    if text("arn").startswith("arn:") and type_ not in _ARN_OF_ANOTHER:
        return text("arn"), "state_arn"
    if (found := _GCP_LINK.fullmatch(text("self_link"))) is not None:
        return f"//{found[1] or found[2]}.googleapis.com/{found[3]}", "state_self_link"
    if text("id").lower().startswith("/subscriptions/") and type_.startswith("azurerm_"):
        return text("id"), "state_resource_id"
    return "", ""


def _declared(
    version: Version, one: Named, resource: EntityRef, settings: TerraformStateSettings
) -> Iterator[Relation]:
    directory = settings.module_directory(version.path, version.workspace, one.module)
    if directory is not None:
        yield Relation("DECLARES", ref("Block", settings.repository, directory, one.block), resource, {})
    root = settings.module_directory(version.path, version.workspace, "") if one.steps else None
    if root is not None:
        call = ref("Block", settings.repository, root, f"module.{one.steps[0][0]}")
        yield Relation("CONFIGURES", call, resource, {})


def _assert(version: Version, fact: Fact, address: str) -> Assertion:
    return Assertion(fact, version.taken_at, version.observed_at, _locator(version, address))


def _locator(version: Version, address: str) -> str:
    return f"{version.locator}@{version.state.serial}" + (f"#{address}" if address else "")


# -- what changed


def _changes(read: Read, before: Read | Fingerprints, key: bytes) -> Iterator[tuple[str, str, list[Value]]]:
    after = {a: read.attributes[a] for a, one in read.named.items() if one.resource.mode == "managed"}
    if isinstance(before, Read):
        old = {a: before.attributes[a] for a, one in before.named.items() if one.resource.mode == "managed"}
        for address, attributes in after.items():
            known = old.get(address)
            changed = _diff(known or Attributes({}, {}), attributes, key)
            if known is None or changed:
                yield address, "created" if known is None else "updated", changed
        for address in sorted(old.keys() - after.keys()):
            yield address, "deleted", _diff(old[address], Attributes({}, {}), key)
        return
    prints = fingerprints(read, key)
    for address, attributes in after.items():
        if address not in before:
            yield address, "created", _diff(Attributes({}, {}), attributes, key)
        elif prints[address] != before[address]:
            yield address, "updated", _diff_prints(before[address], attributes, key)
    for address in sorted(before.keys() - after.keys()):
        yield address, "deleted", []


def _diff(before: Attributes, after: Attributes, key: bytes) -> list[Value]:
    paths = sorted(before.values.keys() | after.values.keys())
    return [
        {"path": path, "before": _side(before, path, key), "after": _side(after, path, key)}
        for path in paths
        if _real(before, path) != _real(after, path)
    ]


def _diff_prints(before: str, after: Attributes, key: bytes) -> list[Value]:
    # A path that is gone cannot be named: only its hash is left. The change is told, without it.
    old = _parts(before)
    changed: list[Value] = []
    for path, value in after.values.items():
        new = _print(path, value, after, key)
        known = old.get(new[:_HASH_BYTES])
        if known != new[_HASH_BYTES:]:
            was: Value = {"state": "absent" if known is None else "unknown"}
            changed.append({"path": path, "before": was, "after": _side(after, path, key)})
    return sorted(changed, key=lambda item: str(cast("Mapping[str, Value]", item)["path"]))


def _real(attributes: Attributes, path: str) -> tuple[Value] | None:
    if path not in attributes.values:
        return None
    return (attributes.secrets.get(path, attributes.values[path]),)


def _side(attributes: Attributes, path: str, key: bytes) -> Value:
    if path not in attributes.values:
        return {"state": "absent"}
    if path not in attributes.secrets:
        return {"state": "value", "value": attributes.values[path]}
    return (
        {"state": "redacted", "digest": value_digest(attributes.secrets[path], key)} if key else {"state": "redacted"}
    )


def _print(path: str, value: Value, attributes: Attributes, key: bytes) -> bytes:
    # Without a key a short digest of a secret would be a way to test guesses of it: then the secret takes no part.
    real = attributes.secrets.get(path, value) if key else value
    text = json.dumps((path, real), sort_keys=True).encode("ascii")
    return _path_hash(path) + blake2b(text, key=key, digest_size=_HASH_BYTES).digest()


@lru_cache(maxsize=65_536)
def _path_hash(path: str) -> bytes:
    return blake2b(path.encode("utf-8"), digest_size=_HASH_BYTES).digest()


def _parts(prints: str) -> dict[bytes, bytes]:
    data, step = base64.b64decode(prints), 2 * _HASH_BYTES
    return {data[i : i + _HASH_BYTES]: data[i + _HASH_BYTES : i + step] for i in range(0, len(data), step)}


def batch_id(*parts: object, assertions: Sequence[Assertion] = ()) -> str:
    """An id that is equal exactly when what it stands for is."""
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16)
    for assertion in assertions:
        digest.update(repr(assertion).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
