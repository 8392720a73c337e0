"""Settings of the gcp source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.model import Value


@dataclass(frozen=True, slots=True)
class GcpSettings:
    """Where exports of Google Cloud lie.

    Attributes:
        path: a file or a directory (read recursively) of `.json`, `.jsonl` or `.ndjson` files, also packed with gzip: exports of Cloud
            Asset Inventory and entries of Cloud Audit Logs, in any mixture; each record is told by its shape.
        name: what to call this place; give it one to be able to move it.
        environments: project -> environment.
        environment_labels: labels of resources that name their environment, the first that there is counts.
        reads: whether calls that only read are kept; data access logs are mostly these, and many.
    """

    path: str
    name: str = "gcp"
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    environment_labels: tuple[str, ...] = ("environment", "env")
    reads: bool = False

    def environment(self, project: str, labels: Mapping[str, Value]) -> str:
        """The environment of a resource, empty when neither its labels nor its project tell."""
        label = next((labels[name] for name in self.environment_labels if labels.get(name)), "")
        return str(label) or self.environments.get(project, "")
