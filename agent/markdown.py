"""Text of sources inside Markdown: shown as it is, never as markup, links, mentions or HTML (https://github.github.com/gfm/)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.evidence import inline
from agent.model import Citation

_MARK = re.compile(r"\[(c\d+)\]")
_SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<!\w)_|_(?!\w))")
_OPENING = re.compile(r"^(\d+)([.)])|^()([-+#>=])")
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto):")
_URL = re.compile(r"https?://[^\s<>()\[\]\\\"'`{}|^]{1,1000}")


def escaped(text: str, limit: int = 2_000) -> str:
    """A text in one line that Markdown shows as it is: no markup, no links, no mentions of people."""
    text = _SPECIAL.sub(r"\\\1", inline(text, limit).replace("&", "&amp;"))
    text = _OPENING.sub(lambda m: f"{m[1] or ''}\\{m[2] or m[4]}", text)
    text = _LINK.sub(r"\1\\:", text).replace("www.", "www\\.")
    # A word joiner is not seen, and ends what a forge takes for somebody's name.
    return text.replace("@", "@\u2060")


def code(text: str, limit: int = 1_000) -> str:
    """A command as code in a line: fenced by more backticks than it has in a row."""
    text = inline(text, limit)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def marked(text: str, citations: Mapping[str, Citation]) -> str:
    """A paragraph of ours, with marks `[c1]`: the text escaped, the marks leading to what they cite."""
    parts = _MARK.split(text)
    return "".join(mark(part, citations) if i % 2 else _spaced(part) for i, part in enumerate(parts))


def marks(ids: tuple[str, ...], citations: Mapping[str, Citation]) -> str:
    """Citation marks after a line: ` [c1] [c2]`."""
    return "".join(f" {mark(i, citations)}" for i in dict.fromkeys(ids))


def mark(id_: str, citations: Mapping[str, Citation]) -> str:
    """A mark as a link to what it cites, when that has an address."""
    found = citations.get(id_)
    url = web_address(found.url) if found is not None else ""
    return f"[\\[{id_}\\]]({url})" if url else f"\\[{id_}\\]"


def web_address(url: str | None) -> str:
    """The address when it is one of the web without anything in it that ends a link; else empty."""
    return url if url and _URL.fullmatch(url) else ""


def _spaced(text: str) -> str:
    """Escaped, with the blanks at both ends that stand between it and the marks."""
    core = escaped(text, 8_000)
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and core else ""
    return f"{before}{core}{after}"
