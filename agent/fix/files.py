"""A repository's code directory by directory, with the edits that were made so far."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

import msgspec
from tree_sitter import Node

from agent.fix.model import Code, Wanted
from agent.fix.references import Ref, refs_of
from agent.fix.refusal import InTheWay
from agent.fix.syntax import Block, Source, blocks, parse


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """The `.tf` files right in a directory.

    Attributes:
        json: paths of its `.tf.json` files, which are not read.
        unread: paths that are no UTF-8.
    """

    path: str
    sources: tuple[Source, ...]
    json: tuple[str, ...]
    unread: tuple[str, ...]
    _refs: list[tuple[Ref, ...]] = field(default_factory=list[tuple[Ref, ...]])

    def blocks(self, type: str, *labels: str) -> list[Block]:
        """Blocks of this type and these labels, in the order of files."""
        return [
            b for s in self.sources for b in blocks(s) if b.type == type and b.labels[: len(labels)] == tuple(labels)
        ]

    def one(self, type: str, *labels: str) -> Block | None:
        """The only block of this name. Raises `InTheWay` when an override file or a second block says something too."""
        found = self.blocks(type, *labels)
        if len(found) > 1:
            raise InTheWay(f"{found[0].name} is written at {' and at '.join(b.at for b in found)}")
        return found[0] if found else None

    def local(self, name: str) -> tuple[Source, Node] | None:
        """The attribute of a `locals` block."""
        for block in self.blocks("locals"):
            if (node := block.attribute(name)) is not None:
                return block.source, node
        return None

    def refs(self) -> tuple[Ref, ...]:
        """Every mention of a symbol in its files."""
        if not self._refs:
            self._refs.append(tuple(r for s in self.sources for r in refs_of(s)))
        return self._refs[0]

    @property
    def broken(self) -> tuple[str, ...]:
        """`path:line` of each file that does not parse."""
        return tuple(f"{s.path}:{s.broken}" for s in self.sources if s.broken)


class Files:
    """A repository's code with the edits that were made so far."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._edited: dict[str, bytes] = {}
        self._directories: dict[str, Directory] = {}

    @property
    def edited(self) -> dict[str, bytes]:
        """Path -> bytes of what was written."""
        return dict(self._edited)

    def read(self, path: str) -> bytes | None:
        """A file as it is now."""
        return self._edited[path] if path in self._edited else self._code.read(path)

    def original(self, path: str) -> bytes | None:
        """A file as it was."""
        return self._code.read(path)

    def write(self, path: str, data: bytes) -> None:
        """Put an edited file in its place."""
        self._edited[path] = data
        self._directories.pop(normal(posixpath.dirname(path)), None)

    def restore(self, edited: dict[str, bytes]) -> None:
        """Go back to an earlier state of `edited`."""
        self._edited = dict(edited)
        self._directories.clear()

    def source(self, path: str) -> Source | None:
        """A file's tree."""
        data = self.read(path)
        return None if data is None else parse(path, data)

    def directory(self, path: str) -> Directory:
        """The code right in a directory."""
        path = normal(path)
        if path not in self._directories:
            names = sorted({*self._code.list(path), *(p for p in self._edited if posixpath.dirname(p) == path)})
            sources: list[Source] = []
            unread: list[str] = []
            for name in (n for n in names if n.endswith(".tf")):
                data = self.read(name)
                if data is None:
                    continue
                try:
                    data.decode()
                except UnicodeDecodeError:
                    unread.append(name)
                else:
                    sources.append(parse(name, data))
            json = tuple(n for n in names if n.endswith(".tf.json"))
            self._directories[path] = Directory(path, tuple(sources), json, tuple(unread))
        return self._directories[path]

    def variable_files(self, wanted: Wanted, directory: str) -> list[str]:
        """The files that set variables of a root module, the one that wins first.

        `-var-file` in reverse order of the command line, then `*.auto.tfvars` from the last name to the first, then `terraform.tfvars`:
        https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
        """
        names = [n for n in self._code.list(normal(directory)) if n.endswith((".tfvars", ".tfvars.json"))]
        automatic = sorted(n for n in names if n.endswith((".auto.tfvars", ".auto.tfvars.json")))
        plain = [n for n in names if posixpath.basename(n) in ("terraform.tfvars", "terraform.tfvars.json")]
        ordered = [*sorted(plain), *automatic, *wanted.var_files]
        return [n for i, n in reversed(list(enumerate(ordered))) if n not in ordered[i + 1 :]]


def normal(directory: str) -> str:
    """A directory's path in the repository, empty for its top."""
    path = posixpath.normpath(directory or ".")
    return "" if path == "." else path


def json_sets(data: bytes, name: str) -> bool:
    """Whether a `.tfvars.json` sets a variable."""
    try:
        return name in msgspec.json.decode(data, type=dict[str, object])
    except msgspec.MsgspecError:
        return False
