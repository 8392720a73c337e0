"""HCL: Terraform, OpenTofu, Terragrunt and other tools' `.hcl` files by block; `.tfvars` by key.

Addresses are Terraform's: `aws_lb.api`, `data.aws_ami.base`, `module.vpc`, `var.region`, `output.url`, `local.name` for each
entry of `locals`, `provider.aws.east`. A block of any other type has its type and labels joined by dots. `moved`, `import`
and `removed` carry the address they speak of, `moved.aws_lb.api`. Since a directory may hold several `terraform` blocks, and
override files repeat addresses, these carry their file: `terraform#versions.tf`. A second block of an address in one file,
which Terraform refuses, is `aws_lb.api#2`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from ingest.sources.git.blocks import Meaning, Span, Split
from ingest.sources.git.languages.hcl_meaning import read_meaning
from ingest.sources.git.languages.hcl_scan import ATTRIBUTE, Outline, Piece, Scanner, Stretch
from ingest.sources.git.languages.hcl_values import canonical_type

_SUFFIXES = (".tf", ".tofu", ".hcl", ".tfvars")
_MODULE_SUFFIXES = (".tf", ".tofu", ".pkr.hcl")
_ALIAS = re.compile(rb'^[ \t]*alias[ \t]*=[ \t]*"([^"\n]+)"', re.MULTILINE)
_SUBJECT = {
    "moved": re.compile(rb'^[ \t]*from[ \t]*=[ \t]*"?([^"\s#]+)', re.MULTILINE),
    "removed": re.compile(rb'^[ \t]*from[ \t]*=[ \t]*"?([^"\s#]+)', re.MULTILINE),
    "import": re.compile(rb'^[ \t]*to[ \t]*=[ \t]*"?([^"\s#]+)', re.MULTILINE),
}


class Hcl:
    """The HCL language, with the scanner's memory of the stretches it has seen."""

    name = "hcl"

    def __init__(self) -> None:
        self._scanner = Scanner()

    def matches(self, path: str) -> bool:
        """Whether the file's suffix is one of HCL's own. The JSON forms belong to JSON."""
        return path.endswith(_SUFFIXES)

    def directory(self, path: str) -> str:
        """The module directory; for values and other tools' files, which do not share addresses, the file itself."""
        name = posixpath.basename(path)
        if name.endswith(_MODULE_SUFFIXES) or name == "terragrunt.hcl":
            return posixpath.dirname(path)
        return path

    def split(self, path: str, data: bytes) -> Split:
        """All blocks of the file."""
        return self.spans(path, self.outline(data))

    def meaning(self, span: Span) -> Meaning:
        """What the block says, see `hcl_meaning`."""
        return read_meaning(span.block_type, span.text)[0]

    # -- what the differ asks beyond the protocol

    def outline(self, data: bytes) -> Outline:
        """Where the pieces of a file are, without making spans of them."""
        outline = self._scanner.outline(data)
        if outline is None:
            from ingest.sources.git.languages.hcl_tree import read_broken

            outline = read_broken(data)
        return outline

    def spans(self, path: str, outline: object, known: object = None) -> Split:
        """The spans of an outline; with `known` only those of stretches that `known` does not hold.

        An unchanged block may be among them, a changed one is never missing. Outlines are those of `outline`.
        """
        if not isinstance(outline, Outline):
            raise TypeError("not an outline of this language")
        unread = tuple((part.first_line, part.reason) for part in outline.unread)
        if isinstance(known, Outline) and not outline.repeats and not known.repeats:
            seen = {id(stretch) for stretch in known.stretches}
            placed = (
                (stretch, line)
                for stretch, line in zip(outline.stretches, outline.lines, strict=True)
                if id(stretch) not in seen
            )
        else:
            placed = zip(outline.stretches, outline.lines, strict=True)
        spans = tuple(_spans(path, placed))
        return Split(_told_apart(spans) if outline.repeats else spans, unread)

    def discern(self, span: Span) -> tuple[Meaning, bytes]:
        """The meaning, and a digest that is equal for spans that mean the same."""
        return read_meaning(span.block_type, span.text)

    def identity(self, span: Span) -> tuple[str, str]:
        """The address under which versions of a block are paired, and its type: with renamed resource types made equal."""
        canonical = canonical_type(span.type)
        if canonical == span.type:
            return span.address, span.type
        return span.address.replace(span.type, canonical, 1), canonical


def _spans(path: str, placed: Iterable[tuple[Stretch, int]]) -> Iterator[Span]:
    shared = path.endswith(_MODULE_SUFFIXES)
    file_mark = "#" + posixpath.basename(path)
    override = shared and _is_override(path)
    for stretch, line in placed:
        for piece in stretch.pieces:
            address, block_type, resource_type, name = _named(piece)
            if override or (shared and not piece.labels and block_type not in _SUBJECT):
                address += file_mark
            yield Span(
                address, block_type, resource_type, name, piece.text, line + piece.first_line, line + piece.last_line
            )


def _named(piece: Piece) -> tuple[str, str, str, str]:
    """Address, block type, resource type and name of a piece."""
    if piece.keyword == "provider":
        alias = _ALIAS.search(piece.text)
        if alias is not None and len(piece.labels) == 1:
            name = alias[1].decode("utf-8", "backslashreplace")
            return f"provider.{piece.labels[0]}.{name}", "provider", "", name
    elif piece.keyword in _SUBJECT and not piece.labels:
        subject = _SUBJECT[piece.keyword].search(piece.text)
        if subject is not None:
            name = subject[1].decode("utf-8", "backslashreplace").rstrip('"')
            return f"{piece.keyword}.{name}", piece.keyword, "", name
    return _named_by_labels(piece.keyword, piece.labels)


@lru_cache(maxsize=32_768)
def _named_by_labels(keyword: str, labels: tuple[str, ...]) -> tuple[str, str, str, str]:
    name = labels[-1] if labels else keyword
    if keyword == "resource" and len(labels) == 2:
        return f"{labels[0]}.{name}", keyword, labels[0], name
    if keyword == "data" and len(labels) == 2:
        return f"data.{labels[0]}.{name}", keyword, labels[0], name
    if keyword == "variable" and labels:
        return f"var.{name}", keyword, "", name
    if keyword == ATTRIBUTE:
        return name, "key", "", name
    return ".".join((keyword, *labels)), keyword, "", name


def _is_override(path: str) -> bool:
    stem = posixpath.basename(path).partition(".")[0]
    return stem == "override" or stem.endswith("_override")


def _told_apart(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The spans of one whole file with the repeats of an address numbered."""
    count: dict[str, int] = {}
    numbered: list[Span] = []
    for span in spans:
        number = count[span.address] = count.get(span.address, 0) + 1
        numbered.append(replace(span, address=f"{span.address}#{number}") if number > 1 else span)
    return tuple(numbered)


LANGUAGE = Hcl()
