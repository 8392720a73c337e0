"""Terraform state files, version 4, with the older serials that a backend keeps as backups.

Format: https://developer.hashicorp.com/terraform/internals/json-format is of `show -json`; this is the file itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_DNS, uuid5

from examples.formats.output import Json, Plant, nothing, write_json

AWS_PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance; `key` is its `count` index or `for_each` key."""

    attributes: Json
    key: str | int | None = None
    depends_on: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateResource:
    """A managed resource: `module` is the module's address (`module.edge`), empty in the root module."""

    module: str
    type: str
    name: str
    instances: tuple[Instance, ...]
    provider: str = AWS_PROVIDER


@dataclass(frozen=True, slots=True)
class StateVersion:
    """A state as one apply left it."""

    serial: int
    written_at: datetime
    resources: tuple[StateResource, ...]
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])


def write_state_history(folder: Path, lineage: str, versions: list[StateVersion], plant: Plant = nothing) -> None:
    """Write `folder`/terraform.tfstate and a backup for each older version, each file with the time its state was written.

    `lineage` is a DNS-like name from which the lineage's UUID follows.
    """
    for version in versions:
        newest = version is versions[-1]
        name = "terraform.tfstate" if newest else f"terraform.tfstate.{int(version.written_at.timestamp())}.backup"
        write_json(folder / name, state_json(lineage, version, plant))
        os.utime(folder / name, (version.written_at.timestamp(), version.written_at.timestamp()))


def state_json(lineage: str, version: StateVersion, plant: Plant = nothing) -> Json:
    """A state file's content."""
    return {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": version.serial,
        "lineage": str(uuid5(NAMESPACE_DNS, lineage)),
        "outputs": {name: {"value": value, "type": "string"} for name, value in version.outputs.items()},
        "resources": [_resource(r, plant) for r in version.resources],
        "check_results": None,
    }


def _resource(r: StateResource, plant: Plant) -> Json:
    return {
        **({"module": r.module} if r.module else {}),
        "mode": "managed",
        "type": r.type,
        "name": r.name,
        "provider": r.provider,
        "instances": [_instance(i, plant) for i in r.instances],
    }


def _instance(i: Instance, plant: Plant) -> Json:
    attributes = dict(i.attributes)
    for name in i.sensitive:
        attributes[name] = plant("terraform_state.sensitive") or attributes.get(name, "not-a-real-secret")
    return {
        **({"index_key": i.key} if i.key is not None else {}),
        "schema_version": 0,
        "attributes": attributes,
        "sensitive_attributes": [[{"type": "get_attr", "value": name}] for name in i.sensitive],
        **({"dependencies": list(i.depends_on)} if i.depends_on else {}),
    }
