"""Terraform looks at an edit, in a copy of the work tree: formatted, valid, and nothing left to do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.drift.model import Drift
from agent.fix.model import FilePatch, Fix
from api.drift_code import top_of
from api.drift_settings import RootSettings, root_of
from ingest.source import SourceError
from ingest.terraform_cli import TerraformCli

if TYPE_CHECKING:
    from api.wiring import Engine

_NOT_COPIED = (".git", ".terraform", "node_modules", ".venv", "__pycache__")


def checked(engine: Engine, root: RootSettings, drift: Drift, fix: Fix) -> Fix:
    """The fix with what Terraform says of it, in a copy of the work tree: formatted, valid, and nothing left to do."""
    settings = root_of(root, engine.settings)
    top = top_of(root, engine)
    told: list[str] = []
    try:
        with tempfile.TemporaryDirectory(prefix="lore-fix-") as folder:
            copy = Path(folder) / "code"
            shutil.copytree(top, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
            for patch in fix.files:
                file = copy / patch.path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(patch.after, encoding="utf-8")
            data = settings.environment_variables.get("TF_DATA_DIR") or str(settings.directory / ".terraform")
            there = replace(
                settings,
                directory=copy / settings.directory.relative_to(top),
                environment_variables={**settings.environment_variables, "TF_DATA_DIR": data},
            )
            terraform = TerraformCli(there)
            unformatted = [p.path for p in fix.files if _unformatted(terraform, p)]
            told.append("fmt: clean" if not unformatted else f"fmt: {', '.join(unformatted)} would be formatted")
            if problem := terraform.validate():
                return _unsafe(fix, [*told, f"validate: {problem}"], f"Terraform refuses the edited code: {problem}")
            told.append("validate: valid")
            left = _left(terraform, drift)
    except (SourceError, OSError, ValueError) as error:
        return msgspec.structs.replace(fix, checked=(*told, f"plan: not made ({error})"))
    if left:
        return _unsafe(fix, [*told, f"plan: {left}"], f"a plan of the edited code still tells: {left}")
    return msgspec.structs.replace(fix, checked=(*told, "plan: nothing left to do for it"))


def _unformatted(terraform: TerraformCli, patch: FilePatch) -> bool:
    """Whether the edit left a file unformatted that was formatted before."""
    if not patch.path.endswith((".tf", ".tfvars")):
        return False
    before, after = patch.before.encode(), patch.after.encode()
    return terraform.formatted(after) != after and terraform.formatted(before) == before


def _left(terraform: TerraformCli, drift: Drift) -> str:
    """What a plan of the edited code still would do to this thing; empty when nothing."""
    from ingest.sources.terraform_plan.document import read_plan

    plan = read_plan(terraform.planned().plan)
    for one in plan.resource_changes:
        actions = set(one.change.actions) - {"no-op", "read"}
        mine = one.address == drift.address or (drift.kind == "unmanaged" and one.change.importing is not None)
        if mine and actions:
            return f"{one.address}: {' and '.join(sorted(actions))}"
    return ""


def _unsafe(fix: Fix, checked: Sequence[str], why: str) -> Fix:
    return msgspec.structs.replace(fix, safe=False, why=why, checked=tuple(checked))
