"""The section `drift:` of lore.yaml, read once and strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from agent.drift.model import DriftKind
from agent.drift.observed import Rule
from api.errors import SettingsError
from api.settings import Settings
from ingest.terraform_cli import TerraformRoot

_HINT = "see docs/drift.md for what `drift:` may hold"


class RootSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A root module that Terraform can plan.

    Attributes:
        directory: where it is on this machine, relative to lore.yaml.
        name: what its scan is called; `repository:path` or the directory otherwise.
        repository: owner/name of its code, where pull requests go.
        path: the root module's directory in that repository.
        environment: what its instances run in.
        base: branch that pull requests are for; empty for the repository's default.
        imports: file in `path` that blocks for unmanaged resources are written to.
    """

    directory: str
    name: str = ""
    repository: str = ""
    path: str = ""
    environment: str = ""
    workspace: str = ""
    base: str = ""
    imports: str = ""
    variables: dict[str, str] = {}
    var_files: tuple[str, ...] = ()
    environment_variables: dict[str, str] = {}
    program: str = "terraform"
    timeout_s: float = 900.0

    @property
    def scope(self) -> str:
        """What its findings are kept under."""
        place = f"{self.repository}:{self.path}" if self.repository else self.directory
        return f"terraform/{self.name or place}" + (f"@{self.workspace}" if self.workspace else "")


class IgnoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the user says is no drift. Globs."""

    reason: str
    type: str = "*"
    address: str = "*"
    attribute: str = "*"
    environment: str = "*"
    kind: DriftKind | None = None


class DriftSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `drift:` can hold.

    Attributes:
        terraform: root modules to plan.
        ignore: what is no drift, with the reason.
        channel: where new drift is told.
        channels: owner or environment -> channel; before `channel`.
        every_s: how often to look; None for only when asked.
        least: the least severity that is told in a channel.
    """

    terraform: tuple[RootSettings, ...] = ()
    ignore: tuple[IgnoreSettings, ...] = ()
    channel: str = ""
    channels: dict[str, str] = {}
    every_s: int | None = None
    least: str = "low"

    def rules(self) -> tuple[Rule, ...]:
        """The user's rules as noise rules."""
        return tuple(
            Rule(
                name=f"lore.yaml: {one.type} {one.address} {one.attribute}".replace(" *", "").strip(),
                reason=one.reason,
                type=one.type,
                address=one.address,
                attribute=one.attribute,
                environment=one.environment,
                kinds=(one.kind,) if one.kind else (),
            )
            for one in self.ignore
        )


def read_drift_settings(given: Mapping[str, object]) -> DriftSettings:
    """The section. Raises `SettingsError`."""
    try:
        settings = msgspec.convert(dict(given), DriftSettings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"drift: {str(error)[:300]}", _HINT) from None
    for rule in settings.ignore:
        if not rule.reason.strip():
            raise SettingsError("drift.ignore: a rule has no reason", "say why it is no drift: `reason: …`")
    scopes = [root.scope for root in settings.terraform]
    if len(set(scopes)) != len(scopes):
        raise SettingsError("drift.terraform: two root modules have one name", "give each a `name:` of its own")
    return settings


def root_of(root: RootSettings, settings: Settings) -> TerraformRoot:
    """The root module as Terraform is run in it; paths are taken from where lore.yaml is."""
    base = settings.config_path.parent if settings.config_path else Path()
    return TerraformRoot(
        directory=(base / Path(root.directory).expanduser()).absolute(),
        workspace=root.workspace,
        variables=root.variables,
        var_files=root.var_files,
        environment_variables=root.environment_variables,
        program=root.program,
        timeout_s=root.timeout_s,
    )
