"""Settings of the azure source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.model import Value


@dataclass(frozen=True, slots=True)
class AzureSettings:
    """Where exports of Azure lie.

    Attributes:
        path: a file or a directory (read recursively) of `.json`, `.jsonl` or `.ndjson` files, also packed with gzip: results of Resource
            Graph queries and records of the Activity Log, in any mixture; each record is told by its shape.
        name: what to call this place; give it one to be able to move it.
        environments: subscription id, resource group or `subscription id/resource group` -> environment.
        environment_tags: tags that name a resource's environment, the first that there is counts; case does not.
    """

    path: str
    name: str = "azure"
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    environment_tags: tuple[str, ...] = ("environment", "env")

    def environment(self, subscription: str, group: str, tags: Mapping[str, Value]) -> str:
        """The environment of a resource, empty when neither its tags nor its place tell."""
        lower = {key.lower(): value for key, value in tags.items()}
        tag = next((lower[name.lower()] for name in self.environment_tags if lower.get(name.lower())), "")
        places = {key.lower(): value for key, value in self.environments.items()}
        where = (f"{subscription}/{group}".lower(), group.lower(), subscription.lower())
        return str(tag) or next((places[place] for place in where if place in places), "")
