"""A repository in memory, and what an edit made of it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from agent.fix.adopt import adopt
from agent.fix.model import Absent, Fix, Wanted
from graph.model import Value


@dataclass(frozen=True)
class Repository:
    files: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        return tuple(sorted(p for p in self.files if posixpath.dirname(p) == directory))

    def with_fix(self, fix: Fix) -> Repository:
        return Repository({**self.files, **{p.path: p.after.encode() for p in fix.files}})

    def text(self, path: str) -> str:
        return self.files[path].decode()


def repository(files: Mapping[str, str]) -> Repository:
    return Repository({path: dedent(text).lstrip("\n").encode() for path, text in files.items()})


def of(
    files: Mapping[str, str] | Repository,
    address: str,
    values: Mapping[str, Value | Absent],
    before: Mapping[str, Value | Absent] | None = None,
    *,
    directory: str = "",
    var_files: tuple[str, ...] = (),
    workspace: str = "",
    shares: tuple[str, ...] = (),
    roots: tuple[str, ...] = (),
    set_elsewhere: frozenset[str] = frozenset(),
    sensitive: frozenset[str] = frozenset(),
) -> tuple[Fix, Repository]:
    """The fix, and the code after it. A second adoption has to find nothing to do."""
    code = files if isinstance(files, Repository) else repository(files)
    wanted = Wanted(
        address=address,
        directory=directory,
        values=values,
        before=before or {},
        var_files=var_files,
        workspace=workspace,
        shares=shares,
        roots=roots,
        set_elsewhere=set_elsewhere,
        sensitive=sensitive,
    )
    fix = adopt(code, wanted, "drift_1")
    after = code.with_fix(fix)
    again = adopt(after, wanted, "drift_1")
    assert not again.files, again.diff
    return fix, after


def lines(fix: Fix) -> list[str]:
    """The lines that go and come, with their sign."""
    return [
        line for line in fix.diff.splitlines() if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]
