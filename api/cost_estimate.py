"""The estimate as the application makes it: a plan read or made, usage and prices opened, the cost of both sides told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cost.estimate import Sides
from agent.cost.estimate import estimate as estimated
from agent.cost.model import Estimate
from agent.cost.usage import Usage
from api.cost_plan import read_sides
from api.cost_prices import placed, price_book, read_cost_settings
from api.errors import UsageError
from graph.clock import rfc3339

if TYPE_CHECKING:
    from api.wiring import Engine

_LARGEST_PLAN_BYTES = 512 * 1024 * 1024
_PLAN_HINT = "make it with `terraform show -json PLANFILE`, or name the directory of a root module"


def estimate(
    engine: Engine,
    plan: Path,
    usage: Path | None = None,
    *,
    base: Path | None = None,
    prices: Sequence[Path] = (),
) -> Estimate:
    """The monthly cost of what a plan makes, and of what was there before.

    Args:
        plan: a plan as JSON, or a directory that Terraform can plan.
        usage: a usage file; the one of lore.yaml when None.
        base: the before is what this other plan makes, and not what the plan itself says was there.
        prices: price files, asked before those of the settings.

    Raises:
        UsageError: the plan or the usage file cannot be read.
        SettingsError: the section `cost:` of lore.yaml makes no sense.
        SourceError: a price file cannot be read, or Terraform fails.
    """
    from api.wiring import wall_clock

    settings = engine.settings
    told = read_cost_settings(settings.cost)
    if usage is None and told.usage:
        usage = placed(settings, told.usage)
    used = read_usage(usage) if usage else Usage()
    notes: list[str] = []
    sides = _sides(engine, plan, told.region, notes)
    if base is not None:
        earlier = _sides(engine, base, told.region, notes)
        sides = Sides(sides.after, earlier.after, (*sides.notes, *(f"{base.name}: {one}" for one in earlier.notes)))
    with price_book(settings, prices, notes) as book:
        return estimated(sides, book, used, today=rfc3339(wall_clock())[:10], notes=notes)


def _sides(engine: Engine, plan: Path, region: str, notes: list[str]) -> Sides:
    from ingest.sources.deployments.files import FileInvalid

    data = _planned(engine, plan) if plan.is_dir() else _read(plan)
    try:
        sides = read_sides(data, region)
    except FileInvalid as error:
        raise UsageError(f"{plan}: {error}", _PLAN_HINT) from None
    nowhere = sorted({one.type for one in sides.after if not one.region and one.type.startswith("aws_")})
    if nowhere:
        notes.append(
            "the plan does not tell the region of some resources: set `cost: region:` in lore.yaml for those without one"
        )
    return sides


def _read(plan: Path) -> bytes:
    try:
        if plan.stat().st_size > _LARGEST_PLAN_BYTES:
            raise UsageError(f"{plan} is larger than any plan", _PLAN_HINT)
        return plan.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"there is no {plan}", _PLAN_HINT) from None
    except OSError as error:
        raise UsageError(f"{plan} cannot be read: {error.strerror}", _PLAN_HINT) from None


def _planned(engine: Engine, directory: Path) -> bytes:
    """A plan of a root module as JSON, by Terraform, with what `drift: terraform:` says of that directory."""
    from api.drift_settings import read_drift_settings, root_of
    from ingest.terraform_cli import TerraformCli, TerraformRoot

    root = TerraformRoot(directory=directory.absolute())
    for one in read_drift_settings(engine.settings.drift).terraform:
        configured = root_of(one, engine.settings)
        if configured.directory.resolve() == directory.resolve():
            root = configured
            break
    return TerraformCli(root).plan_targets(())


def read_usage(path: Path) -> Usage:
    """A usage file. Raises `UsageError`."""
    import yaml

    hint = "it has the shape of Infracost's usage files: docs/cost.md shows one"
    try:
        return Usage.of(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"there is no {path}", hint) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UsageError(f"{path} is not YAML", hint) from None
    except ValueError as error:
        raise UsageError(f"{path} is no usage file: {error}", hint) from None
