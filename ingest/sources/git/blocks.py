"""Blocks: named pieces of configuration code, and what a set of file changes did to them.

A *language* splits a file into block spans cheaply and reads one span's meaning when asked. `block_changes` compares the
files a commit touched, before and after, and says which blocks were created, updated, deleted, moved or only reformatted.
It is pure: bytes in, changes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from graph.model import Value

Effect = Literal["created", "updated", "deleted", "moved", "format_only"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a block stands in one version of a file.

    Attributes:
        address: its name within the module directory: `aws_lb.api`, `data.aws_ami.base`, `module.vpc`, `var.region`,
            `output.url`, `local.name`, `provider.aws`, `Deployment/shop/api`, `jobs.build`.
        block_type: resource, data, module, variable, output, local, provider, moved, import, check, object, job, key …
        type: resource type, empty where there is none (`aws_lb`, `kubernetes:Deployment`, `AWS::EC2::Instance`).
        name: its own name (`api`).
        text: its exact bytes; equal bytes mean an untouched block.
        start_line, end_line: 1-based, inclusive.
    """

    address: str
    block_type: str
    type: str
    name: str
    text: bytes
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Split:
    """The blocks of one file version, in order, and the lines that could not be read with the reason."""

    spans: tuple[Span, ...]
    unreadable: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a block says, however it is written. Two spans with equal `attributes` (and `type`) mean the same.

    Attributes:
        attributes: attribute path -> normalised value. Nested blocks and maps are flattened: `ingress[0].cidr_blocks`.
        references: attribute path -> addresses in the same directory that it refers to.
        module_source: for a module call, the source as written.
    """

    attributes: Mapping[str, Value]
    references: Mapping[str, tuple[str, ...]]
    module_source: str = ""


class Language(Protocol):
    """A configuration language. One file in `languages/`, one line in its `__init__`."""

    name: str

    def matches(self, path: str) -> bool:
        """Whether this language reads files at this path."""
        ...

    def directory(self, path: str) -> str:
        """The directory within which this file's addresses are unique: the module directory for HCL, the file itself elsewhere."""
        ...

    def split(self, path: str, data: bytes) -> Split:
        """The file's blocks. Never raises on bad input: what cannot be read is in `unreadable`, the rest is kept."""
        ...

    def meaning(self, span: Span) -> Meaning:
        """What the span says. Never raises; text that cannot be understood is its own meaning."""
        ...


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file in one diff. A blob id is a git hash; None means the file is absent on that side. `read` fetches a blob
    and returns None when it cannot be read (missing, too large); the caller quarantines that."""

    path: str
    old_blob: str | None
    new_blob: str | None


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute path. `before` and `after` are None when absent, else a 1-tuple of the value."""

    path: str
    before: tuple[Value] | None
    after: tuple[Value] | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block stands or stood."""

    directory: str
    address: str
    path: str
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class BlockChange:
    """What happened to one block in one diff.

    Attributes:
        effect: what happened; for `moved` the block is the one at `place` and `moved_from` says where it was. A move
            that also changed the meaning is `updated` with `moved_from` set.
        place: after the change; for `deleted`, before it.
        span: the new version (the old one when deleted); `meaning` likewise.
        attributes: the paths that differ; all of them for created and deleted; empty for moved and format_only.
        score: likeness of a move, 1.0 for an equal body; `rule` says how it was found (moved_block, same_body, similar_body).
        references_changed: whether `meaning.references` or `module_source` differ from before (True when created).
    """

    effect: Effect
    language: str
    place: Place
    span: Span
    meaning: Meaning
    attributes: tuple[AttributeChange, ...]
    moved_from: Place | None = None
    score: float = 1.0
    rule: str = ""
    references_changed: bool = False


class BlockDiffer(Protocol):
    """Compares; keeps bounded caches of split blobs and meanings between calls."""

    def changes(self, files: Sequence[FileChange], read: Callable[[str], bytes | None]) -> list[BlockChange]:
        """What this set of file changes did to blocks, in a stable order."""
        ...
