"""State files for tests, in the format Terraform 1.9 writes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from graph.clock import Instant, instant
from graph.model import Value

SHOP = "3a8e4c0e-1111-4222-8333-000000000001"
OTHER = "3a8e4c0e-1111-4222-8333-000000000002"
T0: Instant = instant("2026-01-01T12:00:00Z")
DAY: Instant = 86_400_000_000


def instance(
    attributes: Mapping[str, Value],
    *,
    key: str | int | None = None,
    sensitive: Sequence[Value] = (),
    dependencies: Sequence[str] = (),
    deposed: str = "",
) -> dict[str, Value]:
    found: dict[str, Value] = {
        "schema_version": 1,
        "attributes": dict(attributes),
        "sensitive_attributes": list(sensitive),
        "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
        "dependencies": list(dependencies),
    }
    if key is not None:
        found["index_key"] = key
    if deposed:
        found["deposed"] = deposed
    return found


def resource(
    address: str, *instances: Mapping[str, Value], module: str = "", mode: str = "managed"
) -> dict[str, Value]:
    type_, _, name = address.removeprefix("data.").partition(".")
    found: dict[str, Value] = {
        "mode": mode,
        "type": type_,
        "name": name,
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": list(instances),
    }
    return {"module": module, **found} if module else found


def document(*resources: Mapping[str, Value], serial: int = 1, lineage: str = SHOP) -> dict[str, Value]:
    return {
        "version": 4,
        "terraform_version": "1.9.5",
        "serial": serial,
        "lineage": lineage,
        "outputs": {"password": {"value": "output-secret-77", "type": "string", "sensitive": True}},
        "resources": list(resources),
        "check_results": None,
    }


def state(*resources: Mapping[str, Value], serial: int = 1, lineage: str = SHOP) -> bytes:
    return json.dumps(document(*resources, serial=serial, lineage=lineage), indent=2).encode()


def put(path: Path, data: bytes, at: Instant = T0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(at * 1_000, at * 1_000))
    return path


def bucket(name: str, *, key: str | int | None = None, **attributes: Value) -> dict[str, Value]:
    arn = f"arn:aws:s3:::{name}"
    return instance({"id": name, "arn": arn, "bucket": name, "force_destroy": False, **attributes}, key=key)
