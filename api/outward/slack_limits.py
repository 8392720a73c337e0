"""What Slack takes in one message, checked before it is sent (https://docs.slack.dev/reference/block-kit/blocks): so a refusal names the place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from api.errors import OutwardRefused

MAX_BLOCKS = 50
MAX_TEXT_CHARS = 3_000
MAX_HEADER_CHARS = 150
MAX_CHARS = 40_000
Blocks = list[dict[str, object]]


def read_blocks(text: str) -> Blocks:
    """The blocks of a payload; none when it is empty.

    Raises:
        OutwardRefused: it is no JSON list of blocks, or more than Slack takes.
    """
    if not text.strip():
        return []
    try:
        blocks = msgspec.json.decode(text, type=Blocks)
    except msgspec.DecodeError:
        raise OutwardRefused("`blocks` is no JSON list of blocks", "docs/gateway.md shows one") from None
    if len(blocks) > MAX_BLOCKS:
        raise OutwardRefused(
            f"the message has {len(blocks)} blocks, Slack takes {MAX_BLOCKS}", "split it or leave some out"
        )
    total = sum(_check(block, i) for i, block in enumerate(blocks, 1))
    if total > MAX_CHARS:
        raise OutwardRefused(
            f"the message has {total} characters, Slack takes {MAX_CHARS}", "split it or leave some out"
        )
    return blocks


def check_text(text: str) -> None:
    """Raises `OutwardRefused`: it is longer than a message may be."""
    if len(text) > MAX_CHARS:
        raise OutwardRefused(
            f"the message has {len(text)} characters, Slack takes {MAX_CHARS}", "shorten it, or upload it as a file"
        )


def _check(block: Mapping[str, object], number: int) -> int:
    """How many characters a block's texts have."""
    most = MAX_HEADER_CHARS if block.get("type") == "header" else MAX_TEXT_CHARS
    texts = _texts(block)
    longest = max(map(len, texts), default=0)
    if longest > most:
        raise OutwardRefused(
            f"a text of block {number} has {longest} characters, Slack takes {most}", "shorten it or split the block"
        )
    return sum(map(len, texts))


def _texts(value: object) -> list[str]:
    """Every `text` inside a block."""
    if isinstance(value, Mapping):
        found: list[str] = []
        for key, item in cast("Mapping[str, object]", value).items():
            found += [item] if key == "text" and isinstance(item, str) else _texts(item)
        return found
    if isinstance(value, list):
        return [t for item in cast("list[object]", value) for t in _texts(item)]
    return []
