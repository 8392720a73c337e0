"""Which changed lines are not told, because only what stands around them shows that they hold a secret.

`ingest.redact` finds `password = "…"` by the name beside the value. In a diff that name may stand on another line, or outside
the diff: `variable "api_token" {` and, below, `default = "…"`. Those lines are left out whole; when in doubt, too.
"""

from __future__ import annotations

import re

from ingest.secret_patterns import is_secret_name

_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_OPENS = re.compile(r"(\[|\(|\{|:|=>|=|[|>][+-]?|<<[-~]?\s*[\"']?\w+[\"']?)\s*$")
_OWN_VALUE = re.compile(
    r"^(?:- +)?[\"']?(value|default|body|content)[\"']?\s*(?::|=>?)\s*(?P<value>.+?)\s*[,;]?$", re.IGNORECASE
)
_HARMLESS = re.compile(r"^[\"']?(true|false|null|none|nil|yes|no|-?\d{1,9}(\.\d{1,6})?)?[\"']?$|[\[({]$", re.IGNORECASE)
_NAMED = re.compile(r"^(?:- +)?[\"']?(?:name|key|id)[\"']?\s*(?::|=>?)\s*[\"']?(?P<name>[\w.-]+)", re.IGNORECASE)
_DATA = re.compile(r"^(string|binary)?data:", re.IGNORECASE)
SECRET_MANIFEST = re.compile(r"^kind:\s*[\"']?Secret\b", re.MULTILINE)
"""In a Kubernetes manifest the values of a Secret have names of all sorts."""


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
        if (own := _OWN_VALUE.match(text)) is not None and _HARMLESS.search(own["value"]) is None:
            return self._named_secret or not self._owner_known
        return False


def _names_secret(line: str) -> bool:
    return any(is_secret_name(word) for word in _WORD.findall(line[:200]))
