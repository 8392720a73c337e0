"""Commands of Terraform for a POSIX shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def terraform(directory: str, verb: str, *, var_files: Sequence[str] = (), target: str = "") -> str:
    """One command line. `var_files` are relative to `directory`."""
    start = f"terraform -chdir={shlex.quote(directory)}" if directory not in ("", ".") else "terraform"
    options = "".join(f" -var-file={_quoted(v)}" for v in var_files)
    return f"{start} {verb}{options}" + (f" -target={_quoted(target)}" if target else "")


def _quoted(text: str) -> str:
    """In single quotes always, since addresses hold brackets and quotes."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
