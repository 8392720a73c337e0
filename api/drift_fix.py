"""What to do about one drift: the edit of the code, or the apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from agent.drift.model import Drift
from agent.drift.sides import last_inventory, last_state
from agent.evidence import text_of
from agent.fix.adopt import adopt
from agent.fix.imports import import_block, remove_block
from agent.fix.model import Absent, Code, Fix, Wanted
from agent.fix.revert import revert
from agent.model import AttributeState
from api.drift_check import checked
from api.drift_code import code_of, no_code, root_for
from api.drift_settings import DriftSettings, RootSettings, root_of
from api.errors import UsageError
from graph.model import EntityRef, Value
from graph.store import Limits
from ingest.source import SourceError
from ingest.terraform_cli import TerraformCli

if TYPE_CHECKING:
    from agent.fix.model import FixHow
    from api.wiring import Engine

_BLOCKS = 50_000
_WAYS: Mapping[str, str] = {
    "adopt": "adopt",
    "revert": "revert",
    "import": "adopt",
    "remove": "adopt",
    "delete": "revert",
}


def make_fix(engine: Engine, settings: DriftSettings, drift: Drift, how: str, *, check: bool = True) -> Fix:
    """What to do about a drift.

    Args:
        how: adopt (the code follows; an unmanaged thing is imported, a missing one leaves the code) or revert; empty for the drift's first remedy.
        check: let Terraform look at the edit where it can.

    Raises:
        UsageError: it cannot be mended this way.
    """
    way = _WAYS.get(how or drift.remedies[0])
    if way is None:
        raise UsageError(f"there is no way {how!r} to mend a drift", "--how is adopt or revert")
    root = root_for(settings, drift)
    if way == "revert":
        return _revert(engine, settings, root, drift)
    code = code_of(engine, root, drift)
    if code is None:
        return Fix(drift=drift.id, how=_how(drift), safe=False, why=no_code(drift))
    fix = _edit(engine, settings, root, drift, code)
    return checked(engine, root, drift, fix) if check and root is not None and fix.files else fix


def _how(drift: Drift) -> FixHow:
    return "import" if drift.kind == "unmanaged" else "remove" if drift.kind == "missing" else "adopt"


def _edit(engine: Engine, settings: DriftSettings, root: RootSettings | None, drift: Drift, code: Code) -> Fix:
    directory = root.path if root is not None else drift.directory
    roots, shares = _neighbours(engine, settings, root, drift)
    if drift.kind == "missing":
        return remove_block(code, drift.address, directory, drift=drift.id, roots=roots)
    if drift.kind == "unmanaged":
        id_, attributes = _inventoried(engine, drift)
        return import_block(
            code, directory, drift.type, drift.address, id_, attributes, drift=drift.id, file=_import_file(root)
        )
    hidden = frozenset(a.path for a in drift.attributes if a.actual.state in ("redacted", "unknown"))
    attributes = [a for a in drift.attributes if a.path not in hidden]
    wanted = Wanted(
        address=drift.address,
        directory=directory,
        values={a.path: _side(a.actual) for a in attributes},
        before={a.path: _side(a.desired) for a in attributes},
        var_files=tuple(f"{directory}/{f}".lstrip("/") for f in root.var_files) if root is not None else (),
        set_elsewhere=_set_elsewhere(root),
        workspace=root.workspace if root is not None else "",
        shares=shares,
        roots=roots,
        sensitive=hidden,
    )
    return adopt(code, wanted, drift.id)


def _side(state: AttributeState) -> Value | Absent:
    return Absent() if state.state == "absent" else _json(state.value)


def _json(value: object) -> Value:
    return msgspec.convert(msgspec.to_builtins(value), object)  # pyright: ignore[reportReturnType] - JSON in, JSON out


def _set_elsewhere(root: RootSettings | None) -> frozenset[str]:
    if root is None:
        return frozenset()
    given = {name.removeprefix("TF_VAR_") for name in root.environment_variables if name.startswith("TF_VAR_")}
    return frozenset(given | set(root.variables))


def _neighbours(
    engine: Engine, settings: DriftSettings, root: RootSettings | None, drift: Drift
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other root modules of the same repository, and what else is made from this very directory: by settings, and by the states known."""
    repository, directory = (root.repository, root.path) if root is not None else (drift.repository, drift.directory)
    environment = root.environment if root is not None else drift.environment
    same = [r for r in settings.terraform if r is not root and r.repository == repository]
    made = [(r.path, r.environment or r.workspace) for r in same] + _made_from(engine, repository)
    roots = {path for path, _ in made if path != directory}
    shares = {name for path, name in made if path == directory and name and name != environment}
    return tuple(sorted(roots)), tuple(sorted(shares))


