"""Which changed lines and values are not told, because only what stands around them shows that they hold a secret.

`ingest.redact` finds `password = "…"` by the name beside the value. In a diff that name may stand on another line, or outside
the diff: `variable "api_token" {` and, below, `default = "…"`. Those lines are left out whole; when in doubt, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ingest.secret_patterns import is_secret_name

if TYPE_CHECKING:
    from ingest.sources.git.blocks import BlockChange, FileChange
    from ingest.sources.git.changed_lines import Lines

_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_OPENS = re.compile(r"(\[|\(|\{|:|=>|=|[|>][+-]?|<<[-~]?\s*[\"']?\w+[\"']?)\s*$")
_OWN_VALUE = re.compile(
    r"^(?:- +)?[\"']?(value|default|body|content)[\"']?\s*(?::|=>?)\s*(?P<value>.+?)\s*[,;]?$", re.IGNORECASE
)
_ASSIGNED = re.compile(r"^(?:- +)?[\"']?(?P<name>[A-Za-z_][\w.-]*)[\"']?\s*(?::|=>?)\s*(?P<value>\S.*?)\s*[,;]?$")
_BLOCK = re.compile(r"[|>][+-]?\d?|<<[-~]?\s*[\"']?\w+[\"']?")
_HARMLESS = re.compile(r"^[\"']?(true|false|null|none|nil|yes|no|-?\d{1,9}(\.\d{1,6})?)?[\"']?$|[\[({]$", re.IGNORECASE)
_NAMED = re.compile(r"^(?:- +)?[\"']?(?:name|key|id)[\"']?\s*(?::|=>?)\s*[\"']?(?P<name>[\w.-]+)", re.IGNORECASE)
_DATA = re.compile(r"^(string|binary)?data:", re.IGNORECASE)
_KIND = r"[\"']?kind[\"']?\s*:\s*[\"']?Secret(?:List)?\b"
SECRET_MANIFEST = re.compile(rf"^(?:- +)?{_KIND}", re.MULTILINE)
"""In a Kubernetes manifest the values of a Secret have names of all sorts."""
_HOLDS_SECRET = re.compile(_KIND.encode())
_SECRET_TYPE = "kubernetes:Secret"
_SECRET_PATH = re.compile(r"(?:data|stringData|value|\(text\))(?:[.\[]|\Z)|.*last-applied-configuration")
"""Attributes of a Secret that hold its values: also as a whole, as text that could not be read, and as kubectl repeats them all."""


def withheld_attribute(type_: str, path: str) -> bool:
    """Whether the value of this attribute of a block of this type is a secret, whatever it is called."""
    return type_ == _SECRET_TYPE and _SECRET_PATH.match(path) is not None


def without_secrets(
    lines: Mapping[str, Lines],
    files: Iterable[FileChange],
    changes: Iterable[BlockChange],
    read: Callable[[str], bytes | None],
) -> Mapping[str, Lines]:
    """The changed lines without those of files in which a Secret changed.

    In a diff a line `url: …` of a Secret looks like any other. Which blocks changed is known; where nothing could be read as blocks, a
    file that speaks of a Secret is left out.
    """
    if not lines:
        return lines
    told: set[str] = set()
    secret: set[str] = set()
    for change in changes:
        for place in (change.place, change.moved_from):
            if place is not None:
                told.add(place.path)
                if change.span.type == _SECRET_TYPE:
                    secret.add(place.path)
    for file in files:
        if file.path in lines and file.path not in told:
            blobs = [data for blob in (file.old_blob, file.new_blob) if blob and (data := read(blob)) is not None]
            if any(_HOLDS_SECRET.search(data) for data in blobs):
                secret.add(file.path)
    return {path: told for path, told in lines.items() if path not in secret} if secret else lines


class Withholding:
    """Decides line by line; one for each side of each hunk."""

    def __init__(self, section: str) -> None:
        """`section` is the line that the hunk stands in, empty when it is not known."""
        self._all = _names_secret(section) or _DATA.match(section) is not None
        self._owner_known = bool(section)
        self._below: int | None = None
        self._named_secret = False

    def withholds(self, line: str) -> bool:
        """Whether this line, with its indentation, is not to be told."""
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if self._below is not None and text and indent <= self._below and text[0] not in "}])":
            self._below = None
        if self._all or self._below is not None:
            return True
        if (named := _NAMED.match(text)) is not None:
            self._named_secret = is_secret_name(named["name"])
            self._owner_known = True
        elif _OPENS.search(text) is not None:
            self._owner_known = True
            if _names_secret(text) or _DATA.match(text) is not None:
                self._below = indent
        # `redact` knows a secret by its name beside an unquoted value only where the text is sure to be configuration; a diff always may be.
        plain = _ASSIGNED.match(text)
        if plain is not None and is_secret_name(plain["name"]) and not _says_nothing(plain["value"]):
            return True
        if (own := _OWN_VALUE.match(text)) is not None and _HARMLESS.search(own["value"]) is None:
            return self._named_secret or not self._owner_known
        return False


def _says_nothing(value: str) -> bool:
    """Whether a value holds nothing by itself: a number, a yes, the beginning of a block that follows."""
    return _HARMLESS.search(value) is not None or _BLOCK.fullmatch(value) is not None


def _names_secret(line: str) -> bool:
    return any(is_secret_name(word) for word in _WORD.findall(line[:200]))
