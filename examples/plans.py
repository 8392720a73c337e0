"""Plans as `terraform show -json` prints them, which the pipeline keeps beside its applies.

Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

from examples.applies import Apply
from examples.formats.output import Json, stamp, write_json
from examples.states import PROVIDER, state
from examples.terraform_code import Knobs

KEPT = (41, 47, 49)
"""The pull requests whose plans are kept."""


def write_plans(directory: Path, applies: list[Apply]) -> None:
    """Write `<environment>/pull-<number>.json` for each kept one."""
    for apply in applies:
        if apply.pull.number in KEPT:
            write_json(directory / apply.environment / f"pull-{apply.pull.number}.json", _plan(apply))


def _plan(apply: Apply) -> Json:
    before = _instances(apply.environment, apply.pull.before)
    after = _instances(apply.environment, apply.pull.after)
    calls: Json = {name: {"source": f"../../modules/{name}"} for name in ("edge", "data")}
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "timestamp": stamp(apply.started_at + timedelta(seconds=25)),
        "applyable": True,
        "complete": True,
        "errored": False,
        "variables": {},
        "resource_changes": [_change(address, before[address], after[address]) for address in after],
        "configuration": {"root_module": {"module_calls": calls}},
    }


def _instances(environment: str, knobs: Knobs) -> dict[str, Json]:
    """Instances by address: attributes, with what the change says of where they are."""
    out: dict[str, Json] = {}
    for resource in cast("list[dict[str, object]]", state(environment, knobs, 1)["resources"]):
        for instance in cast("list[dict[str, object]]", resource["instances"]):
            key = instance.get("index_key")
            index = f'["{key}"]' if key is not None else ""
            address = f"{resource['module']}.{resource['type']}.{resource['name']}{index}"
            out[address] = {
                "where": {name: resource[name] for name in ("mode", "type", "name")} | {"module_address": resource["module"]},
                "index": key,
                "attributes": instance["attributes"],
            }  # fmt: skip
    return out


def _change(address: str, before: Json, after: Json) -> Json:
    had, wants = cast("Mapping[str, object]", before["attributes"]), cast("Mapping[str, object]", after["attributes"])
    replaced = "security_group_rule" in address  # its ranges cannot be changed in place
    actions = ["no-op"] if had == wants else ["delete", "create"] if replaced else ["update"]
    secret = {"password": True} if "password" in had else {}
    return {
        "address": address,
        **cast("Mapping[str, object]", after["where"]),
        **({"index": after["index"]} if after["index"] is not None else {}),
        "provider_name": PROVIDER.removeprefix('provider["').removesuffix('"]'),
        "change": {
            "actions": actions,
            "before": had,
            "after": {k: v for k, v in wants.items() if not (replaced and k == "id" and had != wants)},
            "after_unknown": {"id": True} if replaced and had != wants else {},
            "before_sensitive": secret,
            "after_sensitive": secret,
        },
    }
