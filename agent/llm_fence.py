"""Text of others on its way to a model: cleaned, without secrets, cut, and fenced so that it cannot pass for an instruction.

The fence's mark is a digest of everything inside, so whoever wrote a part of it cannot know it and write the closing line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

Redact = Callable[[str], str]
"""Takes secrets out of a text. Idempotent."""

_CUT = "… (cut)"
_LOOKED_AT = 4
"""Times the limit of a line: so much of a text is read for it."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """Blocks of data under one mark. `text` has them all, in order; `cut` says how many were shortened."""

    mark: str
    text: str
    cut: int = 0


def fenced(blocks: Mapping[str, str], redact: Redact, limit: int = 20_000) -> Fenced:
    """The blocks, each prepared and between two lines that carry the mark.

    Args:
        blocks: title to text; titles are ours, texts anybody's.
        redact: takes secrets out.
        limit: how many characters a block may have; what is longer is cut, after its secrets went.
    """
    made = {title: prepared(text, redact) for title, text in blocks.items()}
    shown = {title: text if len(text) <= limit else text[:limit] + _CUT for title, text in made.items()}
    mark = _mark("\x1f".join(shown.values()))
    lines = [f"<<{mark} {title}\n{text}\n{mark}>>" for title, text in shown.items()]
    return Fenced(mark, "\n\n".join(lines), sum(len(text) > limit for text in made.values()))


def prepared(text: str, redact: Redact) -> str:
    """A text as a model may see it: composed, without invisible characters and without secrets, whatever its length.

    What is invisible goes first, lest it hide a secret; the brackets that some models take for the start of another speaker are
    taken apart.
    """
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    visible = "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return redact(visible).replace("<|", "< |").replace("|>", "| >").strip()


def one_line(text: str, redact: Redact, limit: int = 300) -> str:
    """The same in one line, cut to `limit`: for lists of things.

    Of a long text only the beginning is looked at, and of that nothing near its end is shown, where a secret may have been cut in two.
    """
    head = text[: limit * _LOOKED_AT]
    line = " ".join(prepared(head, redact).split())
    shown = limit if len(head) == len(text) else max(0, min(limit, len(line) - limit))
    return line if len(line) <= shown else line[:shown] + _CUT


def _mark(content: str) -> str:
    mark = blake2b(content.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    while mark in content:  # only by a collision that nobody can make
        mark = blake2b(mark.encode(), digest_size=6).hexdigest()
    return mark
