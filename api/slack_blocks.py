"""Slack blocks and their texts (https://docs.slack.dev/reference/block-kit/blocks), within Slack's limits.

Text of sources is escaped as Slack asks (https://docs.slack.dev/messaging/formatting-message-text#escaping), so that it names nobody and links
nowhere, and what Slack would take for its own formatting is replaced by a sign that looks alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from agent.evidence import inline
from agent.markdown import web_address
from agent.model import Citation

MAX_BLOCKS = 50
MAX_CHARS = 3_000
MAX_MESSAGE_CHARS = 30_000
"""Of all texts of one message; Slack takes 40,000, links and markup included."""
MAX_HEADER_CHARS = 150
MAX_LABEL_CHARS = 75
MAX_VALUE_CHARS = 2_000
MAX_ACTION_ID_CHARS = 255
MAX_BUTTONS = 25
URL_CHARS = 300

Block: TypeAlias = Mapping[str, object]

_LOOKS = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_ITALIC = re.compile(r"(?<!\w)_|_(?!\w)")
_QUOTE = re.compile(r"^(?=&gt;)")
_MARK = re.compile(r"\[(c\d+)\]")
_ROOM = MAX_CHARS - 20


# -- blocks


def section(lines: Sequence[str]) -> Block:
    """A section of these lines, as many as there is room for; it says how many are left out."""
    kept: list[str] = []
    room = _ROOM
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append(f"… {len(lines) - len(kept)} more")
            break
        kept.append(line)
    told = "\n".join(kept) or "…"
    # `verbatim`: nothing that looks like an address, a channel or a name becomes one
    return {"type": "section", "text": {"type": "mrkdwn", "text": told[:MAX_CHARS], "verbatim": True}}


def sections(lines: Sequence[str], most: int = 3) -> list[Block]:
    """As many sections as these lines need, up to `most`; the last one says what is left out."""
    found: list[Block] = []
    rest = list(lines)
    while rest and len(found) < most - 1:
        taken, room = 0, _ROOM
        while taken < len(rest) and (room := room - len(rest[taken]) - 1) >= 0:
            taken += 1
        if not taken or taken == len(rest):
            break
        found.append(section(rest[:taken]))
        rest = rest[taken:]
    return [*found, section(rest)] if rest else found


def context(said: str) -> Block:
    """A small grey line that Slack formats in no way."""
    return {"type": "context", "elements": [plain(said, 1_000)]}


def header(said: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(said, MAX_HEADER_CHARS)}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def button(label: str, action_id: str, value: str, *, style: str = "") -> Block:
    """A button. `value` comes back when it is clicked: keep it short, the message carries it.

    Raises:
        ValueError: the value or the action's id is longer than Slack takes: cut, it would mean something else.
    """
    if len(value) > MAX_VALUE_CHARS or len(action_id) > MAX_ACTION_ID_CHARS:
        raise ValueError("the value of a button, or its id, is too long")
    made: dict[str, object] = {
        "type": "button",
        "text": plain(label, MAX_LABEL_CHARS),
        "action_id": action_id,
        "value": value,
    }
    return {**made, "style": style} if style else made


def actions(buttons: Sequence[Block], block_id: str = "") -> Block:
    """Buttons in a row."""
    made: dict[str, object] = {"type": "actions", "elements": list(buttons[:MAX_BUTTONS])}
    return {**made, "block_id": block_id} if block_id else made


def fit(blocks: Sequence[Block], last: Sequence[Block] = ()) -> list[Block]:
    """The blocks that fit into one message, with `last` (buttons, an id) at the end; a line says when some are left out."""
    room = MAX_MESSAGE_CHARS - sum(map(_chars, last))
    kept: list[Block] = []
    for block in blocks:
        room -= _chars(block)
        if room < 0 or len(kept) == MAX_BLOCKS - len(last):
            break
        kept.append(block)
    if len(kept) < len(blocks):
        kept = kept[: MAX_BLOCKS - len(last) - 1]
        kept.append(
            context(
                f"… {len(blocks) - len(kept)} more parts do not fit into one message; `lore` on a terminal shows them."
            )
        )
    return [*kept, *last]


def _chars(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_chars(v) for v in value.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return sum(_chars(v) for v in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return 0


# -- texts


def plain(said: str, limit: int) -> Mapping[str, object]:
    """A text that Slack formats in no way."""
    return {"type": "plain_text", "text": inline(said, limit) or "…", "emoji": False}


def escaped(said: str) -> str:
    """The three signs that Slack reads, as it wants them written."""
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text(said: str, limit: int = 400) -> str:
    """A text of a source in one line, that formats nothing, names nobody and links nowhere."""
    looks = _ITALIC.sub("ˍ", inline(said, limit).translate(_LOOKS))
    return _QUOTE.sub("\u2060", escaped(looks))


def code(said: str, limit: int = 400) -> str:
    """A command as code in a line."""
    return f"`{escaped(inline(said, limit).replace('`', 'ˋ'))}`"


def marked(said: str, cited: Mapping[str, Citation]) -> str:
    """A paragraph of ours with its marks as links."""
    parts = _MARK.split(said)
    told = [mark(p, cited) if i % 2 else _within(p) for i, p in enumerate(parts)]
    kept: list[str] = []
    room = MAX_CHARS - 100
    for part in told:
        room -= len(part)
        if room < 0:
            return "".join(kept) + "…"
        kept.append(part)
    return "".join(kept)


def marks(ids: Sequence[str], cited: Mapping[str, Citation]) -> str:
    """Up to three marks after a line."""
    return "".join(f" {mark(i, cited)}" for i in list(dict.fromkeys(ids))[:3])


def mark(id_: str, cited: Mapping[str, Citation]) -> str:
    """A mark, as a link when what it cites has an address."""
    found = cited.get(id_)
    return link(found, f"[{id_}]") if found is not None and has_link(found) else f"[{id_}]"


def has_link(to: Citation) -> bool:
    """Whether the citation has an address of the web that is short enough."""
    return 0 < len(web_address(to.url)) <= URL_CHARS


def link(to: Citation, said: str) -> str:
    """A link to a citation; `said` is escaped already."""
    return f"<{escaped(web_address(to.url))}|{said}>"


def source_line(to: Citation) -> str:
    """A citation in a list: its mark and its place, linked where it can be."""
    place = text(to.locator, 160)
    return f"[{to.id}] {link(to, place) if has_link(to) else place}"


def _within(said: str) -> str:
    """A part of a paragraph, with the blanks at its ends that stand between it and the marks."""
    told = escaped(_ITALIC.sub("ˍ", inline(said, MAX_CHARS).translate(_LOOKS)))
    return f"{' ' if said[:1] == ' ' else ''}{told}{' ' if told and said[-1:] == ' ' else ''}"
