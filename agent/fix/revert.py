"""The apply that puts back what the code wants."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from agent.fix.commands import terraform
from agent.fix.model import Fix


def revert(
    *,
    drift: str,
    address: str,
    directory: str,
    workspace: str = "",
    var_files: tuple[str, ...] = (),
    also: tuple[str, ...] | None = None,
) -> Fix:
    """What to run so that one instance becomes what the code wants again.

    Args:
        directory: of the root module, as it is to be given to `terraform -chdir`.
        var_files: as `-var-file` takes them, relative to `directory`.
        also: addresses that the same apply would change as well (what it depends on); None when no plan told.

    Returns a `Fix` of `how="revert"` with `commands` for a POSIX shell and no files; unsafe when something else would be applied with it,
    or when nobody planned it.
    """
    commands = [terraform(directory, f"workspace select {shlex.quote(workspace)}")] if workspace else []
    commands += [terraform(directory, verb, var_files=var_files, target=address) for verb in ("plan", "apply")]
    others = [a for a in also or () if a != address]
    if also is None:
        why = "An apply of this address puts it back; nobody planned yet what else it would change: look at the plan first."
    elif others:
        why = f"An apply of this address puts it back and changes {_listed(others)} as well."
    else:
        why = "An apply of this address puts it back and changes nothing else, by the plan."
    return Fix(drift=drift, how="revert", safe=also is not None and not others, why=why, commands=tuple(commands))


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")
