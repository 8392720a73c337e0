"""Settings of the catalog source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DESCRIPTORS = ("*.yaml", "*.yml")
SHEETS = ("services*.csv", "*catalog*.csv", "*opslevel*.csv")


@dataclass(frozen=True, slots=True)
class CatalogSettings:
    """Where a catalog lies.

    Attributes:
        path: a directory, a git work tree's root or a bare repository.
        name: `owner/name` of the repository, or what to call the directory; told by the remote's URL or the directory's name when empty.
        rev: what to read of a repository: a branch, tag or hash; HEAD when empty.
        include: files to read, as patterns of `.gitignore`: YAML is looked through for Backstage descriptors, CSV must have columns for
            service and owner.
        exclude: files to leave out, as patterns of `.gitignore` (`templates/`, `**/skeleton/`).
        owners: owner as written in the catalog -> name of the team, where the two differ.
        columns: column of a CSV -> one of service, title, description, owner, tier, lifecycle, type, system, on_call, slack_channel,
            repository, environment, where the file names it otherwise.
    """

    path: str
    name: str = ""
    rev: str = ""
    include: tuple[str, ...] = (*DESCRIPTORS, *SHEETS)
    exclude: tuple[str, ...] = ("templates/", "skeleton/", "node_modules/")
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
