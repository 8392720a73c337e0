"""Azure Resource Graph: one row of a result -> facts.

Format: https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language, table `resources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from graph.model import Alias, Entity, Fact, Quarantined, Relation, Value
from ingest import names
from ingest.sources.alerts.words import maybe_time
from ingest.sources.azure.ids import account_facts, group_of, subscription_of, terraform_type, type_of
from ingest.sources.azure.settings import AzureSettings
from ingest.sources.gcp.attributes import flattened
from ingest.sources.gcp.export_pull import Thing

_REFERENCE = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/\S+", re.IGNORECASE)
_SECRET_TYPES = ("/secrets", "/variables", "/appsettings", "/connectionstrings", "/credentials", "/config")
_DNS = re.compile(r"(?:fqdn|defaultHostName|fullyQualifiedDomainName|hostName|ipAddress)$")
_MAX_REFERENCES = 30


class _System(msgspec.Struct):
    createdAt: str = ""
    lastModifiedAt: str = ""


class _Row(msgspec.Struct):
    id: str
    name: str = ""
    type: str = ""
    location: str | None = ""
    resourceGroup: str | None = ""
    subscriptionId: str | None = ""
    tags: dict[str, object] | None = None
    properties: dict[str, object] | None = None
    sku: object = None
    kind: str | None = ""
    changedTime: str | None = ""
    createdTime: str | None = ""
    systemData: _System | None = None


def keeps_secrets(azure_type: str) -> bool:
    """Whether resources of this type are made of secrets: nothing of their properties is kept."""
    return azure_type.lower().endswith(_SECRET_TYPES) or "/config/" in azure_type.lower()


def read_resource(locator: str, body: bytes, settings: AzureSettings) -> Thing | Quarantined:
    """The facts of a row."""
    try:
        row = msgspec.json.decode(body, type=_Row)
    except msgspec.DecodeError:
        return Quarantined(locator, "a field of the resource has a wrong type")
    if not row.id.startswith("/"):
        return Quarantined(locator, "the resource has no id")
    system = row.systemData or _System()
    return Thing(
        facts=tuple(_facts(row, system, settings)),
        locator=row.id,
        url=f"https://portal.azure.com/#resource{row.id}",
        at=maybe_time(row.changedTime or system.lastModifiedAt),
    )


def _facts(row: _Row, system: _System, settings: AzureSettings) -> Iterator[Fact]:
    this = names.cloud_resource(row.id)
    subscription = (row.subscriptionId or subscription_of(row.id)).lower()
    group = row.resourceGroup or group_of(row.id)
    kind = row.type or type_of(row.id)
    tags = flattened(row.tags or {})
    environment = settings.environment(subscription, group, tags)
    found = {} if keeps_secrets(kind) else flattened(row.properties or {})
    attributes = {
        **({"resourceGroup": group} if group else {}),
        **flattened({"sku": row.sku, "kind": row.kind}),
        **found,
    }
    told: dict[str, Value] = {
        "account_id": subscription,
        "region": row.location or "",
        "environment": names.environment_name(environment),
        "status": str(found.get("provisioningState", "")),
        "created_at": str(found.get("timeCreated", "")) or row.createdTime or system.createdAt,
        "tags": tags,
        "attributes": attributes,
    }
    name = row.name or row.id.rpartition("/")[2]
    properties = {"type": terraform_type(kind), "name": name, "provider": "azure", "cloud_id": row.id}
    yield Entity(this, {**properties, **{k: v for k, v in told.items() if v}})
    yield Alias(this, "name", name)
    yield Alias(this, "id", row.id)
    for path, value in found.items():
        if isinstance(value, str) and _DNS.search(path) and "." in value:
            yield Alias(this, "address" if path.endswith("ipAddress") else "dns", value)
    if subscription:
        account, stated = account_facts(subscription)
        yield from stated
        yield Relation("PART_OF", this, account, {})
    if environment:
        where = names.environment(environment)
        yield Entity(where, {"name": names.environment_name(environment)})
        yield Relation("RUNS_IN", this, where, {})
    yield from _depends(row.id, found)


def _depends(own_id: str, found: Mapping[str, Value]) -> Iterator[Fact]:
    """Other resources that its properties name by their ids; not its own parts."""
    this, own = names.cloud_resource(own_id), own_id.lower()
    via: dict[str, list[Value]] = {}
    for path, value in found.items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and _REFERENCE.fullmatch(text) and not text.lower().startswith(own):
                via.setdefault(text, []).append(path)
    for other, paths in list(via.items())[:_MAX_REFERENCES]:
        yield Relation("DEPENDS_ON", this, names.cloud_resource(other), {"via": paths})
