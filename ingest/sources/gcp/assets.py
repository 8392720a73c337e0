"""Cloud Asset Inventory: one asset of an export -> facts. `gcloud asset export` writes snake_case, the API camelCase; both are read.

Format: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/exportAssets and its `Asset`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from graph.model import Alias, Entity, EntityRef, Fact, Quarantined, Relation, Value, ref
from ingest import names
from ingest.sources.alerts.words import maybe_time
from ingest.sources.gcp.attributes import flattened
from ingest.sources.gcp.export_pull import Thing
from ingest.sources.gcp.settings import GcpSettings
from ingest.sources.gcp.types import full_name, location_in, project_in, terraform_type

_NAMES = ("name", "displayName", "email", "dnsName")
_DNS = ("dnsName", "uri", "status.url", "defaultHostname")
_NOT_ATTRIBUTES = ("selfLink", "kind", "fingerprint", "labelFingerprint", "etag", "labels", "tags.fingerprint")
_REFERENCES = ("network", "subnetwork", "backendService", "instanceTemplate", "target", "topic", "instanceGroup")


class _Binding(msgspec.Struct):
    role: str = ""
    members: list[str] = msgspec.field(default_factory=list[str])


class _Policy(msgspec.Struct):
    bindings: list[_Binding] = msgspec.field(default_factory=list[_Binding])


class _Resource(msgspec.Struct):
    data: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    location: str = ""


class _Asset(msgspec.Struct):
    name: str
    assetType: str = ""
    asset_type: str = ""
    resource: _Resource | None = None
    iamPolicy: _Policy | None = None
    iam_policy: _Policy | None = None
    ancestors: list[str] = msgspec.field(default_factory=list[str])
    updateTime: str = ""
    update_time: str = ""
    readTime: str = ""
    read_time: str = ""


def read_asset(locator: str, body: bytes, settings: GcpSettings) -> Thing | Quarantined:
    """The facts of an asset."""
    try:
        asset = msgspec.json.decode(body, type=_Asset)
    except msgspec.DecodeError:
        return Quarantined(locator, "a field of the asset has a wrong type")
    if not asset.name.startswith("//"):
        return Quarantined(locator, "the asset has no full resource name")
    return Thing(
        facts=tuple(_facts(asset, settings)),
        locator=asset.name,
        url=None,
        at=maybe_time(asset.updateTime or asset.update_time),
        read_at=maybe_time(asset.readTime or asset.read_time),
    )


def account_facts(project: str) -> tuple[EntityRef, list[Fact]]:
    """A project, as an account of the cloud."""
    account = names.cloud_account("gcp", project)
    return account, [
        Entity(account, {"provider": "gcp", "account_id": project}),
        Alias(account, "id", project),
        Alias(account, "name", project),
    ]


def _facts(asset: _Asset, settings: GcpSettings) -> Iterator[Fact]:
    this = names.cloud_resource(asset.name)
    policy = asset.iamPolicy or asset.iam_policy
    if asset.resource is not None or policy is None:
        yield from _resource(asset, asset.resource or _Resource(), this, settings)
    if policy is not None:
        yield from _policy(asset, policy, this)


def _resource(asset: _Asset, resource: _Resource, this: EntityRef, settings: GcpSettings) -> Iterator[Fact]:
    data = resource.data
    project = project_in(asset.name) or _text(data.get("projectId")) or _ancestor(asset.ancestors)
    region = resource.location or location_in(asset.name)
    name = _name(asset.name, data)
    environment = settings.environment(project, _labels(data))
    told: dict[str, Value] = {
        "account_id": project,
        "region": region,
        "environment": names.environment_name(environment),
        "status": _text(data.get("status")) or _text(data.get("state")),
        "created_at": _text(data.get("creationTimestamp")) or _text(data.get("createTime")),
        "tags": _labels(data),
        "attributes": flattened(data, skip=_NOT_ATTRIBUTES),
    }
    yield Entity(
        this,
        {
            "type": terraform_type(asset.assetType or asset.asset_type),
            "name": name,
            "provider": "gcp",
            "cloud_id": asset.name,
            **{k: v for k, v in told.items() if v},
        },
    )
    yield from _aliases(asset.name, name, data, this)
    if project:
        account, stated = account_facts(project)
        yield from stated
        yield Relation("PART_OF", this, account, {})
    if environment:
        where = names.environment(environment)
        yield Entity(where, {"name": names.environment_name(environment)})
        yield Relation("RUNS_IN", this, where, {})
    for field in _REFERENCES:
        if (other := full_name(_text(data.get(field)))) and other != asset.name:
            yield Relation("DEPENDS_ON", this, names.cloud_resource(other), {"via": [field]})


def _aliases(asset_name: str, name: str, data: Mapping[str, object], this: EntityRef) -> Iterator[Fact]:
    said: dict[tuple[str, str], None] = {("name", name): None, ("id", asset_name): None}
    for field in _NAMES:
        if found := _text(data.get(field)):
            said[("email" if field == "email" else "dns" if field == "dnsName" else "name", found)] = None
    if "id" in data and (found := _text(data.get("id"))):
        said[("id", found)] = None
    for field in _DNS:
        if found := _text(data.get(field)):
            said[("url" if "://" in found else "dns", found)] = None
    if link := _text(data.get("selfLink")):
        said[("self_link", link)] = None
        # Some services name a resource one way in the inventory and another in links, which Terraform's states keep.
        if (other := full_name(link)) and other != asset_name:
            rule: dict[str, Value] = {"rule": "asset_self_link", "confidence": 1.0}
            yield Relation("SAME_AS", this, names.cloud_resource(other), rule)
    for scheme, alias in said:
        if alias and len(alias) <= 512:
            yield Alias(this, scheme, alias)


def _policy(asset: _Asset, policy: _Policy, this: EntityRef) -> Iterator[Fact]:
    """Who may do what there, as a thing of its own: exports of policies and of resources are different files."""
    bindings: dict[str, list[str]] = {}
    for binding in policy.bindings:
        bindings.setdefault(binding.role, []).extend(binding.members)
    held = ref("Resource", "gcp", "iam_policy", asset.name)
    name = f"IAM policy of {asset.name.rpartition('/')[2]}"
    project = project_in(asset.name) or _ancestor(asset.ancestors)
    yield Entity(
        held,
        {
            "type": "google_iam_policy",
            "name": name,
            "provider": "gcp",
            **({"account_id": project} if project else {}),
            "attributes": {role: sorted(set(members)) for role, members in sorted(bindings.items()) if role},
        },
    )
    yield Alias(held, "name", name)
    yield Relation("DEPENDS_ON", held, this, {"rule": "policy of"})


def _name(asset_name: str, data: Mapping[str, object]) -> str:
    told = _text(data.get("name"))
    return told.rpartition("/")[2] or asset_name.rstrip("/").rpartition("/")[2]


def _labels(data: Mapping[str, object]) -> dict[str, Value]:
    labels = data.get("labels")
    return flattened(cast("object", labels)) if isinstance(labels, dict) else {}


def _ancestor(ancestors: Sequence[str]) -> str:
    return next((a.removeprefix("projects/") for a in ancestors if a.startswith("projects/")), "")


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
