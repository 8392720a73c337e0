"""What is to be made true in code, and the edit that does it: the shapes of `agent.fix`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import msgspec

from agent.model import Struct
from graph.model import Value


class Code(Protocol):
    """The files of one commit or work tree."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None when there is none."""
        ...

    def list(self, directory: str) -> tuple[str, ...]:
        """Paths of the files right in a directory, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class Absent:
    """The attribute is not there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the code is to say of one instance.

    Attributes:
        address: full instance address: `module.edge.aws_security_group.api["a"]`.
        directory: directory of the root module in the repository.
        values: attribute path (`ingress[0].cidr_blocks`, `tags.Name`) -> the value that is there, or `Absent`.
        before: attribute path -> the value that the code has now, as the plan evaluated it. It may tell more than `values`: of a block that
            repeats, its other attributes, by which it is known again.
        var_files: files given with `-var-file`, in the order given, as paths in the repository.
        set_elsewhere: variables that `-var`, `TF_VAR_…` or the workspace set: no file holds their value.
        workspace: what `terraform.workspace` is; empty when it is not known.
        shares: other environments or workspaces that are made from the same directory: what stands in the `.tf` files is theirs too.
        roots: directories of the other root modules of the repository: a module that they call as well is shared.
        sensitive: attribute paths that differ and whose values are not known or never to be written down.
        nested: names of attributes that the provider's schema calls blocks (`ingress`, `rule.filter`), where it is known.
    """

    address: str
    directory: str
    values: Mapping[str, Value | Absent]
    before: Mapping[str, Value | Absent]
    var_files: tuple[str, ...] = ()
    set_elsewhere: frozenset[str] = frozenset()
    workspace: str = ""
    shares: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    sensitive: frozenset[str] = frozenset()
    nested: frozenset[str] | None = None


FixHow: TypeAlias = Literal["adopt", "revert", "import", "remove"]


class FilePatch(Struct, frozen=True, kw_only=True):
    """One file before and after; `before` is empty for a new file."""

    path: str
    before: str
    after: str


class Fix(Struct, frozen=True, kw_only=True):
    """What to do about one drift: `lore.fix/1`.

    Attributes:
        safe: the files below do all of it and nothing else, as far as the code tells.
        why: a sentence: why it is safe, or why it cannot be.
        files: what changes; with `safe` false a proposal to look at.
        diff: unified diff of `files`, as `git apply` takes it.
        commands: what to run: `terraform apply -target=…` of a revert, `terraform plan` to check.
        places: where the values were written, in words: "variable value in prod.tfvars:12".
        checked: what was checked of the result: fmt, validate, plan; empty when Terraform could not run.
    """

    schema: Literal["lore.fix/1"] = "lore.fix/1"
    drift: str
    how: FixHow
    safe: bool
    why: str
    files: tuple[FilePatch, ...] = ()
    diff: str = ""
    commands: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of `lore.fix/1`."""
        return msgspec.json.encode(self).decode()