def _made_from(engine: Engine, repository: str) -> list[tuple[str, str]]:
    """Directory of a root module -> environment or workspace, for each that a state tells of."""
    store, view = engine.store, engine.view
    blocks = store.select("Block", {"repository": [repository]}, view, Limits(rows=_BLOCKS)).items if repository else ()
    calls = {b.ref: text_of(b.properties, "directory") for b in blocks}
    edges = (
        store.neighbours(sorted(calls), view, Limits(rows=_BLOCKS), types=("CONFIGURES",), direction="out").items
        if calls
        else ()
    )
    things = {r: e for e in store.entities(sorted({e.dst for e in edges}), view) for r in e.refs}
    made: set[tuple[str, str]] = set()
    for edge in edges:
        state = last_state(things[edge.dst]) if edge.dst in things else None
        if state is not None:
            name = text_of(state.properties, "environment") or text_of(state.properties, "workspace")
            made.add((calls.get(edge.src, ""), name))
    return sorted(made)


def _import_file(root: RootSettings | None) -> str:
    return f"{root.path}/{root.imports}".lstrip("/") if root is not None and root.imports else ""


def _inventoried(engine: Engine, drift: Drift) -> tuple[str, Mapping[str, Value]]:
    """The id that an import takes, and what the inventory knows of an unmanaged thing."""
    thing = engine.store.entity(EntityRef(drift.ref), engine.view)
    statement = last_inventory(thing) if thing is not None else None
    attributes = statement.properties.get("attributes") if statement is not None else None
    told: dict[str, Value] = nested(attributes) if isinstance(attributes, Mapping) else {}
    tags = statement.properties.get("tags") if statement is not None else None
    if isinstance(tags, Mapping) and tags:
        told["tags"] = {k: v for k, v in tags.items() if not k.startswith("aws:")}
    id_ = told.get("id")
    named = id_ if isinstance(id_, str) and id_ else drift.cloud_id
    if named.startswith("arn:") and not drift.type.startswith(_BY_ARN):
        named = named.rpartition("/" if "/" in named else ":")[2]
    return named, told


_BY_ARN = ("aws_sns_topic", "aws_lb", "aws_sfn_", "aws_acm_", "aws_iam_policy", "aws_ecs_", "aws_secretsmanager_")
"""Resource types (prefixes) that are imported by their ARN; others by what it ends in."""


def nested(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """`ingress[0].from_port` and its like as lists of maps under the first name."""
    told = _nested([(_steps(path), value) for path, value in sorted(attributes.items())])
    return dict(told) if isinstance(told, Mapping) else {}


def _nested(items: Sequence[tuple[Sequence[str | int], Value]]) -> Value:
    if len(items) == 1 and not items[0][0]:
        return items[0][1]
    below: dict[str | int, list[tuple[Sequence[str | int], Value]]] = {}
    for steps, value in items:
        if steps:
            below.setdefault(steps[0], []).append((steps[1:], value))
    if below and all(isinstance(step, int) for step in below):
        return [_nested(below[step]) for step in sorted(below, key=int)]
    return {str(step): _nested(some) for step, some in below.items()}


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for part in path.replace("[", ".[").split("."):
        if part.startswith("[") and part.endswith("]"):
            steps.append(int(part[1:-1]) if part[1:-1].isdigit() else part[1:-1].strip('"'))
        elif part:
            steps.append(part)
    return steps


# -- the apply


def _revert(engine: Engine, settings: DriftSettings, root: RootSettings | None, drift: Drift) -> Fix:
    if drift.kind == "unmanaged":
        return Fix(
            drift=drift.id,
            how="revert",
            safe=False,
            why="no code knows of it, so no apply takes it away: delete it where it was made, or import it",
        )
    del settings
    also: tuple[str, ...] | None = None
    if root is not None and root.program:
        also = _also(engine, root, drift)
    return revert(
        drift=drift.id,
        address=drift.address,
        directory=root.directory if root is not None else drift.directory or ".",
        workspace=root.workspace if root is not None else "",
        var_files=tuple(root.var_files) if root is not None else (),
        also=also,
    )


def _also(engine: Engine, root: RootSettings, drift: Drift) -> tuple[str, ...] | None:
    """What an apply of this instance alone would change besides; None when it could not be planned."""
    from ingest.sources.deployments.files import FileInvalid
    from ingest.sources.terraform_plan.document import read_plan

    try:
        plan = read_plan(TerraformCli(root_of(root, engine.settings)).plan_targets([drift.address]))
    except (SourceError, FileInvalid):
        return None
    changed = [r.address for r in plan.resource_changes if not set(r.change.actions) <= {"no-op", "read"}]
    return tuple(sorted(a for a in changed if a != drift.address))
