"""Settings of the terraform_plan source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest.sources.terraform_state.settings import TerraformStateSettings


@dataclass(frozen=True, slots=True)
class TerraformPlanSettings:
    """Where plans are and what they belong to.

    As with states, several settings map *places*: a key is a path prefix of plan files relative to `path`, a workspace's name, or `*`.

    Attributes:
        path: a file or a directory (read recursively) of `*.json` made with `terraform show -json PLANFILE`.
        name: what to call this location instead of its path.
        workspaces: path prefix -> Terraform workspace, which a plan does not tell; `default` otherwise.
        environments: place -> environment. Without an entry a workspace other than `default` is its own environment.
        repository: owner/name of the code; without it a plan leads to no code.
        directory: directory in `repository` of the root module.
        directories: place -> directory, where there is more than one root module.
        modules: module path without keys -> directory, for modules whose source in the code is not a local path.
        lineages: place -> lineage of the state that the plan is for; with it a plan leads to the instances that the state knows.
        commit: full hash of the code that was planned, where a pipeline reads its own plan.
        created_at: path of a plan -> RFC 3339 time it was made, for Terraform before 1.5, whose plans tell none; else the file's time counts.
    """

    path: str
    name: str = ""
    workspaces: Mapping[str, str] = field(default_factory=dict[str, str])
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    repository: str = ""
    directory: str = ""
    directories: Mapping[str, str] = field(default_factory=dict[str, str])
    modules: Mapping[str, str] = field(default_factory=dict[str, str])
    lineages: Mapping[str, str] = field(default_factory=dict[str, str])
    commit: str = ""
    created_at: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def scope(self) -> str:
        """The location's name: as set, or the absolute path."""
        return self.name or Path(self.path).expanduser().absolute().as_posix()

    def workspace_of(self, path: str) -> str:
        """The workspace of the plan at this relative path."""
        return _places(self.workspaces).environment(path, "default") or "default"

    def environment_of(self, path: str, workspace: str) -> str:
        """The environment, empty when it is not known."""
        return _places(self.environments).environment(path, workspace) or ""

    def lineage_of(self, path: str, workspace: str) -> str:
        """The lineage of the state, empty when it is not told."""
        return self.lineages.get(workspace) or _places(self.lineages).environment(path, "default") or ""

    def directory_of(self, path: str, workspace: str, module: str) -> str | None:
        """The repository directory of a module path without keys; None when it is not known."""
        state = TerraformStateSettings(
            "", repository=self.repository, directory=self.directory, directories=self.directories, modules=self.modules
        )
        return state.module_directory(path, workspace, module)


def _places(mapping: Mapping[str, str]) -> TerraformStateSettings:
    return TerraformStateSettings("", environments=mapping)
