"""Settings of the terraform_state source."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class TerraformStateSettings:
    """Where states are and what they belong to.

    Several settings map *places* to something. A key is a workspace's name, or a path prefix of state files relative to
    `location` (`envs/prod`); the longest matching path wins over a workspace, and `*` matches what nothing else does.

    Attributes:
        location: a state file, a directory (read recursively), or `s3://bucket/prefix`.
        name: what to call this location instead of its path; give it one to be able to move it.
        environments: place -> environment (`prod`). Without an entry a workspace other than `default` is its own environment.
        repository: owner/name of the code that declares the resources; without it no resource is tied to its code.
        directory: directory in `repository` of the root module.
        directories: place -> directory, where there is more than one root module.
        modules: module path (`module.vpc`, `module.vpc.module.subnets`, without keys) -> directory in `repository`. A state does not
            say where the code of a called module is; resources of modules that are not listed here are not tied to code.
        endpoint_url: of an S3 other than Amazon's.
        region: region of the bucket, when the environment does not say.
        taken_at: path of a state relative to `location` -> RFC 3339 time it was written, where the file's own time is wrong (a copy).
            State files hold no time: otherwise the time of last modification counts.
        accept_lineage: lineages that may replace another one at the same path.
        digest_key: secret text that keys the digests of values kept to tell later changes. Without it a change of a value that the state
            marks sensitive is not noticed when only that changed.
    """

    location: str
    name: str = ""
    environments: Mapping[str, str] = field(default_factory=dict[str, str])
    repository: str = ""
    directory: str = ""
    directories: Mapping[str, str] = field(default_factory=dict[str, str])
    modules: Mapping[str, str] = field(default_factory=dict[str, str])
    endpoint_url: str | None = None
    region: str | None = None
    taken_at: Mapping[str, str] = field(default_factory=dict[str, str])
    accept_lineage: tuple[str, ...] = ()
    digest_key: str = field(default="", repr=False)

    def environment(self, path: str, workspace: str) -> str | None:
        """The environment of the state at this relative path and workspace, when known."""
        found = _of_place(self.environments, path, workspace)
        return found if found is not None or workspace == "default" else workspace

    def module_directory(self, path: str, workspace: str, module: str) -> str | None:
        """The repository directory that declares the resources of a module path without keys; None when it is not known."""
        if not self.repository:
            return None
        if module:
            found = self.modules.get(module)
        else:
            found = _of_place(self.directories, path, workspace)
            found = self.directory if found is None else found
        return None if found is None else _normal(found)


def _of_place(mapping: Mapping[str, _T], path: str, workspace: str) -> _T | None:
    prefixes = [key for key in mapping if path == _normal(key) or path.startswith(_normal(key) + "/")]
    if prefixes:
        return mapping[max(prefixes, key=len)]
    return mapping.get(workspace, mapping.get("*"))


def _normal(directory: str) -> str:
    normal = posixpath.normpath(directory.strip("/")) if directory.strip("/") else ""
    return "" if normal == "." else normal
